package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Empty returns the result of a check of nothing.
func Empty(toolVersion string) *finding.Result {
	return &finding.Result{
		APIVersion: migrate.APIVersion, Kind: finding.Kind, ToolVersion: toolVersion,
		Workloads: []finding.Workload{}, Findings: []finding.Finding{}, Ignored: []finding.Ignored{}, Gaps: []finding.Gap{},
	}
}

// result returns what was found in all manifests, or an *UnknownLevelError.
func (s *reading) result() (*finding.Result, error) {
	r := Empty(s.options.ToolVersion)
	slices.SortStableFunc(s.records, func(a, b record) int { return comparePositions(a.position, b.position) })
	unknown := &unknownLevels{}
	passed := passedChecks{evaluator: s.evaluator}
	r.Findings = make([]finding.Finding, 0, s.mostFindings())
	r.Workloads = make([]finding.Workload, 0, len(s.records))
	for i := range s.records {
		rec := &s.records[i]
		list := s.demandsOf(rec)
		if !list.known {
			unknown.add(rec)
			continue
		}
		found := s.findingsOf(rec, list.demands)
		r.Findings = append(r.Findings, found...)
		r.Workloads = append(r.Workloads, workloadOf(rec, list.demands, found, &passed))
		rec.templates = nil // the findings have what matters of them
	}
	if err := unknown.err(s.options); err != nil {
		return nil, err
	}
	finding.SetFingerprints(r.Findings)
	finding.Sort(r.Findings)
	s.addGapsAndNotes(r)
	return r, nil
}

// mostFindings returns how many findings there are if all is demanded of every object that it was evaluated for.
func (s *reading) mostFindings() int {
	n := 0
	for i := range s.records {
		for _, t := range s.records[i].templates {
			n += len(t.places)
		}
	}
	return n
}

// addGapsAndNotes adds to a result what could not be read, and the remarks of the reader that matter to a check.
func (s *reading) addGapsAndNotes(r *finding.Result) {
	if s.read == 0 && len(s.gaps) == 0 && !s.options.Listed {
		s.gaps = append(s.gaps, inventory.Gap{What: "the files", Why: message.New("check-nothing-read")})
	}
	for file, n := range s.gapsOfObjects {
		if n > maxGapsOfObjects {
			s.gaps = append(s.gaps, inventory.Gap{What: "the file", Why: message.New("file-objects-not-named", "n", n-maxGapsOfObjects, "limit", maxGapsOfObjects), Position: filePosition(file)})
		}
	}
	slices.SortStableFunc(s.gaps, func(a, b inventory.Gap) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), cmp.Compare(a.Why.Text, b.Why.Text))
	})
	for _, g := range s.gaps {
		r.Gaps = append(r.Gaps, finding.Gap{Message: forCheck(g.Why), What: g.What, Position: g.Position})
	}
	slices.SortStableFunc(s.notes, func(a, b inventory.Note) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), cmp.Compare(a.Why.Text, b.Why.Text))
	})
	if a := s.options.Admission; a != nil && s.options.Level != "" {
		r.Notes = append(r.Notes, finding.Note{Message: message.New("check-admission-unused", "level", s.options.Level), What: a.Name})
	}
	for _, n := range s.notes {
		r.Notes = append(r.Notes, finding.Note{Message: n.Why, What: n.What, Position: n.Position})
	}
}

// findingsOf returns the checks of the demands that an object fails, each once, with the oldest version at which it does.
func (s *reading) findingsOf(r *record, demands []finding.Demand) []finding.Finding {
	var out []finding.Finding
	index := map[string]int{}
	for _, d := range demands {
		byTemplate := s.violationsByTemplate(r, d)
		for _, v := range mergeViolations(byTemplate) {
			if i, ok := index[v.Check]; ok {
				out[i].Versions = append(out[i].Versions, d.Version)
				continue
			}
			index[v.Check] = len(out)
			out = append(out, finding.Finding{
				Rule: v.Check, Level: string(v.Level), Severity: severityOf(d.Mode), Object: r.object, Demand: d, Versions: []string{d.Version},
				Message: messageOfContexts(s.shared.sentence(v), r.contexts), Effect: s.effectOf(r, d), Places: placesOfCheck(r, byTemplate, v.Check),
			})
		}
	}
	return out
}

// violationsByTemplate returns the violations of an object at what is demanded of it, a list for each of its templates.
func (s *reading) violationsByTemplate(r *record, d finding.Demand) [][]pss.Violation {
	lv := levelVersion(d)
	out := make([][]pss.Violation, len(r.templates))
	for i := range r.templates {
		out[i] = s.evaluator.ViolationsAtLevel(s.cache.VerdictAt(r.templates[i].failures, lv.Version).Violations, lv)
	}
	return out
}

