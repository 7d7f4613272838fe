package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// cautionExemptUsers warns of the exemption that does less, or more, than it seems to.
func (b *planBuilder) cautionExemptUsers() {
	a := b.opts.Admission
	if a == nil {
		return
	}
	var people []string
	for _, name := range a.Usernames {
		kinds := workloadKindsCreatedBy(name)
		if len(kinds) == 0 {
			people = append(people, name)
			continue
		}
		where, then := "", ""
		if name == access.ControllerManagerPrincipal().User {
			where, then = " where controllers have no credentials of their own", " then"
		}
		b.cautions = append(b.cautions, fmt.Sprintf("the admission configuration exempts %s, which creates the pods of every %s%s: none of them is checked%s, whoever made the workload, and whatever the labels say; take it out of the exemptions", name, strings.Join(kinds, ", "), where, then))
	}
	if len(people) > 0 {
		b.cautions = append(b.cautions, fmt.Sprintf("the admission configuration exempts users (%s): that covers the pods that they create themselves, not those that controllers make for them; who created a bare pod is not known, so each counts here", joinFirst(people, 5)))
	}
}

// ExemptControllers returns those of the exempt users that create the pods of workloads, in the order of Usernames.
func (a *Admission) ExemptControllers() []string {
	var out []string
	for _, name := range a.Usernames {
		if len(workloadKindsCreatedBy(name)) > 0 {
			out = append(out, name)
		}
	}
	return out
}

func (b *planBuilder) isExemptUser(name string) bool {
	return b.opts.Admission != nil && slices.Contains(b.opts.Admission.Usernames, name)
}

// workloadKindsCreatedBy lists the kinds of workload whose pods a user creates, as the controller of that kind or as the controller manager,
// which does so where it runs without --use-service-account-credentials.
func workloadKindsCreatedBy(user string) []string {
	var kinds []string
	for _, kind := range inventory.WorkloadKinds() {
		controller, ok := access.ControllerPrincipal(kind.Name)
		if ok && (user == controller.User || user == access.ControllerManagerPrincipal().User) {
			kinds = append(kinds, kind.Name)
		}
	}
	return kinds
}

// applyAdmissionConfig says what the admission configuration means for a namespace and its labels.
func (b *planBuilder) applyAdmissionConfig(ns *Namespace) {
	a := b.opts.Admission
	if a == nil {
		return
	}
	ns.Exempt = slices.Contains(a.Namespaces, ns.Name)
	if !ns.ObjectNotRead {
		effective := labelsFromPolicy(ns.policyWithDefaults(policyFromValues(a.Defaults)))
		ns.EffectiveLabels = &effective
	}
}

// workloadExemption returns what exempts all pods of a workload; nil if nothing does.
func (b *planBuilder) workloadExemption(w *inventory.Workload) *Exemption {
	a := b.opts.Admission
	if a == nil {
		return nil
	}
	var e Exemption
	if class := b.workloadRuntimeClass(w); slices.Contains(a.RuntimeClasses, class) {
		e.RuntimeClass = class
	}
	if maker, ok := access.ControllerPrincipal(w.Kind); ok && b.isExemptUser(maker.User) {
		e.Username = maker.User
	}
	if e == (Exemption{}) {
		return nil
	}
	return &e
}

// workloadRuntimeClass is the class that every next pod of a workload will have; "" where that is none, or not known. A class that
// a policy may have filled in goes with the policy.
func (b *planBuilder) workloadRuntimeClass(w *inventory.Workload) string {
	class, first := "", true
	same := func(s *inventory.Shape) bool {
		of := ""
		if s.Spec.RuntimeClassName != nil {
			of = *s.Spec.RuntimeClassName
		}
		if first {
			class, first = of, false
		}
		return class == of
	}
	if w.Template != nil && !same(w.Template) {
		return ""
	}
	for _, e := range w.Embedded {
		if !e.Partial && !same(e.Shape) {
			return ""
		}
	}
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		if !same(g.Shape) || w.Template == nil && b.mutatesRuntimeClass(g.AdmittedBy, class) {
			return ""
		}
	}
	return class
}

