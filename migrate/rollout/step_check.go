package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// validateSteps returns an error for the first step of a journal that no Plan leads to: a journal is a file, and
// anybody may have written it.
func validateSteps(steps []Step) error {
	for i := range steps {
		if err := validateStep(&steps[i]); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// validateStep returns an error for a step of a journal that no Plan leads to.
func validateStep(s *Step) error {
	switch {
	case !slices.Contains(Stages(), s.Stage):
		return fmt.Errorf("there is no stage %q", s.Stage)
	case s.changes() != 1:
		return errors.New("it is neither about labels nor about one object")
	case s.Namespace != "" && len(validation.IsDNS1123Label(s.Namespace)) > 0:
		return fmt.Errorf("%q is no name of a namespace", s.Namespace)
	}
	return newStepAction(nil, 0, s).check()
}

// changes returns how many kinds of things a step of a journal changes: one, if a roll-out wrote it.
func (s *Step) changes() int {
	n := 0
	for _, set := range []bool{len(s.Labels) > 0, s.Create != nil, s.Policy != nil} {
		if set {
			n++
		}
	}
	return n
}

// validateLabelChange returns an error for a label change in a journal that its stage does not make.
func validateLabelChange(stage Stage, c LabelChange) error {
	enforce := c.Key == api.EnforceLevelLabel || c.Key == api.EnforceVersionLabel
	switch {
	case !slices.Contains(inventory.PodSecurityLabelKeys(), c.Key):
		return fmt.Errorf("%q is not a label of Pod Security", c.Key)
	case stage == StageBypass, stage == StagePolicies, enforce != (stage == StageEnforce) && !repairsInvalidLabel(c):
		return fmt.Errorf("the stage %s does not write the label %s", stage, c.Key)
	case c.After == nil:
		return fmt.Errorf("it takes the label %s off", c.Key)
	case c.Before != nil && len(validation.IsValidLabelValue(*c.Before)) > 0:
		return fmt.Errorf("%q is no value of a label", *c.Before)
	}
	var err error
	if strings.HasSuffix(c.Key, "-version") {
		_, err = api.ParseVersion(*c.After)
	} else {
		_, err = api.ParseLevel(*c.After)
	}
	if err != nil {
		return fmt.Errorf("%q is no value of the label %s", *c.After, c.Key)
	}
	return nil
}

// repairsInvalidLabel reports whether the change of a roll-out step only makes an invalid label valid, without changing
// what is enforced. Each stage may make such a change along with its own.
func repairsInvalidLabel(c LabelChange) bool {
	if c.Before == nil || c.After == nil || labels.IsValidLabel(c.Key, *c.Before) {
		return false
	}
	return !strings.HasPrefix(c.Key, api.EnforceLevelLabel) || EqualLabelValues(c.After, c.RestoredValue())
}
