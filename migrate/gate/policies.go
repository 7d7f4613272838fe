package gate

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// checkTemplates adds a reason against the upgrade for workloads whose pods have values that PodSecurityPolicies set
// and no template says.
func (j *upgradeCheck) checkTemplates() {
	var patched, byHand []message.Message
	var arguments, managed, edited []string
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			values := countPolicyMutations(w)
			if values == 0 || !hasValidName(ns) {
				continue
			}
			name := ns.Name + "/" + strings.ToLower(w.Kind) + "/" + w.Name
			custom := len(w.TemplatePaths) > 0
			if w.Owner != nil || !isPatchableKind(w.Kind) && !custom {
				byHand = append(byHand, message.New("object-mutated-workload", "namespace", ns.Name, "kind", w.Kind, "name", w.Name))
				continue
			}
			patched = append(patched, message.New("object-mutated-workload", "namespace", ns.Name, "kind", w.Kind, "name", w.Name, "values", values))
			if custom {
				edited = append(edited, name+" at "+strings.Join(w.TemplatePaths, ", "))
				continue
			}
			arguments = append(arguments, escape.Shell(name))
			if w.ManagedBy != nil {
				managed = append(managed, name)
			}
		}
	}
	if len(byHand) > 0 {
		j.addNote(byHand, message.New("templates-not-patched"))
	}
	switch {
	case len(patched) == 0:
		return
	case !j.policiesAsked:
		j.addNote(patched, message.New("policies-not-asked"))
		return
	}
	r := Reason{Message: message.New("mutated-by-policies", "n", len(patched)), Order: orderTemplates, Objects: patched}
	if len(arguments) > 0 {
		r.Advice = Advice{message.New("patch-rolls-out")}
		r.Commands, r.Stops = j.patchCommands("keep.sh", arguments), stopBeforeScript()
	}
	if len(edited) > 0 {
		r.Advice = append(r.Advice, message.New("edit-custom-resources", "resources", edited))
	}
	if len(managed) > 0 {
		r.Advice = append(r.Advice, message.New("patch-undone-by-tool", "workloads", managed))
	}
	j.addReason(r)
}

// countPolicyMutations returns, for the gate, how many values PodSecurityPolicies set in the pods of a workload,
// without those that the API server derives from an annotation.
func countPolicyMutations(w *migrate.Workload) int {
	n := 0
	for _, m := range w.Mutations {
		if m.Policy != "" {
			n++
		}
	}
	return n
}

// patchCommands returns the gate's commands that write a patch script for workloads, given as shell words, and run it.
func (j *upgradeCheck) patchCommands(file string, workloads []string) []string {
	return []string{j.tool + " patch" + j.contextFlag + " --keep -o commands=" + file + " -- " + strings.Join(workloads, " "), "sh " + file}
}

// stopBeforeScript returns the stop of the gate's script between the two commands of patchCommands, for a person to
// read the patches.
func stopBeforeScript() []int { return []int{1} }

// isPatchableKind reports, for the gate's advice, whether psp2pss patch can patch a kind of workload.
func isPatchableKind(kind string) bool {
	k, ok := inventory.WorkloadKindOf(kind)
	return ok && !k.FixedTemplate
}

// checkBypass adds a reason against the upgrade for namespaces whose pods are still admitted by a policy that may
// refuse or change them: whether they can live without it was not tried.
func (j *upgradeCheck) checkBypass() {
	if !j.policiesAsked {
		return
	}
	open := map[string]bool{}
	for i := range j.plan.Policies {
		p := &j.plan.Policies[i]
		open[p.Name] = p.ClosestLevel == api.LevelPrivileged && len(p.MutatingFields) == 0
	}
	var where []message.Message
	var left []*migrate.Namespace
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		var by []string
		for k := range ns.Workloads {
			if w := &ns.Workloads[k]; w.AdmittedBy != "" && !open[w.AdmittedBy] && hasValidName(ns) {
				by = append(by, w.AdmittedBy)
			}
		}
		if len(by) == 0 {
			continue
		}
		slices.Sort(by)
		left = append(left, ns)
		where = append(where, message.New("object-admitting-policies", "namespace", ns.Name, "policies", slices.Compact(by)))
	}
	if len(where) == 0 {
		return
	}
	r := Reason{Message: message.New("not-bypassed", "n", len(where)), Order: orderBypass, Objects: where}
	r.Advice, r.Commands, r.Stops = j.bypassCommands(left)
	j.addReason(r)
}

