package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Meta is what is read of an object's metadata.
type Meta struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	UID          types.UID         `json:"uid"`
	Annotations  map[string]string `json:"annotations"`
	// Labels of what holds a template; nobody asks for those of the many pods, and they are not read from JSON.
	Labels          map[string]string       `json:"-"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// labelledMeta is Meta with the labels.
type labelledMeta struct {
	Name            string                  `json:"name"`
	GenerateName    string                  `json:"generateName"`
	Namespace       string                  `json:"namespace"`
	UID             types.UID               `json:"uid"`
	Annotations     map[string]string       `json:"annotations"`
	Labels          map[string]string       `json:"labels"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// Builder collects objects in any order and turns them into an Inventory. It is not safe for concurrent use.
//
// Whatever is wrong with one object costs that object only: it becomes a gap with its position, and the rest is read.
type Builder struct {
	shapes                *interner
	origins               map[string]*Origin
	text                  map[string]string
	policies              []*pspparse.Policy
	namespaces            []Namespace
	accounts              []ServiceAccount
	roles                 []Role
	bindings              []Binding
	templates             []template
	pods                  podTable
	apiServers            []APIServer                // by their mirror pods
	rancher               map[string]*policyTemplate // templates of policies, by name
	gaps                  []Gap
	refused               map[string]int // objects that became a gap, by file
	notes                 []Note
	skipped               map[string]int
	kinds                 map[string]bool        // of workloads read
	homeless              tally                  // namespaced objects without a namespace
	repeated              tally                  // objects read again with the same content
	admissionTemplates    []AdmissionTemplate    // of Rancher
	admissionTemplateUses []AdmissionTemplateUse // of Rancher's clusters
	// writers write namespaces' labels; parents are those of namespaces in HNC's tree.
	writers     []LabelWriter
	manyWriters tally // those that were too many for one namespace
	parents     map[string]string
	// scc counts the pods that OpenShift's SecurityContextConstraints admitted.
	scc      int
	unplaced []definition // custom objects that belong to no namespace
	// misplacedKeys are keys of Pod Security on workloads, sorted, by namespace.
	misplacedKeys map[string][]Misplaced
	reviewers     []Reviewer
	listed        map[string]bool     // resources of which a server gave every object
	metas         map[string]*PodMeta // by content
	// changers and refusers count the reviewers of either sort.
	changers, refusers tally
	// reviewerBindings put policies of Kubernetes into force.
	reviewerBindings []binding
	contested        []string // namespaces of what runs, or is one, and is in conflict; those whose object could not be read

	// Alike, if set, is asked for policies whether readings of one workload, which stands more than once under one name, come to
	// the same level at every version of the standards: then that is a note and the first is used. Else it is a gap.
	Alike func(policies []*pspparse.Policy) func(readings []Workload) bool
	alike func(readings []Workload) bool
	// shapeKeys are those of shapes, once they are asked for.
	shapeKeys map[*Shape]string
	// selectedBy are the keys of labels by which reviewers select pods, once they are asked for.
	selectedBy map[string]bool
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	return &Builder{
		shapes: newInterner(), origins: map[string]*Origin{}, text: map[string]string{}, pods: newPodTable(),
		refused: map[string]int{}, parents: map[string]string{}, skipped: map[string]int{}, kinds: map[string]bool{},
		listed: map[string]bool{}, metas: map[string]*PodMeta{},
	}
}

// AddPolicy adds a policy. Like every Add method it refuses names that are not valid for the kind (a gap with the position), and
// settles duplicates in Build: identical ones count once, differing ones become a gap that names every position and
// none is used.
func (b *Builder) AddPolicy(p *pspparse.Policy) {
	if err := checkName("PodSecurityPolicy", p.Name); err != nil {
		b.refuse("PodSecurityPolicy", "", p.Name, p.Position, err)
		return
	}
	b.policies = append(b.policies, p)
}

