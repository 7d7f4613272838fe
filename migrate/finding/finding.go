// Package finding owns what "psp2pss check" finds in manifests: the model of its result, which every output format writes. A
// finding is one check of the Pod Security Standards that one workload fails, at the places in a file where that is decided. It
// reads nothing, and decides no level.
package finding

import (
	"encoding/json"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// APIVersion is that of the documents of this tool, Kind that of the Result of "psp2pss check", ExceptionsKind that of a file of
// exceptions from checks.
const (
	APIVersion     = "psp2pss.dev/v1"
	Kind           = "CheckResult"
	ExceptionsKind = "Exceptions"
)

// Result is what "psp2pss check" found in manifests.
type Result struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// ToolVersion is the version of psp2pss that made it. It is left out of comparisons.
	ToolVersion string `json:"toolVersion"`
	// Workloads are the objects with pods that were evaluated, or should have been, in the order of their positions.
	Workloads []Workload `json:"workloads"`
	// Findings are sorted by severity (errors first), file, line, column and rule.
	Findings []Finding `json:"findings"`
	// Ignored are the findings that an exception with a reason covers.
	Ignored []Ignored `json:"ignored"`
	// Since names the file of the earlier result or plan that New and Fixed are about; absent where the flag --since is not used.
	Since string `json:"since,omitempty"`
	// Fixed are the findings of the result that --since names which are found no longer.
	Fixed []Known `json:"fixed,omitempty"`
	// Gaps are what could not be read or evaluated.
	Gaps []Gap `json:"gaps"`
	// Notes are remarks that make nothing uncertain.
	Notes []Note `json:"notes,omitempty"`
}

// Object names the object of a manifest that a finding is about.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Namespace is that of the manifest, else that of -n; absent where neither says it.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Template is the file of a Helm chart that the object was rendered from, by its "# Source:" line.
	Template string `json:"template,omitempty"`
	// Hook is the event at which Helm runs the object, by its annotation helm.sh/hook: "pre-install", "test".
	Hook string `json:"hook,omitempty"`
}

// Demand is a level that the pods of a workload have to meet, and what demands it.
type Demand struct {
	// Level is baseline or restricted; privileged demands nothing.
	Level string `json:"level" values:"privileged baseline restricted"`
	// Version is that of the standards: "v1.25", or "latest" as it was asked for.
	Version string `json:"version"`
	// Source is what decided the level: the flag --level, labels of a Namespace in the input, a saved plan, a live cluster, the
	// defaults of the API server's admission configuration.
	Source string `json:"source" values:"flag labels plan cluster admission"`
	// Mode is that of the label which demands it: enforce refuses pods, warn and audit only say it. It is enforce for all other
	// sources.
	Mode string `json:"mode" values:"enforce warn audit"`
	// Why says in words where the level comes from, with the label, plan or cluster.
	Why message.Message `json:"why"`
	// Position is that of the Namespace whose labels demand it.
	Position pspparse.Position `json:"position,omitzero"`
}

