package migrate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/evidence"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// loggedPod is a pod of a controller in an audit log.
func loggedPod(minute int, owner, requester, account, policy string, groups ...string) *evidence.Pod {
	return &evidence.Pod{
		Time: time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC), Level: "RequestResponse", Namespace: "a", Name: "x", OwnerKind: "ReplicaSet", OwnerName: owner, TemplateHash: "7d4b9",
		Requester: requester, Account: account, Policy: policy, Groups: groups, Change: evidence.ChangeUnchanged,
	}
}

// What an audit log says stands beside what the plan says of itself: policies and workloads, who asked, and grants that were used.
func TestAuditEvidence(t *testing.T) {
	t.Parallel()
	const controller = "system:serviceaccount:kube-system:replicaset-controller"
	l := evidence.NewLog()
	l.Add(loggedPod(1, "front-7d4b9", controller, "web", "own"))
	l.Add(loggedPod(2, "front-7d4b9", controller, "web", "own"))
	l.Add(loggedPod(3, "back-7d4b9", controller, "web", "own"))
	changed := loggedPod(4, "back-7d4b9", controller, "web", "other")
	changed.Change, changed.Mutations = evidence.ChangeChanged, []psp.MutatedField{{Path: "spec.securityContext.fsGroup", Value: "7"}}
	l.Add(changed)
	l.Add(loggedPod(5, "gone-7d4b9", "jane", "default", "own", "ops"))
	l.Add(loggedPod(6, "gone-7d4b9", "root", "default", "own", "system:masters"))
	l.Add(&evidence.Pod{Namespace: "a", Name: "no", Requester: "bob", Refused: true, RefusedBy: evidence.RefusedByPSP, Refusal: "no"})

	p := build(t, cluster("v1.24.1"), Options{Evidence: l},
		namespace("a"), policy(t, "other", baselineLike), policy(t, "own", anythingGoes), policy(t, "idle", baselineLike),
		grant("own", "a", account("a/web")), grant("own", "a", account("a/job")), grant("idle", "b", account("b/x")),
		deployment("a/front", as("web", plain())), deployment("a/back", as("web", plain())), deployment("a/unseen", as("web", plain())),
	)
	ns := only(t, p, "a")
	results := map[string]string{}
	for _, w := range ns.Workloads {
		results[w.Name] = w.Logged.Result
	}
	if diff := cmp.Diff(map[string]string{"front": "agrees", "back": "differs", "unseen": "unseen"}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	want := &AuditEvidence{
		PodsCreated: 6, PodsRefused: 1, PodsByLevel: []LevelOfPods{{"", 1}, {"RequestResponse", 6}},
		Policies: []PolicyAtWork{
			{Policy: "idle", GrantedTo: 1, Unused: []Subject{{ServiceAccount: "b/x"}}},
			{Policy: "other", Pods: 1, Changed: 1, First: "2026-01-02T03:04:00Z", Last: "2026-01-02T03:04:00Z", Unexplained: []string{controller}},
			{Policy: "own", Pods: 5, Unchanged: 5, First: "2026-01-02T03:01:00Z", Last: "2026-01-02T03:06:00Z", GrantedTo: 2, UsedBy: 1, Unused: []Subject{{ServiceAccount: "a/job"}}, Unexplained: []string{"jane"}},
		},
	}
	if diff := cmp.Diff(want, p.AuditEvidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	unread := message.New("audit-pods-unread", "n", 2, "workloads", []string{"replicaset/gone-7d4b9"}, "count", 1)
	if !slices.ContainsFunc(ns.Cautions, func(m message.Message) bool { return m.Text == unread.Text }) {
		t.Errorf("the caution %q is missing in %v", unread.Text, ns.Cautions)
	}
	var users []string
	for _, r := range ns.PodRequesters {
		users = append(users, r.User)
	}
	if diff := cmp.Diff([]string{"jane", "root", controller}, users); diff != "" {
		t.Errorf("requesters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]RefusedPods{{User: "bob", Workload: &WorkloadRef{"Pod", "no"}, By: "PodSecurityPolicy", Pods: 1, Message: "no"}}, ns.RefusedPods); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// A log without a pod in it says of nothing that it is unused.
func TestAuditLogWithoutPods(t *testing.T) {
	t.Parallel()
	l := evidence.NewLog()
	l.Summary.Events = 7
	p := build(t, cluster("v1.24.1"), Options{Evidence: l}, namespace("a"), policy(t, "own", anythingGoes), deployment("a/front", plain()))
	if ns := only(t, p, "a"); ns.Workloads[0].Logged != nil {
		t.Errorf("said of a workload: %+v", ns.Workloads[0].Logged)
	}
	ids := []string{}
	for _, g := range p.Gaps {
		ids = append(ids, g.ID)
	}
	for _, n := range p.Notes {
		ids = append(ids, n.ID)
	}
	if diff := cmp.Diff([]string{"audit-log-without-pods", "audit-log"}, ids); diff != "" {
		t.Errorf("gaps and notes (-want +got):\n%s", diff)
	}
}
