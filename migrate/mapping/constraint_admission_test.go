package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// TestConstraintsAreAdmission: what PSP admission decides about a pod, and what it writes into it, is what the constraints of the
// policy say. Admission is the simulated one, which is compared with that of Kubernetes v1.24.17.
func TestConstraintsAreAdmission(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	refused, wrote := map[string]int{}, map[string]int{}
	for seed := range uint64(600) {
		g := admission.NewGenerator(seed)
		rng := rand.New(rand.NewPCG(seed, 5))
		for range 6 {
			c := g.NewPodCase()
			for _, doc := range c.Policies {
				p := readPolicy(t, doc)
				bendPolicy(rng, p)
				if outcome, diff := compareWithAdmission(p, c.Pod, c.Automount, refused, wrote); diff != "" {
					t.Fatalf("seed %d: %s", seed, diff)
				} else {
					outcomes[outcome]++
				}
			}
		}
	}
	t.Log(outcomes)
	t.Log("refused by", refused)
	t.Log("written by", wrote)
	for outcome, most := range map[string]int{"refused": 300, "admitted": 300, "admitted with a mutation": 300} {
		if outcomes[outcome] < most {
			t.Errorf("%s: %d pods", outcome, outcomes[outcome])
		}
	}
	for _, c := range oneOfEachConstraint() {
		kind := constraintKind(c)
		if c.Refuses() && refused[kind] < 10 || c.Writes() && wrote[kind] < 10 {
			t.Errorf("%s alone refused %d pods and wrote into %d", kind, refused[kind], wrote[kind])
		}
	}
}

// TestConstraintsAreAdmissionOfTraps: as above, with the cases in which admission does what one would not expect.
func TestConstraintsAreAdmissionOfTraps(t *testing.T) {
	t.Parallel()
	traps, err := admission.Traps()
	if err != nil {
		t.Fatal(err)
	}
	for _, trap := range traps {
		for _, doc := range trap.Policies {
			for _, pod := range []*corev1.Pod{trap.Pod, trap.Old} {
				if pod == nil {
					continue
				}
				if _, diff := compareWithAdmission(readPolicy(t, doc), pod, trap.Automount, map[string]int{}, map[string]int{}); diff != "" {
					t.Errorf("%s: %s", trap.Name, diff)
				}
			}
		}
	}
}

// TestConstraintsLeaveOutWhatIsFree: a policy that admits every pod demands nothing.
func TestConstraintsLeaveOutWhatIsFree(t *testing.T) {
	t.Parallel()
	if got := Constraints(readPolicy(t, admission.PermissivePolicy("any"))); got != nil {
		t.Errorf("got %#v", got)
	}
}

// oneOfEachConstraint is one constraint of each kind that refuses and, where that kind can, writes.
func oneOfEachConstraint() []Constraint {
	value := "x"
	var out []Constraint
	for _, field := range []string{RunAsUserField, RunAsGroupField, SupplementalGroupsField, FSGroupField} {
		out = append(out, IDRanges{Field: field}, IDRanges{Field: field, Optional: field != RunAsUserField})
	}
	return append(
		out, PrivilegedContainers{}, HostNamespace{"hostNetwork"}, HostNamespace{"hostPID"}, HostNamespace{"hostIPC"}, HostPorts{}, VolumeTypes{},
		HostPaths{}, FlexVolumeDrivers{}, CSIDrivers{}, SELinuxLabel{}, NonRootUser{}, ReadOnlyRootFilesystem{},
		PrivilegeEscalation{Forbidden: true, Default: new(bool)}, Capabilities{RequiredDrops: []string{"ALL"}}, ProcMounts{}, Sysctls{},
		RuntimeClasses{Default: &value}, Profiles{Kind: SeccompProfiles, Default: value}, Profiles{Kind: AppArmorProfiles, Default: value},
	)
}

// constraintKind names a constraint's type, and its field where the type has several.
func constraintKind(c Constraint) string { return fmt.Sprintf("%T of %s", c, c.Fields()[0]) }

