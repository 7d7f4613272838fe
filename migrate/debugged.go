package migrate

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// debugged judges the pods of a workload that have debug containers, with these and without.
func (b *builder) debugged(w *inventory.Workload) []DebuggedPod {
	var out []DebuggedPod
	for i := range w.Debugged {
		d := &w.Debugged[i]
		pod := DebuggedPod{Pod: d.Pod, Level: b.levelOf(d.Shape)}
		for j := range d.Shape.Spec.EphemeralContainers {
			pod.Containers = append(pod.Containers, d.Shape.Spec.EphemeralContainers[j].Name)
		}
		if looser(pod.Level, b.levelOf(d.Without)) {
			pod.Refused = nextStricter(pod.Level)
		}
		out = append(out, pod)
	}
	return out
}

// levelOf is the strictest level that a pod meets as it stands, at every version at which enforce must hold.
func (b *builder) levelOf(s *inventory.Shape) api.Level {
	var l api.Level
	for _, v := range b.enforceAt {
		l = leastStrict(l, b.judge.Evaluate(s, v).Level)
	}
	return l
}

// cautionDebugged names the pods that a level refuses only for their debug containers, level by level.
func cautionDebugged(ns *Namespace) {
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		var pods []string
		for i := range ns.Workloads {
			w := &ns.Workloads[i]
			for _, d := range w.Debugged {
				if d.Refused != level {
					continue
				}
				name := "pod/" + d.Pod
				if w.Kind != "Pod" {
					name += fmt.Sprintf(" (%s/%s)", strings.ToLower(w.Kind), w.Name)
				}
				pods = append(pods, name)
			}
		}
		if n := len(pods); n > 0 {
			ns.Cautions = append(ns.Cautions, fmt.Sprintf(
				"%[1]s refuses the debug containers (kubectl debug) of %[2]s. They go with the %[3]s and decide no level, but as long as they are there %[1]s refuses %[4]s new debug containers and new images, too: delete the %[3]s",
				level, firstOf(pods, 3), verb(n, "pod", "pods"), verb(n, "that pod", "those pods")))
		}
	}
}
