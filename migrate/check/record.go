package check

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
	"github.com/psp2pss/psp2pss/simulate/places"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// record is what a check keeps of one object with pods: what its templates fail at any version that may be demanded, and where.
type record struct {
	object    finding.Object
	position  pspparse.Position
	makesPods bool
	// custom is true for a kind that is not Kubernetes' own.
	custom bool
	// clusterScoped is true for a kind that belongs to no namespace.
	clusterScoped bool
	partial       bool
	// runtimeClass is that of its pods, if they have one and the same.
	runtimeClass string
	templates    []judgedTemplate
	// contexts are the names of containers that stand for mere security contexts of a partial object.
	contexts map[string]bool
	// exceptions are those that annotations of the object ask for.
	exceptions []finding.Exception
}

// judgedTemplate is what a check keeps of one pod template.
type judgedTemplate struct {
	failures *pss.CheckFailures
	places   []violationPlaces
}

// violationPlaces are the places in a file where a pod template fails a check with one sentence.
type violationPlaces struct {
	violation pss.Violation
	places    []finding.Place
}

// judge evaluates the pod templates of the current object, and keeps a record of it. custom is true for a kind that is not
// Kubernetes' own.
func (s *reading) judge(w *inventory.WrittenWorkload, makesPods, custom bool, at pspparse.Position) {
	r := record{
		object: finding.Object{
			APIVersion: s.current.APIVersion, Kind: s.current.Kind, Namespace: cmp.Or(w.Namespace, s.options.Namespace), Name: w.Name,
			Template: s.current.Template(), Hook: w.Annotations[helmHookAnnotation],
		},
		position: at, makesPods: makesPods, custom: custom, partial: len(w.Templates) == 0, runtimeClass: runtimeClassOf(w),
		exceptions: exceptions.FromAnnotations(w.Annotations, func(key string) finding.Range {
			return s.locate(fieldpath.Keys("metadata", "annotations", key), at).Range
		}),
	}
	for i := range w.Templates {
		t := &w.Templates[i]
		s.noteExceptions(w, t, at)
		if t.Partial {
			r.partial, r.contexts = true, contextNames(t)
		}
		j := judgedTemplate{failures: s.cache.PodFailures(t.Shape.Annotations, &t.Shape.Spec)}
		for _, v := range s.versions() {
			for _, violation := range s.demandable(s.cache.VerdictAt(j.failures, v).Violations, v) {
				if slices.ContainsFunc(j.places, func(p violationPlaces) bool { return p.violation == violation }) {
					continue
				}
				j.places = append(j.places, violationPlaces{violation, s.placesOf(t, violation.Check, v, at)})
			}
		}
		r.templates = append(r.templates, j)
	}
	s.records = append(s.records, r)
}

// noteExceptions notes the annotations of a pod template that ask for exceptions: only those of the object do. A Pod is its own
// template.
func (s *reading) noteExceptions(w *inventory.WrittenWorkload, t *inventory.EmbeddedTemplate, at pspparse.Position) {
	if s.current.Kind == "Pod" {
		return
	}
	exceptions.FromAnnotations(t.Annotations, func(key string) finding.Range {
		place := s.annotationPlace(t, key, at).Range
		s.notes = append(s.notes, inventory.Note{
			What: inventory.ObjectText(s.current.Kind, w.Namespace, w.Name), Position: pspparse.Position{File: place.File, Line: place.Line},
			Why: message.New("check-exception-on-template", "key", key, "kind", s.current.Kind),
		})
		return place
	})
}

// annotationPlace returns the place of an annotation of a pod template in the file of its object.
func (s *reading) annotationPlace(t *inventory.EmbeddedTemplate, key string, at pspparse.Position) finding.Place {
	path := fieldpath.Keys("metadata", "annotations", key)
	if !t.Partial {
		return s.locate(templatePath(t.Path).Join(path), at)
	}
	if fields := newPieceIndex(t.Pieces).fieldsOf(path); len(fields) > 0 {
		return s.locate(fields[0].path, at)
	}
	return s.locate(templatePath(t.Path), at)
}

// helmHookAnnotation is the annotation by which Helm runs an object at an event of a release.
const helmHookAnnotation = "helm.sh/hook"

// versions returns the versions of the standards at which an object is judged while it is read: those that were asked for, else all
// at which a check changes, since labels may ask for any.
func (s *reading) versions() []api.Version {
	switch {
	case len(s.options.Versions) > 0:
		return s.options.Versions
	case s.options.Level != "":
		return []api.Version{api.LatestVersion()}
	}
	return s.evaluator.VersionsOfChange()
}

// demandable returns those violations that the level which may be demanded refuses.
func (s *reading) demandable(violations []pss.Violation, v api.Version) []pss.Violation {
	if s.options.Level == "" {
		return violations
	}
	return s.evaluator.ViolationsAtLevel(violations, api.LevelVersion{Level: s.options.Level, Version: v})
}

// placesOf returns the places in the file of an object at which one of its pod templates fails a check. What is there by an API
// default alone, such as a host port under hostNetwork, is no place: it goes with the field that asks for it.
func (s *reading) placesOf(t *inventory.EmbeddedTemplate, check string, v api.Version, at pspparse.Position) []finding.Place {
	base := templatePath(t.Path)
	if t.Partial {
		return s.placesOfPieces(t, check, v, at)
	}
	var out []finding.Place
	for _, p := range places.Of(s.evaluator, t.Shape, check, v) {
		place := s.locate(base.Join(p.Path), at)
		if place.Missing && p.Edit != nil && p.Edit.Remove { // a default, which goes with the field that asks for it
			continue
		}
		place.Container = p.Container
		if p.Edit != nil {
			e := finding.Edit{Op: finding.OpSet, Value: p.Edit.Value, Safety: p.Edit.Safety, Why: p.Edit.Why}
			if p.Edit.Remove {
				e.Op, e.Value = finding.OpRemove, nil
			}
			place.Edit = s.shared.edit(e)
		}
		out = append(out, place)
	}
	if len(out) == 0 {
		out = append(out, s.locate(base, at))
	}
	slices.SortStableFunc(out, func(a, b finding.Place) int { return comparePlaces(&a, &b) })
	return out
}

// templatePath parses the path of a pod template within its object; one that cannot be parsed is the object's own.
func templatePath(text string) fieldpath.Path {
	if text == "" {
		return nil
	}
	p, err := fieldpath.Parse(text)
	if err != nil {
		return nil
	}
	return p
}

// locate returns the place of a field of the current object in its file. Without a tree of the object it is where the object begins.
func (s *reading) locate(path fieldpath.Path, at pspparse.Position) finding.Place {
	place := finding.Place{Field: s.shared.field(path.String()), Range: finding.Range{File: at.File, Line: at.Line, Column: 1, EndLine: at.Line, EndColumn: 1}}
	root := s.current.Node()
	if root == nil {
		return place
	}
	found := yamledit.Locate(root, path)
	if place.Missing = found.Missing; !found.Missing {
		place.Value = refusedValue(root, path)
	}
	place.Line, place.Column, place.EndLine, place.EndColumn = found.Line, found.Column, found.EndLine, found.EndColumn
	return place
}

// comparePlaces orders places by where they are in a file.
func comparePlaces(a, b *finding.Place) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Field, b.Field))
}
