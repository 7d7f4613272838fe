package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/message"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
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

// firstLabelWriter is the object that writes the namespace's labels, "" for none; those of other clusters do not count.
func firstLabelWriter(ns *inventory.Namespace) string {
	for i := range ns.LabelWriters {
		if w := &ns.LabelWriters[i]; w.OtherCluster == "" {
			return w.Object
		}
	}
	return ""
}

// labelWriterCautions say which objects write the labels of a namespace, and where to change them.
func labelWriterCautions(ns *inventory.Namespace) []message.Message {
	var out []message.Message
	for i := range ns.LabelWriters {
		w := &ns.LabelWriters[i]
		if w.OtherCluster != "" {
			out = append(out, message.New("label-writer-elsewhere", "object", w.Object, "writes", labelWriterClause(w), "namespace", ns.Name,
				"cluster", w.OtherCluster, "path", w.Path, "position", positionText(w.Position)))
			continue
		}
		out = append(out, message.New("label-writer", "object", w.Object, "writes", labelWriterClause(w), "namespace", ns.Name,
			"path", w.Path, "position", positionText(w.Position)))
	}
	return out
}

// LabelWriterText says what an object does, as a clause that another may follow.
func LabelWriterText(w *inventory.LabelWriter) string {
	return strings.TrimSuffix(labelWriterClause(w), ",")
}

// labelWriterClause says what an object does: "writes enforce=baseline, warn=restricted".
func labelWriterClause(w *inventory.LabelWriter) string {
	var words []string
	for _, key := range PodSecurityLabelKeys() {
		if value, ok := w.Labels[key]; ok {
			words = append(words, strings.TrimPrefix(key, podSecurityLabelPrefix)+"="+value)
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

// isSyncedByOpenShift is true for a namespace whose labels OpenShift's label syncer sets (openshift/cluster-policy-controller,
// isNSControlled): it has what OpenShift allocates to projects, has not opted out, is none of the platform's own, and not all
// of its six labels are known to be somebody else's.
func isSyncedByOpenShift(ns *inventory.Namespace) bool {
	switch sync := ns.Labels[OpenShiftSyncOptOutLabel]; {
	case sync == "false" || !hasSCCAnnotations(ns):
		return false
	case sync != "true" && (isSystemNamespace(ns.Name) || ns.Name == "default"):
		return false
	}
	return slices.ContainsFunc(PodSecurityLabelKeys(), func(key string) bool {
		return !slices.ContainsFunc(ns.LabelManagers[key], func(m string) bool { return m != openShiftSyncFieldManager })
	})
}

func hasSCCAnnotations(ns *inventory.Namespace) bool {
	for key := range ns.Annotations {
		if strings.HasPrefix(key, sccAnnotationPrefix) {
			return true
		}
	}
	return false
}

// labelOwnerCautions are what to know before the labels of a namespace are changed, where they are.
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

func openShiftSyncCaution() message.Message { return message.New("openshift-label-syncer") }

// LabelOwnerCautions are those cautions of the namespace that only say where its owner has the labels, or how it is stopped.
func (ns *Namespace) LabelOwnerCautions() []message.Message {
	if ns.LabelOwner == OpenShiftLabelSyncer {
		return []message.Message{openShiftSyncCaution()}
	}
	return labelWriterCautions(&inventory.Namespace{Name: ns.Name, LabelWriters: slices.DeleteFunc(slices.Clone(ns.LabelWriters), func(w inventory.LabelWriter) bool { return w.OtherCluster != "" })})
}

// labelsWouldChange is true if a label would be added or changed.
func labelsWouldChange(ns *Namespace) bool {
	return slices.ContainsFunc(PodSecurityLabelKeys(), func(key string) bool {
		want := ns.RecommendedLabels.Get(key)
		return want != "" && want != ns.CurrentLabels.Get(key)
	})
}

// cautionUnknownOwners says once for how many namespaces with labels to change it is not known who else writes them; nil for none.
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

// cautionSCCPods says once that OpenShift's own admission is left out; nil where it admitted no pod.
func (b *planBuilder) cautionSCCPods() []message.Message {
	if b.inv.SCCPods == 0 {
		return nil
	}
	return []message.Message{message.New("openshift-scc-pods")}
}

// labelWriterNotes tell of objects that write labels on namespaces that were not read, or come.
func labelWriterNotes(writers []inventory.LabelWriter) []Note {
	var out []Note
	for i := range writers {
		out = append(out, Note{What: writers[i].Object, Message: newNamespaceLabels(&writers[i]), Position: writers[i].Position})
	}
	return out
}

// NewNamespaceLabelsText says which labels an object gives to namespaces that come: "writes enforce=baseline on all namespaces of the
// tenant".
func NewNamespaceLabelsText(w *inventory.LabelWriter) string { return newNamespaceLabels(w).Text }

func newNamespaceLabels(w *inventory.LabelWriter) message.Message {
	return message.New("label-writer-of-new-namespaces", "writes", labelWriterClause(w), "namespaces", w.NewNamespaces, "cluster", w.OtherCluster)
}

// LocalLabelWriters are the objects that write its labels on this cluster.
func (ns *Namespace) LocalLabelWriters() []*inventory.LabelWriter {
	var out []*inventory.LabelWriter
	for i := range ns.LabelWriters {
		if ns.LabelWriters[i].OtherCluster == "" {
			out = append(out, &ns.LabelWriters[i])
		}
	}
	return out
}

// CautionsNameOwner is true if a caution says where the owner of the labels has them, or how it is stopped.
func (ns *Namespace) CautionsNameOwner() bool {
	return ns.LabelOwner == OpenShiftLabelSyncer || slices.ContainsFunc(ns.LabelWriters, func(w inventory.LabelWriter) bool { return w.Object == ns.LabelOwner })
}
