package custom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// searchResult is what a search through an object has come upon.
type searchResult struct {
	// templates are whole pod templates.
	templates []inventory.CustomTemplate
	// omitted is how many were not kept.
	omitted int
	// innerObjects are whole objects within the object that may make pods or grant something.
	innerObjects []innerObject
	// partialPod says the first of what belongs to a pod without being a whole template: "it has containers at spec.x".
	partialPod string
}

// innerObject is an object within another.
type innerObject struct {
	path, kind, namespace string
}

// firstRemainder says the first of what is no whole pod template; "" if there is nothing.
func (f *searchResult) firstRemainder() string {
	switch {
	case f.partialPod != "":
		return f.partialPod
	case len(f.innerObjects) > 0:
		return fmt.Sprintf("it holds a %s at %s", escapeText(f.innerObjects[0].kind), f.innerObjects[0].path)
	case f.omitted > 0:
		return fmt.Sprintf("it has more than %d pod templates (%d)", maxTemplates, maxTemplates+f.omitted)
	}
	return ""
}

// maxTemplates of one object are kept.
const maxTemplates = 1000

// templateSearcher walks through one object, in the order of keys, so that what it says does not vary.
type templateSearcher struct {
	searchResult
	// podsAreTemplates: whole Pods within the object are its templates.
	podsAreTemplates bool
	path             []string
	// namespace is that of what is searched.
	namespace string
}

// searchTemplates looks for pod templates in an object of a kind that may make pods.
func searchTemplates(tree map[string]any, pods bool) searchResult {
	s := templateSearcher{podsAreTemplates: pods, namespace: metadataNamespace(tree)}
	s.searchObject(tree)
	return s.searchResult
}

func (s *templateSearcher) pathOf(key string) string {
	return escapeText(strings.TrimPrefix(strings.Join(s.path, "")+"."+key, "."))
}

func (s *templateSearcher) currentPath() string {
	return escapeText(strings.TrimPrefix(strings.Join(s.path, ""), "."))
}

func (s *templateSearcher) searchValue(v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			s.path = append(s.path, "["+strconv.Itoa(i)+"]")
			s.searchValue(item)
			s.path = s.path[:len(s.path)-1]
		}
	case map[string]any:
		s.searchObject(v)
	}
}

// searchObject looks at one object within the whole one, or at that.
func (s *templateSearcher) searchObject(m map[string]any) {
	root := len(s.path) == 0
	if in := metadataNamespace(m); !root && in != "" && in != s.namespace && hasKindAndVersion(m) {
		s.searchOtherNamespace(m, in)
		return
	}
	if !root && isEmbeddedObject(m) && !(s.podsAreTemplates && m["kind"] == "Pod") {
		kind, _ := m["kind"].(string)
		in := innerObject{kind: kind, namespace: metadataNamespace(m)}
		if len(s.innerObjects) == 0 {
			in.path = s.currentPath()
		}
		s.innerObjects = append(s.innerObjects, in)
		return
	}
	if !root && isPodTemplate(m) {
		if isAdmittedPod(m) {
			s.innerObjects = append(s.innerObjects, innerObject{path: s.currentPath(), kind: "Pod", namespace: metadataNamespace(m)})
			return
		}
		s.addTemplate(m)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == "managedFields" || root && (k == "status" || k == "metadata") {
			continue
		}
		if what := partialPodKey(k, m[k]); what != "" {
			if s.partialPod == "" {
				s.partialPod = fmt.Sprintf("it has %s at %s", what, s.pathOf(k))
			}
			continue
		}
		s.path = append(s.path, "."+truncateKey(k))
		s.searchValue(m[k])
		s.path = s.path[:len(s.path)-1]
	}
}

// searchOtherNamespace looks at an object of another namespace: nothing of it is judged in the one of what holds it.
func (s *templateSearcher) searchOtherNamespace(m map[string]any, namespace string) {
	inner := templateSearcher{podsAreTemplates: s.podsAreTemplates, path: s.path, namespace: namespace}
	inner.searchObject(m)
	if len(inner.templates) == 0 && inner.firstRemainder() == "" {
		return
	}
	kind, _ := m["kind"].(string)
	s.innerObjects = append(s.innerObjects, innerObject{path: s.currentPath(), kind: kind, namespace: namespace})
	for _, in := range inner.innerObjects {
		in.namespace = cmp.Or(in.namespace, namespace)
		s.innerObjects = append(s.innerObjects, in)
	}
}

