package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse"
)

// LabelWriter is an object that writes Pod Security labels on namespaces, or takes them away, beside the Namespace itself.
type LabelWriter struct {
	// Object in words: "Application argocd/pay".
	Object string `json:"object"`
	// Path of the field of it that has the labels.
	Path string `json:"path"`
	// Labels of Pod Security that it writes.
	Labels map[string]string `json:"labels,omitempty"`
	// Form is how the field has them.
	Form LabelForm `json:"form" values:"map pairs hcl"`
	// Prunes: it takes away all other labels of the namespace.
	Prunes bool `json:"prunes,omitempty"`
	// Elsewhere names the cluster that it writes to, where that may be another one; absent for this one.
	Elsewhere string            `json:"elsewhere,omitempty"`
	Position  pspparse.Position `json:"position,omitzero"`
	// New says which namespaces it writes to that were not read or are still to come: "all namespaces of the tenant". Absent
	// for an object that writes to one namespace, which was read.
	New string `json:"new,omitempty"`

	// Reach says which namespaces it writes to.
	Reach Reach `json:"-"`
}

// LabelForm is how an object has labels.
type LabelForm string

// The forms: a map, a list of objects with key and value, and an argument of Terraform.
const (
	LabelMap   LabelForm = "map"
	LabelPairs LabelForm = "pairs"
	LabelHCL   LabelForm = "hcl"
)

// Reach is met by the namespaces of which one of the first two fields is true, and Selector if it is set. The zero value is
// met by none.
type Reach struct {
	// Namespace by name; with Below those under it in HNC's tree, too.
	Namespace string
	Below     bool
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
			own[key] = short(value)
		}
	}
	w.Elsewhere = short(w.Elsewhere)
	if w.Labels = own; len(own) > 0 || w.Prunes {
		b.writers = append(b.writers, w)
	}
}

// short cuts what is longer than any value of a label, or address of a server, has to be.
func short(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// AddParent says that one namespace is below another in HNC's tree.
func (b *Builder) AddParent(child, parent string) {
	if child != parent && isLabel(child) && isLabel(parent) {
		b.parents[child] = parent
	}
}

// ObjectName is the name of an object in running text: plain where it can be one, else quoted.
func ObjectName(kind, namespace, name string) string {
	plain := name
	if namespace != "" {
		plain = namespace + "/" + name
	}
	if isSubdomain(name) && (namespace == "" || isLabel(namespace)) {
		return kind + " " + plain
	}
	return label(kind, namespace, name)
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
	tenantLabel    = "capsule.clastix.io/tenant"
	treeSuffix     = ".tree.hnc.x-k8s.io/depth"
	subnamespaceOf = "hnc.x-k8s.io/subnamespace-of"
)

// writersOf gives each namespace those who write its labels, and returns those that write to namespaces which were not read,
// or may come.
func (b *Builder) writersOf(namespaces []Namespace) []LabelWriter {
	if len(b.writers) == 0 {
		return nil
	}
	slices.SortFunc(b.writers, func(x, y LabelWriter) int {
		return cmp.Or(compareWriters(x, y), comparePositions(x.Position, y.Position))
	})
	b.writers = slices.CompactFunc(b.writers, func(x, y LabelWriter) bool { return compareWriters(x, y) == 0 })
	byName, byTenant := map[string][]int{}, map[string][]int{}
	met := make([]bool, len(b.writers))
	for i := range b.writers {
		r := &b.writers[i].Reach
		switch {
		case r.Tenant != "" && len(byTenant[r.Tenant]) < mostWriters:
			byTenant[r.Tenant] = append(byTenant[r.Tenant], i)
		case r.Namespace != "" && len(byName[r.Namespace]) < mostWriters:
			byName[r.Namespace] = append(byName[r.Namespace], i)
		case r.Tenant+r.Namespace != "":
			met[i] = true
			b.manyWriters.add(b.writers[i].Position)
		}
	}
	for i := range namespaces {
		ns := &namespaces[i]
		found := slices.Clone(byName[ns.Name])
		for _, above := range b.above(ns) {
			for _, w := range byName[above] {
				if b.writers[w].Reach.Below {
					found = append(found, w)
				}
			}
		}
		if tenant := ns.Labels[tenantLabel]; tenant != "" {
			found = append(found, byTenant[tenant]...)
		}
		slices.Sort(found)
		for _, w := range slices.Compact(found) {
			switch {
			case !b.writers[w].Reach.selects(ns):
			case len(ns.Writers) == mostWriters:
				b.manyWriters.add(b.writers[w].Position)
			default:
				met[w] = true
				ns.Writers = append(ns.Writers, b.writers[w])
			}
		}
	}
	b.noteManyWriters()
	var rest []LabelWriter
	for i := range b.writers {
		w := b.writers[i]
		if w.New == "" && !met[i] {
			w.New = ObjectName("namespace", "", w.Reach.Namespace) + ", which was not read"
		}
		if w.New != "" {
			rest = append(rest, w)
		}
	}
	return rest
}

// mostWriters of one namespace are told.
const mostWriters = 20

func (b *Builder) noteManyWriters() {
	if b.manyWriters.n > 0 {
		b.AddNote(Note{
			What: "objects that write labels on namespaces", Position: b.manyWriters.first,
			Why: fmt.Sprintf("of a namespace that more than %d of them write to the rest is not told: %s", mostWriters, counted(b.manyWriters.n, "object", "objects")),
		})
	}
}

// above are the namespaces over one in HNC's tree, as far as objects, annotations or labels of HNC say so.
func (b *Builder) above(ns *Namespace) []string {
	const deepest = 64
	var out []string
	for key := range ns.Labels {
		if name, ok := strings.CutSuffix(key, treeSuffix); ok && name != ns.Name {
			out = append(out, name)
		}
	}
	parent := cmp.Or(b.parents[ns.Name], ns.Annotations[subnamespaceOf])
	for range deepest {
		if parent == "" || parent == ns.Name {
			break
		}
		out = append(out, parent)
		parent = b.parents[parent]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Reach) selects(ns *Namespace) bool {
	if r.Selector == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(r.Selector)
	return err != nil || selector.Matches(labels.Set(ns.Labels)) // one that no server takes is not counted out
}

// compareWriters leaves out where they were read.
func compareWriters(x, y LabelWriter) int {
	return cmp.Or(
		cmp.Compare(x.Object, y.Object), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Reach.Namespace, y.Reach.Namespace), cmp.Compare(x.Reach.Tenant, y.Reach.Tenant),
		cmp.Compare(fmt.Sprint(x.Labels), fmt.Sprint(y.Labels)), cmp.Compare(x.Elsewhere, y.Elsewhere),
	)
}
