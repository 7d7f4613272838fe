package migrate

import (
	"slices"
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// cautionExemptUsers adds cautions on the users that the admission configuration exempts: controllers, which exempt everybody's
// pods, and others.
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
		manager := name == access.ControllerManagerPrincipal().User
		b.cautions = append(b.cautions, message.New("exempt-controller", "user", name, "kinds", kinds, "controllerManager", manager))
	}
	if len(people) > 0 {
		b.cautions = append(b.cautions, message.New("exempt-users", "users", people))
	}
}

// arrangedAdmission returns, for a Plan, an admission configuration with its exemptions sorted by name: they are sets, and the order in
// which a file lists them means nothing.
func arrangedAdmission(a *Admission) *Admission {
	if a == nil {
		return nil
	}
	out := *a
	out.Namespaces, out.RuntimeClasses, out.Usernames = slices.Clone(a.Namespaces), slices.Clone(a.RuntimeClasses), slices.Clone(a.Usernames)
	out.Arrange()
	return &out
}

// Arrange sorts the exemptions in the Admission of a Plan by name.
func (a *Admission) Arrange() {
	slices.Sort(a.Namespaces)
	slices.Sort(a.RuntimeClasses)
	slices.Sort(a.Usernames)
}

// ExemptControllers returns, of a Plan's Admission, the exempt users that are controllers which create pods, in the
// order of Usernames.
func (a *Admission) ExemptControllers() []string {
	var out []string
	for _, name := range a.Usernames {
		if len(workloadKindsCreatedBy(name)) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// ExemptController returns, of a Plan's Admission, the exempt user that creates the pods of a workload kind; "" where none does.
func (a *Admission) ExemptController(kind string) string {
	for _, name := range a.Usernames {
		if slices.Contains(workloadKindsCreatedBy(name), kind) {
			return name
		}
	}
	return ""
}

// isExemptUser reports whether the admission configuration exempts a user.
func (b *planBuilder) isExemptUser(name string) bool {
	return b.opts.Admission != nil && slices.Contains(b.opts.Admission.Usernames, name)
}

// workloadKindsCreatedBy returns the kinds of workload whose pods a user creates: as the controller of the kind, or as the
// controller manager, which does so where it runs without --use-service-account-credentials.
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

// applyAdmissionConfig sets whether the admission configuration exempts a namespace, and which labels are in effect by its
// defaults.
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

// workloadExemption returns what exempts all pods of a workload from Pod Security; nil if nothing does.
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

// workloadRuntimeClass returns the runtime class that every new pod of a workload will have; "" where there is none, or where
// it is not known. A class that a policy may have set disappears with the policy.
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

// mutatesRuntimeClass reports whether a PodSecurityPolicy sets the runtime class of pods. A policy that was not read
// counts as one that does.
func (b *planBuilder) mutatesRuntimeClass(policy, class string) bool {
	if policy == "" {
		return false
	}
	p := b.policiesByName[policy]
	return p == nil || p.Spec.RuntimeClass != nil && p.Spec.RuntimeClass.DefaultRuntimeClassName != nil && *p.Spec.RuntimeClass.DefaultRuntimeClassName == class
}

// countsForLevel reports whether a workload counts for its namespace's level: those of an exempt runtime class do not.
func (w *Workload) countsForLevel() bool { return w.Exempt == nil || w.Exempt.RuntimeClass == "" }

// workloadsCountingForLevel returns the workloads that decide the level of their namespace.
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

// countingWorkloads picks from workloads of the inventory those that decide a level. Usually that is all of them, and nothing
// is copied.
type countingWorkloads struct {
	read, counting []inventory.Workload
	next           int
	anyExempt      bool // one does not count
}

// addNext adds the next workload of the namespace, and whether it counts for the level.
func (r *countingWorkloads) addNext(counts bool) {
	switch {
	case counts && r.anyExempt:
		r.counting = append(r.counting, r.read[r.next])
	case !counts && !r.anyExempt:
		r.counting, r.anyExempt = slices.Clone(r.read[:r.next]), true
	}
	r.next++
}

// list returns the workloads that count for the level of the namespace.
func (r *countingWorkloads) list() []inventory.Workload {
	if r.anyExempt {
		return r.counting
	}
	return r.read
}

// workloadsRefusedAt returns the workloads whose pods Pod Security would refuse at a level.
func workloadsRefusedAt(workloads []Workload, level api.Level) []WorkloadRef {
	var out []WorkloadRef
	for i := range workloads {
		if w := &workloads[i]; w.Exempt == nil && levels.Looser(w.Levels.AfterPSP, level) {
			out = append(out, WorkloadRef{w.Kind, w.Name})
		}
	}
	return out
}

// nothingRunsReason returns the reason of a Plan that nothing runs in a namespace without a needed level, or that all
// of it is exempt.
func nothingRunsReason(ns *Namespace) message.Message {
	if len(ns.Workloads) > 0 {
		return message.New("empty-but-exempt")
	}
	return message.New("empty")
}

// cautionExemptions adds to a namespace of the Plan cautions on what the admission configuration exempts in a
// namespace.
func cautionExemptions(ns *Namespace) {
	if ns.Exempt {
		ns.Cautions = append(ns.Cautions, message.New("exempt-namespace", "labels", ns.RecommendedLabels != (PodSecurityLabels{})))
	}
	var byClass, byUser []WorkloadRef
	var needed api.Level
	for _, w := range ns.Workloads {
		switch ref := (WorkloadRef{w.Kind, w.Name}); {
		case w.Exempt == nil:
		case w.Exempt.RuntimeClass != "":
			byClass = append(byClass, ref)
			needed = levels.LeastStrict(needed, w.Levels.AfterPSP)
		default:
			byUser = append(byUser, ref)
		}
	}
	if len(byClass) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("exempt-runtime-class", "workloads", workloadNames(byClass), "level", needed))
	}
	if len(byUser) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("exempt-pods-of-controller", "workloads", workloadNames(byUser)))
	}
}

// labelOrigin returns where the Pod Security level of a Plan's namespace comes from if not from a label with a valid
// level: the invalid value of the label in quotes, the admission configuration, or a default of the mode, as of warn
// that may follow enforce.
func (ns *Namespace) labelOrigin(key string) (label string, byConfiguration, byDefault bool) {
	value, there := ns.LabelValue(key)
	switch {
	case !there:
		return "", key == api.EnforceLevelLabel, key != api.EnforceLevelLabel
	case levels.Rank(api.Level(value)) >= 0:
		return "", false, false
	}
	return strconv.Quote(value), false, false
}
