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

// podPatch are what a patch of a policy engine does to pods, as far as it can be read.
type podPatch struct {
	// unknown is true if something of it cannot be read, or may make pods need a looser level.
	unknown bool
	// setFields are the security fields that it sets, with their values.
	setFields []string
	added     corev1.PodSpec
}

// existingItem is a step into the items of a list that are there already.
const existingItem = "[]"

// maxSetFields of what one policy sets are told.
const maxSetFields = 10

func (c *podPatch) effect() inventory.MutationEffect {
	switch {
	case c.unknown:
		return inventory.EffectUnknown
	case len(c.added.Containers)+len(c.added.InitContainers)+len(c.added.Volumes) > 0:
		return inventory.EffectAdds
	}
	return inventory.EffectHarmless
}

// addedShape has the containers and volumes that are added; nil for none.
func (c *podPatch) addedShape() *inventory.Shape {
	if c.effect() != inventory.EffectAdds {
		return nil
	}
	return inventory.ReducePod(nil, &c.added)
}

// mergeValue goes through what is merged into an object at a path, in the order of keys.
func (c *podPatch) mergeValue(path []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := withoutKyvernoAnchor(key); sets {
				c.setValue(append(slices.Clip(path), name), m[key])
			}
		}
		return
	}
	c.setValue(path, v)
}

// withoutKyvernoAnchor is a key without Kyverno's anchors; false for those that only say when the rest holds.
func withoutKyvernoAnchor(key string) (string, bool) {
	at := strings.IndexByte(key, '(')
	if at < 0 || !strings.HasSuffix(key, ")") {
		return key, true
	}
	return key[at+1 : len(key)-1], key[:at] == "+"
}

// setValue judges one value of an object, by where it is in a pod.
func (c *podPatch) setValue(path []string, v any) {
	in, ok := pathInPod(path)
	if len(in) == 0 {
		if ok {
			c.mergeValue(path, v)
			return
		}
		c.unknown = c.unknown || v != nil && !isMap(v)
		return
	}
	switch in[0] {
	case "metadata":
		c.setMetadata(path, in, v)
	case "containers", "initContainers":
		c.setContainers(path, in, v)
	case "volumes":
		c.addVolumes(v)
	case "securityContext":
		c.setSecurityContext(path, in[1:], v)
	case "hostNetwork", "hostPID", "hostIPC":
		c.setSecurityField(path, v, v == false)
	case "ephemeralContainers", "hostUsers", "os":
		c.unknown = true
	}
}

// pathInPod is the path within the pod's spec, or from its metadata on. It is empty and true for what lies above the spec.
func pathInPod(path []string) ([]string, bool) {
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

// setSecurityField notes that a security field is set, to a value by which no pod needs a looser level or to another.
func (c *podPatch) setSecurityField(path []string, v any, strict bool) {
	c.unknown = c.unknown || !strict
	if value, err := json.Marshal(v); err == nil && len(c.setFields) < maxSetFields {
		c.setFields = append(c.setFields, strings.ReplaceAll(strings.Join(path, "."), "."+existingItem, existingItem)+"="+string(value))
	}
}

// setMetadata of pods matters where annotations stand for fields, and where injectors choose by it.
func (c *podPatch) setMetadata(path, in []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := withoutKyvernoAnchor(key); sets {
				c.setMetadata(append(slices.Clip(path), name), append(slices.Clip(in), name), m[key])
			}
		}
		return
	}
	key := in[len(in)-1]
	if inventory.IsInjectorAnnotation(key) || strings.Contains(key, "seccomp.security") || strings.Contains(key, "apparmor.security") {
		c.setSecurityField(path, v, false)
	}
}

// setContainers are changed, or added where an item has a plain name and an image.
func (c *podPatch) setContainers(path, in []string, v any) {
	if len(in) > 1 && in[1] == existingItem {
		c.setInContainer(path, in[2:], v)
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
		c.setInContainer(append(slices.Clip(path), existingItem), nil, item)
	}
}

func (c *podPatch) addContainer(list string, m map[string]any) {
	var added corev1.Container
	if data, err := json.Marshal(m); err != nil || json.Unmarshal(data, &added) != nil {
		c.unknown = true
		return
	}
	c.setFields = append(c.setFields, fmt.Sprintf("%s adds %q", list, added.Name))
	if list == "initContainers" {
		c.added.InitContainers = append(c.added.InitContainers, added)
		return
	}
	c.added.Containers = append(c.added.Containers, added)
}

// setInContainer judges a value within a container that is there.
func (c *podPatch) setInContainer(path, in []string, v any) {
	if len(in) > 0 && in[0] == "securityContext" {
		c.setSecurityContext(path, in[1:], v)
		return
	}
	m, ok := v.(map[string]any)
	if len(in) > 0 || !ok {
		data, err := json.Marshal(v)
		c.unknown = c.unknown || err != nil || strings.Contains(strings.Join(in, ".")+string(data), "host")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if name, sets := withoutKyvernoAnchor(key); sets {
			c.setInContainer(append(slices.Clip(path), name), []string{name}, m[key])
		}
	}
}

// addVolumes are added; those of kinds that every level allows change nothing.
func (c *podPatch) addVolumes(v any) {
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
		c.added.Volumes = append(c.added.Volumes, volume)
	}
}

// setSecurityContext judges a value within a security context, of the pod or of a container.
func (c *podPatch) setSecurityContext(path, in []string, v any) {
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if name, sets := withoutKyvernoAnchor(key); sets {
				c.setSecurityContext(append(slices.Clip(path), name), append(slices.Clip(in), name), m[key])
			}
		}
		return
	}
	number, _ := v.(float64)
	switch strings.Join(in, ".") {
	case "runAsNonRoot":
		c.setSecurityField(path, v, v == true)
	case "allowPrivilegeEscalation", "privileged":
		c.setSecurityField(path, v, v == false)
	case "runAsUser":
		c.setSecurityField(path, v, number > 0)
	case "seccompProfile.type", "appArmorProfile.type":
		c.setSecurityField(path, v, v == "RuntimeDefault" || v == "Localhost")
	case "capabilities.drop":
		c.setSecurityField(path, v, allStrings(v, func(s string) bool { return s == "ALL" }) && !isEmptyList(v))
	case "capabilities.add":
		c.setSecurityField(path, v, allStrings(v, func(s string) bool { return s == "NET_BIND_SERVICE" }))
	case "readOnlyRootFilesystem", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy", "seccompProfile.localhostProfile", "appArmorProfile.localhostProfile":
		c.setSecurityField(path, v, true)
	default:
		c.setSecurityField(path, v, false)
	}
}

// allStrings is true for a list of such texts.
func allStrings(v any, such func(string) bool) bool {
	items, ok := v.([]any)
	return ok && !slices.ContainsFunc(items, func(item any) bool { s, ok := item.(string); return !ok || !such(s) })
}

func isEmptyList(v any) bool { items, _ := v.([]any); return len(items) == 0 }
