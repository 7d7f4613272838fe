package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/saved"
	"github.com/psp2pss/psp2pss/pspparse"
)

// MarshalText returns the reference to a workload of the Plan as "Deployment/web". The error is always nil.
func (r WorkloadRef) MarshalText() ([]byte, error) { return []byte(r.Kind + "/" + r.Name), nil }

// UnmarshalText reads the reference to a workload of the Plan from "Deployment/web". It returns an error for a text
// without a kind or a name.
func (r *WorkloadRef) UnmarshalText(text []byte) error {
	kind, name, _ := strings.Cut(string(text), "/")
	if kind == "" || name == "" {
		return fmt.Errorf(`%q is not a workload such as "Deployment/web"`, text)
	}
	r.Kind, r.Name = kind, name
	return nil
}

// Text returns the value that, by a Plan, a template must state as YAML has it on one line: true, [ALL], type:
// RuntimeDefault.
func (v *RequiredTemplateValue) Text() string { return mapping.TemplateText(v.Value) }

// At returns the position at which a policy of the Plan states a field, by its path ("spec.hostPorts"), or the nearest
// one around it that it states. It is zero for a policy that was read from a cluster.
func (p *Policy) At(path string) pspparse.Position {
	read := pspparse.Policy{Position: p.Position, Lines: p.Lines}
	return pspparse.Position{File: p.Position.File, Line: read.Line(path)}
}

// Comparable returns a copy of the plan without what differs between two runs over the same objects: the cluster that they
// were read from, the version of the tool and the time.
func (p *Plan) Comparable() *Plan {
	out := *p
	out.Source.UID, out.Source.Run = "", nil
	return &out
}

// IndexShared sets the Plan's Evaluations and LostSets, and the keys by which workloads and namespaces refer to them,
// from what the namespaces have. Equal ones become one.
func (p *Plan) IndexShared() {
	p.indexEvaluations()
	p.indexLostSets()
}

// indexEvaluations lists equal evaluations of workloads once in the Plan and makes the workloads refer to them by key.
func (p *Plan) indexEvaluations() {
	keys, known, first := newContentKeys(), map[*Evaluation]*Evaluation{}, map[string]*Evaluation{}
	for i := range p.Namespaces {
		for k := range p.Namespaces[i].Workloads {
			w := &p.Namespaces[i].Workloads[k]
			if known[w.Evaluation] == nil {
				key := keys.of(keys.evaluation(w.Evaluation))
				if first[key] == nil {
					first[key] = w.Evaluation
				}
				known[w.Evaluation] = first[key]
				w.Evaluation.Key = key
			}
			w.Evaluation = known[w.Evaluation]
			w.EvaluationKey = w.Evaluation.Key
		}
	}
	p.Evaluations = make([]*Evaluation, 0, len(first))
	for _, key := range slices.Sorted(maps.Keys(first)) {
		p.Evaluations = append(p.Evaluations, first[key])
	}
}

// indexLostSets lists equal sets of lost constraints once in the Plan and makes the namespaces refer to them by key.
func (p *Plan) indexLostSets() {
	keys, known, first := newContentKeys(), map[*LostConstraint]*LostSet{}, map[string]*LostSet{}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if ns.LostKey = ""; len(ns.Lost) == 0 {
			continue
		}
		set := known[&ns.Lost[0]]
		if set == nil {
			key := keys.of(hashOf(ns.Lost...))
			if set = first[key]; set == nil {
				set = &LostSet{Key: key, Constraints: ns.Lost}
				first[key] = set
			}
			known[&ns.Lost[0]] = set
		}
		ns.Lost, ns.LostKey = set.Constraints, set.Key
	}
	p.LostSets = nil
	for _, key := range slices.Sorted(maps.Keys(first)) {
		p.LostSets = append(p.LostSets, first[key])
	}
}

// contentKeys makes the keys by which a Plan refers to shared evaluations and lost sets, from hashes of their contents.
type contentKeys struct {
	given map[string]contentHash
	// parts are the hashes of lists that several contents have, by where they are.
	parts map[listPlace]contentHash
}

// contentHash is the SHA-256 of the JSON of a part of the Plan.
type contentHash [sha256.Size]byte

// listPlace is the key of the hash of a list while Build shares equal content: the address of its first item, and its length.
type listPlace struct {
	first  any
	length int
}

// newContentKeys returns an empty table of keys for the shared parts of a Plan.
func newContentKeys() *contentKeys {
	return &contentKeys{given: map[string]contentHash{}, parts: map[listPlace]contentHash{}}
}

