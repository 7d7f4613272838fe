package pss

import (
	"fmt"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

func BenchmarkEvaluateTwoLevels(b *testing.B) {
	e, spec := mustEvaluator(b), podtest.Ordinary()
	b.ReportAllocs()
	for b.Loop() {
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			e.Evaluate(nil, spec, api.LevelVersion{Level: level, Version: api.LatestVersion()})
		}
	}
}

// BenchmarkEveryVersion is what a new shape costs at every version: with the library's own evaluator two levels at each of
// them, with the cache each revision of each check once.
func BenchmarkEveryVersion(b *testing.B) {
	spec, versions := podtest.Ordinary(), VersionsAfterPSP()
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
	b.Run("cache", func(b *testing.B) {
		c := NewEvaluationCache(mustEvaluator(b))
		b.ReportAllocs()
		for b.Loop() {
			s := &inventory.Shape{Spec: *spec}
			for _, v := range versions {
				c.Evaluate(s, v)
			}
			clear(c.shapes) // the next round's is a new shape, not one more
		}
	})
}

func BenchmarkEvaluationCache(b *testing.B) {
	c, s := NewEvaluationCache(mustEvaluator(b)), &inventory.Shape{Spec: *podtest.Ordinary()}
	b.ReportAllocs()
	for b.Loop() {
		c.Evaluate(s, api.LatestVersion())
	}
}

// BenchmarkDistinctShapes is a large cluster's worth of shapes of which no two have a finding in common.
func BenchmarkDistinctShapes(b *testing.B) {
	const shapes = 30_000
	all := make([]*inventory.Shape, shapes)
	for i := range all {
		all[i] = &inventory.Shape{Spec: *podtest.Ordinary()}
		for k := range all[i].Spec.Containers {
			all[i].Spec.Containers[k].Name += fmt.Sprint("-", i)
		}
	}
	points := VersionsWithChanges()
	b.ReportAllocs()
	for b.Loop() {
		c := NewEvaluationCache(mustEvaluator(b))
		for _, s := range all {
			for _, v := range points {
				c.Evaluate(s, v)
			}
		}
	}
}
