package report

import (
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Simulation is what one level and version would say to workloads.
type Simulation struct {
	// Form of the workloads: "as written", "as admitted" or "day after".
	Form    string      `json:"form"`
	Level   string      `json:"level"`
	Version string      `json:"version"`
	Results []Simulated `json:"results"`
}

// Simulated is one workload against the level.
type Simulated struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	// AdmittedBy is the policy that admits it today, in the form as admitted.
	AdmittedBy string `json:"admittedBy,omitempty"`
	// Allowed says whether the level lets it in; it means nothing where Unknown is set.
	Allowed bool `json:"allowed"`
	// Message is the text of Pod Security admission, empty where the workload is allowed.
	Message    string              `json:"message,omitempty"`
	Violations []migrate.Violation `json:"violations,omitempty"`
	// Unknown says why no answer can be given.
	Unknown string `json:"unknown,omitempty"`
}

// SimulationText writes one line for each workload that would be refused or is not known, by namespace, in the words of
// Pod Security admission.
func SimulationText(w io.Writer, s *Simulation, opts Options) error {
	p := &page{opts: opts}
	refused, unknown, last := 0, 0, ""
	for _, r := range s.Results {
		switch {
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
			text = "not known " + s.Form + ": " + r.Unknown
		}
		p.line("%s: %s", wording.Ref(r.Kind, r.Name), escape.Terminal(text))
	}
	if !opts.NoHeaders {
		if refused+unknown > 0 {
			p.line("")
		}
		p.line("%s %s: %d would violate %s, %d not known, %d allowed.", wording.Count(len(s.Results), "workload", "workloads"),
			s.Form, refused, escape.Terminal(wording.LevelVersion(s.Level, s.Version)), unknown, len(s.Results)-refused-unknown)
	}
	return p.flush(w)
}

// SimulationJSON writes every result, the allowed ones too.
func SimulationJSON(w io.Writer, s *Simulation, _ Options) error { return writeJSON(w, s) }
