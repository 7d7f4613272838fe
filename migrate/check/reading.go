package check

import (
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// unnamedNamespace is the namespace under which kinds that are not known are read where nothing says one. It is in no result.
const unnamedNamespace = "default"

// reading is the reading of manifests for a check: the Sink of a files.Reader. Each object with pods is judged while its text is at
// hand, and only a record of it is kept; what is demanded of it is decided at the end, when all Namespaces were read.
type reading struct {
	ignored

	options   Options
	evaluator *pss.Evaluator
	cache     *pss.EvaluationCache
	// current is the object that is being read.
	current *files.Object

	records []record
	// labels are what Namespaces, and objects that write their labels, say of levels, by namespace.
	labels map[string][]labelSource
	// demands are what was decided so far.
	demands map[demandKey]demandList
	effects map[effectKey]message.Message
	shared  shared
	// differences are the pairs of sources of labels that were noted to differ.
	differences map[[2]pspparse.Position]bool
	gaps        []inventory.Gap
	notes       []inventory.Note
	unrendered  unrendered
	// apiFields are the fields of the kinds that were read.
	apiFields apiFieldReader
	// gapsOfObjects counts the gaps of single objects by file.
	gapsOfObjects map[string]int
	// read is how many objects were read, of any kind.
	read int
}

// maxGapsOfObjects is how many objects of one file have a gap of their own.
const maxGapsOfObjects = 1000

var _ inventory.Sink = (*reading)(nil)

// newReading returns the reading of manifests, before the first.
func newReading(e *pss.Evaluator, o Options) *reading {
	return &reading{options: o, evaluator: e, cache: pss.NewEvaluationCache(e), labels: map[string][]labelSource{}, demands: map[demandKey]demandList{}, effects: map[effectKey]message.Message{}, shared: newShared(), differences: map[[2]pspparse.Position]bool{}, apiFields: apiFieldReader{}, gapsOfObjects: map[string]int{}}
}

// show takes the object that the next calls of the reader are about.
func (s *reading) show(o *files.Object) {
	s.current = o
	s.read++
	s.unrendered.add(o)
}

// Decode judges an object of a workload kind and reads a Namespace. Of other kinds that could matter to a plan nothing is read. An
// error is an *inventory.DecodeError.
func (s *reading) Decode(apiVersion, kind string, data []byte, at pspparse.Position) (bool, error) {
	w, handled, err := inventory.DecodeWrittenWorkload(apiVersion, kind, data)
	if handled {
		if err == nil {
			s.noteUnknownFields(w, data, at)
			s.judge(w, kind != "Pod", false, at)
		}
		return true, err
	}
	ns, handled, err := inventory.DecodeWrittenNamespace(apiVersion, kind, data, at)
	if handled {
		if err == nil {
			s.labels[ns.Name] = append(s.labels[ns.Name], labelSource{labels: ns.Labels, position: at})
		}
		return true, err
	}
	return inventory.IsDecodedKind(apiVersion, kind), nil
}

// DecodeBothReadings takes nothing: no API server takes an object that gives a key twice under strict validation.
func (*reading) DecodeBothReadings(string, string, []byte, []byte, string, pspparse.Position) bool {
	return false
}

// AddCustomObject judges the pod templates of an object of a kind that is not Kubernetes' own. It fails where one cannot be decoded.
func (s *reading) AddCustomObject(c inventory.CustomObject) error {
	w, err := inventory.DecodeWrittenCustomObject(&c)
	if err != nil {
		return err
	}
	partly := c.UnevaluatedReason.ID == "template-partial"
	switch {
	case c.UnevaluatedReason.ID != "" && !partly:
		s.AddObjectGap(inventory.Gap{What: inventory.ObjectText(c.Kind, w.Namespace, w.Name), Why: c.UnevaluatedReason, Position: c.Position})
	case c.WorkloadRef != (inventory.Owner{}) && len(w.Templates) == 0:
		s.AddNote(inventory.Note{
			What: inventory.ObjectText(c.Kind, w.Namespace, w.Name), Position: c.Position,
			Why: message.New("check-template-elsewhere", "object", inventory.ObjectText(c.WorkloadRef.Kind, "", c.WorkloadRef.Name)),
		})
	}
	if c.UnreadPatch != "" {
		s.AddObjectGap(inventory.Gap{What: inventory.ObjectText(c.Kind, w.Namespace, w.Name), Why: message.New("check-patch-unread", "path", c.UnreadPatch), Position: c.Position})
	}
	if len(w.Templates) > 0 || partly {
		s.judge(w, true, true, c.Position)
		s.records[len(s.records)-1].clusterScoped = c.ClusterScoped
	}
	return nil
}

// AddInjectedParts judges what an object adds to the pods of other objects, as it is written.
func (s *reading) AddInjectedParts(c inventory.CustomObject) {
	if c.UnevaluatedReason.ID == "" {
		c.UnevaluatedReason = message.New("template-partial")
	}
	if err := s.AddCustomObject(c); err != nil {
		s.AddObjectGap(inventory.Gap{What: inventory.ObjectText(c.Kind, "", c.Name), Why: message.New("object-invalid", "error", err), Position: c.Position})
	}
}

// AddPolicy counts a PodSecurityPolicy as read: it decides nothing where levels are enforced.
func (s *reading) AddPolicy(*pspparse.Policy) { s.read++ }

// AddLabelWriter reads the labels that an object writes on the one namespace that it names.
func (s *reading) AddLabelWriter(w inventory.LabelWriter) {
	if ns := w.Target.Namespace; ns != "" && len(w.Labels) > 0 {
		s.labels[ns] = append(s.labels[ns], labelSource{labels: w.Labels, writer: w.Object, position: w.Position})
	}
}

// CountSkipped takes no count: what holds no pod is not judged.
func (*reading) CountSkipped(string) {}

// AddGap records what could not be read, unless it can change nothing but policies and grants.
func (s *reading) AddGap(g inventory.Gap) {
	if g.Affects == inventory.PartGrants || g.Affects == inventory.PartPolicies {
		s.read++ // an object, of a kind that is not checked
		return
	}
	s.gaps = append(s.gaps, g)
}

// AddObjectGap records the gap of one object, up to maxGapsOfObjects of a file.
func (s *reading) AddObjectGap(g inventory.Gap) {
	if s.gapsOfObjects[g.Position.File]++; s.gapsOfObjects[g.Position.File] <= maxGapsOfObjects {
		s.AddGap(g)
	}
}

// AddNote records a remark of the reader.
func (s *reading) AddNote(n inventory.Note) {
	n.Why = forCheck(n.Why)
	s.notes = append(s.notes, n)
}

// forCheck returns a message of the reader with the pipe that it names ending in this command.
func forCheck(m message.Message) message.Message {
	for _, name := range []string{"pipe", "hint"} {
		if text, ok := m.Args.Get(name).(string); ok && strings.Contains(text, planPipe) {
			m = m.Without(name).With(name, strings.ReplaceAll(text, planPipe, checkPipe))
		}
	}
	return m
}

// planPipe is how the pipes end that the reader of files names, checkPipe how they end here.
const (
	planPipe  = "psp2pss plan -f -"
	checkPipe = "psp2pss check -f -"
)
