package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// PolicyDrift is a sort of live pods of a workload that PSP admission would treat differently if they were created again
// today.
type PolicyDrift struct {
	// Pods is how many there are, Example the first of them by name.
	Pods    int    `json:"pods"`
	Example string `json:"example"`
	// Observed is the policy that admitted them.
	Observed string `json:"observed,omitempty"`
	// Foreseen is the policy that would admit them today; absent if they would be refused.
	Foreseen string `json:"foreseen,omitempty"`
	// Why is a sentence: what may have changed, or what refuses them.
	Why string `json:"why"`
}

// foreseeable is true where all was read that admission depends on. Where something is missing, the policy that would
// admit a pod, or the grant to use it, may be what is missing.
func (b *builder) foreseeable(in doubt) bool {
	return len(b.inv.Policies) > 0 && !b.unasked && (b.opts.AllowPartial || in.only(inventory.Labels))
}

// idle is true where policies are there and live pods too, none of which was admitted by a policy: then the server does
// not ask them (its PodSecurityPolicy plugin is off), and nothing is refused or filled in. A manifest shows nothing of a server.
func idle(inv *inventory.Inventory) bool {
	pods := false
	for i := range inv.Workloads {
		for _, g := range inv.Workloads[i].Pods {
			if g.AdmittedBy != "" {
				return false
			}
			pods = pods || g.Count > 0
		}
	}
	return pods && len(inv.Policies) > 0
}

// achievable is the strictest level that all workloads would meet with what policies fill in today. What no policy
// admits today counts as it is.
func achievable(workloads []Workload) api.Level {
	var l api.Level
	for i := range workloads {
		l = leastStrict(l, cmp.Or(workloads[i].Level.AsAdmitted, workloads[i].Level.DayAfter))
	}
	return l
}

// foresee says what PSP admission would make today of the pods of a workload. It returns what it would make of the
// template, nil if that is not known: files that let nobody use a policy seldom hold every grant.
func (b *builder) foresee(out *Workload, w *inventory.Workload, usable *usable) *psp.Prediction {
	for _, g := range w.Pods {
		if g.Count > 0 && g.AdmittedBy != "" {
			b.asAdmitted(out, g.Shape)
		}
	}
	unread := b.inv.Source.Kind == inventory.SourceFiles
	if len(usable.names) > 0 || !unread {
		b.foreseePods(out, w, usable)
	}
	again := b.usableAgain(w, usable)
	if w.Template == nil || len(again.names) == 0 && unread {
		return nil
	}
	f := b.foreseeTemplate(w, again)
	b.admitted(out, f)
	for _, v := range f.Filled {
		out.Mutations = append(out.Mutations, Mutation{Path: v.Path, Container: v.Container, Value: v.Value, Policy: f.Policy})
	}
	if f.Policy == "" && w.Kind != "Pod" { // who creates that may use more
		out.Refused = refusal(f)
	}
	return f
}

// foreseePods asks for every sort of live pods what would become of it if it were created again.
func (b *builder) foreseePods(out *Workload, w *inventory.Workload, usable *usable) {
	for i := range w.Pods {
		g := &w.Pods[i]
		f := b.judge.PredictReplacement(w.Template, g, psp.AdmissionContext{Usable: usable.set, Mirror: g.Mirror, Automount: b.automount[accountKey{w.Namespace, g.ServiceAccount}]})
		if w.Template == nil {
			b.admitted(out, f)
		}
		if g.Count == 0 || g.AdmittedBy == "" {
			continue
		}
		if why := b.drifted(w, g, f, usable.names); why != "" {
			out.PolicyDrift = append(out.PolicyDrift, PolicyDrift{
				Pods: g.Count, Example: g.Example, Observed: g.AdmittedBy, Foreseen: f.Policy, Why: why,
			})
		}
	}
}

