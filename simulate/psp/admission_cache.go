package psp

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Large clusters have few pods that differ, few policies, and many sets of policies that may be used. So each policy is asked
// once about each pod, and sets share what follows: who admits the pod is in the answers, and what it makes of the pod does
// not depend on the others. Only refusals are told set by set.

// newPodKey is a pod that is about to be created.
type newPodKey struct {
	shape             *inventory.Shape
	mirror, automount bool
}

// predictionKey is what an answer depends on: equal ones are answered once.
type predictionKey struct {
	newPodKey
	usable UsablePolicies
}

// admittedPodKey is a pod as the policy at that place in Admitter.policies makes it.
type admittedPodKey struct {
	newPodKey
	policyIndex int
}

// evaluationOutcome is what one policy does with one pod in the first pass of admission.
type evaluationOutcome byte

const (
	outcomeUnknown evaluationOutcome = iota
	outcomeRefused
	outcomeMutated
	outcomeUnchanged
)

func (p *Predictor) cachedPrediction(s *inventory.Shape, by AdmissionContext) *Prediction {
	q := predictionKey{newPodKey{shape: s, mirror: by.Mirror, automount: by.Automount == nil || *by.Automount}, by.UsablePolicies}
	found, ok := p.predictions[q]
	if !ok {
		found = p.predict(q)
		p.predictions[q] = found
	}
	return found
}

func (p *Predictor) predict(q predictionKey) *Prediction {
	first := p.indexOfAdmittingPolicy(q)
	if first < 0 {
		return p.admit(q)
	}
	key := admittedPodKey{q.newPodKey, first}
	found, ok := p.admittedPods[key]
	if !ok {
		alone := q
		alone.usable = p.UsablePolicies([]string{p.admitter.policies[first].name})
		found = p.admit(alone)
		p.admittedPods[key] = found
	}
	if found.Shape == nil && len(found.InvalidMutations) == 0 {
		return p.admit(q) // it refuses what it has made itself, and then another may take it
	}
	return found
}

// indexOfAdmittingPolicy is the place of the policy that the first pass of admission chooses (see Admitter.choose), -1 if none.
func (p *Predictor) indexOfAdmittingPolicy(q predictionKey) int {
	outcomes := p.outcomes[q.newPodKey]
	if outcomes == nil {
		outcomes = make([]evaluationOutcome, len(p.admitter.policies))
		p.outcomes[q.newPodKey] = outcomes
	}
	var pod *corev1.Pod
	var containers []podContainer
	var t evaluation
	filling := -1
	for i, policy := range p.admitter.policies {
		if !q.usable.includes(i, !q.mirror) {
			continue
		}
		if outcomes[i] == outcomeUnknown {
			if pod == nil {
				pod = ApplyAdmissionDefaults(q.asPod(), &q.automount)
				containers = allContainers(&pod.Spec)
			}
			t.assignSecurityContext(policy, pod, containers, 1)
			outcomes[i] = outcomeOfEvaluation(&t)
		}
		switch {
		case outcomes[i] == outcomeUnchanged:
			return i
		case outcomes[i] == outcomeMutated && filling < 0:
			filling = i
		}
	}
	return filling
}

func outcomeOfEvaluation(t *evaluation) evaluationOutcome {
	switch {
	case len(t.refusals) > 0:
		return outcomeRefused
	case t.mutated:
		return outcomeMutated
	}
	return outcomeUnchanged
}

// asPod is the pod as it is sent.
func (n *newPodKey) asPod() *corev1.Pod {
	s := n.shape
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}, Spec: s.Spec}
	if n.mirror {
		pod.Annotations = map[string]string{mirrorPodAnnotation: ""}
		maps.Copy(pod.Annotations, s.Annotations)
	}
	return pod
}

// admit goes through the whole of admission.
func (p *Predictor) admit(q predictionKey) *Prediction {
	pod := q.asPod()
	answer := p.admitter.Admit(AdmissionRequest{Pod: pod, UsablePolicies: q.usable, Automount: &q.automount})
	if answer.Policy == "" || len(answer.InvalidMutations) > 0 {
		return &Prediction{Refusals: answer.Refusals, OmittedRefusals: answer.OmittedRefusals, InvalidMutations: answer.InvalidMutations}
	}
	before := ApplyAdmissionDefaults(pod, &q.automount)
	prepareForCreate(before)
	return &Prediction{
		Policy:        answer.Policy,
		Shape:         p.shapes.Intern(answer.Pod.Annotations, &answer.Pod.Spec),
		MutatedFields: mutatedFields(before, answer.Pod),
		Mutated:       answer.Mutated,
	}
}

// unmutatedShape is the shape of a pod without its mutation. Pods of one template under different policies come to the same.
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
