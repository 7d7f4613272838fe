package simulate_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// A bare pod looks restricted only because its policy wrote runAsNonRoot.
func ExampleSimulator_AfterPSP() {
	runAsAny := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	policy := &pspparse.Policy{Name: "non-root", Spec: pspparse.Spec{
		RunAsUser:          pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot},
		SELinux:            pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		SupplementalGroups: runAsAny, FSGroup: runAsAny,
	}}
	shape := inventory.ReducePod(nil, &corev1.PodSpec{Containers: []corev1.Container{{
		Name: "app",
		SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot:             new(true),
			AllowPrivilegeEscalation: new(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}})
	pod := &inventory.Workload{Kind: "Pod", Name: "app", PodGroups: []inventory.PodGroup{
		{Shape: shape, AdmittedBy: "non-root", Count: 1, ExamplePod: "app"},
	}}

	sim, err := simulate.NewSimulator([]*pspparse.Policy{policy})
	if err != nil {
		fmt.Println(err)
		return
	}
	version := api.MajorMinorVersion(1, 25)
	fmt.Println("today:    ", sim.Evaluate(shape, version).Level)
	after := sim.AfterPSP(pod, version)
	fmt.Println("after PSP:", after.Level, "estimated:", after.Estimated)
	fmt.Println(pss.ViolationMessage(after.Violations))
	// Output:
	// today:     restricted
	// after PSP: baseline estimated: true
	// runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true)
}
