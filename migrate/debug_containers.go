package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// debuggedPods returns, for the Plan, the level of each pod of a workload that has debug (ephemeral) containers, with
// these containers.
func (b *planBuilder) debuggedPods(w *inventory.Workload) []DebuggedPod {
	var out []DebuggedPod
	for i := range w.DebuggedPods {
		d := &w.DebuggedPods[i]
		pod := DebuggedPod{Pod: d.Pod, Level: b.podLevel(d.Shape)}
		for j := range d.Shape.Spec.EphemeralContainers {
			pod.Containers = append(pod.Containers, d.Shape.Spec.EphemeralContainers[j].Name)
		}
		if levels.Looser(pod.Level, b.podLevel(d.WithoutDebug)) {
			pod.RefusedAt = levels.NextStricter(pod.Level)
		}
		out = append(out, pod)
	}
	return out
}

// podLevel returns the strictest level that a pod meets at every version at which enforce must hold.
func (b *planBuilder) podLevel(s *inventory.Shape) api.Level {
	var l api.Level
	for _, v := range b.enforceAt {
		l = levels.LeastStrict(l, b.evaluator.Evaluate(s, v).Level)
	}
	return l
}

// cautionDebugContainers adds a caution that names the pods whose debug containers the namespace's level refuses. It sets
// DebuggedPod.RefusedAt of each.
func cautionDebugContainers(ns *Namespace) {
	var owned, bare []string
	level := api.LevelPrivileged
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		for j := range w.DebuggedPods {
			d := &w.DebuggedPods[j]
			if d.RefusedAt = levelRefusingDebugContainers(ns, w, d); d.RefusedAt == "" {
				continue
			}
			level = d.RefusedAt
			if w.Kind == "Pod" {
				bare = append(bare, "pod/"+d.Pod)
				continue
			}
			owned = append(owned, fmt.Sprintf("pod/%s (%s/%s)", d.Pod, strings.ToLower(w.Kind), w.Name))
		}
	}
	if pods := slices.Concat(owned, bare); len(pods) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("debug-containers-refused", "level", level, "pods", pods, "owned", owned, "bare", bare))
	}
}

// levelRefusingDebugContainers returns the level that refuses a pod for its debug containers: the recommended one, or else
// today's; "" if neither does.
func levelRefusingDebugContainers(ns *Namespace, w *Workload, d *DebuggedPod) api.Level {
	if d.RefusedAt == "" || ns.Exempt || w.Exempt != nil && w.Exempt.RuntimeClass != "" {
		return ""
	}
	for _, l := range []api.Level{api.Level(ns.RecommendedLabels.Enforce), ns.EffectivePolicyToday().Enforce.Level} {
		if l != "" && levels.Looser(d.Level, l) {
			return l
		}
	}
	return ""
}
