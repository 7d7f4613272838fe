package simulate

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

func (j *Judge) answer(s *inventory.Shape, by Author) *Foresight {
	q := question{newPod{shape: s, mirror: by.Mirror, automount: by.Automount == nil || *by.Automount}, by.Usable}
	found, ok := j.foreseen[q]
	if !ok {
		found = j.foresee(q)
		j.foreseen[q] = found
	}
	return found
}

func (j *Judge) foresee(q question) *Foresight {
	first := j.firstToAdmit(q)
	if first < 0 {
		return j.ask(q)
	}
	key := admittedPod{q.newPod, first}
	found, ok := j.admitted[key]
	if !ok {
		alone := q
		alone.usable = j.Usable([]string{j.admitter.policies[first].name})
		found = j.ask(alone)
		j.admitted[key] = found
	}
	if found.Shape == nil && len(found.Invalid) == 0 {
		return j.ask(q) // it refuses what it has made itself, and then another may take it
	}
	return found
}

// firstToAdmit is the place of the policy that the first pass of admission chooses (see Admitter.choose), -1 if none.
func (j *Judge) firstToAdmit(q question) int {
	outcomes := j.tried[q.newPod]
	if outcomes == nil {
		outcomes = make([]outcome, len(j.admitter.policies))
		j.tried[q.newPod] = outcomes
	}
	var pod *corev1.Pod
	var containers []container
	var t trial
	filling := -1
	for i, p := range j.admitter.policies {
		if !q.usable.has(i, !q.mirror) {
			continue
		}
		if outcomes[i] == notTried {
			if pod == nil {
				pod = Seen(q.pod(), &q.automount)
				containers = containersOf(&pod.Spec)
			}
			t.try(p, pod, containers, 1)
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
func (p *newPod) pod() *corev1.Pod {
	s := p.shape
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: s.Annotations}, Spec: s.Spec}
	if p.mirror {
		pod.Annotations = map[string]string{mirrorAnnotation: ""}
		maps.Copy(pod.Annotations, s.Annotations)
	}
	return pod
}

// ask goes through the whole of admission.
func (j *Judge) ask(q question) *Foresight {
	pod := q.pod()
	answer := j.admitter.Admit(Request{Pod: pod, Usable: q.usable, Automount: &q.automount})
	if answer.Policy == "" || len(answer.Invalid) > 0 {
		return &Foresight{Refusals: answer.Refusals, Untold: answer.Untold, Invalid: answer.Invalid}
	}
	before := Seen(pod, &q.automount)
	prepareForCreate(before)
	return &Foresight{
		Policy:  answer.Policy,
		Shape:   j.made.Of(answer.Pod.Annotations, &answer.Pod.Spec),
		Filled:  filledIn(before, answer.Pod),
		Changed: answer.FilledIn,
	}
}

// strip is the pod of an estimate. Pods of one template under different policies come to the same.
func (j *Judge) strip(e estimate) *inventory.Shape {
	found, ok := j.stripped[e]
	if !ok {
		if found = e.shape(); found != e.pod {
			found = j.made.Of(found.Annotations, &found.Spec)
		}
		j.stripped[e] = found
	}
	return found
}