// Workload is one object with pods, and whether they meet what is demanded of them.
type Workload struct {
	Object   Object            `json:"object"`
	Position pspparse.Position `json:"position"`
	// Demands are sorted by version. There is none where the namespace is exempt or at privileged.
	Demands []Demand `json:"demands"`
	// Passed are the checks of the demands that it meets, Failed those that it does not meet, each sorted; an ignored one is
	// among Failed.
	Passed []string `json:"passed"`
	Failed []string `json:"failed"`
	// Partial is true for a custom resource that holds a part of a pod only: nothing is found against it as written, which does
	// not say that its pods meet a level. Passed is empty then.
	Partial bool `json:"partial,omitempty"`
	// MakesPods is true for an object that is no pod: a server warns of it, and refuses its pods later.
	MakesPods bool `json:"makesPods"`
	// Exceptions are those that annotations of the object ask for, whether they hold or not, sorted by rule.
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Exception asks that one check may fail, of an object whose annotation it is, or of those that an entry of a file selects.
type Exception struct {
	// Rule is the ID of the check as it is written there, which need not exist.
	Rule string `json:"rule"`
	// Reason is why the check may fail, Until the last day on which that holds ("2027-03-31"), both as written; absent where the
	// exception does not say it. Without a reason it does not hold.
	Reason string `json:"reason,omitempty"`
	Until  string `json:"until,omitempty"`
	// Field is where it stands within the object or the file: "metadata.annotations[psp2pss.dev/allow.privileged]",
	// "exceptions[0]".
	Field string `json:"field"`
	Range
}

// Finding is one check that a workload fails, or one fault of an exception.
type Finding struct {
	// Rule is the check's ID in the library of the standards, or one of Rules that is about exceptions.
	Rule string `json:"rule"`
	// Level is that of the rule's check: baseline or restricted; absent for a rule about exceptions.
	Level string `json:"level,omitempty" values:"baseline restricted"`
	// Severity is error where pods are refused, warning where a label only warns, note where it only audits.
	Severity string `json:"severity" values:"error warning note"`
	Object   Object `json:"object"`
	// Demand is the one that is not met, with the oldest version of the standards at which the rule fails; Versions are all of
	// them, oldest first.
	Demand   Demand   `json:"demand,omitzero"`
	Versions []string `json:"versions,omitempty"`
	// Message is the sentence of Pod Security admission for this check alone: `privileged (container "app" must not set
	// securityContext.privileged=true)`; for a rule about exceptions our own sentence.
	Message string `json:"message"`
	// Effect says what the API server does: refuses the pod, or warns of the object and refuses its pods later.
	Effect message.Message `json:"effect,omitzero"`
	// Places are where the rule is broken, in the order of the file; there is at least one.
	Places []Place `json:"places"`
	// Fingerprint is the same for the same finding in a later commit, whatever moved in the file.
	Fingerprint string `json:"fingerprint"`
	// New is true where --since is used and the result that it names did not have it.
	New bool `json:"new,omitempty"`
}

// Place is one place in a file where a rule is broken.
type Place struct {
	// Field is the path within the object: "spec.template.spec.containers[0].securityContext.privileged".
	Field string `json:"field"`
	// Container is the name of the container that the field is in; absent at the level of the pod.
	Container string `json:"container,omitempty"`
	// Missing is true where the field is not there: then the place is that of the nearest thing that is there, which the field
	// has to be written into.
	Missing bool `json:"missing,omitempty"`
	// Value is what is refused there: the value of the field, or what a check reads of it, such as the path of a hostPath volume. It is
	// absent where the field is missing or decides by its name alone. One of more than 100 bytes is "sha256:" and its hash in hex.
	Value json.RawMessage `json:"value,omitempty"`
	Range
	// Edit is the change that meets the check here; nil where none is known.
	Edit *Edit `json:"edit,omitempty"`
	// New is true where --since is used and the result that it names did not have the place.
	New bool `json:"new,omitempty"`
	// PreviousValue is, of a new place, the value that the earlier result has there and that is found there no more: it was changed.
	PreviousValue json.RawMessage `json:"previousValue,omitempty"`
}

// Range is a range of text in a file.
type Range struct {
	// File is the path as the user gave it, "-" for standard input.
	File string `json:"file"`
	// Line and Column count from 1, columns in characters (code points). EndColumn is the one after the last character.
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndLine   int `json:"endLine"`
	EndColumn int `json:"endColumn"`
}

// Edit is one change of a field that makes a place meet its check.
type Edit struct {
	// Op is set, which writes the value, or remove, which takes the field out.
	Op string `json:"op" values:"set remove"`
	// Value is what is written; it is absent for remove. A list is the whole list.
	Value json.RawMessage `json:"value,omitempty"`
	// Safety is safe where nothing can break, test where the program has to be tried, and decide where something is taken away
	// that the manifest asks for: "psp2pss fix" never does that.
	Safety string          `json:"safety" values:"safe test decide"`
	Why    message.Message `json:"why"`
}

// Ignored is a finding that an exception covers.
type Ignored struct {
	Finding Finding `json:"finding"`
	// Reason is the one that the exception gives, Until the last day on which it holds ("2027-03-31"); absent where it has none.
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"`
	// Source is where the exception stands: annotation or file.
	Source   string            `json:"source" values:"annotation file"`
	Position pspparse.Position `json:"position"`
}

// Known identifies a finding of an earlier result.
type Known struct {
	Rule   string `json:"rule"`
	Object Object `json:"object"`
	// Containers and Fields are the places of the earlier finding that are fixed, where others of it are still found; both are absent
	// where it is fixed whole.
	Containers []string `json:"containers,omitempty"`
	Fields     []string `json:"fields,omitempty"`
	// Message is the one of the earlier result.
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
}

// Gap is something that could not be read or evaluated.
type Gap struct {
	message.Message
	// What names it: "document 3", `Deployment "web/api"`.
	What     string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
}

// Note is a remark that makes nothing uncertain.
type Note struct {
	message.Message
	What     string            `json:"what"`
	Position pspparse.Position `json:"position,omitzero"`
}

// The severities of a Finding.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
	SeverityNote    = "note"
)

// The operations of an Edit.
const (
	OpSet    = "set"
	OpRemove = "remove"
)

// The sources of an exception.
const (
	SourceAnnotation = "annotation"
	SourceFile       = "file"
)

// The safety of an Edit.
const (
	SafetySafe   = "safe"
	SafetyTest   = "test"
	SafetyDecide = "decide"
)

// The rules about exceptions, which stand beside the checks of the standards.
const (
	// RuleExceptionWithoutReason is the rule that every exception gives a reason.
	RuleExceptionWithoutReason = "exception-without-reason"
	// RuleExceptionExpired is the rule that no exception is past its date.
	RuleExceptionExpired = "exception-expired"
	// RuleExceptionInvalidDate is the rule that the date of an exception is one.
	RuleExceptionInvalidDate = "exception-invalid-date"
	// RuleExceptionUnknown is the rule that an exception names a check that exists.
	RuleExceptionUnknown = "exception-unknown-check"
)

// ExceptionRules returns the rules about exceptions, in alphabetical order.
func ExceptionRules() []string {
	return []string{RuleExceptionExpired, RuleExceptionInvalidDate, RuleExceptionUnknown, RuleExceptionWithoutReason}
}
