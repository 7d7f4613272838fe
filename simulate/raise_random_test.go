package simulate

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// made makes edits in a pod by their paths alone, which is all that anybody gets who writes them.
func made(t *testing.T, pod *inventory.Shape, edits []Edit) *inventory.Shape {
	t.Helper()
	text, err := json.Marshal(map[string]any{"spec": pod.Spec})
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range edits {
		var value any
		if err := json.Unmarshal([]byte(e.Value), &value); err != nil {
			t.Fatalf("%s: the value %s: %v", e.Path, e.Value, err)
		}
		doc = put(t, doc, strings.Split(e.Path, "."), value)
	}
	if text, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	var out struct{ Spec corev1.PodSpec }
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return &inventory.Shape{Annotations: pod.Annotations, Spec: out.Spec}
}

var indexed = regexp.MustCompile(`^(\w+)\[(\d+)\]$`)

// put sets a value at a path, and makes what is missing on the way.
func put(t *testing.T, in any, path []string, value any) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	object, ok := in.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	if m := indexed.FindStringSubmatch(path[0]); m != nil {
		list, _ := object[m[1]].([]any)
		at, err := strconv.Atoi(m[2])
		if err != nil || at >= len(list) {
			t.Fatalf("there is no %s", path[0])
		}
		list[at] = put(t, list[at], path[1:], value)
		return object
	}
	object[path[0]] = put(t, object[path[0]], path[1:], value)
	return object
}

// byName are the edits as they stand in another pod, where its containers have other indexes.
func byName(pod *inventory.Shape, edits []Edit) []Edit {
	var out []Edit
	for _, e := range edits {
		_, field, _ := strings.Cut(e.Path, ".securityContext.")
		for _, p := range places(&pod.Spec) {
			if e.Container != "" && p.Name == e.Container {
				e.Path = fmt.Sprintf("spec.%s[%d].securityContext.%s", p.list, p.index, field)
				out = append(out, e)
			}
		}
		if e.Container == "" {
			out = append(out, e)
		}
	}
	return out
}

// randomSubject is a template as anybody may have written it, its pods under a policy, and more in them that was injected.
func randomSubject(seed int64) *Subject {
	r := newRandom(seed)
	annotations, spec := r.pod()
	spec.EphemeralContainers = nil
	s := &Subject{Template: inventory.Reduce(annotations, spec)}
	if r.Intn(3) == 0 { // near to restricted, so that many get there
		spec.HostNetwork, spec.HostPID, spec.HostIPC, spec.Volumes = false, false, false, nil
		s.Template = shapeOf(plain("a"), hardened("b"), withSecurity("c", corev1.SecurityContext{RunAsNonRoot: maybe(r, true, false), RunAsUser: maybe(r, int64(7))}))
		s.Template.Annotations = annotations
	}
	for range r.Intn(3) {
		pod := s.Template
		if r.Intn(3) > 0 {
			pod = fillIn(r.policy(), pod)
		}
		if r.Intn(3) == 0 {
			pod = copyOf(pod)
			pod.Spec.InitContainers = append([]corev1.Container{r.container("injected")}, pod.Spec.InitContainers...)
			pod = inventory.Reduce(pod.Annotations, &pod.Spec)
		}
		s.Running, s.Next = append(s.Running, pod), append(s.Next, pod)
	}
	return s
}

// meets asks the library itself, once for the level and once for the looser one, which it includes.
func meets(library policy.Evaluator, pod *inventory.Shape, level api.Level, v api.Version) bool {
	for _, l := range []api.Level{api.LevelBaseline, level} {
		for _, r := range library.EvaluatePod(api.LevelVersion{Level: l, Version: v}, &metav1.ObjectMeta{Annotations: pod.Annotations}, &pod.Spec) {
			if !r.Allowed {
				return false
			}
		}
	}
	return true
}

// What raise says is so: with its edits the template meets the level, and so does every pod that is more, if and only if it
// names no obstacle; there is nothing in it that was there already, and nothing that API validation refuses.
func TestRaisePretendsNothing(t *testing.T) {
	t.Parallel()
	e, library := mustEvaluator(t), mustLibrary(t)
	const rounds = 400
	reached, blocked, safe, test := 0, 0, 0, 0
	for seed := range int64(rounds) {
		s := randomSubject(seed)
		before := compact(s)
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			for _, v := range []api.Version{api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 25), api.MajorMinorVersion(1, 35), Newest()} {
				where := fmt.Sprintf("seed %d, %s at %s", seed, level, v.String())
				got := e.Raise(s, level, v)
				after := made(t, s.Template, got.Edits)
				all := meets(library, after, level, v)
				var next []*inventory.Shape
				for _, pod := range s.Next {
					next = append(next, made(t, pod, byName(pod, got.Edits)))
					all = all && meets(library, next[len(next)-1], level, v)
				}
				if all != (len(got.Obstacles) == 0) {
					t.Fatalf("%s: reached %t, obstacles %v, edits %v", where, all, got.Obstacles, got.Edits)
				}
				if again := e.Raise(&Subject{Template: after, Next: next, Running: s.Running}, level, v); len(again.Edits) > 0 {
					t.Fatalf("%s: once edited, it is edited again: %v", where, again.Edits)
				}
				for _, edit := range got.Edits {
					wantSoundEdit(t, where, s, edit)
				}
				wantValid(t, where, s.Template, after)
				if len(got.Obstacles) == 0 && len(got.Edits) > 0 {
					reached++
				}
				blocked += len(got.Obstacles)
				for _, edit := range got.Edits {
					if edit.Safety == Safe {
						safe++
					} else {
						test++
					}
				}
			}
		}
		if after := compact(s); after != before {
			t.Fatalf("seed %d: shapes never change (-before +after):\n%s", seed, cmp.Diff(before, after))
		}
	}
	if reached < rounds/4 || blocked < rounds || safe < rounds/4 || test < rounds/4 {
		t.Errorf("the cases are too much alike: %d raised, %d obstacles, %d safe edits, %d to test", reached, blocked, safe, test)
	}
}

