package mapping

import (
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

// groupStrategyField is what runAsGroup, supplementalGroups and fsGroup have in common: an id strategy that no level shares.
// MustRunAs and MayRunAs keep given ids in the ranges; MustRunAs also fills in the first range's min where none is given.
type groupStrategyField struct {
	field    string
	strategy pspparse.IDStrategy
	// templatePath and list say where and how MustRunAs states the id it fills in.
	templatePath string
	isList       bool
	// lossNote says what happens once the id is no longer filled in.
	lossNote string
	// refusesEmptyList: an explicitly empty list is refused under MustRunAs, whatever the ranges.
	refusesEmptyList bool
}

func (g groupStrategyField) assess(p *pspparse.Policy) (f controlResult) {
	s := g.strategy
	value := idStrategyValue(s)
	ranged := s.Rule == pspparse.MustRunAs || s.Rule == pspparse.MayRunAs
	if ranged && (!coversWhole(idRanges(s.Ranges), 0, maxID) || (g.refusesEmptyList && s.Rule == pspparse.MustRunAs)) {
		note := "groups outside the ranges become possible; an admission policy can keep the ranges"
		if !containsNumber(idRanges(s.Ranges), 0) {
			note = "groups outside the ranges, root's among them, become possible; an admission policy can keep the ranges"
		}
		f.recordRefusal(g.field, value, note, levelsLooseToStrict()...)
	}
	if id, ok := defaultedID(s); ok {
		text := strconv.FormatInt(id, 10)
		f.recordSuppliedValue(g.field, values(text), g.lossNote, levelsLooseToStrict()...)
		if g.isList {
			text = "[" + text + "]"
		}
		f.requireInTemplate(g.field, g.templatePath, text, "no level looks at it")
	}
	if admitsNoID(s) {
		f.admitsNothing = "no group is in the ranges of " + g.field + " (" + formatIDRanges(s.Ranges) + ")"
	}
	f.explainStatedField(p, g.field, value, explainGroupStrategy(s))
	return f
}

func explainGroupStrategy(s pspparse.IDStrategy) string {
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
func runAsGroupControl() pspControl {
	return pspControl{fields: []string{"runAsGroup"}, assess: assessRunAsGroup}
}

func assessRunAsGroup(p *pspparse.Policy, _ api.Version) controlResult {
	if p.Spec.RunAsGroup == nil {
		return controlResult{}
	}
	return groupStrategyField{
		field: "runAsGroup", strategy: *p.Spec.RunAsGroup,
		templatePath: "containers[*].securityContext.runAsGroup",
		lossNote:     "the group is no longer filled in: containers run with group 0 or the image's",
	}.assess(p)
}
