package migrate

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// A label that is there at a newer version than the target has a check more: it is kept where it holds, and taking the
// older version counts as loosening where it does not.
func TestNewerPinsAreNotLoosened(t *testing.T) {
	t.Parallel()
	probed := hardened(func(s *corev1.PodSpec) {
		s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
	})
	const (
		enforce = "pod-security.kubernetes.io/enforce"
		version = "pod-security.kubernetes.io/enforce-version"
		kept    = "the newer version of today's enforce label is kept: v1.25 does not have hostProbesAndHostLifecycle"
		tighter = "today's enforce=baseline at v1.34 is stricter than at v1.25, which does not have hostProbesAndHostLifecycle: what runs here would not be admitted again"
		follows = "today's enforce=baseline follows the server's own version; pinned to v1.25 it lacks hostProbesAndHostLifecycle where the server is newer"
	)
	tests := []struct {
		name     string
		labels   []string
		spec     corev1.PodSpec
		source   inventory.Source
		version  string
		action   Action
		told     string
		cautions bool
	}{
		{"holds", []string{enforce + "=baseline", version + "=v1.34"}, plain(), fromFiles(), "v1.34", ActionAdd, kept, false},
		{"an older one moves up", []string{enforce + "=baseline", version + "=v1.24"}, plain(), fromFiles(), "v1.25", ActionChange, "", false},
		{"newer without a new check", []string{enforce + "=baseline", version + "=v1.30"}, plain(), fromFiles(), "v1.25", ActionChange, "", false},
		{"latest where the server may be newer", []string{enforce + "=baseline", version + "=latest"}, plain(), fromFiles(), "v1.25", ActionChange, follows, true},
		{"no version where the server may be newer", []string{enforce + "=baseline"}, plain(), fromFiles(), "v1.25", ActionAdd, follows, true},
		{"no version on an old server", []string{enforce + "=baseline"}, plain(), cluster("v1.24.1"), "v1.25", ActionAdd, "", false},
		{"another level", []string{enforce + "=privileged", version + "=v1.34"}, plain(), fromFiles(), "v1.25", ActionChange, "", false},
		{"does not hold", []string{enforce + "=baseline", version + "=v1.34"}, baselineOnly(probed), fromFiles(), "v1.25", ActionLoosen, tighter, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, tt.source, Options{}, namespace("a", tt.labels...), deployment("a/web", tt.spec)), "a")
			if ns.RecommendedLabels.Enforce != "baseline" || ns.RecommendedLabels.EnforceVersion != tt.version || ns.Action != tt.action {
				t.Errorf("enforce=%s:%s, %s; want baseline:%s, %s", ns.RecommendedLabels.Enforce, ns.RecommendedLabels.EnforceVersion, ns.Action, tt.version, tt.action)
			}
			for _, text := range []string{kept, tighter, follows} {
				if want := text == tt.told && tt.cautions; slices.Contains(message.Texts(ns.Cautions), text) != want {
					t.Errorf("cautions %q; want %q among them: %t", ns.Cautions, text, want)
				}
				if want := text == tt.told && !tt.cautions; slices.Contains(message.Texts(ns.Reasons), text) != want {
					t.Errorf("reasons %q; want %q among them: %t", ns.Reasons, text, want)
				}
			}
		})
	}
}

func TestMeets(t *testing.T) {
	t.Parallel()
	ns := &Namespace{Workloads: []Workload{{Evaluation: &Evaluation{}}}, LevelByVersion: []VersionLevel{{"v1.25", "v1.25", restricted}, {"v1.26", "v1.26", baseline}, {"v1.27", "v1.37", restricted}}}
	for version, want := range map[int]bool{24: false, 25: true, 26: false, 27: true, 40: true} {
		if got := workloadsMeetLevel(ns, restricted, api.MajorMinorVersion(1, version)); got != want {
			t.Errorf("restricted at v1.%d: %t, want %t", version, got, want)
		}
	}
	if !workloadsMeetLevel(ns, baseline, api.MajorMinorVersion(1, 26)) {
		t.Error("baseline at v1.26 is not met")
	}
	if !workloadsMeetLevel(&Namespace{}, restricted, api.MajorMinorVersion(1, 24)) {
		t.Error("nothing runs, and does not meet restricted")
	}
}