// wantSoundEdit: an edit changes the template, and where it is safe because pods run so, it changes none of them.
func wantSoundEdit(t *testing.T, where string, s *Subject, edit Edit) {
	t.Helper()
	if cmp.Equal(s.Template.Spec, made(t, s.Template, []Edit{edit}).Spec) {
		t.Fatalf("%s: %s=%s changes nothing", where, edit.Path, edit.Value)
	}
	if edit.Safety == Test && edit.Why == "" || edit.Safety != Test && edit.Safety != Safe {
		t.Fatalf("%s: %s is %q because %q", where, edit.Path, edit.Safety, edit.Why)
	}
	if edit.Why != runsSo {
		return
	}
	for _, pod := range s.Running {
		if diff := cmp.Diff(inEffect(&pod.Spec), inEffect(&made(t, pod, byName(pod, []Edit{edit})).Spec)); diff != "" {
			t.Fatalf("%s: %s=%s is said to be in force, and changes a pod (-before +after):\n%s", where, edit.Path, edit.Value, diff)
		}
	}
}

// inEffect is what the containers of a pod get, written from the API's documentation.
func inEffect(spec *corev1.PodSpec) map[string]string {
	out := map[string]string{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		pod, own := *orEmpty(spec.SecurityContext), *orEmpty(c.SecurityContext)
		nonRoot, profile := own.RunAsNonRoot, own.SeccompProfile
		if nonRoot == nil {
			nonRoot = pod.RunAsNonRoot
		}
		if profile == nil {
			profile = pod.SeccompProfile
		}
		escalation := own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation
		none := own.Capabilities != nil && slices.Contains(own.Capabilities.Drop, "ALL")
		out[c.Name] = fmt.Sprint(nonRoot != nil && *nonRoot, compact(profile), escalation, none)
	}
	return out
}

// wantValid holds the edited template to what API validation and the kubelet refuse, as far as it is not the author's fault.
func wantValid(t *testing.T, where string, before, after *inventory.Shape) {
	t.Helper()
	if os := after.Spec.OS; os != nil && os.Name == corev1.Windows && !cmp.Equal(linuxFields(before), linuxFields(after)) {
		t.Fatalf("%s: Linux fields for Windows: %v", where, linuxFields(after))
	}
	for _, p := range places(&after.Spec) {
		was := partsOf(&before.Spec).named(p.Name)
		sc, old := p.security(), orEmpty(was.SecurityContext)
		if !isFalse(old.AllowPrivilegeEscalation) && isFalse(sc.AllowPrivilegeEscalation) && isTrue(sc.Privileged) {
			t.Fatalf("%s: %s is privileged and may not escalate", where, p.Name)
		}
		user := userOf(&after.Spec, p.Container)
		if !isTrue(nonRootOf(&before.Spec, was)) && isTrue(nonRootOf(&after.Spec, p.Container)) && user != nil && *user == 0 {
			t.Fatalf("%s: %s is to run as user 0 and not as root", where, p.Name)
		}
		if !slices.Equal(orEmpty(old.Capabilities).Add, orEmpty(sc.Capabilities).Add) {
			t.Fatalf("%s: %s adds other capabilities", where, p.Name)
		}
		for _, dropped := range orEmpty(old.Capabilities).Drop {
			if !slices.Contains(sc.Capabilities.Drop, dropped) {
				t.Fatalf("%s: %s no longer drops %s", where, p.Name, dropped)
			}
		}
		annotation := cmpOr(after.Annotations[seccompContainerAnnotation+p.Name], after.Annotations[seccompPodAnnotation])
		field := sc.SeccompProfile
		if field == nil {
			field = orEmpty(after.Spec.SecurityContext).SeccompProfile
		}
		changed := old.SeccompProfile != sc.SeccompProfile && sc.SeccompProfile != nil && old.SeccompProfile == nil ||
			orEmpty(before.Spec.SecurityContext).SeccompProfile == nil && orEmpty(after.Spec.SecurityContext).SeccompProfile != nil && sc.SeccompProfile == nil
		if changed && annotation != "" && !sameProfile(field, seccompField(annotation)) {
			t.Fatalf("%s: %s has the annotation %q and the profile %s", where, p.Name, annotation, compact(field))
		}
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// linuxFields are those that API validation refuses for Windows pods and that an edit may touch.
func linuxFields(s *inventory.Shape) map[string]string {
	out := map[string]string{"": compact(orEmpty(s.Spec.SecurityContext).SeccompProfile)}
	for _, p := range places(&s.Spec) {
		sc := p.security()
		out[p.Name] = strings.Join([]string{compact(sc.AllowPrivilegeEscalation), compact(sc.Capabilities), compact(sc.SeccompProfile)}, " ")
	}
	return out
}
