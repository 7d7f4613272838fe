package migrate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// parsed reads a policy of a generated case.
func parsed(t *testing.T, doc admission.YAMLObject) *pspparse.Policy {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := pspparse.ParseJSON(text, pspparse.Position{})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// admit asks about a new pod that may use all of the policies.
func admit(pod *corev1.Pod, automount *bool, policies ...*pspparse.Policy) psp.Admission {
	var names []string
	for _, p := range policies {
		names = append(names, p.Name)
	}
	a := psp.NewAdmitter(policies)
	return a.Admit(psp.AdmissionRequest{Pod: pod, Automount: automount, UsablePolicies: a.UsablePolicies(names, nil)})
}

// seccompAlone is true for a pod that every policy changes: its profile is stated by the field and not by the annotation.
func seccompAlone(pod *corev1.Pod) bool {
	sc := pod.Spec.SecurityContext
	return sc != nil && sc.SeccompProfile != nil && pod.Annotations["seccomp.security.alpha.kubernetes.io/pod"] == ""
}

// withGuides is the clone with what the guide leaves in place.
func withGuides(clone, p *pspparse.Policy) *pspparse.Policy {
	out := *clone
	out.Spec.RequiredDropCapabilities = p.Spec.RequiredDropCapabilities
	out.Spec.SELinux, out.Spec.RunAsUser = p.Spec.SELinux, p.Spec.RunAsUser
	out.Spec.AllowPrivilegeEscalation = p.Spec.AllowPrivilegeEscalation
	out.Spec.ReadOnlyRootFilesystem = p.Spec.ReadOnlyRootFilesystem
	return &out
}

// cloneTrial is one policy, its clone and one pod.
type cloneTrial struct {
	p         *pspparse.Policy
	s         *mapping.SimplifiedPolicy
	pod       *corev1.Pod
	automount *bool
	before    psp.Admission
}

// forEachClone goes through random policies that admit something and have a clone; check returns what is wrong.
func forEachClone(t *testing.T, check func(cloneTrial) string) {
	t.Helper()
	for seed := range tries(400) {
		g := admission.NewGenerator(uint64(seed))
		for range 5 {
			c := g.NewPodCase()
			for _, doc := range c.Policies {
				p := parsed(t, doc)
				s := mapping.SimplifyPolicy(p, func(*pspparse.Policy) bool { return false })
				if s == nil || len(mapping.Assess(p, FirstVersionWithoutPSP()).AdmitsNothing) > 0 {
					continue
				}
				if wrong := check(cloneTrial{p, s, c.Pod, c.Automount, admit(c.Pod, c.Automount, p)}); wrong != "" {
					t.Fatalf("seed %d, policy %s: %s\n%s", seed, p.Name, wrong, c.Fixture())
				}
			}
		}
	}
}

// A clone changes a pod in nothing but what every policy does to it: the result is that of a policy that allows all.
func TestClonesFillNothingIn(t *testing.T) {
	t.Parallel()
	open := parsed(t, admission.PermissivePolicy("open"))
	var plain, annotated int
	forEachClone(t, func(c cloneTrial) string {
		got := admit(c.pod, c.automount, c.s.Clone)
		switch {
		case got.Policy == "":
			return ""
		case seccompAlone(c.pod):
			annotated++
		case got.Mutated:
			return "the clone fills in"
		default:
			plain++
		}
		want := admit(c.pod, c.automount, open).Pod
		want.Annotations["kubernetes.io/psp"] = c.s.Clone.Name
		return cmp.Diff(want, got.Pod)
	})
	if (plain < 500 || annotated < 20) && !testing.Short() {
		t.Errorf("too few cases: %d pods without a profile, %d with one", plain, annotated)
	}
}

// What a policy has made of a pod goes to the clone as it is, and would with what the guide leaves in place.
func TestClonesAdmitWhatPoliciesMade(t *testing.T) {
	t.Parallel()
	var filled int
	forEachClone(t, func(c cloneTrial) string {
		if c.before.Policy == "" {
			return ""
		}
		if c.before.Mutated {
			filled++
		}
		for what, policies := range map[string][]*pspparse.Policy{
			"the clone beside the policy": {c.p, c.s.Clone}, "what the guide makes of it": {withGuides(c.s.Clone, c.p)},
		} {
			if got := admit(c.before.Pod, c.automount, policies...); got.Policy != c.s.Clone.Name || got.Mutated {
				return what + ": the pod goes to " + got.Policy + ", " + got.RefusalMessage("p")
			}
		}
		return ""
	})
	if filled < 500 && !testing.Short() {
		t.Errorf("too few cases: %d pods filled in", filled)
	}
}

// Where a clone admits more than its policy, it is said what it opens.
func TestClonesTellWhatTheyOpen(t *testing.T) {
	t.Parallel()
	var more int
	forEachClone(t, func(c cloneTrial) string {
		if c.before.Policy != "" || admit(c.pod, c.automount, c.s.Clone).Policy == "" {
			return ""
		}
		more++
		if slices.ContainsFunc(c.s.Changes, func(c mapping.FieldChange) bool { return c.NewlyAdmits.ID != "" }) {
			return ""
		}
		return "the clone admits what the policy refuses and is said to open nothing: " + c.before.RefusalMessage("p")
	})
	if more < 100 && !testing.Short() {
		t.Errorf("too few cases: %d pods admitted by a clone alone", more)
	}
}

// The exception that is told with the change: a default capability named * cannot be allowed by that name alone.
func TestCloneOfADefaultStar(t *testing.T) {
	t.Parallel()
	doc := admission.PermissivePolicy("star")
	spec, _ := doc["spec"].(admission.YAMLObject)
	spec["allowedCapabilities"], spec["defaultAddCapabilities"] = []string{}, []string{"*"}
	p := parsed(t, doc)
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}}
	before := admit(pod, nil, p)
	clone := mapping.SimplifyPolicy(p, func(*pspparse.Policy) bool { return false }).Clone
	if got := admit(before.Pod, nil, clone); before.Policy != "star" || got.Policy != "" || len(got.Refusals) != 1 {
		t.Errorf("admitted by %q, then by %q: %s", before.Policy, got.Policy, got.RefusalMessage("p"))
	}
}

