package migrate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What an injector does in namespaces that were not read, or in which nothing runs.

// unsure is what is not known of an injector: whether it takes the pods of some namespaces.
type unsure struct {
	by         string
	first      *inventory.Workload
	namespaces []string
}

// unread notes the injectors that take pods by the labels or annotations of their namespace, where that was not read and a webhook
// of theirs may be for it. The namespaces of Kubernetes itself they leave alone.
func (f *foreseer) unread(templates []podTemplate) {
	if len(templates) == 0 {
		return
	}
	w := templates[0].Workload
	ofKubernetes := slices.Contains([]string{"kube-system", "kube-public", "kube-node-lease"}, w.Namespace)
	if ofKubernetes || f.spaces[w.Namespace].Declared {
		return
	}
	for i := range f.out.table {
		for at := range templates {
			if r := f.mayTake(i, &templates[at]); r != nil {
				f.noteUnread(i, r, w)
				break
			}
		}
	}
}

// mayTake is the webhook by which an injector may take the pods of a template, for which nothing of their own decides it.
func (f *foreseer) mayTake(i int, t *podTemplate) *inventory.Reviewer {
	in := &f.out.table[i]
	if !in.ByNamespace() || f.settled(i, t) {
		return nil
	}
	undecided := slices.ContainsFunc(t.metas, func(meta *inventory.PodMeta) bool {
		choice, _ := in.Choose(f.marksOf(meta, t.Namespace))
		return choice == injector.Unmarked
	})
	if !undecided || f.takes(i, t) != "" {
		return nil
	}
	return f.webhookOf(i, t, perhaps)
}

func (f *foreseer) noteUnread(i int, r *inventory.Reviewer, w *inventory.Workload) {
	by := f.out.table[i].Name + " (" + r.String() + ")"
	if told := f.out.unread[w.Namespace]; !slices.Contains(told, by) {
		f.out.unread[w.Namespace] = append(told, by)
	}
	if isLive(w) {
		return
	}
	u := &f.unsure[i]
	if u.first == nil {
		u.by, u.first = r.String(), w
	}
	if n := len(u.namespaces); n == 0 || u.namespaces[n-1] != w.Namespace { // workloads are sorted
		u.namespaces = append(u.namespaces, w.Namespace)
	}
}

// gapUnread adds a gap for each injector of which it is not known whether it takes pods that no live one stands for.
func (f *foreseer) gapUnread() {
	for i, u := range f.unsure {
		if u.first == nil {
			continue
		}
		f.out.gaps = append(f.out.gaps, inventory.Gap{
			What: u.by, Namespaces: u.namespaces, Changes: inventory.Workloads,
			Why: fmt.Sprintf("it takes pods by the labels or annotations of their namespace, and Namespace %q was not read: whether %s injects the pods of %s %q is not known: read the namespaces, too",
				u.first.Namespace, f.out.table[i].Name, u.first.Kind, u.first.Namespace+"/"+u.first.Name),
		})
	}
}

// foreseeEmpty works out what will be added to the first pods of namespaces in which nothing runs.
func (f *foreseer) foreseeEmpty() {
	used := map[string]bool{}
	for i := range f.inv.Workloads {
		used[f.inv.Workloads[i].Namespace] = true
	}
	strict := inventory.Reduce(nil, strictPod())
	for name, ns := range f.spaces {
		if used[name] || !ns.Declared {
			continue
		}
		w := &inventory.Workload{Namespace: name, Kind: "Pod", Template: strict}
		f.workload(&templatesOf(w)[0])
		if all := f.out.of[w]; len(all) > 0 {
			f.out.empty[name] = all
		}
		delete(f.out.of, w)
	}
}

// cautionEmpty says of a namespace in which nothing runs that what is deployed there will not be admitted.
func (b *builder) cautionEmpty(ns *Namespace) {
	level := api.Level(ns.Recommended.Enforce)
	if ns.Needed != "" || level == "" {
		return
	}
	for _, one := range b.injections.empty[ns.Name] {
		if !looser(one.Level, level) {
			continue
		}
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s adds %s to new pods here (%s), and such pods need %s: what is deployed will be refused at %s; %s",
			one.By, strings.Join(one.Containers, ", "), one.Mark, one.Level, level, strings.TrimSuffix(one.Why, orSeeOne)))
	}
}

// readPoliciesOf is true for an injector that is no policy engine, and where the policies of one were read: those say what it does.
func (b *builder) readPoliciesOf(in *injector.Injector) bool {
	if in.Policies == nil {
		return true
	}
	listed := !slices.ContainsFunc(in.Policies, func(p injector.Policy) bool { return !p.Later && !b.inv.Listed[p.Resource] })
	return listed || slices.ContainsFunc(b.inv.Reviewers, func(r inventory.Reviewer) bool {
		return slices.ContainsFunc(in.Policies, func(p injector.Policy) bool { return p.Kind == r.Kind })
	})
}

// strictPod is one that meets restricted, whatever its containers inherit.
func strictPod() *corev1.PodSpec {
	return &corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "app", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
}
