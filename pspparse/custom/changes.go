package custom

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// changes are what a patch of a policy engine does to pods, as far as it can be read.
type changes struct {
	// unknown is true if something of it cannot be read, or may make pods need a looser level.
	unknown bool
	// sets are the security fields that it sets, with their values.
	sets []string
	adds corev1.PodSpec
}

// existing is a step into the items of a list that are there already.
const existing = "[]"

// maxSets of what one policy sets are told.
const maxSets = 10

func (c *changes) effect() inventory.Effect {
	switch {
	case c.unknown:
		return inventory.EffectUnknown
	case len(c.adds.Containers)+len(c.adds.InitContainers)+len(c.adds.Volumes) > 0:
		return inventory.EffectAdds
	}
	return inventory.EffectHarmless
}

// shape has the containers and volumes that are added; nil for none.
func (c *changes) shape() *inventory.Shape {
	if c.effect() != inventory.EffectAdds {
		return nil
	}
	return inventory.Reduce(nil, &c.adds)
}

// walk goes through what is merged into an object at a path, in the order of keys.
func (c *changes) walk(path []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := unanchored(key); sets {
				c.at(append(slices.Clip(path), name), m[key])
			}
		}
		return
	}
	c.at(path, v)
}

// unanchored is a key without Kyverno's anchors; false for those that only say when the rest holds.
func unanchored(key string) (string, bool) {
	at := strings.IndexByte(key, '(')
	if at < 0 || !strings.HasSuffix(key, ")") {
		return key, true
	}
	return key[at+1 : len(key)-1], key[:at] == "+"
}

// at judges one value of an object, by where it is in a pod.
func (c *changes) at(path []string, v any) {
	in, ok := inPod(path)
	if len(in) == 0 {
		if ok {
			c.walk(path, v)
			return
		}
		c.unknown = c.unknown || v != nil && !isMap(v)
		return
	}
	switch in[0] {
	case "metadata":
		c.metadata(path, in, v)
	case "containers", "initContainers":
		c.containers(path, in, v)
	case "volumes":
		c.volumes(v)
	case "securityContext":
		c.security(path, in[1:], v)
	case "hostNetwork", "hostPID", "hostIPC":
		c.set(path, v, v == false)
	case "ephemeralContainers", "hostUsers", "os":
		c.unknown = true
	}
}

// inPod is the path within the pod's spec, or from its metadata on. It is empty and true for what lies above the spec.
func inPod(path []string) ([]string, bool) {
	if len(path) > 0 && path[0] == "metadata" {
		return path, true
	}
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case "spec", "template", "jobTemplate":
		case "metadata":
			return path[i:], true
		default:
			if i == 0 {
				return nil, false
			}
			return path[i:], true
		}
	}
	return nil, true
}

func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

// set notes that a security field is set, to a value by which no pod needs a looser level or to another.
func (c *changes) set(path []string, v any, strict bool) {
	c.unknown = c.unknown || !strict
	if value, err := json.Marshal(v); err == nil && len(c.sets) < maxSets {
		c.sets = append(c.sets, strings.ReplaceAll(strings.Join(path, "."), "."+existing, existing)+"="+string(value))
	}
}

// metadata of pods matters where annotations stand for fields, and where injectors choose by it.
func (c *changes) metadata(path, in []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := unanchored(key); sets {
				c.metadata(append(slices.Clip(path), name), append(slices.Clip(in), name), m[key])
			}
		}
		return
	}
	key := in[len(in)-1]
	if inventory.Marks(key) || strings.Contains(key, "seccomp.security") || strings.Contains(key, "apparmor.security") {
		c.set(path, v, false)
	}
}

// containers are changed, or added where an item has a plain name and an image.
func (c *changes) containers(path, in []string, v any) {
	if len(in) > 1 && in[1] == existing {
		c.container(path, in[2:], v)
		return
	}
	items, ok := v.([]any)
	if !ok || len(in) > 1 {
		c.unknown = true
		return
	}
	for _, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			c.unknown = true
			return
		}
		if _, image := m["image"].(string); image && m["name"] != nil {
			c.addContainer(in[0], m)
			continue
		}
		c.container(append(slices.Clip(path), existing), nil, item)
	}
}

func (c *changes) addContainer(list string, m map[string]any) {
	var added corev1.Container
	if data, err := json.Marshal(m); err != nil || json.Unmarshal(data, &added) != nil {
		c.unknown = true
		return
	}
	c.sets = append(c.sets, fmt.Sprintf("%s adds %q", list, added.Name))
	if list == "initContainers" {
		c.adds.InitContainers = append(c.adds.InitContainers, added)
		return
	}
	c.adds.Containers = append(c.adds.Containers, added)
}

// container judges a value within a container that is there.
func (c *changes) container(path, in []string, v any) {
	if len(in) > 0 && in[0] == "securityContext" {
		c.security(path, in[1:], v)
		return
	}
	m, ok := v.(map[string]any)
	if len(in) > 0 || !ok {
		data, err := json.Marshal(v)
		c.unknown = c.unknown || err != nil || strings.Contains(strings.Join(in, ".")+string(data), "host")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if name, sets := unanchored(key); sets {
			c.container(append(slices.Clip(path), name), []string{name}, m[key])
		}
	}
}

// volumes are added; those of kinds that every level allows change nothing.
func (c *changes) volumes(v any) {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, item := range items {
		var volume corev1.Volume
		data, err := json.Marshal(item)
		if err != nil || json.Unmarshal(data, &volume) != nil {
			c.unknown = true
			return
		}
		c.adds.Volumes = append(c.adds.Volumes, volume)
	}
}

// security judges a value within a security context, of the pod or of a container.
func (c *changes) security(path, in []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := unanchored(key); sets {
				c.security(append(slices.Clip(path), name), append(slices.Clip(in), name), m[key])
			}
		}
		return
	}
	number, _ := v.(float64)
	switch strings.Join(in, ".") {
	case "runAsNonRoot":
		c.set(path, v, v == true)
	case "allowPrivilegeEscalation", "privileged":
		c.set(path, v, v == false)
	case "runAsUser":
		c.set(path, v, number > 0)
	case "seccompProfile.type", "appArmorProfile.type":
		c.set(path, v, v == "RuntimeDefault" || v == "Localhost")
	case "capabilities.drop":
		c.set(path, v, within(v, func(s string) bool { return s == "ALL" }) && !empty(v))
	case "capabilities.add":
		c.set(path, v, within(v, func(s string) bool { return s == "NET_BIND_SERVICE" }))
	case "readOnlyRootFilesystem", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy", "seccompProfile.localhostProfile", "appArmorProfile.localhostProfile":
		c.set(path, v, true)
	default:
		c.set(path, v, false)
	}
}

// within is true for a list of such texts.
func within(v any, such func(string) bool) bool {
	items, ok := v.([]any)
	return ok && !slices.ContainsFunc(items, func(item any) bool { s, ok := item.(string); return !ok || !such(s) })
}

func empty(v any) bool { items, _ := v.([]any); return len(items) == 0 }
