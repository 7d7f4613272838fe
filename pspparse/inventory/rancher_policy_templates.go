package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// rancherTemplateAnnotation is the annotation of a PodSecurityPolicy that Rancher's controller made: the name of its
// template.
const rancherTemplateAnnotation = "serviceaccount.cluster.cattle.io/pod-security"

// policyTemplate is one of Rancher's templates of PodSecurityPolicies: whether it was read itself, and what uses it.
type policyTemplate struct {
	read  bool
	first pspparse.Position
	users []string
}

// AddPolicyTemplate adds one of Rancher's PodSecurityPolicyTemplates. It enforces nothing where it is: Rancher's controller
// makes a PodSecurityPolicy of it, NAME-psp, in each cluster that uses it, and grants that there.
func (b *Builder) AddPolicyTemplate(name string, at pspparse.Position) {
	b.policyTemplate(name, at).read = true
}

// AddPolicyTemplateUser adds what uses a policy template: a cluster, or a project.
func (b *Builder) AddPolicyTemplateUser(template, user string, at pspparse.Position) {
	t := b.policyTemplate(template, at)
	t.users = append(t.users, user)
}

// policyTemplate returns the policy template of a name, which it adds if it is not there.
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

// reportPolicyTemplates adds a gap for each policy template whose policy was not read, and a note for the others.
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

// reportPolicyTemplate adds the gap or note of one policy template. Made is the policy that was made of it. A template of a
// cluster in which nothing uses it is a note: Rancher keeps templates and their users there, and brings some templates
// along.
func (b *Builder) reportPolicyTemplate(name string, t *policyTemplate, made string) {
	what := describeObject("PodSecurityPolicyTemplate", "", name)
	users := t.usedBy()
	policy := quote(name + "-psp")
	switch {
	case made != "":
		b.AddNote(Note{What: what, Position: t.first, Why: fmt.Sprintf("Rancher makes the PodSecurityPolicy %s of it%s, and makes that again as long as a cluster or project uses the template: "+
			"take the template away from them first", quote(made), users)})
	case users == "" && t.first == (pspparse.Position{}):
		b.AddNote(Note{What: what, Position: t.first, Why: "no cluster or project in this Rancher uses it: no policy is made of it"})
	default:
		b.AddObjectGap(Gap{What: what, Position: t.first, Why: fmt.Sprintf("Rancher makes the PodSecurityPolicy %s of it in every cluster that uses it%s, and grants that there: "+
			"it is not judged here; read those clusters, or its spec as a PodSecurityPolicy of that name", policy, users)})
	}
}

// maxTemplateUsers is how many users of one policy template are named.
const maxTemplateUsers = 5

// usedBy names what uses a policy template, in brackets; "" where nothing was read that does.
func (t *policyTemplate) usedBy() string {
	slices.Sort(t.users)
	users := slices.Compact(t.users)
	if len(users) == 0 {
		return ""
	}
	more := ""
	if n := len(users) - maxTemplateUsers; n > 0 {
		users, more = users[:maxTemplateUsers], fmt.Sprintf(" and %d more", n)
	}
	return " (" + strings.Join(users, ", ") + more + ")"
}