// A pod-level seccompProfile makes every policy change the pod, and the first by name win: that is why the name matters.
func TestTheFirstNameWinsASeccompProfile(t *testing.T) {
	t.Parallel()
	doc := admission.PermissivePolicy("web")
	spec, _ := doc["spec"].(admission.YAMLObject)
	spec["readOnlyRootFilesystem"] = true
	p := parsed(t, doc)
	clone := mapping.SimplifyPolicy(p, func(*pspparse.Policy) bool { return false }).Clone
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers:      []corev1.Container{{Name: "c"}},
	}}
	if got := admit(pod, nil, p, clone); got.Policy != "0-web" || !got.Mutated || got.Pod.Spec.Containers[0].SecurityContext != nil {
		t.Errorf("got %q, filled in %t, %v", got.Policy, got.Mutated, got.Pod.Spec.Containers[0].SecurityContext)
	}
	clone.Name = "zz"
	if got := admit(pod, nil, p, clone); got.Policy != "web" {
		t.Errorf("got %q where the clone sorts after", got.Policy)
	}
}

// planOfPolicies has nothing but policies.
func planOfPolicies(t *testing.T, policies ...*pspparse.Policy) *Plan {
	t.Helper()
	var objects []object
	for _, p := range policies {
		objects = append(objects, func(b *inventory.Builder) { b.AddPolicy(p) })
	}
	return build(t, fromFiles(), Options{}, objects...)
}

// The plan has the clone whole.
func TestSimplifyInThePlan(t *testing.T) {
	t.Parallel()
	ids := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := &pspparse.Policy{Name: "web", Annotations: map[string]string{
		pspparse.SeccompAllowedAnnotation: "runtime/default", pspparse.SeccompDefaultAnnotation: "runtime/default", "note": "x",
	}, Spec: pspparse.Spec{
		Volumes: []string{"secret"}, SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}, RunAsUser: ids, FSGroup: ids,
		SupplementalGroups:       pspparse.IDStrategy{Rule: pspparse.MayRunAs, Ranges: []pspparse.IDRange{{Min: 1, Max: 9}}},
		AllowPrivilegeEscalation: new(true),
	}}
	want := &SimplifiedPolicy{
		Changes: []SimplifiedField{
			{Field: pspparse.SeccompDefaultAnnotation, Class: "mutating", Becomes: message.New("becomes-removed")},
			{Field: "supplementalGroups", Class: "outOfScope", Becomes: message.New("becomes-value", "value", "RunAsAny"), Opens: new(message.New("opens-groups"))},
		},
		Clone: NonMutatingClone{
			Name: "0-web", Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "runtime/default"},
			Spec: pspparse.Spec{
				Volumes: []string{"secret"}, SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}, RunAsUser: ids, FSGroup: ids,
				SupplementalGroups: ids, AllowPrivilegeEscalation: new(true),
			},
		},
	}
	if diff := cmp.Diff(want, planOfPolicies(t, p).Policies[0].Simplified); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A clone never takes the name of another policy or clone; one that was created already is recognised and has none itself.
func TestCloneNamesInAPlan(t *testing.T) {
	t.Parallel()
	named := func(name string, readOnlyRoot bool) *pspparse.Policy {
		doc := admission.PermissivePolicy(name)
		spec, _ := doc["spec"].(admission.YAMLObject)
		spec["readOnlyRootFilesystem"] = readOnlyRoot
		return parsed(t, doc)
	}
	clone := named("0-done", false)
	clone.Spec.HostPorts = []pspparse.HostPortRange{{Min: 1, Max: 65535}}
	nothing := named("nothing", true)
	nothing.Spec.RunAsUser.Rule = pspparse.MustRunAs // without ranges
	other := named("0-other", false)                 // with another list of profiles
	other.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default"
	long := strings.Repeat("a", 252) // at the limit, with one more
	policies := []*pspparse.Policy{
		named("0-web", true), named("web", true), named("done", true), clone, named("0", true), nothing, named("other", true), other,
		named(long+"x", true), named(long+"y", true),
	}
	got := map[string]NonMutatingClone{}
	for _, po := range planOfPolicies(t, policies...).Policies {
		if po.Simplified != nil {
			got[po.Name] = NonMutatingClone{Name: po.Simplified.Clone.Name, Exists: po.Simplified.Clone.Exists}
		}
	}
	want := map[string]NonMutatingClone{
		"0": {}, "0-web": {Name: "0--0-web"}, "web": {Name: "0--web"}, "done": {Name: "0-done", Exists: true},
		"other": {Name: "0--other"}, long + "x": {Name: "0-" + long[1:]}, long + "y": {Name: "0--" + long[2:]},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
