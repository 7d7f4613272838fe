package dump

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// MarkerBytes is how much of a marker file a Survey needs.
const MarkerBytes = 4 << 10

// maxRoots is how many folders a Survey looks at as the root of a dump: bundles wrap everything in one or two.
const maxRoots = 10_000

// marks are what a Survey has found below one folder.
type marks struct {
	veleroVersion, resources                         bool
	bundleVersion, clusterResources                  bool
	namespaces, clusterScoped, openshift, gatherTime bool
	sonobuoyConfig, serverVersion, sonobuoyResources bool
	filters, versionedFolder                         bool
	yamlsCluster, yamlsNamespaced, generationLog     bool
	gatherLog, nodeList, controllerLists             bool
	gatherClusters                                   map[string]bool
	depth                                            int
}

// Survey looks at the names of a dump, in any order, and finds what kind it is.
type Survey struct{ roots map[string]*marks }

// WantsContent reports whether Add needs the first MarkerBytes of an entry.
func (s *Survey) WantsContent(name string) bool {
	switch path.Base(name) {
	case "version":
		return true
	case "version.yaml", "nodes.json", "nodes.yaml":
		return strings.Count(name, "/") <= maxWrappers
	}
	return false
}

// maxWrappers is how many folders may be around a dump.
const maxWrappers = 2

// Add looks at one entry: its cleaned name, and the beginning of its content where WantsContent asks for that. The name of a folder ends
// in a slash.
func (s *Survey) Add(name string, begin []byte) {
	prefix, rest := "", name
	for depth := 0; depth <= maxWrappers; depth++ {
		if m := s.marksOf(prefix, depth); m != nil {
			m.add(rest, begin)
		}
		first, below, found := strings.Cut(rest, "/")
		if !found || below == "" {
			return
		}
		prefix, rest = prefix+first+"/", below
	}
}

// marksOf returns the marks of one possible root, nil where there are too many of them.
func (s *Survey) marksOf(prefix string, depth int) *marks {
	if s.roots == nil {
		s.roots = map[string]*marks{}
	}
	m := s.roots[prefix]
	if m == nil && len(s.roots) < maxRoots {
		m = &marks{depth: depth}
		s.roots[prefix] = m
	}
	return m
}

// veleroVersionText is what metadata/version of a Velero backup holds: 1 or 1.1.0.
var veleroVersionText = regexp.MustCompile(`^1(\.\d+\.\d+)?\s*$`)

// versionedResource is the folder of a resource in a backup of Rancher's operator.
var versionedResource = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9.-]*#v[0-9a-z]+/`)

// add looks at a name below the possible root.
func (m *marks) add(name string, begin []byte) {
	first, below, _ := strings.Cut(name, "/")
	switch name {
	case "metadata/version":
		m.veleroVersion = m.veleroVersion || veleroVersionText.Match(begin)
	case "version.yaml":
		m.bundleVersion = m.bundleVersion || bytes.Contains(begin, []byte("kind: SupportBundle"))
	case "version":
		line, _, _ := bytes.Cut(begin, []byte("\n"))
		m.openshift = m.openshift || bytes.Contains(line, []byte("must-gather"))
	case "event-filter.html", "timestamp", "aggregated-discovery-apis.yaml":
		m.gatherTime = true
	case "meta/config.json":
		m.sonobuoyConfig = true
	case "serverversion.json":
		m.serverVersion = true
	case "filters/filters.json":
		m.filters = true
	case "bundleGenerationError.log":
		m.generationLog = true
	case "gather.log":
		m.gatherLog = true
	case "nodes.json", "nodes.yaml":
		m.nodeList = m.nodeList || bytes.Contains(begin, []byte("NodeList")) || bytes.HasPrefix(begin, []byte("apiVersion: v1\nitems:"))
	}
	switch first {
	case "resources":
		m.resources = m.resources || below != ""
		m.sonobuoyResources = m.sonobuoyResources || strings.HasPrefix(below, "ns/") || strings.HasPrefix(below, "cluster/")
	case "cluster-resources":
		m.clusterResources = true
	case "namespaces":
		m.namespaces = m.namespaces || below != ""
	case "cluster-scoped-resources":
		m.clusterScoped = true
	case "yamls":
		m.yamlsCluster = m.yamlsCluster || strings.HasPrefix(below, "cluster/")
		m.yamlsNamespaced = m.yamlsNamespaced || strings.HasPrefix(below, "namespaced/")
	}
	m.versionedFolder = m.versionedFolder || versionedResource.MatchString(name)
	m.controllerLists = m.controllerLists || below == "replication-controllers.json" || below == "replication-controllers.yaml"
	if (strings.HasPrefix(below, "cluster/") || strings.HasPrefix(below, "namespaces/")) && len(m.gatherClusters) < maxRoots {
		if m.gatherClusters == nil {
			m.gatherClusters = map[string]bool{}
		}
		m.gatherClusters[first] = true
	}
}

// kind returns what kind of dump has its root here. The time of a must-gather lies beside the folders of its images.
func (m *marks) kind(parent *marks) Kind {
	gathered := m.openshift || m.gatherTime || parent != nil && parent.gatherTime
	switch {
	case m.veleroVersion && m.resources:
		return Velero
	case m.bundleVersion && m.clusterResources:
		return SupportBundle
	case (m.namespaces || m.clusterScoped) && gathered:
		return MustGather
	case m.sonobuoyConfig && m.serverVersion && m.sonobuoyResources:
		return Sonobuoy
	case m.filters && m.versionedFolder:
		return RancherBackup
	case m.yamlsCluster && m.yamlsNamespaced || m.generationLog && (m.yamlsCluster || m.yamlsNamespaced):
		return RancherBundle
	case m.gatherLog && len(m.gatherClusters) > 0:
		return Gather
	case m.nodeList && m.controllerLists:
		return ClusterInfo
	}
	return Plain
}

// Root is the folder of one dump: "" or a name that ends in a slash.
type Root struct {
	Folder string
	Kind   Kind
	// Clusters are the folders of the clusters of a Gather, sorted.
	Clusters []string
}

// Roots returns the dumps that were found, sorted by folder: those of the first kind of the table that is there, at the least depth.
func (s *Survey) Roots() []Root {
	var found []Root
	order := []Kind{Velero, SupportBundle, MustGather, Sonobuoy, RancherBackup, RancherBundle, Gather, ClusterInfo}
	best := len(order)
	for _, folder := range slices.Sorted(maps.Keys(s.roots)) {
		m := s.roots[folder]
		parent := s.roots[parentFolder(folder)]
		if folder == "" {
			parent = nil
		}
		kind := m.kind(parent)
		if kind == Plain {
			continue
		}
		switch at := slices.Index(order, kind); {
		case at > best:
			continue
		case at < best:
			best, found = at, nil
		}
		found = append(found, Root{Folder: folder, Kind: kind, Clusters: slices.Sorted(maps.Keys(m.gatherClusters))})
	}
	return outermost(found)
}

// outermost returns the roots that do not lie in another one.
func outermost(roots []Root) []Root {
	var out []Root
	for _, r := range roots { // sorted: an outer folder comes before what is in it
		if len(out) == 0 || !strings.HasPrefix(r.Folder, out[len(out)-1].Folder) {
			out = append(out, r)
		}
	}
	return out
}

// parentFolder returns the folder around a possible root.
func parentFolder(folder string) string {
	trimmed := strings.TrimSuffix(folder, "/")
	if i := strings.LastIndexByte(trimmed, '/'); i >= 0 {
		return trimmed[:i+1]
	}
	return ""
}
