package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func TestRaiseOfWorkloads(t *testing.T) {
	t.Parallel()
	hardens := hardening("hardening")
	plainApp := shapeOf(plain("app"))
	filled := fillIn(hardens, plainApp)
	filledEdits := []Edit{
		escalationEdit(Safe, runsSo), dropEdit(Safe, runsSo), nonRootEdit(Safe, runsSo), profileEdit(Safe, runsSo),
	}
	meshed := edited(fillIn(hardens, plainApp), func(s *inventory.Shape) {
		s.Spec.Containers = append(s.Spec.Containers, withSecurity("mesh", corev1.SecurityContext{Privileged: new(true)}))
	})
	stored := `allowPrivilegeEscalation != false (container "mesh" must set securityContext.allowPrivilegeEscalation=false)`
	tests := map[string]struct {
		workload inventory.Workload
		want     Raise
	}{
		"nothing": {workload: inventory.Workload{Kind: "Rollout"}},
		"a template and pods that its policy filled in": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, Pods: podsOf(filled, "hardening")},
			want:     Raise{Edits: filledEdits},
		},
		"a template whose pods have all finished": {
			workload: inventory.Workload{Kind: "Job", Template: plainApp, Pods: []inventory.PodGroup{{Shape: filled, AdmittedBy: "hardening", Finished: 1, Example: "x"}}},
			want: Raise{Edits: []Edit{
				escalationEdit(Test, setuid), dropEdit(Test, defaultCaps), nonRootEdit(Test, rootImage), profileEdit(Test, noProfile),
			}},
		},
		"a bare pod is what its author wrote, as far as that can be told": {
			workload: inventory.Workload{Kind: "Pod", Pods: podsOf(filled, "hardening")},
			want:     Raise{Edits: filledEdits},
		},
		"an owner that was not read": {
			workload: inventory.Workload{Kind: "Rollout", Pods: podsOf(plainApp, "")},
			want: Raise{Edits: []Edit{
				escalationEdit(Test, setuid), dropEdit(Test, defaultCaps), nonRootEdit(Test, rootImage), profileEdit(Test, noProfile),
			}},
		},
		"an injected container": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, Pods: podsOf(meshed, "hardening")},
			want: Raise{
				// At the pod level it reaches the injected container, too, which does not run with it today.
				Edits: []Edit{escalationEdit(Safe, runsSo), dropEdit(Safe, runsSo), nonRootEdit(Test, rootImage), profileEdit(Safe, runsSo)},
				Obstacles: []Obstacle{
					{"privileged", `privileged (container "mesh" must not set securityContext.privileged=true)`, injectedAdvice, true},
					{"allowPrivilegeEscalation", stored, injectedAdvice, true},
					{"capabilities_restricted", `unrestricted capabilities (container "mesh" must set securityContext.capabilities.drop=["ALL"])`, injectedAdvice, true},
				},
			},
		},
		"what no policy has touched stands as it is": {
			workload: inventory.Workload{Kind: "Deployment", Template: shapeOf(hardened("app")), Pods: podsOf(shapeOf(hardened("app"), hardened("mesh")), "")},
		},
		"windows by its nodes": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, Origin: &inventory.Origin{Windows: true}},
			want: Raise{
				Edits: []Edit{nonRootEdit(Test, administrator)},
				Obstacles: []Obstacle{
					{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, "its pods go to Windows nodes: once no policy fills Linux fields in any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on", false},
					{"capabilities_restricted", `unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])`, "its pods go to Windows nodes: once no policy fills Linux fields in any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on", false},
					{"seccompProfile_restricted", `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`, "its pods go to Windows nodes: once no policy fills Linux fields in any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on", false},
				},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := mustJudge(t, hardens)
			for range 2 { // the second answer is the remembered one
				if diff := cmp.Diff(tt.want, j.Raise(&tt.workload, nil, api.LevelRestricted, api.MajorMinorVersion(1, 25))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Equal workloads share an answer, and only they: pods that have finished show nothing.
func TestRaiseRemembersWhatIsEqual(t *testing.T) {
	t.Parallel()
	j := mustJudge(t, hardening("hardening"))
	template := shapeOf(plain("app"))
	live := &inventory.Workload{Kind: "Job", Template: template, Pods: podsOf(fillIn(hardening("hardening"), template), "hardening")}
	done := *live
	done.Pods = []inventory.PodGroup{{Shape: live.Pods[0].Shape, AdmittedBy: "hardening", Finished: 1}}
	windows := *live
	windows.Origin = &inventory.Origin{Windows: true}
	v := api.MajorMinorVersion(1, 25)
	answer := func(w *inventory.Workload, level api.Level) string { return compact(j.Raise(w, nil, level, v)) }
	of := answer(live, api.LevelRestricted)
	without := answer(&inventory.Workload{Kind: "Job", Template: template}, api.LevelRestricted)
	if got := answer(&done, api.LevelRestricted); got != without || got == of {
		t.Errorf("with finished pods alone %s, with none %s, with live ones %s", got, without, of)
	}
	for what, got := range map[string]string{"on Windows": answer(&windows, api.LevelRestricted), "at baseline": answer(live, api.LevelBaseline)} {
		if got == of {
			t.Errorf("%s it gets the same: %s", what, got)
		}
	}
	if a, b := j.Raise(live, nil, api.LevelRestricted, v), j.Raise(live, nil, api.LevelRestricted, v); &a.Edits[0] != &b.Edits[0] {
		t.Error("one workload has its edits twice")
	}
}

// What the edits reach is the day after: raised and judged again, a workload meets the level.
func TestRaisedWorkloadsMeetTheLevelOnTheDayAfter(t *testing.T) {
	t.Parallel()
	v := api.MajorMinorVersion(1, 25)
	reached := 0
	for seed := range int64(600) {
		r := newRandom(seed)
		p := r.policy()
		template := r.template()
		w := &inventory.Workload{Kind: "Deployment", Template: template, Pods: podsOf(inventory.Reduce(nil, &fillIn(p, template).Spec), p.Name)}
		w.Pods[0].Shape.Annotations = fillIn(p, template).Annotations
		j := mustJudge(t, p)
		got := j.Raise(w, nil, api.LevelRestricted, v)
		after := &inventory.Workload{Kind: w.Kind, Template: made(t, template, got.Edits)}
		after.Pods = podsOf(fillIn(p, after.Template), p.Name)
		day := j.DayAfter(after, v)
		if meets := day.Level == api.LevelRestricted; meets != (len(got.Obstacles) == 0) {
			t.Fatalf("seed %d: %s on the day after, obstacles %v\n%s", seed, day.Level, got.Obstacles, Message(day.Violations))
		}
		if len(got.Obstacles) == 0 {
			reached++
		}
	}
	if reached < 100 {
		t.Errorf("only %d workloads could be raised", reached)
	}
}

func BenchmarkRaise(b *testing.B) {
	p := hardening("psp")
	template := &inventory.Shape{Spec: *ordinary()}
	w := &inventory.Workload{Kind: "Deployment", Template: template, Pods: podsOf(fillIn(p, template), "psp")}
	j := mustJudge(b, p)
	raise := func(b *testing.B, forget bool) {
		b.ReportAllocs()
		for b.Loop() {
			j.Raise(w, nil, api.LevelRestricted, api.MajorMinorVersion(1, 25))
			if forget {
				clear(j.raises)
			}
		}
	}
	b.Run("new", func(b *testing.B) { raise(b, true) })
	b.Run("memoised", func(b *testing.B) { raise(b, false) })
}
