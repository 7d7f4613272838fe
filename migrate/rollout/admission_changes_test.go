package rollout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

const nobodySuspected = "; no mutating webhook or MutatingAdmissionPolicy for namespaces is listed: look for an admission plugin of the server"

// stamped is admission that marks every namespace with a Pod Security label, and moves it to another team.
func stamped(labels map[string]string) {
	if _, ok := labels[api.AuditLevelLabel]; ok {
		labels["stamp"], labels["team"] = "seen", "b"
	}
}

// A webhook that makes something else of what was written is noticed, and what it made is taken back.
func TestMadeSomethingElse(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		m := newMemory(t)
		m.namespace("a", "kubectl", nil)
		start := m.state()
		m.made = func(labels map[string]string) {
			if _, ok := labels[api.WarnLevelLabel]; ok {
				labels[api.WarnLevelLabel] = "baseline"
			}
		}
		r := begin(t, m, observe("a"), enforce("a", "baseline"))
		if killed {
			m.heard = on("patch namespaces/a", 1, errCrash)
			r.run("observe: label namespace a: the process was killed")
			m.hasLock(true)
			r = r.again()
		} else {
			r.run("", `altered observe: label namespace a: the server took it, and something made this of it: pod-security.kubernetes.io/warn is "baseline", not "restricted"`+nobodySuspected+"; also",
				"refused enforce: label namespace a: an earlier step of this namespace was refused")
		}
		r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
		if diff := cmp.Diff(start, m.state()); diff != "" {
			t.Errorf("killed %t: after the way back (-want +got):\n%s", killed, diff)
		}
	}
}

// What somebody changes after that is somebody's.
func TestMadeSomethingElseAndChangedSince(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.made = func(labels map[string]string) { labels[api.WarnLevelLabel] = "baseline" }
	r := begin(t, m, observe("a"))
	r.run("", `altered observe: label namespace a: the server took it, and something made this of it: pod-security.kubernetes.io/warn is "baseline", not "restricted"`+nobodySuspected+"; also")
	m.made = nil
	m.label("a", "kubectl", api.WarnLevelLabel, text("privileged"))
	r.rollback(RollbackScope{}, "", `not-reverted observe: label namespace a: somebody has changed it since: pod-security.kubernetes.io/warn is "privileged", and was set to "restricted" here`)
	m.label("a", "kubectl", api.WarnLevelLabel, text("baseline"))
	r.rollback(RollbackScope{}, "", `not-reverted observe: label namespace a: somebody else has set it to the same since: field manager "kubectl" owns pod-security.kubernetes.io/warn`)
}

// Labels that admission changes along with ours are told, in a dry run, too, and go when the step is taken back.
func TestAdmissionAlsoChanges(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "a"})
	start := m.state()
	m.made, m.annotated = stamped, map[string]string{"by": "webhook"}
	const want = `done observe: label namespace a; also stamp="seen" (absent) team="b" ("a")annotation by`
	dry := with(t, m, nil)
	dry.Steps = []Step{observe("a")}
	dry.run("", want)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after a dry run (-want +got):\n%s", diff)
	}
	r := begin(t, m, observe("a"))
	r.run("", want)
	r = r.again() // the journal has it
	m.annotated = map[string]string{}
	m.heard = on("patch namespaces/a", 1, errCrash) // the values are back, and not yet those who owned them
	r.rollback(RollbackScope{}, "taking back observe: label namespace a: the process was killed")
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
	m.objects["namespaces/a"].SetAnnotations(nil)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// Killed before the answer was heard: what admission added is found by its having no manager, at resume and at rollback.
func TestAdmissionAlsoChangesAndKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ resumed, unheard bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		m := newMemory(t)
		m.namespace("a", "kubectl", map[string]string{"team": "b"})
		start := m.state()
		m.made = stamped
		r := begin(t, m, observe("a"))
		m.heard = on("patch namespaces/a", 1, errCrash)
		r.run("observe: label namespace a: the process was killed")
		m.label("a", "kubectl", "note", text("of somebody else"))
		r = r.again()
		m.heard = nil
		if c.resumed {
			r.run("", `done observe: label namespace a; also stamp="seen" (absent)label note (or somebody else did)`)
		}
		// Killed once more, before or after the first write of the way back.
		if c.unheard {
			m.hook = on("patch namespaces/a", 1, errCrash)
		} else {
			m.heard = on("patch namespaces/a", 1, errCrash)
		}
		r.rollback(RollbackScope{}, "taking back observe: label namespace a: the process was killed")
		r = r.again()
		r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
		m.label("a", "kubectl", "note", nil)
		if diff := cmp.Diff(start, m.state()); diff != "" {
			t.Errorf("%+v: after the way back (-want +got):\n%s", c, diff)
		}
	}
}

// Killed before the answer was heard: whether admission or somebody else changed a label cannot be told, and that is said.
func TestAdmissionOrSomebodyElse(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "a"})
	m.made = stamped
	r := begin(t, m, observe("a"))
	m.heard = on("patch namespaces/a", 1, errCrash)
	r.run("observe: label namespace a: the process was killed")
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a: changed since the step began, and left: label team (or somebody else did)")
	if diff := cmp.Diff(map[string]string{"kubernetes.io/metadata.name": "a", "team": "b"}, m.objects["namespaces/a"].GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// What admission puts on again, and what somebody has changed since or has made theirs, is named.
func TestAdmissionStays(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "a"})
	m.made = func(labels map[string]string) { labels["stamp"], labels["team"], labels["zone"] = "seen", "b", "z" }
	r := begin(t, m, observe("a"))
	r.run("", `done observe: label namespace a; also stamp="seen" (absent) team="b" ("a") zone="z" (absent)`)
	m.made = func(labels map[string]string) { labels["stamp"] = "seen" }
	m.label("a", "kubectl", "team", text("c"))
	if _, err := m.apply("namespaces/a", map[string]string{"zone": "z"}, "argocd", false); err != nil {
		t.Fatal(err)
	}
	r.rollback(RollbackScope{}, "", `undone observe: label namespace a: a label that the server's admission had set stays: stamp is "seen", not absent`+nobodySuspected+
		`; a label that the server's admission had set was changed since, and is left: team is "c" by now, and was "a"; zone is "z", and field manager "argocd" owns it by now`)
	if diff := cmp.Diff(map[string]string{"kubernetes.io/metadata.name": "a", "stamp": "seen", "team": "c", "zone": "z"}, m.objects["namespaces/a"].GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// CheckVerifyTellsAdmission expects verify to tell the labels that admission changed along with a step as long as they are so,
// after a rollback, too.
func CheckVerifyTellsAdmission(t *testing.T, verify VerifyFunc) {
	t.Helper()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "a"})
	m.made = func(labels map[string]string) { labels["stamp"], labels["team"] = "seen", "b" }
	r := begin(t, m, observe("a"))
	says := func(want string) {
		t.Helper()
		results := verify(t, m, []string{"a"}, r.Journal, nil)
		if diff := cmp.Diff([]VerifyRow{{Namespace: "a", Check: "labels", Status: "ok", Reason: want}}, rowsOf(results, "labels")); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	}
	r.run("", `done observe: label namespace a; also stamp="seen" (absent) team="b" ("a")`)
	const also = "; the server's admission changed other labels along with it, and they are still so: "
	says("as planned" + also + `stamp is "seen", and was absent, team is "b", and was "a"`)
	m.made = func(labels map[string]string) { labels["stamp"] = "seen" }
	r.rollback(RollbackScope{}, "", `undone observe: label namespace a: a label that the server's admission had set stays: stamp is "seen", not absent`+nobodySuspected)
	says("as before the roll-out" + also + `stamp is "seen", and was absent`)
	m.made = nil
	m.label("a", "kubectl", "stamp", nil)
	says("as before the roll-out")
}

