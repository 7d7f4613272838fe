package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// rancherTemplateAnnotation is the annotation of a PodSecurityPolicy that Rancher's controller made: the name of its
// template.
const rancherTemplateAnnotation = "serviceaccount.cluster.cattle.io/pod-security"

// policyTemplate is, in the inventory, one of Rancher's templates of PodSecurityPolicies: whether it was read itself,
// and what uses it.
type policyTemplate struct {
	read  bool
	first pspparse.Position
	users []string
}

// AddPolicyTemplate adds to the inventory one of Rancher's PodSecurityPolicyTemplates. It enforces nothing where it is:
// Rancher's controller makes a PodSecurityPolicy of it, NAME-psp, in each cluster that uses it, and grants that there.
func (b *Builder) AddPolicyTemplate(name string, at pspparse.Position) {
	b.policyTemplate(name, at).read = true
}

// AddPolicyTemplateUser adds to the inventory what uses a Rancher policy template: a cluster, or a project.
func (b *Builder) AddPolicyTemplateUser(template, user string, at pspparse.Position) {
	t := b.policyTemplate(template, at)
	t.users = append(t.users, user)
}

// policyTemplate returns the inventory's Rancher policy template of a name, which it adds if it is not there.
func (b *Builder) policyTemplate(name string, at pspparse.Position) *policyTemplate {
	if b.policyTemplates == nil {
		b.policyTemplates = map[string]*policyTemplate{}
	}
	t := b.policyTemplates[name]
	if t == nil {
		t = &policyTemplate{first: at}
		b.policyTemplates[name] = t
	}
	if comparePositions(at, t.first) < 0 {
		t.first = at
	}
	return t
}

// reportPolicyTemplates adds to the inventory a gap for each Rancher policy template whose policy was not read, and a
// note for the others.
func (b *Builder) reportPolicyTemplates(policies []*pspparse.Policy) {
	made := map[string]string{}
	for _, p := range policies {
		template := cmp.Or(p.Annotations[rancherTemplateAnnotation], strings.TrimSuffix(p.Name, "-psp"))
		if b.policyTemplates[template] != nil && template != p.Name {
			made[template] = p.Name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.policyTemplates)) {
		b.reportPolicyTemplate(name, b.policyTemplates[name], made[name])
	}
}

// reportPolicyTemplate adds to the inventory the gap or note of one Rancher policy template. Made is the policy that
// was made of it. A template of a cluster in which nothing uses it is a note: Rancher keeps templates and their users
// there, and brings some templates along.
func (b *Builder) reportPolicyTemplate(name string, t *policyTemplate, made string) {
	what := describeObject("PodSecurityPolicyTemplate", "", name)
	users := t.usedBy()
	policy := quote(name + "-psp")
	switch {
	case made != "":
		b.AddNote(Note{What: what, Position: t.first, Why: message.New("policy-template-in-use", "policy", quote(made), "users", users)})
	case len(users) == 0 && t.first == (pspparse.Position{}):
		b.AddNote(Note{What: what, Position: t.first, Why: message.New("policy-template-unused")})
	default:
		b.AddObjectGap(Gap{What: what, Position: t.first, Why: message.New("policy-template-not-read", "policy", policy, "users", users)})
	}
}

// usedBy returns, for the inventory, the names of the clusters and projects that use a Rancher policy template, sorted;
// nil where none was read that does.
func (t *policyTemplate) usedBy() []string {
	slices.Sort(t.users)
	return slices.Compact(t.users)
}
