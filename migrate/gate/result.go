package gate

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ResultKind is the kind of a Result document; its apiVersion is that of the Plan.
const ResultKind = "Gate"

// Result is the gate's answer: whether a cluster is ready for an upgrade past PodSecurityPolicy, and why not. Every
// slice is sorted in the order in which to go on.
type Result struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// To is the release to upgrade to; TargetVersion is the one that labels are pinned to.
	To            string           `json:"to"`
	TargetVersion string           `json:"targetVersion"`
	Source        inventory.Source `json:"source"`
	// Pass is true if there is no reason against the upgrade and nothing is unknown.
	Pass bool `json:"pass"`
	// Reasons against the upgrade.
	Reasons []Reason `json:"reasons"`
	// Unknown is what the gate could not know, unless it was asserted.
	Unknown []Unknown `json:"unknown"`
	// Asserted are the assertions that were made.
	Asserted []string `json:"asserted,omitempty"`
	// Seen are the assertions that hold by what was read of the cluster.
	Seen []string `json:"seen,omitempty"`
	// Notes are worth knowing and decide nothing.
	Notes []Note `json:"notes,omitempty"`
	// ExistingConfig is for WriteAdmissionConfig alone.
	ExistingConfig ExistingAdmissionConfig `json:"-"`
}

// ExistingAdmissionConfig is what the gate knows of the admission configuration that API servers have.
type ExistingAdmissionConfig struct {
	// Admission is what was given of it; nil if nothing was.
	Admission *migrate.Admission
	// Files are where it is on the hosts of API servers, each once and quoted, as far as their flags were read.
	Files []string
}

// Reason is one thing to clear before the upgrade past PodSecurityPolicy, with the commands that clear it.
type Reason struct {
	message.Message
	// Objects are those that the reason is about, all of them, each with what is to be said of it alone.
	Objects []message.Message `json:"objects"`
	// Advice is what to know before the commands are run, or what to do if there is none.
	Advice Advice `json:"advice,omitempty"`
	// Commands clear the reason, in order.
	Commands []string `json:"commands"`
	// Stops are indices into Commands, in order: what the commands before one have done is to be looked at before the command
	// there is run.
	Stops []int `json:"stops,omitempty"`
	// Requires is the assertion that has to hold before the commands are run.
	Requires Assertion `json:"requires,omitempty"`
	// Order is the place among reasons and unknowns, a lower one first.
	Order int `json:"order"`
}

// Unknown is something about the upgrade that the gate cannot know from what was read.
type Unknown struct {
	// Message says what is not seen, and what depends on it.
	message.Message
	// Advice is how to find out and what to do.
	Advice Advice `json:"advice,omitempty"`
	// Commands help to find out.
	Commands []string `json:"commands,omitempty"`
	// Assert is the assertion to make once it is known to hold; absent if no assertion can replace reading.
	Assert Assertion `json:"assert,omitempty"`
	Order  int       `json:"order"`
}

// Note is something that the gate found, and that decides nothing about the upgrade.
type Note struct {
	message.Message
	// Objects are those that the note is about.
	Objects []message.Message `json:"objects,omitempty"`
}

// Advice is what to know and to do about a reason against the upgrade or something unknown, in order.
type Advice []message.Message

// String returns the gate's advice as one sentence; "" if there is none.
func (a Advice) String() string { return strings.Join(message.Texts(a), "; ") }

// Assertion is the name of something that the user of the gate says is so.
type Assertion string

// The assertions.
const (
	// AssertPolicyPluginOff says that no API server's flags name the admission plugin PodSecurityPolicy.
	AssertPolicyPluginOff Assertion = "psp-plugin-off"
	// AssertPoliciesSaved says that the PodSecurityPolicies and their RBAC are saved outside the cluster.
	AssertPoliciesSaved Assertion = "policies-saved"
	// AssertNoPolicyRoles says that no role lets anybody use policies.
	AssertNoPolicyRoles Assertion = "no-policy-roles"
	// AssertHelmClean says that no stored Helm release holds a PodSecurityPolicy.
	AssertHelmClean Assertion = "helm-releases-clean"
	// AssertNewNamespacesLabelled says that new namespaces get a level.
	AssertNewNamespacesLabelled Assertion = "new-namespaces-labelled"
)

// Assertions returns all assertions of the gate with what each says, in the order in which they come up.
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

// The order of reasons and unknowns: cleared in this order, none opens a gap or breaks what runs.
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

// newResult returns the Result of a gate that has found no reason yet.
func newResult(p *migrate.Plan, o Options) *Result {
	return &Result{
		APIVersion: migrate.APIVersion, Kind: ResultKind, To: o.To.String(), TargetVersion: p.TargetVersion, Source: p.Source,
		Reasons: []Reason{}, Unknown: []Unknown{},
	}
}