// usableAgain takes it that a bare pod comes again from whoever created it, and may use what has admitted it.
func (b *builder) usableAgain(w *inventory.Workload, of *usable) *usable {
	if w.Kind != "Pod" {
		return of
	}
	names := of.names
	for _, g := range w.Pods {
		if g.AdmittedBy != "" && !includes(of.names, g.AdmittedBy) {
			names = append(slices.Clip(names), g.AdmittedBy)
		}
	}
	if len(names) == len(of.names) {
		return of
	}
	return &usable{names: names, set: b.judge.Usable(names)}
}

// includes looks a policy up in names that are sorted.
func includes(names []string, policy string) bool {
	_, found := slices.BinarySearch(names, policy)
	return found
}

func (b *builder) foreseeTemplate(w *inventory.Workload, usable *usable) *psp.Prediction {
	return b.judge.PredictAdmission(w.Template, psp.AdmissionContext{
		Usable: usable.set, Automount: b.automount[accountKey{w.Namespace, w.ServiceAccount}],
	})
}

type accountKey struct{ namespace, name string }

// admitted takes the policy that admits the pod, and its level as admitted.
func (b *builder) admitted(out *Workload, f *psp.Prediction) {
	if out.AdmittedBy == "" && f.Policy != "" {
		out.AdmittedBy, out.AdmittedAs = f.Policy, "unchanged"
		if f.Changed {
			out.AdmittedAs = "changed"
		}
	}
	if f.Shape != nil {
		b.asAdmitted(out, f.Shape)
	}
}

func (b *builder) asAdmitted(out *Workload, s *inventory.Shape) {
	for _, v := range b.enforceAt {
		out.Level.AsAdmitted = leastStrict(out.Level.AsAdmitted, b.judge.Evaluate(s, v).Level)
	}
}

// drifted says what is different today about live pods; "" if nothing is. Who creates pods that no controller makes is
// not known. Where it is not known either what they left to the policy, the one that comes first today says nothing.
func (b *builder) drifted(w *inventory.Workload, g *inventory.PodGroup, f *psp.Prediction, usable []string) string {
	_, made := access.ControllerPrincipal(w.Kind)
	why := ""
	switch {
	case f.Policy == g.AdmittedBy:
		return ""
	case b.byName[g.AdmittedBy] == nil:
		why = fmt.Sprintf("policy %s is not there any more", g.AdmittedBy)
	case !includes(usable, g.AdmittedBy) && !made:
		return fmt.Sprintf("their account may not use policy %s: whoever created them may", g.AdmittedBy)
	case !includes(usable, g.AdmittedBy):
		why = fmt.Sprintf("policy %s may no longer be used here", g.AdmittedBy)
	case f.Policy == "":
		return "they would be refused today: " + strings.Join(refusal(f), "; ")
	case w.Template == nil:
		return ""
	case !made:
		return "a policy or a grant has changed since, or a webhook changed them after they were admitted"
	default:
		return "a policy, a grant or the template has changed since, or a webhook changed them after they were admitted"
	}
	if f.Policy == "" && made {
		why += ", and no other would admit them"
	}
	return why
}

// refusingPolicies is how many policies are told that refuse one pod. There may be many policies and many such pods.
const refusingPolicies = 20

// refusal words why no policy admits a pod, one sentence for each policy that has something against it.
func refusal(f *psp.Prediction) []string {
	var out []string
	more := 0
	for start := 0; start < len(f.Refusals); {
		end, policy := start, f.Refusals[start].Policy
		var texts []string
		for end < len(f.Refusals) && f.Refusals[end].Policy == policy {
			texts = append(texts, f.Refusals[end].String())
			end++
		}
		start = end
		if len(out) == refusingPolicies {
			more++
			continue
		}
		if n := f.Untold[policy]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d more", n))
		}
		out = append(out, fmt.Sprintf("policy %s: %s", policy, strings.Join(texts, ", ")))
	}
	if more > 0 {
		out = append(out, plural(more, "more policy refuses", "more policies refuse")+" it, too")
	}
	for _, r := range f.Invalid {
		out = append(out, "what the policy fills in is not valid: "+r.String())
	}
	if len(out) == 0 {
		out = append(out, "no policy may be used")
	}
	return out
}
