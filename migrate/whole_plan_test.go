package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// owned is a live pod in namespace a, made by a controller.
func owned(name, kind, owner, admittedBy string, spec corev1.PodSpec) object {
	m := inventory.ObjectMeta{
		Name: name, Namespace: "a", Annotations: map[string]string{"kubernetes.io/psp": admittedBy},
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, APIVersion: "apps/v1", Controller: new(true)}},
	}
	return func(b *inventory.Builder) { b.AddPod(m, &spec, corev1.PodRunning, pspparse.Position{}) }
}

// What holds for the input as a whole gets into the plan: gaps, notes, what was passed over, loose ends in RBAC.
func TestTheWholeInputIsAccountedFor(t *testing.T) {
	t.Parallel()
	at := pspparse.Position{File: "x.yaml", Line: 7}
	nonsense := []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Nonsense"}}}}
	unknown := inventory.Role{Name: "unknown", Aggregation: &rbacv1.AggregationRule{ClusterRoleSelectors: nonsense}}
	p := build(t, cluster("v1.24.1"), Options{},
		func(b *inventory.Builder) {
			b.AddGap(inventory.Gap{What: "pods", Why: message.Message{Text: "forbidden"}, Position: at, Namespaces: []string{"a"}})
			b.AddNote(inventory.Note{What: "a note", Why: message.Message{Text: "because"}, Position: at})
			b.CountSkipped("Service")
			done := plain()
			b.AddPod(inventory.ObjectMeta{Name: "done", Namespace: "a"}, &done, corev1.PodSucceeded, pspparse.Position{})
			b.AddRole(unknown)
			b.AddBinding(inventory.Binding{Name: "to-unknown", RoleKind: "ClusterRole", RoleName: "unknown", Subjects: []rbacv1.Subject{group("x")}})
			b.AddBinding(inventory.Binding{Name: "lost", RoleKind: "ClusterRole", RoleName: "psp:gone", Subjects: []rbacv1.Subject{group("x")}})
		},
		policy(t, "tight", restrictedLike), namespace("a"), deployment("a/web", plain()))
	if len(p.Gaps) != 2 {
		t.Errorf("gaps = %+v, want one of the reader and one of RBAC", p.Gaps)
	}
	if diff := cmp.Diff(Gap{What: "pods", Message: message.Message{Text: "forbidden"}, Affects: []string{"a"}, Position: at}, p.Gaps[len(p.Gaps)-1]); diff != "" {
		t.Errorf("the reader's gap (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Note{{What: "a note", Message: message.Message{Text: "because"}, Position: at}}, p.Notes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]inventory.KindCount{{Kind: "Service", Count: 1}}, p.SkippedKinds, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if p.FinishedPods != 1 {
		t.Errorf("finished pods = %d, want 1", p.FinishedPods)
	}
	if len(p.IneffectiveGrants) != 1 || p.IneffectiveGrants[0].Subject != "ClusterRole psp:gone" {
		t.Errorf("dangling = %+v, want the one binding to nothing", p.IneffectiveGrants)
	}
	if len(p.BlockingViolations) != 4 || p.BlockingViolations[0].Examples[0] != "a/Deployment/web" {
		t.Errorf("causes = %+v, want the four checks that a plain pod fails", p.BlockingViolations)
	}
	if len(p.StandardsDrift) == 0 || !cmp.Equal(p.StandardsDrift[0].Policies, []string{"tight"}) {
		t.Errorf("drift = %+v, want what only the age of a standard makes differ", p.StandardsDrift)
	}
	for _, d := range p.StandardsDrift {
		if d.Class != "drift" {
			t.Errorf("drift has a loss of class %q: %+v", d.Class, d)
		}
	}
}

// Pods of one owner, admitted by several policies, and a controller that was kept apart from its own owner.
func TestPodsAndOwnersOfAWorkload(t *testing.T) {
	t.Parallel()
	old := func(b *inventory.Builder) {
		m := inventory.ObjectMeta{Name: "web-1", Namespace: "a", OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "web", APIVersion: "apps/v1", Controller: new(true)}}}
		b.AddTemplate("ReplicaSet", m, 0, &corev1.PodTemplateSpec{Spec: plain()}, pspparse.Position{})
	}
	p := build(t, cluster("v1.24.1"), Options{},
		deployment("a/web", hardened()), old,
		owned("r1", "Rollout", "r", "tight", plain()), owned("r2", "Rollout", "r", "base", plain()),
		owned("r3", "Rollout", "r", "tight", hostNetworked()), owned("r4", "Rollout", "r", "", plain()),
		owned("s1", "Widget", "s", "also", hardened()))
	ns := only(t, p, "a")
	type row struct {
		Kind, Name string
		Pods       int
		Observed   []string
		Owner      *WorkloadRef
	}
	want := []row{
		{Kind: "Deployment", Name: "web"},
		{Kind: "ReplicaSet", Name: "web-1", Owner: ref("Deployment", "web")},
		{Kind: "Rollout", Name: "r", Pods: 4, Observed: []string{"base", "tight"}},
		{Kind: "Widget", Name: "s", Pods: 1, Observed: []string{"also"}},
	}
	var got []row
	for _, w := range ns.Workloads {
		got = append(got, row{w.Kind, w.Name, w.Pods, w.ObservedPolicies, w.Owner})
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"also", "base", "tight"}, ns.ObservedPolicies, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	const estimated = "1 workload is estimated: a policy had already changed the pods that were seen, and what their author wrote is not known"
	if len(ns.Cautions) != 2 || ns.Cautions[1].Text != estimated {
		t.Errorf("cautions = %q, want the second to be %q", ns.Cautions, estimated)
	}
}

