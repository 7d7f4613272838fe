package simulate

import (
	"encoding/binary"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Judge answers for the workloads of one Inventory and remembers what it found: each shape is run once through every
// version of every check, after which any version is a look-up. It is not safe for concurrent use.
//
// The Verdicts it returns share their violations with one another; callers must not write into them.
type Judge struct {
	evaluator *Evaluator
	// fillings by policy name; a name that is missing is a policy of which nothing is known. Policies that fill in the same
	// share one.
	fillings map[string]*filling
	unknown  *filling

	shapes    map[*inventory.Shape]*judgement
	estimates map[estimate]*judgement
	syncs     map[*inventory.Shape]*judgement
	// What answers for PSP admission: see Foresee.
	admitter *Admitter
	foreseen map[question]*Foresight
	tried    map[newPod][]outcome
	admitted map[admittedPod]*Foresight
	stripped map[estimate]*inventory.Shape
	made     *inventory.Shapes
	raises   map[string]Raise
	// expected are other forms of the pods to come, by workload: see Expect.
	expected map[*inventory.Workload][]*inventory.Shape

	// What follows makes equal findings one: most shapes differ in nothing that any check tells.
	judgements map[string]*judgement
	verdicts   map[string]*Verdict
	numbers    map[Violation]int
	violations []Violation
}

// judgement is what one shape fails, in the order of Evaluator.revisions.
type judgement struct {
	failed []failure
	// verdicts by epoch, made when first asked for.
	verdicts []*Verdict
}

// failure is a violation, by its place in Judge.violations, found by a revision, by its place in Evaluator.revisions.
type failure struct {
	revision, violation int
}

// NewJudge returns a Judge that knows what the given policies fill into pods.
func NewJudge(policies []*pspparse.Policy) (*Judge, error) {
	evaluator, err := NewEvaluator()
	if err != nil {
		return nil, err
	}
	j := &Judge{
		evaluator:  evaluator,
		fillings:   make(map[string]*filling, len(policies)),
		unknown:    anyFilling(),
		shapes:     map[*inventory.Shape]*judgement{},
		admitter:   NewAdmitter(policies),
		foreseen:   map[question]*Foresight{},
		tried:      map[newPod][]outcome{},
		admitted:   map[admittedPod]*Foresight{},
		stripped:   map[estimate]*inventory.Shape{},
		made:       inventory.NewShapes(),
		estimates:  map[estimate]*judgement{},
		syncs:      map[*inventory.Shape]*judgement{},
		raises:     map[string]Raise{},
		expected:   map[*inventory.Workload][]*inventory.Shape{},
		judgements: map[string]*judgement{},
		verdicts:   map[string]*Verdict{},
		numbers:    map[Violation]int{},
	}
	j.admitter.most = RefusalsTold
	known := map[string][]*filling{} // by sketch
	for _, p := range policies {
		f := fillingOf(p)
		alike := known[f.sketch()]
		if i := slices.IndexFunc(alike, func(k *filling) bool { return reflect.DeepEqual(k, f) }); i >= 0 {
			f = alike[i]
		} else {
			known[f.sketch()] = append(alike, f)
		}
		if _, twice := j.fillings[p.Name]; twice || p.Unusable() != "" {
			// Which of two it was cannot be told; and what cannot admit a pod now was another policy when it did.
			f = j.unknown
		}
		j.fillings[p.Name] = f
	}
	return j, nil
}

// fillingBy is what the policy in a pod's annotation writes; nil if there is none.
func (j *Judge) fillingBy(policy string) *filling {
	if policy == "" {
		return nil
	}
	if f, known := j.fillings[policy]; known {
		return f
	}
	return j.unknown
}

// Evaluate judges a shape as it stands.
func (j *Judge) Evaluate(s *inventory.Shape, v api.Version) Verdict {
	return *j.verdict(j.judge(s), v)
}

// AsWritten judges what the workload's author wrote: the template, or a bare pod to which no policy has made a difference.
// It is false where that is not known: a bare pod that a policy may have filled in, a controller that was not itself read.
func (j *Judge) AsWritten(w *inventory.Workload, v api.Version) (Verdict, bool) {
	if w.Template != nil {
		return j.Evaluate(w.Template, v), true
	}
	if len(w.Embedded) > 0 {
		return j.embedded(w, v), true
	}
	if w.Kind == "Pod" && len(w.Pods) == 1 && (w.Pods[0].AdmittedBy == "" || j.indifferent(w.Pods[0].Shape, v)) {
		return j.Evaluate(w.Pods[0].Shape, v), true
	}
	return Verdict{}, false
}

// AtLevel is Evaluator.AtLevel.
func (j *Judge) AtLevel(violations []Violation, lv api.LevelVersion) []Violation {
	return j.evaluator.AtLevel(violations, lv)
}

func (j *Judge) judge(s *inventory.Shape) *judgement {
	found, ok := j.shapes[s]
	if !ok {
		found = j.run(s.Annotations, &s.Spec)
		j.shapes[s] = found
	}
	return found
}

// run judges a pod by every revision there is, which costs little more than one version does.
func (j *Judge) run(annotations map[string]string, spec *corev1.PodSpec) *judgement {
	meta := &metav1.ObjectMeta{Annotations: annotations}
	var failed []failure
	var key []byte
	for i := range j.evaluator.revisions {
		violation, fails := j.evaluator.revisions[i].judge(meta, spec)
		if !fails {
			continue
		}
		f := failure{revision: i, violation: j.number(violation)}
		failed = append(failed, f)
		key = binary.AppendVarint(binary.AppendVarint(key, int64(f.revision)), int64(f.violation))
	}
	if known, ok := j.judgements[string(key)]; ok {
		return known
	}
	fresh := &judgement{failed: failed, verdicts: make([]*Verdict, len(j.evaluator.epochs))}
	j.judgements[string(key)] = fresh
	return fresh
}

func (j *Judge) number(v Violation) int {
	n, ok := j.numbers[v]
	if !ok {
		n = len(j.violations)
		j.violations = append(j.violations, v)
		j.numbers[v] = n
	}
	return n
}

// verdict picks from a judgement what is in force at v. Equal verdicts are the same pointer.
func (j *Judge) verdict(on *judgement, v api.Version) *Verdict {
	at := j.evaluator.epochAt(v)
	if on.verdicts[at] == nil {
		on.verdicts[at] = j.newVerdict(on, &j.evaluator.epochs[at])
	}
	return on.verdicts[at]
}

func (j *Judge) newVerdict(on *judgement, p *epoch) *Verdict {
	var key []byte
	var numbers []int
	for _, f := range on.failed {
		if p.inForce[f.revision] {
			key = binary.AppendVarint(key, int64(f.violation))
			numbers = append(numbers, f.violation)
		}
	}
	if known, ok := j.verdicts[string(key)]; ok {
		return known
	}
	var found []Violation
	if len(numbers) > 0 {
		found = make([]Violation, len(numbers)) // no spare room: an append by a caller copies
	}
	for i, n := range numbers {
		found[i] = j.violations[n]
	}
	fresh := verdictOn(found)
	j.verdicts[string(key)] = &fresh
	return &fresh
}
