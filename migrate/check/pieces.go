package check

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/places"
)

// placesOfPieces returns the places in the file of a custom object at which what it says of its pods fails a check. Its pod is
// gathered from all over the object, so that a field may stand in several places of it. Only what is written can be taken out: what
// is not there the controller may set.
func (s *reading) placesOfPieces(t *inventory.EmbeddedTemplate, check string, v api.Version, at pspparse.Position) []finding.Place {
	var out []finding.Place
	pieces := newPieceIndex(t.Pieces)
	for _, p := range places.Of(s.evaluator, t.Shape, check, v) {
		for _, found := range pieces.fieldsOf(p.Path) {
			place := s.locate(found.path, at)
			if place.Missing && p.Edit != nil && p.Edit.Remove && !found.inPatch() { // a default, which goes with the field that asks for it
				continue
			}
			if found.inPatch() { // what fails is written in the text, in which no place is known
				place.Missing = false
			}
			if found.container {
				place.Container = p.Container
			}
			if p.Edit != nil && p.Edit.Remove && !place.Missing && !found.inPatch() {
				place.Edit = s.shared.edit(finding.Edit{Op: finding.OpRemove, Safety: p.Edit.Safety, Why: p.Edit.Why})
			}
			out = append(out, place)
		}
	}
	if len(out) == 0 {
		out = append(out, s.locate(templatePath(t.Path), at))
	}
	slices.SortStableFunc(out, func(a, b finding.Place) int { return comparePlaces(&a, &b) })
	return out
}

// pieceField is where a field of a gathered pod stands in its object, and whether that is in a container which has a name there.
type pieceField struct {
	path      fieldpath.Path
	container bool
}

// inPatch reports whether a field stands in a text that patches the pods of its object.
func (f *pieceField) inPatch() bool {
	return slices.ContainsFunc(f.path, func(step fieldpath.Step) bool { return step.Key == custom.PodPatchKey })
}

// pieceIndex has the pieces of a gathered pod by their path in it.
type pieceIndex map[string][]inventory.TemplatePiece

// newPieceIndex returns the pieces of a gathered pod by their path in it.
func newPieceIndex(pieces []inventory.TemplatePiece) pieceIndex {
	index := make(pieceIndex, len(pieces))
	for _, p := range pieces {
		in := p.In.String()
		index[in] = append(index[in], p)
	}
	return index
}

// fieldsOf returns where in an object a field of its gathered pod stands; none for what the object does not say.
func (x pieceIndex) fieldsOf(path fieldpath.Path) []pieceField {
	var out []pieceField
	for n := range len(path) + 1 {
		for _, p := range x[path[:n].String()] {
			out = append(out, pieceField{p.At.Join(path[n:]), p.Container})
		}
	}
	return out
}

// contextNames returns the names of the containers of a gathered pod that stand for mere security contexts of the object: their
// paths.
func contextNames(t *inventory.EmbeddedTemplate) map[string]bool {
	names := map[string]bool{}
	for i := range t.Pieces {
		in := t.Pieces[i].In
		if containers := t.Shape.Spec.Containers; len(in) > 3 && in[1].Key == "containers" && in[2].Index < len(containers) {
			names[containers[in[2].Index].Name] = true
		}
	}
	return names
}

// containersInMessage finds where a message of the standards names containers, and namesInMessage each of them.
var (
	containersInMessage = regexp.MustCompile(`containers? ("[^"]*"(?:, "[^"]*")*)`)
	namesInMessage      = regexp.MustCompile(`"([^"]*)"`)
)

// messageOfContexts returns the message of a violation of a gathered pod without the word container before security contexts that
// are of no known container: they may be of the pod.
func messageOfContexts(text string, contexts map[string]bool) string {
	if len(contexts) == 0 {
		return text
	}
	return containersInMessage.ReplaceAllStringFunc(text, func(found string) string {
		names := namesInMessage.FindAllStringSubmatch(found, -1)
		list := make([]string, 0, len(names))
		for _, name := range names {
			if !contexts[name[1]] {
				return found
			}
			list = append(list, name[1])
		}
		return strings.Join(list, ", ")
	})
}
