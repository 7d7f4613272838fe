package report

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// ExplainCheck builds the report on one check of the Pod Security Standards: what it refuses, at which level and since which version,
// how to meet it, a pod of either kind, what others call it, and the workloads of a plan that fail it. The plan is nil where no
// source is given. What others call it is for the target version, which is that of the plan; for all versions where it is zero.
func ExplainCheck(plan *migrate.Plan, c *checks.Check, target api.Version, wide bool) *Document {
	d := &Document{}
	d.add(Paragraph{fmt.Sprintf("Check %s of the Pod Security Standards.", c.ID)})
	d.addSection("REFUSES", []string{c.Refuses})
	d.add(checkFacts(c))
	d.addSection("HOW TO MEET IT", []string{c.HowToMeet})
	d.addExample("A POD THAT IT REFUSES", c.Refused)
	if c.Refusal != "" {
		d.add(Paragraph{"Pod Security admission says: " + c.Refusal})
	}
	d.addExample("A POD THAT MEETS IT", c.Compliant)
	d.add(Heading("WHAT OTHERS CALL IT"), referenceFacts(c.References, target))
	if c.References.Note != "" {
		d.add(Paragraph{c.References.Note})
	}
	d.addSection("WORKLOADS that fail it", failingWorkloadTexts(plan, c, wide))
	return d
}

// checkFacts returns the report's Facts on a check of the standards: its level and its versions.
func checkFacts(c *checks.Check) Facts {
	level := string(c.Level)
	if c.Level == api.LevelBaseline {
		level += ", and with it restricted"
	}
	facts := Facts{{"level", level, RoleLevel}, {Name: "since", Value: c.Since.String()}}
	for _, change := range c.Changes {
		facts = append(facts, Fact{Name: "from " + change.Version.String(), Value: change.What})
	}
	if len(c.Replaces) > 0 {
		facts = append(facts, Fact{Name: "at restricted instead of", Value: strings.Join(c.Replaces, ", ")})
	}
	return facts
}

// referenceFacts returns the report's Facts on what other standards and scanners call a check of the standards: at a version, or
// for all of them where it is zero.
func referenceFacts(refs *checks.References, target api.Version) Facts {
	list := refs.OfAllVersions()
	if target != (api.Version{}) {
		list = refs.At(target)
	}
	facts := make(Facts, len(list))
	for i, ref := range list {
		facts[i] = Fact{Name: ref.Name, Value: strings.Join(ref.IDs, ", ")}
	}
	return facts
}

// addExample adds to a report the YAML of a pod; nothing if there is none.
func (d *Document) addExample(heading, text string) {
	if text != "" {
		d.add(Heading(heading), Manifest(text))
	}
}

// failingWorkloadTexts returns the report's texts on the workloads of a plan that fail a check after PSP, by namespace; without a
// plan how to see them.
func failingWorkloadTexts(plan *migrate.Plan, c *checks.Check, wide bool) []string {
	if plan == nil {
		return []string{"no source was read: name one to see them (--context, -f FILE, --plan FILE or --demo)"}
	}
	var texts []string
	for i := range plan.Namespaces {
		var names []string
		for k := range plan.Namespaces[i].Workloads {
			w := &plan.Namespaces[i].Workloads[k]
			if slices.ContainsFunc(w.Violations, func(v migrate.Violation) bool { return v.Check == c.ID }) {
				name := phrases.ObjectName(w.Kind, w.Name)
				if server := w.OnlyOnServer(c.ID); server != "" {
					name += " (only at " + server + ", until the server is upgraded)"
				}
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			texts = append(texts, fmt.Sprintf("%s: %s", plan.Namespaces[i].Name, namesOf(names, wide)))
		}
	}
	from := fmt.Sprintf("after PSP, at %s, from %s", plan.TargetVersion, phrases.SourcePhrase(plan.Source))
	if target, err := api.ParseVersion(plan.TargetVersion); err == nil && target.Older(c.Since) {
		return []string{fmt.Sprintf("not asked: %s does not have the check; read the source with --target-version=%s", plan.TargetVersion, c.Since)}
	}
	if len(texts) == 0 {
		texts = []string{"none of those that were read, " + from}
	} else {
		if more := len(texts) - mostUsers; !wide && more > 0 {
			texts = append(texts[:mostUsers], restInWide(more))
		}
		texts = append(texts, "this is "+from)
	}
	if n := len(plan.Gaps); n > 0 {
		texts = append(texts, english.Count(n, "thing", "things")+" could not be read or evaluated: see the gaps of plan")
	}
	return texts
}
