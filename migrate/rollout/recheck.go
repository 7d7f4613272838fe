package rollout

import (
	"context"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

// NewRecheck returns a function for Runner.Recheck. It has build make a plan of one namespace as the cluster has it now, with the
// level and version that are about to be enforced, on a server with this admission configuration. allowPartial takes a
// namespace that could not be read whole for whole.
func NewRecheck(admission *migrate.Admission, allowPartial bool, build func(ctx context.Context, namespace string, o migrate.Options) (*migrate.Plan, error)) func(context.Context, string, string, string) (*migrate.Namespace, error) {
	return func(ctx context.Context, namespace, level, version string) (*migrate.Namespace, error) {
		target, err := api.ParseVersion(version)
		if version != "" && err != nil {
			return nil, err
		}
		plan, err := build(ctx, namespace, migrate.Options{Target: target, Enforce: api.Level(level), Admission: admission})
		if err != nil {
			return nil, err
		}
		for i := range plan.Namespaces {
			if ns := &plan.Namespaces[i]; ns.Name == namespace {
				ns.Complete = ns.Complete || allowPartial
				return ns, nil
			}
		}
		return &migrate.Namespace{Name: namespace, Complete: len(plan.Gaps) == 0 || allowPartial}, nil
	}
}

// newViolations returns, before a roll-out step, the workloads of a namespace that do not meet a level, and are not
// among those that were known not to when the plan was made.
func newViolations(ns *migrate.Namespace, level api.Level, known []string) []string {
	var out []string
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Exempt != nil || w.Levels.AfterPSP == "" || api.CompareLevels(w.Levels.AfterPSP, level) >= 0 {
			continue
		}
		if !slices.Contains(known, workloadKey(ns.Name, w)) {
			out = append(out, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	return out
}

// workloadKey returns the name of a workload in the journal of a roll-out.
func workloadKey(namespace string, w *migrate.Workload) string {
	return namespace + "/" + strings.ToLower(w.Kind) + "/" + w.Name
}

// KnownViolations returns, for a roll-out, the workloads of a Plan that do not meet the level that their namespace is
// to get, for the header of a journal.
func KnownViolations(plan *migrate.Plan) []string {
	var out []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		if ns.RecommendedLabels.Enforce == "" {
			continue
		}
		for k := range ns.Workloads {
			if w := &ns.Workloads[k]; w.Levels.AfterPSP != "" && api.CompareLevels(w.Levels.AfterPSP, api.Level(ns.RecommendedLabels.Enforce)) < 0 {
				out = append(out, workloadKey(ns.Name, w))
			}
		}
	}
	return out
}
