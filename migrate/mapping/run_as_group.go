package mapping

import (
	"slices"
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// groupStrategyField is one of runAsGroup, supplementalGroups and fsGroup of a PodSecurityPolicy: an ID strategy that no level
// has. MustRunAs and MayRunAs keep stated IDs in the ranges; MustRunAs also sets the minimum of the first range where none is
// stated.
type groupStrategyField struct {
	field    string
	strategy pspparse.IDStrategy
	// templatePath is where a template states the ID that MustRunAs sets, in a list if isList is true.
	templatePath string
	isList       bool
	// lossNote says what happens once the ID is no longer set.
	lossNote message.Message
}

// assess compares the group field of a PodSecurityPolicy with the standards.
func (g groupStrategyField) assess(p *pspparse.Policy) (f controlResult) {
	s := g.strategy
	if slices.ContainsFunc(idConstraints(g.field, s), Constraint.Refuses) {
		f.recordRefusal(g.field, strategyValue(s), message.New("lost-group-ranges", "root", !containsNumber(s.Ranges, 0)),
			levels.LooseToStrict()...)
	}
	if id, ok := defaultedID(s); ok {
		f.recordSuppliedValue(g.field, textValue(strconv.FormatInt(id, 10)), g.lossNote, levels.LooseToStrict()...)
		var value any = id
		if g.isList {
			value = []int64{id}
		}
		f.requireInTemplate(g.field, g.templatePath, value, message.New("template-no-level"))
	}
	if admitsNoID(s) {
		f.admitsNothing = message.New("no-group-possible", "field", g.field, "ranges", strategyValue(s).entries())
	}
	f.explainStatedField(p, g.field, strategyValue(s), explainGroupStrategy(s))
	return f
}

// explainGroupStrategy returns the explanation of what a group strategy of a PodSecurityPolicy does to pods.
func explainGroupStrategy(s pspparse.IDStrategy) message.Message {
	switch s.Rule {
	case pspparse.MustRunAs:
		return message.New("field-group-demanded")
	case pspparse.MayRunAs:
		return message.New("field-group-limited")
	default:
		return message.New("field-group-any")
	}
}

/*
runAsGroupControl is about the primary group.

PSP field: spec.runAsGroup; absent is RunAsAny. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func runAsGroupControl() pspControl {
	return pspControl{fields: []string{"runAsGroup"}, assess: assessRunAsGroup, constraints: groupConstraints}
}

// assessRunAsGroup compares spec.runAsGroup of a PodSecurityPolicy with the standards.
func assessRunAsGroup(p *pspparse.Policy, _ api.Version) controlResult {
	if p.Spec.RunAsGroup == nil {
		return controlResult{}
	}
	return groupStrategyField{
		field: "runAsGroup", strategy: *p.Spec.RunAsGroup,
		templatePath: "containers[*].securityContext.runAsGroup",
		lossNote:     message.New("lost-run-as-group"),
	}.assess(p)
}

// groupConstraints returns what a policy's runAsGroup strategy demands of pods and writes into them.
func groupConstraints(p *pspparse.Policy) []Constraint {
	if p.Spec.RunAsGroup == nil {
		return nil
	}
	return idConstraints(RunAsGroupField, *p.Spec.RunAsGroup)
}
