package cel

import (
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
)

// guardedMode is one of the modes of the Pod Security Standards, with its labels.
type guardedMode struct {
	name, level, version string
	// invalid is the rank that the API server gives a level that is none.
	invalid int
}

// guardedModes returns the modes of the Pod Security Standards whose labels are guarded. An enforce label that is no level is taken
// as restricted, an audit or warn label as privileged (k8s.io/pod-security-admission, api/helpers.go). Such labels can get onto a
// namespace through its subresources, where the API server does not look at them.
func guardedModes(auditAndWarn bool) []guardedMode {
	modes := []guardedMode{{"enforce", api.EnforceLevelLabel, api.EnforceVersionLabel, 2}}
	if auditAndWarn {
		modes = append(modes, guardedMode{"audit", api.AuditLevelLabel, api.AuditVersionLabel, 0}, guardedMode{"warn", api.WarnLevelLabel, api.WarnVersionLabel, 0})
	}
	return modes
}

// latestVersion is how latest compares with the minor versions of the Pod Security Standards: above all that a label can name and
// the expressions read.
const latestVersion = 1_000_000_000

// labelGuard returns the ValidatingAdmissionPolicy, with its binding, that refuses to loosen or remove the labels of namespaces.
func labelGuard(g *GuardOptions, o Options) (*admissionregistrationv1.ValidatingAdmissionPolicy, *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
	fail, forbidden := admissionregistrationv1.Fail, metav1.StatusReasonForbidden
	modes := guardedModes(g.AuditAndWarn)
	var looser []string
	for _, m := range modes {
		looser = append(looser, "variables."+m.name+"Looser")
	}
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: guardMeta(labelGuardName),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy:   &fail,
			MatchConditions: exceptNamespaces(g.Except),
			// Through the subresources, labels can be changed, too.
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
				namespaceRule([]string{"namespaces", "namespaces/status", "namespaces/finalize"}, admissionregistrationv1.Create, admissionregistrationv1.Update),
			}},
			Variables: guardVariables(g, o, modes),
			Validations: []admissionregistrationv1.Validation{{
				Expression: "!(" + strings.Join(looser, " || ") + ") || " + mayLoosen(g.Rancher),
				Reason:     &forbidden,
				Message:    "the labels of the namespace for the Pod Security Standards would become looser. " + whoMayLoosen(g.Subjects, g.Rancher),
				MessageExpression: "'namespace ' + variables.name + ': ' + variables.changes + '. ' + " +
					quote(whoMayLoosen(g.Subjects, g.Rancher)),
			}},
		},
	}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicyBinding"},
		ObjectMeta: guardMeta(labelGuardName),
		Spec:       admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: labelGuardName, ValidationActions: validationActions(o.Action)},
	}
	return policy, binding
}

// exceptNamespaces returns the condition that a namespace is none of the excepted ones. A new one may not have its name yet.
func exceptNamespaces(names []string) []admissionregistrationv1.MatchCondition {
	if len(names) == 0 {
		return nil
	}
	return []admissionregistrationv1.MatchCondition{{Name: "not-excepted", Expression: "!(object.metadata.?name.orValue('') in " + quoteAll(names) + ")"}}
}

// namespaceRule returns what matches operations on namespaces and their subresources.
func namespaceRule(resources []string, operations ...admissionregistrationv1.OperationType) admissionregistrationv1.NamedRuleWithOperations {
	return admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: operations,
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: resources},
	}}
}

