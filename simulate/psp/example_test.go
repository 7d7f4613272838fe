package psp_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// Of two policies that would admit the pod the one that leaves it alone does, although its name comes second; where only the
// first may be used, it mutates the pod.
func ExampleAdmitter_Admit() {
	runAsAny := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	open := pspparse.Spec{
		Volumes:   []string{"*"},
		SELinux:   pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		RunAsUser: runAsAny, SupplementalGroups: runAsAny, FSGroup: runAsAny,
	}
	hardening := open
	hardening.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot}
	admitter := psp.NewAdmitter([]*pspparse.Policy{{Name: "a-hardening", Spec: hardening}, {Name: "open", Spec: open}})

	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	for _, names := range [][]string{{"a-hardening", "open"}, {"a-hardening"}, nil} {
		answer := admitter.Admit(psp.AdmissionRequest{Pod: pod, UsablePolicies: admitter.UsablePolicies(names, nil)})
		if answer.Refused != "" {
			fmt.Println(answer.RefusalMessage("web"))
			continue
		}
		fmt.Println(answer.Policy, answer.Mutated, answer.Pod.Spec.Containers[0].SecurityContext != nil)
	}
	// Output:
	// open false false
	// a-hardening true true
	// pods "web" is forbidden: PodSecurityPolicy: unable to admit pod: []
}
