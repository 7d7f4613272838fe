package simulate

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ordinary is a pod of the usual size: an init container, an application and a sidecar, some volumes, half hardened.
func ordinary() *corev1.PodSpec {
	spec := &corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(1000))},
		InitContainers:  []corev1.Container{plain("init")},
		Containers:      []corev1.Container{hardened("app"), plain("sidecar")},
	}
	for i := range 4 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{
			Name: fmt.Sprint("config", i), VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}},
		})
	}
	return spec
}

func BenchmarkEvaluateTwoLevels(b *testing.B) {
	e, spec := mustEvaluator(b), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			e.Evaluate(nil, spec, api.LevelVersion{Level: level, Version: api.LatestVersion()})
		}
	}
}

// BenchmarkEveryVersion is what a new shape costs at every version: with the library's own evaluator two levels at each of
// them, with the judge each revision of each check once.
func BenchmarkEveryVersion(b *testing.B) {
	spec, versions := ordinary(), Versions()
	b.Run("evaluator", func(b *testing.B) {
		e := mustEvaluator(b)
		b.ReportAllocs()
		for b.Loop() {
			for _, v := range versions {
				for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
					e.Evaluate(nil, spec, api.LevelVersion{Level: level, Version: v})
				}
			}
		}
	})
	b.Run("judge", func(b *testing.B) {
		j := mustJudge(b)
		b.ReportAllocs()
		for b.Loop() {
			s := &inventory.Shape{Spec: *spec}
			for _, v := range versions {
				j.Evaluate(s, v)
			}
			clear(j.shapes) // the next round's is a new shape, not one more
		}
	})
}

func BenchmarkMemoised(b *testing.B) {
	j, s := mustJudge(b), &inventory.Shape{Spec: *ordinary()}
	b.ReportAllocs()
	for b.Loop() {
		j.Evaluate(s, api.LatestVersion())
	}
}

// BenchmarkDayAfter judges workloads whose pods a policy filled in: all new to the judge, and again.
func BenchmarkDayAfter(b *testing.B) {
	p := hardening("psp")
	template := &inventory.Shape{Spec: *ordinary()}
	pod := fillIn(p, &inventory.Shape{Spec: *ordinary()})
	w := &inventory.Workload{Kind: "Deployment", Template: template, Pods: podsOf(pod, "psp")}
	points := ChangePoints()
	j := mustJudge(b, p)
	judge := func(b *testing.B, forget bool) {
		b.ReportAllocs()
		for b.Loop() {
			for _, v := range points {
				j.DayAfter(w, v)
			}
			if forget {
				clear(j.shapes)
				clear(j.estimates)
			}
		}
	}
	b.Run("new", func(b *testing.B) { judge(b, true) })
	b.Run("memoised", func(b *testing.B) { judge(b, false) })
}

// BenchmarkDistinctShapes is a large cluster's worth of shapes of which no two have a finding in common.
func BenchmarkDistinctShapes(b *testing.B) {
	const shapes = 30_000
	all := make([]*inventory.Shape, shapes)
	for i := range all {
		all[i] = &inventory.Shape{Spec: *ordinary()}
		for k := range all[i].Spec.Containers {
			all[i].Spec.Containers[k].Name += fmt.Sprint("-", i)
		}
	}
	points := ChangePoints()
	b.ReportAllocs()
	for b.Loop() {
		j := mustJudge(b)
		for _, s := range all {
			for _, v := range points {
				j.Evaluate(s, v)
			}
		}
	}
}
