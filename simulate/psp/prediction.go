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
	// Mutated is true if the policy changes the pod, other than by its name: it was chosen since no other takes it as it is.
	Mutated bool
	// MutatedFields are the values that the policy fills in, in the order of the pod.
	MutatedFields []MutatedField
	// Refusals are what the usable policies have against the pod, if none admits it, of each policy the first MaxRefusalsPerPolicy;
	// there may be none usable. Untold counts the others by policy. Invalid is what API validation has against what the policy
	// filled in: such a pod is not created either.
	Refusals         []Refusal
	OmittedRefusals  map[string]int
	InvalidMutations []Refusal
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
	// UsablePolicies policies, whoever of account and creator may use them.
	UsablePolicies UsablePolicies
	// Mirror pods have no account and get no token.
	Mirror bool
	// Automount is automountServiceAccountToken of the account; nil if it does not say.
	Automount *bool
}

// Predictor says what PSP admission makes of the pods of one Inventory, and remembers what it found. It is not safe for
// concurrent use.
type Predictor struct {
	admitter        *Admitter
	mutations       *Mutations
	predictions     map[predictionKey]*Prediction
	outcomes        map[newPodKey][]evaluationOutcome
	admittedPods    map[admittedPodKey]*Prediction
	unmutatedShapes map[Unmutated]*inventory.Shape
	shapes          *inventory.ShapeInterner
}

// NewPredictor returns a Predictor for the policies of one cluster, all of them, and for what they write into pods.
func NewPredictor(policies []*pspparse.Policy, mutations *Mutations) *Predictor {
	p := &Predictor{
		admitter:        NewAdmitter(policies),
		mutations:       mutations,
		predictions:     map[predictionKey]*Prediction{},
		outcomes:        map[newPodKey][]evaluationOutcome{},
		admittedPods:    map[admittedPodKey]*Prediction{},
		unmutatedShapes: map[Unmutated]*inventory.Shape{},
		shapes:          inventory.NewShapeInterner(),
	}
	p.admitter.maxRefusals = MaxRefusalsPerPolicy
	return p
}

// UsablePolicies makes a set of policies of their names.
func (p *Predictor) UsablePolicies(names []string) UsablePolicies {
	return p.admitter.UsablePolicies(nil, names)
}

// PredictAdmission answers for a pod of a shape. The answer is shared; callers must not write into it.
func (p *Predictor) PredictAdmission(s *inventory.Shape, by AdmissionContext) *Prediction {
	return p.cachedPrediction(s, by)
}

// PredictReplacement answers for the pod that comes in place of a live one, as far as that can be told: beside a template without
// what its policy has filled in where the template leaves it unset; else the pod as it is stored.
func (p *Predictor) PredictReplacement(template *inventory.Shape, g *inventory.PodGroup, by AdmissionContext) *Prediction {
	m := p.mutations.OfPolicy(g.AdmittedBy)
	if m == nil || template == nil {
		return p.PredictAdmission(g.Shape, by)
	}
	return p.cachedPrediction(p.unmutatedShape(Unmutated{Pod: g.Shape, Template: template, Mutation: m, BeyondTemplate: true}), by)
}

// mutatedFields tells the values in which a pod differs after admission, in the form in which an author would write them down:
// where the server keeps a seccomp annotation and its field in step, the field.
func mutatedFields(before, after *corev1.Pod) []MutatedField {
	f := &mutationDiff{}
	was, is := podspec.OrEmpty(before.Spec.SecurityContext), podspec.OrEmpty(after.Spec.SecurityContext)
	f.addField("spec.securityContext.supplementalGroups", was.SupplementalGroups, is.SupplementalGroups)
	f.addField("spec.securityContext.fsGroup", was.FSGroup, is.FSGroup)
	f.addField("spec.securityContext.seLinuxOptions", was.SELinuxOptions, is.SELinuxOptions)
	f.addField("spec.securityContext.seccompProfile", was.SeccompProfile, is.SeccompProfile)
	f.addField("spec.runtimeClassName", before.Spec.RuntimeClassName, after.Spec.RuntimeClassName)
	if reflect.DeepEqual(was.SeccompProfile, is.SeccompProfile) {
		f.addAnnotation(podspec.SeccompPodAnnotation, before, after)
	}
	f.addContainers("spec.initContainers", before, after, before.Spec.InitContainers, after.Spec.InitContainers)
	f.addContainers("spec.containers", before, after, before.Spec.Containers, after.Spec.Containers)
	return f.fields
}

// mutationDiff collects differences. Admission only ever adds: what is gone is not looked for.
type mutationDiff struct {
	fields    []MutatedField
	container string
}

func (f *mutationDiff) addField(path string, was, is any) {
	if reflect.DeepEqual(was, is) {
		return
	}
	value, err := json.Marshal(is)
	if err != nil {
		value = fmt.Appendf(nil, "%q", fmt.Sprint(is)) // API values always marshal
	}
	f.fields = append(f.fields, MutatedField{Path: path, Container: f.container, Value: string(value)})
}

func (f *mutationDiff) addAnnotation(key string, before, after *corev1.Pod) {
	if is := after.Annotations[key]; is != "" {
		f.addField("metadata.annotations["+key+"]", before.Annotations[key], is)
	}
}

func (f *mutationDiff) addContainers(list string, before, after *corev1.Pod, was, is []corev1.Container) {
	for i := range is {
		f.container = is[i].Name
		path := fmt.Sprintf("%s[%d].securityContext.", list, i)
		x, y := podspec.OrEmpty(was[i].SecurityContext), podspec.OrEmpty(is[i].SecurityContext)
		f.addField(path+"runAsUser", x.RunAsUser, y.RunAsUser)
		f.addField(path+"runAsGroup", x.RunAsGroup, y.RunAsGroup)
		f.addField(path+"runAsNonRoot", x.RunAsNonRoot, y.RunAsNonRoot)
		f.addField(path+"seLinuxOptions", x.SELinuxOptions, y.SELinuxOptions)
		f.addField(path+"readOnlyRootFilesystem", x.ReadOnlyRootFilesystem, y.ReadOnlyRootFilesystem)
		f.addField(path+"allowPrivilegeEscalation", x.AllowPrivilegeEscalation, y.AllowPrivilegeEscalation)
		a, b := podspec.OrEmpty(x.Capabilities), podspec.OrEmpty(y.Capabilities)
		f.addCapabilities(path+"capabilities.add", a.Add, b.Add)
		f.addCapabilities(path+"capabilities.drop", a.Drop, b.Drop)
		f.addAnnotation(podspec.AppArmorAnnotationPrefix+is[i].Name, before, after)
	}
}

// addCapabilities tells the whole list, as it has to stand. Admission sorts a list to which it adds; the order says nothing.
func (f *mutationDiff) addCapabilities(path string, was, is []corev1.Capability) {
	x, y := slices.Clone(was), slices.Clone(is)
	slices.Sort(x)
	slices.Sort(y)
	if !slices.Equal(slices.Compact(x), slices.Compact(y)) {
		f.addField(path, was, is)
	}
}
