package rollout

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// testdata/old.journal is what the tool wrote before its steps became actions: three stages with a refusal, labels that
// admission changed, and a rollback of the bypass. The same story gives the same lines, with messages beside the texts, and the
// old ones lead all the way back.
func TestRollbackOfAJournalOfOldSteps(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "x", api.WarnLevelLabel: "baseline"})
	m.namespace("b", "kubectl", nil)
	start := m.state()
	o := observe("a")
	o.Labels[1].Before = text("baseline")
	m.made = func(labels map[string]string) { labels["stamp"] = "seen" }
	m.hook = on("patch namespaces/b", -1, apierrors.NewForbidden(inNamespaces, "b", errors.New("no")))
	r := begin(t, m, append([]Step{o, observe("b"), enforce("a", "baseline")}, bypass("a")...)...)
	r.Force = true
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.hook = nil
	if err := r.Rollback(t.Context(), RollbackScope{Stages: []Stage{StageBypass}}); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(r.Journal.Path())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/old.journal")
	if err != nil {
		t.Fatal(err)
	}
	old := strings.ReplaceAll(string(data), "OLD-ID", r.Journal.ID)
	withoutTimes := func(journal string) string {
		return regexp.MustCompile(`"at":"[^"]*"`).ReplaceAllString(journal, `"at":""`)
	}
	if diff := cmp.Diff(withoutTimes(old), withoutTimes(withoutMessages(t, string(now), 1))); diff != "" {
		t.Errorf("the journal (-then +now):\n%s", diff)
	}
	path := filepath.Join(t.TempDir(), "old.journal")
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	m.made = nil
	with(t, m, j).rollback(RollbackScope{}, "", "undone enforce: label namespace a", "undone observe: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// withoutMessages returns a journal without the messages beside its texts, of which there are so many, each with the text of its
// entry.
func withoutMessages(t *testing.T, journal string, want int) string {
	t.Helper()
	got := 0
	lines := strings.SplitAfter(journal, "\n")
	for i, line := range lines {
		var entry struct {
			Why     string          `json:"why"`
			Message json.RawMessage `json:"message"`
		}
		if line == "" || json.Unmarshal([]byte(line), &entry) != nil || entry.Message == nil {
			continue
		}
		got++
		var m message.Message
		if err := json.Unmarshal(entry.Message, &m); err != nil || m.Text != entry.Why {
			t.Errorf("the message %s (%v) is not that of %q", entry.Message, err, entry.Why)
		}
		checkMessage(t, m)
		lines[i] = strings.Replace(line, `,"message":`+string(entry.Message), "", 1)
	}
	if got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	return strings.Join(lines, "")
}
