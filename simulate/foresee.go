package simulate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Foresight is what PSP admission would make today of a pod that is about to be created.
type Foresight struct {
	// Policy would admit it; empty if it would be refused.
	Policy string
	// Shape is the pod as admitted, nil if it would be refused.
	Shape *inventory.Shape
	// Changed is true if the policy changes the pod, other than by its name: it was chosen since no other takes it as it is.
	Changed bool
	// Filled are the values that the policy fills in, in the order of the pod.
	Filled []Filled
	// Refusals are what the usable policies have against the pod, if none admits it, of each policy the first RefusalsTold;
	// there may be none usable. Untold counts the others by policy. Invalid is what API validation has against what the policy
	// filled in: such a pod is not created either.
	Refusals []Refusal
	Untold   map[string]int
	Invalid  []Refusal
}

// RefusalsTold is how many refusals of one policy a Foresight has.
const RefusalsTold = 3

// Filled is one value that a policy fills into a pod.
type Filled struct {
	// Path is upstream's, from the pod's root: spec.securityContext.fsGroup, spec.containers[0].securityContext.runAsUser,
	// metadata.annotations[container.apparmor.security.beta.kubernetes.io/web].
	Path string
	// Container whose value it is, empty for a value of the pod.
	Container string
	// Value as compact JSON.
	Value string
}

// Author is what admission looks at beside the pod: who may use what.
type Author struct {
	// Usable policies, whoever of account and creator may use them.
	Usable Usable
	// Mirror pods have no account and get no token.
	Mirror bool
	// Automount is automountServiceAccountToken of the account; nil if it does not say.
	Automount *bool
}

// Usable makes a set of policies of their names.
func (j *Judge) Usable(names []string) Usable { return j.admitter.Usable(nil, names) }

// Foresee answers for a pod of a shape. The answer is shared; callers must not write into it.
func (j *Judge) Foresee(s *inventory.Shape, by Author) *Foresight {
	return j.answer(s, by)
}

// ForeseeAgain answers for the pod that comes in place of a live one, as far as that can be told: beside a template without
// what its policy has filled in where the template leaves it unset; else the pod as it is stored.
func (j *Judge) ForeseeAgain(template *inventory.Shape, g *inventory.PodGroup, by Author) *Foresight {
	f := j.fillingBy(g.AdmittedBy)
	if f == nil || template == nil {
		return j.Foresee(g.Shape, by)
	}
	return j.answer(j.strip(estimate{pod: g.Shape, template: template, by: f, beyond: true}), by)
}

// filledIn tells the values in which a pod differs after admission, in the form in which an author would write them down:
// where the server keeps a seccomp annotation and its field in step, the field.
func filledIn(before, after *corev1.Pod) []Filled {
	f := &filler{}
	was, is := orEmpty(before.Spec.SecurityContext), orEmpty(after.Spec.SecurityContext)
	f.value("spec.securityContext.supplementalGroups", was.SupplementalGroups, is.SupplementalGroups)
	f.value("spec.securityContext.fsGroup", was.FSGroup, is.FSGroup)
	f.value("spec.securityContext.seLinuxOptions", was.SELinuxOptions, is.SELinuxOptions)
	f.value("spec.securityContext.seccompProfile", was.SeccompProfile, is.SeccompProfile)
	f.value("spec.runtimeClassName", before.Spec.RuntimeClassName, after.Spec.RuntimeClassName)
	if reflect.DeepEqual(was.SeccompProfile, is.SeccompProfile) {
		f.annotation(seccompPodAnnotation, before, after)
	}
	f.containers("spec.initContainers", before, after, before.Spec.InitContainers, after.Spec.InitContainers)
	f.containers("spec.containers", before, after, before.Spec.Containers, after.Spec.Containers)
	return f.all
}

// filler collects differences. Admission only ever adds: what is gone is not looked for.
type filler struct {
	all       []Filled
	container string
}

func (f *filler) value(path string, was, is any) {
	if reflect.DeepEqual(was, is) {
		return
	}
	value, err := json.Marshal(is)
	if err != nil {
		value = fmt.Appendf(nil, "%q", fmt.Sprint(is)) // API values always marshal
	}
	f.all = append(f.all, Filled{Path: path, Container: f.container, Value: string(value)})
}

func (f *filler) annotation(key string, before, after *corev1.Pod) {
	if is := after.Annotations[key]; is != "" {
		f.value("metadata.annotations["+key+"]", before.Annotations[key], is)
	}
}

func (f *filler) containers(list string, before, after *corev1.Pod, was, is []corev1.Container) {
	for i := range is {
		f.container = is[i].Name
		path := fmt.Sprintf("%s[%d].securityContext.", list, i)
		x, y := orEmpty(was[i].SecurityContext), orEmpty(is[i].SecurityContext)
		f.value(path+"runAsUser", x.RunAsUser, y.RunAsUser)
		f.value(path+"runAsGroup", x.RunAsGroup, y.RunAsGroup)
		f.value(path+"runAsNonRoot", x.RunAsNonRoot, y.RunAsNonRoot)
		f.value(path+"seLinuxOptions", x.SELinuxOptions, y.SELinuxOptions)
		f.value(path+"readOnlyRootFilesystem", x.ReadOnlyRootFilesystem, y.ReadOnlyRootFilesystem)
		f.value(path+"allowPrivilegeEscalation", x.AllowPrivilegeEscalation, y.AllowPrivilegeEscalation)
		a, b := orEmpty(x.Capabilities), orEmpty(y.Capabilities)
		f.capabilities(path+"capabilities.add", a.Add, b.Add)
		f.capabilities(path+"capabilities.drop", a.Drop, b.Drop)
		f.annotation(appArmorAnnotationPrefix+is[i].Name, before, after)
	}
}

// capabilities tells the whole list, as it has to stand. Admission sorts a list to which it adds; the order says nothing.
func (f *filler) capabilities(path string, was, is []corev1.Capability) {
	x, y := slices.Clone(was), slices.Clone(is)
	slices.Sort(x)
	slices.Sort(y)
	if !slices.Equal(slices.Compact(x), slices.Compact(y)) {
		f.value(path, was, is)
	}
}
