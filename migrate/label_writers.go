package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Marks of platforms on namespaces.
const (
	// OpenShiftLabelSyncer is the owner of namespaces whose labels OpenShift sets by the SecurityContextConstraints that their
	// accounts may use; OpenShiftOptOut is the label that stops it.
	OpenShiftLabelSyncer      = "the OpenShift label syncer"
	OpenShiftSyncOptOutLabel  = "security.openshift.io/scc.podSecurityLabelSync"
	sccAnnotationPrefix       = "openshift.io/sa.scc."
	openShiftSyncFieldManager = "pod-security-admission-label-synchronization-controller"
	rancherProjectAnnotation  = "field.cattle.io/projectId"
)

// firstLabelWriter returns, for a Plan, the name of the first object of this cluster that writes the labels of a
// namespace; "" if there is none.
func firstLabelWriter(ns *inventory.Namespace) string {
	for i := range ns.LabelWriters {
		if w := &ns.LabelWriters[i]; w.OtherCluster == "" {
			return w.Object
		}
	}
	return ""
}

// labelWriterCautions returns a caution for each object that writes the labels of a namespace, with the place where to change
// them.
func labelWriterCautions(ns *inventory.Namespace) []message.Message {
	var here, elsewhere []message.Message // which kind is first does not depend on names
	for i := range ns.LabelWriters {
		w := &ns.LabelWriters[i]
		if w.OtherCluster != "" {
			elsewhere = append(elsewhere, message.New("label-writer-elsewhere", "object", w.Object, "writes", labelWriterClause(w), "namespace", ns.Name,
				"cluster", w.OtherCluster, "path", w.Path, "position", positionText(w.Position)))
			continue
		}
		here = append(here, message.New("label-writer", "object", w.Object, "writes", labelWriterClause(w), "namespace", ns.Name,
			"path", w.Path, "position", positionText(w.Position)))
	}
	return slices.Concat(here, elsewhere)
}

// LabelWriterText returns what an object does to the labels of namespaces as a clause: "writes enforce=baseline,
// warn=restricted".
func LabelWriterText(w *inventory.LabelWriter) string {
	return strings.TrimSuffix(labelWriterClause(w), ",")
}

// labelWriterClause returns, for a Plan's notes, LabelWriterText, what an object does to namespace labels, with a comma
// where the sentence goes on.
func labelWriterClause(w *inventory.LabelWriter) string {
	var words []string
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, ok := w.Labels[key]; ok {
			words = append(words, strings.TrimPrefix(key, inventory.PodSecurityLabelPrefix)+"="+value)
		}
	}
	switch {
	case len(words) == 0:
		return "takes away every label that it does not name"
	case w.PrunesLabels:
		return "writes " + strings.Join(words, ", ") + ", and takes away every other label,"
	}
	return "writes " + strings.Join(words, ", ")
}

// isSyncedByOpenShift reports whether OpenShift's label syncer sets the labels of a Plan's namespace
// (openshift/cluster-policy-controller, isNSControlled): the namespace has the annotations of an OpenShift project, has
// not opted out, is none of the platform's own, and not all of its six labels are known to have another owner.
func isSyncedByOpenShift(ns *inventory.Namespace) bool {
	switch sync := ns.Labels[OpenShiftSyncOptOutLabel]; {
	case sync == "false" || !hasSCCAnnotations(ns):
		return false
	case sync != "true" && (IsSystemNamespace(ns.Name) || ns.Name == "default"):
		return false
	}
	return slices.ContainsFunc(inventory.PodSecurityLabelKeys(), func(key string) bool {
		return !slices.ContainsFunc(ns.LabelManagers[key], func(m string) bool { return m != openShiftSyncFieldManager })
	})
}

// hasSCCAnnotations reports whether a Plan's namespace has the annotations that OpenShift gives to projects.
func hasSCCAnnotations(ns *inventory.Namespace) bool {
	for key := range ns.Annotations {
		if strings.HasPrefix(key, sccAnnotationPrefix) {
			return true
		}
	}
	return false
}

