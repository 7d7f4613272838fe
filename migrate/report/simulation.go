package report

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// SimulationDocument builds the report on a simulation: each workload that would be refused or is not known, by namespace, in
// the words of Pod Security admission.
func SimulationDocument(s *simulation.Result, opts Options) *Document {
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
			text = "not known " + string(s.Form) + ": " + r.Unknown
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
	d.add(Paragraph{fmt.Sprintf("%s %s: %d would violate %s, %d not known, %d allowed%s.", english.Count(len(s.Results), "workload", "workloads"),
		s.Form, refused, phrases.LevelVersion(s.Level, s.Version), unknown, len(s.Results)-refused-unknown, ending)})
	return d
}
