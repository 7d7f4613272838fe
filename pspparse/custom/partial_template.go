package custom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// partialTemplate collects all that a custom object says of its pods, wherever it says it, as one pod. What that pod
// violates, some pod of the object violates.
type partialTemplate struct {
	path jsonPath
	// first is the path of the first piece that was found.
	first string
	// hostFlags are hostNetwork, hostPID and hostIPC, as far as the object has them.
	hostFlags   map[string]any
	containers  []any
	volumes     []any
	sysctls     []any
	annotations map[string]any
	// podMetas are the metadata of pod templates, as JSON.
	podMetas [][]byte
	account  string
	// pieces are where the fields of the pod stand in the object.
	pieces []inventory.TemplatePiece
	// unreadPatch is the path of the first text that patches the pods and cannot be evaluated.
	unreadPatch string
}

// newPartialTemplate collects what a custom object says of its pods.
func newPartialTemplate(tree map[string]any) *partialTemplate {
	c := &partialTemplate{hostFlags: map[string]any{}, annotations: map[string]any{}}
	c.collectFrom(tree)
	return c
}

// templates returns what a custom object says of its pods as one partial template; none if it says nothing of them.
func (c *partialTemplate) templates() []inventory.CustomTemplate {
	if len(c.containers)+len(c.volumes)+len(c.sysctls)+len(c.hostFlags) == 0 {
		return nil
	}
	spec := map[string]any{"containers": c.containers, "volumes": c.volumes, "securityContext": map[string]any{"sysctls": c.sysctls}}
	maps.Copy(spec, c.hostFlags)
	if c.account != "" {
		spec["serviceAccountName"] = c.account
	}
	data := marshalJSON(map[string]any{"metadata": map[string]any{"annotations": c.annotations}, "spec": spec})
	return []inventory.CustomTemplate{{Path: c.first, JSON: data, Partial: true, PodMetas: c.podMetas, Pieces: c.pieces}}
}

// notePlace records the path of a key as that of the custom object's first piece of a pod, if it is the first.
func (c *partialTemplate) notePlace(key string) {
	if c.first == "" {
		c.first = c.path.of(key)
	}
}

// addPieceAt records that a field of the gathered pod stands at a key, and in steps below it, of the value of the custom object
// that is searched. Container says that it is a container which has its name from the object.
func (c *partialTemplate) addPieceAt(in fieldpath.Path, container bool, key string, below ...fieldpath.Step) {
	c.pieces = append(c.pieces, inventory.TemplatePiece{In: in, At: c.path.fieldPath().Keys(key).Join(below), Container: container})
}

// collectFrom adds all pieces of pods in a value of the custom object.
func (c *partialTemplate) collectFrom(v any) {
	skip := func(key string, value any) bool { return c.path.saysNothing(key) || c.addPiece(key, value) }
	c.path.visitChildren(v, skip, c.collectFrom)
}

// addPiece adds a key and value of the custom object if they are a piece of a pod, and reports whether they are.
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
		c.addContainerAt(fieldpath.Keys("securityContext", "privileged"), map[string]any{"securityContext": map[string]any{"privileged": v}}, key)
	case key == PodPatchKey:
		return c.addPatch(key, v)
	case key == "serviceAccountName":
		name, _ := v.(string)
		if c.account == "" {
			c.account = name
		}
	case m != nil && strings.HasSuffix(key, "etadata"):
		c.addMetadata(key, m)
	case strings.HasSuffix(key, "ecurityContext") && m != nil && isSecurityContext(m):
		c.addSecurityContext(key, m)
	case key == "container" || key == "script" || key == "stepTemplate":
		if !isContainer(v) {
			return false
		}
		c.addContainerAt(nil, m, key)
	case strings.HasSuffix(key, "ontainers") && anyJSONItem(v, isContainer), (key == "steps" || key == "sidecars") && anyJSONItem(v, isStepContainer):
		c.addContainers(key, v)
	case strings.HasSuffix(key, "olumes") && len(list) > 0:
		c.notePlace(key)
		for i := range list {
			c.addPieceAt(fieldpath.Keys("spec", "volumes").Item(len(c.volumes)+i), false, key, fieldpath.Step{Index: i, IsIndex: true})
		}
		c.volumes = append(c.volumes, list...)
	case key == "hostPath" && isHostPath(v):
		c.notePlace(key)
		c.addPieceAt(fieldpath.Keys("spec", "volumes").Item(len(c.volumes)).Keys("hostPath"), false, key)
		if m == nil {
			m = map[string]any{"path": v}
		}
		c.volumes = append(c.volumes, map[string]any{"name": c.path.of(key), "hostPath": m})
	default:
		return false
	}
	return true
}

