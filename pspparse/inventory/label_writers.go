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

// LabelWriter is an object that writes Pod Security labels on namespaces, or takes them away, beside the Namespace itself.
type LabelWriter struct {
	// Object in words: "Application argocd/pay".
	Object string `json:"object"`
	// Path of the field of it that has the labels.
	Path string `json:"path"`
	// Labels of Pod Security that it writes.
	Labels map[string]string `json:"labels,omitempty"`
	// Syntax is how the field has them.
	Syntax LabelSyntax `json:"form" values:"map pairs hcl"`
	// PrunesLabels: it takes away all other labels of the namespace.
	PrunesLabels bool `json:"prunes,omitempty"`
	// OtherCluster names the cluster that it writes to, where that may be another one; absent for this one.
	OtherCluster string            `json:"elsewhere,omitempty"`
	Position     pspparse.Position `json:"position,omitzero"`
	// NewNamespaces says which namespaces it writes to that were not read or are still to come: "all namespaces of the tenant". Absent
	// for an object that writes to one namespace, which was read.
	NewNamespaces string `json:"new,omitempty"`

	// Target says which namespaces it writes to.
	Target LabelWriterTarget `json:"-"`
}

// LabelSyntax is how an object has labels.
type LabelSyntax string

// The forms: a map, a list of objects with key and value, and an argument of Terraform.
const (
	LabelMap   LabelSyntax = "map"
	LabelPairs LabelSyntax = "pairs"
	LabelHCL   LabelSyntax = "hcl"
)

// LabelWriterTarget is met by the namespaces of which one of the first two fields is true, and Selector if it is set. The zero value is
// met by none.
type LabelWriterTarget struct {
	// Namespace by name; with Below those under it in HNC's tree, too.
	Namespace          string
	IncludeDescendants bool
	// Tenant of Capsule that they belong to.
	Tenant string
	// Selector of their labels; nil for all.
	Selector *metav1.LabelSelector
}

// AddLabelWriter adds an object that writes labels on namespaces. Other labels than those of Pod Security are left out.
func (b *Builder) AddLabelWriter(w LabelWriter) {
	own := map[string]string{}
	for key, value := range w.Labels {
		if slices.Contains(podSecurityLabels(), key) {
			own[key] = truncateValue(value)
		}
	}
	w.OtherCluster = truncateValue(w.OtherCluster)
	if w.Labels = own; len(own) > 0 || w.PrunesLabels {
		b.labelWriters = append(b.labelWriters, w)
	}
}

// truncateValue cuts what is longer than any value of a label, or address of a server, has to be.
func truncateValue(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// AddNamespaceParent says that one namespace is below another in HNC's tree.
func (b *Builder) AddNamespaceParent(child, parent string) {
	if child != parent && isDNSLabel(child) && isDNSLabel(parent) {
		b.namespaceParents[child] = parent
	}
}

// ObjectText is the name of an object in running text: plain where it can be one, else quoted.
func ObjectText(kind, namespace, name string) string {
	plain := name
	if namespace != "" {
		plain = namespace + "/" + name
	}
	if isDNSSubdomain(name) && (namespace == "" || isDNSLabel(namespace)) {
		return kind + " " + plain
	}
	return describeObject(kind, namespace, name)
}

// podSecurityLabels returns the namespace labels of Pod Security Admission. They are spelled out so that simulate/psp can be
// imported without the library of the standards.
func podSecurityLabels() []string {
	return []string{
		"pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version",
		"pod-security.kubernetes.io/audit", "pod-security.kubernetes.io/audit-version",
		"pod-security.kubernetes.io/warn", "pod-security.kubernetes.io/warn-version",
	}
}

const (
	capsuleTenantLabel        = "capsule.clastix.io/tenant"
	hncTreeLabelSuffix        = ".tree.hnc.x-k8s.io/depth"
	hncSubnamespaceAnnotation = "hnc.x-k8s.io/subnamespace-of"
)

// assignLabelWriters gives each namespace those who write its labels, and returns those that write to namespaces which were not read,
// or may come.
func (b *Builder) assignLabelWriters(namespaces []Namespace) []LabelWriter {
	if len(b.labelWriters) == 0 {
		return nil
	}
	slices.SortFunc(b.labelWriters, func(x, y LabelWriter) int {
		return cmp.Or(compareLabelWriters(x, y), comparePositions(x.Position, y.Position))
	})
	b.labelWriters = slices.CompactFunc(b.labelWriters, func(x, y LabelWriter) bool { return compareLabelWriters(x, y) == 0 })
	byName, byTenant := map[string][]int{}, map[string][]int{}
	met := make([]bool, len(b.labelWriters))
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

// maxLabelWriters of one namespace are told.
const maxLabelWriters = 20

func (b *Builder) noteExcessWriters() {
	if b.excessWriters.count > 0 {
		b.AddNote(Note{
			What: "objects that write labels on namespaces", Position: b.excessWriters.first,
			Why: message.New("label-writers-not-named", "limit", maxLabelWriters, "n", b.excessWriters.count),
		})
	}
}

// namespaceAncestors are the namespaces over one in HNC's tree, as far as objects, annotations or labels of HNC say so.
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

func (r *LabelWriterTarget) selectsNamespace(ns *Namespace) bool {
	if r.Selector == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(r.Selector)
	return err != nil || selector.Matches(labels.Set(ns.Labels)) // one that no server takes is not counted out
}

// compareLabelWriters leaves out where they were read.
func compareLabelWriters(x, y LabelWriter) int {
	return cmp.Or(
		cmp.Compare(x.Object, y.Object), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Target.Namespace, y.Target.Namespace), cmp.Compare(x.Target.Tenant, y.Target.Tenant),
		cmp.Compare(fmt.Sprint(x.Labels), fmt.Sprint(y.Labels)), cmp.Compare(x.OtherCluster, y.OtherCluster),
	)
}
