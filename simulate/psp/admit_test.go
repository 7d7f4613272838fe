package psp_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// policies of a case, as they would be read from a file.
func policies(t testing.TB, c *admission.Case) []*pspparse.Policy {
	t.Helper()
	var out []*pspparse.Policy
	for _, doc := range c.Policies {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		p, problems := pspparse.ParseJSON(text, pspparse.Position{})
		if p == nil {
			t.Fatal(problems)
		}
		out = append(out, p)
	}
	return out
}

// answer is ours in the form in which traps tell theirs.
func answer(r *psp.AdmissionRequest, a *psp.Admission) *admission.Answer {
	out := &admission.Answer{
		Ignored: a.Ignored, Refused: string(a.Refused), Policy: a.Policy, Message: a.RefusalMessage(cmp.Or(r.Pod.Name, r.Pod.GenerateName)),
		Pod: admission.CompleteDefaults(a.Pod), Seen: a.Pod, Valid: true,
	}
	if r.OldPod == nil {
		out.Seen = admission.CompleteDefaults(psp.ApplyAdmissionDefaults(r.Pod, r.Automount))
	}
	for _, x := range a.Refusals {
		out.Refusals = append(out.Refusals, admission.Refusal{Policy: x.Policy, Field: x.Field, Type: string(x.Type), Value: x.Value, Detail: x.Detail})
	}
	for _, x := range a.InvalidMutations {
		out.Invalid = append(out.Invalid, admission.Refusal{Field: x.Field, Type: string(x.Type), Detail: x.Detail})
	}
	return out.Comparable()
}

// Each trap has its outcome; the same outcomes are compared with those of Kubernetes' own code in fixtures/controlplane.
func TestTraps(t *testing.T) {
	t.Parallel()
	traps, err := admission.Traps()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, trap := range traps {
		seen[trap.Name[:3]] = true
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			a := psp.NewAdmitter(policies(t, trap.Case))
			r := psp.AdmissionRequest{
				Pod: trap.Pod, OldPod: trap.Old, Subresource: trap.Subresource, Automount: trap.Automount,
				UsablePolicies: a.UsablePolicies(trap.Account, trap.Creator),
			}
			got := a.Admit(r)
			if trap.Inject != nil {
				pod, err := admission.ApplyInjection(got.Pod, trap.Inject)
				if err != nil {
					t.Fatal(err)
				}
				again := r
				again.Pod = pod
				got = a.Admit(again)
			}
			if diff := gocmp.Diff(trap.Want, answer(&r, &got).Lines()); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, trap.Fixture())
			}
		})
	}
	for n := 1; n <= 88; n++ {
		if name := fmt.Sprintf("T%02d", n); !seen[name] {
			t.Errorf("there is no trap %s", name)
		}
	}
}

// What a message says in full is the server's own text; the details in it are the policy's.
func TestMessage(t *testing.T) {
	t.Parallel()
	traps, err := admission.Traps()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"T05": `pods "p" is forbidden: PodSecurityPolicy: unable to admit pod: [` +
			`pod.metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: Forbidden: seccomp may not be set ` +
			`pod.metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: Forbidden: seccomp may not be set]`,
		"T14": `pods "p" is forbidden: PodSecurityPolicy: unable to admit pod: [` +
			`pod.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden: runtime/default is not an allowed profile. Allowed values: "*"]`,
		"T16": `pods "p" is forbidden: PodSecurityPolicy: no providers available to validate pod request`,
		"T17": `pods "p" is forbidden: PodSecurityPolicy: unable to admit pod: []`,
		"T23": `pods "p" is forbidden: PodSecurityPolicy: unable to validate pod: []`,
		"T36": `pods "p" is forbidden: PodSecurityPolicy: unable to admit pod: [` +
			`spec.containers[0].securityContext: Invalid value: []int64{9}: group 9 must be in the ranges: [{1 2}]]`,
		"T54": `pods "p" is forbidden: PodSecurityPolicy: unable to admit pod: [` +
			`spec.containers[0].hostPort: Invalid value: 5: Host port 5 is not allowed to be used. Allowed ports: [9-1,0]]`,
		"T88": `pods "web-" is forbidden: PodSecurityPolicy: unable to admit pod: []`,
	}
	for _, trap := range traps {
		text, ok := want[trap.Name[:3]]
		if !ok || strings.HasPrefix(trap.Want[0], "admitted") {
			continue
		}
		delete(want, trap.Name[:3])
		a := psp.NewAdmitter(policies(t, trap.Case))
		got := a.Admit(psp.AdmissionRequest{Pod: trap.Pod, OldPod: trap.Old, UsablePolicies: a.UsablePolicies(trap.Account, trap.Creator)})
		if diff := gocmp.Diff(text, got.RefusalMessage(cmp.Or(trap.Pod.Name, trap.Pod.GenerateName))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", trap.Name, diff)
		}
	}
	if len(want) > 0 {
		t.Errorf("no trap for %v", want)
	}
	if got := (&psp.Admission{Policy: "a"}).RefusalMessage("p"); got != "" {
		t.Errorf("message of what was admitted: %q", got)
	}
	unnamed := psp.Admission{Refused: psp.AdmitPass}
	if got, want := unnamed.RefusalMessage(""), `pods "Unknown" is forbidden: PodSecurityPolicy: unable to admit pod: []`; got != want {
		t.Errorf("message for a pod without a name: %s, want %s", got, want)
	}
}