// mergeViolations returns the violations of all templates of an object: those of several by the same check are one.
func mergeViolations(byTemplate [][]pss.Violation) []pss.Violation {
	if len(byTemplate) == 1 {
		return byTemplate[0]
	}
	all := slices.Concat(byTemplate...)
	slices.SortFunc(all, pss.CompareViolations)
	return pss.MergeViolationsPerCheck(slices.Compact(all))
}

// levelVersion returns the level and version that a demand names. A version that cannot be read is the latest, as for an API server.
func levelVersion(d finding.Demand) api.LevelVersion {
	v, err := api.ParseVersion(d.Version)
	if err != nil {
		v = api.LatestVersion()
	}
	return api.LevelVersion{Level: api.Level(d.Level), Version: v}
}

// placesOfCheck returns the places at which the templates of an object, each with its violations, fail a check.
func placesOfCheck(r *record, byTemplate [][]pss.Violation, check string) []finding.Place {
	var out []finding.Place
	for i := range r.templates {
		t := &r.templates[i]
		for _, v := range byTemplate[i] {
			if v.Check != check {
				continue
			}
			if at := slices.IndexFunc(t.places, func(p violationPlaces) bool { return p.violation == v }); at >= 0 {
				if len(r.templates) == 1 {
					return t.places[at].places
				}
				out = append(out, t.places[at].places...)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b finding.Place) int { return comparePlaces(&a, &b) })
	return out
}

// severityOf returns the severity of a finding against a label of a mode.
func severityOf(mode string) string {
	switch mode {
	case modeWarn:
		return finding.SeverityWarning
	case modeAudit:
		return finding.SeverityNote
	}
	return finding.SeverityError
}

// effectKey is what decides about the effect of a finding.
type effectKey struct {
	kind, mode        string
	makesPods, custom bool
}

// effectOf says what an API server does with an object that does not meet a demand. Equal effects are one message.
func (s *reading) effectOf(r *record, d finding.Demand) message.Message {
	key := effectKey{r.object.Kind, d.Mode, r.makesPods, r.custom}
	m, ok := s.effects[key]
	if !ok {
		m = newEffect(r, d)
		s.effects[key] = m
	}
	return m
}

// newEffect returns what an API server does with an object that does not meet a demand. Of the pods in kinds that are not
// Kubernetes' own it knows nothing until they are made.
func newEffect(r *record, d finding.Demand) message.Message {
	kind := r.object.Kind
	switch {
	case r.custom && d.Mode == modeWarn:
		return message.New("check-effect-custom-pods-warned", "kind", kind)
	case r.custom && d.Mode == modeAudit:
		return message.New("check-effect-custom-pods-audited", "kind", kind)
	case r.custom:
		return message.New("check-effect-custom-pods-refused", "kind", kind)
	case d.Mode == modeWarn:
		return message.New("check-effect-warned", "kind", kind)
	case d.Mode == modeAudit:
		return message.New("check-effect-audited", "kind", kind)
	case r.makesPods:
		return message.New("check-effect-pods-refused", "kind", kind)
	}
	return message.New("check-effect-refused", "kind", kind)
}

// workloadOf returns what a result says of an object with pods beside its findings.
func workloadOf(r *record, demands []finding.Demand, found []finding.Finding, passed *passedChecks) finding.Workload {
	w := finding.Workload{Object: r.object, Position: r.position, Demands: demands, Passed: []string{}, Failed: []string{}, Partial: r.partial, MakesPods: r.makesPods, Exceptions: r.exceptions}
	for i := range found {
		w.Failed = append(w.Failed, found[i].Rule)
	}
	slices.Sort(w.Failed)
	if !r.partial {
		w.Passed = passed.of(demands, w.Failed)
	}
	return w
}

// passedChecks makes the lists of checks that workloads pass, equal ones once: most workloads pass the same.
type passedChecks struct {
	evaluator *pss.Evaluator
	lists     map[string][]string
}

// of returns the checks of demands that are not among those that failed, sorted.
func (p *passedChecks) of(demands []finding.Demand, failed []string) []string {
	var key strings.Builder
	for _, d := range demands {
		fmt.Fprintf(&key, "%s:%s,", d.Level, d.Version)
	}
	key.WriteString(strings.Join(failed, ","))
	if list, ok := p.lists[key.String()]; ok {
		return list
	}
	names := map[string]bool{}
	for _, d := range demands {
		for _, id := range p.evaluator.Checks(levelVersion(d)) {
			names[id] = true
		}
	}
	for _, id := range failed {
		delete(names, id)
	}
	list := slices.AppendSeq([]string{}, maps.Keys(names))
	slices.Sort(list)
	if p.lists == nil {
		p.lists = map[string][]string{}
	}
	p.lists[key.String()] = list
	return list
}