// PodPatchKey is the key of a text that patches the pods of a custom object.
const PodPatchKey = "podSpecPatch"

// addPatch adds the pieces of pods in a text that patches the pods of a Workflow; it returns false for a value that is no text.
// A text that is no YAML, or whose pieces hold parameters, is noted as not evaluated.
func (c *partialTemplate) addPatch(key string, v any) bool {
	text, ok := v.(string)
	if !ok {
		return false
	}
	patch, ok := decodePatch(text)
	if !ok {
		c.unreadPatch = cmp.Or(c.unreadPatch, c.path.of(key))
		return true
	}
	c.path = append(c.path, "."+key)
	c.collectFrom(patch)
	c.path = c.path[:len(c.path)-1]
	return true
}

// decodePatch decodes the text of a patch of a custom object's pods. It returns false for a text that cannot be evaluated: it is
// no map in YAML, is too large, or holds parameters in a piece of a pod.
func decodePatch(text string) (map[string]any, bool) {
	if yamlnode.MayExceedValues([]byte(text), 10_000) {
		return nil, false
	}
	data, err := yaml.YAMLToJSON([]byte(text))
	var patch map[string]any
	if err != nil || decodeJSON(data, &patch) != nil {
		return nil, false
	}
	if strings.Contains(text, "{{") {
		for _, t := range newPartialTemplate(patch).templates() {
			if bytes.Contains(t.JSON, []byte("{{")) {
				return nil, false
			}
		}
	}
	return patch, true
}

// addHostFlag adds hostNetwork, hostPID or hostIPC of the custom object's pods; it returns false for a value that is no
// boolean.
func (c *partialTemplate) addHostFlag(key string, v any) bool {
	on, ok := v.(bool)
	if ok {
		c.notePlace(key)
		if on {
			c.addPieceAt(fieldpath.Keys("spec", key), false, key)
		}
		c.hostFlags[key] = on || c.hostFlags[key] == true
	}
	return ok
}

// addContainerAt adds one container of the custom object's pods. What stands at a key, and in steps below it, is the field of the
// container that in leads to. A container without a name gets its path as name.
func (c *partialTemplate) addContainerAt(in fieldpath.Path, m map[string]any, key string, below ...fieldpath.Step) {
	at := key
	for _, step := range below {
		if step.IsIndex {
			at += "[" + strconv.Itoa(step.Index) + "]"
		} else {
			at += "." + truncateKey(step.Key)
		}
	}
	c.notePlace(at)
	name, _ := m["name"].(string)
	c.addPieceAt(fieldpath.Keys("spec", "containers").Item(len(c.containers)).Join(in), name != "", key, below...)
	if name == "" {
		m = maps.Clone(m)
		m["name"] = c.path.of(at)
	}
	c.containers = append(c.containers, m)
}

// addContainers adds the containers of the custom object's pods in a list or a map.
func (c *partialTemplate) addContainers(key string, v any) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if m, ok := item.(map[string]any); ok {
				c.addContainerAt(nil, m, key, fieldpath.Step{Index: i, IsIndex: true})
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if m, ok := v[k].(map[string]any); ok {
				c.addContainerAt(nil, m, key, fieldpath.Step{Key: k})
			}
		}
	}
}

// addSecurityContext adds a security context of the custom object's pods or containers. The standards ask the same of
// both, except for sysctls.
func (c *partialTemplate) addSecurityContext(key string, m map[string]any) {
	c.addContainerAt(fieldpath.Keys("securityContext"), map[string]any{"securityContext": m}, key)
	sysctls, _ := m["sysctls"].([]any)
	for i := range sysctls {
		c.addPieceAt(fieldpath.Keys("spec", "securityContext", "sysctls").Item(len(c.sysctls)+i), false, key, fieldpath.Keys("sysctls").Item(i)...)
	}
	c.sysctls = append(c.sysctls, sysctls...)
}

// addMetadata adds the metadata of a custom object's pod template: annotations may set AppArmor and seccomp, and
// injectors select by labels.
func (c *partialTemplate) addMetadata(key string, metadata map[string]any) {
	annotations, _ := metadata["annotations"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if len(c.podMetas) < maxTemplates {
		c.podMetas = append(c.podMetas, marshalJSON(map[string]any{"labels": labels, "annotations": annotations}))
	}
	for k, v := range annotations {
		if s, ok := v.(string); ok {
			c.addPieceAt(fieldpath.Keys("metadata", "annotations", k), false, key, fieldpath.Keys("annotations", k)...)
			c.annotations[k] = json.RawMessage(marshalJSON(s))
		}
	}
}
