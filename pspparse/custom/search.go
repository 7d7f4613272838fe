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

// found is what a search through an object has come upon.
type found struct {
	// templates are whole pod templates.
	templates []inventory.CustomTemplate
	// more is how many were not kept.
	more int
	// objects are whole objects within the object that may make pods or grant something.
	objects []inObject
	// loose says the first of what belongs to a pod without being a whole template: "it has containers at spec.x".
	loose string
}

// inObject is an object within another.
type inObject struct {
	path, kind, namespace string
}

// first says the first of what is no whole pod template; "" if there is nothing.
func (f *found) first() string {
	switch {
	case f.loose != "":
		return f.loose
	case len(f.objects) > 0:
		return fmt.Sprintf("it holds a %s at %s", clean(f.objects[0].kind), f.objects[0].path)
	case f.more > 0:
		return fmt.Sprintf("it has more than %d pod templates (%d)", maxTemplates, maxTemplates+f.more)
	}
	return ""
}

// maxTemplates of one object are kept.
const maxTemplates = 1000

// searcher walks through one object, in the order of keys, so that what it says does not vary.
type searcher struct {
	found
	// pods: whole Pods within the object are its templates.
	pods bool
	path []string
	// namespace is that of what is searched.
	namespace string
}

// search looks for pod templates in an object of a kind that may make pods.
func search(tree map[string]any, pods bool) found {
	s := searcher{pods: pods, namespace: namespaceIn(tree)}
	s.object(tree)
	return s.found
}

func (s *searcher) at(key string) string {
	return clean(strings.TrimPrefix(strings.Join(s.path, "")+"."+key, "."))
}

func (s *searcher) here() string { return clean(strings.TrimPrefix(strings.Join(s.path, ""), ".")) }

func (s *searcher) value(v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			s.path = append(s.path, "["+strconv.Itoa(i)+"]")
			s.value(item)
			s.path = s.path[:len(s.path)-1]
		}
	case map[string]any:
		s.object(v)
	}
}

// object looks at one object within the whole one, or at that.
func (s *searcher) object(m map[string]any) {
	root := len(s.path) == 0
	if in := namespaceIn(m); !root && in != "" && in != s.namespace && isObject(m) {
		s.elsewhere(m, in)
		return
	}
	if !root && embedded(m) && !(s.pods && m["kind"] == "Pod") {
		kind, _ := m["kind"].(string)
		in := inObject{kind: kind, namespace: namespaceIn(m)}
		if len(s.objects) == 0 {
			in.path = s.here()
		}
		s.objects = append(s.objects, in)
		return
	}
	if !root && isTemplate(m) {
		if isLive(m) {
			s.objects = append(s.objects, inObject{path: s.here(), kind: "Pod", namespace: namespaceIn(m)})
			return
		}
		s.template(m)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == "managedFields" || root && (k == "status" || k == "metadata") {
			continue
		}
		if what := loose(k, m[k]); what != "" {
			if s.loose == "" {
				s.loose = fmt.Sprintf("it has %s at %s", what, s.at(k))
			}
			continue
		}
		s.path = append(s.path, "."+short(k))
		s.value(m[k])
		s.path = s.path[:len(s.path)-1]
	}
}

// elsewhere looks at an object of another namespace: nothing of it is judged in the one of what holds it.
func (s *searcher) elsewhere(m map[string]any, namespace string) {
	inner := searcher{pods: s.pods, path: s.path, namespace: namespace}
	inner.object(m)
	if len(inner.templates) == 0 && inner.first() == "" {
		return
	}
	kind, _ := m["kind"].(string)
	s.objects = append(s.objects, inObject{path: s.here(), kind: kind, namespace: namespace})
	for _, in := range inner.objects {
		in.namespace = cmp.Or(in.namespace, namespace)
		s.objects = append(s.objects, in)
	}
}

func (s *searcher) template(m map[string]any) {
	if len(s.templates) == maxTemplates {
		s.more++
		return
	}
	s.templates = append(s.templates, inventory.CustomTemplate{Path: s.here(), JSON: text(map[string]any{"metadata": m["metadata"], "spec": m["spec"]})})
}

// isTemplate tells a whole pod template: its spec has containers, each with a name and an image.
func isTemplate(m map[string]any) bool {
	spec, _ := m["spec"].(map[string]any)
	return isWhole(spec)
}

