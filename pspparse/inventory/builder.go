package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ObjectMeta is what the inventory reads of the metadata of an object.
type ObjectMeta struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	UID          types.UID         `json:"uid"`
	Annotations  map[string]string `json:"annotations"`
	// Labels are those of an object with a pod template. They are not decoded from the JSON of the many pods, which nobody
	// asks for.
	Labels          map[string]string       `json:"-"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// objectMetaWithLabels is the metadata that the inventory reads of an object, with the labels decoded from JSON.
type objectMetaWithLabels struct {
	Name            string                  `json:"name"`
	GenerateName    string                  `json:"generateName"`
	Namespace       string                  `json:"namespace"`
	UID             types.UID               `json:"uid"`
	Annotations     map[string]string       `json:"annotations"`
	Labels          map[string]string       `json:"labels"`
	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// Builder collects objects in any order and turns them into an Inventory. It is a Sink, and not safe for concurrent use.
//
// Whatever is wrong with one object costs that object only: it becomes a gap with its position, and the rest is read.
type Builder struct {
	// shapes and the two below hold one copy of what many objects repeat.
	shapes        *shapeEncoder
	templateMetas map[string]*TemplateMeta
	strings       map[string]string
	policies      []*pspparse.Policy
	namespaces    []Namespace
	accounts      []ServiceAccount
	roles         []Role
	bindings      []Binding
	templates     []workloadTemplate
	pods          podTable
	// apiServers are API servers by their mirror pods.
	apiServers []APIServer
	// policyTemplates are Rancher's templates of PodSecurityPolicies, by name.
	policyTemplates map[string]*policyTemplate
	gaps            []Gap
	// refusedByFile counts the objects that became a gap of their own, by file.
	refusedByFile map[string]int
	notes         []Note
	skipped       map[string]int
	// kindsRead are the workload kinds of which an object was read.
	kindsRead map[string]bool
	// withoutNamespace counts namespaced objects that name no namespace.
	withoutNamespace tally
	// repeated counts objects that were read again with the same content.
	repeated                    tally
	admissionConfigTemplates    []AdmissionConfigTemplate    // of Rancher
	admissionConfigTemplateUses []AdmissionConfigTemplateUse // of Rancher's clusters
	// labelWriters are objects that write Pod Security labels on namespaces.
	labelWriters []LabelWriter
	// excessWriters counts label writers that were too many for one namespace.
	excessWriters tally
	// namespaceParents are the parents of namespaces in the tree of the hierarchical namespace controller (HNC).
	namespaceParents map[string]string
	// sccPods counts the pods that OpenShift's SecurityContextConstraints admitted.
	sccPods int
	// clusterDefinitions are cluster-scoped custom objects from which pods are made.
	clusterDefinitions []clusterDefinition
	// misplacedKeys are keys of Pod Security on workloads, sorted, by namespace.
	misplacedKeys  map[string][]MisplacedKey
	admissionRules []AdmissionRule
	// listedResources are the resources of which a server gave every object.
	listedResources map[string]bool
	// podMetas are all PodMeta by their content.
	podMetas map[string]*PodMeta
	// mutatingRules and validatingRules count the admission rules that change pods, and those that refuse them.
	mutatingRules, validatingRules tally
	// policyBindings put admission policies of Kubernetes into force.
	policyBindings []policyBinding
	// generatedPolicies are admission policies of Kubernetes, and bindings, that the command generate wrote.
	generatedPolicies []GeneratedPolicy
	// conflictingNamespaces are the namespaces of objects in conflict, and those whose own object could not be read. They
	// stay in the inventory.
	conflictingNamespaces []string

	// WrittenPod, if set, returns a bare pod as it was sent to the API server, by the one that runs; nil where that is not known.
	WrittenPod func(namespace, name string, uid types.UID) *corev1.PodTemplateSpec
	// SameLevels, if set, returns for the policies a function that reports whether readings of one workload, which stands
	// more than once under one name, come to the same level at every version of the standards. Then that is a note and the
	// first reading is used; else it is a gap.
	SameLevels func(policies []*pspparse.Policy) func(readings []Workload) bool
	sameLevels func(readings []Workload) bool
	// shapeKeys are the keys of all shapes, once they are asked for.
	shapeKeys map[*Shape]string
	// selectorKeys are the keys of labels by which admission rules select pods, once they are asked for.
	selectorKeys map[string]bool
}

// NewBuilder returns a Builder of an empty inventory.
func NewBuilder() *Builder {
	return &Builder{
		shapes: newShapeEncoder(), templateMetas: map[string]*TemplateMeta{}, strings: map[string]string{}, pods: newPodTable(),
		refusedByFile: map[string]int{}, namespaceParents: map[string]string{}, skipped: map[string]int{}, kindsRead: map[string]bool{},
		listedResources: map[string]bool{}, podMetas: map[string]*PodMeta{},
	}
}

// AddPolicy adds a PodSecurityPolicy to the inventory. Like every Add method it makes a gap of a name that is not valid
// for the kind. Duplicates are resolved by Build: identical ones count once, differing ones become a gap that names
// every position, and none is used.
func (b *Builder) AddPolicy(p *pspparse.Policy) {
	if err := checkObjectName("PodSecurityPolicy", p.Name); err != nil {
		b.refuseObject("PodSecurityPolicy", "", p.Name, p.Position, err)
		return
	}
	b.policies = append(b.policies, p)
}

// AddNamespace adds a Namespace object to the inventory. One with an invalid name becomes a gap that touches no
// namespace, since nothing can be in it.
func (b *Builder) AddNamespace(n Namespace) {
	if err := checkObjectName("Namespace", n.Name); err != nil {
		b.AddObjectGap(Gap{What: describeObject("Namespace", "", n.Name), Why: message.New("object-invalid", "error", err), Position: n.Position})
		return
	}
	n.Declared = true
	b.namespaces = append(b.namespaces, n)
}

// AddServiceAccount adds a ServiceAccount object to the inventory.
func (b *Builder) AddServiceAccount(s ServiceAccount) {
	s.Namespace = b.namespaceOrDefault(s.Namespace, s.Position)
	if b.acceptsName("ServiceAccount", s.Namespace, s.Name, s.Position) {
		b.accounts = append(b.accounts, s)
	}
}

// AddGap adds to the inventory what could not be read or evaluated.
func (b *Builder) AddGap(g Gap) { b.gaps = append(b.gaps, g) }

// AddNote adds to the inventory a remark that makes nothing uncertain.
func (b *Builder) AddNote(n Note) { b.notes = append(b.notes, n) }

// CountSkipped counts in the inventory a document of a kind that holds no pod, policy or grant.
func (b *Builder) CountSkipped(kind string) { b.skipped[kind]++ }

// namespaceOrDefault returns the namespace under which the inventory has a namespaced object: "default", as with
// kubectl, where the object names none, which is counted.
func (b *Builder) namespaceOrDefault(namespace string, at pspparse.Position) string {
	if namespace != "" {
		return b.internString(namespace)
	}
	b.withoutNamespace.add(at)
	return corev1.NamespaceDefault
}

// acceptsName reports whether the name and the namespace of an object for the inventory are valid; if not, it has
// become a gap.
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

// refuseObject adds to the inventory the gap of an object that cannot be used.
func (b *Builder) refuseObject(kind, namespace, name string, at pspparse.Position, err error) {
	b.AddObjectGap(Gap{What: describeObject(kind, namespace, name), Why: message.New("object-invalid", "error", err), Position: at, Namespaces: touchedNamespaces(namespace), Affects: PartOfKind("", kind)})
}

// AddObjectGap adds to the inventory the gap of one object, unless there are more than maxRefusedNamed of its file.
func (b *Builder) AddObjectGap(g Gap) {
	file, _, _ := strings.Cut(g.Position.File, "!") // the entries of an archive count as one
	if b.refusedByFile[file]++; b.refusedByFile[file] <= maxRefusedNamed {
		b.AddGap(g)
	}
}

// maxRefusedNamed is how many objects of one file have a gap of their own; a broken file can be full of them.
const maxRefusedNamed = 1000

// addRefusedGaps adds to the inventory a gap for each file with more broken objects than are named.
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

// touchedNamespaces returns the namespaces that a gap of the inventory touches: that namespace if its name is valid,
// else all.
func touchedNamespaces(namespace string) []string {
	if IsDNSLabel(namespace) {
		return []string{namespace}
	}
	return []string{AllNamespaces}
}

// internString returns one copy of a string that many objects of the inventory repeat.
func (b *Builder) internString(s string) string {
	if t, ok := b.strings[s]; ok {
		return t
	}
	b.strings[s] = s
	return s
}

// Build returns the Inventory. The Builder must not be used afterwards.
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
	inv.GeneratedPolicies = b.sortedGeneratedPolicies()
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

// clusterUID returns the inventory's UID of the namespace kube-system, by which a cluster is known. It is "" where none
// was read, and, with a note, where there are several.
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

// allNamespaces returns the inventory's declared namespaces with those in which something runs, and those of objects in
// conflict: a namespace may not vanish because what it holds is uncertain.
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

// noteWithoutNamespace adds to the inventory a note of the namespaced objects that name no namespace.
func (b *Builder) noteWithoutNamespace() {
	if b.withoutNamespace.count == 0 {
		return
	}
	b.AddNote(Note{
		What: "objects without a namespace", Position: b.withoutNamespace.first,
		Why: message.New("objects-without-namespace", "n", b.withoutNamespace.count),
	})
}

// sortGaps returns the gaps of an inventory in order, each once.
func sortGaps(gaps []Gap) []Gap {
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), message.Compare(a.Why, b.Why),
			slices.Compare(a.Namespaces, b.Namespaces), cmp.Compare(a.Affects, b.Affects))
	})
	return slices.CompactFunc(gaps, func(a, b Gap) bool {
		return a.What == b.What && message.Compare(a.Why, b.Why) == 0 && a.Position == b.Position && slices.Equal(a.Namespaces, b.Namespaces) && a.Affects == b.Affects
	})
}

// sortNotes returns the notes of an inventory in order, each once.
func sortNotes(notes []Note) []Note {
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.What, b.What), message.Compare(a.Why, b.Why))
	})
	return slices.CompactFunc(notes, func(a, b Note) bool {
		return a.What == b.What && a.Position == b.Position && message.Compare(a.Why, b.Why) == 0
	})
}

// comparePositions orders the positions of objects in an inventory by file and line.
func comparePositions(a, b pspparse.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// tally counts objects of an inventory that one note is about, with the first position.
type tally struct {
	count int
	first pspparse.Position
}

// add counts an object of a note at a position.
func (t *tally) add(at pspparse.Position) {
	if t.count == 0 || comparePositions(at, t.first) < 0 {
		t.first = at
	}
	t.count++
}