// mutatesRuntimeClass is true if a policy gives its pods the runtime class, or is not known.
func (b *planBuilder) mutatesRuntimeClass(policy, class string) bool {
	if policy == "" {
		return false
	}
	p := b.policiesByName[policy]
	return p == nil || p.Spec.RuntimeClass != nil && p.Spec.RuntimeClass.DefaultRuntimeClassName != nil && *p.Spec.RuntimeClass.DefaultRuntimeClassName == class
}

// countsForLevel is false for a workload of an exempt runtime class.
func (w *Workload) countsForLevel() bool { return w.Exempt == nil || w.Exempt.RuntimeClass == "" }

// workloadsCountingForLevel are the workloads that count for a level.
func workloadsCountingForLevel(workloads []Workload) []Workload {
	var out []Workload
	for i := range workloads {
		if !workloads[i].countsForLevel() {
			out = slices.Clone(workloads[:i])
			for _, w := range workloads[i+1:] {
				if w.countsForLevel() {
					out = append(out, w)
				}
			}
			return out
		}
	}
	return workloads
}

// countingWorkloads are workloads as they were read, of which those that count for a level are picked in turn. Most often that is all of
// them, and nothing is copied.
type countingWorkloads struct {
	read, counting []inventory.Workload
	next           int
	anyExempt      bool // one does not count
}

// addNext says whether the next one counts.
func (r *countingWorkloads) addNext(counts bool) {
	switch {
	case counts && r.anyExempt:
		r.counting = append(r.counting, r.read[r.next])
	case !counts && !r.anyExempt:
		r.counting, r.anyExempt = slices.Clone(r.read[:r.next]), true
	}
	r.next++
}

// list are those that count.
func (r *countingWorkloads) list() []inventory.Workload {
	if r.anyExempt {
		return r.counting
	}
	return r.read
}

// workloadsRefusedAt are the workloads below a level that Pod Security would refuse at it.
func workloadsRefusedAt(workloads []Workload, level api.Level) []WorkloadRef {
	var out []WorkloadRef
	for i := range workloads {
		if w := &workloads[i]; w.Exempt == nil && isLooserLevel(w.Levels.AfterPSP, level) {
			out = append(out, WorkloadRef{w.Kind, w.Name})
		}
	}
	return out
}

// nothingRunsText says of a namespace without a needed level what it has.
func nothingRunsText(ns *Namespace) string {
	if len(ns.Workloads) > 0 {
		return "nothing that Pod Security checks runs here"
	}
	return "nothing runs here"
}

// cautionExemptions says what the admission configuration exempts in a namespace, and what the levels are for there.
func cautionExemptions(ns *Namespace) {
	if ns.Exempt {
		text := "the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say"
		if ns.RecommendedLabels != (PodSecurityLabels{}) {
			text += "; the recommended ones are for the day on which it is not exempt any more"
		}
		ns.Cautions = append(ns.Cautions, text)
	}
	var byClass, byUser []WorkloadRef
	var needed api.Level
	for _, w := range ns.Workloads {
		switch ref := (WorkloadRef{w.Kind, w.Name}); {
		case w.Exempt == nil:
		case w.Exempt.RuntimeClass != "":
			byClass = append(byClass, ref)
			needed = looserLevel(needed, w.Levels.AfterPSP)
		default:
			byUser = append(byUser, ref)
		}
	}
	if len(byClass) > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("the admission configuration exempts the runtime class of %s: those pods are not checked and decide no level here; once they are not exempt any more, they need %s", joinWorkloadRefs(byClass), needed))
	}
	if len(byUser) > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("the admission configuration exempts the controller that creates the pods of %s: no label refuses them today; they count here all the same, since that exemption lets everybody in who may create such a workload", joinWorkloadRefs(byUser)))
	}
}

// labelOriginText says, in parentheses, where the level of a mode comes from if not from a label that says it.
func (ns *Namespace) labelOriginText(key string) string {
	value, there := ns.LabelValue(key)
	switch {
	case !there && key != api.EnforceLevelLabel:
		return " (by default)" // of warn that may be the level of enforce
	case !there:
		return " (the default of the admission configuration)"
	case value == string(api.LevelPrivileged), value == string(api.LevelBaseline), value == string(api.LevelRestricted):
		return ""
	}
	return fmt.Sprintf(" (the label says %q)", value)
}
