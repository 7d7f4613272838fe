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
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ObjectMeta is what is read of an object's metadata.
type ObjectMeta struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	UID          types.UID         `json:"uid"`
	Annotations  map[string]string `json:"annotations"`
	// Labels of what holds a template; nobody asks for those of the many pods, and they are not read from JSON.
	Labels          map[string]string       `json:"-"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// objectMetaWithLabels is Meta with the labels.
type objectMetaWithLabels struct {
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
	shapes                      *shapeEncoder
	templateMetas               map[string]*TemplateMeta
	strings                     map[string]string
	policies                    []*pspparse.Policy
	namespaces                  []Namespace
	accounts                    []ServiceAccount
	roles                       []Role
	bindings                    []Binding
	templates                   []workloadTemplate
	pods                        podTable
	apiServers                  []APIServer                // by their mirror pods
	policyTemplates             map[string]*policyTemplate // templates of policies, by name
	gaps                        []Gap
	refusedByFile               map[string]int // objects that became a gap, by file
	notes                       []Note
	skipped                     map[string]int
	kindsRead                   map[string]bool              // of workloads read
	withoutNamespace            tally                        // namespaced objects without a namespace
	repeated                    tally                        // objects read again with the same content
	admissionConfigTemplates    []AdmissionConfigTemplate    // of Rancher
	admissionConfigTemplateUses []AdmissionConfigTemplateUse // of Rancher's clusters
	// labelWriters write namespaces' labels; parents are those of namespaces in HNC's tree.
	labelWriters     []LabelWriter
	excessWriters    tally // those that were too many for one namespace
	namespaceParents map[string]string
	// sccPods counts the pods that OpenShift's SecurityContextConstraints admitted.
	sccPods            int
	clusterDefinitions []clusterDefinition // custom objects that belong to no namespace
	// misplacedKeys are keys of Pod Security on workloads, sorted, by namespace.
	misplacedKeys   map[string][]MisplacedKey
	admissionRules  []AdmissionRule
	listedResources map[string]bool     // resources of which a server gave every object
	podMetas        map[string]*PodMeta // by content
	// mutatingRules and refusers count the reviewers of either sort.
	mutatingRules, validatingRules tally
	// policyBindings put policies of Kubernetes into force.
	policyBindings        []policyBinding
	conflictingNamespaces []string // namespaces of what runs, or is one, and is in conflict; those whose object could not be read

	// SameLevels, if set, is asked for policies whether readings of one workload, which stands more than once under one name, come to
	// the same level at every version of the standards: then that is a note and the first is used. Else it is a gap.
	SameLevels func(policies []*pspparse.Policy) func(readings []Workload) bool
	sameLevels func(readings []Workload) bool
	// shapeKeys are those of shapes, once they are asked for.
	shapeKeys map[*Shape]string
	// selectorKeys are the keys of labels by which reviewers select pods, once they are asked for.
	selectorKeys map[string]bool
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	return &Builder{
		shapes: newShapeEncoder(), templateMetas: map[string]*TemplateMeta{}, strings: map[string]string{}, pods: newPodTable(),
		refusedByFile: map[string]int{}, namespaceParents: map[string]string{}, skipped: map[string]int{}, kindsRead: map[string]bool{},
		listedResources: map[string]bool{}, podMetas: map[string]*PodMeta{},
	}
}

// AddPolicy adds a policy. Like every Add method it refuses names that are not valid for the kind (a gap with the position), and
// settles duplicates in Build: identical ones count once, differing ones become a gap that names every position and
// none is used.
func (b *Builder) AddPolicy(p *pspparse.Policy) {
	if err := checkObjectName("PodSecurityPolicy", p.Name); err != nil {
		b.refuseObject("PodSecurityPolicy", "", p.Name, p.Position, err)
		return
	}
	b.policies = append(b.policies, p)
}

// AddNamespace adds a Namespace object. One with an invalid name is a gap that touches no namespace: nothing can be
// in it.
func (b *Builder) AddNamespace(n Namespace) {
	if err := checkObjectName("Namespace", n.Name); err != nil {
		b.addLimitedGap(Gap{What: describeObject("Namespace", "", n.Name), Why: message.New("object-invalid", "error", err), Position: n.Position})
		return
	}
	n.Declared = true
	b.namespaces = append(b.namespaces, n)
}

// AddServiceAccount adds a ServiceAccount object.
func (b *Builder) AddServiceAccount(s ServiceAccount) {
	s.Namespace = b.namespaceOrDefault(s.Namespace, s.Position)
	if b.acceptsName("ServiceAccount", s.Namespace, s.Name, s.Position) {
		b.accounts = append(b.accounts, s)
	}
}

// AddGap records something that could not be read.
func (b *Builder) AddGap(g Gap) { b.gaps = append(b.gaps, g) }

// AddNote records something to tell.
func (b *Builder) AddNote(n Note) { b.notes = append(b.notes, n) }

// CountSkipped counts a document that can hold no pod, policy or grant.
func (b *Builder) CountSkipped(kind string) { b.skipped[kind]++ }

// namespaceOrDefault is the namespace of a namespaced object: "default" where the object names none, as kubectl would have it.
func (b *Builder) namespaceOrDefault(namespace string, at pspparse.Position) string {
	if namespace != "" {
		return b.internString(namespace)
	}
	b.withoutNamespace.add(at)
	return corev1.NamespaceDefault
}

// acceptsName says whether an object may enter under its name; if not, it has become a gap.
func (b *Builder) acceptsName(kind, namespace, name string, at pspparse.Position) bool {
	err := checkObjectName(kind, name)
	if err == nil && namespace != "" {
		err = checkNamespace(namespace)
	}
	if err != nil {
		b.refuseObject(kind, namespace, name, at, err)
	}
	return err == nil
}

func (b *Builder) refuseObject(kind, namespace, name string, at pspparse.Position, err error) {
	b.addLimitedGap(Gap{What: describeObject(kind, namespace, name), Why: message.New("object-invalid", "error", err), Position: at, Namespaces: touchedNamespaces(namespace), Affects: PartOfKind("", kind)})
}

// addLimitedGap adds the gap of an object that cannot be used, unless there are many of one file.
func (b *Builder) addLimitedGap(g Gap) {
	if b.refusedByFile[g.Position.File]++; b.refusedByFile[g.Position.File] <= maxRefusedNamed {
		b.AddGap(g)
	}
}

// maxRefusedNamed objects of one file are named: such a file can be full of them.
const maxRefusedNamed = 1000

// addRefusedGaps tells how many were not named.
func (b *Builder) addRefusedGaps() {
	for file, n := range b.refusedByFile {
		if n > maxRefusedNamed {
			b.AddGap(Gap{
				What: "the file", Why: message.New("file-objects-not-named", "n", n-maxRefusedNamed, "limit", maxRefusedNamed),
				Position: pspparse.Position{File: file}, Namespaces: []string{AllNamespaces},
			})
		}
	}
}

// touchedNamespaces is what a gap in a namespace touches: that namespace if it can be one, else all.
func touchedNamespaces(namespace string) []string {
	if isDNSLabel(namespace) {
		return []string{namespace}
	}
	return []string{AllNamespaces}
}

// internString returns one copy of a string that many objects repeat.
func (b *Builder) internString(s string) string {
	if t, ok := b.strings[s]; ok {
		return t
	}
	b.strings[s] = s
	return s
}

// Build returns the Inventory; the Builder must not be used afterwards.
func (b *Builder) Build(s Source) *Inventory {
	inv := &Inventory{
		Source:          s,
		Policies:        resolveDuplicates(b, policyDuplicateRules(), b.policies),
		ServiceAccounts: resolveDuplicates(b, accountDuplicateRules(), b.accounts),
		Roles:           resolveDuplicates(b, roleDuplicateRules(), b.roles),
		Bindings:        resolveDuplicates(b, bindingDuplicateRules(), b.bindings),
		KindsRead:       slices.Sorted(maps.Keys(b.kindsRead)),
		APIServers:      resolveDuplicateAPIServers(b.apiServers),
	}
	inv.Source.UID = cmp.Or(inv.Source.UID, b.clusterUID())
	declared := resolveDuplicates(b, namespaceDuplicateRules(), b.namespaces)
	if b.SameLevels != nil {
		b.sameLevels = b.SameLevels(inv.Policies)
	}
	inv.Workloads, inv.FinishedPods = b.mergeWorkloads()
	inv.Namespaces = b.allNamespaces(declared, inv.Workloads)
	b.reportPolicyTemplates(inv.Policies)
	inv.LabelWriters = b.assignLabelWriters(inv.Namespaces)
	inv.SCCPods = b.sccPods
	inv.AdmissionRules, inv.ListedResources = b.resolveDuplicateAdmissionRules(), b.listedResources
	inv.MisplacedKeys = b.sortedMisplacedKeys()
	b.noteWithoutNamespace()
	b.noteRepeatedObjects()
	b.addRefusedGaps()
	b.resolveDuplicateAdmissionConfigTemplates(inv)
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
		What: describeObject("Namespace", "", first.Name), Position: read[i].Position,
		Why: message.New("cluster-uid-differs", "uid", quote(first.UID), "position", positionText(first.Position), "otherUID", quote(read[i].UID), "otherPosition", positionText(read[i].Position)),
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
	for _, name := range b.conflictingNamespaces {
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

func (b *Builder) noteWithoutNamespace() {
	if b.withoutNamespace.count == 0 {
		return
	}
	b.AddNote(Note{
		What: "objects without a namespace", Position: b.withoutNamespace.first,
		Why: message.New("objects-without-namespace", "n", b.withoutNamespace.count),
	})
}

func sortGaps(gaps []Gap) []Gap {
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), message.Compare(a.Why, b.Why),
			slices.Compare(a.Namespaces, b.Namespaces), cmp.Compare(a.Affects, b.Affects))
	})
	return slices.CompactFunc(gaps, func(a, b Gap) bool {
		return a.What == b.What && message.Compare(a.Why, b.Why) == 0 && a.Position == b.Position && slices.Equal(a.Namespaces, b.Namespaces) && a.Affects == b.Affects
	})
}

func sortNotes(notes []Note) []Note {
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), message.Compare(a.Why, b.Why))
	})
	return slices.CompactFunc(notes, func(a, b Note) bool {
		return a.What == b.What && a.Position == b.Position && message.Compare(a.Why, b.Why) == 0
	})
}

func comparePositions(a, b pspparse.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// tally counts things to be told once, with the first position.
type tally struct {
	count int
	first pspparse.Position
}

func (t *tally) add(at pspparse.Position) {
	if t.count == 0 || comparePositions(at, t.first) < 0 {
		t.first = at
	}
	t.count++
}

func countNoun(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