// readPolicy reads a policy that the generator made.
func readPolicy(t *testing.T, doc admission.YAMLObject) *pspparse.Policy {
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

// bendPolicy gives some policies what API servers refuse or people rarely write: ranges that end before they begin, entries twice,
// types that nobody knows, defaults that the lists lack.
func bendPolicy(rng *rand.Rand, p *pspparse.Policy) {
	s := &p.Spec
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	bends := []func(){
		func() { s.RunAsUser.Ranges = append([]pspparse.IDRange{{Min: 9, Max: 5}}, s.RunAsUser.Ranges...) },
		func() { s.FSGroup.Ranges = append([]pspparse.IDRange{{Min: 9, Max: 5}}, s.FSGroup.Ranges...) },
		func() {
			s.SupplementalGroups.Ranges = append(s.SupplementalGroups.Ranges, pspparse.IDRange{Min: 0, Max: 5}, pspparse.IDRange{Min: 6, Max: maxID})
		},
		func() { s.FSGroup.Ranges = []pspparse.IDRange{{Min: 0, Max: maxID}} },
		func() {
			s.RunAsGroup = &pspparse.IDStrategy{Rule: pspparse.MayRunAs, Ranges: []pspparse.IDRange{{Max: maxID}}}
		},
		func() { s.Volumes = append(s.Volumes, "cephFS", "cephfs", "secret", "secret", "unknown") },
		func() { s.Volumes = []string{"secret", "projected", "*"} },
		func() { s.AllowedCapabilities = append(s.AllowedCapabilities, s.AllowedCapabilities...) },
		func() { s.RequiredDropCapabilities = append(s.RequiredDropCapabilities, "KILL", "CHOWN", "KILL") },
		func() { s.DefaultAllowPrivilegeEscalation, s.AllowPrivilegeEscalation = new(true), new(false) },
		func() { s.AllowedProcMountTypes = []string{"Unmasked", "Unmasked"} },
		func() { s.AllowedProcMountTypes = []string{"Default", "Default"} },
		func() { s.AllowedProcMountTypes = []string{"Other"} },
		func() { s.AllowedHostPaths = append(s.AllowedHostPaths, pspparse.AllowedHostPath{PathPrefix: "/"}) },
		func() { s.AllowedUnsafeSysctls = append(s.AllowedUnsafeSysctls, "*", "net.*") },
		func() { s.RuntimeClass = &pspparse.RuntimeClassStrategy{DefaultRuntimeClassName: new("kata")} },
		func() { p.Annotations[pspparse.SeccompDefaultAnnotation] = "docker/default" },
		func() { p.Annotations[pspparse.SeccompAllowedAnnotation] = "docker/default,,runtime/default" },
		func() { p.Annotations[pspparse.SeccompAllowedAnnotation] = "localhost/x," },
		func() { delete(p.Annotations, pspparse.SeccompAllowedAnnotation) },
		func() { p.Annotations[pspparse.AppArmorAllowedAnnotation] = ",runtime/default" },
		func() { p.Annotations[pspparse.AppArmorDefaultAnnotation] = "localhost/unlisted" },
	}
	if rng.IntN(3) == 0 {
		bends[rng.IntN(len(bends))]()
	}
}

// compareWithAdmission compares what PSP admission by one policy makes of a pod with what the constraints of the policy say. It
// returns the outcome in a word, and what differs. It counts the constraints that alone refuse a pod, and those that write.
func compareWithAdmission(p *pspparse.Policy, sent *corev1.Pod, automount *bool, refused, wrote map[string]int) (outcome, diff string) {
	sent = validPod(sent)
	admitter := psp.NewAdmitter([]*pspparse.Policy{p})
	got := admitter.Admit(psp.AdmissionRequest{Pod: sent, Automount: automount, UsablePolicies: admitter.UsablePolicies(nil, []string{p.Name})})
	if len(p.UnusableReasons()) > 0 {
		if c := Constraints(p); c != nil || !got.NoPolicies {
			return "", fmt.Sprintf("an unusable policy has constraints %#v, or admission uses it: %t", c, !got.NoPolicies)
		}
		return "not usable", ""
	}
	pod := psp.ApplyAdmissionDefaults(sent, automount)
	filled := pod.DeepCopy()
	written, asItIs, asFilled, failed := false, true, true, ""
	for _, c := range Constraints(p) {
		if fill(c, filled) {
			written = true
			wrote[constraintKind(c)]++
			if !c.Writes() {
				return "", fmt.Sprintf("%#v writes, and says that it does not", c)
			}
		}
		asItIs = asItIs && holds(c, pod)
	}
	for _, c := range Constraints(p) {
		switch {
		case holds(c, filled):
		case !c.Refuses():
			return "", fmt.Sprintf("%#v refuses, and says that it does not", c)
		case failed == "":
			failed = constraintKind(c)
		default:
			failed = "several"
		}
		asFilled = asFilled && holds(c, filled)
	}
	want := "refused"
	switch {
	case !asFilled:
		refused[failed]++
	case asItIs && !written && !copiesSeccompField(filled):
		want = "admitted"
	default:
		want = "admitted with a mutation"
	}
	outcome = "admitted"
	switch {
	case got.Refused == psp.AdmitPass:
		outcome = "refused"
	case got.Refused == psp.ValidatePass && !resetsProcMount(p, pod):
		return "", "the second pass refuses: " + got.RefusalMessage(sent.Name)
	case got.Refused == psp.ValidatePass:
		outcome = want // which the comparison of what was written decides
	case got.Mutated:
		outcome = "admitted with a mutation"
	}
	if outcome != want {
		return outcome, fmt.Sprintf("admission: %s %s; the constraints: %s\n%#v\npolicy %+v\npod %s", outcome, got.RefusalMessage(sent.Name), want, Constraints(p), p, asJSON(pod))
	}
	if outcome == "refused" {
		return outcome, ""
	}
	asStored(filled, p.Name)
	if reflect.DeepEqual(got.Pod, filled) {
		return outcome, ""
	}
	return outcome, "what admission has written (-) and the constraints (+):\n" + cmp.Diff(got.Pod, filled)
}

// validPod returns a pod as API validation demands it, where the generator does not care: IDs that exist, one source per volume.
func validPod(pod *corev1.Pod) *corev1.Pod {
	out := pod.DeepCopy()
	clip := func(ids ...*int64) {
		for _, id := range ids {
			if id != nil {
				*id = min(*id, maxID)
			}
		}
	}
	sc := podspec.OrEmpty(out.Spec.SecurityContext)
	clip(sc.RunAsUser, sc.RunAsGroup, sc.FSGroup)
	for i := range sc.SupplementalGroups {
		clip(&sc.SupplementalGroups[i])
	}
	for _, c := range containersOf(out) {
		own := podspec.OrEmpty(c.SecurityContext)
		clip(own.RunAsUser, own.RunAsGroup)
	}
	for i := range out.Spec.Volumes {
		if sources := sourcesOf(&out.Spec.Volumes[i]); len(sources) > 1 {
			out.Spec.Volumes[i].VolumeSource = corev1.VolumeSource{CephFS: &corev1.CephFSVolumeSource{}}
		}
	}
	return out
}

// containersOf returns all containers of a pod, in the order of PSP admission.
func containersOf(pod *corev1.Pod) []*corev1.Container {
	var out []*corev1.Container
	for i := range pod.Spec.InitContainers {
		out = append(out, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		out = append(out, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.EphemeralContainers {
		out = append(out, (*corev1.Container)(&pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return out
}

// sourcesOf returns the sources of a volume by their names in pods.
func sourcesOf(v *corev1.Volume) []string {
	text, err := json.Marshal(v.VolumeSource)
	if err != nil {
		panic(err) // volumes always encode
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		panic(err) // it was just written
	}
	return slices.Sorted(maps.Keys(tree))
}

// resetsProcMount reports whether the API server resets a procMount of the pod to one that the policy refuses.
func resetsProcMount(p *pspparse.Policy, pod *corev1.Pod) bool {
	return !slices.Contains(p.Spec.AllowedProcMountTypes, "Default") && slices.ContainsFunc(containersOf(pod), func(c *corev1.Container) bool {
		return podspec.OrEmpty(c.SecurityContext).ProcMount != nil
	})
}

// copiesSeccompField reports whether PSP admission copies the pod's seccompProfile to its annotation, which every policy does.
func copiesSeccompField(pod *corev1.Pod) bool {
	return pod.Annotations[podspec.SeccompPodAnnotation] == "" && podspec.SeccompAnnotation(podspec.OrEmpty(pod.Spec.SecurityContext.SeccompProfile)) != ""
}

// asStored makes of a pod that the constraints have filled what v1.24 stores of it.
func asStored(pod *corev1.Pod, policy string) {
	if copiesSeccompField(pod) {
		setAnnotation(pod, podspec.SeccompPodAnnotation, podspec.SeccompAnnotation(pod.Spec.SecurityContext.SeccompProfile))
	}
	setAnnotation(pod, podspec.AdmittedByAnnotation, policy)
	for _, c := range containersOf(pod) {
		if sc := podspec.OrEmpty(c.SecurityContext); sc.ProcMount != nil {
			*sc.ProcMount = corev1.DefaultProcMount
		}
	}
	psp.SyncSeccompFields(pod)
}

// setAnnotation writes an annotation into a pod.
func setAnnotation(pod *corev1.Pod, key, value string) {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = value
}

// asJSON returns a pod as text.
func asJSON(pod *corev1.Pod) string {
	text, err := json.MarshalIndent(pod, "", " ")
	if err != nil {
		panic(err) // pods always encode
	}
	return string(text)
}
