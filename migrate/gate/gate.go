package gate

import (
	"cmp"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Options are those of the gate's Evaluate: the release to upgrade to, and what the user asserts.
type Options struct {
	// To is the release to upgrade to.
	To api.Version
	// Tool is how the user calls the tool.
	Tool string
	// Assert is what the user says is so.
	Assert []Assertion
}

// Evaluate decides whether a cluster is ready for an upgrade past PodSecurityPolicy. It is pure: the same plan, facts and
// options give the same Result.
func Evaluate(p *migrate.Plan, f Facts, o Options) *Result {
	j := newUpgradeCheck(p, f, o)
	j.checkGaps()
	j.checkBackup()
	j.checkLabels()
	j.checkIneffectiveLabels(j.checkEnforcedLevels())
	j.checkTemplates()
	j.checkBypass()
	j.checkPodSecurityPlugin()
	j.checkPolicyPlugin()
	j.noteAdmissionConfigFiles()
	j.checkPolicyRoles()
	j.checkPolicies()
	j.checkHelmReleases()
	j.checkSeccompAnnotations()
	j.checkNewNamespaces()
	j.noteNamespaceWriters()
	j.noteReplacements()
	r := j.result
	slices.SortStableFunc(r.Reasons, func(a, b Reason) int { return cmp.Compare(a.Order, b.Order) })
	slices.SortStableFunc(r.Unknown, func(a, b Unknown) int { return cmp.Compare(a.Order, b.Order) })
	for _, a := range Assertions() {
		if slices.Contains(o.Assert, a.Name) {
			r.Asserted = append(r.Asserted, string(a.Name))
		}
	}
	r.Seen = j.observedAssertions()
	r.Pass = len(r.Reasons) == 0 && len(r.Unknown) == 0
	return r
}

// upgradeCheck is the state of one run of the gate: its Result so far, and what the checks share.
type upgradeCheck struct {
	plan   *migrate.Plan
	facts  Facts
	opts   Options
	result *Result

	kubectl, tool, contextFlag string      // contextFlag is the flag that names it, or nothing
	server                     api.Version // zero where it is not known
	// policiesGone is true if the server does not serve PodSecurityPolicies any more, policiesAsked if it evaluates them for
	// every pod.
	policiesGone, policiesAsked bool
	providerPolicies            map[string]bool // policies of a provider, by name
}

// newUpgradeCheck returns the gate's evaluation of a plan without the namespaces that are being deleted.
func newUpgradeCheck(p *migrate.Plan, f Facts, o Options) *upgradeCheck {
	p, terminating := withoutTerminating(p)
	j := &upgradeCheck{plan: p, facts: f, opts: o, result: newResult(p, o), providerPolicies: map[string]bool{}}
	j.result.ExistingConfig = existingAdmissionConfig(p)
	if len(terminating) > 0 {
		j.addNote(terminating, message.New("terminating-not-asked"))
	}
	j.kubectl, j.tool = "kubectl", cmp.Or(o.Tool, "psp2pss")
	if command, err := script.KubectlCommand(p.Source); err == nil {
		j.kubectl, j.contextFlag = command, command[len("kubectl"):]
	}
	if server, known := p.ServerVersion(); known {
		j.server = server
		j.policiesGone = !j.server.Older(migrate.FirstVersionWithoutPSP())
	}
	for i := range p.Policies {
		j.providerPolicies[p.Policies[i].Name] = p.Policies[i].ProviderDefault
	}
	j.policiesAsked = len(p.Policies) > 0 && !j.policiesGone && (j.isPolicyPluginOn() || !policiesUnused(p)) && !j.isPolicyPluginOff()
	return j
}

// policiesUnused reports whether, for the gate, there are live pods in a plan and none was admitted by a
// PodSecurityPolicy.
func policiesUnused(p *migrate.Plan) bool {
	pods := 0
	for i := range p.Namespaces {
		if len(p.Namespaces[i].ObservedPolicies) > 0 {
			return false
		}
		for k := range p.Namespaces[i].Workloads {
			pods += p.Namespaces[i].Workloads[k].Pods
		}
	}
	return pods > 0
}

// asserted reports whether the user makes an assertion of the gate.
func (j *upgradeCheck) asserted(a Assertion) bool { return slices.Contains(j.opts.Assert, a) }

// addReason adds a reason against the upgrade to the gate's result.
func (j *upgradeCheck) addReason(r Reason) {
	if r.Commands == nil {
		r.Commands = []string{}
	}
	j.result.Reasons = append(j.result.Reasons, r)
}

// addUnknown adds something unknown about the upgrade to the gate's result, unless the user asserts it.
func (j *upgradeCheck) addUnknown(u Unknown) {
	if u.Assert == "" || !j.asserted(u.Assert) {
		j.result.Unknown = append(j.result.Unknown, u)
	}
}

// addNote adds a note about objects to the gate's Result.
func (j *upgradeCheck) addNote(objects []message.Message, m message.Message) {
	j.result.Notes = append(j.result.Notes, Note{m, objects})
}

// checkGaps adds unknowns to the gate's result for what the plan could not read or evaluate: objects, labels of
// namespaces, and names that no namespace can have.
func (j *upgradeCheck) checkGaps() {
	if j.plan.NothingRead() {
		j.addUnknown(Unknown{Message: message.New("nothing-read"), Order: orderRead})
	}
	if n := len(j.plan.Gaps); n > 0 {
		var what []string
		for _, g := range j.plan.Gaps {
			if !slices.Contains(what, g.What) { // "document 2" of several files
				what = append(what, g.What)
			}
		}
		j.addUnknown(Unknown{
			Message: message.New("gaps", "n", n, "what", what), Order: orderRead,
			Advice: Advice{message.New("see-gaps")},
		})
	}
	var unread, invalid []string
	for i := range j.plan.Namespaces {
		if j.plan.Namespaces[i].ObjectNotRead {
			unread = append(unread, j.plan.Namespaces[i].Name)
		}
		if !hasValidName(&j.plan.Namespaces[i]) {
			invalid = append(invalid, strconv.QuoteToASCII(j.plan.Namespaces[i].Name))
		}
	}
	if len(invalid) > 0 {
		j.addUnknown(Unknown{Message: message.New("names", "names", invalid), Order: orderRead})
	}
	if len(unread) > 0 {
		j.addUnknown(Unknown{
			Message: message.New("labels", "namespaces", unread), Order: orderRead,
			Advice: Advice{message.New("read-namespaces")},
		})
	}
}

// hasValidName reports whether the gate can write the name of a namespace into a command. Only a plan that was edited
// has another one.
func hasValidName(ns *migrate.Namespace) bool { return len(validation.IsDNS1123Label(ns.Name)) == 0 }

// checkBackup adds an unknown to the gate's result unless the policies and their RBAC are asserted to be saved.
func (j *upgradeCheck) checkBackup() {
	if j.policiesGone || len(j.plan.Policies) == 0 {
		return
	}
	j.addUnknown(Unknown{
		Message: message.New("backup"), Order: orderSave, Assert: AssertPoliciesSaved,
		Commands: []string{j.kubectl + " get podsecuritypolicies,clusterroles,clusterrolebindings,roles,rolebindings,namespaces --all-namespaces -o yaml > psp-backup.yaml"},
	})
}

// checkPolicyPlugin adds to the gate's result what is known of the admission plugin PodSecurityPolicy, by flags of API
// servers or as an unknown.
func (j *upgradeCheck) checkPolicyPlugin() {
	if j.policiesGone {
		return
	}
	how := Advice{message.New("take-plugin-out")}
	switch j.managedService() {
	case serviceEKS:
		how = Advice{message.New("plugin-of-eks")}
	case serviceGKE:
		how = Advice{message.New("plugin-of-gke")}
	}
	if j.checkPolicyPluginFlags(how) {
		return
	}
	j.addUnknown(Unknown{
		Message: message.New("admission-plugin", "unused", len(j.plan.Policies) > 0 && policiesUnused(j.plan)),
		Order:   orderPlugin, Assert: AssertPolicyPluginOff, Advice: how,
	})
}

// DefaultRelease returns the Kubernetes release that the gate checks an upgrade to if none is named: the one after the
// server's, and at least the first without PodSecurityPolicy.
func DefaultRelease(p *migrate.Plan) api.Version {
	server, known := p.ServerVersion()
	if !known {
		return migrate.FirstVersionWithoutPSP()
	}
	next, oldest := api.MajorMinorVersion(1, server.Minor()+1), migrate.FirstVersionWithoutPSP()
	if oldest.Older(next) {
		return next
	}
	return oldest
}
