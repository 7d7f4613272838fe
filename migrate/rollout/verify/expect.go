package verify

import (
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// OfPlan returns the verification of the namespaces of a Plan, whose labels are to be as it writes them at the stages; all
// stages if there are none. It leaves out, and returns, the namespaces that are being deleted.
func OfPlan(client dynamic.Interface, plan *migrate.Plan, stages []labels.Stage) (v Verification, terminating []string) {
	if len(stages) == 0 {
		stages = []labels.Stage{labels.StageAll}
	}
	v = Verification{Client: client, Labels: map[string]map[string]*string{}}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		if ns.Terminating {
			terminating = append(terminating, ns.Name)
			continue
		}
		v.Namespaces = append(v.Namespaces, ns.Name)
		v.Labels[ns.Name] = map[string]*string{}
		for _, stage := range stages {
			for _, l := range labels.StageLabels(ns, stage) {
				v.Labels[ns.Name][l.Key] = &l.Value
			}
		}
	}
	return v, terminating
}

// OfJournal returns the verification of namespaces by the journal of a roll-out that is over or was cut off.
func OfJournal(client dynamic.Interface, j *rollout.Journal, namespaces []string) Verification {
	return Verification{Client: client, Journal: j, Before: j.FailingBefore, Namespaces: namespaces}
}

// OfBatch returns the verification of the namespaces that a roll-out has come to so far. None is in it if the roll-out has
// written to none.
func OfBatch(client dynamic.Interface, j *rollout.Journal) Verification {
	v := Verification{Client: client, Labels: WrittenLabels(j), Before: j.FailingBefore, RecreateOne: true, Wait: j.Guards.VerifyWait.Duration}
	for _, ns := range rollout.StepNamespaces(j.Steps) {
		if v.Labels[ns] != nil {
			v.Namespaces = append(v.Namespaces, ns)
		}
	}
	return v
}
