// Package places says which fields of a pod template make it fail a check of the Pod Security Standards, and with which edit each
// meets it. It lists the fields that could, asks the library's check about a pod that has nothing but one of them, and copies no rule
// of that library. It reads no file and knows no line.
package places

import (
	"cmp"
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Place is one field of a pod template that makes it fail a check, or that is missing and has to be there.
type Place struct {
	// Path is within the template: "spec..." or "metadata...". Indexes are those of the template's Shape: of a written workload those
	// of the manifest; a reduced Shape leaves out ports that are not of the node, and has the claims of a StatefulSet before the volumes.
	Path fieldpath.Path
	// Container is the name of the container that the field is in; "" for another field.
	Container string
	// Missing is true if the template does not have the field.
	Missing bool
	// Edit is the change with which the place meets the check, together with the edits of the check's other places. It is nil
	// where there is none: the API takes no such field (on Windows before v1.25), or the check is not known.
	Edit *Edit
}

// Edit is the change of one field of a pod template.
type Edit struct {
	// Remove takes the field out, or the item of a list; else Value is written, a list as the whole list.
	Remove bool
	Value  json.RawMessage
	// Safety is safe where nothing can break, test where the program has to be tried, and decide where something is taken away
	// that the template asks for, another value than the one it states is written, or the pod is known not to start with it.
	Safety string
	Why    message.Message
	// ReplacesStated is true where people have to decide for one reason alone: Value takes the place of one that the template
	// states. It is safe where the pods of today are known to run with Value.
	ReplacesStated bool
}

// SafetyDecide is the safety of an edit that is for people to decide; safe and test are those of package harden.
const SafetyDecide = "decide"

// Of returns the places in a pod template at which it fails a check at a version of the standards, in the order of the pod: what is
// of the pod first, then its init containers, its containers and its debug containers. There is at least one, and none where the template meets
// the check.
//
// Each place is needed: with all edits but one the template still fails. The exceptions are profiles that annotations of containers
// ask for, which the edits keep, and spec.hostNetwork, with which API servers make each port of a container one of the node.
func Of(e *pss.Evaluator, t *inventory.Shape, check string, v api.Version) []Place {
	if !e.Fails(check, t.Annotations, &t.Spec, v) {
		return nil
	}
	f := &finder{evaluator: e, template: &harden.TemplateWithPods{Template: t}, check: check, version: v}
	if field, ok := askedFieldOf(check); ok {
		f.findAsked(field)
	}
	for _, list := range forbiddenFields() {
		if list.check == check {
			list.find(f)
		}
	}
	if len(f.found) == 0 {
		return []Place{{Path: fieldpath.Keys("spec")}}
	}
	slices.SortStableFunc(f.found, func(a, b Place) int { return comparePlaces(&a, &b) })
	return f.found
}

// finder collects the places of one pod template and one check.
type finder struct {
	evaluator *pss.Evaluator
	template  *harden.TemplateWithPods
	check     string
	version   api.Version
	found     []Place
}

// fails reports whether a pod fails the check whose places are looked for.
func (f *finder) fails(pod *inventory.Shape) bool {
	return f.evaluator.Fails(f.check, pod.Annotations, &pod.Spec, f.version)
}

// emptyPod returns a pod without containers that has of the template what changes whole checks: its system and its user namespace.
func (f *finder) emptyPod() *inventory.Shape {
	spec := &f.template.Template.Spec
	return &inventory.Shape{Spec: corev1.PodSpec{OS: spec.OS, HostUsers: spec.HostUsers}}
}

// advice returns what a person can do about the check in a container of a list; "" for the pod's own fields.
func (f *finder) advice(list string) message.Message {
	if list == ephemeralContainers {
		return message.New("obstacle-debug-containers")
	}
	return f.template.Advice(f.check, api.LevelBaseline, []api.Version{f.version})
}

// The lists of containers of a pod, in the order in which places are.
const (
	initContainers      = "initContainers"
	containers          = "containers"
	ephemeralContainers = "ephemeralContainers"
)

// listedContainer is a container of a pod template, with the list it stands in and its index there.
type listedContainer struct {
	list  string
	index int
	*corev1.Container
}

// path returns the path to a field of a container within its pod template.
func (c listedContainer) path(keys ...string) fieldpath.Path {
	return fieldpath.Keys("spec", c.list).Item(c.index).Keys(keys...)
}

// reducedTo returns the pod with one container in the list of this one.
func (c listedContainer) reducedTo(pod *inventory.Shape, only corev1.Container) *inventory.Shape {
	only.Name = c.Name
	switch c.list {
	case initContainers:
		pod.Spec.InitContainers = []corev1.Container{only}
	case ephemeralContainers:
		pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(only)}}
	default:
		pod.Spec.Containers = []corev1.Container{only}
	}
	return pod
}

// allContainers returns all containers of a pod template, debug containers last.
func allContainers(spec *corev1.PodSpec) []listedContainer {
	var out []listedContainer
	for i := range spec.InitContainers {
		out = append(out, listedContainer{initContainers, i, &spec.InitContainers[i]})
	}
	for i := range spec.Containers {
		out = append(out, listedContainer{containers, i, &spec.Containers[i]})
	}
	for i := range spec.EphemeralContainers {
		out = append(out, listedContainer{ephemeralContainers, i, (*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon)})
	}
	return out
}

// comparePlaces orders places of a pod template: those of the pod, then those of containers by list and index. Within one container
// they stay as they were found.
func comparePlaces(a, b *Place) int {
	return cmp.Or(cmp.Compare(a.listRank(), b.listRank()), cmp.Compare(a.containerIndex(), b.containerIndex()))
}

// listRank returns the rank of the list of containers that a place is in; 0 for a place of the pod.
func (p *Place) listRank() int {
	if len(p.Path) < 3 {
		return 0
	}
	return 1 + slices.Index([]string{initContainers, containers, ephemeralContainers}, p.Path[1].Key)
}

// containerIndex returns the index of the container that a place is in; 0 for a place of the pod.
func (p *Place) containerIndex() int {
	if p.listRank() == 0 {
		return 0
	}
	return p.Path[2].Index
}
