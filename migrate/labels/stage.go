package labels

import "github.com/psp2pss/psp2pss/migrate"

// Stage is a part of the labels that is written at one time.
type Stage string

const (
	// StageAll writes every label at once.
	StageAll Stage = ""
	// StageObserve writes what refuses nothing: audit and warn, with their versions.
	StageObserve Stage = "observe"
	// StageEnforce writes what refuses pods: enforce, with its version. Audit and warn stay as they are.
	StageEnforce Stage = "enforce"
)

// writes is true if the label belongs to the stage.
func (s Stage) writes(key string) bool {
	return s == StageAll || enforceKey(key) == (s == StageEnforce)
}

// Outcome is what is done for a namespace at a stage, in the words of a summary.
type Outcome string

const (
	// ToChange is a namespace that gets labels.
	ToChange Outcome = "to label"
	// ToStay is a namespace that has what it would get.
	ToStay Outcome = "already labelled so"
	// ToOwner is a namespace whose labels another tool would put back.
	ToOwner Outcome = "labelled by another tool"
	// ToSkip is a namespace for which the stage has nothing to write.
	ToSkip Outcome = "left alone"
	// ToRefuse is a namespace for which nothing can be written safely; Refused says why.
	ToRefuse Outcome = "refused"
)

// OutcomeOf decides what is done for a namespace at a stage.
func OutcomeOf(ns *migrate.Namespace, stage Stage) Outcome {
	switch {
	case Refused(ns) != "":
		return ToRefuse
	case len(Wanted(ns, stage)) == 0:
		return ToSkip
	case len(Changed(ns, stage)) == 0:
		return ToStay
	case ns.Owner != "":
		return ToOwner
	}
	return ToChange
}
