package report

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// SimulationDocument builds the report on a simulation: by namespace the workloads that would be refused or are not known, those
// with the same answer together, each violation on a line of its own in the words of Pod Security admission. Without headers it
// has one line for each violation of each workload.
func SimulationDocument(s *simulation.Result, opts Options) *Document {
	if opts.NoHeaders {
		return simulationLines(s, opts)
	}
	d := &Document{OneLine: opts.Width == 0}
	for start := 0; start < len(s.Results); {
		end := start
		for end < len(s.Results) && s.Results[end].Namespace == s.Results[start].Namespace {
			end++
		}
		if groups := equalAnswers(s, s.Results[start:end]); len(groups) > 0 {
			d.add(Heading("namespace/"+s.Results[start].Namespace), List{Items: groups})
		}
		start = end
	}
	d.add(Paragraph{simulationSummary(s)})
	return d
}

// simulationLines builds the report on a simulation as lines to search: "namespace/kind/name: violation".
func simulationLines(s *simulation.Result, opts Options) *Document {
	d := &Document{OneLine: opts.Width == 0}
	list := List{Flat: true}
	for i := range s.Results {
		w := &s.Results[i]
		for _, text := range answerTexts(s, w) {
			list.Items = append(list.Items, Item{Text: w.Namespace + "/" + phrases.ObjectName(w.Kind, w.Name) + ": " + text})
		}
	}
	if len(list.Items) > 0 {
		d.add(list)
	}
	return d
}

// equalAnswers returns the report's points on the workloads of one namespace that are refused or not known: workloads with the same
// answer are one point, in the order of the first of each.
func equalAnswers(s *simulation.Result, workloads []simulation.Workload) []Item {
	var order []string
	names, items := map[string][]string{}, map[string][]Item{}
	for i := range workloads {
		w := &workloads[i]
		texts := answerTexts(s, w)
		if len(texts) == 0 {
			continue
		}
		estimated := ""
		if w.Estimated {
			estimated = " (estimated: a policy may have changed the pods that were read)"
		}
		key := strings.Join(append([]string{estimated, answerHead(s, w)}, texts...), "\x00")
		if names[key] == nil {
			order = append(order, key)
			items[key] = answerItems(answerHead(s, w), texts)
		}
		names[key] = append(names[key], phrases.ObjectName(w.Kind, w.Name)+estimated)
	}
	points := make([]Item, len(order))
	for i, key := range order {
		points[i] = Item{Text: strings.Join(names[key], ", "), Items: items[key]}
	}
	return points
}

// answerHead returns the sentence head of Pod Security admission under which the violations of a simulated workload stand in the
// report; "" for an answer that is no list of violations.
func answerHead(s *simulation.Result, w *simulation.Workload) string {
	if len(w.Violations) == 0 || w.Unknown != "" {
		return ""
	}
	return fmt.Sprintf(`violates PodSecurity %q:`, phrases.LevelVersion(s.Level, s.Version))
}

// answerItems returns the report's points on one answer: the texts, below their head if they have one.
func answerItems(head string, texts []string) []Item {
	points := listOf(texts).Items
	if head == "" {
		return points
	}
	return []Item{{Text: head, Items: points}}
}

// answerTexts returns the report's texts on why a simulated workload is refused or unknown; nil where it is allowed.
func answerTexts(s *simulation.Result, w *simulation.Workload) []string {
	switch {
	case w.Unknown != "":
		return []string{"unknown " + string(s.Form) + ": " + w.Unknown}
	case w.Allowed:
		return nil
	case len(w.Violations) == 0:
		return []string{w.Message}
	}
	return violationTexts(w.Violations)
}

// violationTexts returns the report's texts on violations, each as Pod Security admission words it.
func violationTexts(violations []migrate.Violation) []string {
	var texts []string
	for _, v := range violations {
		texts = append(texts, ViolationText(v.Reason, v.Detail))
	}
	return texts
}

// simulationSummary returns the sentence that counts the answers of a simulation, for the end of its report.
func simulationSummary(s *simulation.Result) string {
	refused, unknown, exempt := len(s.Refused()), len(s.NotKnown()), 0
	for i := range s.Results {
		if s.Results[i].Exempt != "" {
			exempt++
		}
	}
	ending := ""
	if exempt > 0 {
		ending = fmt.Sprintf(", %d of them since they are exempt", exempt)
	}
	return fmt.Sprintf("%s %s: %d would violate %s, %d unknown, %d allowed%s.", english.Count(len(s.Results), "workload", "workloads"),
		s.Form, refused, phrases.LevelVersion(s.Level, s.Version), unknown, len(s.Results)-refused-unknown, ending)
}