// isLive tells a pod that a server has admitted: what a policy has filled in may be part of it.
func isLive(m map[string]any) bool {
	metadata, _ := m["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	spec, _ := m["spec"].(map[string]any)
	_, admitted := annotations["kubernetes.io/psp"]
	_, status := m["status"].(map[string]any)
	return admitted || status || metadata["uid"] != nil || spec["nodeName"] != nil
}

func isWhole(spec map[string]any) bool {
	list, _ := spec["containers"].([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool {
		c, _ := item.(map[string]any)
		name, _ := c["name"].(string)
		image, _ := c["image"].(string)
		return name == "" || image == ""
	})
}

// embedded tells an object within another (a template, a bundle) from a mere reference to one.
func embedded(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	_, version := m["apiVersion"].(string)
	_, metadata := m["metadata"].(map[string]any)
	return version && metadata && mayRun(kind)
}

// isObject tells an object of any kind.
func isObject(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	version, _ := m["apiVersion"].(string)
	return kind != "" && version != ""
}

// mayRun is true for the kinds that make pods, and for those that say which pods may be.
func mayRun(kind string) bool {
	switch kind {
	case pspparse.Kind, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "List":
		return true
	}
	return makesPods(kind)
}

// makesPods is true for pods and for the kinds of Kubernetes' own that make them.
func makesPods(kind string) bool {
	switch kind {
	case "Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob":
		return true
	}
	return false
}

func namespaceIn(m map[string]any) string {
	metadata, _ := m["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	return namespace
}

// loose says what of a pod a key has, if its value has the shape of that; else "".
func loose(key string, v any) string {
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
		if anyOf(v, isStep) {
			return key
		}
	}
	switch m, _ := v.(map[string]any); {
	case strings.HasSuffix(key, "ontainers"):
		if anyOf(v, isContainer) {
			return "containers"
		}
	case strings.HasSuffix(key, "ecurityContext"), strings.HasSuffix(key, "security_context"):
		if m != nil && isSecurityContext(m) {
			return "a security context"
		}
	case strings.HasSuffix(key, "odTemplate"), strings.HasSuffix(key, "odTemplateSpec"), strings.HasSuffix(key, "podSpec"):
		if len(m) > 0 && !isTemplate(m) {
			return "part of a pod template"
		}
	case strings.HasSuffix(strings.ToLower(key), "template"):
		if spec, _ := m["spec"].(map[string]any); isPodish(spec) && !isWhole(spec) {
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

// anyOf is true if one of a list, or of the values of a map, is such.
func anyOf(v any, is func(any) bool) bool {
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

// isStep is stricter: steps are of all sorts of things.
func isStep(v any) bool {
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

// isPodish tells the spec of a pod from that of anything else that has a template.
func isPodish(spec map[string]any) bool {
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
			if anyOf(v, func(item any) bool { _, ok := item.(map[string]any); return ok }) {
				return true
			}
		case "hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken":
			if _, ok := v.(bool); ok {
				return true
			}
		case "volumes":
			if anyOf(v, func(item any) bool { m, _ := item.(map[string]any); return isHostPath(m["hostPath"]) }) {
				return true
			}
		}
	}
	return false
}

// crowded tells of so many values that a tree of them costs far too much memory.
func crowded(data []byte) bool {
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

// decode keeps numbers as they are written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

func named(o Object) string {
	name := o.Name
	switch {
	case name == "":
		name = "(no name)"
	case o.Namespace != "":
		name = o.Namespace + "/" + name
	}
	return clean(o.Kind) + " " + quote(name)
}

// clean is quote without the quotes, for text that stands between others.
func clean(s string) string {
	const most = 200
	more := ""
	if len(s) > most {
		s, more = s[:most], "..."
	}
	q := strconv.QuoteToASCII(s)
	return q[1:len(q)-1] + more
}

func ofVersion(apiVersion string) string {
	if apiVersion == "" {
		return ""
	}
	return " of " + clean(apiVersion)
}

func quote(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// short keeps a key of a path within bounds: paths are made of many.
func short(key string) string {
	const most = 60
	if len(key) > most {
		return key[:most] + "..."
	}
	return key
}
