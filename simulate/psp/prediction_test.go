package psp

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

func newPredictor(policies ...*pspparse.Policy) *Predictor {
	return NewPredictor(policies, NewMutations(policies))
}

// A template with the mutated fields written into it makes, without any policy, the pod that the policy makes.
func TestMutatedFieldsAreComplete(t *testing.T) {
	t.Parallel()
	mutated, refused := 0, 0
	for seed := range int64(2000) {
		r := podtest.NewRandom(seed)
		template, p := r.Template(), r.Policy()
		generous(p)
		predictor := newPredictor(p)
		f := predictor.PredictAdmission(template, AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"p"})})
		if f.Policy == "" {
			refused++
			continue
		}
		var edits []podtest.PathValue
		annotations := map[string]string{}
		maps.Copy(annotations, template.Annotations)
		for _, v := range f.MutatedFields {
			if key, ok := strings.CutPrefix(v.Path, "metadata.annotations["); ok {
				annotations[strings.TrimSuffix(key, "]")] = strings.Trim(v.Value, `"`)
				continue
			}
			edits = append(edits, podtest.PathValue{Path: v.Path, Value: v.Value})
		}
		mutated += len(edits)
		written := podtest.SetValues(t, template, edits)
		written.Annotations = annotations
		if diff := cmp.Diff(inSpec(f.Shape), inSpec(withoutPolicies(written))); diff != "" {
			t.Errorf("seed %d, %v (-as admitted +as written down):\n%s", seed, f.MutatedFields, diff)
		}
	}
	if mutated < 1000 || refused < 50 {
		t.Errorf("%d values were written, %d pods refused: too few", mutated, refused)
	}
}

// What a policy wrote into a container beyond the template is taken off before the next admission, too: the policy writes it again.
func TestPredictReplacementOfAnInjectedContainer(t *testing.T) {
	t.Parallel()
	p := podtest.Hardening("apps")
	p.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default"
	predictor := newPredictor(p)
	by := AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"apps"}), Automount: new(false)}
	template, injected := podtest.ShapeOf(podtest.Plain("web")), podtest.ShapeOf(podtest.Plain("web"), podtest.Plain("proxy"))
	want := predictor.PredictAdmission(injected, by)
	got := predictor.PredictReplacement(template, &inventory.PodGroup{Shape: want.Shape, AdmittedBy: "apps", Count: 1}, by)
	if diff := cmp.Diff(want, got); diff != "" || len(got.MutatedFields) == 0 {
		t.Errorf("%d fields; the pod made again (-first +again):\n%s", len(got.MutatedFields), diff)
	}
}

// Where a policy adds to one capability list of a container, admission sorts both and drops repeated names. The other list
// is not among the mutated fields: it has the same names as before.
func TestSortedCapabilitiesAreNotMutatedFields(t *testing.T) {
	t.Parallel()
	template := podtest.ShapeOf(corev1.Container{Name: "app", SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{
		Add: []corev1.Capability{"SETUID", "CHOWN", "SETUID"}, Drop: []corev1.Capability{"MKNOD", "KILL", "MKNOD"},
	}}})
	for name, c := range map[string]struct {
		policy func(*pspparse.Policy)
		want   []MutatedField
	}{
		"drops": {
			func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = []string{"LEASE"} },
			[]MutatedField{{Path: "spec.containers[0].securityContext.capabilities.drop", Container: "app", Value: `["KILL","LEASE","MKNOD"]`}},
		},
		"adds": {
			func(p *pspparse.Policy) { p.Spec.DefaultAddCapabilities = []string{"FOWNER"} },
			[]MutatedField{{Path: "spec.containers[0].securityContext.capabilities.add", Container: "app", Value: `["CHOWN","FOWNER","SETUID"]`}},
		},
		"adds nothing new": {
			func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = []string{"KILL"} },
			nil,
		},
	} {
		predictor := newPredictor(podtest.PolicyOf("a", func(p *pspparse.Policy) {
			p.Spec.AllowedCapabilities = []string{"*"}
			c.policy(p)
		}))
		by := AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"a"}), Automount: new(false)}
		got := predictor.PredictAdmission(template, by)
		if diff := cmp.Diff(c.want, got.MutatedFields); diff != "" || got.Policy != "a" {
			t.Errorf("%s: admitted by %q; mutated fields (-want +got):\n%s", name, got.Policy, diff)
		}
	}
}

