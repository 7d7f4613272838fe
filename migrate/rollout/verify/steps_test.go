package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// journalOf is a journal of steps, and of entries in JSON.
func journalOf(t *testing.T, steps []rollout.Step, entries ...string) *rollout.Journal {
	t.Helper()
	header, err := json.Marshal(rollout.JournalHeader{APIVersion: migrate.APIVersion, Kind: rollout.JournalKind, ID: "i", Cluster: "c", Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	j, err := rollout.ReadJournal(strings.NewReader(string(header) + "\n" + strings.Join(append(entries, ""), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func eventOf(step int, event rollout.Event) string {
	before := ""
	if event == rollout.Begun {
		before = `, "before": {"labels": {}}`
	}
	return fmt.Sprintf(`{"step": %d, "event": %q, "why": "for a reason"%s}`, step, event, before)
}

func text(s string) *string { return &s }

// observe and enforce are steps as a Plan would make them for a namespace without labels.
func observe(ns string) rollout.Step {
	return rollout.Step{Stage: rollout.StageObserve, Namespace: ns, Labels: []rollout.LabelChange{
		{Key: api.AuditLevelLabel, After: text("restricted")}, {Key: api.WarnLevelLabel, After: text("restricted")},
	}}
}

func enforce(ns, level string) rollout.Step {
	return rollout.Step{Stage: rollout.StageEnforce, Namespace: ns, Labels: []rollout.LabelChange{
		{Key: api.EnforceLevelLabel, After: &level}, {Key: api.EnforceVersionLabel, After: text("v1.25")},
	}}
}

// bypass are the steps that let namespaces past the policies.
func bypass(namespaces ...string) []rollout.Step {
	const policy = "000-" + rollout.BypassName
	steps := []rollout.Step{
		{Stage: rollout.StageBypass, Create: &rollout.BypassObject{Kind: "PodSecurityPolicy", Name: policy, Policy: policy}},
		{Stage: rollout.StageBypass, Create: &rollout.BypassObject{Kind: "ClusterRole", Name: rollout.BypassName, Policy: policy}},
	}
	for _, ns := range namespaces {
		binding := rollout.BypassObject{Kind: "RoleBinding", Namespace: ns, Name: rollout.BypassName, Policy: policy}
		steps = append(steps, rollout.Step{Stage: rollout.StageBypass, Namespace: ns, Level: api.LevelBaseline, Create: &binding})
	}
	return steps
}

// namespaceOf is a namespace with labels, as a document.
func namespaceOf(name string, labels map[string]string) string {
	data, err := json.Marshal(labels)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: %s}}`, name, data)
}

// What is told of one step, by what the journal has of it and by what the server has.
func TestVerifyTellsOpenSteps(t *testing.T) {
	t.Parallel()
	const (
		key      = api.EnforceLevelLabel
		absent   = key + ` is absent, and "baseline" is planned; ` + key + `-version is absent, and "v1.25" is planned`
		still    = key + ` is "baseline", and was absent before the roll-out; ` + key + `-version is "v1.25", and was absent before the roll-out`
		all      = `{"step": -1, "event": "back", "undo": {}}`
		thisOne  = `{"step": -1, "event": "back", "undo": {"namespaces": ["a"], "stages": ["enforce"]}}`
		byNow    = "; by now its labels are as they are to be"
		goOn     = "go on with 'rollout --resume'"
		goBack   = "go on with 'rollback'"
		untouchd = "the roll-out changed no label of it, and is to change none"
	)
	begun, done := eventOf(0, rollout.Begun), eventOf(0, rollout.Done)
	labels := func(status CheckStatus, why string) CheckResult {
		return CheckResult{Namespace: "a", Check: CheckLabels, Status: status, Reason: says(why)}
	}
	step := func(status CheckStatus, why string) CheckResult {
		return CheckResult{Namespace: "a", Check: CheckSteps, Status: status, Reason: says("enforce: " + why)}
	}
	for _, tt := range []struct {
		name    string
		entries []string
		on      bool // the labels are on
		want    []CheckResult
	}{
		{"not taken", nil, false, []CheckResult{labels(StatusNotOK, absent), step(StatusUnknown, "not taken yet: "+goOn)}},
		{"not taken, and there", nil, true, []CheckResult{labels(StatusOK, "as planned"), step(StatusOK, "not taken yet: "+goOn+byNow)}},
		{"begun", []string{begun}, false, []CheckResult{labels(StatusNotOK, absent), step(StatusUnknown, "begun, and cut off: "+goOn)}},
		{"begun, and there", []string{begun}, true, []CheckResult{labels(StatusOK, "as planned"), step(StatusOK, "begun, and cut off: "+goOn+byNow)}},
		{"refused", []string{eventOf(0, rollout.Refused)}, false, []CheckResult{labels(StatusNotOK, absent), step(StatusNotOK, "refused: for a reason")}},
		{"refused by the server", []string{begun, eventOf(0, rollout.Refused)}, false, []CheckResult{labels(StatusNotOK, absent), step(StatusNotOK, "refused: for a reason")}},
		{"refused, and put on by hand", []string{eventOf(0, rollout.Refused)}, true, []CheckResult{labels(StatusOK, "as planned"), step(StatusOK, "refused: for a reason"+byNow)}},
		{"altered", []string{begun, eventOf(0, rollout.Altered)}, false, []CheckResult{labels(StatusNotOK, absent), step(StatusNotOK, "altered: for a reason")}},
		{"done", []string{begun, done}, true, []CheckResult{labels(StatusOK, "as planned")}},
		{"done, and taken off by hand", []string{begun, done}, false, []CheckResult{labels(StatusNotOK, absent)}},
		{"undone", []string{begun, done, all, eventOf(0, rollout.Undoing), eventOf(0, rollout.Undone)}, false, []CheckResult{labels(StatusOK, "as before the roll-out")}},
		{"undone, and put on by hand", []string{begun, done, all, eventOf(0, rollout.Undoing), eventOf(0, rollout.Undone)}, true, []CheckResult{labels(StatusNotOK, still)}},
		{"undone before there was a word on it", []string{begun, done, eventOf(0, rollout.Undoing), eventOf(0, rollout.Undone)}, false, []CheckResult{labels(StatusOK, "as before the roll-out")}},
		{"not undone yet", []string{begun, done, all}, true, []CheckResult{labels(StatusNotOK, still), step(StatusUnknown, "not taken back yet: "+goBack)}},
		{"not undone yet, only it", []string{begun, done, thisOne}, true, []CheckResult{labels(StatusNotOK, still), step(StatusUnknown, "not taken back yet: "+goBack)}},
		{"undoing", []string{begun, done, all, eventOf(0, rollout.Undoing)}, true, []CheckResult{labels(StatusNotOK, still), step(StatusUnknown, "taking it back was cut off: "+goBack)}},
		{"undoing, and off", []string{begun, done, all, eventOf(0, rollout.Undoing)}, false, []CheckResult{labels(StatusOK, "as before the roll-out"), step(StatusOK, "taking it back was cut off: "+goBack+byNow)}},
		{"not reverted, by an old journal", []string{begun, done, all, `{"step": 0, "event": "kept", "why": "for a reason"}`}, true, []CheckResult{labels(StatusNotOK, still), step(StatusNotOK, "not reverted by the rollback: for a reason")}},
		{"not reverted", []string{begun, done, all, eventOf(0, rollout.NotReverted)}, true, []CheckResult{labels(StatusNotOK, still), step(StatusNotOK, "not reverted by the rollback: for a reason")}},
		{"taken back before it was begun", []string{all}, false, []CheckResult{labels(StatusOK, untouchd)}},
		{"refused, and taken back", []string{eventOf(0, rollout.Refused), all}, true, []CheckResult{labels(StatusOK, untouchd)}},
		{"there before, and taken back", []string{done, all}, true, []CheckResult{labels(StatusOK, "as planned")}},
		{"another is taken back", []string{`{"step": -1, "event": "back", "undo": {"namespaces": ["b"]}}`}, false, []CheckResult{labels(StatusNotOK, absent), step(StatusUnknown, "not taken yet: "+goOn)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			on := map[string]string{}
			if tt.on {
				on = map[string]string{key: "baseline", key + "-version": "v1.25"}
			}
			m := fakeCluster(t, namespaceOf("a", on))
			j := journalOf(t, []rollout.Step{enforce("a", "baseline")}, tt.entries...)
			results, err := CheckNamespaces(t.Context(), Verification{Client: m, Namespaces: []string{"a"}, Journal: j})
			if err != nil {
				t.Fatal(err)
			}
			got := append(only(results, CheckLabels), only(results, CheckSteps)...)
			if diff := cmp.Diff(tt.want, got, sameResults()); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// What was found is restored, not what the plan had; and only what was begun is.
func TestVerifyAfterAPartialRollback(t *testing.T) {
	t.Parallel()
	m := fakeCluster(t, namespaceOf("a", map[string]string{api.WarnLevelLabel: "baseline", api.AuditLevelLabel: "restricted"}))
	j := journalOf(t, []rollout.Step{observe("a"), enforce("a", "baseline")},
		`{"step": 0, "event": "begun", "before": {"labels": {"pod-security.kubernetes.io/warn": "baseline", "pod-security.kubernetes.io/audit": "restricted"}}}`,
		eventOf(0, rollout.Done), eventOf(1, rollout.Refused), `{"step": -1, "event": "back", "undo": {"namespaces": ["a"]}}`, eventOf(0, rollout.Undone))
	results, err := CheckNamespaces(t.Context(), Verification{Client: m, Namespaces: []string{"a"}, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	want := []CheckResult{{Namespace: "a", Check: CheckLabels, Status: StatusOK, Reason: says("as before the roll-out")}}
	if diff := cmp.Diff(want, append(only(results, CheckLabels), only(results, CheckSteps)...), sameResults()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// A binding that somebody deleted lets no pod past the policies any more.
func TestVerifyLooksForBindings(t *testing.T) {
	t.Parallel()
	m := fakeCluster(t, namespaceOf("a", nil))
	steps := bypass("a")
	j := journalOf(t, steps, eventOf(0, rollout.Done), eventOf(1, rollout.Done), eventOf(2, rollout.Begun), eventOf(2, rollout.Done))
	rows := func() []CheckResult {
		results, err := CheckNamespaces(t.Context(), Verification{Client: m, Namespaces: []string{"a"}, Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		return only(results, CheckSteps)
	}
	row := CheckResult{Namespace: "a", Check: CheckSteps, Workload: "rolebinding/psp2pss-bypass", Status: StatusNotOK, Reason: says("bypass: it was created, and is gone")}
	if diff := cmp.Diff([]CheckResult{row}, rows(), sameResults()); diff != "" {
		t.Errorf("without it (-want +got):\n%s", diff)
	}
	m = fakeCluster(t, join(namespaceOf("a", nil), `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {namespace: a, name: psp2pss-bypass}}`))
	if diff := cmp.Diff([]CheckResult(nil), rows(), sameResults()); diff != "" {
		t.Errorf("with it (-want +got):\n%s", diff)
	}
	m.PrependReactor("list", "rolebindings", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(rollout.RoleBindings().GroupResource(), "", errors.New("no"))
	})
	row.Status, row.Reason = StatusUnknown, says(`bypass: rolebindings.rbac.authorization.k8s.io could not be read: rolebindings.rbac.authorization.k8s.io is forbidden: no; grant: list rolebindings.rbac.authorization.k8s.io`)
	if diff := cmp.Diff([]CheckResult{row}, rows(), sameResults()); diff != "" {
		t.Errorf("where it may not be read (-want +got):\n%s", diff)
	}
}

// The bypass has no labels: what the journal has of it is told, and what all namespaces share only with all of them.
func TestVerifyTellsOpenStepsOfTheBypass(t *testing.T) {
	t.Parallel()
	m := fakeCluster(t, join(namespaceOf("a", nil), namespaceOf("b", nil)))
	j := journalOf(t, bypass("a", "b"), eventOf(0, rollout.Begun), eventOf(0, rollout.Done), eventOf(1, rollout.Refused))
	const goOn = "bypass: not taken yet: go on with 'rollout --resume'"
	shared := CheckResult{Check: CheckSteps, Workload: "clusterrole/psp2pss-bypass", Status: StatusNotOK, Reason: says("bypass: refused: for a reason")}
	of := func(ns string) CheckResult {
		return CheckResult{Namespace: ns, Check: CheckSteps, Workload: "rolebinding/psp2pss-bypass", Status: StatusUnknown, Reason: says(goOn)}
	}
	for _, tt := range []struct {
		names []string
		want  []CheckResult
	}{
		{[]string{"a"}, []CheckResult{of("a")}},
		{[]string{"a", "b"}, []CheckResult{shared, of("a"), of("b")}},
	} {
		results, err := CheckNamespaces(t.Context(), Verification{Client: m, Namespaces: tt.names, Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, only(results, CheckSteps), sameResults()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.names, diff)
		}
	}
}
