package simulate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// The reasons that edits are given, and the advice on obstacles.
const (
	runsSo         = "its pods run with it today"
	setuid         = "programs that gain privileges as they start (setuid, file capabilities: sudo, ping) no longer can"
	defaultCaps    = "it loses the capabilities that the runtime gives by default, and may use one"
	rootImage      = "an image whose USER is root, or a name instead of a number, does not start with it: set runAsUser to the number that 'id -u' gives in a pod that runs (from v1.31 on also status.containerStatuses[].user.linux.uid)"
	noProfile      = "no profile is in force today, and this one refuses system calls that few programs make"
	administrator  = "an image that runs as ContainerAdministrator does not start with it: set windowsOptions.runAsUserName, or USER in the image, to another user"
	injectedAdvice = "it is not in the template: change it where it is put into the pods"
)

// says returns a message with a text, to be compared by sameText.
func says(text string) message.Message { return message.Message{Text: text} }

// sameText compares messages by their texts.
func sameText() cmp.Option {
	return cmp.Comparer(func(a, b message.Message) bool { return a.Text == b.Text })
}

// The edits of a container "app" that states nothing.
func escalationEdit(s harden.Safety, why string) harden.Edit {
	return harden.Edit{Path: "spec.containers[0].securityContext.allowPrivilegeEscalation", Container: "app", Value: "false", Check: "allowPrivilegeEscalation", Safety: s, Why: says(why)}
}

func dropEdit(s harden.Safety, why string) harden.Edit {
	return harden.Edit{Path: "spec.containers[0].securityContext.capabilities.drop", Container: "app", Value: `["ALL"]`, Check: "capabilities_restricted", Safety: s, Why: says(why)}
}

func nonRootEdit(s harden.Safety, why string) harden.Edit {
	return harden.Edit{Path: "spec.securityContext.runAsNonRoot", Value: "true", Check: "runAsNonRoot", Safety: s, Why: says(why)}
}

func profileEdit(s harden.Safety, why string) harden.Edit {
	return harden.Edit{Path: "spec.securityContext.seccompProfile", Value: `{"type":"RuntimeDefault"}`, Check: "seccompProfile_restricted", Safety: s, Why: says(why)}
}

func edited(t *testing.T, pod *inventory.Shape, edits []harden.Edit) *inventory.Shape {
	t.Helper()
	values := make([]podtest.PathValue, len(edits))
	for i, e := range edits {
		values[i] = podtest.PathValue{Path: e.Path, Value: e.Value}
	}
	return podtest.SetValues(t, pod, values)
}

