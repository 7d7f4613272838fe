package exceptions

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Apply says in the result of a check which findings exceptions cover: those of annotations, which its workloads have, and those of a
// file, which is nil where there is none. What is covered moves from Findings to Ignored. An exception that gives no reason, is past
// its day, or names no check covers nothing and becomes a finding itself; one that covers nothing becomes a note. today is the day
// by the clock of the caller.
func Apply(r *finding.Result, file *File, today time.Time) {
	a := application{result: r, day: today.Format(time.DateOnly), ids: checks.IDs(), annotated: map[source]*annotated{}}
	a.readAnnotations()
	a.readFile(file)
	kept := r.Findings[:0]
	for i := range r.Findings {
		if ignored, ok := a.cover(&r.Findings[i]); ok {
			r.Ignored = append(r.Ignored, ignored)
		} else {
			kept = append(kept, r.Findings[i])
		}
	}
	finding.SetFingerprints(a.faults)
	r.Findings = append(kept, a.faults...)
	finding.Sort(r.Findings)
	slices.SortStableFunc(r.Ignored, func(a, b finding.Ignored) int { return finding.Compare(&a.Finding, &b.Finding) })
	a.noteUnused(file)
}

// application is the application of exceptions to one result.
type application struct {
	result *finding.Result
	day    string
	ids    []string
	// annotated are the workloads by what names them, fromFile the exceptions of the file that hold, by rule.
	annotated map[source]*annotated
	fromFile  map[string][]*use
	uses      []*use
	faults    []finding.Finding
}

// annotated are the workloads of one name in one file, how many there are, and their exceptions that hold, by rule.
type annotated struct {
	workloads int
	uses      map[string][]*use
}

// source names an object in a file.
type source struct {
	finding.Object
	file string
}

// use is an exception that holds, and what became of it.
type use struct {
	finding.Exception
	// object is that of its annotation, selector says which objects it is for in a file.
	object   finding.Object
	selector Selector
	// used is true once it covers a finding.
	used bool
}

// readAnnotations sorts the exceptions that annotations ask for into those that hold and faults.
func (a *application) readAnnotations() {
	for i := range a.result.Workloads {
		w := &a.result.Workloads[i]
		at := source{w.Object, w.Position.File}
		of := a.annotated[at]
		if of == nil {
			of = &annotated{}
			a.annotated[at] = of
		}
		of.workloads++
		for _, e := range w.Exceptions {
			if a.holds(&e, w.Object, true) {
				u := &use{Exception: e, object: w.Object}
				if of.uses == nil {
					of.uses = map[string][]*use{}
				}
				of.uses[e.Rule] = append(of.uses[e.Rule], u)
				a.uses = append(a.uses, u)
			}
		}
	}
}

// readFile sorts the exceptions of a file into those that hold and faults. Faults are findings about the file.
func (a *application) readFile(file *File) {
	a.fromFile = map[string][]*use{}
	if file == nil {
		return
	}
	object := finding.Object{APIVersion: APIVersion, Kind: Kind, Name: path.Base(file.Name)}
	for _, e := range file.Entries {
		if a.holds(&e.Exception, object, false) {
			u := &use{Exception: e.Exception, selector: e.Object}
			a.fromFile[e.Rule] = append(a.fromFile[e.Rule], u)
			a.uses = append(a.uses, u)
		}
	}
}

// holds reports whether an exception holds. What is wrong with one that does not becomes a finding about an object.
func (a *application) holds(e *finding.Exception, object finding.Object, annotation bool) bool {
	rule, why := a.fault(e, annotation)
	if rule == "" {
		return true
	}
	a.faults = append(a.faults, finding.Finding{
		Rule: rule, Severity: finding.SeverityError, Object: object, Message: why.Text,
		Places: []finding.Place{{Field: e.Field, Range: e.Range}},
	})
	return false
}

