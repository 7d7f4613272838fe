package files

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// readObjectWithoutKind decides what an object of the file without a kind means: a kustomization, a gap, or a note.
func (s *documentReader) readObjectWithoutKind(o *manifestObject) {
	at := s.position(o.line)
	if s.isKustomizationFile() {
		s.showObject(o)
		s.addKustomizationNote(at)
		return
	}
	data := s.objectJSON(o)
	if data == nil || o.node == nil && !s.checkObjectSyntax(o) {
		return
	}
	why, namespaces, changes := "", []string(nil), inventory.GapPart("")
	if o.header.apiVersion != "" {
		why, namespaces, changes = podContentOfObject(o, data)
	}
	switch {
	case isChartFile(s.fileBaseName(), o.header.apiVersion):
		s.showObject(o)
		s.countNonObject()
		s.sink.CountSkipped(noKindLabel)
		s.notes.add(message.New("chart-not-rendered", "pipe", helmPipe), at, "")
	case why != "":
		s.addGap(inventory.Gap{What: o.label, Why: message.New("object-without-kind", "holds", why), Position: at, Namespaces: namespaces, Affects: changes})
	case o.header.apiVersion == "":
		s.readNonObject(o.label, data, at)
	default:
		s.countNonObject()
		s.sink.CountSkipped(noKindLabel)
		if s.kindlessNoteCount++; s.kindlessNoteCount <= s.limits.Gaps {
			s.sink.AddNote(inventory.Note{What: o.label, Why: message.New("object-without-kind-skipped", "apiVersion", quoteInput(o.header.apiVersion)), Position: at})
		}
	}
}

// isChartFile reports whether a document without a kind is the Chart.yaml of a Helm chart, by the name of its file and its
// apiVersion.
func isChartFile(file, apiVersion string) bool {
	return (file == "Chart.yaml" || file == "Chart.yml") && (apiVersion == "v1" || apiVersion == "v2")
}

// addKustomizationNote adds the note that a kustomization file is not applied.
func (s *documentReader) addKustomizationNote(at pspparse.Position) {
	s.sink.CountSkipped("Kustomization")
	s.notes.add(message.New("kustomization-not-applied", "pipe", kustomizePipe), at, "")
}

// podContentOfObject returns what a document's object with an apiVersion and without a kind holds of pods or of what
// decides about them, and in which namespaces.
func podContentOfObject(o *manifestObject, data []byte) (why string, namespaces []string, changes inventory.GapPart) {
	if why, namespaces, changes = custom.FindLostManifests(data); why == "" {
		why, namespaces = custom.FindPodContent(data), namespacesOfGap(o)
	}
	return why, namespaces, changes
}

// readNonObject decides what a document that is no Kubernetes object means. It is counted, unless it holds what would count if
// it were one: then it is a gap.
func (s *documentReader) readNonObject(what string, data []byte, at pspparse.Position) {
	known := custom.ReadWithoutKind(s.sink, data, at)
	if foreign := custom.ForeignToolFile(s.fileBaseName(), data); foreign != "" {
		s.countNonObject()
		s.sink.CountSkipped(noKindLabel)
		s.notes.add(message.New("document-of-other-tool", "tool", foreign), at, "")
		return
	}
	if why, namespaces, changes := custom.FindLostManifests(data); why != "" {
		s.countNonObject()
		s.addGap(inventory.Gap{
			What: what, Why: message.New("document-holds-pods", "holds", why),
			Position: at, Namespaces: namespaces, Affects: changes,
		})
		return
	}
	if known {
		s.countNonObject()
		s.sink.CountSkipped(noKindLabel)
		return
	}
	s.skipNonObject(at)
}

// checkObjectSyntax reports whether the JSON of an object is valid that no decoder has checked. If not, it adds a gap.
func (s *documentReader) checkObjectSyntax(o *manifestObject) bool {
	err := checkJSONSyntax(o.data, o.line)
	if err != nil {
		s.addBrokenObjectGap(o, err)
	}
	return err == nil
}

// readUnknownKind decides what an object of the file means whose kind is not read. Most kinds can hold no pod, policy
// or grant, and are counted.
func (s *documentReader) readUnknownKind(o *manifestObject, data []byte) {
	if o.node == nil && !s.checkObjectSyntax(o) {
		return
	}
	if s.readWrongDocument(o, data, s.position(o.line)) {
		return
	}
	if s.otherObject != nil {
		s.otherObject(o.header.apiVersion, o.header.kind, data, s.position(o.line))
	}
	if custom.DeploysChart(o.header.apiVersion, o.header.kind) {
		s.notes.add(message.New("chart-not-evaluated"), s.position(o.line), "")
	}
	group, _, grouped := strings.Cut(o.header.apiVersion, "/")
	if grouped && group != "kustomize.config.k8s.io" && group != "security.openshift.io" && o.header.kind != "Kustomization" && custom.HoldsNothing(group, data) {
		s.sink.CountSkipped(english.EscapeInput(o.header.kind))
		return
	}
	m := nameOfObject(o)
	of := custom.RawObject{APIVersion: o.header.apiVersion, Kind: o.header.kind, Namespace: cmp.Or(m.Namespace, s.namespace), Name: m.Name, JSON: data, Position: s.position(o.line)}
	switch {
	case custom.ReadObject(s.sink, of):
		return
	case group == "kustomize.config.k8s.io" || o.header.kind == "Kustomization" && s.isKustomizationFile():
		s.addKustomizationNote(s.position(o.line))
		return
	case group == "security.openshift.io" && o.header.kind == "SecurityContextConstraints":
		s.notes.add(message.New("scc-not-examined"), s.position(o.line), "")
	case o.header.apiVersion == "v1" && o.header.kind == "ConfigMap" && s.scanConfigMap(o, data):
		return
	case custom.ReadUnknownKind(s.sink, of):
		return
	case grouped && custom.MayHoldManifestText(group, o.header.kind) && s.scanTextsForPods(o, data):
		return
	}
	s.sink.CountSkipped(english.EscapeInput(o.header.kind))
}

// scanTextsForPods searches the texts of a file's object of an unknown kind for manifests and pod templates. It adds a
// gap, and returns false where there is none.
func (s *documentReader) scanTextsForPods(o *manifestObject, data []byte) bool {
	if !bytes.Contains(data, []byte("containers")) {
		return false
	}
	_, texts := custom.FindPodsInText(data)
	for _, text := range texts {
		if what := s.podContentOfText([]byte(text)); what != "" {
			s.addGap(inventory.Gap{
				What: s.objectLabel(o), Position: s.position(o.line), Namespaces: namespacesOfGap(o), Why: message.New("text-holds-pods", "holds", what),
			})
			return true
		}
	}
	return false
}
