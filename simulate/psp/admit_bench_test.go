package psp_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// BenchmarkAdmit is what a large cluster's shapes cost, all of them once: 1,000 shapes under 50 policies of which each refuses
// most, where every policy may be used, and where three may.
func BenchmarkAdmit(b *testing.B) {
	const shapes, count = 1000, 50
	g := admission.NewGenerator(1)
	var pods []*corev1.Pod
	for range shapes {
		pod := g.NewPodCase().Pod
		shape := inventory.ReducePod(pod.Annotations, &pod.Spec)
		pods = append(pods, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: shape.Annotations}, Spec: shape.Spec})
	}
	var ps []*pspparse.Policy
	var names []string
	for len(ps) < count {
		for _, p := range policies(b, g.NewPodCase()) {
			if p.Name = fmt.Sprintf("p%02d", len(ps)); len(ps) < count && strict(p, pods[:50]) {
				ps, names = append(ps, p), append(names, p.Name)
			}
		}
	}
	a := psp.NewAdmitter(ps)
	for name, usable := range map[string]psp.UsablePolicies{"50 usable": a.UsablePolicies(names, nil), "3 usable": a.UsablePolicies(names[:2], names[40:41])} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			admitted := 0
			for b.Loop() {
				for _, pod := range pods {
					if a.Admit(psp.AdmissionRequest{Pod: pod, UsablePolicies: usable}).Policy != "" {
						admitted++
					}
				}
			}
			b.ReportMetric(float64(admitted)/float64(b.N), "admitted/op")
		})
	}
}

// strict is true for a policy that refuses most of the pods.
func strict(p *pspparse.Policy, pods []*corev1.Pod) bool {
	a := psp.NewAdmitter([]*pspparse.Policy{p})
	refused := 0
	for _, pod := range pods {
		if len(a.Admit(psp.AdmissionRequest{Pod: pod, UsablePolicies: a.UsablePolicies([]string{p.Name}, nil)}).Refusals) > 0 {
			refused++
		}
	}
	return refused > len(pods)*3/4
}