// The same policy loses more in a namespace that stays looser.
func TestLostGoesByTheNamespacesOwnLevel(t *testing.T) {
	t.Parallel()
	p := build(t, cluster("v1.24.1"), Options{}, policy(t, "tight", restrictedLike),
		deployment("a/web", hardened()), deployment("b/web", hostNetworked()),
		grant("tight", "a", everyAccountOf("a")), grant("tight", "b", everyAccountOf("b")))
	if a, b := only(t, p, "a").Lost, only(t, p, "b").Lost; len(a) == 0 || len(a) >= len(b) {
		t.Errorf("lost at restricted: %d, at privileged: %d, want some and more", len(a), len(b))
	}
}

// What mapping says of a policy is what the plan says of it.
func TestPolicyInThePlan(t *testing.T) {
	t.Parallel()
	onlyTheNetwork := "\n  hostNetwork: true" + restrictedLike
	choices := false
	for _, add := range []object{policy(t, "eks.privileged", anythingGoes), policy(t, "tight", restrictedLike), policy(t, "net", onlyTheNetwork)} {
		b := inventory.NewBuilder()
		add(b)
		inv := b.Build(fromFiles())
		p, err := Build(inv, Options{Target: api.MajorMinorVersion(1, 30)})
		if err != nil {
			t.Fatal(err)
		}
		got, a := p.Policies[0], mapping.Assess(inv.Policies[0], api.MajorMinorVersion(1, 30))
		var conditions []string
		for _, c := range a.Conditions(a.Closest) {
			conditions = append(conditions, c.ID)
		}
		want := Policy{
			Name: inv.Policies[0].Name, ClosestLevel: a.Closest, CompliesAsWritten: a.CompliesAsWritten, CompliesAfterMutation: a.CompliesAfterMutation, NoLooserThan: a.NoLooserThan, MutatingFields: a.Mutating,
			Unused: true, ProviderDefault: inv.Policies[0].Provider() != "", NearestMiss: a.NearestMiss,
			Checks: got.Checks, Conditions: conditions, Lost: got.Lost, Fields: got.Fields, RequiredTemplateValues: got.RequiredTemplateValues, Simplified: got.Simplified,
			Problems: inv.Policies[0].Problems, Position: inv.Policies[0].Position,
			APIVersion: inv.Policies[0].APIVersion, Annotations: inv.Policies[0].Annotations, Spec: inv.Policies[0].Spec, Lines: inv.Policies[0].Lines,
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		choices = choices || got.ClosestLevel == api.LevelPrivileged && len(got.NearestMiss) == 1
		sizes := [...]int{len(got.Checks), len(got.Lost), len(got.Fields), len(got.RequiredTemplateValues)}
		if want := [...]int{len(a.Checks), len(a.LostConstraints), len(a.Fields), len(a.RequiredTemplateValues)}; sizes != want {
			t.Errorf("%s: checks, lost, fields and what to write down number %v, want %v", got.Name, sizes, want)
		}
	}
	if !choices {
		t.Error("no policy here offers choices: the test shows less than it should")
	}
}
