package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// ReplicaSets of earlier templates that alone keep a namespace from the next level are a step, and explain says of each what it
// is and what to do. It is none where something else keeps the namespace there, too, or where pods still run from them.
func TestOldRevisions(t *testing.T) {
	t.Parallel()
	const deleted = "NEXT      delete 1 old ReplicaSet, plan again"
	const kept = "replicaset/web-0 has no pods, and counts since 'kubectl rollout undo' could bring it back: delete it if nobody goes back to it, then plan again"
	workload := func(kind, name string, level api.Level) migrate.Workload {
		return migrate.Workload{Kind: kind, Name: name, Evaluation: &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: level}}}
	}
	old := workload("ReplicaSet", "web-0", api.LevelBaseline)
	old.Owner = &migrate.WorkloadRef{Kind: "Deployment", Name: "web"}
	deployment := workload("Deployment", "web", api.LevelRestricted)
	tests := []struct {
		name           string
		change         func(*migrate.Namespace)
		steps, explain bool
	}{
		{"alone", func(*migrate.Namespace) {}, true, true},
		{"beside another", func(ns *migrate.Namespace) {
			ns.Workloads = append(ns.Workloads, workload("Deployment", "other", api.LevelBaseline))
			ns.Blockers[0].Workloads = append(ns.Blockers[0].Workloads, migrate.WorkloadRef{Kind: "Deployment", Name: "other"})
		}, false, true},
		{"with a replica", func(ns *migrate.Namespace) { ns.Workloads[1].Replicas = 1 }, false, false},
		{"with a pod", func(ns *migrate.Namespace) { ns.Workloads[1].Pods = 1 }, false, false},
		{"of a Deployment that was not read", func(ns *migrate.Namespace) { ns.Workloads[0].Name = "other" }, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ns := migrate.Namespace{
				Name: "app", NeededLevel: api.LevelBaseline, Complete: true, Action: migrate.ActionAdd, RecommendedLabels: migrate.PodSecurityLabels{Enforce: "baseline"},
				Workloads: []migrate.Workload{deployment, old},
				Blockers:  []migrate.Blocker{{Check: "runAsNonRoot", Level: api.LevelRestricted, Reason: "runAsNonRoot != true", Workloads: []migrate.WorkloadRef{{Kind: "ReplicaSet", Name: "web-0"}}}},
			}
			test.change(&ns)
			p := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{ns}}
			text := strings.Join(screen(t, p, report.Options{}), "\n")
			if strings.Contains(text, deleted) != test.steps || test.steps && !strings.Contains(text, "psp2pss explain ns app") {
				t.Errorf("a step: want %t\n%s", test.steps, text)
			}
			for _, explanation := range []func() (*report.Document, error){
				func() (*report.Document, error) { return report.ExplainNamespace(p, "app", true) },
				func() (*report.Document, error) { return report.ExplainWorkload(p, "app", "replicaset", "web-0") },
			} {
				var b bytes.Buffer
				if err := explained(&b, report.Options{})(explanation()); err != nil {
					t.Fatal(err)
				}
				said := strings.Join(strings.Fields(b.String()), " ")
				if _, want, _ := strings.Cut(kept, " "); strings.Contains(said, want) != test.explain {
					t.Errorf("explained: want %t\n%s", test.explain, b.String())
				}
			}
		})
	}
	two := migrate.Namespace{Name: "app", Workloads: []migrate.Workload{deployment, old, old}, Blockers: []migrate.Blocker{{Workloads: []migrate.WorkloadRef{{Kind: "ReplicaSet", Name: "web-0"}, {Kind: "ReplicaSet", Name: "web-1"}}}}}
	two.Workloads[2].Name = "web-1"
	var names []string
	for _, w := range two.OldRevisions() {
		names = append(names, w.Name)
	}
	if want := []string{"web-0", "web-1"}; !slices.Equal(names, want) {
		t.Errorf("old revisions: %q, want %q", names, want)
	}
}
