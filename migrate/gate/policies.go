package gate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// checkTemplates adds a reason against the upgrade for workloads whose pods have values that PodSecurityPolicies set
// and no template says.
func (j *upgradeCheck) checkTemplates() {
	var patched, byHand, arguments, managed, edited []string
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
				byHand = append(byHand, name)
				continue
			}
			patched = append(patched, fmt.Sprintf("%s: %s", name, phrases.CountNoun(values, "value", "values")))
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
		j.addNote(byHand, "what policies set is not in these templates, and they cannot be patched: it belongs into the manifests that they are made from, if they are made again")
	}
	switch {
	case len(patched) == 0:
		return
	case !j.policiesAsked:
		j.addNote(patched, "what policies would set, if the server asked them, and no template states")
		return
	}
	r := Reason{
		ID: "mutated-by-policies", Order: orderTemplates, Objects: patched,
		Text: phrases.CountNoun(len(patched), "workload lives", "workloads live") + " by values that policies set and no template states",
	}
	if len(arguments) > 0 {
		r.Advice = "read the file before it is run: it makes the workloads roll out"
		r.Commands, r.Stops = j.patchCommands("keep.sh", arguments), stopBeforeScript()
	}
	if len(edited) > 0 {
		if r.Advice != "" {
			r.Advice += "; "
		}
		r.Advice += "no patch is written for custom resources, edit them: " + phrases.JoinFirst(edited, 5)
	}
	if len(managed) > 0 {
		r.Advice += "; another tool writes some of them and would undo it: " + strings.Join(managed, ", ")
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

// isPatchableKind reports whether psp2pss patch can patch the template of a kind of workload .
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
	var where []string
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
		where = append(where, ns.Name+": "+strings.Join(slices.Compact(by), ", "))
	}
	if len(where) == 0 {
		return
	}
	r := Reason{
		ID: "not-bypassed", Order: orderBypass, Objects: where,
		Text: "in " + phrases.CountNoun(len(where), "namespace", "namespaces") + " policies still decide about pods: take them out of the way, while that can be undone",
	}
	r.Advice, r.Commands, r.Stops = j.bypassCommands(left)
	j.addReason(r)
}

// bypassCommands returns the gate's commands that enforce the recommended level in namespaces and then let their pods
// past the policies, with a stop between the two, and what to know before.
func (j *upgradeCheck) bypassCommands(namespaces []*migrate.Namespace) (how string, commands []string, stops []int) {
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
		how = "another tool writes " + strings.Join(owned, ", ") + ": it may undo what --force does there, unless its source says the same"
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
		j.addNote(roleNames(kept), "roles of the provider, for its own policies: it takes them away itself")
	}
	if j.policiesGone && len(left) > 0 {
		j.addNote(roleNames(left), "roles that let use policies, which this server does not serve any more: they grant nothing")
		return
	}
	j.checkPolicyBindings(left)
	r := Reason{ID: "policy-roles", Order: orderRoles, Requires: j.policyPluginAssertion(), Objects: roleNames(left), Text: phrases.CountNoun(len(left), "role still lets", "roles still let") + " somebody use policies"}
	for i := range left {
		if left[i].OnlyPolicies {
			r.Commands = append(r.Commands, j.kubectl+" delete "+kubectlObject("role", left[i].Namespace, left[i].Name))
			continue
		}
		r.Advice = "a role that is about other things too is edited, not deleted; the patch is refused if the role was changed since"
		r.Commands = append(r.Commands, j.kubectl+" patch --type=json --patch="+escape.Shell(left[i].RemovalPatch)+" "+kubectlObject("role", left[i].Namespace, left[i].Name))
	}
	if len(left) > 0 {
		j.addReason(r)
	}
}

// checkUnreadRoles adds an unknown to the gate's result if there may be more roles than were read. In a cluster a
// binding to a role that does not exist grants nothing; files need not have every role.
func (j *upgradeCheck) checkUnreadRoles() {
	u := Unknown{ID: "policy-roles", Order: orderRoles}
	unread := unreadRoles(j.plan)
	switch {
	case j.policiesGone:
		return
	case len(unread) > 0:
		u.Text, u.Advice = "not all roles and bindings were read", "see the gaps of the plan for the reasons and what to grant"
	case j.plan.Source.Kind != inventory.SourceFiles:
		return
	default:
		for _, f := range j.plan.IneffectiveGrants {
			if f.RoleNotRead {
				unread = append(unread, f.Subject)
			}
		}
		u.Text, u.Advice, u.Assert = "bindings refer to roles that were not read", "read these roles too", AssertNoPolicyRoles
	}
	if len(unread) > 0 {
		u.Text = "whether more roles let somebody use policies: " + u.Text + ": " + phrases.JoinFirst(unread, 5)
		j.addUnknown(u)
	}
}

// checkPolicyBindings adds a reason against the upgrade for bindings to roles that are to be deleted: they would point
// to nothing.
func (j *upgradeCheck) checkPolicyBindings(roles []leftoverRole) {
	r := Reason{ID: "policy-bindings", Order: orderBindings, Requires: j.policyPluginAssertion(), Text: "bindings grant the use of policies and nothing else"}
	for i := range roles {
		if !roles[i].OnlyPolicies {
			continue
		}
		for _, b := range roles[i].bindings {
			r.Objects = append(r.Objects, b.Reference())
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

// roleNames returns the references of the roles that still let use policies, for a reason of the gate.
func roleNames(roles []leftoverRole) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = r.Reference()
	}
	return out
}

// isProviderRole reports whether a role lets use only policies that the provider of the cluster installs by default.
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
	r := Reason{ID: "policies", Order: orderPolicies, Requires: j.policyPluginAssertion(), Advice: "save them first, and delete nothing while the plugin is on: a server that finds no policy to use refuses every pod"}
	var names, provider []string
	for i := range j.plan.Policies {
		p := &j.plan.Policies[i]
		if p.ProviderDefault {
			provider = append(provider, p.Name)
			continue
		}
		where := p.Name
		if n := pods[p.Name]; n > 0 {
			where += fmt.Sprintf(" (it admitted live pods of %s)", phrases.CountNoun(n, "workload", "workloads"))
		}
		r.Objects = append(r.Objects, where)
		names = append(names, escape.Shell(p.Name))
	}
	if len(provider) > 0 {
		j.addNote(provider, "policies of the provider: it takes them away itself")
	}
	if len(names) == 0 {
		return
	}
	r.Text = phrases.CountNoun(len(names), "policy is", "policies are") + " still there, and will not be served any more"
	r.Commands = []string{j.kubectl + " delete podsecuritypolicy -- " + strings.Join(names, " ")}
	j.addReason(r)
}

// noteNamespaceWriters adds a note of the gate on who may write namespaces, and so lift their level.
func (j *upgradeCheck) noteNamespaceWriters() {
	var where []string
	administrators := 0
	for _, l := range j.plan.NamespaceWriters {
		if l.Administrator {
			administrators++
			continue
		}
		kind, name := l.Subject.Kind()
		in := "all namespaces"
		if l.Namespace != "" {
			in = "namespace " + l.Namespace
		}
		where = append(where, fmt.Sprintf("%s %s: %s %s (%s, %s)", kind, name, strings.Join(l.Verbs, ", "), in, l.Binding, l.Role))
	}
	if len(where) > 0 {
		j.addNote(where, "who may write namespaces may lift their level: review them")
	}
	if administrators > 0 {
		j.addNote(nil, "%s left out there", phrases.CountNoun(administrators, "grant to administrators is", "grants to administrators are"))
	}
}
