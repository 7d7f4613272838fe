package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// LabelWriter is, in the Inventory, an object that writes Pod Security labels on namespaces, or removes them, beside
// the Namespace itself.
type LabelWriter struct {
	// Object names the object in words: "Application argocd/pay".
	Object string `json:"object"`
	// Path is the field of the object that has the labels.
	Path string `json:"path"`
	// Labels are the Pod Security labels that it writes.
	Labels map[string]string `json:"labels,omitempty"`
	// Syntax says how the field has them.
	Syntax LabelSyntax `json:"form" values:"map pairs hcl"`
	// PrunesLabels is true for an object that removes all other labels of the namespace.
	PrunesLabels bool `json:"prunes,omitempty"`
	// OtherCluster names the cluster that the object writes to, where that may be another one; absent for this one.
	OtherCluster string            `json:"elsewhere,omitempty"`
	Position     pspparse.Position `json:"position,omitzero"`
	// NewNamespaces says which namespaces it writes to that were not read or are still to come: "all namespaces of the
	// tenant". It is absent for an object that writes to one namespace, which was read.
	NewNamespaces string `json:"new,omitempty"`

	// Target says which namespaces it writes to.
	Target LabelWriterTarget `json:"-"`
}

// LabelSyntax is the syntax in which an object that writes namespace labels has them.
type LabelSyntax string

// The forms of labels.
const (
	// LabelMap is a map, LabelPairs a list of objects with key and value, LabelHCL an argument of Terraform.
	LabelMap   LabelSyntax = "map"
	LabelPairs LabelSyntax = "pairs"
	LabelHCL   LabelSyntax = "hcl"
)

// LabelWriterTarget says which namespaces a LabelWriter writes to: those that Namespace or Tenant names, and that Selector
// selects if it is set. The zero value is for none.
type LabelWriterTarget struct {
	// Namespace is the name of one namespace; with IncludeDescendants those below it in HNC's tree are meant, too.
	Namespace          string
	IncludeDescendants bool
	// Tenant is a tenant of Capsule: its namespaces are meant.
	Tenant string
	// Selector selects namespaces by labels; nil selects all.
	Selector *metav1.LabelSelector
}

// AddLabelWriter adds an object that writes labels on namespaces. Other labels than those of Pod Security are left out; an
// object without any of these that removes none is ignored.
func (b *Builder) AddLabelWriter(w LabelWriter) {
	own := map[string]string{}
	for key, value := range w.Labels {
		if slices.Contains(PodSecurityLabelKeys(), key) {
			own[key] = truncateValue(value)
		}
	}
	w.OtherCluster = truncateValue(w.OtherCluster)
	if w.Labels = own; len(own) > 0 || w.PrunesLabels {
		b.labelWriters = append(b.labelWriters, w)
	}
}

