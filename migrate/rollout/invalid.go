package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
)

const podSecurityLabelPrefix = "pod-security.kubernetes.io/"

// checkInvalidLabels refuses a step that would leave an invalid label which the plan did not know, while it repairs its own: the
// server takes all repairs in one write, or none, and a plan that knows them makes such a step.
func checkInvalidLabels(s *Step, is map[string]string) error {
	if len(labels.KeysRefusedOnUpdate(is, s.labelsAfter(is))) == 0 {
		return nil
	}
	var unknown []string
	for _, key := range labels.InvalidLabels(s.labelsAfter(is)) {
		if !slices.Contains(s.labelKeys(), key) {
			unknown = append(unknown, fmt.Sprintf("%s=%q", strings.TrimPrefix(key, podSecurityLabelPrefix), is[key]))
		}
	}
	if len(unknown) == 0 {
		return nil // the step itself would add an invalid value: the server says so
	}
	return newStepRefusal("it has invalid labels that this step does not repair (%s), and the server takes no write that repairs only some: begin a new roll-out, of a new plan, which repairs all in one", strings.Join(unknown, ", "))
}

// RestoredValue is the value to which a rollback puts the label back, null for none: what was there before, or, where that is
// invalid and no server takes it any more, what the server took it for.
func (c *LabelChange) RestoredValue() *string { return restorableLabelValue(c.Key, c.Before) }

func restorableLabelValue(key string, was *string) *string {
	if was == nil || !slices.Contains(migrate.PodSecurityLabelKeys(), key) || labels.IsValidLabel(key, *was) {
		return was
	}
	taken := labels.ServerValueForInvalid(key)
	return &taken
}

// UnrestorableLabels are the labels of a step that a rollback cannot put back as they are found: the server has such values from
// before it looked at them, and takes none any more.
func (s *Step) UnrestorableLabels() []LabelChange {
	return slices.DeleteFunc(slices.Clone(s.Labels), func(c LabelChange) bool { return equalLabelValues(c.Before, c.RestoredValue()) })
}
