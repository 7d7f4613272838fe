package simulate_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// A bare pod looks restricted only because its policy filled runAsNonRoot in.
func ExampleJudge_DayAfter() {
	runAsAny := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	policy := &pspparse.Policy{Name: "non-root", Spec: pspparse.Spec{
		RunAsUser:          pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot},
		SELinux:            pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		SupplementalGroups: runAsAny, FSGroup: runAsAny,
	}}
	shape := inventory.Reduce(nil, &corev1.PodSpec{Containers: []corev1.Container{{
		Name: "app",
		SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot:             new(true),
			AllowPrivilegeEscalation: new(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}})
	pod := &inventory.Workload{Kind: "Pod", Name: "app", Pods: []inventory.PodGroup{
		{Shape: shape, AdmittedBy: "non-root", Count: 1, Example: "app"},
	}}

	judge, err := simulate.NewJudge([]*pspparse.Policy{policy})
	if err != nil {
		fmt.Println(err)
		return
	}
	version := api.MajorMinorVersion(1, 25)
	fmt.Println("today:    ", judge.Evaluate(shape, version).Level)
	after := judge.DayAfter(pod, version)
	fmt.Println("day after:", after.Level, "estimated:", after.Estimated)
	fmt.Println(simulate.Message(after.Violations))
	// Output:
	// today:     restricted
	// day after: baseline estimated: true
	// runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true)
}

// Of two policies that would admit the pod the one that leaves it alone does, although its name comes second; where only the
// first may be used, it fills in.
func ExampleAdmitter_Admit() {
	runAsAny := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	open := pspparse.Spec{
		Volumes:   []string{"*"},
		SELinux:   pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		RunAsUser: runAsAny, SupplementalGroups: runAsAny, FSGroup: runAsAny,
	}
	hardening := open
	hardening.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot}
	admitter := simulate.NewAdmitter([]*pspparse.Policy{{Name: "a-hardening", Spec: hardening}, {Name: "open", Spec: open}})

	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	for _, names := range [][]string{{"a-hardening", "open"}, {"a-hardening"}, nil} {
		answer := admitter.Admit(simulate.Request{Pod: pod, Usable: admitter.Usable(names, nil)})
		if answer.Refused != "" {
			fmt.Println(answer.Message("web"))
			continue
		}
		fmt.Println(answer.Policy, answer.FilledIn, answer.Pod.Spec.Containers[0].SecurityContext != nil)
	}
	// Output:
	// open false false
	// a-hardening true true
	// pods "web" is forbidden: PodSecurityPolicy: unable to admit pod: []
}