// truncateValue cuts a text that an inventory keeps of a label writer that is longer than a label's value or a server's
// address has to be.
func truncateValue(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// AddNamespaceParent records in the inventory that one namespace is below another in the tree of the Hierarchical
// Namespace Controller.
func (b *Builder) AddNamespaceParent(child, parent string) {
	if child != parent && IsDNSLabel(child) && IsDNSLabel(parent) {
		b.namespaceParents[child] = parent
	}
}

// ObjectText returns how an Inventory refers to an object by kind and name: plain where its name is valid, else quoted.
func ObjectText(kind, namespace, name string) string {
	plain := name
	if namespace != "" {
		plain = namespace + "/" + name
	}
	if IsDNSSubdomain(name) && (namespace == "" || IsDNSLabel(namespace)) {
		return kind + " " + plain
	}
	return describeObject(kind, namespace, name)
}

const (
	// capsuleTenantLabel is the label by which Capsule marks the namespaces of a tenant.
	capsuleTenantLabel = "capsule.clastix.io/tenant"
	// hncTreeLabelSuffix ends the labels by which HNC marks a namespace with its ancestors.
	hncTreeLabelSuffix = ".tree.hnc.x-k8s.io/depth"
	// hncSubnamespaceAnnotation is the annotation by which HNC marks a namespace with its parent.
	hncSubnamespaceAnnotation = "hnc.x-k8s.io/subnamespace-of"
)

// assignLabelWriters sets for each namespace of the inventory the objects that write its labels, and returns those that
// write to namespaces which were not read, or may come.
func (b *Builder) assignLabelWriters(namespaces []Namespace) []LabelWriter {
	if len(b.labelWriters) == 0 {
		return nil
	}
	slices.SortFunc(b.labelWriters, func(x, y LabelWriter) int {
		return cmp.Or(compareLabelWriters(x, y), comparePositions(x.Position, y.Position))
	})
	b.labelWriters = slices.CompactFunc(b.labelWriters, func(x, y LabelWriter) bool { return compareLabelWriters(x, y) == 0 })
	byName, byTenant, met := b.indexLabelWriters()
	for i := range namespaces {
		ns := &namespaces[i]
		found := slices.Clone(byName[ns.Name])
		for _, above := range b.namespaceAncestors(ns) {
			for _, w := range byName[above] {
				if b.labelWriters[w].Target.IncludeDescendants {
					found = append(found, w)
				}
			}
		}
		if tenant := ns.Labels[capsuleTenantLabel]; tenant != "" {
			found = append(found, byTenant[tenant]...)
		}
		slices.Sort(found)
		for _, w := range slices.Compact(found) {
			switch {
			case !b.labelWriters[w].Target.selectsNamespace(ns):
			case len(ns.LabelWriters) == maxLabelWriters:
				b.excessWriters.add(b.labelWriters[w].Position)
			default:
				met[w] = true
				ns.LabelWriters = append(ns.LabelWriters, b.labelWriters[w])
			}
		}
	}
	b.noteExcessWriters()
	var rest []LabelWriter
	for i := range b.labelWriters {
		w := b.labelWriters[i]
		if w.NewNamespaces == "" && !met[i] {
			w.NewNamespaces = ObjectText("namespace", "", w.Target.Namespace) + ", which was not read"
		}
		if w.NewNamespaces != "" {
			rest = append(rest, w)
		}
	}
	return rest
}

// indexLabelWriters returns the indexes of the label writers by the namespace and by the tenant that they name. Of too many for
// one name the rest is only counted, and marked as met: they are not returned as writers of a namespace that was not read.
func (b *Builder) indexLabelWriters() (byName, byTenant map[string][]int, met []bool) {
	byName, byTenant = map[string][]int{}, map[string][]int{}
	met = make([]bool, len(b.labelWriters))
	for i := range b.labelWriters {
		r := &b.labelWriters[i].Target
		switch {
		case r.Tenant != "" && len(byTenant[r.Tenant]) < maxLabelWriters:
			byTenant[r.Tenant] = append(byTenant[r.Tenant], i)
		case r.Namespace != "" && len(byName[r.Namespace]) < maxLabelWriters:
			byName[r.Namespace] = append(byName[r.Namespace], i)
		case r.Tenant+r.Namespace != "":
			met[i] = true
			b.excessWriters.add(b.labelWriters[i].Position)
		}
	}
	return byName, byTenant, met
}

// maxLabelWriters is how many label writers of one namespace are kept.
const maxLabelWriters = 20

// noteExcessWriters adds to the inventory a note of the label writers beyond maxLabelWriters.
func (b *Builder) noteExcessWriters() {
	if b.excessWriters.count > 0 {
		b.AddNote(Note{
			What: "objects that write labels on namespaces", Position: b.excessWriters.first,
			Why: message.New("label-writers-not-named", "limit", maxLabelWriters, "n", b.excessWriters.count),
		})
	}
}

// namespaceAncestors returns the namespaces above one in HNC's tree, as far as objects, annotations or labels of HNC say
// so.
func (b *Builder) namespaceAncestors(ns *Namespace) []string {
	const deepest = 64
	var out []string
	for key := range ns.Labels {
		if name, ok := strings.CutSuffix(key, hncTreeLabelSuffix); ok && name != ns.Name {
			out = append(out, name)
		}
	}
	parent := cmp.Or(b.namespaceParents[ns.Name], ns.Annotations[hncSubnamespaceAnnotation])
	for range deepest {
		if parent == "" || parent == ns.Name {
			break
		}
		out = append(out, parent)
		parent = b.namespaceParents[parent]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// selectsNamespace reports whether Selector selects a namespace. An invalid selector, which no server takes, counts as
// selecting it.
func (r *LabelWriterTarget) selectsNamespace(ns *Namespace) bool {
	if r.Selector == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(r.Selector)
	return err != nil || selector.Matches(labels.Set(ns.Labels)) // one that no server takes is not counted out
}

// compareLabelWriters orders the label writers of an inventory by all but their position.
func compareLabelWriters(x, y LabelWriter) int {
	return cmp.Or(
		cmp.Compare(x.Object, y.Object), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Target.Namespace, y.Target.Namespace), cmp.Compare(x.Target.Tenant, y.Target.Tenant),
		cmp.Compare(fmt.Sprint(x.Labels), fmt.Sprint(y.Labels)), cmp.Compare(x.OtherCluster, y.OtherCluster),
	)
}