func (s *templateSearcher) addTemplate(m map[string]any) {
	if len(s.templates) == maxTemplates {
		s.omitted++
		return
	}
	s.templates = append(s.templates, inventory.CustomTemplate{Path: s.currentPath(), JSON: marshalJSON(map[string]any{"metadata": m["metadata"], "spec": m["spec"]})})
}

// isPodTemplate tells a whole pod template: its spec has containers, each with a name and an image.
func isPodTemplate(m map[string]any) bool {
	spec, _ := m["spec"].(map[string]any)
	return isWholePodSpec(spec)
}

// isAdmittedPod tells a pod that a server has admitted: what a policy has filled in may be part of it.
func isAdmittedPod(m map[string]any) bool {
	metadata, _ := m["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	spec, _ := m["spec"].(map[string]any)
	_, admitted := annotations["kubernetes.io/psp"]
	_, status := m["status"].(map[string]any)
	return admitted || status || metadata["uid"] != nil || spec["nodeName"] != nil
}

func isWholePodSpec(spec map[string]any) bool {
	list, _ := spec["containers"].([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool {
		c, _ := item.(map[string]any)
		name, _ := c["name"].(string)
		image, _ := c["image"].(string)
		return name == "" || image == ""
	})
}

// isEmbeddedObject tells an object within another (a template, a bundle) from a mere reference to one.
func isEmbeddedObject(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	_, version := m["apiVersion"].(string)
	_, metadata := m["metadata"].(map[string]any)
	return version && metadata && makesPodsOrGrants(kind)
}

// hasKindAndVersion tells an object of any kind.
func hasKindAndVersion(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	version, _ := m["apiVersion"].(string)
	return kind != "" && version != ""
}

// makesPodsOrGrants is true for the kinds that make pods, and for those that say which pods may be.
func makesPodsOrGrants(kind string) bool {
	switch kind {
	case pspparse.PolicyKind, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "List":
		return true
	}
	return makesPods(kind)
}

// makesPods is true for pods and for the kinds of Kubernetes' own that make them.
func makesPods(kind string) bool {
	_, ok := inventory.WorkloadKindOf(kind)
	return ok
}

func metadataNamespace(m map[string]any) string {
	metadata, _ := m["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	return namespace
}

// partialPodKey says what of a pod a key has, if its value has the shape of that; else "".
func partialPodKey(key string, v any) string {
	switch key {
	case "privileged", "hostNetwork", "hostPID", "hostIPC", "host_network", "host_pid", "host_ipc":
		if isBool(v) {
			return key
		}
	case "hostPath", "host_path":
		if isHostPath(v) {
			return key
		}
	case "container":
		if isContainer(v) {
			return "a container"
		}
	case "steps", "sidecars":
		if anyItem(v, isStepContainer) {
			return key
		}
	}
	switch m, _ := v.(map[string]any); {
	case strings.HasSuffix(key, "ontainers"):
		if anyItem(v, isContainer) {
			return "containers"
		}
	case strings.HasSuffix(key, "ecurityContext"), strings.HasSuffix(key, "security_context"):
		if m != nil && isSecurityContext(m) {
			return "a security context"
		}
	case strings.HasSuffix(key, "odTemplate"), strings.HasSuffix(key, "odTemplateSpec"), strings.HasSuffix(key, "podSpec"):
		if len(m) > 0 && !isPodTemplate(m) {
			return "part of a pod template"
		}
	case strings.HasSuffix(strings.ToLower(key), "template"):
		if spec, _ := m["spec"].(map[string]any); resemblesPodSpec(spec) && !isWholePodSpec(spec) {
			return "part of a pod template"
		}
	}
	return ""
}

// isBool is true for true and false, as text, too.
func isBool(v any) bool {
	_, ok := v.(bool)
	return ok || v == "true" || v == "false"
}

func isHostPath(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, "/")
	case map[string]any:
		path, _ := v["path"].(string)
		return path != ""
	}
	return false
}

// anyItem is true if one of a list, or of the values of a map, is such.
func anyItem(v any, is func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, is)
	case map[string]any:
		for _, item := range v {
			if is(item) {
				return true
			}
		}
	}
	return false
}

