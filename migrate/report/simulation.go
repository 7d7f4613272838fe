package report

import (
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/simulation"
)

// Simulation is what one level of the Pod Security Standards says to workloads.
type Simulation = simulation.Result

// Simulated is what one level of the Pod Security Standards says to one workload.
type Simulated = simulation.Workload

// SimulationText writes one line for each workload that a level of the standards would refuse, or whose answer is unknown.
// The lines are grouped by namespace and have the words of Pod Security admission.
func SimulationText(w io.Writer, s *Simulation, opts Options) error {
	p := &page{opts: opts}
	refused, unknown, exempt, last := 0, 0, 0, ""
	for _, r := range s.Results {
		switch {
		case r.Exempt != "":
			exempt++
			continue
		case r.Unknown != "":
			unknown++
		case !r.Allowed:
			refused++
		default:
			continue
		}
		if r.Namespace != last && !opts.NoHeaders {
			p.line("namespace/%s", escape.Terminal(r.Namespace))
			last = r.Namespace
		}
		text := r.Message
		if r.Unknown != "" {
			text = "not known " + string(s.Form) + ": " + r.Unknown
		}
		p.line("%s: %s", phrases.ObjectName(r.Kind, r.Name), escape.Terminal(text))
	}
	if !opts.NoHeaders {
		if refused+unknown > 0 {
			p.line("")
		}
		ending := ""
		if exempt > 0 {
			ending = fmt.Sprintf(", %d of them since they are exempt", exempt)
		}
		p.line("%s %s: %d would violate %s, %d not known, %d allowed%s.", phrases.CountNoun(len(s.Results), "workload", "workloads"),
			s.Form, refused, escape.Terminal(phrases.LevelVersion(s.Level, s.Version)), unknown, len(s.Results)-refused-unknown, ending)
	}
	return p.flush(w)
}

// SimulationJSON writes every result, the allowed ones too.
func SimulationJSON(w io.Writer, s *Simulation, _ Options) error { return writeJSON(w, s) }