// labelOwnerCautions returns the cautions of the Plan on what else writes the labels of a namespace, if the
// recommendation changes them.
func labelOwnerCautions(ns *inventory.Namespace, out *Namespace) []message.Message {
	if !labelsWouldChange(out) {
		return nil
	}
	var cautions []message.Message
	if out.LabelOwner == OpenShiftLabelSyncer {
		cautions = append(cautions, openShiftSyncCaution())
	}
	if ns.Annotations[rancherProjectAnnotation] != "" {
		cautions = append(cautions, message.New("rancher-project"))
	}
	return cautions
}

// openShiftSyncCaution returns the caution on namespaces whose labels OpenShift sets.
func openShiftSyncCaution() message.Message { return message.New("openshift-label-syncer") }

// LabelOwnerCautions returns the cautions of a namespace that only say where the owner of its labels keeps them, or how to stop
// it.
func (ns *Namespace) LabelOwnerCautions() []message.Message {
	if ns.LabelOwner == OpenShiftLabelSyncer {
		return []message.Message{openShiftSyncCaution()}
	}
	return labelWriterCautions(&inventory.Namespace{Name: ns.Name, LabelWriters: slices.DeleteFunc(slices.Clone(ns.LabelWriters), func(w inventory.LabelWriter) bool { return w.OtherCluster != "" })})
}

// labelsWouldChange reports whether the recommendation adds or changes a Pod Security label of a namespace.
func labelsWouldChange(ns *Namespace) bool {
	return slices.ContainsFunc(inventory.PodSecurityLabelKeys(), func(key string) bool {
		want := ns.RecommendedLabels.Get(key)
		return want != "" && want != ns.CurrentLabels.Get(key)
	})
}

// cautionUnknownOwners returns one caution that says for how many namespaces with labels to change it is not known who
// else writes them; nil for none.
func (b *planBuilder) cautionUnknownOwners(namespaces []Namespace) []message.Message {
	n := 0
	for i := range namespaces {
		if ns := &namespaces[i]; b.inv.Namespaces[i].OwnersUnknown && ns.LabelOwner == "" && labelsWouldChange(ns) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []message.Message{message.New("label-owners-unknown", "n", n)}
}

// cautionSCCPods returns the caution that OpenShift's own admission is not evaluated; nil where it admitted no pod.
func (b *planBuilder) cautionSCCPods() []message.Message {
	if b.inv.SCCPods == 0 {
		return nil
	}
	return []message.Message{message.New("openshift-scc-pods")}
}

// labelWriterNotes returns a note of the Plan for each object that writes labels on namespaces that were not read or do
// not exist yet.
func labelWriterNotes(writers []inventory.LabelWriter) []Note {
	var out []Note
	for i := range writers {
		out = append(out, Note{What: writers[i].Object, Message: newNamespaceLabels(&writers[i]), Position: writers[i].Position})
	}
	return out
}

// NewNamespaceLabelsText returns, as a Plan's notes have it, which labels an object gives to new namespaces: "writes
// enforce=baseline on all namespaces of the tenant".
func NewNamespaceLabelsText(w *inventory.LabelWriter) string { return newNamespaceLabels(w).Text }

// newNamespaceLabels returns the note of a Plan about the labels that an object gives to new namespaces.
func newNamespaceLabels(w *inventory.LabelWriter) message.Message {
	return message.New("label-writer-of-new-namespaces", "writes", labelWriterClause(w), "namespaces", w.NewNamespaces, "cluster", w.OtherCluster)
}

// LocalLabelWriters returns the objects of this cluster that write the labels of a Plan's namespace.
func (ns *Namespace) LocalLabelWriters() []*inventory.LabelWriter {
	var out []*inventory.LabelWriter
	for i := range ns.LabelWriters {
		if ns.LabelWriters[i].OtherCluster == "" {
			out = append(out, &ns.LabelWriters[i])
		}
	}
	return out
}

// CautionsNameOwner reports whether a caution of the namespace says where the owner of its labels keeps them, or how to stop
// it.
func (ns *Namespace) CautionsNameOwner() bool {
	return ns.LabelOwner == OpenShiftLabelSyncer || slices.ContainsFunc(ns.LabelWriters, func(w inventory.LabelWriter) bool { return w.Object == ns.LabelOwner })
}
