package migrate

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

// TestEditedPlan checks that a value which no plan has is refused, with the path of its field.
func TestEditedPlan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*Plan)
		want string
	}{
		{"nothing", func(*Plan) {}, ""},
		{"a label that is invalid on the cluster", func(p *Plan) { p.Namespaces[0].CurrentLabels.Enforce = "strict" }, ""},
		{"target version", func(p *Plan) { p.TargetVersion = "1.25" }, `targetVersion: "1.25" is not a Kubernetes minor such as v1.25, nor latest`},
		{"target version that nobody knows", func(p *Plan) { p.TargetVersion = "v1.99" }, "targetVersion: the target version v1.99 is newer than the standards known here: ask for v1.37 at most, or for latest"},
		{"kind of source", func(p *Plan) { p.Source.Kind = "live" }, `source.kind: "live" is not one of cluster, files, files+cluster, snapshot, demo`},
		{"no source", func(p *Plan) { p.Source.Kind = "" }, `source.kind: "" is not one of cluster, files, files+cluster, snapshot, demo`},
		{"basis", func(p *Plan) { p.Basis = "empty" }, `basis: "empty" is not one of workloads, policies, both`},
		{"name", func(p *Plan) { p.Namespaces[0].Name = "Web;x" }, `namespaces[0].name: "Web;x" is not a name that a namespace can have`},
		{"needed", func(p *Plan) { p.Namespaces[0].NeededLevel = "strict" }, `namespaces[0].needed: "strict" is not one of privileged, baseline, restricted`},
		{"action", func(p *Plan) { p.Namespaces[0].Action = "" }, `namespaces[0].action: "" is not one of unchanged, add, change, loosen, withheld, skip`},
		{"recommended level", func(p *Plan) { p.Namespaces[0].RecommendedLabels.Enforce = "Restricted" }, `namespaces[0].recommended.enforce: "Restricted" is not one of privileged, baseline, restricted`},
		{"recommended version", func(p *Plan) { p.Namespaces[0].RecommendedLabels.WarnVersion = "1" }, `namespaces[0].recommended.warnVersion: "1" is not a Kubernetes minor such as v1.25, nor latest`},
		{"recommended version that nobody knows", func(p *Plan) { p.Namespaces[0].RecommendedLabels.EnforceVersion = "v1.99" }, "namespaces[0].recommended.enforceVersion: the target version v1.99 is newer than the standards known here: ask for v1.37 at most, or for latest"},
		{"a version that stands already", func(p *Plan) {
			p.Namespaces[0].RecommendedLabels.EnforceVersion, p.Namespaces[0].CurrentLabels.EnforceVersion = "v1.99", "v1.99"
		}, ""},
		{"decided by", func(p *Plan) { p.Namespaces[0].DecidedBy.Basis = "guess" }, `namespaces[0].decidedBy.basis: "guess" is not one of workloads, policies, both, empty, override`},
		{"kind of workload", func(p *Plan) { p.Namespaces[0].Workloads[0].Kind = "Deploy ment" }, `namespaces[0].workloads[0].kind: "Deploy ment" is not a name that a kind can have`},
		{"level of a workload", func(p *Plan) { p.Namespaces[0].Workloads[0].Levels.AfterPSP = "none" }, `evaluations[0].levels.afterPSP: "none" is not one of privileged, baseline, restricted`},
		{"violation", func(p *Plan) { p.Namespaces[0].Workloads[0].Violations[0].Level = "" }, `evaluations[0].violations[0].level: "" is not one of privileged, baseline, restricted`},
		{"safety", func(p *Plan) { p.Namespaces[0].Workloads[0].StricterEdits[0].Edits[0].Safety = "sure" }, `evaluations[0].stricterEdits[0].edits[0].safety: "sure" is not one of safe, test`},
		{"version", func(p *Plan) { p.Namespaces[0].LevelByVersion[0].From = "" }, `namespaces[0].versions[0].from: "" is not a Kubernetes minor such as v1.25, nor latest`},
		{"cover", func(p *Plan) { p.Policies[0].NoLooserThan = "all" }, `policies[0].noLooserThan: "all" is not one of privileged, baseline, restricted, none`},
		{"status", func(p *Plan) { p.Policies[0].Checks[0].Status = "g" }, `policies[0].checks[0].status: "g" is not one of guaranteed, by-mutation, in-effect, not-ensured, impossible, unknown`},
		{"a level of the admission configuration", func(p *Plan) { p.Admission = &Admission{Defaults: PodSecurityLabels{Warn: "strict"}} }, `admission.defaults.warn: "strict" is not one of privileged, baseline, restricted`},
		{"no list of workloads", func(p *Plan) { p.Namespaces[0].Workloads = nil }, `namespaces[0].workloads: the list is missing`},
		{"no list of roles", func(p *Plan) { p.Roles = nil }, `roles: the list is missing`},
		{"a negative number", func(p *Plan) { p.Namespaces[0].Workloads[0].Replicas = -1 }, `namespaces[0].workloads[0].replicas: -1 is negative`},
		{"name of a workload", func(p *Plan) { p.Namespaces[0].Workloads[0].Name = "$(x)" }, `namespaces[0].workloads[0].name: "$(x)" is not a name that an object can have`},
		{"a name that the server chooses", func(p *Plan) { p.Namespaces[0].Workloads[0].Name = "web-<generated>" }, ""},
		{"no name of a policy", func(p *Plan) { p.Policies[0].Name = "" }, `policies[0].name: "" is not a name that an object can have`},
		{"verb", func(p *Plan) {
			p.NamespaceWriters = []NamespaceWriter{{Verbs: []string{"update", "eat"}}}
		}, `namespaceWriters[0].verbs[1]: "eat" is not one of create, update, patch`},
		{"a role that is not there", func(p *Plan) { p.Bindings = []Binding{{Role: "ClusterRole x", Subjects: []Subject{}}} }, `bindings[0].role: roles has no "ClusterRole x"`},
		{"two subjects in one", func(p *Plan) {
			p.Roles, p.Bindings = []Role{{Name: "x"}}, []Binding{{Role: "ClusterRole x", Subjects: []Subject{{Group: "g"}, {User: "u", Group: "g"}}}}
		}, `bindings[0].subjects[1]: it needs exactly one of group, user and serviceAccount ("namespace/name")`},
		{"an account without a namespace", func(p *Plan) {
			p.Roles, p.Bindings = []Role{{Name: "x"}}, []Binding{{Role: "ClusterRole x", Subjects: []Subject{{ServiceAccount: "web"}}}}
		}, `bindings[0].subjects[0]: it needs exactly one of group, user and serviceAccount ("namespace/name")`},
		{"condition", func(p *Plan) { p.Policies[0].Conditions = []string{"x"} }, `policies[0].conditions[0]: checks has no "x"`},
		{"severity", func(p *Plan) { p.Policies[0].Problems = []pspparse.Problem{{Severity: "minor"}} }, `policies[0].problems[0].severity: "minor" is not one of error, warning`},
		{"class", func(p *Plan) { p.Policies[0].Lost[0].Class = "minor" }, `policies[0].lost[0].class: "minor" is not one of security, functional, drift`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := editable(t)
			tt.edit(p)
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want != "" {
				want = "" + want + "; correct it, or save the plan again"
			}
			got := ""
			if _, err := ReadPlan(bytes.NewReader(text)); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("error %q, want %q", got, want)
			}
		})
	}
}

// editable is a plan that has something of everything that the table edits.
func editable(t *testing.T) *Plan {
	t.Helper()
	p := build(t, fromFiles(), Options{}, namespace("web"), policy(t, "p", restrictedLike), deployment("web/api", plain()))
	if len(p.Policies) == 0 || len(p.Policies[0].Lost) == 0 || len(p.Policies[0].Checks) == 0 || len(p.Namespaces) != 1 {
		t.Fatalf("the plan lacks what the test edits: %+v", p)
	}
	ns := &p.Namespaces[0]
	if ns.DecidedBy == nil || len(ns.LevelByVersion) == 0 || len(ns.Workloads) == 0 || len(ns.Workloads[0].Violations) == 0 || len(ns.Workloads[0].StricterEdits) == 0 {
		t.Fatalf("the namespace lacks what the test edits: %+v", ns)
	}
	return p
}
