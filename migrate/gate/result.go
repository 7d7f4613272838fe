package gate

import (
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ResultKind identifies a Result document; its apiVersion is that of the Plan.
const ResultKind = "Gate"

// Result is the answer, in a form for scripts. Every slice is sorted in the order in which to go on.
type Result struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// To is the release to upgrade to; TargetVersion is the one that labels are pinned to.
	To            string           `json:"to"`
	TargetVersion string           `json:"targetVersion"`
	Source        inventory.Source `json:"source"`
	// Pass is true if there is no reason against the upgrade and nothing that could not be told.
	Pass bool `json:"pass"`
	// Reasons against the upgrade.
	Reasons []Reason `json:"reasons"`
	// Unknown is what could not be told, unless it was asserted.
	Unknown []Unknown `json:"unknown"`
	// Asserted are the names that were taken on trust.
	Asserted []string `json:"asserted,omitempty"`
	// Seen are the names that need no assertion: what was read of the cluster shows that they hold.
	Seen []string `json:"seen,omitempty"`
	// Notes is worth knowing and decides nothing.
	Notes []Note `json:"told,omitempty"`
	// ExistingConfig is for AdmissionConfig alone.
	ExistingConfig ExistingAdmissionConfig `json:"-"`
}

// ExistingAdmissionConfig is what is known of the admission configuration that API servers have.
type ExistingAdmissionConfig struct {
	// Admission is what was given of it; nil if nothing was.
	Admission *migrate.Admission
	// Files are where it is on the hosts of API servers, each once and quoted, as far as their flags were read.
	Files []string
}

// Reason is one thing to clear before the upgrade.
type Reason struct {
	ID string `json:"id"`
	// Text is a sentence.
	Text string `json:"what"`
	// Objects: the objects it is about, all of them.
	Objects []string `json:"where"`
	// Advice says what to know before the commands are run, or what to do where there is none.
	Advice string `json:"how,omitempty"`
	// Commands are the commands, in order.
	Commands []string `json:"clear"`
	// Stops are places in Clear, in order: what the commands before one have done is to be looked at before the one there is
	// run. Absent where all may be run at once.
	Stops []int `json:"stops,omitempty"`
	// Requires is the assertion that has to hold before the commands may be run; absent if none has to.
	Requires Assertion `json:"after,omitempty"`
	// Order is the place among reasons and unknowns: a lower one first.
	Order int `json:"order"`
}

// Unknown is something that could not be told.
type Unknown struct {
	ID string `json:"id"`
	// Text is a sentence: what is not seen, and what depends on it.
	Text string `json:"why"`
	// Advice says how to find out and what to do.
	Advice string `json:"how,omitempty"`
	// Commands are commands that help.
	Commands []string `json:"clear,omitempty"`
	// Assert is the name to assert once it is known to be so; absent where nobody's word can replace reading.
	Assert Assertion `json:"assert,omitempty"`
	Order  int       `json:"order"`
}

// Note is worth knowing.
type Note struct {
	Text    string   `json:"what"`
	Objects []string `json:"where,omitempty"`
}

// Assertion is something that the user says is so.
type Assertion string

// The assertions.
const (
	AssertPolicyPluginOff       Assertion = "psp-plugin-off"
	AssertPoliciesSaved         Assertion = "policies-saved"
	AssertNoPolicyRoles         Assertion = "no-policy-roles"
	AssertHelmClean             Assertion = "helm-releases-clean"
	AssertNewNamespacesLabelled Assertion = "new-namespaces-labelled"
)

// Assertions are all names with what each says, in the order in which they come up.
func Assertions() []struct {
	Name  Assertion
	Means string
} {
	return []struct {
		Name  Assertion
		Means string
	}{
		{AssertPoliciesSaved, "the policies and their RBAC are saved outside the cluster"},
		{AssertPolicyPluginOff, "no API server's flags name the plugin PodSecurityPolicy"},
		{AssertNoPolicyRoles, "roles that bindings refer to and that were not read let use no policies"},
		{AssertHelmClean, "no stored Helm release holds a policy"},
		{AssertNewNamespacesLabelled, "who makes namespaces labels them, or a default is configured"},
	}
}

// The places of reasons and unknowns: the order in which no step opens a gap or breaks what runs.
const (
	orderRead = iota + 1
	orderSave
	orderObserve
	orderTemplates
	orderSeccomp
	orderBreaks
	orderIgnored
	orderEnforce
	orderBypass
	orderPlugin
	orderBindings
	orderRoles
	orderPolicies
	orderHelm
	orderNewNamespaces
)

func newResult(p *migrate.Plan, o Options) *Result {
	return &Result{
		APIVersion: migrate.APIVersion, Kind: ResultKind, To: o.To.String(), TargetVersion: p.TargetVersion, Source: p.Source,
		Reasons: []Reason{}, Unknown: []Unknown{},
	}
}
