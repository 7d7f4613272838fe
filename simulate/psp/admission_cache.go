package psp

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// newPodKey identifies a pod that is about to be created, as a cache key of the PSP admission predictor.
type newPodKey struct {
	shape             *inventory.Shape
	mirror, automount bool
}

// predictionKey is the cache key of a predicted PSP admission: the new pod and the PodSecurityPolicies usable for it.
type predictionKey struct {
	newPodKey
	usable UsablePolicies
}

// admittedPodKey is the cache key of a new pod together with the one PodSecurityPolicy that admits it. policyIndex is
// the index in Admitter.policies.
type admittedPodKey struct {
	newPodKey
	policyIndex int
}

// evaluationOutcome is the result of evaluating one PodSecurityPolicy against one new pod: refused, mutated or unchanged.
type evaluationOutcome byte

const (
	outcomeUnknown evaluationOutcome = iota
	outcomeRefused
	outcomeMutated
	outcomeUnchanged
)

// cachedPrediction returns the predicted PSP admission of a pod shape, from the cache if it is there.
func (p *Predictor) cachedPrediction(s *inventory.Shape, by AdmissionContext) *Prediction {
	request := predictionKey{newPodKey{shape: s, mirror: by.Mirror, automount: by.Automount == nil || *by.Automount}, by.UsablePolicies}
	found, ok := p.predictions[request]
	if !ok {
		found = p.predict(request)
		p.predictions[request] = found
	}
	return found
}

// predict returns the predicted PSP admission of a new pod. Sets of usable policies share a prediction where the same
// policy admits the pod, since what it writes does not depend on the others. Refusals depend on the whole set.
func (p *Predictor) predict(request predictionKey) *Prediction {
	first := p.indexOfAdmittingPolicy(request)
	if first < 0 {
		return p.admit(request)
	}
	key := admittedPodKey{request.newPodKey, first}
	found, ok := p.admittedPods[key]
	if !ok {
		alone := request
		alone.usable = p.UsablePolicies([]string{p.admitter.policies[first].name})
		found = p.admit(alone)
		p.admittedPods[key] = found
	}
	if found.Shape == nil && len(found.InvalidMutations) == 0 {
		return p.admit(request) // the policy refuses its own mutation in the validating pass: another may admit the pod
	}
	return found
}

// indexOfAdmittingPolicy returns the index of the PodSecurityPolicy that PSP admission chooses for a new pod, -1 if none.
// It is the choice of the admitting pass, see Admitter.choosePolicy, from remembered outcomes.
func (p *Predictor) indexOfAdmittingPolicy(request predictionKey) int {
	outcomes := p.outcomes[request.newPodKey]
	if outcomes == nil {
		outcomes = make([]evaluationOutcome, len(p.admitter.policies))
		p.outcomes[request.newPodKey] = outcomes
	}
	var pod *corev1.Pod
	var containers []podContainer
	var e policyEvaluation
	mutating := -1
	for i, policy := range p.admitter.policies {
		if !request.usable.includes(i, !request.mirror) {
			continue
		}
		if outcomes[i] == outcomeUnknown {
			if pod == nil {
				pod = ApplyAdmissionDefaults(request.asPod(), &request.automount)
				containers = allContainers(&pod.Spec)
			}
			e.assignSecurityContext(policy, pod, containers, 1)
			outcomes[i] = outcomeOfEvaluation(&e)
		}
		switch {
		case outcomes[i] == outcomeUnchanged:
			return i
		case outcomes[i] == outcomeMutated && mutating < 0:
			mutating = i
		}
	}
	return mutating
}

// outcomeOfEvaluation returns the outcome of a finished evaluation of one PodSecurityPolicy against one pod.
func outcomeOfEvaluation(e *policyEvaluation) evaluationOutcome {
	switch {
	case len(e.refusals) > 0:
		return outcomeRefused
	case e.mutated:
		return outcomeMutated
	}
	return outcomeUnchanged
}

// asPod returns the pod of PSP admission's cache key as it is sent to the API server, with the mirror annotation for a
// mirror pod.
func (n *newPodKey) asPod() *corev1.Pod {
	s := n.shape
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}, Spec: s.Spec}
	if n.mirror {
		pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: ""}
		maps.Copy(pod.Annotations, s.Annotations)
	}
	return pod
}

// admit runs the whole of PSP admission for a new pod and returns the result as a Prediction.
func (p *Predictor) admit(request predictionKey) *Prediction {
	pod := request.asPod()
	answer := p.admitter.Admit(AdmissionRequest{Pod: pod, UsablePolicies: request.usable, Automount: &request.automount})
	if answer.Policy == "" || len(answer.InvalidMutations) > 0 {
		return &Prediction{Refusals: answer.Refusals, OmittedRefusals: answer.OmittedRefusals, InvalidMutations: answer.InvalidMutations}
	}
	before := ApplyAdmissionDefaults(pod, &request.automount)
	prepareForCreate(before)
	return &Prediction{
		Policy:        answer.Policy,
		Shape:         p.shapes.Intern(answer.Pod.Annotations, &answer.Pod.Spec),
		MutatedFields: mutatedFields(before, answer.Pod),
		Mutated:       answer.Mutated,
	}
}

// unmutatedShape returns the shape of a live pod without what a PodSecurityPolicy wrote into it. Equal shapes are the same
// pointer: pods of one template under different policies often come to the same.
func (p *Predictor) unmutatedShape(u Unmutated) *inventory.Shape {
	found, ok := p.unmutatedShapes[u]
	if !ok {
		if found = u.Shape(); found != u.Pod {
			found = p.shapes.Intern(found.Annotations, &found.Spec)
		}
		p.unmutatedShapes[u] = found
	}
	return found
}
