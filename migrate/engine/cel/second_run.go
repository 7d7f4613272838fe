package cel

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// An API server runs a MutatingAdmissionPolicy that asks for it a second time whenever one has run, its own change being enough
// (k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go). PodSecurityPolicy admission ran a second time only where a
// webhook had changed the pod, and then chose anew. So the second run has to know whether anything but the first one has changed the
// pod: otherwise a policy could be chosen that refused the pod as it was sent, and accepts it with what the chosen one wrote.

// markPath is where the first run writes what it left behind. The status of a new pod is no business of whoever creates it: API servers
// drop what is in it before they store the pod, and before anything validates it (kubernetes: pkg/registry/core/pod/strategy.go).
const markPath = "'/status/message'"

// secondRun has the expressions by which a MutatingAdmissionPolicy knows that it runs a second time, and finds what it left behind.
type secondRun struct {
	// unchanged is true for a pod that nothing has changed since a policy was chosen for it.
	unchanged string
	// state is all that may be changed of the pod, as text, with what marks it as ours before it.
	state string
}

// addSecondRun adds the variables of a second run. A sender who writes into a new pod what a first run would leave has it judged by the
// policy that the pod names, by a ValidatingAdmissionPolicy that trusts nothing; so nothing is gained.
func addSecondRun(v *variables) *secondRun {
	parts := []string{"object.spec", "object.metadata.?annotations.orValue({})"}
	for _, field := range []string{"labels", "finalizers", "ownerReferences"} {
		empty := map[bool]string{true: "{}", false: "[]"}[field == "labels"]
		parts = append(parts, "object.metadata.?"+field+".orValue("+empty+")")
	}
	format := "'" + ManagedBy + strings.Repeat(" %s", len(parts)) + "'"
	state := v.set("state", format+".format(["+strings.Join(parts, ", ")+"])")
	unchanged := v.set("unchanged", "object.?status.?message.orValue('') != '' && object.status.message == "+state+" && "+hasPSPAnnotation)
	return &secondRun{unchanged: unchanged, state: state}
}

// mark returns the mutation that leaves behind, of a pod for which a policy was chosen, what a second run compares it with.
func (r *secondRun) mark() admissionregistrationv1.Mutation {
	return jsonPatch("!(" + hasPSPAnnotation + ") || " + r.unchanged + " ? [] :\n" +
		"(has(object.status) ? [] : [JSONPatch{op: 'add', path: '/status', value: {}}]) +\n" +
		"[JSONPatch{op: 'add', path: " + markPath + ", value: " + r.state + "}]")
}
