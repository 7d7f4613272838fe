package report

import (
	"bytes"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/pspparse"
)

// simplify tells step 2 of the official migration guide: what goes, what that opens, and the policy that is left.
func (p *page) simplify(po *migrate.Policy) {
	s := po.Simplified
	if s == nil {
		return
	}
	p.changes("SIMPLIFY 2.a: what only fills values in", po, "mutating")
	p.changes("SIMPLIFY 2.b: what no level looks at; the clone may keep what it says of pods, as long as it fills nothing in", po, "outOfScope")
	p.changes("SIMPLIFY later: what can forbid only by filling in; the guide leaves it in place, and a clone that keeps it fills it in", po, "stillMutating")
	p.clone(po)
}

func (p *page) changes(heading string, po *migrate.Policy, class string) {
	var items []string
	for _, c := range po.Simplified.Changes {
		if c.Class != class {
			continue
		}
		text := c.Field + ": " + c.Becomes
		if c.Opens != "" {
			text += "; the clone opens: " + c.Opens
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
	p.section(heading, items)
}

// clone writes the manifest as it is, neither folded nor cut: indented, it is still the same YAML.
func (p *page) clone(po *migrate.Policy) {
	clone := &po.Simplified.Clone
	p.heading("SIMPLIFY: the clone that fills nothing in")
	switch {
	case clone.Name == "":
		p.item("no valid and free name sorts before %s, so that no clone can come before it", po.Name)
		return
	case len(validation.IsDNS1123Subdomain(clone.Name)) > 0:
		p.item("refused: %s is not a valid name of a policy", clone.Name)
		return
	case clone.Exists:
		p.item("it exists already, under this name")
	}
	p.item("whoever may use both gets the clone for any pod that it admits, filled in or not: first write into templates " +
		"what they need (patch), then create it, then grant it to those who may use the original")
	if cloneOpensAnything(po) {
		p.item("until the namespaces of those enforce a level, it lets pass what it opens")
	}
	p.item("a pod with a pod-level seccompProfile and no seccomp annotation is changed by every policy, which writes that annotation: " +
		"for it the first usable policy by name wins, filling in or not, and the clone only if nothing sorts before it")
	p.line("")
	if p.err != nil {
		return
	}
	var text bytes.Buffer
	if p.err = manifest.WriteYAML(&text, cloneManifest(clone)); p.err != nil {
		return
	}
	for line := range strings.Lines(text.String()) {
		p.line("  %s", strings.TrimSuffix(line, "\n"))
	}
}

func cloneOpensAnything(po *migrate.Policy) bool {
	for _, c := range po.Simplified.Changes {
		if c.Opens != "" {
			return true
		}
	}
	return false
}

// policyManifest is a PodSecurityPolicy as the API server takes it.
type policyManifest struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   policyMetadata `json:"metadata"`
	Spec       pspparse.Spec  `json:"spec"`
}

type policyMetadata struct {
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func cloneManifest(clone *migrate.NonMutatingClone) policyManifest {
	return policyManifest{
		"policy/v1beta1", pspparse.PolicyKind, policyMetadata{clone.Name, clone.Annotations}, clone.Spec,
	}
}