// generous lets a policy admit most of what it may have to mutate.
func generous(p *pspparse.Policy) {
	p.Name = "p"
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	p.Annotations[pspparse.SeccompAllowedAnnotation] = "*"
	delete(p.Annotations, pspparse.AppArmorAllowedAnnotation)
	s := &p.Spec
	s.Privileged, s.HostNetwork, s.HostPID, s.HostIPC = true, true, true, true
	s.HostPorts = []pspparse.HostPortRange{{Max: 65535}}
	s.Volumes, s.AllowedCapabilities, s.AllowedUnsafeSysctls = []string{"*"}, []string{"*"}, []string{"*"}
	s.AllowedProcMountTypes = []string{"Default", "Unmasked"}
}

// withoutPolicies is what a server that has no policies makes of a template.
func withoutPolicies(s *inventory.Shape) *inventory.Shape {
	pod := ApplyAdmissionDefaults(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}, Spec: s.Spec}, nil)
	prepareForCreate(pod)
	return inventory.ReducePod(pod.Annotations, &pod.Spec)
}

// inSpec leaves out what says the same as a field of it: seccomp annotations, which servers keep in step. Lists of
// capabilities are sets, and an empty security context is none.
func inSpec(s *inventory.Shape) *inventory.Shape {
	out := &inventory.Shape{Annotations: map[string]string{}, Spec: *s.Spec.DeepCopy()}
	for k, v := range s.Annotations {
		if k != podspec.SeccompPodAnnotation || podspec.SeccompProfile(v) == nil {
			out.Annotations[k] = v
		}
	}
	return podtest.Normal(out)
}

func TestPredictAdmission(t *testing.T) {
	t.Parallel()
	p := podtest.Hardening("apps")
	p.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default"
	p.Spec.Volumes = []string{"projected"} // the token of the account
	predictor := newPredictor(p)
	template := podtest.ShapeOf(podtest.Plain("web"))
	by := AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"apps"})}
	f := predictor.PredictAdmission(template, by)
	var got []string
	for _, v := range f.MutatedFields {
		got = append(got, fmt.Sprintf("%s of %q = %s", v.Path, v.Container, v.Value))
	}
	want := []string{
		`spec.securityContext.seccompProfile of "" = {"type":"RuntimeDefault"}`,
		`spec.containers[0].securityContext.runAsNonRoot of "web" = true`,
		`spec.containers[0].securityContext.readOnlyRootFilesystem of "web" = true`,
		`spec.containers[0].securityContext.allowPrivilegeEscalation of "web" = false`,
		`spec.containers[0].securityContext.capabilities.drop of "web" = ["ALL"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" || f.Policy != "apps" {
		t.Fatalf("mutated by %q (-want +got):\n%s", f.Policy, diff)
	}
	if predictor.PredictAdmission(template, by) != f {
		t.Error("the same question is answered twice")
	}
	if mirror := predictor.PredictAdmission(template, AdmissionContext{UsablePolicies: by.UsablePolicies, Mirror: true}); mirror == f || mirror.Policy != "apps" {
		t.Errorf("a mirror pod is admitted by %q, and asked apart: %t", mirror.Policy, mirror != f)
	}
	if none := predictor.PredictAdmission(template, AdmissionContext{}); none.Policy != "" || none.Shape != nil || len(none.Refusals) != 0 {
		t.Errorf("without a usable policy: %+v", none)
	}
	live := &inventory.PodGroup{Shape: f.Shape, AdmittedBy: "apps", Count: 1}
	again := predictor.PredictReplacement(template, live, by)
	if diff := cmp.Diff(f, again); diff != "" {
		t.Errorf("the pod made again (-first +again):\n%s", diff)
	}
	// Without a template it is not known what to take off: the pod is admitted as it is, and there is nothing left to write.
	if alone := predictor.PredictReplacement(nil, live, by); alone != predictor.PredictAdmission(f.Shape, by) || len(alone.MutatedFields) != 0 {
		t.Errorf("a pod without a template, admitted again, is mutated by %v", alone.MutatedFields)
	}
}