// bypassCommands returns the commands of the gate's advice that enforce the recommended level in namespaces and then
// let their pods past the policies, with a stop between the two, and what to know before.
func (j *upgradeCheck) bypassCommands(namespaces []*migrate.Namespace) (how Advice, commands []string, stops []int) {
	var all, other, owned []string
	for _, ns := range namespaces {
		all = append(all, ns.Name)
		switch {
		case ns.LabelOwner != "":
			owned = append(owned, ns.Name)
		case hasLabel(ns, api.EnforceLevelLabel) && ns.Action != migrate.ActionUnchanged:
			other = append(other, ns.Name)
		}
	}
	if len(other) > 0 {
		commands = append(commands, j.rolloutCommand("enforce", other)+" --force")
	}
	bypass := j.rolloutCommand("bypass", all)
	if len(owned) > 0 {
		how = Advice{message.New("force-undone-by-tool", "namespaces", owned)}
		commands = append(commands, j.rolloutCommand("enforce", owned)+" --force")
		bypass += " --force"
	}
	if len(commands) > 0 {
		stops = []int{len(commands)}
	}
	return how, append(commands, bypass), stops
}

// policyPluginAssertion returns the assertion of the gate that has to hold before grants and policies are deleted: a
// server that asks for policies and finds none to use refuses every pod.
func (j *upgradeCheck) policyPluginAssertion() Assertion {
	if j.policiesGone {
		return ""
	}
	return AssertPolicyPluginOff
}

// checkPolicyRoles adds reasons against the upgrade for roles that still let somebody use policies, and for their
// bindings.
func (j *upgradeCheck) checkPolicyRoles() {
	j.checkUnreadRoles()
	var left, kept []leftoverRole
	for _, r := range leftoverRoles(j.plan) {
		if j.isProviderRole(&r) {
			kept = append(kept, r)
		} else {
			left = append(left, r)
		}
	}
	if len(kept) > 0 {
		j.addNote(roleObjects(kept), message.New("provider-roles"))
	}
	if j.grantsAreAsked() && len(left) > 0 {
		j.addNote(roleObjects(left), message.New("policy-roles-asked"))
		return
	}
	if j.policiesGone && len(left) > 0 {
		j.addNote(roleObjects(left), message.New("policy-roles-without-effect"))
		return
	}
	j.checkPolicyBindings(left)
	r := Reason{Message: message.New("policy-roles", "n", len(left)), Order: orderRoles, Requires: j.policyPluginAssertion(), Objects: roleObjects(left)}
	for i := range left {
		if left[i].OnlyPolicies {
			r.Commands = append(r.Commands, j.kubectl+" delete "+kubectlObject("role", left[i].Namespace, left[i].Name))
			continue
		}
		r.Advice = Advice{message.New("edit-role")}
		r.Commands = append(r.Commands, j.kubectl+" patch --type=json --patch="+escape.Shell(left[i].RemovalPatch)+" "+kubectlObject("role", left[i].Namespace, left[i].Name))
	}
	if len(left) > 0 {
		j.addReason(r)
	}
}

// checkUnreadRoles adds an unknown to the gate's Result if there may be more roles than were read. In a cluster a
// binding to a role that does not exist grants nothing; files need not have every role.
func (j *upgradeCheck) checkUnreadRoles() {
	u := Unknown{Order: orderRoles}
	unread := unreadRoles(j.plan)
	byGap := len(unread) > 0
	switch {
	case j.policiesGone:
		return
	case byGap:
		u.Advice = Advice{message.New("see-gaps")}
	case j.plan.Source.Origin() != inventory.SourceFiles:
		return
	default:
		for _, f := range j.plan.IneffectiveGrants {
			if f.RoleNotRead {
				unread = append(unread, f.Subject)
			}
		}
		u.Advice, u.Assert = Advice{message.New("read-roles")}, AssertNoPolicyRoles
	}
	if len(unread) > 0 {
		u.Message = message.New("policy-roles", "unread", unread, "byGap", byGap)
		j.addUnknown(u)
	}
}

