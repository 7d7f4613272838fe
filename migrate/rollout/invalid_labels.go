package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// checkInvalidLabels returns a *stepRefusal if a namespace has invalid Pod Security labels that the step does not repair
// along with its own. The server takes a write that repairs all of them, or none; a new plan has a step that does.
func checkInvalidLabels(s *Step, is map[string]string) error {
	if len(labels.KeysRefusedOnUpdate(is, s.labelsAfter(is))) == 0 {
		return nil
	}
	var unknown []string
	for _, key := range labels.InvalidLabels(s.labelsAfter(is)) {
		if !slices.Contains(s.labelKeys(), key) {
			unknown = append(unknown, fmt.Sprintf("%s=%q", strings.TrimPrefix(key, inventory.PodSecurityLabelPrefix), is[key]))
		}
	}
	if len(unknown) == 0 {
		return nil // the step itself would add an invalid value: the server says so
	}
	return newStepRefusal(message.New("rollout-invalid-labels", "labels", unknown))
}

// RestoredValue returns the value that a rollback gives the label, nil for no label: the value before or, if that is invalid
// and no server takes it any more, the one that the server took it for.
func (c *LabelChange) RestoredValue() *string { return RestorableLabelValue(c.Key, c.Before) }

// RestorableLabelValue returns the value that the rollback of a roll-out gives a label which had the value was before, nil
// for no label. It differs from was if that is invalid: no server takes it any more.
func RestorableLabelValue(key string, was *string) *string {
	if was == nil || !slices.Contains(inventory.PodSecurityLabelKeys(), key) || labels.IsValidLabel(key, *was) {
		return was
	}
	taken := labels.ServerValueForInvalid(key)
	return &taken
}

// unrestorableLabels returns the labels of a step whose values before are invalid. The server has such values from the time
// before it checked them, and takes none any more: a rollback cannot put them back.
func (s *Step) unrestorableLabels() []LabelChange {
	return slices.DeleteFunc(slices.Clone(s.Labels), func(c LabelChange) bool { return EqualLabelValues(c.Before, c.RestoredValue()) })
}

// UnrestorableWarnings returns a sentence for each label of the steps that no rollback can restore as it was.
func UnrestorableWarnings(steps []Step) []string {
	var out []string
	for i := range steps {
		for _, c := range steps[i].unrestorableLabels() {
			out = append(out, fmt.Sprintf("%s: %s=%s is invalid: no server takes such a value any more, and a rollback puts %s in its place, which the server takes it for",
				steps[i].Namespace, c.Key, *c.Before, *c.RestoredValue()))
		}
	}
	return out
}
