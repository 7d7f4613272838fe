package custom

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// collector gathers what an object says of its pods, wherever it says it, as one pod: what that pod violates, the object
// asks for somewhere.
type collector struct {
	searcher
	host        map[string]any // hostNetwork, hostPID, hostIPC
	containers  []any
	volumes     []any
	sysctls     []any
	annotations map[string]any
	metas       [][]byte
	account     string
}

// pieces returns what an object says of its pods as a partial template, none if it says nothing, and where it says the
// first of it.
func pieces(tree map[string]any) (part []inventory.CustomTemplate, at string) {
	c := collector{host: map[string]any{}, annotations: map[string]any{}}
	c.collect(tree)
	if len(c.containers)+len(c.volumes)+len(c.sysctls)+len(c.host) == 0 {
		return nil, c.loose
	}
	spec := map[string]any{"containers": c.containers, "volumes": c.volumes, "securityContext": map[string]any{"sysctls": c.sysctls}}
	maps.Copy(spec, c.host)
	if c.account != "" {
		spec["serviceAccountName"] = c.account
	}
	data := text(map[string]any{"metadata": map[string]any{"annotations": c.annotations}, "spec": spec})
	return []inventory.CustomTemplate{{Path: c.loose, JSON: data, Partial: true, Metas: c.metas}}, c.loose
}

// says notes where the first piece is.
func (c *collector) says(key string) {
	if c.loose == "" {
		c.loose = c.at(key)
	}
}

func (c *collector) collect(v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			c.path = append(c.path, "["+strconv.Itoa(i)+"]")
			c.collect(item)
			c.path = c.path[:len(c.path)-1]
		}
	case map[string]any:
		root := len(c.path) == 0
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if k == "managedFields" || root && (k == "status" || k == "metadata") || c.piece(k, v[k]) {
				continue
			}
			c.path = append(c.path, "."+short(k))
			c.collect(v[k])
			c.path = c.path[:len(c.path)-1]
		}
	}
}

// piece takes the value of a key, if it is a piece of a pod.
func (c *collector) piece(key string, v any) bool {
	m, _ := v.(map[string]any)
	list, _ := v.([]any)
	switch {
	case key == "hostNetwork" || key == "hostPID" || key == "hostIPC":
		return c.flag(key, v)
	case key == "privileged":
		if _, ok := v.(bool); !ok {
			return false
		}
		c.container(key, map[string]any{"securityContext": map[string]any{"privileged": v}})
	case key == "serviceAccountName":
		name, _ := v.(string)
		if c.account == "" {
			c.account = name
		}
	case m != nil && strings.HasSuffix(key, "etadata"):
		c.notes(m)
	case strings.HasSuffix(key, "ecurityContext") && m != nil && isSecurityContext(m):
		c.security(key, m)
	case key == "container" || key == "script" || key == "stepTemplate":
		if !isContainer(v) {
			return false
		}
		c.container(key, m)
	case strings.HasSuffix(key, "ontainers") && anyOf(v, isContainer), (key == "steps" || key == "sidecars") && anyOf(v, isStep):
		c.all(key, v)
	case strings.HasSuffix(key, "olumes") && len(list) > 0:
		c.says(key)
		c.volumes = append(c.volumes, list...)
	case key == "hostPath" && isHostPath(v):
		c.says(key)
		if m == nil {
			m = map[string]any{"path": v}
		}
		c.volumes = append(c.volumes, map[string]any{"name": c.at(key), "hostPath": m})
	default:
		return false
	}
	return true
}

func (c *collector) flag(key string, v any) bool {
	on, ok := v.(bool)
	if ok {
		c.says(key)
		c.host[key] = on || c.host[key] == true
	}
	return ok
}

// container adds one container, which is named after its place if it has no name.
func (c *collector) container(key string, m map[string]any) {
	c.says(key)
	if name, _ := m["name"].(string); name == "" {
		m = maps.Clone(m)
		m["name"] = c.at(key)
	}
	c.containers = append(c.containers, m)
}

func (c *collector) all(key string, v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if m, ok := item.(map[string]any); ok {
				c.container(key+"["+strconv.Itoa(i)+"]", m)
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if m, ok := v[k].(map[string]any); ok {
				c.container(key+"."+short(k), m)
			}
		}
	}
}

// security adds a security context, of a pod or of a container: the standards ask the same of both, but for sysctls.
func (c *collector) security(key string, m map[string]any) {
	c.container(key, map[string]any{"securityContext": m})
	sysctls, _ := m["sysctls"].([]any)
	c.sysctls = append(c.sysctls, sysctls...)
}

// notes takes the metadata of a template: AppArmor and seccomp are set there, too, and injectors select by it.
func (c *collector) notes(metadata map[string]any) {
	annotations, _ := metadata["annotations"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if len(c.metas) < maxTemplates {
		c.metas = append(c.metas, text(map[string]any{"labels": labels, "annotations": annotations}))
	}
	for k, v := range annotations {
		if s, ok := v.(string); ok {
			c.annotations[k] = json.RawMessage(text(s))
		}
	}
}
