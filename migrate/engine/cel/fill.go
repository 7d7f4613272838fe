package cel

import (
	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// place is where in a pod a value is written.
type place int

const (
	// inContainers is the security context of each container; expressions name the container c.
	inContainers place = iota
	// inPodSecurity is the pod's security context, and inPod the spec.
	inPodSecurity
	inPod
	// inAnnotation is an annotation of the pod about each container c, which is there already.
	inAnnotation
)

// fill is one value that a policy writes into pods by a constraint.
type fill struct {
	place place
	// when is a CEL boolean, true for a container or a pod into which the policy writes.
	when string
	// field is the name of the field below place, or a CEL string of the annotation's key.
	field string
	// value is a CEL expression of what is written.
	value string
}

// fillsOf returns what a policy writes into pods by a constraint, for the CEL functions of an API server v1.minor.
func fillsOf(c mapping.Constraint, minor int) []fill {
	switch c := c.(type) {
	case mapping.SELinuxLabel:
		return fillSELinux(c)
	case mapping.NonRootUser:
		return fillNonRootUser()
	case mapping.IDRanges:
		return fillIDRanges(c)
	case mapping.ReadOnlyRootFilesystem:
		return fillReadOnlyRoot()
	case mapping.PrivilegeEscalation:
		return fillEscalation(c)
	case mapping.Capabilities:
		return fillCapabilities(c, minor)
	case mapping.RuntimeClasses:
		return fillRuntimeClass(c)
	case mapping.Profiles:
		return fillProfiles(c)
	default:
		return nil
	}
}

// wouldWrite returns a CEL boolean: a policy would change the pod by a constraint. It is "" for one that writes nothing. It looks at
// ephemeral containers as PSP did, though nothing is ever written there. It reads object and podVariables, and is never an error.
func wouldWrite(c mapping.Constraint) string {
	var conditions []string
	for _, w := range fillsOf(c, 0) {
		if w.place == inContainers || w.place == inAnnotation {
			conditions = append(conditions, "variables.all.exists(c, "+w.when+")")
		} else {
			conditions = append(conditions, w.when)
		}
	}
	if len(conditions) == 0 {
		return ""
	}
	return anyOf(conditions...)
}

// patches returns CEL lists of JSONPatch that write what a policy writes into a pod, for an API server v1.minor, v1.33 or newer, in
// the order in which they are to be joined by +; nil where it writes nothing. It takes all constraints of a policy at once: what adds
// a security context that is absent has to come once, before all that write into it, since every list is computed from the pod as
// it was.
func patches(constraints []mapping.Constraint, minor int) []string {
	var containerFills, podFills []fill
	var leaves []string
	for _, c := range constraints {
		for _, w := range fillsOf(c, minor) {
			switch w.place {
			case inContainers:
				containerFills = append(containerFills, w)
			case inPodSecurity:
				podFills = append(podFills, w)
			}
			leaves = append(leaves, w.patches()...)
		}
	}
	var out []string
	if len(podFills) > 0 {
		out = append(out, addWhere(allOf("!has(object.spec.securityContext)", anyOf(conditionsOf(podFills)...)), "'/spec/securityContext'", "{}"))
	}
	if len(containerFills) > 0 {
		when := allOf("!has(c.securityContext)", anyOf(conditionsOf(containerFills)...))
		out = append(out, addToContainers(when, "/securityContext", "{}")...)
	}
	return append(out, leaves...)
}

// conditionsOf returns when the policy writes, of each of the values.
func conditionsOf(fills []fill) []string {
	var out []string
	for _, w := range fills {
		out = append(out, w.when)
	}
	return out
}

// patches returns CEL lists of JSONPatch that write one value into a pod whose security contexts are there.
func (w fill) patches() []string {
	switch w.place {
	case inContainers:
		return addToContainers(w.when, "/securityContext/"+w.field, w.value)
	case inPodSecurity:
		return []string{addWhere(w.when, quote("/spec/securityContext/"+w.field), w.value)}
	case inAnnotation:
		return []string{"variables.all.filter(c, " + w.when + ").map(c, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey(" +
			w.field + "), value: " + w.value + "})"}
	default:
		return []string{addWhere(w.when, quote("/spec/"+w.field), w.value)}
	}
}

// addWhere returns a CEL list of JSONPatch that adds a value to a pod for which the CEL boolean holds.
func addWhere(when, path, value string) string {
	return "(" + when + " ? [JSONPatch{op: 'add', path: " + path + ", value: " + value + "}] : [])"
}

// addToContainers returns CEL lists of JSONPatch that add a value to the containers and the init containers of a pod for which the
// CEL boolean about c holds. Ephemeral containers are not there when a pod is created.
func addToContainers(when, path, value string) []string {
	list := func(items, name string) string {
		return items + ".transformList(i, c, " + when + ", JSONPatch{op: 'add', path: '/spec/" + name + "/' + string(i) + " +
			quote(path) + ", value: " + value + "})"
	}
	return []string{
		list("(object.spec.containers == null ? [] : object.spec.containers)", "containers"),
		list("object.spec.?initContainers.orValue([])", "initContainers"),
	}
}