// AddNamespace adds a Namespace object. One with an invalid name is a gap that touches no namespace: nothing can be
// in it.
func (b *Builder) AddNamespace(n Namespace) {
	if err := checkName("Namespace", n.Name); err != nil {
		b.limited(Gap{What: label("Namespace", "", n.Name), Why: err.Error(), Position: n.Position})
		return
	}
	n.Declared = true
	b.namespaces = append(b.namespaces, n)
}

// AddServiceAccount adds a ServiceAccount object.
func (b *Builder) AddServiceAccount(s ServiceAccount) {
	s.Namespace = b.home(s.Namespace, s.Position)
	if b.admits("ServiceAccount", s.Namespace, s.Name, s.Position) {
		b.accounts = append(b.accounts, s)
	}
}

// AddGap records something that could not be read.
func (b *Builder) AddGap(g Gap) { b.gaps = append(b.gaps, g) }

// AddNote records something to tell.
func (b *Builder) AddNote(n Note) { b.notes = append(b.notes, n) }

// Skip counts a document that can hold no pod, policy or grant.
func (b *Builder) Skip(kind string) { b.skipped[kind]++ }

// home is the namespace of a namespaced object: "default" where the object names none, as kubectl would have it.
func (b *Builder) home(namespace string, at pspparse.Position) string {
	if namespace != "" {
		return b.intern(namespace)
	}
	b.homeless.add(at)
	return corev1.NamespaceDefault
}

// admits says whether an object may enter under its name; if not, it has become a gap.
func (b *Builder) admits(kind, namespace, name string, at pspparse.Position) bool {
	err := checkName(kind, name)
	if err == nil && namespace != "" {
		err = checkNamespace(namespace)
	}
	if err != nil {
		b.refuse(kind, namespace, name, at, err)
	}
	return err == nil
}

func (b *Builder) refuse(kind, namespace, name string, at pspparse.Position, err error) {
	b.limited(Gap{What: label(kind, namespace, name), Why: err.Error(), Position: at, Namespaces: touches(namespace), Changes: PartOf("", kind)})
}

// limited adds the gap of an object that cannot be used, unless there are many of one file.
func (b *Builder) limited(g Gap) {
	if b.refused[g.Position.File]++; b.refused[g.Position.File] <= maxRefused {
		b.AddGap(g)
	}
}

// maxRefused objects of one file are named: such a file can be full of them.
const maxRefused = 1000

// gapRefused tells how many were not named.
func (b *Builder) gapRefused() {
	for file, n := range b.refused {
		if n > maxRefused {
			b.AddGap(Gap{
				What: "the file", Why: fmt.Sprintf("%d more of its objects cannot be used: only the first %d are named", n-maxRefused, maxRefused),
				Position: pspparse.Position{File: file}, Namespaces: []string{AllNamespaces},
			})
		}
	}
}

// touches is what a gap in a namespace touches: that namespace if it can be one, else all.
func touches(namespace string) []string {
	if isLabel(namespace) {
		return []string{namespace}
	}
	return []string{AllNamespaces}
}

// intern returns one copy of a string that many objects repeat.
func (b *Builder) intern(s string) string {
	if t, ok := b.text[s]; ok {
		return t
	}
	b.text[s] = s
	return s
}

