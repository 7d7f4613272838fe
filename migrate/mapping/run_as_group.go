package mapping

import (
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

// groupRule is what runAsGroup, supplementalGroups and fsGroup have in common: an id strategy that no level shares.
// MustRunAs and MayRunAs keep given ids in the ranges; MustRunAs also fills in the first range's min where none is given.
type groupRule struct {
	field    string
	strategy pspparse.IDStrategy
	// path and list say where and how MustRunAs states the id it fills in.
	path string
	list bool
	// gone says what happens once the id is no longer filled in.
	gone string
	// emptyRefused: an explicitly empty list is refused under MustRunAs, whatever the ranges.
	emptyRefused bool
}

func (g groupRule) judge(p *pspparse.Policy) (f finding) {
	s := g.strategy
	value := ruleValue(s)
	ranged := s.Rule == pspparse.MustRunAs || s.Rule == pspparse.MayRunAs
	if ranged && (!whole(idSpans(s.Ranges), 0, maxID) || (g.emptyRefused && s.Rule == pspparse.MustRunAs)) {
		note := "groups outside the ranges become possible; an admission policy can keep the ranges"
		if !holds(idSpans(s.Ranges), 0) {
			note = "groups outside the ranges, root's among them, become possible; an admission policy can keep the ranges"
		}
		f.refuse(g.field, value, note, strictness()...)
	}
	if id, ok := filledID(s); ok {
		text := strconv.FormatInt(id, 10)
		f.supply(g.field, text, g.gone, strictness()...)
		if g.list {
			text = "[" + text + "]"
		}
		f.fill(g.field, g.path, text, "no level looks at it")
	}
	if noID(s) {
		f.never = "no group is in the ranges of " + g.field + " (" + spanList(idSpans(s.Ranges)) + ")"
	}
	f.explain(p, g.field, value, groupMeaning(s))
	return f
}

func groupMeaning(s pspparse.IDStrategy) string {
	switch s.Rule {
	case pspparse.MustRunAs:
		return "groups must be in the ranges and the first is filled in; no level looks at groups"
	case pspparse.MayRunAs:
		return "groups that are set must be in the ranges; no level looks at groups"
	default:
		return "any group is admitted, as at every level"
	}
}

/*
The primary group.

PSP field: spec.runAsGroup; absent is RunAsAny. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func runAsGroup() control {
	return control{fields: []string{"runAsGroup"}, judge: judgeRunAsGroup}
}

func judgeRunAsGroup(p *pspparse.Policy, _ api.Version) finding {
	if p.Spec.RunAsGroup == nil {
		return finding{}
	}
	return groupRule{
		field: "runAsGroup", strategy: *p.Spec.RunAsGroup,
		path: "containers[*].securityContext.runAsGroup",
		gone: "the group is no longer filled in: containers run with group 0 or the image's",
	}.judge(p)
}