// baselineOnly takes from a pod what only restricted asks for.
func baselineOnly(spec corev1.PodSpec) corev1.PodSpec {
	spec.SecurityContext = nil
	return spec
}

// Policies without a server version: whoever still has them runs v1.24 or older, where Windows pods do not meet restricted.
func TestPoliciesShowAnOldServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		objects []object
		want    string
	}{
		{"no policies", nil, "restricted"},
		{"policies", []object{policy(t, "base", baselineLike)}, "baseline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := build(t, fromFiles(), Options{}, append(tt.objects, deployment("a/web", windows()))...)
			if got := only(t, p, "a").RecommendedLabels.Enforce; got != tt.want {
				t.Errorf("enforce=%s, want %s", got, tt.want)
			}
		})
	}
}

// A namespace known only by what runs in it says so, since a command must not overwrite labels that nobody has read.
func TestUnreadNamespace(t *testing.T) {
	t.Parallel()
	p := build(t, fromFiles(), Options{}, namespace("read"), deployment("read/web", plain()), deployment("unread/web", plain()))
	got := map[string]bool{}
	for _, ns := range p.Namespaces {
		got[ns.Name] = ns.ObjectNotRead
	}
	if diff := cmp.Diff(map[string]bool{"read": false, "unread": true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Scripts iterate over the lists of the contract: one that is known to be empty is [], never null or absent.
func TestEmptyListsAreThere(t *testing.T) {
	t.Parallel()
	p := build(t, cluster("v1.24.1"), Options{}, namespace("a"), policy(t, "base", baselineLike), deployment("b/web", hardened()))
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Gaps, Roles, Bindings             []any
		Policies, Namespaces, Evaluations []map[string]any
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Gaps == nil || doc.Roles == nil || doc.Bindings == nil {
		t.Error("gaps, roles or bindings is null")
	}
	for _, key := range []string{"mutatingFields", "checks", "conditions", "lost"} {
		if list, ok := doc.Policies[0][key].([]any); !ok || list == nil {
			t.Errorf("policies[].%s = %v", key, doc.Policies[0][key])
		}
	}
	for _, ns := range doc.Namespaces {
		for _, key := range []string{"cautions", "blockers", "workloads", "versions"} {
			if list, ok := ns[key].([]any); !ok || list == nil {
				t.Errorf("namespaces[%s].%s = %v", ns["name"], key, ns[key])
			}
		}
	}
	if len(doc.Evaluations) != 1 {
		t.Fatalf("%d evaluations, want 1", len(doc.Evaluations))
	}
	for _, workload := range doc.Evaluations {
		if diff := cmp.Diff([]any{}, workload["violations"], cmpopts.EquateEmpty()); diff != "" || workload["violations"] == nil {
			t.Errorf("violations = %v", workload["violations"])
		}
		if _, ok := workload["mutations"]; ok {
			t.Error("mutations is there, though nothing knows them yet")
		}
	}
}

// Workloads with equal pods share an evaluation, whatever the name of their account and whoever writes them: those stand
// with each workload.
func TestAccountsAndManagersShareEvaluations(t *testing.T) {
	t.Parallel()
	managed := func(b *inventory.Builder) {
		m := inventory.ObjectMeta{Namespace: "b", Name: "managed", Labels: map[string]string{"helm.sh/chart": "web-1.2.3"}}
		b.AddTemplate("Deployment", m, 1, &corev1.PodTemplateSpec{Spec: as("builder", plain())}, pspparse.Position{})
	}
	p := build(t, cluster("v1.24.1"), Options{}, deployment("a/web", plain()), deployment("a/own", as("web", plain())), managed, deployment("a/other", hardened()))
	if len(p.Evaluations) != 2 {
		t.Errorf("%d evaluations, want 2", len(p.Evaluations))
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadPlan(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		Account string
		Manager *ManagedBy
		Shared  bool
	}
	want := map[string]told{
		"own": {"web", nil, true}, "web": {"default", nil, true}, "other": {"default", nil, false},
		"managed": {"builder", &ManagedBy{Chart: "web-1.2.3"}, true},
	}
	for what, plan := range map[string]*Plan{"built": p, "read": read} {
		got, web := map[string]told{}, only(t, plan, "a").Workloads[2].Evaluation
		for _, ns := range plan.Namespaces {
			for _, w := range ns.Workloads {
				got[w.Name] = told{w.ServiceAccount, w.ManagedBy, w.Evaluation == web}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
