package files

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// withoutKind judges an object that does not say what it is.
func (s *stream) withoutKind(o *object) {
	at := s.at(o.line)
	if s.isKustomization() {
		s.kustomization(at)
		return
	}
	data := s.toJSON(o)
	if data == nil || o.node == nil && !s.valid(o) {
		return
	}
	why, namespaces, changes := "", []string(nil), inventory.Part("")
	if o.head.apiVersion != "" {
		why, namespaces, changes = heldBy(o, data)
	}
	switch {
	case why != "":
		s.gap(inventory.Gap{What: o.what, Why: fmt.Sprintf("it has no kind, and %s: give it its kind", why), Position: at, Namespaces: namespaces, Changes: changes})
	case o.head.apiVersion == "":
		s.kindless(o.what, data, at)
	default:
		s.stray()
		s.out.Skip(noKind)
		if s.nameless++; s.nameless <= s.limits.Gaps {
			s.out.AddNote(inventory.Note{What: o.what, Why: fmt.Sprintf("it has the apiVersion %s but no kind: it was passed over, add the kind if it is an object", quote(o.head.apiVersion)), Position: at})
		}
	}
}

func (s *stream) kustomization(at pspparse.Position) {
	s.out.Skip("Kustomization")
	s.told.note("a kustomization is not applied (names, namespaces and patches are those of the files): read the output of kubectl kustomize instead", at, "")
}

// heldBy says what an object that has an apiVersion and no kind has of a pod or of what decides about pods, and in which
// namespaces.
func heldBy(o *object, data []byte) (why string, namespaces []string, changes inventory.Part) {
	if why, namespaces, changes = custom.Lost(data); why == "" {
		why, namespaces = custom.Holds(data), namespaceOf(o)
	}
	return why, namespaces, changes
}

// kindless judges a document that is no Kubernetes object: it is passed over, unless it holds what would count if it were. Some
// say which labels namespaces get.
func (s *stream) kindless(what string, data []byte, at pspparse.Position) {
	known := custom.ReadUnnamed(s.out, data, at)
	if foreign := custom.ForeignFile(s.base(), data); foreign != "" {
		s.stray()
		s.out.Skip(noKind)
		s.told.note(fmt.Sprintf("it is %s, which holds no Kubernetes objects, and was passed over", foreign), at, "")
		return
	}
	if why, namespaces, changes := custom.Lost(data); why != "" {
		s.stray()
		s.gap(inventory.Gap{
			What: what, Why: fmt.Sprintf("it has no apiVersion and no kind, and %s, which was not read: write what it holds as Kubernetes objects", why),
			Position: at, Namespaces: namespaces, Changes: changes,
		})
		return
	}
	if known {
		s.stray()
		s.out.Skip(noKind)
		return
	}
	s.passOver(at)
}

// valid tells whether the JSON of an object that nobody decodes is JSON at all.
func (s *stream) valid(o *object) bool {
	err := validJSON(o.data, o.line)
	if err != nil {
		s.brokenObject(o, err)
	}
	return err == nil
}

// unknown judges an object of a kind that is not read: most can hold no pod, policy or grant and are counted.
func (s *stream) unknown(o *object, data []byte) {
	if o.node == nil && !s.valid(o) {
		return
	}
	if s.passed != nil {
		s.passed(o.head.apiVersion, o.head.kind, data, s.at(o.line))
	}
	if custom.Deploys(o.head.apiVersion, o.head.kind) {
		s.told.note("it has a chart or a folder deployed, whose pods are not judged here: render it and read the output, too, or read a cluster that runs it", s.at(o.line), "")
	}
	group, _, grouped := strings.Cut(o.head.apiVersion, "/")
	if grouped && group != "kustomize.config.k8s.io" && group != "security.openshift.io" && o.head.kind != "Kustomization" && custom.Plain(group, data) {
		s.out.Skip(clean(o.head.kind))
		return
	}
	m := metaOf(o)
	of := custom.Object{APIVersion: o.head.apiVersion, Kind: o.head.kind, Namespace: m.Namespace, Name: m.Name, JSON: data, Position: s.at(o.line)}
	switch {
	case custom.Read(s.out, of):
		return
	case group == "kustomize.config.k8s.io" || o.head.kind == "Kustomization" && s.isKustomization():
		s.kustomization(s.at(o.line))
		return
	case group == "security.openshift.io" && o.head.kind == "SecurityContextConstraints":
		s.told.note("SecurityContextConstraints (OpenShift's own admission) are not examined", s.at(o.line), "")
	case o.head.apiVersion == "v1" && o.head.kind == "ConfigMap" && s.configMap(o, data):
		return
	case custom.Other(s.out, of):
		return
	case grouped && custom.MayHoldTexts(group, o.head.kind) && s.texts(o, data):
		return
	}
	s.out.Skip(clean(o.head.kind))
}

// texts looks through the texts of an object of an unknown kind for whole manifests and pod templates. It adds a gap, and returns
// false if there is no reason for one.
func (s *stream) texts(o *object, data []byte) bool {
	if !bytes.Contains(data, []byte("containers")) {
		return false
	}
	_, texts := custom.PodsIn(data)
	for _, text := range texts {
		if what := s.podsIn([]byte(text)); what != "" {
			s.gap(inventory.Gap{
				What: s.label(o), Position: s.at(o.line), Namespaces: namespaceOf(o), Why: fmt.Sprintf(
					"one of its texts holds %s: what is made of it is not judged here; read the pods that are made of it, and accept this with --allow-partial", what),
			})
			return true
		}
	}
	return false
}