// fault returns the rule about exceptions that an exception breaks, with a sentence; "" for one that holds.
func (a *application) fault(e *finding.Exception, annotation bool) (string, message.Message) {
	date, err := time.Parse(time.DateOnly, e.Until)
	switch {
	case !slices.Contains(a.ids, e.Rule):
		return finding.RuleExceptionUnknown, message.New("exception-unknown-check", "check", e.Rule, "meant", a.meant(e.Rule), "several", strings.ContainsAny(e.Rule, ",*"))
	case e.Reason == "":
		return finding.RuleExceptionWithoutReason, message.New("exception-without-reason", "check", e.Rule)
	case e.Until != "" && err != nil:
		return finding.RuleExceptionInvalidDate, message.New("exception-invalid-date", "check", e.Rule, "until", e.Until, "annotation", annotation)
	case e.Until != "" && date.Format(time.DateOnly) < a.day:
		return finding.RuleExceptionExpired, message.New("exception-expired", "check", e.Rule, "until", e.Until)
	}
	return "", message.Message{}
}

// meant returns the check that an exception was probably meant for: the nearest one, else those of which it names the control
// ("capabilities"); "" where it may be any.
func (a *application) meant(rule string) string {
	if len(rule) >= len(nearPrefix) && strings.EqualFold(rule[:len(nearPrefix)], nearPrefix) { // a whole key
		id := strings.TrimLeft(rule[len(nearPrefix):], "-._/")
		if meant := a.meant(id); meant != "" {
			id = meant
		}
		if !slices.Contains(a.ids, id) {
			return ""
		}
		return AnnotationPrefix + id
	}
	if slices.Contains(a.ids, rule) {
		return rule
	}
	if near := pspparse.SuggestName(rule, a.ids); near != "" {
		return near
	}
	var of []string
	for _, id := range a.ids {
		if strings.HasPrefix(id, rule+"_") {
			of = append(of, id)
		}
	}
	return strings.Join(of, " or ")
}

// cover returns a finding as ignored where an exception covers it: one of its object, else the first of the file.
func (a *application) cover(f *finding.Finding) (finding.Ignored, bool) {
	if f.Level == "" || len(f.Places) == 0 {
		return finding.Ignored{}, false
	}
	if u := a.annotationFor(f); u != nil {
		u.used = true
		return ignore(f, u, finding.SourceAnnotation), true
	}
	for _, u := range a.fromFile[f.Rule] {
		if u.selector.matches(&f.Object) {
			u.used = true
			return ignore(f, u, finding.SourceFile), true
		}
	}
	return finding.Ignored{}, false
}

// annotationFor returns the exception that the object of a finding has for it; nil if there is none. Of several objects with one
// name in one file all have to have it.
func (a *application) annotationFor(f *finding.Finding) *use {
	of := a.annotated[source{f.Object, f.Places[0].File}]
	if of == nil || len(of.uses[f.Rule]) < of.workloads { // a workload has one annotation for a rule at most
		return nil
	}
	return of.uses[f.Rule][0]
}

// ignore returns a finding as ignored by an exception.
func ignore(f *finding.Finding, u *use, from string) finding.Ignored {
	return finding.Ignored{
		Finding: *f, Reason: u.Reason, Until: u.Until, Source: from,
		Position: pspparse.Position{File: u.File, Line: u.Line},
	}
}

// noteUnused adds notes on exceptions that cover no finding: each that is for an object which was read, and those of a file that are
// for no such object together.
func (a *application) noteUnused(file *File) {
	var without []string
	for _, u := range a.uses {
		switch {
		case u.used:
		case u.object != (finding.Object{}):
			a.note(u, inventory.ObjectText(u.object.Kind, u.object.Namespace, u.object.Name))
		case a.selects(u.selector):
			a.note(u, u.Field)
		default:
			without = append(without, u.Field)
		}
	}
	if len(without) > 0 {
		a.result.Notes = append(a.result.Notes, finding.Note{
			Message: message.New("exceptions-without-object", "exceptions", without),
			What:    file.Name, Position: pspparse.Position{File: file.Name},
		})
	}
}

// note adds the note on an exception that covers no finding.
func (a *application) note(u *use, what string) {
	a.result.Notes = append(a.result.Notes, finding.Note{
		Message: message.New("exception-unused", "check", u.Rule),
		What:    what, Position: pspparse.Position{File: u.File, Line: u.Line},
	})
}

// selects reports whether an entry of the file is for an object that was read.
func (a *application) selects(s Selector) bool {
	return slices.ContainsFunc(a.result.Workloads, func(w finding.Workload) bool { return s.matches(&w.Object) })
}