// checkPolicyBindings to roles that will be gone would be left pointing to nothing.
func (j *upgradeCheck) checkPolicyBindings(roles []leftoverRole) {
	r := Reason{Message: message.New("policy-bindings"), Order: orderBindings, Requires: j.policyPluginAssertion()}
	for i := range roles {
		if !roles[i].OnlyPolicies {
			continue
		}
		for _, b := range roles[i].bindings {
			r.Objects = append(r.Objects, message.New("object-binding", "binding", b.Reference()))
			r.Commands = append(r.Commands, j.kubectl+" delete "+kubectlObject("rolebinding", b.Namespace, b.Name))
		}
	}
	if len(r.Objects) > 0 {
		j.addReason(r)
	}
}

// kubectlObject returns, for a command of the gate, the kind and name of an object as arguments of kubectl, with the
// cluster-wide kind if it has no namespace.
func kubectlObject(kind, namespace, name string) string {
	if namespace == "" {
		return "cluster" + kind + " -- " + escape.Shell(name)
	}
	return kind + " --namespace=" + escape.Shell(namespace) + " -- " + escape.Shell(name)
}

// roleObjects returns the roles that still let use policies as the objects that a reason of the gate is about.
func roleObjects(roles []leftoverRole) []message.Message {
	out := make([]message.Message, len(roles))
	for i, r := range roles {
		out[i] = message.New("object-role", "role", r.Reference())
	}
	return out
}

// isProviderRole reports, for the gate, whether a role lets use only policies that the provider of the cluster installs
// by default.
func (j *upgradeCheck) isProviderRole(r *leftoverRole) bool {
	named := r.LeftoverRole.Policies
	return !r.EveryPolicy && len(named) > 0 && !slices.ContainsFunc(named, func(name string) bool { return !j.providerPolicies[name] })
}

// checkPolicies adds a reason against the upgrade for the policies that are still there, with how many workloads each
// has admitted.
func (j *upgradeCheck) checkPolicies() {
	if j.policiesGone {
		return
	}
	pods := map[string]int{}
	for i := range j.plan.Namespaces {
		for k := range j.plan.Namespaces[i].Workloads {
			for _, name := range j.plan.Namespaces[i].Workloads[k].ObservedPolicies {
				pods[name]++
			}
		}
	}
	r := Reason{Order: orderPolicies, Requires: j.policyPluginAssertion(), Advice: Advice{message.New("save-policies-first")}}
	var names []string
	var provider []message.Message
	for i := range j.plan.Policies {
		p := &j.plan.Policies[i]
		if p.ProviderDefault {
			provider = append(provider, message.New("object-policy", "policy", p.Name))
			continue
		}
		r.Objects = append(r.Objects, message.New("object-policy", "policy", p.Name, "workloads", pods[p.Name]))
		names = append(names, escape.Shell(p.Name))
	}
	if len(provider) > 0 {
		j.addNote(provider, message.New("provider-policies"))
	}
	if len(names) == 0 {
		return
	}
	r.Message = message.New("policies", "n", len(names))
	r.Commands = []string{j.kubectl + " delete podsecuritypolicy -- " + strings.Join(names, " ")}
	j.addReason(r)
}

// noteNamespaceWriters adds a note of the gate on who may write namespaces, and so lift their level.
func (j *upgradeCheck) noteNamespaceWriters() {
	var where []message.Message
	administrators := 0
	for _, l := range j.plan.NamespaceWriters {
		if l.Administrator {
			administrators++
			continue
		}
		kind, name := l.Subject.Kind()
		where = append(where, message.New("object-namespace-writer", "kind", kind, "name", name, "verbs", l.Verbs, "namespace", l.Namespace, "binding", l.Binding, "role", l.Role))
	}
	if len(where) > 0 {
		j.addNote(where, message.New("namespace-writers"))
	}
	if administrators > 0 {
		j.addNote(nil, message.New("namespace-writers-administrators", "n", administrators))
	}
}
