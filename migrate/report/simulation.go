package report

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
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
	// Exempt says why Pod Security does not check it at all, by the admission configuration; then it is allowed.
	Exempt string `json:"exempt,omitempty"`
	// Unknown says why no answer can be given.
	Unknown string `json:"unknown,omitempty"`
}

// Exempt lets in what the plan's admission configuration exempts, whatever the level would say to it.
func (s *Simulation) Exempt(plan *migrate.Plan) {
	if plan.Admission == nil {
		return
	}
	why := map[[3]string]string{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			key := [3]string{ns.Name, w.Kind, w.Name}
			switch {
			case ns.Exempt:
				why[key] = "by its namespace"
			case w.Exempt != nil:
				why[key] = phrases.ExemptionPhrase(w.Exempt)
			}
		}
	}
	for i := range s.Results {
		r := &s.Results[i]
		if s.Form == "as admitted" && r.AdmittedBy == "" {
			continue // a policy refuses it, or none is known to let it in
		}
		if text := why[[3]string{r.Namespace, r.Kind, r.Name}]; text != "" {
			*r = Simulated{Namespace: r.Namespace, Kind: r.Kind, Name: r.Name, AdmittedBy: r.AdmittedBy, Allowed: true, Exempt: text}
		}
	}
}

// SimulationDocument builds the report on a simulation: each workload that would be refused or is not known, by namespace, in
// the words of Pod Security admission.
func SimulationDocument(s *Simulation, opts Options) *Document {
	d := &Document{OneLine: true}
	refused, unknown, exempt := 0, 0, 0
	list, namespace := List{Flat: true}, ""
	for _, r := range s.Results {
		text := r.Message
		switch {
		case r.Exempt != "":
			exempt++
			continue
		case r.Unknown != "":
			unknown++
			text = "not known " + s.Form + ": " + r.Unknown
		case !r.Allowed:
			refused++
		default:
			continue
		}
		item := Item{Text: phrases.ObjectName(r.Kind, r.Name) + ": " + text}
		if opts.NoHeaders {
			list.Items = append(list.Items, item)
			continue
		}
		if r.Namespace != namespace || len(list.Items) == 0 {
			list.Items = append(list.Items, Item{Text: "namespace/" + r.Namespace})
			namespace = r.Namespace
		}
		of := &list.Items[len(list.Items)-1]
		of.Items = append(of.Items, item)
	}
	if len(list.Items) > 0 {
		d.add(list)
	}
	if opts.NoHeaders {
		return d
	}
	ending := ""
	if exempt > 0 {
		ending = fmt.Sprintf(", %d of them since they are exempt", exempt)
	}
	d.add(Paragraph{fmt.Sprintf("%s %s: %d would violate %s, %d not known, %d allowed%s.", phrases.CountNoun(len(s.Results), "workload", "workloads"),
		s.Form, refused, phrases.LevelVersion(s.Level, s.Version), unknown, len(s.Results)-refused-unknown, ending)})
	return d
}
