package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// bindingText returns a binding of a set that does something with what its policy does not accept.
func bindingText(action string) string {
	return `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"psp2pss-shop","labels":` +
		`{"app.kubernetes.io/managed-by":"psp2pss","psp2pss.dev/set":"shop"}},"spec":{"policyName":"psp2pss-shop","validationActions":["` + action + `"]}}`
}

// journalOfPolicies returns the journal of a roll-out that installs a binding and has it refuse, with these entries.
func journalOfPolicies(t *testing.T, entries ...string) *rollout.Journal {
	t.Helper()
	const probe = `{"policy":"psp2pss-shop","says":"in force: revision 1","begins":"in force: revision ","namespaces":["shop"],"pod":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"probe"}}}`
	var steps []string
	for _, s := range [][2]string{{"install", "Warn"}, {"deny", "Deny"}} {
		steps = append(steps, fmt.Sprintf(`{"stage":"policies","batch":0,"policy":{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","name":"psp2pss-shop",`+
			`"action":%q,"mayDeny":true,"manifest":%s,"probe":%s}}`, s[0], bindingText(s[1]), probe))
	}
	text := `{"apiVersion":"psp2pss.dev/v1","kind":"Journal","id":"X","cluster":"c","steps":[` + strings.Join(steps, ",") + "]}\n"
	for _, e := range entries {
		text += e + "\n"
	}
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	j, err := rollout.ReadJournal(f)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// Each object is told once for what is there, and once for each step that came to no end.
func TestCheckInstalled(t *testing.T) {
	t.Parallel()
	const (
		installed = `{"step":0,"event":"begun","before":{}}` + "\n" + `{"step":0,"event":"done","written":{"spec":{"policyName":"psp2pss-shop","validationActions":["Warn"]}}}`
		denied    = `{"step":1,"event":"begun","before":{"exists":true}}` + "\n" + `{"step":1,"event":"done","written":{"spec":{"policyName":"psp2pss-shop","validationActions":["Deny"]}}}`
		undone    = `{"step":1,"event":"undone"}` + "\n" + `{"step":0,"event":"undone"}`
		says      = "ValidatingAdmissionPolicy 'psp2pss-shop' with binding 'psp2pss-shop' denied request: in force: revision 1"
		another   = "ValidatingAdmissionPolicy 'psp2pss-blog' with binding 'psp2pss-blog' denied request: in force: revision 1"
	)
	pods := schema.GroupResource{Resource: "pods"}
	for _, tt := range []struct {
		name    string
		entries []string
		is      string
		answer  error
		want    string
	}{
		{"refuses", []string{installed, denied}, bindingText("Deny"), errors.New(says), "policies ok: as the roll-out left it, and refuses"},
		{"not in force", []string{installed, denied}, bindingText("Deny"), nil, "policies not ok: as the roll-out left it, and not in force: the dry run of a pod was answered: the pod is let in without a word of it"},
		{"hidden", []string{installed, denied}, bindingText("Deny"), errors.New(another), `policies could not tell: as the roll-out left it; whether it is in force is not known: pods "probe" is forbidden: ` + another},
		{"may not ask", []string{installed, denied}, bindingText("Deny"), errors.New("no"), `policies could not tell: as the roll-out left it; whether it is in force is not known: pods "probe" is forbidden: no`},
		{"changed", []string{installed, denied}, bindingText("Warn"), nil, "policies not ok: not as the roll-out left it: somebody has changed it since"},
		{"gone", []string{installed, denied}, "", nil, "policies not ok: gone since the roll-out"},
		{"not begun", nil, "", nil, "steps could not tell: policies: not taken yet: go on with 'rollout --resume'; steps could not tell: policies: not taken yet: go on with 'rollout --resume'"},
		{"taken back", []string{installed, denied, undone}, "", nil, "policies ok: as before the roll-out"},
		{"there again", []string{installed, denied, undone}, bindingText("Warn"), nil, "policies not ok: there again, or changed again, though it was taken back"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var objects []runtime.Object
			if tt.is != "" {
				u := &unstructured.Unstructured{}
				if err := json.Unmarshal([]byte(tt.is), u); err != nil {
					t.Fatal(err)
				}
				objects = append(objects, u)
			}
			client := fake.NewSimpleDynamicClient(runtime.NewScheme(), objects...)
			client.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
				if tt.answer != nil {
					return true, nil, apierrors.NewForbidden(pods, "probe", tt.answer)
				}
				return true, &unstructured.Unstructured{Object: map[string]any{}}, nil
			})
			j := journalOfPolicies(t, tt.entries...)
			if !InstalledPolicies(j) {
				t.Error("the journal installs no policies")
			}
			results, err := CheckInstalled(t.Context(), client, j)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range results {
				got = append(got, fmt.Sprintf("%s %s: %s", r.Check, r.Status, r.Reason.Text))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
