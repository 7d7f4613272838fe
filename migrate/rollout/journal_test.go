package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// written is a journal in which something happened, and its bytes.
func written(t *testing.T) (*Journal, []byte) {
	t.Helper()
	steps := slices.Concat([]Step{observe("a"), enforce("a", "baseline")}, bypass("a"))
	j, err := CreateJournal(filepath.Join(t.TempDir(), "journal"), JournalHeader{
		Tool: "psp2pss v1", Started: time.Unix(1, 0).UTC(), Cluster: "c", Context: "x", TargetVersion: "v1.25", Force: true, Steps: steps,
		KnownViolations: []string{"a/pod/p"}, FailingBefore: []FailingController{{Namespace: "a", Kind: "ReplicaSet", Name: "r", Message: "m"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	found := &ObservedState{
		UID: "u", ResourceVersion: "7", Labels: map[string]*string{api.WarnLevelLabel: text("baseline"), api.AuditLevelLabel: nil},
		Owners: []LabelOwner{{Manager: "argocd", Operation: "Apply", APIVersion: "v1", Time: time.Unix(2, 0).UTC(), Keys: []string{api.WarnLevelLabel}}},
	}
	for _, e := range []JournalEntry{
		{Step: 0, Event: Begun, Before: found},
		{Step: 0, Event: Done},
		{Step: 1, Event: Begun, Before: found},
		{Step: 1, Event: Refused, Reason: "no"},
		{Step: 2, Event: Begun, Before: &ObservedState{Exists: true}},
		{Step: 2, Event: Undoing},
		{Step: 3, Event: Begun, Before: &ObservedState{}},
		{Step: 3, Event: NotReverted, Reason: "theirs"},
	} {
		if err := j.record(e); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	return j, data
}

func asRead() cmp.Option {
	return cmp.Options{cmp.AllowUnexported(Journal{}, stepProgress{}), cmpopts.IgnoreFields(Journal{}, "path", "file", "now")}
}

func TestJournalRoundTrip(t *testing.T) {
	t.Parallel()
	j, data := written(t)
	got, err := ReadJournal(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(j, got, asRead()); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	var touched []bool
	for i := range got.Steps {
		touched = append(touched, got.MayBeApplied(i))
	}
	if diff := cmp.Diff([]bool{true, false, true, true, false}, touched); diff != "" {
		t.Errorf("touched (-want +got):\n%s", diff)
	}
}

// A journal may end anywhere: what was not on the disk whole was not acted upon.
func TestJournalCutShort(t *testing.T) {
	t.Parallel()
	_, data := written(t)
	header := bytes.IndexByte(data, '\n') + 1
	for cut := range data {
		path := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path)
		if cut < header {
			if err == nil {
				t.Fatalf("cut at %d, within the header: it was read", cut)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		whole := data[:bytes.LastIndexByte(data[:cut], '\n')+1]
		want, err := ReadJournal(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, j, asRead()); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
		}
		if cut%50 == 0 { // what is written next begins a line of its own
			if err := j.record(JournalEntry{Step: 4, Event: Refused, Reason: "x"}); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); !bytes.HasPrefix(got, whole) || !bytes.HasSuffix(got, []byte("}\n")) || bytes.Count(got, []byte("\n")) != bytes.Count(whole, []byte("\n"))+1 {
				t.Fatalf("cut at %d and gone on with: %q", cut, got[len(whole):])
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestJournalSpoilt(t *testing.T) {
	t.Parallel()
	header := func(change func(h *JournalHeader)) string {
		h := JournalHeader{APIVersion: migrate.APIVersion, Kind: JournalKind, ID: "i", Cluster: "c", Steps: append([]Step{observe("a")}, bypass("a")...)}
		change(&h)
		data, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	step := func(s Step) string { return header(func(h *JournalHeader) { h.Steps = []Step{s} }) }
	label := func(stage Stage, key string, value *string) Step {
		return Step{Stage: stage, Namespace: "a", Labels: []LabelChange{{Key: key, After: value}}}
	}
	create := func(change func(s *Step)) string {
		s := bypass("a")[2]
		o := *s.Create
		s.Create = &o
		change(&s)
		return step(s)
	}
	good := header(func(*JournalHeader) {})
	tests := []struct{ name, text, want string }{
		{"empty", "", "it is empty: copy it again from where the roll-out ran"},
		{"a plan", `{"apiVersion": "psp2pss.dev/v1", "kind": "Plan"}` + "\n", `it is a "Plan" of "psp2pss.dev/v1", and not a journal of a roll-out: name the file that 'rollout' wrote`},
		{"another version", `{"apiVersion": "psp2pss.dev/v9", "kind": "Journal"}` + "\n", `it is a journal of "psp2pss.dev/v9", and this version reads psp2pss.dev/v1: use the psp2pss that wrote it`},
		{"no JSON", "hello\n", "it is not a journal of a roll-out: name the file that 'rollout' wrote"},
		{"cut off in the first line", good[:60], "the file ends early, in its first line: copy it again from where the roll-out ran"},
		{"another type", good + `{"step": "a", "event": "done"}` + "\n", "line 2: step is a string, so the file was edited or damaged: copy it again from where the roll-out ran"},
		{"middle", good + "{\"step\": 0, \"ev\n" + `{"step": 0, "event": "done"}` + "\n", "line 2: it is no JSON, so the file was edited or damaged: copy it again from where the roll-out ran"},
		{"no such step", good + `{"step": 4, "event": "done"}` + "\n", "line 2: there is no step 4"},
		{"a step below 0", good + `{"step": -1, "event": "done"}` + "\n", "line 2: there is no step -1"},
		{"no such event", good + `{"step": 0, "event": "eaten"}` + "\n", `line 2: there is no event "eaten"`},
		{"taking back nothing that is said", good + `{"step": -1, "event": "back"}` + "\n", "line 2: a rollback was begun without a word on what it takes back"},
		{"begun in the dark", good + `{"step": 0, "event": "begun"}` + "\n", "line 2: a step was begun without a word on what was there before"},
		{"no such stage", step(label("party", api.WarnLevelLabel, text("baseline"))), `line 1: step 0: there is no stage "party"`},
		{"another label", step(label(StageObserve, "kubernetes.io/metadata.name", text("x"))), `line 1: step 0: "kubernetes.io/metadata.name" is not a label of Pod Security`},
		{"a label of another stage", step(label(StageObserve, api.EnforceLevelLabel, text("privileged"))), "line 1: step 0: the stage observe does not write the label pod-security.kubernetes.io/enforce"},
		{"labels in the bypass", step(label(StageBypass, api.EnforceLevelLabel, text("privileged"))), "line 1: step 0: the stage bypass does not write the label pod-security.kubernetes.io/enforce"},
		{"taking a label off", step(label(StageEnforce, api.EnforceLevelLabel, nil)), "line 1: step 0: it takes the label pod-security.kubernetes.io/enforce off"},
		{"no level", step(label(StageEnforce, api.EnforceLevelLabel, text("strict"))), `line 1: step 0: "strict" is no value of the label pod-security.kubernetes.io/enforce`},
		{"no version", step(label(StageEnforce, api.EnforceVersionLabel, text("baseline"))), `line 1: step 0: "baseline" is no value of the label pod-security.kubernetes.io/enforce-version`},
		{"nothing", step(Step{Stage: StageObserve, Namespace: "a"}), "line 1: step 0: it is neither about labels nor about one object"},
		{"no namespace", step(Step{Stage: StageObserve, Labels: observe("a").Labels}), "line 1: step 0: it names no namespace"},
		{"a path", step(Step{Stage: StageObserve, Namespace: "../a", Labels: observe("a").Labels}), `line 1: step 0: "../a" is no name of a namespace`},
		{"another kind", create(func(s *Step) { s.Create.Kind = "ClusterRoleBinding" }), "line 1: step 0: clusterrolebinding/psp2pss-bypass in a is no part of a bypass"},
		{"another name", create(func(s *Step) { s.Create.Name = "admin" }), "line 1: step 0: rolebinding/admin in a is no part of a bypass"},
		{"elsewhere", create(func(s *Step) { s.Create.Namespace = "kube-system" }), "line 1: step 0: rolebinding/psp2pss-bypass in kube-system is no part of a bypass"},
		{"another policy", create(func(s *Step) { s.Create.Policy = "eks.privileged" }), "line 1: step 0: rolebinding/psp2pss-bypass in a is no part of a bypass"},
		{"without a level", create(func(s *Step) { s.Level = "" }), "line 1: step 0: it does not say which level has to be enforced before"},
		{"created early", create(func(s *Step) { s.Stage = StageObserve }), "line 1: step 0: the stage observe creates nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadJournal(strings.NewReader(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := ReadJournal(strings.NewReader(good)); err != nil {
		t.Errorf("the sound one: %v", err)
	}
}

func TestJournalInUse(t *testing.T) {
	t.Parallel()
	j, _ := written(t)
	if _, err := OpenJournal(j.Path()); !errors.Is(err, ErrInUse) {
		t.Errorf("open twice: %v, want %v", err, ErrInUse)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	want := `beginning the journal "` + j.Path() + `": it exists; go on with it (--resume), take it back (rollback), or name another file with --journal`
	if _, err := CreateJournal(j.Path(), JournalHeader{}); err == nil || err.Error() != want {
		t.Errorf("created over another: %v, want %s", err, want)
	}
	again, err := OpenJournal(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(j.Path()), "*")); len(names) != 1 {
		t.Errorf("files left: %v", names)
	}
}

// A disk that is full: not one write reaches the cluster.
func TestJournalOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no /dev/full here")
	}
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	start := m.state()
	r := begin(t, m, append([]Step{observe("a"), enforce("a", "baseline")}, bypass("a")...)...)
	_ = r.Journal.file.Close()
	r.Journal.file = full
	r.run(`observe: label namespace a: writing the journal "` + r.Journal.Path() + `", so that nothing more is done to the cluster: the disk is full`)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("cluster (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create leases/kube-system/psp2pss-rollout", "delete leases/kube-system/psp2pss-rollout"}, m.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// Each write is on the disk before it is made, with what was there.
func TestJournalGoesFirst(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, append([]Step{observe("a"), enforce("a", "baseline")}, bypass("a")...)...)
	writes := 0
	expect := func(event Event) func(string) error {
		return func(request string) error {
			verb, path, _ := strings.Cut(request, " ")
			if verb == "get" || verb == "list" || strings.HasPrefix(path, "leases/") {
				return nil
			}
			writes++
			data, err := os.ReadFile(r.Journal.Path())
			if err != nil {
				return err
			}
			lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
			var last JournalEntry
			if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.Event != event || event == Begun && last.Before == nil {
				t.Errorf("at %s the journal ends with %s, %v", request, lines[len(lines)-1], err)
			}
			return nil
		}
	}
	m.hook = expect(Begun)
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.hook = expect(Undoing)
	if err := r.Rollback(context.Background(), RollbackScope{}); err != nil {
		t.Fatal(err)
	}
	if writes < 10 {
		t.Errorf("%d writes looked at, want two of each step", writes)
	}
}

func FuzzReadJournal(f *testing.F) {
	h := JournalHeader{APIVersion: migrate.APIVersion, Kind: JournalKind, ID: "i", Cluster: "c", Steps: append([]Step{observe("a"), enforce("a", "baseline")}, bypass("a")...)}
	line, err := json.Marshal(h)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add(append(line, "\n{\"step\":0,\"event\":\"begun\",\"before\":{\"labels\":{\"x\":null}}}\n{\"step\":0,\"event\":\"done\"}\n{\"step\""...))
	f.Add(append(line, "\n{\"step\":-1,\"event\":\"back\",\"undo\":{\"stages\":[\"enforce\"]},\"why\":\"not ok\"}\n"...))
	f.Fuzz(soundJournal)
}

// Bytes changed, dropped and doubled at random: many more than a fuzzer gets to, whose runs take long with all that is
// linked in here.
func TestReadJournalSpoiltAtRandom(t *testing.T) {
	t.Parallel()
	spoiltJournals(t, 5000, func(data []byte) { soundJournal(t, data) })
}

// CheckVerifyTakesSpoilt has verify look at all that can be read of spoilt journals.
func CheckVerifyTakesSpoilt(t *testing.T, verify VerifyFunc) {
	t.Helper()
	read := 0
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	spoiltJournals(t, 1000, func(data []byte) {
		j, err := ReadJournal(bytes.NewReader(data))
		if err != nil {
			return
		}
		read++
		var names []string
		for i := range j.Steps {
			if j.Steps[i].Namespace != "" {
				names = append(names, j.Steps[i].Namespace)
			}
		}
		verify(t, m, names, j, nil)
	})
	if read == 0 {
		t.Error("none of the journals could be read")
	}
}

// spoiltJournals calls each with a journal that is spoilt at random, n times.
func spoiltJournals(t *testing.T, n int, each func(data []byte)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	_, good := written(t)
	for range n {
		data := slices.Clone(good)
		for range 1 + random.IntN(4) {
			at := random.IntN(len(data))
			switch until := min(len(data), at+1+random.IntN(40)); random.IntN(3) {
			case 0:
				data[at] = good[random.IntN(len(good))]
			case 1:
				data = slices.Delete(data, at, until)
			default:
				data = slices.Insert(data, random.IntN(len(data)), slices.Clone(data[at:until])...)
			}
		}
		each(data)
	}
}

// soundJournal expects of what is read without an error that a roll-out may go on with it.
func soundJournal(t *testing.T, data []byte) {
	j, err := ReadJournal(bytes.NewReader(data))
	if err != nil {
		return
	}
	for i := range j.Steps {
		s := &j.Steps[i]
		if j.MayBeApplied(i) && j.progress[i].observed == nil {
			t.Fatalf("step %d was touched, and nobody knows what was there", i)
		}
		if s.Create != nil && (s.Stage != StageBypass || !strings.HasSuffix(s.Create.Policy, BypassName) || s.Create.Name != BypassName && s.Create.Name != s.Create.Policy) {
			t.Fatalf("step %d creates %+v", i, s.Create)
		}
		for _, c := range s.Labels {
			if !slices.Contains(inventory.PodSecurityLabelKeys(), c.Key) || c.After == nil {
				t.Fatalf("step %d changes %+v", i, c)
			}
		}
	}
	j.Finished()
	_ = j.CheckResumable()
	j.StepStates()
	RollbackScope{}.Steps(j)
	// What was read goes through the same once more.
	var again bytes.Buffer
	if err := json.NewEncoder(&again).Encode(j.JournalHeader); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadJournal(&again); err != nil {
		t.Fatalf("its own header is refused: %v", err)
	}
}

// A journal keeps the guards, and one from before there were any has none.
func TestJournalKeepsGuards(t *testing.T) {
	t.Parallel()
	want := Guards{Verify: true, VerifyWait: metav1.Duration{Duration: 2 * time.Minute}, RollbackOnFailure: true, AllowPartial: true}
	path := filepath.Join(t.TempDir(), "journal")
	j, err := CreateJournal(path, JournalHeader{Cluster: "c", Guards: want, Steps: []Step{observe("a")}})
	if err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	if j, err = OpenJournal(path); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if diff := cmp.Diff(want, j.Guards); diff != "" {
		t.Errorf("guards (-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := `"guards":{"verify":true,"verifyWait":"2m0s","rollbackOnFailure":true,"allowPartial":true}`; !bytes.Contains(data, []byte(text)) {
		t.Errorf("the journal has no %s:\n%s", text, data)
	}
	const old = `{"apiVersion":"psp2pss.dev/v1","kind":"Journal","id":"X","tool":"psp2pss v0.1.0","started":"2026-01-01T00:00:00Z","cluster":"c","targetVersion":"v1.25","steps":[{"stage":"observe","namespace":"a","batch":0,"labels":[{"key":"pod-security.kubernetes.io/warn","before":null,"after":"restricted"}]}]}
{"step":0,"event":"begun","at":"2026-01-01T00:00:00Z","before":{"uid":"u","labels":{"pod-security.kubernetes.io/warn":null}}}
{"step":0,"event":"done","at":"2026-01-01T00:00:00Z"}
`
	if j, err = ReadJournal(strings.NewReader(old)); err != nil || j.Guards != (Guards{}) || j.CheckResumable() != nil {
		t.Errorf("an old one: %+v, %v", j, err)
	}
}