// guardVariables returns the variables of the guard of the labels of namespaces: the labels before and after the request, and for
// each guarded mode whether they become looser.
func guardVariables(g *GuardOptions, o Options, modes []guardedMode) []admissionregistrationv1.Variable {
	var out []admissionregistrationv1.Variable
	add := func(name, expression string) {
		out = append(out, admissionregistrationv1.Variable{Name: name, Expression: expression})
	}
	demands, newest := demandsByRank()
	add("name", "string(object.metadata.?name.orValue(''))")
	add("ranks", "{'privileged': 0, 'baseline': 1, 'restricted': 2}")
	add("demands", demands)
	add("old", "request.operation == 'CREATE' ? "+floorLabels(g)+" : oldObject.metadata.?labels.orValue({})")
	labels := "object.metadata.?labels.orValue({})"
	if labelsNewNamespaces(g, o) && o.Action != Deny {
		// Nothing labels new namespaces before the action is deny: until then, one without a label counts as labelled.
		labels = "request.operation == 'CREATE' && !(" + quote(api.EnforceLevelLabel) + " in " + labels + ") ? " + floorLabels(g) + " : " + labels
	}
	add("new", labels)
	var changes []string
	for _, m := range modes {
		add(m.name+"OldRank", rankOf("variables.old", m))
		add(m.name+"NewRank", rankOf("variables.new", m))
		add(m.name+"OldVersion", versionOf("variables.old", m.version))
		add(m.name+"NewVersion", versionOf("variables.new", m.version))
		mode := "variables." + m.name
		oldRank, newRank := mode+"OldRank", mode+"NewRank"
		add(m.name+"Looser", fmt.Sprintf("%s < %s || (%s > 0 && %s < %s)",
			newRank, oldRank, oldRank, demandsAt(oldRank, mode+"NewVersion", newest), demandsAt(oldRank, mode+"OldVersion", newest)))
		add(m.name+"Was", stateOf("variables.old", m))
		add(m.name+"Becomes", stateOf("variables.new", m))
		changes = append(changes, "("+mode+"Looser ? "+changeOf(m)+" : '')")
	}
	add("changes", "["+strings.Join(changes, ", ")+"].filter(c, c != '').join('; ')")
	return out
}

// floorLabels returns a CEL map: the labels for the Pod Security Standards that a new namespace has at least.
func floorLabels(g *GuardOptions) string {
	if g.Level == "" {
		return "{}"
	}
	labels := quote(api.EnforceLevelLabel) + ": " + quote(string(g.Level))
	if g.Version != "" {
		labels += ", " + quote(api.EnforceVersionLabel) + ": " + quote(g.Version)
	}
	return "{" + labels + "}"
}

// rankOf returns a CEL int: how strict the level of a mode is that the CEL map of a namespace's labels has. Without a label it is
// privileged, which is what API servers take where nobody has configured them otherwise.
func rankOf(labels string, m guardedMode) string {
	key := quote(m.level)
	return fmt.Sprintf("%s in %s ? variables.ranks[?string(%s[%s])].orValue(%d) : 0", key, labels, labels, key, m.invalid)
}

// versionOf returns a CEL int: the minor version of the Pod Security Standards that the CEL map of a namespace's labels names. No
// label, and what is no version, is latest.
func versionOf(labels, key string) string {
	key = quote(key)
	value := "string(" + labels + "[" + key + "])"
	return fmt.Sprintf(`%s in %s && %s.matches('^v1[.](0|[1-9][0-9]{0,8})$') ? int(%s.substring(3)) : %d`, key, labels, value, value, latestVersion)
}

// demandsAt returns a CEL int that is the larger the more a level of the Pod Security Standards, by its rank, demands at a version.
// Versions that are newer than those known here are taken as demanding more each.
func demandsAt(rank, version string, newest int) string {
	return fmt.Sprintf("variables.demands[%s].filter(m, m <= %s).size() + (%s > %d ? %s - %d : 0)", rank, version, version, newest, version, newest)
}

// stateOf returns a CEL string: the level and version of a mode of the Pod Security Standards that the CEL map of a namespace's
// labels has.
func stateOf(labels string, m guardedMode) string {
	level, version := quote(m.level), quote(m.version)
	return fmt.Sprintf("(%s in %s ? string(%s[%s]) : 'unset') + (%s in %s ? ' (' + string(%s[%s]) + ')' : '')",
		level, labels, labels, level, version, labels, labels, version)
}

// changeOf returns a CEL string: what the request does to the labels of a mode of the Pod Security Standards.
func changeOf(m guardedMode) string {
	was, becomes := "variables."+m.name+"Was", "variables."+m.name+"Becomes"
	return "(request.operation == 'CREATE' ? " +
		quote(m.level+" would be ") + " + " + becomes + " + ', which is looser than what new namespaces have: ' + " + was + " : " +
		quote(m.level+" would go from ") + " + " + was + " + ' to ' + " + becomes + ")"
}
