package labels

import (
	"bytes"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Stage is a part of the Pod Security labels that is written at one time.
type Stage string

const (
	// StageAll writes every label at once.
	StageAll Stage = ""
	// StageObserve writes what refuses nothing: audit and warn, with their versions.
	StageObserve Stage = "observe"
	// StageEnforce writes what refuses pods: enforce, with its version. Audit and warn stay as they are.
	StageEnforce Stage = "enforce"
)

// includes reports whether a Pod Security label belongs to the stage.
func (s Stage) includes(key string) bool {
	return s == StageAll || isEnforceKey(key) == (s == StageEnforce)
}

// Outcome is what a stage does with the labels of a namespace, in the words of a summary.
type Outcome string

const (
	// OutcomeToLabel is a namespace that gets labels.
	OutcomeToLabel Outcome = "to label"
	// OutcomeUnchanged is a namespace that has the labels already.
	OutcomeUnchanged Outcome = "already labelled so"
	// OutcomeOwned is a namespace whose labels another tool would put back.
	OutcomeOwned Outcome = "labelled by another tool"
	// OutcomeSkipped is a namespace for which the stage has nothing to write.
	OutcomeSkipped Outcome = "left alone"
	// OutcomeRefused is a namespace for which nothing can be written safely; WhyRefused says why.
	OutcomeRefused Outcome = "refused"
)

// OutcomeOf decides what is done with the labels of a namespace at a stage.
func OutcomeOf(ns *migrate.Namespace, stage Stage) Outcome {
	if !WhyRefused(ns).IsZero() {
		return OutcomeRefused
	}
	switch wanted := WantedLabels(ns, stage); {
	case len(wanted) == 0:
		return OutcomeSkipped
	case len(changedOf(ns, wanted)) == 0:
		return OutcomeUnchanged
	case ns.LabelOwner != "":
		return OutcomeOwned
	}
	return OutcomeToLabel
}

// WriteNames writes the names of the namespaces that get labels at the stage of the options, one a line, for scripts. It returns
// the error of writing.
func WriteNames(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; OutcomeOf(ns, opts.Stage) == OutcomeToLabel {
			b.WriteString("namespace/" + escape.Terminal(ns.Name) + "\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
