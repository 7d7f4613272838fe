// Package since owns what is new in a result of "psp2pss check": it compares one with an earlier result, or with a plan. A finding is
// known by its check, its object, and the container, field and value of each place; files, lines and the order of lists do not count.
// It reads no file.
package since

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// objectKey names an object of a finding whatever its file, and whatever version of its API is used.
type objectKey struct{ kind, namespace, name string }

// keyOf returns what names an object.
func keyOf(o *finding.Object) objectKey { return objectKey{o.Kind, o.Namespace, o.Name} }

// Compare marks in a result what is new since an earlier one, and says what is fixed. A place is new if the earlier result did not
// have it, or less severe; a finding is new if one of its places is. A value that another one has taken the place of is not fixed: it
// is the previous one of the new place. What is fixed is only said of objects that both have, and of checks that are asked of them now;
// notes count the others. name is what the file of the earlier result is called.
func Compare(r, earlier *finding.Result, name string) {
	r.Since = name
	markNew(r.Findings, earlier.Findings)
	stillFound := placesStillFound(r, earlier.Findings)
	markChanged(r.Findings, earlier.Findings, stillFound)
	now := newObjects(r)
	var left leftOut
	for i := range earlier.Findings {
		f := &earlier.Findings[i]
		fixed := fixedPlaces(f, stillFound)
		switch {
		case len(fixed) == 0:
		case !now.has(&f.Object):
			left.notRead(&f.Object)
		case !now.asks(&f.Object, f.Rule, f.Level):
			left.notAsked++
		default:
			r.Fixed = append(r.Fixed, knownOf(f, fixed))
		}
	}
	sortKnown(r.Fixed)
	left.addNotes(r, name)
}

// eachPlace visits the places of findings in their order.
func eachPlace(findings []finding.Finding, visit func(*finding.Finding, *finding.Place)) {
	for i := range findings {
		for k := range findings[i].Places {
			visit(&findings[i], &findings[i].Places[k])
		}
	}
}

// markNew marks the places of sorted findings that earlier ones do not have, or less severe, and the findings that have such places.
func markNew(findings, earlier []finding.Finding) {
	known := places{}
	eachPlace(earlier, func(f *finding.Finding, p *finding.Place) { known.add(f, p, finding.SeverityRank(f.Severity)) })
	eachPlace(findings, func(f *finding.Finding, p *finding.Place) {
		p.New = !known.take(f, p, finding.SeverityRank(f.Severity))
	})
	eachPlace(findings, func(f *finding.Finding, p *finding.Place) {
		p.New = p.New && !known.takeUnknownValue(f, p, finding.SeverityRank(f.Severity))
		f.New = f.New || p.New
	})
}

// placesStillFound returns the places of earlier findings that a result has, ignored ones among them, whatever their severity.
func placesStillFound(r *finding.Result, earlier []finding.Finding) map[*finding.Place]bool {
	remaining := places{}
	add := func(f *finding.Finding, p *finding.Place) { remaining.add(f, p, 0) }
	eachPlace(r.Findings, add)
	for i := range r.Ignored {
		f := &r.Ignored[i].Finding
		for k := range f.Places {
			add(f, &f.Places[k])
		}
	}
	out := map[*finding.Place]bool{}
	eachPlace(earlier, func(f *finding.Finding, p *finding.Place) { out[p] = remaining.take(f, p, 0) })
	eachPlace(earlier, func(f *finding.Finding, p *finding.Place) { out[p] = out[p] || remaining.takeUnknownValue(f, p, 0) })
	return out
}

// markChanged gives each new place of sorted findings whose value was not there before the value of an earlier one of the same container
// and field that is gone, and counts that one as still found.
func markChanged(findings, earlier []finding.Finding, stillFound map[*finding.Place]bool) {
	gone, known := map[placeKey][]*finding.Place{}, places{}
	eachPlace(earlier, func(f *finding.Finding, p *finding.Place) {
		known.add(f, p, 0)
		if key := keyOfPlace(f, p); !stillFound[p] && len(p.Value) > 0 {
			gone[key] = append(gone[key], p)
		}
	})
	eachPlace(findings, func(f *finding.Finding, p *finding.Place) {
		key := keyOfPlace(f, p)
		if known.take(f, p, 0) || !p.New || len(p.Value) == 0 || len(gone[key]) == 0 {
			return
		}
		p.PreviousValue, stillFound[gone[key][0]] = gone[key][0].Value, true
		gone[key] = gone[key][1:]
	})
}

// fixedPlaces returns the places of an earlier finding that are not among those still found.
func fixedPlaces(f *finding.Finding, stillFound map[*finding.Place]bool) []finding.Place {
	var out []finding.Place
	for k := range f.Places {
		if p := &f.Places[k]; !stillFound[p] {
			out = append(out, *p)
		}
	}
	return out
}

// knownOf returns what a result says of an earlier finding whose places, or some of them, are fixed.
func knownOf(f *finding.Finding, fixed []finding.Place) finding.Known {
	out := finding.Known{Rule: f.Rule, Object: f.Object, Message: f.Message, File: fixed[0].File}
	if len(fixed) == len(f.Places) {
		return out
	}
	for _, p := range fixed {
		if p.Container != "" {
			out.Containers = append(out.Containers, p.Container)
		}
		out.Fields = append(out.Fields, p.Field)
	}
	slices.Sort(out.Containers)
	out.Containers = slices.Compact(out.Containers)
	return out
}

// sortKnown sorts what is fixed by object and check.
func sortKnown(known []finding.Known) {
	slices.SortStableFunc(known, func(a, b finding.Known) int {
		return cmp.Or(
			cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Kind, b.Object.Kind),
			cmp.Compare(a.Object.Name, b.Object.Name), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.File, b.File),
		)
	})
}

// leftOut counts the earlier findings of which nothing can be said.
type leftOut struct {
	// unread are the objects that were not read now, read how many findings are about them.
	unread      []string
	aboutUnread int
	notAsked    int
}

// notRead counts an earlier finding about an object that was not read now.
func (l *leftOut) notRead(o *finding.Object) {
	l.aboutUnread++
	l.unread = append(l.unread, inventory.ObjectText(o.Kind, o.Namespace, o.Name))
}

// addNotes adds to a result how many earlier findings nothing can be said of, and why.
func (l *leftOut) addNotes(r *finding.Result, name string) {
	if l.aboutUnread > 0 {
		slices.Sort(l.unread)
		r.Notes = append(r.Notes, finding.Note{
			Message: message.New("since-objects-not-read", "n", l.aboutUnread, "objects", slices.Compact(l.unread)), What: name,
		})
	}
	if l.notAsked > 0 {
		r.Notes = append(r.Notes, finding.Note{Message: message.New("since-checks-not-asked", "n", l.notAsked), What: name})
	}
}
