package psp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Prediction is what PSP admission would make today of a pod that is about to be created.
type Prediction struct {
	// Policy would admit it; empty if it would be refused.
	Policy string
	// Shape is the pod as admitted, nil if it would be refused.
	Shape *inventory.Shape
	// Changed is true if the policy changes the pod, other than by its name: it was chosen since no other takes it as it is.
	Changed bool
	// Filled are the values that the policy fills in, in the order of the pod.
	Filled []MutatedField
	// Refusals are what the usable policies have against the pod, if none admits it, of each policy the first MaxRefusalsPerPolicy;
	// there may be none usable. Untold counts the others by policy. Invalid is what API validation has against what the policy
	// filled in: such a pod is not created either.
	Refusals []Refusal
	Untold   map[string]int
	Invalid  []Refusal
}

// MaxRefusalsPerPolicy is how many refusals of one policy a Prediction has.
const MaxRefusalsPerPolicy = 3

// MutatedField is one value that a policy fills into a pod.
type MutatedField struct {
	// Path is upstream's, from the pod's root: spec.securityContext.fsGroup, spec.containers[0].securityContext.runAsUser,
	// metadata.annotations[container.apparmor.security.beta.kubernetes.io/web].
	Path string
	// Container whose value it is, empty for a value of the pod.
	Container string
	// Value as compact JSON.
	Value string
}

// AdmissionContext is what admission looks at beside the pod: who may use what.
type AdmissionContext struct {
	// Usable policies, whoever of account and creator may use them.
	Usable Usable
	// Mirror pods have no account and get no token.
	Mirror bool
	// Automount is automountServiceAccountToken of the account; nil if it does not say.
	Automount *bool
}

// Predictor says what PSP admission makes of the pods of one Inventory, and remembers what it found. It is not safe for
// concurrent use.
type Predictor struct {
	admitter  *Admitter
	mutations *Mutations
	foreseen  map[question]*Prediction
	tried     map[newPod][]outcome
	admitted  map[admittedPod]*Prediction
	stripped  map[Unmutated]*inventory.Shape
	made      *inventory.Shapes
}

// NewPredictor returns a Predictor for the policies of one cluster, all of them, and for what they write into pods.
func NewPredictor(policies []*pspparse.Policy, mutations *Mutations) *Predictor {
	p := &Predictor{
		admitter:  NewAdmitter(policies),
		mutations: mutations,
		foreseen:  map[question]*Prediction{},
		tried:     map[newPod][]outcome{},
		admitted:  map[admittedPod]*Prediction{},
		stripped:  map[Unmutated]*inventory.Shape{},
		made:      inventory.NewShapes(),
	}
	p.admitter.most = MaxRefusalsPerPolicy
	return p
}

// Usable makes a set of policies of their names.
func (p *Predictor) Usable(names []string) Usable { return p.admitter.Usable(nil, names) }

// PredictAdmission answers for a pod of a shape. The answer is shared; callers must not write into it.
func (p *Predictor) PredictAdmission(s *inventory.Shape, by AdmissionContext) *Prediction {
	return p.answer(s, by)
}

// PredictReplacement answers for the pod that comes in place of a live one, as far as that can be told: beside a template without
// what its policy has filled in where the template leaves it unset; else the pod as it is stored.
func (p *Predictor) PredictReplacement(template *inventory.Shape, g *inventory.PodGroup, by AdmissionContext) *Prediction {
	m := p.mutations.By(g.AdmittedBy)
	if m == nil || template == nil {
		return p.PredictAdmission(g.Shape, by)
	}
	return p.answer(p.shapeOf(Unmutated{Pod: g.Shape, Template: template, By: m, BeyondTemplate: true}), by)
}

// filledIn tells the values in which a pod differs after admission, in the form in which an author would write them down:
// where the server keeps a seccomp annotation and its field in step, the field.
func filledIn(before, after *corev1.Pod) []MutatedField {
	f := &filler{}
	was, is := podspec.OrEmpty(before.Spec.SecurityContext), podspec.OrEmpty(after.Spec.SecurityContext)
	f.value("spec.securityContext.supplementalGroups", was.SupplementalGroups, is.SupplementalGroups)
	f.value("spec.securityContext.fsGroup", was.FSGroup, is.FSGroup)
	f.value("spec.securityContext.seLinuxOptions", was.SELinuxOptions, is.SELinuxOptions)
	f.value("spec.securityContext.seccompProfile", was.SeccompProfile, is.SeccompProfile)
	f.value("spec.runtimeClassName", before.Spec.RuntimeClassName, after.Spec.RuntimeClassName)
	if reflect.DeepEqual(was.SeccompProfile, is.SeccompProfile) {
		f.annotation(podspec.SeccompPodAnnotation, before, after)
	}
	f.containers("spec.initContainers", before, after, before.Spec.InitContainers, after.Spec.InitContainers)
	f.containers("spec.containers", before, after, before.Spec.Containers, after.Spec.Containers)
	return f.all
}

// filler collects differences. Admission only ever adds: what is gone is not looked for.
type filler struct {
	all       []MutatedField
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
	f.all = append(f.all, MutatedField{Path: path, Container: f.container, Value: string(value)})
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
		x, y := podspec.OrEmpty(was[i].SecurityContext), podspec.OrEmpty(is[i].SecurityContext)
		f.value(path+"runAsUser", x.RunAsUser, y.RunAsUser)
		f.value(path+"runAsGroup", x.RunAsGroup, y.RunAsGroup)
		f.value(path+"runAsNonRoot", x.RunAsNonRoot, y.RunAsNonRoot)
		f.value(path+"seLinuxOptions", x.SELinuxOptions, y.SELinuxOptions)
		f.value(path+"readOnlyRootFilesystem", x.ReadOnlyRootFilesystem, y.ReadOnlyRootFilesystem)
		f.value(path+"allowPrivilegeEscalation", x.AllowPrivilegeEscalation, y.AllowPrivilegeEscalation)
		a, b := podspec.OrEmpty(x.Capabilities), podspec.OrEmpty(y.Capabilities)
		f.capabilities(path+"capabilities.add", a.Add, b.Add)
		f.capabilities(path+"capabilities.drop", a.Drop, b.Drop)
		f.annotation(podspec.AppArmorAnnotationPrefix+is[i].Name, before, after)
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
