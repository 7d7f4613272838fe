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

// podPatch is what a mutating policy (Kyverno, CEL) does to pods, as far as its patch can be read.
type podPatch struct {
	// unknown is true if some of the patch cannot be read, or may make pods need a looser level.
	unknown bool
	// setFields are the security fields that the patch sets, with their values: "spec.hostNetwork=false".
	setFields []string
	// added has the containers and volumes that the patch adds.
	added corev1.PodSpec
}

// existingItem is the step of a path into the items that a list has already.
const existingItem = "[]"

// maxSetFields is how many set fields of one policy are kept.
const maxSetFields = 10

// effect returns what the patch of a mutating policy (Kyverno, CEL) does to the pods that it is applied to.
func (c *podPatch) effect() inventory.MutationEffect {
	switch {
	case c.unknown:
		return inventory.EffectUnknown
	case len(c.added.Containers)+len(c.added.InitContainers)+len(c.added.Volumes) > 0:
		return inventory.EffectAdds
	}
	return inventory.EffectHarmless
}

// addedShape returns a shape with the containers and volumes that a mutating policy's (Kyverno, CEL) patch adds; nil
// for none.
func (c *podPatch) addedShape() *inventory.Shape {
	if c.effect() != inventory.EffectAdds {
		return nil
	}
	return inventory.ReducePod(nil, &c.added)
}

// mergeValue records what a mutating policy (Kyverno, CEL) changes by merging a value into the object at a path in its
// pods.
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

// withoutKyvernoAnchor strips Kyverno's anchors from a key, "+(name)". It returns false for anchors that only say when the
// rest of the patch applies.
func withoutKyvernoAnchor(key string) (string, bool) {
	at := strings.IndexByte(key, '(')
	if at < 0 || !strings.HasSuffix(key, ")") {
		return key, true
	}
	return key[at+1 : len(key)-1], key[:at] == "+"
}

// setValue records that a mutating policy (Kyverno, CEL) sets the field of an object at a path, by what the field means
// for pods.
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

// pathInPod returns the part of a policy's path that lies within the spec or metadata of a pod or pod template. It is
// empty and true for a path above the pod spec, and false for a path that leads to no pod.
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

// isMap reports whether a value of a custom policy's patch is a JSON object.
func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

// setSecurityField records that a mutating policy (Kyverno, CEL) sets a security field at a path. Strict says that no
// pod needs a looser level for it.
func (c *podPatch) setSecurityField(path []string, v any, strict bool) {
	c.unknown = c.unknown || !strict
	if value, err := json.Marshal(v); err == nil && len(c.setFields) < maxSetFields {
		c.setFields = append(c.setFields, strings.ReplaceAll(strings.Join(path, "."), "."+existingItem, existingItem)+"="+string(value))
	}
}

// setMetadata records a change by a mutating policy (Kyverno, CEL) of pod metadata where it matters: annotations for
// seccomp and AppArmor, and those by which injectors choose pods.
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

// setContainers records a change by a mutating policy (Kyverno, CEL) of a list of containers. An item with a plain name
// and an image is a new container, any other item changes one that is there.
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

// addContainer records that a mutating policy (Kyverno, CEL) adds a container to a list of containers.
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

// setInContainer records that a mutating policy (Kyverno, CEL) sets a field within an existing container.
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

// addVolumes records that a mutating policy (Kyverno, CEL) adds volumes.
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

// setSecurityContext records that a mutating policy (Kyverno, CEL) sets a field within the security context of a pod or
// a container.
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

// allStrings reports whether a value of a custom policy's patch is a list of strings that all meet a condition.
func allStrings(v any, such func(string) bool) bool {
	items, ok := v.([]any)
	return ok && !slices.ContainsFunc(items, func(item any) bool { s, ok := item.(string); return !ok || !such(s) })
}

// isEmptyList reports whether a value of a custom policy's patch is an empty list, or no list.
func isEmptyList(v any) bool { items, _ := v.([]any); return len(items) == 0 }
