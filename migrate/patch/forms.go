package patch

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// jsonObject is a JSON object of a patch; its keys are written in alphabetical order.
type jsonObject = map[string]any

// StrategicMerge returns the patch of a workload as a strategic merge patch in JSON: a part of the object, in which
// containers are known by name and a list of capabilities is the whole list. It applies to any state of the object that
// still has these containers. An error is one of encoding.
func (p *Patch) StrategicMerge() ([]byte, error) { return json.Marshal(p.strategicMerge()) }

// WriteStrategicBody writes the strategic merge patch of a workload as YAML without the names of its object, as a file for 'kubectl
// patch --patch-file': it is the same for workloads of one kind with equal templates. It returns the error of w.
func (p *Patch) WriteStrategicBody(w io.Writer) error {
	return manifest.WriteYAML(w, p.strategicMerge())
}

// strategicMerge returns the strategic merge patch of a workload as an object, without the apiVersion, kind and
// metadata that a manifest needs.
func (p *Patch) strategicMerge() jsonObject {
	template := jsonObject{}
	for i := range p.Values {
		v := &p.Values[i]
		at, keys := template, v.path.keys
		if v.path.container {
			at, keys = v.containerEntry(template), keys[2:]
		}
		setAtPath(at, keys, v.Value)
	}
	out := any(template)
	for _, key := range slices.Backward(p.template) {
		out = jsonObject{key: out}
	}
	return out.(jsonObject)
}

// containerEntry returns the part of the patched pod template for the value's container, and adds it if it is missing.
func (v *TemplateValue) containerEntry(template jsonObject) jsonObject {
	spec := childObject(template, "spec")
	list, _ := spec[v.path.keys[1]].([]any)
	for _, item := range list {
		if c := item.(jsonObject); c["name"] == v.Container {
			return c
		}
	}
	c := jsonObject{"name": v.Container}
	spec[v.path.keys[1]] = append(list, c)
	return c
}

// setAtPath sets a value in the nested JSON objects of a patch, and adds the objects on the way.
func setAtPath(at jsonObject, keys []string, value any) {
	for _, key := range keys[:len(keys)-1] {
		at = childObject(at, key)
	}
	at[keys[len(keys)-1]] = value
}

// childObject returns the JSON object of a patch at a key, and adds it if it is missing.
func childObject(at jsonObject, key string) jsonObject {
	c, ok := at[key].(jsonObject)
	if !ok {
		c = jsonObject{}
		at[key] = c
	}
	return c
}

// manifestObject returns the strategic merge patch with the apiVersion, kind and metadata of the workload.
func (p *Patch) manifestObject() jsonObject {
	out := p.strategicMerge()
	out["apiVersion"], out["kind"] = p.APIVersion, p.Kind
	out["metadata"] = jsonObject{"name": p.Name, "namespace": p.Namespace}
	return out
}

// JSONPatchOperation is one operation of the JSON patch (RFC 6902) of a workload.
type JSONPatchOperation struct {
	Op    string `json:"op" values:"test add"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// JSONPatch returns the patch of a workload as a JSON patch. It applies to the object as it was read: it tests that each
// container is where it was, and adds the objects that were missing then, in place of any that were added since. An error
// is one of encoding.
func (p *Patch) JSONPatch() ([]byte, error) { return json.Marshal(p.jsonPatchOperations()) }

// jsonPatchOperations returns the operations of the JSON patch of a workload.
func (p *Patch) jsonPatchOperations() []JSONPatchOperation {
	var tests, adds []JSONPatchOperation
	made := map[string]jsonObject{} // by pointer: objects that the template did not have
	for i := range p.Values {
		v := &p.Values[i]
		if test, ok := p.containerNameTest(v); ok && !slices.Contains(tests, test) {
			tests = append(tests, test)
		}
		steps := v.pathSteps()
		missing := p.firstMissingStep(v, steps)
		if missing == len(steps) {
			adds = append(adds, JSONPatchOperation{"add", p.jsonPointer(steps), v.Value})
			continue
		}
		at := p.jsonPointer(steps[:missing])
		if made[at] == nil {
			made[at] = jsonObject{}
			adds = append(adds, JSONPatchOperation{"add", at, made[at]})
		}
		setAtPath(made[at], steps[missing:], v.Value)
	}
	return append(tests, adds...)
}

// pathSteps returns the keys and indexes that lead a patch from the pod template to the value.
func (v *TemplateValue) pathSteps() []string {
	if !v.path.container {
		return v.path.keys
	}
	return slices.Concat(v.path.keys[:2], []string{strconv.Itoa(v.path.index)}, v.path.keys[2:])
}

// firstMissingStep returns the number of steps to the first object on the path that the pod template does not have; all
// steps if only the value itself is missing. Every template has a spec, and in it its containers.
func (p *Patch) firstMissingStep(v *TemplateValue, steps []string) int {
	first := 1
	if v.path.container {
		first = 4
	} else if v.path.keys[0] == "spec" {
		first = 2
	}
	for n := first; n < len(steps); n++ {
		if !p.templateParents[v.planPath(steps[:n])] {
			return n
		}
	}
	return len(steps)
}

// planPath returns the path of a patched value as the Plan writes it: "spec.containers[0].securityContext".
func (v *TemplateValue) planPath(steps []string) string {
	if !v.path.container {
		return strings.Join(steps, ".")
	}
	return fmt.Sprintf("spec.%s[%d].%s", steps[1], v.path.index, strings.Join(steps[3:], "."))
}

// containerNameTest returns the JSON patch operation that tests that the value's container is where it was; ok is false
// for a value of the pod.
func (p *Patch) containerNameTest(v *TemplateValue) (JSONPatchOperation, bool) {
	if !v.path.container {
		return JSONPatchOperation{}, false
	}
	return JSONPatchOperation{"test", p.jsonPointer(append(v.pathSteps()[:3:3], "name")), v.Container}, true
}

// jsonPointer returns the JSON pointer (RFC 6901) from the object to what steps lead to from the pod template.
func (p *Patch) jsonPointer(steps []string) string {
	var b strings.Builder
	for _, s := range slices.Concat(p.template, steps) {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
	}
	return b.String()
}