// of returns the key of a shared part of the Plan: the beginning of its hash, or the whole hash where another content
// has that beginning.
func (c *contentKeys) of(sum contentHash) string {
	key := hex.EncodeToString(sum[:6])
	if other, taken := c.given[key]; taken && other != sum {
		key = hex.EncodeToString(sum[:])
	}
	c.given[key] = sum
	return key
}

// evaluation returns the hash of a workload's evaluation in the Plan without its key. Its long lists, which others have
// as well, are hashed once.
func (c *contentKeys) evaluation(e *Evaluation) contentHash {
	rest := *e
	rest.Key = ""
	parts := []contentHash{hashAndClear(c, &rest.UsablePolicies), hashAndClear(c, &rest.Violations), hashAndClear(c, &rest.Mutations)}
	rest.StricterEdits = slices.Clone(rest.StricterEdits)
	for i := range rest.StricterEdits {
		parts = append(parts, hashAndClear(c, &rest.StricterEdits[i].Edits), hashAndClear(c, &rest.StricterEdits[i].Obstacles))
	}
	if rest.Template != nil {
		template := *rest.Template
		parts = append(parts, hashAndClear(c, &template.Parents), hashAndClear(c, &template.Containers))
		rest.Template = &template
	}
	return hashOf(struct {
		Rest  Evaluation
		Parts []contentHash
	}{rest, parts})
}

// hashAndClear returns the hash of a list of a workload's evaluation in the Plan, and sets the list to nil.
func hashAndClear[T any](c *contentKeys, list *[]T) contentHash {
	if len(*list) == 0 {
		return contentHash{}
	}
	place := listPlace{&(*list)[0], len(*list)}
	sum, known := c.parts[place]
	if !known {
		sum = hashOf(*list...)
		c.parts[place] = sum
	}
	*list = nil
	return sum
}

// hashOf returns the hash of the JSON forms of values of the Plan, a line each. It encodes one after the other, so that
// a long list takes no more memory than its longest item.
func hashOf[T any](values ...T) (sum contentHash) {
	h := sha256.New()
	encoder := json.NewEncoder(h)
	for i := range values {
		_ = encoder.Encode(values[i]) // the types of a Plan always encode
	}
	h.Sum(sum[:0])
	return sum
}

// ResolveShared sets Workload.Evaluation and Namespace.Lost from the keys that a plan has after it was decoded. It returns an
// error that names the field for a key that stands for nothing, and for one that stands for two things.
func (p *Plan) ResolveShared() error {
	evaluations := make(map[string]*Evaluation, len(p.Evaluations))
	for i, e := range p.Evaluations {
		if e == nil || evaluations[e.Key] != nil {
			return &saved.FieldError{Path: fmt.Sprintf("evaluations[%d].key", i), Why: "it is missing, or another evaluation has it"}
		}
		evaluations[e.Key] = e
	}
	sets := make(map[string]*LostSet, len(p.LostSets))
	for i, s := range p.LostSets {
		if s == nil || sets[s.Key] != nil {
			return &saved.FieldError{Path: fmt.Sprintf("lostSets[%d].key", i), Why: "it is missing, or another set has it"}
		}
		sets[s.Key] = s
	}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if ns.LostKey != "" {
			if sets[ns.LostKey] == nil {
				return &saved.FieldError{Path: fmt.Sprintf("namespaces[%d].lost", i), Why: fmt.Sprintf("lostSets has no %q", ns.LostKey)}
			}
			ns.Lost = sets[ns.LostKey].Constraints
		}
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			if w.Evaluation = evaluations[w.EvaluationKey]; w.Evaluation == nil {
				return &saved.FieldError{Path: fmt.Sprintf("namespaces[%d].workloads[%d].evaluation", i, k), Why: fmt.Sprintf("evaluations has no %q", w.EvaluationKey)}
			}
		}
	}
	return nil
}

// keepReferred removes from the Plan the evaluations and lost sets that none of its namespaces refers to.
func (p *Plan) keepReferred() {
	referred := map[string]bool{}
	for i := range p.Namespaces {
		referred[p.Namespaces[i].LostKey] = true
		for k := range p.Namespaces[i].Workloads {
			referred[p.Namespaces[i].Workloads[k].EvaluationKey] = true
		}
	}
	evaluations, sets := []*Evaluation{}, []*LostSet(nil)
	for _, e := range p.Evaluations {
		if referred[e.Key] {
			evaluations = append(evaluations, e)
		}
	}
	for _, s := range p.LostSets {
		if referred[s.Key] {
			sets = append(sets, s)
		}
	}
	p.Evaluations, p.LostSets = evaluations, sets
}
