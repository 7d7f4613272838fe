package dump

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxErrors is how many failures of a dump's program are named.
const maxErrors = 200

// maxReasonBytes is how much is shown of a reason that a dump's program gives.
const maxReasonBytes = 300

// Layout says what is done with the entries of one dump, and keeps what its gaps depend on. It is not safe for concurrent use.
type Layout struct {
	kind Kind
	// folders are its roots: a must-gather has one for each image.
	folders []string
	// clusters are the folders of a Gather that are read.
	clusters []string
	// seen are the resources of which the dump has an entry, by group and name.
	seen map[resourceID]bool
	// declared are the namespaces of which an object was read, podLists those of which the dump has the pods.
	declared, podLists map[string]bool
	// listFiles counts the lists of each namespace of a cluster-info dump.
	listFiles map[string]int
	// failures are what the program failed to collect.
	failures []failure
	// unversioned are the entries of a Velero backup that were read, without a version in their names.
	unversioned map[string]bool
	// builtInRoles is true once a cluster role was seen that every server has.
	builtInRoles bool
	backup       *veleroBackup
	secrets      int
}

// resourceID identifies a resource of the API by group and plural name.
type resourceID struct{ group, resource string }

// failure is what the program of a dump says that it could not collect.
type failure struct {
	resource, namespace, reason string
}

// NewLayout returns the layout of the dump with those roots, which are of one kind.
func NewLayout(roots []Root) *Layout {
	l := &Layout{
		kind: roots[0].Kind, seen: map[resourceID]bool{}, declared: map[string]bool{}, podLists: map[string]bool{}, listFiles: map[string]int{},
		unversioned: map[string]bool{},
	}
	for _, r := range roots {
		l.folders, l.clusters = append(l.folders, r.Folder), append(l.clusters, r.Clusters...)
	}
	return l
}

// Kind returns what kind of dump it is.
func (l *Layout) Kind() Kind { return l.kind }

// Secrets returns how many entries with Secrets were left alone.
func (l *Layout) Secrets() int { return l.secrets }

// Entry says what to do with a file of the dump, by its cleaned name. What lies outside of the root of the dump is skipped.
func (l *Layout) Entry(name string) Action {
	parts, inside := l.partsBelowRoot(name)
	if !inside {
		return Action{}
	}
	var a Action
	switch l.kind {
	case Velero:
		a = l.veleroEntry(parts)
	case SupportBundle:
		a = l.bundleEntry(parts)
	case MustGather:
		a = l.mustGatherEntry(parts)
	case Sonobuoy:
		a = l.sonobuoyEntry(parts)
	case RancherBackup:
		a = l.rancherBackupEntry(parts)
	case RancherBundle:
		a = l.rancherBundleEntry(parts)
	case Gather:
		a = l.gatherEntry(parts)
	case ClusterInfo:
		a = l.clusterInfoEntry(parts)
	case Plain:
	}
	if a.Verb == SkipSecret {
		l.secrets++
	}
	return a
}

// partsBelowRoot returns the parts of the name of an entry below the root of the dump; false for one outside of it.
func (l *Layout) partsBelowRoot(name string) ([]string, bool) {
	for _, folder := range l.folders {
		if rest, inside := strings.CutPrefix(name, folder); inside {
			return strings.Split(rest, "/"), true
		}
	}
	return nil, false
}

// AddNamespace says that the object of a namespace was read from the dump.
func (l *Layout) AddNamespace(name string) { l.declared[name] = true }

// resource returns what to do with an entry that holds objects of a resource, and notes that the dump has it.
func (l *Layout) resource(group, resource string) Action {
	l.seen[resourceID{group, resource}] = true
	switch k, known := kindOfResource(group, resource); {
	case group == "" && resource == "secrets":
		return Action{Verb: SkipSecret}
	case known:
		l.seen[resourceID{k.group, k.resource}] = true
		return Action{Verb: Read, Items: k.header}
	case isTedious(group, resource):
		return Action{}
	}
	return Action{Verb: Read}
}

