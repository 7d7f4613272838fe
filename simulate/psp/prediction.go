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

// Prediction is what PSP admission would do today with a pod that is about to be created.
type Prediction struct {
	// Policy is the name of the policy that would admit the pod; empty if it would be refused.
	Policy string
	// Shape is the pod as admitted, nil if it would be refused.
	Shape *inventory.Shape
	// Mutated is true if the policy changes the pod beyond the annotation with its name: no usable policy admits it
	// unchanged.
	Mutated bool
	// MutatedFields are the values that the policy writes, in the order of the pod.
	MutatedFields []MutatedField
	// Refusals are the errors of the usable policies if none admits the pod, of each policy the first MaxRefusalsPerPolicy.
	// The list is empty if no policy is usable. OmittedRefusals counts the others by policy name. InvalidMutations are the
	// errors of API validation about what the policy wrote: such a pod is not created either.
	Refusals         []Refusal
	OmittedRefusals  map[string]int
	InvalidMutations []Refusal
}

// MaxRefusalsPerPolicy is the number of refusals of one policy that a Prediction holds.
const MaxRefusalsPerPolicy = 3

// MutatedField is one value that a PodSecurityPolicy writes into a pod, with its path.
type MutatedField struct {
	// Path is upstream's, from the pod's root: spec.securityContext.fsGroup, spec.containers[0].securityContext.runAsUser,
	// metadata.annotations[container.apparmor.security.beta.kubernetes.io/web].
	Path string
	// Container is the name of the container that has the value, empty for a value of the pod.
	Container string
	// Value is compact JSON.
	Value string
}

// AdmissionContext is what PSP admission takes into account beside the pod: usable policies, and the token of its account.
type AdmissionContext struct {
	// UsablePolicies are the policies that the pod's account or its creator may use.
	UsablePolicies UsablePolicies
	// Mirror is true for a mirror pod, which has no account and gets no token.
	Mirror bool
	// Automount is automountServiceAccountToken of the account; nil if it is unset there.
	Automount *bool
}

// Predictor predicts PSP admission for the pods of one cluster and caches the results. It is not safe for concurrent use.
//
// Large clusters have few different pods, few policies, and many sets of policies that may be used. So the Predictor
// evaluates each policy once against each pod, and sets share what follows.
type Predictor struct {
	admitter        *Admitter
	mutations       *Mutations
	predictions     map[predictionKey]*Prediction
	outcomes        map[newPodKey][]evaluationOutcome
	admittedPods    map[admittedPodKey]*Prediction
	unmutatedShapes map[Unmutated]*inventory.Shape
	shapes          *inventory.ShapeInterner
}

// NewPredictor returns a Predictor for all PodSecurityPolicies of one cluster and their mutations.
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

// UsablePolicies returns the set of policies for PSP admission with the given names, as part of an AdmissionContext.
func (p *Predictor) UsablePolicies(names []string) UsablePolicies {
	return p.admitter.UsablePolicies(nil, names)
}

// PredictAdmission simulates PSP admission of a new pod of a shape: which policy admits and changes it today. The result is shared; callers must
// not write into it.
func (p *Predictor) PredictAdmission(s *inventory.Shape, by AdmissionContext) *Prediction {
	return p.cachedPrediction(s, by)
}

// PredictReplacement returns what PSP admission would do today with the pod that replaces a live one. Where the pod has a
// template, what its policy wrote is taken off first; else the pod is admitted as it is stored. The result is shared;
// callers must not write into it.
func (p *Predictor) PredictReplacement(template *inventory.Shape, g *inventory.PodGroup, by AdmissionContext) *Prediction {
	m := p.mutations.OfPolicy(g.AdmittedBy)
	if m == nil || template == nil {
		return p.PredictAdmission(g.Shape, by)
	}
	return p.cachedPrediction(p.unmutatedShape(Unmutated{Pod: g.Shape, Template: template, Mutation: m, BeyondTemplate: true}), by)
}

