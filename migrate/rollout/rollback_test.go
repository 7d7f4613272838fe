package rollout

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"
)

var (
	rbacBindings = schema.GroupResource{Group: rbacGroup, Resource: "rolebindings"}
	policies     = schema.GroupResource{Group: "policy", Resource: "podsecuritypolicies"}
)

// done is a roll-out over a and b that is finished.
func done(t *testing.T, steps ...Step) (*memory, *rollOut) {
	t.Helper()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, steps...)
	if err := r.Run(context.Background()); err != nil || slices.ContainsFunc(r.told, func(s string) bool { return s[:4] != "done" }) {
		t.Fatal(err, r.told)
	}
	return m, r
}

func TestRollbackKeepsWhatOthersDid(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		prep func(m *memory)
		want string
		left map[string]string
	}{
		{
			name: "changed", prep: func(m *memory) { m.label("a", "kubectl", api.WarnLevelLabel, text("baseline")) },
			want: `not-reverted observe: label namespace a: somebody has changed it since: pod-security.kubernetes.io/warn is "baseline", and was set to "restricted" here`,
			left: map[string]string{"audit": "restricted", "warn": "baseline"},
		},
		{
			name: "changed, and changed back", prep: func(m *memory) {
				m.label("a", "kubectl", api.WarnLevelLabel, text("baseline"))
				m.label("a", "kubectl", api.WarnLevelLabel, text("restricted"))
			},
			want: `not-reverted observe: label namespace a: somebody else has set it to the same since: field manager "kubectl" owns pod-security.kubernetes.io/warn`,
			left: map[string]string{"audit": "restricted", "warn": "restricted"},
		},
		{
			name: "applied by a tool, too", prep: func(m *memory) {
				if _, err := m.apply("namespaces/a", map[string]string{api.WarnLevelLabel: "restricted"}, "argocd", false); err != nil {
					m.t.Fatal(err)
				}
			},
			want: `not-reverted observe: label namespace a: somebody else has set it to the same since: field manager "argocd" owns pod-security.kubernetes.io/warn`,
			left: map[string]string{"audit": "restricted", "warn": "restricted"},
		},
		{
			name: "taken off by hand", prep: func(m *memory) { m.label("a", "kubectl", api.WarnLevelLabel, nil) },
			want: "undone observe: label namespace a", left: map[string]string{},
		},
		{
			name: "other labels changed", prep: func(m *memory) { m.label("a", "kubectl", "team", text("x")) },
			want: "undone observe: label namespace a", left: map[string]string{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := done(t, observe("a"), observe("b"))
			tt.prep(m)
			r.rollback(RollbackScope{}, "", "undone observe: label namespace b", tt.want)
			m.hasLock(false)
			if diff := cmp.Diff(tt.left, m.labelsOf("a")); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRollbackWhereTheNamespaceIsGone(t *testing.T) {
	t.Parallel()
	m, r := done(t, observe("a"), observe("b"))
	delete(m.objects, "namespaces/a")
	delete(m.objects, "namespaces/b")
	m.namespace("b", "kubectl", map[string]string{api.WarnLevelLabel: "baseline"})
	want := m.state()
	r.rollback(RollbackScope{Recreated: true}, "", "undone observe: label namespace b: the namespace is gone, and the one that has its name now has none of these labels",
		"undone observe: label namespace a: the namespace is gone")
	if diff := cmp.Diff(want, m.state()); diff != "" {
		t.Errorf("the new namespace of that name was written to (-want +got):\n%s", diff)
	}
}

// A namespace that was deleted and came back from a backup has the labels, as somebody else's. They go if that is asked for.
func TestRollbackWhereTheNamespaceCameBack(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "x", api.WarnLevelLabel: "baseline"})
	step := observe("a")
	step.Labels[1].Before = text("baseline")
	r := begin(t, m, step)
	r.Force = true
	r.run("", `done observe: label namespace a: field manager "kubectl" owns pod-security.kubernetes.io/warn`)
	labels := m.objects["namespaces/a"].GetLabels()
	delete(m.objects, "namespaces/a")
	m.namespace("a", "velero", map[string]string{"team": "x", api.WarnLevelLabel: "baseline"})
	want := m.state()
	want["namespaces/a"].(map[string]any)["metadata"].(map[string]any)["uid"] = "new"

	delete(m.objects, "namespaces/a")
	m.namespace("a", "velero", labels)
	with := m.state()
	r.rollback(RollbackScope{}, "", "not-reverted observe: label namespace a: the namespace was deleted and made again since, with labels of this roll-out (audit=restricted warn=restricted): if they came back with a backup, take them off with --recreated")
	if diff := cmp.Diff(with, m.state()); diff != "" {
		t.Errorf("the new namespace was written to (-want +got):\n%s", diff)
	}
	m.hasLock(false)
	r.rollback(RollbackScope{Recreated: true}, "", "undone observe: label namespace a")
	m.objects["namespaces/a"].SetUID("new")
	if diff := cmp.Diff(want, m.state()); diff != "" {
		t.Errorf("as it came back (-want +got):\n%s", diff)
	}
}

// A second roll-out that is taken back leaves the labels of the first one as that left them, and owned by it.
func TestRollbackOfTheSecond(t *testing.T) {
	t.Parallel()
	m, first := done(t, observe("a"), enforce("a", "baseline"))
	start := m.state()
	stricter := enforce("a", "restricted")
	stricter.Labels = stricter.Labels[:1]
	stricter.Labels[0].Before = text("baseline")
	second := begin(t, m, stricter)
	second.run("", "done enforce: label namespace a")
	second.rollback(RollbackScope{}, "", "undone enforce: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the second was taken back (-want +got):\n%s", diff)
	}
	first.rollback(RollbackScope{}, "", "undone enforce: label namespace a", "undone observe: label namespace a")
	if diff := cmp.Diff(map[string]string{}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// Who may roll out may go back: both patch, and neither updates a namespace.
func TestRollbackPatches(t *testing.T) {
	t.Parallel()
	m, r := done(t, observe("a"), enforce("b", "baseline"))
	m.hook = on("update namespaces", -1, apierrors.NewForbidden(inNamespaces, "a", errors.New("no")))
	r.rollback(RollbackScope{}, "", "undone enforce: label namespace b", "undone observe: label namespace a")
	want := []string{
		"create leases/kube-system/psp2pss-rollout", "patch namespaces/a", "patch namespaces/b", "delete leases/kube-system/psp2pss-rollout",
		"create leases/kube-system/psp2pss-rollout", "patch namespaces/b", "patch namespaces/a", "delete leases/kube-system/psp2pss-rollout",
	}
	if diff := cmp.Diff(want, m.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestRollbackInParts(t *testing.T) {
	t.Parallel()
	m, r := done(t, slices.Concat([]Step{observe("a"), observe("b"), enforce("a", "baseline"), enforce("b", "baseline")}, bypass("a", "b"))...)
	const held = ": its pods come past the policies, and without both nothing would hold them: take the stage bypass back first, or delete rolebinding/psp2pss-bypass in "
	r.rollback(RollbackScope{Stages: []Stage{StageEnforce}}, "", "not-reverted enforce: label namespace b"+held+"b", "not-reverted enforce: label namespace a"+held+"a")
	r.rollback(RollbackScope{Namespaces: []string{"a"}}, "", "undone bypass: create rolebinding/psp2pss-bypass in a", "undone enforce: label namespace a", "undone observe: label namespace a")
	if diff := cmp.Diff(map[string]string{}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels of a (-want +got):\n%s", diff)
	}
	r = r.again()
	r.run("") // going on does not do again what was taken back
	r.rollback(RollbackScope{Stages: []Stage{StageBypass}}, "", "undone bypass: create rolebinding/psp2pss-bypass in b", "undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass")
	r.rollback(RollbackScope{}, "", "undone enforce: label namespace b", "undone observe: label namespace b")
}

// A namespace of which something was taken back gets nothing more when the roll-out goes on.
func TestResumeAfterRollback(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, observe("a"), observe("b"), enforce("a", "baseline"), enforce("b", "baseline"))
	r.BeforeBatch = nil
	m.hook = func(request string) error {
		if request == "patch namespaces/a" && len(m.labelsOf("b")) > 0 {
			return apierrors.NewUnauthorized("Unauthorized")
		}
		return nil
	}
	r.run("enforce: label namespace a: Unauthorized", "done observe: label namespace a", "done observe: label namespace b")
	m.hook = nil
	r.rollback(RollbackScope{Namespaces: []string{"a"}}, "", "undone enforce: label namespace a", "undone observe: label namespace a")
	m.hasLock(true) // with what is half done
	r = r.again()
	r.run("", "done enforce: label namespace b")
	m.hasLock(false)
	if diff := cmp.Diff(map[string]string{}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels of a (-want +got):\n%s", diff)
	}
}

// A step that was cut off, and cannot be continued, is not forgotten: what it made is found and taken back.
func TestCutOffAndNotGoneOnWith(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	start := m.state()
	r := begin(t, m, append([]Step{observe("a"), enforce("a", "baseline")}, bypass("a")...)...)
	const made = "bypass: create rolebinding/psp2pss-bypass in a"
	m.heard = on("create rolebindings/a", -1, errCrash)
	r.run(made+": the process was killed", "done observe: label namespace a", "done enforce: label namespace a",
		"done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass")
	m.heard = nil
	r = r.again()
	r.rollback(RollbackScope{Stages: []Stage{StageObserve}}, "", "undone observe: label namespace a")
	r = r.again()
	r.run("", "altered "+made+": an earlier step of this namespace was taken back")
	m.label("a", "kubectl", api.EnforceLevelLabel, nil)
	m.hasLock(false)
	r.rollback(RollbackScope{Stages: []Stage{StageBypass}}, "", "undone "+made, "undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass")
	m.label("a", "kubectl", api.EnforceLevelLabel, text("baseline"))
	m.label("a", "kubectl", api.EnforceLevelLabel, nil)
	r.rollback(RollbackScope{}, "", "undone enforce: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// Cut off likewise, and then somebody takes the level off: the bypass that is there is told.
func TestCutOffAndNotEnforcedAnyMore(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, append([]Step{enforce("a", "baseline")}, bypass("a")...)...)
	const made = "bypass: create rolebinding/psp2pss-bypass in a"
	m.heard = func(request string) error {
		if request != "create rolebindings/a/psp2pss-bypass" {
			return nil
		}
		m.label("a", "kubectl", api.EnforceLevelLabel, nil)
		return apierrors.NewServiceUnavailable("restarting")
	}
	r.run("", "done enforce: label namespace a", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass",
		"altered "+made+": it was created, and now its enforce label is not on: without it and the policies nothing would hold its pods")
	m.heard = nil
	r.rollback(RollbackScope{Stages: []Stage{StageBypass}}, "", "undone "+made, "undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass")
}

func TestResumeTellsWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, observe("a"), observe("b"), enforce("a", "baseline"))
	m.hook = on("patch namespaces/b", -1, apierrors.NewUnauthorized("Unauthorized"))
	r.run("observe: label namespace b: Unauthorized", "done observe: label namespace a")
	m.hook = nil
	r.rollback(RollbackScope{Namespaces: []string{"a"}}, "", "undone observe: label namespace a")
	r = r.again()
	r.run("", "done observe: label namespace b", "refused enforce: label namespace a: an earlier step of this namespace was taken back")
}

// What is kept of an unfinished roll-out does not keep the lock for good.
func TestRollbackOfUnfinishedGivesUpTheLock(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, observe("a"), observe("b"))
	m.hook = on("get namespaces/b", -1, apierrors.NewUnauthorized("Unauthorized"))
	r.run("observe: label namespace b: Unauthorized", "done observe: label namespace a")
	m.hook = nil
	m.label("a", "kubectl", api.WarnLevelLabel, text("baseline"))
	r.rollback(RollbackScope{}, "", `not-reverted observe: label namespace a: somebody has changed it since: pod-security.kubernetes.io/warn is "baseline", and was set to "restricted" here`)
	m.hasLock(false)
}

// Roll-outs with journals of their own, as the stages one by one are.
func TestRollbackAcrossJournals(t *testing.T) {
	t.Parallel()
	m, labels := done(t, enforce("a", "baseline"), enforce("b", "baseline"))
	one := begin(t, m, bypass("a")...)
	one.run("", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass", "done bypass: create rolebinding/psp2pss-bypass in a")
	two := begin(t, m, bypass("a", "b")...)
	two.run("", "already done bypass: create podsecuritypolicy/000-psp2pss-bypass", "already done bypass: create clusterrole/psp2pss-bypass",
		"already done bypass: create rolebinding/psp2pss-bypass in a", "done bypass: create rolebinding/psp2pss-bypass in b")
	const held = ": its pods come past the policies, and without both nothing would hold them: take the stage bypass back first, or delete rolebinding/psp2pss-bypass in "
	labels.rollback(RollbackScope{}, "", "not-reverted enforce: label namespace b"+held+"b", "not-reverted enforce: label namespace a"+held+"a")
	const needed = ": pods still come past the policies by it: take the bypass of b back first"
	one.rollback(RollbackScope{}, "", "undone bypass: create rolebinding/psp2pss-bypass in a", "not-reverted bypass: create clusterrole/psp2pss-bypass"+needed, "not-reverted bypass: create podsecuritypolicy/000-psp2pss-bypass"+needed)
	two.rollback(RollbackScope{}, "", "undone bypass: create rolebinding/psp2pss-bypass in b", "undone bypass: create rolebinding/psp2pss-bypass in a: it was there before",
		"undone bypass: create clusterrole/psp2pss-bypass: it was there before", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass: it was there before")
	one.rollback(RollbackScope{}, "", "undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass")
	labels.rollback(RollbackScope{}, "", "undone enforce: label namespace b", "undone enforce: label namespace a")
}

func TestRollbackMayNotLook(t *testing.T) {
	t.Parallel()
	m, r := done(t, enforce("a", "baseline"))
	m.hook = on("get rolebindings", -1, apierrors.NewForbidden(rbacBindings, "psp2pss-bypass", errors.New("no")))
	r.rollback(RollbackScope{}, "", `not-reverted enforce: label namespace a: whether its pods come past the policies is not known, and then without both nothing would hold them: rolebindings.rbac.authorization.k8s.io "psp2pss-bypass" is forbidden: no`)
}

// A policy or binding of that name that is not the one needed is not taken for it, and not deleted.
func TestBypassOfAnother(t *testing.T) {
	t.Parallel()
	m, _ := done(t, enforce("a", "baseline"))
	binding := bypassBinding("x", "a")
	other := binding.manifest("somebody")
	other.Object["subjects"] = []any{}
	m.store("rolebindings/a/psp2pss-bypass", other, true)
	r := begin(t, m, bypass("a")...)
	r.run("", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass",
		"refused bypass: create rolebinding/psp2pss-bypass in a: rolebinding/psp2pss-bypass in a exists and is another one than is needed here: look at it, and rename or delete it")
}

func TestBypassWants(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		prep func(m *memory)
		want string
	}{
		{"enforced", func(*memory) {}, "done bypass: create rolebinding/psp2pss-bypass in a"},
		{
			"not enforced any more", func(m *memory) { m.label("a", "kubectl", api.EnforceLevelLabel, nil) },
			"refused bypass: create rolebinding/psp2pss-bypass in a: its enforce label is not on: without it and the policies nothing would hold its pods",
		},
		{
			"looser than planned", func(m *memory) { m.label("a", "kubectl", api.EnforceLevelLabel, text("privileged")) },
			"refused bypass: create rolebinding/psp2pss-bypass in a: its enforce label is privileged by now, and the plan's is baseline: less than was planned would hold its pods",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMemory(t)
			m.namespace("a", "kubectl", nil)
			r := begin(t, m, append([]Step{enforce("a", "baseline")}, bypass("a")...)...)
			m.heard = func(request string) error {
				if request == "patch namespaces/a" {
					tt.prep(m)
				}
				return nil
			}
			r.run("", "done enforce: label namespace a", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass", tt.want)
		})
	}
}

func TestNoPolicyServed(t *testing.T) {
	t.Parallel()
	m, _ := done(t, enforce("a", "baseline"))
	m.hook = on("podsecuritypolicies", -1, apierrors.NewNotFound(policies, ""))
	r := begin(t, m, bypass("a")...)
	const made = ": what the bypass is made with was refused"
	r.run("", "refused bypass: create podsecuritypolicy/000-psp2pss-bypass: this server serves no PodSecurityPolicy: there is nothing to be let past",
		"refused bypass: create clusterrole/psp2pss-bypass"+made, "refused bypass: create rolebinding/psp2pss-bypass in a"+made)
}

// Whatever happens, in whatever order: every label is what was recorded, what was planned, or somebody's own. Without
// anybody else's doing, all is as it was once everything is taken back.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	const runs = 300
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := range runs {
		if !anyOrder(t, rand.New(rand.NewPCG(seed, uint64(run)))) {
			t.Fatalf("run %d of seed %d", run, seed)
		}
	}
}

// errCrash ends a run as kill -9 does: nothing is done after it.
var errCrash = apierrors.NewUnauthorized("the process was killed")

func anyOrder(t *testing.T, random *rand.Rand) bool {
	m := newMemory(t)
	names := []string{"a", "b", "c"}
	for _, name := range names {
		labels := map[string]string{}
		if random.IntN(2) == 0 {
			labels["team"] = "x"
		}
		m.namespace(name, "kubectl", labels)
	}
	start := m.state()
	if random.IntN(2) == 0 {
		m.made = func(labels map[string]string) {
			if _, ok := labels[api.AuditLevelLabel]; ok {
				labels["stamp"] = "seen"
			}
		}
	}
	var steps []Step
	for _, name := range names {
		steps = append(steps, observe(name))
	}
	for _, name := range names {
		steps = append(steps, enforce(name, "baseline"))
	}
	r := begin(t, m, append(steps, bypass(names...)...)...)
	defer func() { _ = r.Journal.Close() }()
	edits, edited := random.IntN(2) == 0, false
	var history []string
	for range 1 + random.IntN(6) {
		at, heard := 1+random.IntN(60), random.IntN(2) == 0
		crash := func(string) error {
			if at--; at > 0 {
				return nil
			}
			return errCrash
		}
		m.hook, m.heard = nil, nil
		if heard {
			m.heard = crash
		} else {
			m.hook = crash
		}
		var err error
		switch random.IntN(4) {
		case 0, 1:
			err = r.Run(context.Background())
			history = append(history, fmt.Sprint("run: ", err))
		case 2:
			err = r.Rollback(context.Background(), someOf(random, names))
			history = append(history, fmt.Sprint("rollback: ", err))
		default:
			m.hook, m.heard = nil, nil
			if edits {
				edited = true
				name, key, value := names[random.IntN(3)], []string{api.WarnLevelLabel, api.EnforceLevelLabel}[random.IntN(2)], "privileged"
				m.label(name, "somebody", key, &value)
				history = append(history, "somebody sets "+key+" of "+name)
			}
		}
		m.hook, m.heard = nil, nil
		var ended *RolledBackError // by a rollback of all of it
		if !errors.Is(err, errCrash) && !errors.As(err, &ended) && err != nil {
			t.Errorf("%v", err)
			return false
		}
		r = r.again()
		if !m.holds(names, history) {
			return false
		}
	}
	if err := r.Rollback(context.Background(), RollbackScope{}); err != nil {
		t.Error(err)
		return false
	}
	if !edited {
		if diff := cmp.Diff(start, m.state()); diff != "" {
			t.Errorf("%v: after the way back (-want +got):\n%s", history, diff)
			return false
		}
	}
	m.hasLock(false)
	return m.holds(names, history) && m.nothingForgotten(r, names, history)
}

func someOf(random *rand.Rand, names []string) RollbackScope {
	var u RollbackScope
	if random.IntN(2) == 0 {
		u.Namespaces = names[:1+random.IntN(3)]
	}
	if random.IntN(3) == 0 {
		u.Stages = []Stage{Stages()[random.IntN(3)]}
	}
	return u
}

// holds expects labels to be as recorded, planned, or somebody's, and no namespace past the policies without a level.
func (m *memory) holds(names, history []string) bool {
	planned := map[string]string{"audit": "restricted", "warn": "restricted", "enforce": "baseline", "enforce-version": "v1.25"}
	for _, name := range names {
		for key, value := range m.labelsOf(name) {
			if value != planned[key] && value != "privileged" {
				m.t.Errorf("%v: %s of %s is %q", history, key, name, value)
				return false
			}
		}
		if _, ok := m.objects["rolebindings/"+name+"/psp2pss-bypass"]; ok && m.labelsOf(name)["enforce"] == "" {
			m.t.Errorf("%v: the pods of %s come past the policies, and no level holds them", history, name)
			return false
		}
	}
	return true
}

// nothingForgotten expects every label that is ours after the way back to belong to a step that says it was kept.
func (m *memory) nothingForgotten(r *rollOut, names, history []string) bool {
	for _, name := range names {
		for _, key := range m.managers(m.objects["namespaces/"+name])[entryKey{FieldManager, metav1.ManagedFieldsOperationApply}] {
			kept := slices.ContainsFunc(r.Journal.stepIndices(), func(i int) bool {
				last, _ := r.Journal.LastEvent(i)
				return last == NotReverted && r.Journal.Steps[i].Namespace == name
			})
			if !kept {
				m.t.Errorf("%v: %s of %s is left, and no step says that it was kept", history, key, name)
				return false
			}
		}
	}
	return true
}

// A journal that an earlier version wrote is read and rolled back: it says nothing of other labels, nor of what admission did.
func TestRollbackOfAnOldJournal(t *testing.T) {
	t.Parallel()
	for _, last := range []string{`{"step":0,"event":"done","at":"2025-01-01T00:00:01Z"}` + "\n", ""} {
		m := newMemory(t)
		m.namespace("a", "kubectl", map[string]string{"team": "x", api.WarnLevelLabel: "baseline"})
		start := m.state()
		uid := m.objects["namespaces/a"].GetUID()
		if _, err := m.apply("namespaces/a", map[string]string{api.WarnLevelLabel: "restricted"}, FieldManager, true); err != nil {
			t.Fatal(err)
		}
		m.label("a", "kubectl", "since", text("then"))
		path := filepath.Join(t.TempDir(), "journal")
		lines := `{"apiVersion":"psp2pss.dev/v1","kind":"Journal","id":"OLD","started":"2025-01-01T00:00:00Z","cluster":"c","targetVersion":"v1.25",` +
			`"steps":[{"stage":"observe","namespace":"a","batch":0,"labels":[{"key":"pod-security.kubernetes.io/warn","before":"baseline","after":"restricted"}]}]}` + "\n" +
			`{"step":0,"event":"begun","at":"2025-01-01T00:00:00Z","before":{"uid":"` + string(uid) + `","resourceVersion":"2","labels":{"pod-security.kubernetes.io/warn":"baseline"},` +
			`"owners":[{"manager":"kubectl","operation":"Update","apiVersion":"v1","keys":["pod-security.kubernetes.io/warn"]}]}}` + "\n" + last
		if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		with(t, m, j).rollback(RollbackScope{}, "", "undone observe: label namespace a")
		m.label("a", "kubectl", "since", nil)
		if diff := cmp.Diff(start, m.state()); diff != "" {
			t.Errorf("after the way back (-want +got):\n%s", diff)
		}
	}
}
