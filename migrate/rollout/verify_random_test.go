package rollout

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// VerifyRow is a result of package verify, which imports this one.
type VerifyRow struct{ Namespace, Check, Status, Reason string }

// VerifyFunc checks namespaces by a journal or, without one, by the labels that are expected.
type VerifyFunc func(t *testing.T, client dynamic.Interface, namespaces []string, j *Journal, labels map[string]map[string]*string) []VerifyRow

// CheckVerifyAgrees tells of what happens at random, in whatever order: what verify says of labels by the journal is what a
// comparison of the server with the plan comes to, and no step that is not where it is to be goes untold.
func CheckVerifyAgrees(t *testing.T, verify VerifyFunc) {
	t.Helper()
	const runs = 150
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := range runs {
		s := newStory(t, verify, rand.New(rand.NewPCG(seed, uint64(run))))
		for range 1 + s.random.IntN(8) {
			s.happens()
			s.agrees()
			if t.Failed() {
				t.Fatalf("run %d of seed %d: %s", run, seed, strings.Join(s.told, "; "))
			}
		}
		_ = s.r.Journal.Close()
	}
}

// story is a roll-out to which things happen at random, and what a bystander knows of it.
type story struct {
	t      *testing.T
	verify VerifyFunc
	random *rand.Rand
	m      *memory
	r      *rollOut
	names  []string
	// rolled are the steps of which a rollback was begun, whole says that all of the roll-out was taken back.
	rolled map[int]bool
	whole  bool
	told   []string
}

func newStory(t *testing.T, verify VerifyFunc, random *rand.Rand) *story {
	s := &story{t: t, verify: verify, random: random, m: newMemory(t), names: []string{"a", "b", "c"}, rolled: map[int]bool{}}
	var observes, enforces []Step
	for _, name := range s.names {
		labels, o := map[string]string{}, observe(name)
		if random.IntN(2) == 0 { // there is something to be restored
			labels[api.WarnLevelLabel] = "baseline"
			o.Labels[1].Before = text("baseline")
		}
		s.m.namespace(name, "kubectl", labels)
		observes, enforces = append(observes, o), append(enforces, enforce(name, "baseline"))
	}
	steps := append(observes, enforces...)
	if random.IntN(2) == 0 {
		steps = append(steps, bypass(s.names...)...)
	}
	s.r = begin(t, s.m, steps...)
	s.r.Force = true
	return s
}

// happens lets one thing happen: a run or a rollback, killed or refused or neither, or somebody's edit.
func (s *story) happens() {
	switch s.random.IntN(5) {
	case 0, 1:
		s.faults()
		s.r.Exclude = nil
		if s.random.IntN(4) == 0 {
			s.r.Exclude = s.names[:1]
		}
		s.ended("run", s.r.Run(context.Background()))
	case 2:
		s.rollsBack()
	default:
		s.somebodyEdits()
	}
	s.m.hook, s.m.heard = nil, nil
	s.r = s.r.again()
}

// faults kills the process at a request, or has the server refuse one namespace, or does nothing.
func (s *story) faults() {
	switch s.random.IntN(4) {
	case 0:
		denied := s.names[s.random.IntN(3)]
		s.m.hook = on("patch namespaces/"+denied, -1, apierrors.NewForbidden(inNamespaces, denied, errors.New("no")))
		s.told = append(s.told, "the server refuses "+denied)
	case 1:
	default:
		at := 1 + s.random.IntN(50)
		crash := func(string) error {
			if at--; at > 0 {
				return nil
			}
			return errCrash
		}
		if s.random.IntN(2) == 0 {
			s.m.hook = crash
		} else {
			s.m.heard = crash
		}
	}
}

func (s *story) ended(what string, err error) {
	s.told = append(s.told, fmt.Sprintf("%s: %v", what, err))
	var back *RolledBackError
	if err != nil && !errors.Is(err, errCrash) && !errors.As(err, &back) {
		s.t.Errorf("%s: %v", what, err)
	}
	if errors.As(err, &back) != (s.whole && what == "run") {
		s.t.Errorf("%s: %v; all of it was to be taken back: %t", what, err, s.whole)
	}
}

// rollsBack takes something back. It is begun once the lock is taken, or at once where the roll-out itself goes back.
func (s *story) rollsBack() {
	u := someOf(s.random, s.names)
	if u.isWholeRollout() && s.random.IntN(2) == 0 {
		u.Failure = "not ok: a"
	}
	steps := u.Steps(s.r.Journal)
	s.faults()
	err := s.r.Rollback(context.Background(), u)
	s.ended(fmt.Sprintf("rollback of %v %v", u.Namespaces, u.Stages), err)
	if err != nil && u.Failure == "" && (strings.HasPrefix(err.Error(), "taking the lock") || strings.HasPrefix(err.Error(), "looking who has the lock")) {
		return
	}
	s.whole = s.whole || u.isWholeRollout()
	for _, i := range steps {
		s.rolled[i] = true
	}
}