// isContainer tells a container by what only containers have.
func isContainer(v any) bool {
	m, _ := v.(map[string]any)
	_, list := m["command"].([]any)
	if !list {
		_, list = m["args"].([]any)
	}
	if !list {
		_, list = m["volumeMounts"].([]any)
	}
	image, _ := m["image"].(string)
	_, security := m["securityContext"].(map[string]any)
	return list || image != "" || security
}

// isStepContainer is stricter: steps are of all sorts of things.
func isStepContainer(v any) bool {
	m, _ := v.(map[string]any)
	image, _ := m["image"].(string)
	_, security := m["securityContext"].(map[string]any)
	return image != "" || security
}

func isSecurityContext(m map[string]any) bool {
	for key := range m {
		switch key {
		case "run_as_user", "run_as_group", "run_as_non_root", "fs_group", "se_linux_options", "seccomp_profile", "allow_privilege_escalation",
			"read_only_root_filesystem":
			return true
		case "runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy",
			"sysctls", "seLinuxOptions", "seLinuxChangePolicy", "seccompProfile", "appArmorProfile", "windowsOptions", "privileged",
			"allowPrivilegeEscalation", "capabilities", "procMount", "readOnlyRootFilesystem":
			return true
		}
	}
	return len(m) == 0
}

// resemblesPodSpec tells the spec of a pod from that of anything else that has a template.
func resemblesPodSpec(spec map[string]any) bool {
	for key, v := range spec {
		switch key {
		case "serviceAccountName", "schedulerName", "runtimeClassName", "dnsPolicy", "restartPolicy", "priorityClassName":
			if _, ok := v.(string); ok {
				return true
			}
		case "tolerations", "imagePullSecrets", "hostAliases", "topologySpreadConstraints":
			if _, ok := v.([]any); ok {
				return true
			}
		case "nodeSelector", "affinity", "securityContext":
			if _, ok := v.(map[string]any); ok {
				return true
			}
		case "containers", "initContainers":
			if anyItem(v, func(item any) bool { _, ok := item.(map[string]any); return ok }) {
				return true
			}
		case "hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken":
			if _, ok := v.(bool); ok {
				return true
			}
		case "volumes":
			if anyItem(v, func(item any) bool { m, _ := item.(map[string]any); return isHostPath(m["hostPath"]) }) {
				return true
			}
		}
	}
	return false
}

// hasTooManyValues tells of so many values that a tree of them costs far too much memory.
func hasTooManyValues(data []byte) bool {
	const most = 2_000_000
	if len(data)/2 <= most {
		return false
	}
	n := 0
	for _, c := range []byte("\n,[{") {
		n += bytes.Count(data, []byte{c})
	}
	return n > most
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

func describeObject(o RawObject) string {
	name := o.Name
	switch {
	case name == "":
		name = "(no name)"
	case o.Namespace != "":
		name = o.Namespace + "/" + name
	}
	return escapeText(o.Kind) + " " + quote(name)
}

// escapeText is quote without the quotes, for text that stands between others.
func escapeText(s string) string {
	const most = 200
	more := ""
	if len(s) > most {
		s, more = s[:most], "..."
	}
	q := strconv.QuoteToASCII(s)
	return q[1:len(q)-1] + more
}

func ofAPIVersion(apiVersion string) string {
	if apiVersion == "" {
		return ""
	}
	return " of " + escapeText(apiVersion)
}

func quote(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// truncateKey keeps a key of a path within bounds: paths are made of many.
func truncateKey(key string) string {
	const most = 60
	if len(key) > most {
		return key[:most] + "..."
	}
	return key
}
