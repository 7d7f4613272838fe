package migrate

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// AdmissionDrift is a group of live pods of a workload that PSP admission would treat differently if they were created
// again today.
type AdmissionDrift struct {
	// Pods is how many there are, Example the first of them by name.
	Pods    int    `json:"pods"`
	Example string `json:"example"`
	// Observed is the policy that admitted them.
	Observed string `json:"observed,omitempty"`
	// Predicted is the policy that would admit them today; absent if they would be refused.
	Predicted string `json:"predicted,omitempty"`
	// Why is a sentence: what may have changed, or what refuses them.
	Why message.Message `json:"why"`
}

// canPredictAdmission reports whether everything was read that PSP admission of a workload depends on. Where something
// is missing, the policy that would admit a pod, or the grant to use it, may be what is missing.
func (b *planBuilder) canPredictAdmission(in uncertainParts) bool {
	return len(b.inv.Policies) > 0 && !b.pspInactive && (b.opts.AllowPartial || in.onlyPart(inventory.PartLabels))
}

// pspPluginSeemsOff reports, for a Plan's cautions, whether there are policies and live pods, and no policy has
// admitted any of these: then the server does not ask them (its PodSecurityPolicy plugin is off), and nothing is
// refused or mutated. A manifest shows nothing of a server.
func pspPluginSeemsOff(inv *inventory.Inventory) bool {
	pods := false
	for i := range inv.Workloads {
		for _, g := range inv.Workloads[i].PodGroups {
			if g.AdmittedBy != "" {
				return false
			}
			pods = pods || g.Count > 0
		}
	}
	return pods && len(inv.Policies) > 0
}

// achievableLevel returns the strictest level that all workloads of a namespace would meet with the values that
// policies set today. What no policy admits today counts as it is.
func achievableLevel(workloads []Workload) api.Level {
	var l api.Level
	for i := range workloads {
		l = levels.LeastStrict(l, cmp.Or(workloads[i].Levels.AsAdmitted, workloads[i].Levels.AfterPSP))
	}
	return l
}

// predictAdmission sets in a workload of the Plan how PSP admission would treat its pods today. It returns the
// prediction for the template, nil if that is not known: files that let nobody use a policy rarely hold every grant.
func (b *planBuilder) predictAdmission(out *Workload, w *inventory.Workload, usable *usablePolicies) *psp.Prediction {
	for _, g := range w.PodGroups {
		if g.Count > 0 && g.AdmittedBy != "" {
			b.lowerAsAdmittedLevel(out, g.Shape)
		}
	}
	unread := b.inv.Source.Origin() == inventory.SourceFiles
	if len(usable.names) > 0 || !unread {
		b.predictPodAdmission(out, w, usable)
	}
	again := b.policiesUsableByCreator(w, usable)
	if w.Template == nil || len(again.names) == 0 && unread {
		return nil
	}
	f := b.predictTemplateAdmission(w, again)
	b.recordAdmittingPolicy(out, f)
	out.Mutations = b.evaluations.mutationsOf(f)
	if f.Policy == "" && w.Kind != "Pod" { // who creates that may use more
		out.Refused = refusalReasons(f)
	}
	return f
}

// predictPodAdmission predicts for every group of a workload's live pods how PSP admission would treat it if it were
// created again.
func (b *planBuilder) predictPodAdmission(out *Workload, w *inventory.Workload, usable *usablePolicies) {
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		f := b.evaluator.PredictReplacement(w.Template, g, psp.AdmissionContext{UsablePolicies: usable.set, Mirror: g.Mirror, Automount: b.automountTokens[serviceAccountKey{w.Namespace, g.ServiceAccount}]})
		if w.Template == nil {
			b.recordAdmittingPolicy(out, f)
		}
		if g.Count == 0 || g.AdmittedBy == "" {
			continue
		}
		if why := b.admissionDriftReason(w, g, f, usable.names); why.ID != "" {
			out.AdmissionDrift = append(out.AdmissionDrift, AdmissionDrift{
				Pods: g.Count, Example: g.ExamplePod, Observed: g.AdmittedBy, Predicted: f.Policy, Why: why,
			})
		}
	}
}

// policiesUsableByCreator returns the policies that the creator of a bare pod may use: those known, and the one that
// has admitted it.
func (b *planBuilder) policiesUsableByCreator(w *inventory.Workload, of *usablePolicies) *usablePolicies {
	if w.Kind != "Pod" {
		return of
	}
	names := of.names
	for _, g := range w.PodGroups {
		if g.AdmittedBy != "" && !containsPolicy(of.names, g.AdmittedBy) {
			names = append(slices.Clip(names), g.AdmittedBy)
		}
	}
	if len(names) == len(of.names) {
		return of
	}
	return &usablePolicies{names: names, set: b.evaluator.UsablePolicies(names)}
}

