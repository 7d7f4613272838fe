package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// expectedLabel is the value that one label of a namespace must have after a roll-out; nil for no such label.
type expectedLabel struct {
	value *string
	// restored is true for a value from before the roll-out, which a rollback puts back.
	restored bool
}

// checkLabels compares the Pod Security labels of every namespace with those that are expected. It returns all labels of the
// namespaces that there are, too.
func (v *Verification) checkLabels(ctx context.Context) (results []CheckResult, labels map[string]map[string]string) {
	labels, unread := newNamespaceReader(v.Client, v.Namespaces).namespaceLabels(ctx)
	expected, byAdmission := v.expectedLabels(), remainingAdmissionLabels(v.Journal, labels)
	for _, ns := range v.Namespaces {
		r := CheckResult{Namespace: ns, Check: CheckLabels}
		have, exists := labels[ns]
		want, known := expected[ns]
		switch differ := differingLabels(want, have); {
		case unread[ns] != nil:
			r.Status, r.Reason = StatusUnknown, unreadReason("get", "namespaces", "", unread[ns])
		case !exists:
			r.Status, r.Reason = StatusNotOK, message.New("verify-namespace-gone")
		case !known:
			r.Status, r.Reason = StatusUnknown, message.New("verify-labels-unknown")
		case len(differ) > 0:
			r.Status, r.Reason = StatusNotOK, message.New("verify-labels-differ", "labels", differ)
		case len(want) == 0 && v.Journal != nil:
			r.Status, r.Reason = StatusOK, message.New("verify-no-label-changed")
		default:
			r.Status, r.Reason = StatusOK, describeExpectation(want)
		}
		if len(byAdmission[ns]) > 0 {
			slices.Sort(byAdmission[ns])
			r.Reason = r.Reason.With("byAdmission", slices.Compact(byAdmission[ns]))
		}
		results = append(results, r)
	}
	return results, labels
}

// expectedLabels returns the labels that each namespace is expected to have, by Journal or else by Labels. A namespace is
// absent if nothing is known of it.
func (v *Verification) expectedLabels() map[string]map[string]expectedLabel {
	out := map[string]map[string]expectedLabel{}
	if v.Journal == nil {
		for ns, labels := range v.Labels {
			out[ns] = map[string]expectedLabel{}
			for key, value := range labels {
				out[ns][key] = expectedLabel{value: value}
			}
		}
		return out
	}
	states := v.Journal.StepStates()
	for i := range v.Journal.Steps {
		s := &v.Journal.Steps[i]
		if s.Namespace == "" {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]expectedLabel{}
		}
		maps.Copy(out[s.Namespace], expectedLabelsOfStep(s, &states[i]))
	}
	return out
}

// expectedLabelsOfStep returns the labels that a roll-out step leads to: those of the plan; those that it found, once
// its rollback was begun; none if it was never begun and its namespace is cancelled.
func expectedLabelsOfStep(s *rollout.Step, state *rollout.StepState) map[string]expectedLabel {
	out := map[string]expectedLabel{}
	if state.NamespaceCancelled && !state.RollbackBegun && state.LastEvent != rollout.Done && !state.MayBeApplied {
		return out
	}
	for _, c := range s.Labels {
		switch {
		case !state.RollbackBegun:
			out[c.Key] = expectedLabel{value: c.After}
		case state.Observed == nil:
			out[c.Key] = expectedLabel{c.RestoredValue(), true}
		default:
			out[c.Key] = expectedLabel{rollout.RestorableLabelValue(c.Key, state.Observed.Labels[c.Key]), true}
		}
	}
	return out
}

// WrittenLabels returns, by namespace, the labels that the steps taken so far have written, what admission should have left of
// them where it altered a step, and what steps that were rolled back have restored. A namespace is absent if none of its steps
// wrote anything. It is for a roll-out that is under way; Verification.Journal is for one that is over or was cut off.
func WrittenLabels(j *rollout.Journal) map[string]map[string]*string {
	out, states := map[string]map[string]*string{}, j.StepStates()
	for i := range j.Steps {
		s, state := &j.Steps[i], &states[i]
		last := state.LastEvent
		written := last == rollout.Done || last == rollout.Undone || last == rollout.Altered && !state.NamespaceCancelled
		if s.Namespace == "" || !written {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]*string{}
		}
		for _, c := range s.Labels {
			value := c.After
			if last == rollout.Undone && state.Observed != nil {
				value = rollout.RestorableLabelValue(c.Key, state.Observed.Labels[c.Key])
			}
			out[s.Namespace][c.Key] = value
		}
	}
	return out
}

// remainingAdmissionLabels returns what verifying says, by namespace, on the labels beside those of Pod Security that
// admission changed along with a step, and that still are as it left them. A rollback may have had to leave them.
func remainingAdmissionLabels(j *rollout.Journal, labels map[string]map[string]string) map[string][]string {
	out := map[string][]string{}
	if j == nil {
		return out
	}
	for i, state := range j.StepStates() {
		s := &j.Steps[i]
		have, exists := labels[s.Namespace]
		for _, c := range state.AdmissionChanges.OtherLabels(s) {
			if now := rollout.LabelValue(have, c.Key); exists && rollout.EqualLabelValues(now, c.After) && !rollout.EqualLabelValues(now, c.Before) {
				out[s.Namespace] = append(out[s.Namespace], fmt.Sprintf("%s is %s, and was %s", c.Key, rollout.QuoteLabelValue(now), rollout.QuoteLabelValue(c.Before)))
			}
		}
	}
	return out
}

// describeExpectation says of verified labels that are as expected whether the plan or a rollback wants them so.
func describeExpectation(want map[string]expectedLabel) message.Message {
	restored := 0
	for _, w := range want {
		if w.restored {
			restored++
		}
	}
	if len(want) == 0 {
		return message.New("verify-no-label-planned")
	}
	return message.New("verify-labels-as-expected", "planned", restored < len(want), "restored", restored > 0)
}

// differingLabels returns the text on namespace labels that are not as the verification expects, sorted.
func differingLabels(want map[string]expectedLabel, have map[string]string) []string {
	var out []string
	for key, w := range want {
		is := rollout.LabelValue(have, key)
		switch {
		case rollout.EqualLabelValues(is, w.value):
		case w.restored:
			out = append(out, fmt.Sprintf("%s is %s, and was %s before the roll-out", key, rollout.QuoteLabelValue(is), rollout.QuoteLabelValue(w.value)))
		default:
			out = append(out, fmt.Sprintf("%s is %s, and %s is planned", key, rollout.QuoteLabelValue(is), rollout.QuoteLabelValue(w.value)))
		}
	}
	slices.Sort(out)
	return out
}

// enforcedLevels returns, to verify a roll-out, the value of the enforce label of each namespace that has one.
func enforcedLevels(labels map[string]map[string]string) map[string]string {
	out := map[string]string{}
	for ns, have := range labels {
		if level, ok := have[api.EnforceLevelLabel]; ok {
			out[ns] = level
		}
	}
	return out
}