// has reports whether the dump has an entry of a resource that the analysis reads.
func (l *Layout) has(k resourceKind) bool { return l.seen[resourceID{k.group, k.resource}] }

// addFailure keeps what the program of the dump could not collect.
func (l *Layout) addFailure(f failure) {
	f.reason = english.EscapeInput(f.reason[:min(len(f.reason), maxReasonBytes)])
	if len(l.failures) < maxErrors {
		l.failures = append(l.failures, f)
	}
}

// Gaps returns what is not known because the dump does not hold it. Elsewhere reports whether objects of a kind have been read from
// another source: then it is not missing. The caller adds the name and the position of the dump.
func (l *Layout) Gaps(elsewhere func(kind string) bool) []inventory.Gap {
	var out []inventory.Gap
	missing := map[inventory.GapPart][]string{}
	for _, k := range resourceKinds() {
		if k.words == "" || l.has(k) || elsewhere(k.header.Kind) || !l.alwaysListed(k) {
			continue
		}
		part := inventory.PartOfKind(k.header.APIVersion, k.header.Kind)
		missing[part] = append(missing[part], k.words)
	}
	for _, part := range slices.Sorted(maps.Keys(missing)) {
		out = append(out, inventory.Gap{
			Why:        message.New("dump-holds-none", "tool", string(l.kind), "missing", missing[part], "advice", "add them with a second -f, or read the cluster"),
			Namespaces: []string{inventory.AllNamespaces}, Affects: part,
		})
	}
	for _, f := range l.failures {
		in := []string{inventory.AllNamespaces}
		if f.namespace != "" && inventory.IsDNSLabel(f.namespace) {
			in = []string{f.namespace}
		}
		g := inventory.Gap{Why: message.New("dump-not-collected", "resource", f.resource, "namespace", f.namespace, "error", f.reason), Namespaces: in}
		if k, ok := kindOfResource(groupOfResource(f.resource), f.resource); ok {
			g.Affects = inventory.PartOfKind(k.header.APIVersion, k.header.Kind)
		}
		out = append(out, g)
	}
	switch l.kind {
	case Velero:
		out = append(out, l.veleroGaps(elsewhere)...)
	case SupportBundle:
		out = append(out, l.bundleGaps()...)
	case ClusterInfo:
		out = append(out, l.clusterInfoGaps()...)
	case MustGather, RancherBundle, RancherBackup:
		out = append(out, inventory.Gap{Why: message.New("dump-of-some-namespaces", "tool", string(l.kind))})
	case Sonobuoy, Gather, Plain:
	}
	return out
}

// alwaysListed reports whether the dump would have an entry of a resource if its program had collected it. Programs that write one file
// for each object, and those that write no empty lists, have none where there is no object.
func (l *Layout) alwaysListed(k resourceKind) bool {
	switch l.kind {
	case SupportBundle:
		return k.resource != "replicationcontrollers" && k.resource != "podtemplates"
	case ClusterInfo:
		return k.resource != "podtemplates"
	case RancherBackup:
		return true
	case MustGather:
		switch k.group {
		case "policy", "rbac.authorization.k8s.io":
			return true
		}
		return k.resource == "serviceaccounts" || k.resource == "pods"
	case Velero, Sonobuoy, RancherBundle, Gather:
		return k.resource == "pods" || k.resource == "namespaces" || k.resource == "clusterroles" || k.resource == "clusterrolebindings"
	case Plain:
	}
	return false
}

// groupOfResource returns the API group of a resource that the analysis reads; "" for any other.
func groupOfResource(resource string) string {
	for _, k := range resourceKinds() {
		if k.resource == resource {
			return k.group
		}
	}
	return ""
}

// isObjectFile reports whether an entry of a dump is named like one object or list.
func isObjectFile(name string) bool {
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml":
		return true
	}
	return false
}

// withoutExtension returns the name of an entry without .json or .yaml.
func withoutExtension(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// coreGroup returns the API group that a folder of a dump stands for: core is the group without a name.
func coreGroup(folder string) string {
	if folder == "core" {
		return ""
	}
	return folder
}