func TestHardenTemplate(t *testing.T) {
	t.Parallel()
	hardens := podtest.Hardening("hardening")
	plainApp := podtest.ShapeOf(podtest.Plain("app"))
	mutated := podtest.Mutate(hardens, plainApp)
	safeEdits := []harden.Edit{
		escalationEdit(harden.Safe, runsSo), dropEdit(harden.Safe, runsSo), nonRootEdit(harden.Safe, runsSo), profileEdit(harden.Safe, runsSo),
	}
	meshed := podtest.Edited(podtest.Mutate(hardens, plainApp), func(s *inventory.Shape) {
		s.Spec.Containers = append(s.Spec.Containers, corev1.Container{Name: "mesh", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}})
	})
	stored := `allowPrivilegeEscalation != false (container "mesh" must set securityContext.allowPrivilegeEscalation=false)`
	tests := map[string]struct {
		workload inventory.Workload
		want     harden.TemplateChanges
	}{
		"nothing": {workload: inventory.Workload{Kind: "Rollout"}},
		"a template and pods that its policy mutated": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, PodGroups: podtest.PodsOf(mutated, "hardening")},
			want:     harden.TemplateChanges{Edits: safeEdits},
		},
		"a template whose pods have all finished": {
			workload: inventory.Workload{Kind: "Job", Template: plainApp, PodGroups: []inventory.PodGroup{{Shape: mutated, AdmittedBy: "hardening", Finished: 1, ExamplePod: "x"}}},
			want: harden.TemplateChanges{Edits: []harden.Edit{
				escalationEdit(harden.NeedsTest, setuid), dropEdit(harden.NeedsTest, defaultCaps), nonRootEdit(harden.NeedsTest, rootImage), profileEdit(harden.NeedsTest, noProfile),
			}},
		},
		"a bare pod is what its author wrote, as far as that is known": {
			workload: inventory.Workload{Kind: "Pod", PodGroups: podtest.PodsOf(mutated, "hardening")},
			want:     harden.TemplateChanges{Edits: safeEdits},
		},
		"an owner that was not read": {
			workload: inventory.Workload{Kind: "Rollout", PodGroups: podtest.PodsOf(plainApp, "")},
			want: harden.TemplateChanges{Edits: []harden.Edit{
				escalationEdit(harden.NeedsTest, setuid), dropEdit(harden.NeedsTest, defaultCaps), nonRootEdit(harden.NeedsTest, rootImage), profileEdit(harden.NeedsTest, noProfile),
			}},
		},
		"an injected container": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, PodGroups: podtest.PodsOf(meshed, "hardening")},
			want: harden.TemplateChanges{
				// At the pod level it reaches the injected container, too, which does not run with it today.
				Edits: []harden.Edit{escalationEdit(harden.Safe, runsSo), dropEdit(harden.Safe, runsSo), nonRootEdit(harden.NeedsTest, rootImage), profileEdit(harden.Safe, runsSo)},
				Obstacles: []harden.Obstacle{
					{Check: "privileged", Why: `privileged (container "mesh" must not set securityContext.privileged=true)`, Advice: says(injectedAdvice), Injected: true},
					{Check: "allowPrivilegeEscalation", Why: stored, Advice: says(injectedAdvice), Injected: true},
					{Check: "capabilities_restricted", Why: `unrestricted capabilities (container "mesh" must set securityContext.capabilities.drop=["ALL"])`, Advice: says(injectedAdvice), Injected: true},
				},
			},
		},
		"what no policy has touched stands as it is": {
			workload: inventory.Workload{Kind: "Deployment", Template: podtest.ShapeOf(podtest.Hardened("app")), PodGroups: podtest.PodsOf(podtest.ShapeOf(podtest.Hardened("app"), podtest.Hardened("mesh")), "")},
		},
		"windows by its nodes": {
			workload: inventory.Workload{Kind: "Deployment", Template: plainApp, TemplateMeta: &inventory.TemplateMeta{Windows: true}},
			want: harden.TemplateChanges{
				Edits: []harden.Edit{nonRootEdit(harden.NeedsTest, administrator)},
				Obstacles: []harden.Obstacle{
					{Check: "allowPrivilegeEscalation", Why: `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, Advice: says("its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on")},
					{Check: "capabilities_restricted", Why: `unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])`, Advice: says("its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on")},
					{Check: "seccompProfile_restricted", Why: `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`, Advice: says("its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on")},
				},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := mustSimulator(t, hardens)
			for range 2 { // the second answer is the remembered one
				if diff := cmp.Diff(tt.want, sim.HardenTemplate(&tt.workload, nil, api.LevelRestricted, api.MajorMinorVersion(1, 25)), sameText()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Equal workloads share a result, others do not. Finished pods make no difference.
func TestHardenTemplateCachesEqualWorkloads(t *testing.T) {
	t.Parallel()
	sim := mustSimulator(t, podtest.Hardening("hardening"))
	template := podtest.ShapeOf(podtest.Plain("app"))
	live := &inventory.Workload{Kind: "Job", Template: template, PodGroups: podtest.PodsOf(podtest.Mutate(podtest.Hardening("hardening"), template), "hardening")}
	done := *live
	done.PodGroups = []inventory.PodGroup{{Shape: live.PodGroups[0].Shape, AdmittedBy: "hardening", Finished: 1}}
	windows := *live
	windows.TemplateMeta = &inventory.TemplateMeta{Windows: true}
	v := api.MajorMinorVersion(1, 25)
	answer := func(w *inventory.Workload, level api.Level) string {
		return fmt.Sprintf("%+v", sim.HardenTemplate(w, nil, level, v))
	}
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
	if a, b := sim.HardenTemplate(live, nil, api.LevelRestricted, v), sim.HardenTemplate(live, nil, api.LevelRestricted, v); &a.Edits[0] != &b.Edits[0] {
		t.Error("one workload has its edits twice")
	}
}

// With the edits in its template a workload meets the level after PSP.
func TestHardenedWorkloadsMeetTheLevelAfterPSP(t *testing.T) {
	t.Parallel()
	v := api.MajorMinorVersion(1, 25)
	reached := 0
	for seed := range int64(600) {
		r := podtest.NewRandom(seed)
		p := r.Policy()
		template := r.Template()
		w := &inventory.Workload{Kind: "Deployment", Template: template, PodGroups: podtest.PodsOf(inventory.ReducePod(nil, &podtest.Mutate(p, template).Spec), p.Name)}
		w.PodGroups[0].Shape.Annotations = podtest.Mutate(p, template).Annotations
		sim := mustSimulator(t, p)
		got := sim.HardenTemplate(w, nil, api.LevelRestricted, v)
		after := &inventory.Workload{Kind: w.Kind, Template: edited(t, template, got.Edits)}
		after.PodGroups = podtest.PodsOf(podtest.Mutate(p, after.Template), p.Name)
		verdict := sim.AfterPSP(after, v)
		if meets := verdict.Level == api.LevelRestricted; meets != (len(got.Obstacles) == 0) {
			t.Fatalf("seed %d: %s after PSP, obstacles %v\n%s", seed, verdict.Level, got.Obstacles, pss.ViolationMessage(verdict.Violations))
		}
		if len(got.Obstacles) == 0 {
			reached++
		}
	}
	if reached < 100 {
		t.Errorf("only %d workloads reach the level", reached)
	}
}

func BenchmarkHardenTemplate(b *testing.B) {
	p := podtest.Hardening("psp")
	template := &inventory.Shape{Spec: *podtest.Ordinary()}
	w := &inventory.Workload{Kind: "Deployment", Template: template, PodGroups: podtest.PodsOf(podtest.Mutate(p, template), "psp")}
	sim := mustSimulator(b, p)
	harden := func(b *testing.B, forget bool) {
		b.ReportAllocs()
		for b.Loop() {
			sim.HardenTemplate(w, nil, api.LevelRestricted, api.MajorMinorVersion(1, 25))
			if forget {
				clear(sim.templateChanges)
			}
		}
	}
	b.Run("new", func(b *testing.B) { harden(b, true) })
	b.Run("cached", func(b *testing.B) { harden(b, false) })
}