// containsPolicy reports whether a sorted list of a Plan's policy names has one.
func containsPolicy(names []string, policy string) bool {
	_, found := slices.BinarySearch(names, policy)
	return found
}

// predictTemplateAdmission returns how PSP admission would treat a new pod of a workload's template today.
func (b *planBuilder) predictTemplateAdmission(w *inventory.Workload, usable *usablePolicies) *psp.Prediction {
	return b.evaluator.PredictAdmission(w.Template, psp.AdmissionContext{
		UsablePolicies: usable.set, Automount: b.automountTokens[serviceAccountKey{w.Namespace, w.ServiceAccount}],
	})
}

// serviceAccountKey is a service account as the key of a map in the Plan's builder.
type serviceAccountKey struct{ namespace, name string }

// recordAdmittingPolicy sets in a workload of the Plan the policy that admits its pods, and the level as admitted.
func (b *planBuilder) recordAdmittingPolicy(out *Workload, f *psp.Prediction) {
	if out.AdmittedBy == "" && f.Policy != "" {
		out.AdmittedBy, out.AdmissionMode = f.Policy, "unchanged"
		if f.Mutated {
			out.AdmissionMode = "changed"
		}
	}
	if f.Shape != nil {
		b.lowerAsAdmittedLevel(out, f.Shape)
	}
}

// lowerAsAdmittedLevel lowers the level as admitted of a workload to the one that a pod meets at every version of the
// Plan.
func (b *planBuilder) lowerAsAdmittedLevel(out *Workload, s *inventory.Shape) {
	for _, v := range b.enforceAt {
		out.Levels.AsAdmitted = levels.LeastStrict(out.Levels.AsAdmitted, b.evaluator.Evaluate(s, v).Level)
	}
}

// admissionDriftReason returns how PSP admission would treat live pods differently today; "" if nothing is. Who creates
// pods that no controller makes is not known. Where it is not known either what they left to the policy, the one that
// comes first today says nothing.
func (b *planBuilder) admissionDriftReason(w *inventory.Workload, g *inventory.PodGroup, f *psp.Prediction, usable []string) message.Message {
	_, made := access.ControllerPrincipal(w.Kind)
	refused := f.Policy == "" && made
	switch {
	case f.Policy == g.AdmittedBy:
		return message.Message{}
	case b.policiesByName[g.AdmittedBy] == nil:
		return message.New("drift-policy-gone", "policy", g.AdmittedBy, "refused", refused)
	case !containsPolicy(usable, g.AdmittedBy) && !made:
		return message.New("drift-admitted-by-creator", "policy", g.AdmittedBy)
	case !containsPolicy(usable, g.AdmittedBy):
		return message.New("drift-grant-gone", "policy", g.AdmittedBy, "refused", refused)
	case f.Policy == "":
		return message.New("drift-refused", "reasons", message.Texts(refusalReasons(f)))
	case w.Template == nil:
		return message.Message{}
	}
	return message.New("drift-changed-since", "controller", made)
}

// maxRefusingPolicies is how many policies that refuse one pod the Plan names. There may be many policies and many such pods.
const maxRefusingPolicies = 20

// refusalReasons returns why no PodSecurityPolicy admits a pod, one sentence of the Plan for each policy that refuses
// it.
func refusalReasons(f *psp.Prediction) []message.Message {
	var out []message.Message
	more := 0
	for start := 0; start < len(f.Refusals); {
		end, policy := start, f.Refusals[start].Policy
		var texts []string
		for end < len(f.Refusals) && f.Refusals[end].Policy == policy {
			texts = append(texts, f.Refusals[end].String())
			end++
		}
		start = end
		if len(out) == maxRefusingPolicies {
			more++
			continue
		}
		out = append(out, message.New("psp-refusal", "policy", policy, "reasons", texts, "more", f.OmittedRefusals[policy]))
	}
	if more > 0 {
		out = append(out, message.New("psp-refusals-more", "n", more))
	}
	for _, r := range f.InvalidMutations {
		out = append(out, message.New("psp-mutation-invalid", "reason", r.String()))
	}
	if len(out) == 0 {
		out = append(out, message.New("psp-none-usable"))
	}
	return out
}
