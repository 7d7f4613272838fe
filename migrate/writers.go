package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Marks of platforms on namespaces.
const (
	// OpenShiftSyncer is the owner of namespaces whose labels OpenShift sets by the SecurityContextConstraints that their
	// accounts may use; OpenShiftOptOut is the label that stops it.
	OpenShiftSyncer = "the OpenShift label syncer"
	OpenShiftOptOut = "security.openshift.io/scc.podSecurityLabelSync"
	sccAnnotations  = "openshift.io/sa.scc."
	syncerManager   = "pod-security-admission-label-synchronization-controller"
	rancherProject  = "field.cattle.io/projectId"

	syncerCaution = "OpenShift's label syncer sets these labels by the SecurityContextConstraints that the accounts of the namespace may use: to set them yourself, give it the label " + OpenShiftOptOut + "=false first"
)

// writer is the object that writes the namespace's labels, "" for none; those of other clusters do not count.
func writer(ns *inventory.Namespace) string {
	for i := range ns.Writers {
		if w := &ns.Writers[i]; w.Elsewhere == "" {
			return w.Object
		}
	}
	return ""
}

// writerCautions say which objects write the labels of a namespace, and where to change them.
func writerCautions(ns *inventory.Namespace) []string {
	var out []string
	for i := range ns.Writers {
		w := &ns.Writers[i]
		text := fmt.Sprintf("%s %s on namespace %s", w.Object, writes(w), ns.Name)
		at := w.Path
		if w.Position.File != "" {
			at += fmt.Sprintf(", %s:%d", w.Position.File, w.Position.Line)
		}
		if w.Elsewhere != "" {
			out = append(out, fmt.Sprintf("%s of another cluster (%s): if it is this one, change it there (%s)", text, w.Elsewhere, at))
			continue
		}
		out = append(out, fmt.Sprintf("%s: change it there (%s)", text, at))
	}
	return out
}

// Writes says what an object does, as a clause that another may follow.
func Writes(w *inventory.LabelWriter) string { return strings.TrimSuffix(writes(w), ",") }

// writes says what an object does: "writes enforce=baseline, warn=restricted".
func writes(w *inventory.LabelWriter) string {
	var words []string
	for _, key := range LabelKeys() {
		if value, ok := w.Labels[key]; ok {
			words = append(words, strings.TrimPrefix(key, labelPrefix)+"="+value)
		}
	}
	switch {
	case len(words) == 0:
		return "takes away every label that it does not name"
	case w.Prunes:
		return "writes " + strings.Join(words, ", ") + ", and takes away every other label,"
	}
	return "writes " + strings.Join(words, ", ")
}

// openShiftSyncs is true for a namespace whose labels OpenShift's label syncer sets (openshift/cluster-policy-controller,
// isNSControlled): it has what OpenShift allocates to projects, has not opted out, is none of the platform's own, and not all
// of its six labels are known to be somebody else's.
func openShiftSyncs(ns *inventory.Namespace) bool {
	switch sync := ns.Labels[OpenShiftOptOut]; {
	case sync == "false" || !allocated(ns):
		return false
	case sync != "true" && (system(ns.Name) || ns.Name == "default"):
		return false
	}
	return slices.ContainsFunc(LabelKeys(), func(key string) bool {
		return !slices.ContainsFunc(ns.LabelManagers[key], func(m string) bool { return m != syncerManager })
	})
}

func allocated(ns *inventory.Namespace) bool {
	for key := range ns.Annotations {
		if strings.HasPrefix(key, sccAnnotations) {
			return true
		}
	}
	return false
}

// ownerCautions are what to know before the labels of a namespace are changed, where they are.
func ownerCautions(ns *inventory.Namespace, out *Namespace) []string {
	if !touched(out) {
		return nil
	}
	var texts []string
	if out.Owner == OpenShiftSyncer {
		texts = append(texts, syncerCaution)
	}
	if ns.Annotations[rancherProject] != "" {
		texts = append(texts, `it is in a project of Rancher, whose webhook refuses a change of these labels to users without the verb "updatepsa" on projects of management.cattle.io`)
	}
	return texts
}

// OwnerCautions are those cautions of the namespace that only say where its owner has the labels, or how it is stopped.
func (ns *Namespace) OwnerCautions() []string {
	if ns.Owner == OpenShiftSyncer {
		return []string{syncerCaution}
	}
	return writerCautions(&inventory.Namespace{Name: ns.Name, Writers: slices.DeleteFunc(slices.Clone(ns.Writers), func(w inventory.LabelWriter) bool { return w.Elsewhere != "" })})
}

// touched is true if a label would be added or changed.
func touched(ns *Namespace) bool {
	return slices.ContainsFunc(LabelKeys(), func(key string) bool {
		want := ns.Recommended.Get(key)
		return want != "" && want != ns.Current.Get(key)
	})
}

// ownersUnknown says once for how many namespaces with labels to change it cannot be told who else writes them; "" for none.
func (b *builder) ownersUnknown(namespaces []Namespace) string {
	n := 0
	for i := range namespaces {
		if ns := &namespaces[i]; b.inv.Namespaces[i].OwnersUnknown && ns.Owner == "" && touched(ns) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%d namespaces whose labels would change were", n)
	if n == 1 {
		text = "1 namespace whose labels would change was"
	}
	return text + " read without managedFields, so whether another tool owns the labels cannot be told: save them with 'kubectl get namespaces --show-managed-fields -o yaml'"
}

// sccPods says once that OpenShift's own admission is left out.
func (b *builder) sccPods() string {
	if b.inv.SCCPods == 0 {
		return ""
	}
	return "SecurityContextConstraints admitted pods that were read (annotation openshift.io/scc); they go on to fill values into new pods before Pod Security looks at them, which is not simulated here: a stricter level than is recommended may hold"
}

// writerNotes tell of objects that write labels on namespaces that were not read, or come.
func writerNotes(writers []inventory.LabelWriter) []Note {
	var out []Note
	for i := range writers {
		out = append(out, Note{What: writers[i].Object, Why: NewLabels(&writers[i]), Position: writers[i].Position})
	}
	return out
}

// NewLabels says which labels an object gives to namespaces that come: "writes enforce=baseline on all namespaces of the
// tenant".
func NewLabels(w *inventory.LabelWriter) string {
	text := writes(w) + " on " + w.New
	if w.Elsewhere != "" {
		text += ", of another cluster (" + w.Elsewhere + ")"
	}
	return text
}

// Here are the objects that write its labels on this cluster.
func (ns *Namespace) Here() []*inventory.LabelWriter {
	var out []*inventory.LabelWriter
	for i := range ns.Writers {
		if ns.Writers[i].Elsewhere == "" {
			out = append(out, &ns.Writers[i])
		}
	}
	return out
}

// OwnerTold is true if a caution says where the owner of the labels has them, or how it is stopped.
func (ns *Namespace) OwnerTold() bool {
	return ns.Owner == OpenShiftSyncer || slices.ContainsFunc(ns.Writers, func(w inventory.LabelWriter) bool { return w.Object == ns.Owner })
}