// mutatedFields returns the values in which a pod differs after PSP admission, as paths and values of a template. Where the
// API server keeps a seccomp annotation and its field equal, it is the field.
func mutatedFields(before, after *corev1.Pod) []MutatedField {
	d := &mutationDiff{}
	was, is := podspec.OrEmpty(before.Spec.SecurityContext), podspec.OrEmpty(after.Spec.SecurityContext)
	d.addField("spec.securityContext.supplementalGroups", was.SupplementalGroups, is.SupplementalGroups)
	d.addField("spec.securityContext.fsGroup", was.FSGroup, is.FSGroup)
	d.addField("spec.securityContext.seLinuxOptions", was.SELinuxOptions, is.SELinuxOptions)
	d.addField("spec.securityContext.seccompProfile", was.SeccompProfile, is.SeccompProfile)
	d.addField("spec.runtimeClassName", before.Spec.RuntimeClassName, after.Spec.RuntimeClassName)
	if reflect.DeepEqual(was.SeccompProfile, is.SeccompProfile) {
		d.addAnnotation(podspec.SeccompPodAnnotation, before, after)
	}
	d.addContainers("spec.initContainers", before, after, before.Spec.InitContainers, after.Spec.InitContainers)
	d.addContainers("spec.containers", before, after, before.Spec.Containers, after.Spec.Containers)
	return d.fields
}

// mutationDiff collects the fields in which a pod differs after PSP admission. Admission only adds values; removed ones are
// not looked for.
type mutationDiff struct {
	fields    []MutatedField
	container string
}

// addField adds a field of a mutated pod with its new value, if the value differs from the old one.
func (d *mutationDiff) addField(path string, was, is any) {
	if reflect.DeepEqual(was, is) {
		return
	}
	value, err := json.Marshal(is)
	if err != nil {
		value = fmt.Appendf(nil, "%q", fmt.Sprint(is)) // API values always marshal
	}
	d.fields = append(d.fields, MutatedField{Path: path, Container: d.container, Value: string(value)})
}

// addAnnotation adds an annotation of a pod that a PodSecurityPolicy mutated, if its value differs from the old one.
func (d *mutationDiff) addAnnotation(key string, before, after *corev1.Pod) {
	if is := after.Annotations[key]; is != "" {
		d.addField("metadata.annotations["+key+"]", before.Annotations[key], is)
	}
}

// addContainers adds the fields in which the containers of one list differ after PSP admission. A policy writes SELinux
// options into pods only, never into containers.
func (d *mutationDiff) addContainers(list string, before, after *corev1.Pod, was, is []corev1.Container) {
	for i := range is {
		d.container = is[i].Name
		path := fmt.Sprintf("%s[%d].securityContext.", list, i)
		x, y := podspec.OrEmpty(was[i].SecurityContext), podspec.OrEmpty(is[i].SecurityContext)
		d.addField(path+"runAsUser", x.RunAsUser, y.RunAsUser)
		d.addField(path+"runAsGroup", x.RunAsGroup, y.RunAsGroup)
		d.addField(path+"runAsNonRoot", x.RunAsNonRoot, y.RunAsNonRoot)
		d.addField(path+"readOnlyRootFilesystem", x.ReadOnlyRootFilesystem, y.ReadOnlyRootFilesystem)
		d.addField(path+"allowPrivilegeEscalation", x.AllowPrivilegeEscalation, y.AllowPrivilegeEscalation)
		a, b := podspec.OrEmpty(x.Capabilities), podspec.OrEmpty(y.Capabilities)
		d.addCapabilities(path+"capabilities.add", a.Add, b.Add)
		d.addCapabilities(path+"capabilities.drop", a.Drop, b.Drop)
		d.addAnnotation(podspec.AppArmorAnnotationPrefix+is[i].Name, before, after)
	}
}

// addCapabilities adds a capability list of a mutated container as a whole, if it has other names than before. Where admission
// adds to a list of a container, it leaves both lists sorted, each name once: that alone is no mutation.
func (d *mutationDiff) addCapabilities(path string, was, is []corev1.Capability) {
	if !slices.Equal(capabilityUnion(was, nil), is) {
		d.addField(path, was, is)
	}
}

// MutatedFields returns the values that PSP admission wrote into a pod, from the pod as it was sent, and as it is stored. known is
// false where the two have not the same containers: then something else has changed the pod as well.
func MutatedFields(sent, stored *corev1.Pod) (fields []MutatedField, known bool) {
	name := func(x, y corev1.Container) bool { return x.Name == y.Name }
	if !slices.EqualFunc(sent.Spec.InitContainers, stored.Spec.InitContainers, name) || !slices.EqualFunc(sent.Spec.Containers, stored.Spec.Containers, name) {
		return nil, false
	}
	before := ApplyAdmissionDefaults(sent, nil)
	prepareForCreate(before)
	return mutatedFields(before, stored), true
}
