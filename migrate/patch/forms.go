package patch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object; its keys are written in alphabetical order.
type object = map[string]any

// Strategic is the patch as a strategic merge patch: a part of the object, in which containers are known by name and a list
// of capabilities is the whole list. It goes with any state of the object that still has these containers.
func (p *Patch) Strategic() ([]byte, error) { return json.Marshal(p.strategic()) }

// strategic is Strategic as an object, without the head that a manifest needs.
func (p *Patch) strategic() object {
	template := object{}
	for i := range p.Values {
		v := &p.Values[i]
		at, keys := template, v.path.keys
		if v.path.container {
			at, keys = v.containerOf(template), keys[2:]
		}
		put(at, keys, v.Value)
	}
	out := any(template)
	for _, key := range slices.Backward(p.template) {
		out = object{key: out}
	}
	return out.(object)
}

// containerOf finds or makes the part of the template that is about the value's container.
func (v *Value) containerOf(template object) object {
	spec := child(template, "spec")
	list, _ := spec[v.path.keys[1]].([]any)
	for _, item := range list {
		if c := item.(object); c["name"] == v.Container {
			return c
		}
	}
	c := object{"name": v.Container}
	spec[v.path.keys[1]] = append(list, c)
	return c
}

func put(at object, keys []string, value any) {
	for _, key := range keys[:len(keys)-1] {
		at = child(at, key)
	}
	at[keys[len(keys)-1]] = value
}

func child(at object, key string) object {
	c, ok := at[key].(object)
	if !ok {
		c = object{}
		at[key] = c
	}
	return c
}

// Manifest is the strategic merge patch with the head that says what it is of.
func (p *Patch) manifest() object {
	out := p.strategic()
	out["apiVersion"], out["kind"] = p.APIVersion, p.Kind
	out["metadata"] = object{"name": p.Name, "namespace": p.Namespace}
	return out
}

// Operation is one operation of a JSON patch (RFC 6902).
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// JSON is the patch as a JSON patch. It goes with the object as it was read: it tests that each container is where it was,
// and makes the objects that were missing then, in place of any that have come to be there since.
func (p *Patch) JSON() ([]byte, error) { return json.Marshal(p.operations()) }

func (p *Patch) operations() []Operation {
	var tests, adds []Operation
	made := map[string]object{} // by pointer: objects that the template did not have
	for i := range p.Values {
		v := &p.Values[i]
		if test, ok := p.pinned(v); ok && !slices.Contains(tests, test) {
			tests = append(tests, test)
		}
		steps := v.steps()
		missing := p.missing(v, steps)
		if missing == len(steps) {
			adds = append(adds, Operation{"add", p.pointer(steps), v.Value})
			continue
		}
		at := p.pointer(steps[:missing])
		if made[at] == nil {
			made[at] = object{}
			adds = append(adds, Operation{"add", at, made[at]})
		}
		put(made[at], steps[missing:], v.Value)
	}
	return append(tests, adds...)
}

// steps are the keys and indexes from the template to the value.
func (v *Value) steps() []string {
	if !v.path.container {
		return v.path.keys
	}
	return slices.Concat(v.path.keys[:2], []string{strconv.Itoa(v.path.index)}, v.path.keys[2:])
}

// missing is the number of steps to the first object on the way that the template does not have, all steps if there is none
// but the value itself. Every template has a spec, and in it its containers.
func (p *Patch) missing(v *Value, steps []string) int {
	first := 1
	if v.path.container {
		first = 4
	} else if v.path.keys[0] == "spec" {
		first = 2
	}
	for n := first; n < len(steps); n++ {
		if !p.parents[v.upstream(steps[:n])] {
			return n
		}
	}
	return len(steps)
}

// upstream writes steps as the Plan does: "spec.containers[0].securityContext".
func (v *Value) upstream(steps []string) string {
	if !v.path.container {
		return strings.Join(steps, ".")
	}
	return fmt.Sprintf("spec.%s[%d].%s", steps[1], v.path.index, strings.Join(steps[3:], "."))
}

// pinned tests that the value's container is where it was.
func (p *Patch) pinned(v *Value) (Operation, bool) {
	if !v.path.container {
		return Operation{}, false
	}
	return Operation{"test", p.pointer(append(v.steps()[:3:3], "name")), v.Container}, true
}

// pointer is a JSON pointer (RFC 6901) to what steps lead to from the template.
func (p *Patch) pointer(steps []string) string {
	var b strings.Builder
	for _, s := range slices.Concat(p.template, steps) {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
	}
	return b.String()
}