// Build returns the Inventory; the Builder must not be used afterwards.
func (b *Builder) Build(s Source) *Inventory {
	inv := &Inventory{
		Source:          s,
		Policies:        settle(b, policyRules(), b.policies),
		ServiceAccounts: settle(b, accountRules(), b.accounts),
		Roles:           settle(b, roleRules(), b.roles),
		Bindings:        settle(b, bindingRules(), b.bindings),
		Kinds:           slices.Sorted(maps.Keys(b.kinds)),
		APIServers:      settleAPIServers(b.apiServers),
	}
	inv.Source.UID = cmp.Or(inv.Source.UID, b.clusterUID())
	declared := settle(b, namespaceRules(), b.namespaces)
	if b.Alike != nil {
		b.alike = b.Alike(inv.Policies)
	}
	inv.Workloads, inv.FinishedPods = b.workloads()
	inv.Namespaces = b.allNamespaces(declared, inv.Workloads)
	b.tellPolicyTemplates(inv.Policies)
	inv.LabelWriters = b.writersOf(inv.Namespaces)
	inv.SCCPods = b.scc
	inv.Reviewers, inv.Listed = b.settleReviewers(), b.listed
	inv.Misplaced = b.settleMisplaced()
	b.noteHomeless()
	b.noteRepeated()
	b.gapRefused()
	b.settleAdmissionTemplates(inv)
	inv.Gaps, inv.Notes = sortGaps(b.gaps), sortNotes(b.notes)
	for kind, n := range b.skipped {
		inv.Skipped = append(inv.Skipped, KindCount{Kind: kind, Count: n})
	}
	slices.SortFunc(inv.Skipped, func(a, b KindCount) int { return cmp.Compare(a.Kind, b.Kind) })
	return inv
}

// clusterUID is the UID of the namespace kube-system; "" where none was read, and, with a note, where there is more than one.
func (b *Builder) clusterUID() string {
	var read []Namespace
	for i := range b.namespaces {
		if ns := &b.namespaces[i]; ns.Name == metav1.NamespaceSystem && ns.UID != "" {
			read = append(read, *ns)
		}
	}
	if len(read) == 0 {
		return ""
	}
	slices.SortFunc(read, func(a, b Namespace) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.UID, b.UID))
	})
	first := &read[0]
	i := slices.IndexFunc(read, func(ns Namespace) bool { return ns.UID != first.UID })
	if i < 0 {
		return first.UID
	}
	b.AddNote(Note{
		What: label("Namespace", "", first.Name), Position: read[i].Position,
		Why: fmt.Sprintf("it has the UID %s in %s and %s in %s: they are of two clusters, so it is not known which one this is for",
			quote(first.UID), where(first.Position), quote(read[i].UID), where(read[i].Position)),
	})
	return ""
}

// allNamespaces adds to the declared namespaces those in which something runs, and those of objects that are in
// conflict or whose own object could not be read: a namespace may not vanish because what it holds is uncertain.
func (b *Builder) allNamespaces(declared []Namespace, workloads []Workload) []Namespace {
	seen := map[string]bool{}
	for i := range declared {
		seen[declared[i].Name] = true
	}
	var missing []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			missing = append(missing, name)
		}
	}
	for i := range workloads {
		add(workloads[i].Namespace)
	}
	for _, name := range b.contested {
		add(name)
	}
	if len(missing) == 0 {
		return declared
	}
	for _, name := range missing {
		declared = append(declared, Namespace{Name: name})
	}
	slices.SortFunc(declared, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return declared
}

func (b *Builder) noteHomeless() {
	if b.homeless.n == 0 {
		return
	}
	b.AddNote(Note{
		What: "objects without a namespace", Position: b.homeless.first,
		Why: counted(b.homeless.n, "object names no namespace and counts", "objects name no namespace and count") + ` as in "default"`,
	})
}

func sortGaps(gaps []Gap) []Gap {
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why),
			slices.Compare(a.Namespaces, b.Namespaces), cmp.Compare(a.Changes, b.Changes))
	})
	return slices.CompactFunc(gaps, func(a, b Gap) bool {
		return a.What == b.What && a.Why == b.Why && a.Position == b.Position && slices.Equal(a.Namespaces, b.Namespaces) && a.Changes == b.Changes
	})
}

func sortNotes(notes []Note) []Note {
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why))
	})
	return slices.Compact(notes)
}

func comparePositions(a, b pspparse.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// tally counts things to be told once, with the first position.
type tally struct {
	n     int
	first pspparse.Position
}

func (t *tally) add(at pspparse.Position) {
	if t.n == 0 || comparePositions(at, t.first) < 0 {
		t.first = at
	}
	t.n++
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