// A change that no policy vouches for is refused without a reason; then Withheld has the policies that would have to fill
// something in, as far as they may be used.
func TestWithheld(t *testing.T) {
	t.Parallel()
	traps, err := admission.Traps()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"T23": {"a"}, "T26": {"a"}, "T27": {"a"}}
	for _, trap := range traps {
		names, ok := want[trap.Name[:3]]
		if !ok {
			continue
		}
		a := psp.NewAdmitter(policies(t, trap.Case))
		r := psp.AdmissionRequest{Pod: trap.Pod, OldPod: trap.Old, UsablePolicies: a.UsablePolicies(trap.Account, trap.Creator)}
		if diff := gocmp.Diff(names, a.Admit(r).WouldMutate); diff != "" {
			t.Errorf("%s (-want +got):\n%s", trap.Name, diff)
		}
		r.UsablePolicies = psp.UsablePolicies{}
		if got := a.Admit(r).WouldMutate; got != nil {
			t.Errorf("%s, by policies that nobody may use: %q", trap.Name, got)
		}
	}
}

// Those withheld are told by name, whichever is asked first.
func TestWithheldByName(t *testing.T) {
	t.Parallel()
	nonRoot := func(name string) *pspparse.Policy {
		p := anything(name)
		p.Spec.RunAsUser.Rule = pspparse.MustRunAsNonRoot
		return p
	}
	a := psp.NewAdmitter([]*pspparse.Policy{nonRoot("b"), nonRoot("c"), nonRoot("a")})
	old := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}}
	old.Annotations = map[string]string{"kubernetes.io/psp": "c"}
	pod := old.DeepCopy()
	pod.Labels = map[string]string{"x": "y"}
	got := a.Admit(psp.AdmissionRequest{Pod: pod, OldPod: old, UsablePolicies: a.UsablePolicies(nil, []string{"a", "b", "c"})})
	if diff := gocmp.Diff([]string{"a", "b", "c"}, got.WouldMutate); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// anything is a policy that admits pods without volumes and has no opinion.
func anything(name string) *pspparse.Policy {
	anyone := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	return &pspparse.Policy{Name: name, Spec: pspparse.Spec{
		SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}, RunAsUser: anyone, SupplementalGroups: anyone, FSGroup: anyone,
	}}
}

// A policy that was not parsed, and so has not got the API's default, allows privilege escalation too.
func TestEscalationOfAPolicyWithoutDefaults(t *testing.T) {
	t.Parallel()
	a := psp.NewAdmitter([]*pspparse.Policy{anything("a")})
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(false),
		Containers:                   []corev1.Container{{Name: "c", SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(true)}}},
	}}
	got := a.Admit(psp.AdmissionRequest{Pod: pod, UsablePolicies: a.UsablePolicies([]string{"a"}, nil)})
	if got.Policy != "a" || got.Mutated {
		t.Errorf("got %+v", got)
	}
}