func (s *story) somebodyEdits() {
	name := s.names[s.random.IntN(3)]
	if path := "rolebindings/" + name + "/" + BypassName; s.random.IntN(3) == 0 && s.m.objects[path] != nil {
		delete(s.m.objects, path)
		s.told = append(s.told, "somebody deletes the binding in "+name)
		return
	}
	keys := inventory.PodSecurityLabelKeys()
	key := keys[s.random.IntN(len(keys))]
	value := []*string{nil, text("privileged"), text("baseline"), text("restricted")}[s.random.IntN(4)]
	s.m.label(name, "somebody", key, value)
	s.told = append(s.told, fmt.Sprintf("somebody sets %s of %s to %s", key, name, QuoteLabelValue(value)))
}

// asked are the labels that a step should have come to: those of the plan or, once it was to be taken back, those before. Of
// one that was never begun, and is called off, nothing is known.
func (s *story) asked(i int) map[string]*string {
	step, out := &s.r.Journal.Steps[i], map[string]*string{}
	off := s.whole
	for k := range s.rolled {
		off = off || s.r.Journal.Steps[k].Namespace == step.Namespace
	}
	last, _ := s.r.Journal.LastEvent(i)
	if off && !s.rolled[i] && !s.r.Journal.MayBeApplied(i) && last != Done {
		return out
	}
	for _, c := range step.Labels {
		out[c.Key] = c.After
		if s.rolled[i] {
			out[c.Key] = c.Before
		}
	}
	return out
}

// off are the keys of a step's labels at which the server is not where it should be.
func (s *story) off(i int) []string {
	var out []string
	is := s.m.objects["namespaces/"+s.r.Journal.Steps[i].Namespace].GetLabels()
	for key, value := range s.asked(i) {
		if !EqualLabelValues(LabelValue(is, key), value) {
			out = append(out, key)
		}
	}
	return out
}

// agrees holds what verify says against the server.
func (s *story) agrees() {
	results := s.verify(s.t, s.m, s.names, s.r.Journal, nil)
	for _, name := range s.names {
		var off []string
		for i := range s.r.Journal.Steps {
			step := &s.r.Journal.Steps[i]
			if step.Namespace != name {
				continue
			}
			off = append(off, s.off(i)...)
			s.stepIsTold(i, results)
		}
		rows := slices.DeleteFunc(rowsOf(results, "labels"), func(r VerifyRow) bool { return r.Namespace != name })
		if len(rows) != 1 || (rows[0].Status == "ok") != (len(off) == 0) {
			s.t.Errorf("%s: not as they should be are %q, and verify says %+v", name, off, rows)
			return
		}
		for _, key := range off {
			if !strings.Contains(rows[0].Reason, key+" is ") {
				s.t.Errorf("%s: verify says nothing of %s: %+v", name, key, rows[0])
			}
		}
	}
	s.agreesWithThePlan(results)
}

// stepIsTold expects a step that came to no end to be told, and to be ok only where the server has its labels.
func (s *story) stepIsTold(i int, results []VerifyRow) {
	step := &s.r.Journal.Steps[i]
	last, _ := s.r.Journal.LastEvent(i)
	fine := len(s.off(i)) == 0 // though it came to no end
	ended := last == Undone || last == Done && !s.rolled[i] || len(s.asked(i)) == 0
	if step.Create != nil {
		if !s.rolled[i] && !s.r.Journal.MayBeApplied(i) && last != Done {
			return // may be called off; the steps of labels have it
		}
		_, bound := s.m.objects["rolebindings/"+step.Namespace+"/"+BypassName]
		fine = last == Begun && bound && !s.rolled[i]
		ended = last == Undone || last == Done && bound && !s.rolled[i]
	}
	told := slices.ContainsFunc(results, func(r VerifyRow) bool {
		return r.Check == "steps" && r.Namespace == step.Namespace && strings.HasPrefix(r.Reason, string(step.Stage)+": ") && (r.Status == "ok") == fine
	})
	if told == ended {
		s.t.Errorf("%s: it ended with %q, ended: %t, told: %t\n%+v", step, last, ended, told, rowsOf(results, "steps"))
	}
}

// agreesWithThePlan expects the same of a verification by the plan, as long as nothing was to be taken back.
func (s *story) agreesWithThePlan(results []VerifyRow) {
	if s.whole || len(s.rolled) > 0 {
		return
	}
	plan := map[string]map[string]*string{}
	for i := range s.r.Journal.Steps {
		step := &s.r.Journal.Steps[i]
		if plan[step.Namespace] == nil {
			plan[step.Namespace] = map[string]*string{}
		}
		for _, c := range step.Labels {
			plan[step.Namespace][c.Key] = c.After
		}
	}
	byPlan := s.verify(s.t, s.m, s.names, nil, plan)
	if diff := cmp.Diff(rowsOf(byPlan, "labels"), rowsOf(results, "labels")); diff != "" {
		s.t.Errorf("by the plan and by the journal (-plan +journal):\n%s", diff)
	}
}

// rowsOf are the results of one check.
func rowsOf(results []VerifyRow, check string) []VerifyRow {
	return slices.DeleteFunc(slices.Clone(results), func(r VerifyRow) bool { return r.Check != check })
}