// A rollback that admission does not let through is not called done.
func TestRollbackMadeSomethingElse(t *testing.T) {
	t.Parallel()
	m, r := done(t, observe("a"))
	m.made = func(labels map[string]string) { labels[api.WarnLevelLabel] = "privileged" }
	r.rollback(RollbackScope{}, "", `not-reverted observe: label namespace a: the server took it, and something made this of it: pod-security.kubernetes.io/warn is "privileged", not absent`+nobodySuspected)
}

// A binding that admission widens is told, and goes with the rest.
func TestCreatedSomethingElse(t *testing.T) {
	t.Parallel()
	m, _ := done(t, enforce("a", "baseline"))
	start := m.state()
	m.created = func(u *unstructured.Unstructured) {
		if subjects, ok := u.Object["subjects"].([]any); ok {
			u.Object["subjects"] = append(subjects, map[string]any{"kind": "Group", "name": "system:masters"})
		}
	}
	r := begin(t, m, bypass("a")...)
	r.run("", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass",
		"altered bypass: create rolebinding/psp2pss-bypass in a: the server took it, and subjects of it is not what was asked for: probably a mutating webhook or policy changed it")
	r.rollback(RollbackScope{}, "", "undone bypass: create rolebinding/psp2pss-bypass in a", "undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// Who may have changed a namespace on its way in is told by name, as far as it may be read.
func TestSuspects(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	r := with(t, m, nil)
	rule := func(operation, resource string) []any {
		return []any{map[string]any{"apiGroups": []any{""}, "operations": []any{operation}, "resources": []any{resource}}}
	}
	object := func(name string, content map[string]any) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: content}
		u.SetName(name)
		return u
	}
	for name, rules := range map[string][]any{"stamp": rule("UPDATE", "namespaces"), "pods": rule("*", "pods"), "create": rule("CREATE", "namespaces"), "all": rule("*", "*")} {
		m.store("mutatingwebhookconfigurations/"+name, object(name, map[string]any{"webhooks": []any{map[string]any{"rules": rules}}}), true)
	}
	m.store("mutatingadmissionpolicies/p", object("p", map[string]any{"spec": map[string]any{"matchConstraints": map[string]any{"resourceRules": rule("UPDATE", "namespaces")}}}), true)
	const want = `probably MutatingAdmissionPolicy "p" or MutatingWebhookConfiguration "all" or MutatingWebhookConfiguration "stamp", which may change namespaces`
	for range 2 { // the second time it is known
		if got := mutatorsText(t, r.Runner); got != want {
			t.Errorf("suspects: %s, want %s", got, want)
		}
		m.hook = on("list", -1, errCrash)
	}
	r.mutators = nil
	if got, want := mutatorsText(t, r.Runner), "probably a mutating webhook or MutatingAdmissionPolicy; which ones there are may not be read here"; got != want {
		t.Errorf("suspects: %s, want %s", got, want)
	}
}

// mutatorsText returns what messages say of likelyMutators.
func mutatorsText(t *testing.T, r *Runner) string {
	t.Helper()
	by := r.likelyMutators(t.Context())
	_, said, ok := strings.Cut(message.New("rollout-labels-altered", "mutators", by.names, "unread", by.unread).Text, "; ")
	if !ok {
		t.Error("the message does not say what may have changed the namespace")
	}
	return said
}

func TestAlsoAdd(t *testing.T) {
	t.Parallel()
	owner := LabelOwner{Manager: "kubectl", Operation: string(metav1.ManagedFieldsOperationUpdate), Keys: []string{"b"}}
	var a AdmissionChanges
	a.merge(nil)
	a.merge(&AdmissionChanges{Labels: []LabelChange{{Key: "a", After: text("1")}}, Fields: []string{"spec"}})
	a.merge(&AdmissionChanges{Labels: []LabelChange{{Key: "a", Before: text("1"), After: text("2")}, {Key: "b", Before: text("x")}}, Owners: []LabelOwner{owner}})
	want := AdmissionChanges{Labels: []LabelChange{{Key: "a", After: text("2")}, {Key: "b", Before: text("x")}}, Owners: []LabelOwner{owner}, Fields: []string{"spec"}}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
