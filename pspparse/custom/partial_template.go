package custom

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// partialTemplate gathers what an object says of its pods, wherever it says it, as one pod: what that pod violates, the object
// asks for somewhere.
type partialTemplate struct {
	path jsonPath
	// first is the path of the first piece.
	first       string
	hostFlags   map[string]any // hostNetwork, hostPID, hostIPC
	containers  []any
	volumes     []any
	sysctls     []any
	annotations map[string]any
	podMetas    [][]byte
	account     string
}

// partialTemplateOf returns what an object says of its pods as a partial template, none if it says nothing, and where it says the
// first of it.
func partialTemplateOf(tree map[string]any) (part []inventory.CustomTemplate, at string) {
	c := partialTemplate{hostFlags: map[string]any{}, annotations: map[string]any{}}
	c.collectFrom(tree)
	if len(c.containers)+len(c.volumes)+len(c.sysctls)+len(c.hostFlags) == 0 {
		return nil, c.first
	}
	spec := map[string]any{"containers": c.containers, "volumes": c.volumes, "securityContext": map[string]any{"sysctls": c.sysctls}}
	maps.Copy(spec, c.hostFlags)
	if c.account != "" {
		spec["serviceAccountName"] = c.account
	}
	data := marshalJSON(map[string]any{"metadata": map[string]any{"annotations": c.annotations}, "spec": spec})
	return []inventory.CustomTemplate{{Path: c.first, JSON: data, Partial: true, PodMetas: c.podMetas}}, c.first
}

// notePlace notes where the first piece is.
func (c *partialTemplate) notePlace(key string) {
	if c.first == "" {
		c.first = c.path.of(key)
	}
}

// collectFrom takes all pieces of pods from a value within the object.
func (c *partialTemplate) collectFrom(v any) {
	skip := func(key string, value any) bool { return c.path.saysNothing(key) || c.addPiece(key, value) }
	c.path.visitChildren(v, skip, c.collectFrom)
}

// addPiece takes the value of a key, if it is a piece of a pod.
func (c *partialTemplate) addPiece(key string, v any) bool {
	m, _ := v.(map[string]any)
	list, _ := v.([]any)
	switch {
	case key == "hostNetwork" || key == "hostPID" || key == "hostIPC":
		return c.addHostFlag(key, v)
	case key == "privileged":
		if _, ok := v.(bool); !ok {
			return false
		}
		c.addContainer(key, map[string]any{"securityContext": map[string]any{"privileged": v}})
	case key == "serviceAccountName":
		name, _ := v.(string)
		if c.account == "" {
			c.account = name
		}
	case m != nil && strings.HasSuffix(key, "etadata"):
		c.addMetadata(m)
	case strings.HasSuffix(key, "ecurityContext") && m != nil && isSecurityContext(m):
		c.addSecurityContext(key, m)
	case key == "container" || key == "script" || key == "stepTemplate":
		if !isContainer(v) {
			return false
		}
		c.addContainer(key, m)
	case strings.HasSuffix(key, "ontainers") && anyItem(v, isContainer), (key == "steps" || key == "sidecars") && anyItem(v, isStepContainer):
		c.addContainers(key, v)
	case strings.HasSuffix(key, "olumes") && len(list) > 0:
		c.notePlace(key)
		c.volumes = append(c.volumes, list...)
	case key == "hostPath" && isHostPath(v):
		c.notePlace(key)
		if m == nil {
			m = map[string]any{"path": v}
		}
		c.volumes = append(c.volumes, map[string]any{"name": c.path.of(key), "hostPath": m})
	default:
		return false
	}
	return true
}

func (c *partialTemplate) addHostFlag(key string, v any) bool {
	on, ok := v.(bool)
	if ok {
		c.notePlace(key)
		c.hostFlags[key] = on || c.hostFlags[key] == true
	}
	return ok
}

// addContainer adds one container, which is named after its place if it has no name.
func (c *partialTemplate) addContainer(key string, m map[string]any) {
	c.notePlace(key)
	if name, _ := m["name"].(string); name == "" {
		m = maps.Clone(m)
		m["name"] = c.path.of(key)
	}
	c.containers = append(c.containers, m)
}

func (c *partialTemplate) addContainers(key string, v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if m, ok := item.(map[string]any); ok {
				c.addContainer(key+"["+strconv.Itoa(i)+"]", m)
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if m, ok := v[k].(map[string]any); ok {
				c.addContainer(key+"."+truncateKey(k), m)
			}
		}
	}
}

// addSecurityContext adds a security context, of a pod or of a container: the standards ask the same of both, but for sysctls.
func (c *partialTemplate) addSecurityContext(key string, m map[string]any) {
	c.addContainer(key, map[string]any{"securityContext": m})
	sysctls, _ := m["sysctls"].([]any)
	c.sysctls = append(c.sysctls, sysctls...)
}

// addMetadata takes the metadata of a template: AppArmor and seccomp are set there, too, and injectors select by it.
func (c *partialTemplate) addMetadata(metadata map[string]any) {
	annotations, _ := metadata["annotations"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if len(c.podMetas) < maxTemplates {
		c.podMetas = append(c.podMetas, marshalJSON(map[string]any{"labels": labels, "annotations": annotations}))
	}
	for k, v := range annotations {
		if s, ok := v.(string); ok {
			c.annotations[k] = json.RawMessage(marshalJSON(s))
		}
	}
}
