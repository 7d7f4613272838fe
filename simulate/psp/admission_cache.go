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

// newPod is a pod that is about to be created.
type newPod struct {
	shape             *inventory.Shape
	mirror, automount bool
}

// question is what an answer depends on: equal ones are answered once.
type question struct {
	newPod
	usable Usable
}

// admittedPod is a pod as the policy at that place in Admitter.policies makes it.
type admittedPod struct {
	newPod
	policy int
}

// outcome is what one policy does with one pod in the first pass of admission.
type outcome byte

const (
	notTried outcome = iota
	refuses
	fillsIn
	admitsAsItIs
)

func (p *Predictor) answer(s *inventory.Shape, by AdmissionContext) *Prediction {
	q := question{newPod{shape: s, mirror: by.Mirror, automount: by.Automount == nil || *by.Automount}, by.Usable}
	found, ok := p.foreseen[q]
	if !ok {
		found = p.foresee(q)
		p.foreseen[q] = found
	}
	return found
}

func (p *Predictor) foresee(q question) *Prediction {
	first := p.firstToAdmit(q)
	if first < 0 {
		return p.ask(q)
	}
	key := admittedPod{q.newPod, first}
	found, ok := p.admitted[key]
	if !ok {
		alone := q
		alone.usable = p.Usable([]string{p.admitter.policies[first].name})
		found = p.ask(alone)
		p.admitted[key] = found
	}
	if found.Shape == nil && len(found.Invalid) == 0 {
		return p.ask(q) // it refuses what it has made itself, and then another may take it
	}
	return found
}

// firstToAdmit is the place of the policy that the first pass of admission chooses (see Admitter.choose), -1 if none.
func (p *Predictor) firstToAdmit(q question) int {
	outcomes := p.tried[q.newPod]
	if outcomes == nil {
		outcomes = make([]outcome, len(p.admitter.policies))
		p.tried[q.newPod] = outcomes
	}
	var pod *corev1.Pod
	var containers []container
	var t trial
	filling := -1
	for i, policy := range p.admitter.policies {
		if !q.usable.has(i, !q.mirror) {
			continue
		}
		if outcomes[i] == notTried {
			if pod == nil {
				pod = ApplyAdmissionDefaults(q.pod(), &q.automount)
				containers = containersOf(&pod.Spec)
			}
			t.try(policy, pod, containers, 1)
			outcomes[i] = outcomeOf(&t)
		}
		switch {
		case outcomes[i] == admitsAsItIs:
			return i
		case outcomes[i] == fillsIn && filling < 0:
			filling = i
		}
	}
	return filling
}

func outcomeOf(t *trial) outcome {
	switch {
	case len(t.refusals) > 0:
		return refuses
	case t.changed:
		return fillsIn
	}
	return admitsAsItIs
}

// pod is the pod as it is sent.
func (n *newPod) pod() *corev1.Pod {
	s := n.shape
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}, Spec: s.Spec}
	if n.mirror {
		pod.Annotations = map[string]string{mirrorAnnotation: ""}
		maps.Copy(pod.Annotations, s.Annotations)
	}
	return pod
}

// ask goes through the whole of admission.
func (p *Predictor) ask(q question) *Prediction {
	pod := q.pod()
	answer := p.admitter.Admit(Request{Pod: pod, Usable: q.usable, Automount: &q.automount})
	if answer.Policy == "" || len(answer.Invalid) > 0 {
		return &Prediction{Refusals: answer.Refusals, Untold: answer.Untold, Invalid: answer.Invalid}
	}
	before := ApplyAdmissionDefaults(pod, &q.automount)
	prepareForCreate(before)
	return &Prediction{
		Policy:  answer.Policy,
		Shape:   p.made.Of(answer.Pod.Annotations, &answer.Pod.Spec),
		Filled:  filledIn(before, answer.Pod),
		Changed: answer.FilledIn,
	}
}

// shapeOf is the shape of a pod without its mutation. Pods of one template under different policies come to the same.
func (p *Predictor) shapeOf(u Unmutated) *inventory.Shape {
	found, ok := p.stripped[u]
	if !ok {
		if found = u.Shape(); found != u.Pod {
			found = p.made.Of(found.Annotations, &found.Spec)
		}
		p.stripped[u] = found
	}
	return found
}
