package report

import (
	"bytes"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/pspparse"
)

// addSimplifiedClone adds to a report step 2 of the official migration guide: what goes, what that opens, and the
// policy that is left. It returns an error if that policy cannot be written as YAML.
func (d *Document) addSimplifiedClone(po *migrate.Policy) error {
	if po.Simplified == nil {
		return nil
	}
	d.addSection("SIMPLIFY 2.a: what only mutates pods", changeTexts(po, "mutating"))
	d.addSection("SIMPLIFY 2.b: what no level looks at", withRemark("the clone may keep what it says of pods, as long as it mutates nothing", changeTexts(po, "outOfScope")))
	d.addSection("SIMPLIFY later: what can forbid only by mutation", withRemark("the guide leaves it in place, and a clone that keeps it mutates pods", changeTexts(po, "stillMutating")))
	return d.addClone(po)
}

// withRemark returns the points of a report with a remark on all of them before the first; nil for no points.
func withRemark(remark string, points []string) []string {
	if len(points) == 0 {
		return nil
	}
	return append([]string{remark}, points...)
}

// changeTexts returns the report's texts on the changes of one class that make the clone of a policy, with what each
// opens.
func changeTexts(po *migrate.Policy, class string) []string {
	var items []string
	for _, c := range po.Simplified.Changes {
		if c.Class != class {
			continue
		}
		text := c.Field + ": " + c.Becomes.Text
		if c.Opens != nil {
			text += "; the clone opens: " + c.Opens.Text
		}
		for _, w := range po.RequiredTemplateValues {
			if w.Field == c.Field || strings.HasPrefix(c.Field, w.Field+".default") {
				text += "; pods no longer get " + w.Path
				if w.Value != "" {
					text += " = " + w.Text()
				}
			}
		}
		items = append(items, text)
	}
	return items
}

// addClone adds to a report the clone of a policy: what to know before it is used, and its manifest.
func (d *Document) addClone(po *migrate.Policy) error {
	const heading = "SIMPLIFY: the clone that mutates nothing"
	clone := &po.Simplified.Clone
	var points []string
	switch {
	case clone.Name == "":
		d.addSection(heading, []string{fmt.Sprintf("no valid and free name sorts before %s, so that no clone can come before it", po.Name)})
		return nil
	case len(validation.IsDNS1123Subdomain(clone.Name)) > 0:
		d.addSection(heading, []string{fmt.Sprintf("refused: %s is not a valid name of a policy", clone.Name)})
		return nil
	case clone.Exists:
		points = append(points, "it exists already, under this name")
	}
	points = append(points, "whoever may use both gets the clone for any pod that it admits, whether the original would mutate it or not: first write into templates "+
		"what they need (patch), then create it, then grant it to those who may use the original")
	if cloneOpensAnything(po) {
		points = append(points, "until the namespaces of those enforce a level, it lets pass what it opens")
	}
	points = append(points, "a pod with a pod-level seccompProfile and no seccomp annotation is changed by every policy, which writes that annotation: "+
		"for it the first usable policy by name wins, mutating or not, and the clone only if nothing sorts before it")
	var text bytes.Buffer
	if err := manifest.WriteYAML(&text, cloneManifest(clone)); err != nil {
		return err
	}
	d.addSection(heading, points)
	d.add(Manifest(text.String()))
	return nil
}

// cloneOpensAnything reports whether a report warns of a policy's clone: it admits pods that the policy does not.
func cloneOpensAnything(po *migrate.Policy) bool {
	for _, c := range po.Simplified.Changes {
		if c.Opens != nil {
			return true
		}
	}
	return false
}

// policyManifest is a PodSecurityPolicy in a report as the API server takes it.
type policyManifest struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   policyMetadata `json:"metadata"`
	Spec       pspparse.Spec  `json:"spec"`
}

// policyMetadata is the metadata of a policyManifest in a report.
type policyMetadata struct {
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// cloneManifest returns the report's manifest of the clone of a PodSecurityPolicy that mutates nothing.
func cloneManifest(clone *migrate.NonMutatingClone) policyManifest {
	return policyManifest{
		"policy/v1beta1", pspparse.PolicyKind, policyMetadata{clone.Name, clone.Annotations}, clone.Spec,
	}
}
