package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// expectedLabel is what one label is to be: as planned, or, once its step was taken back, as before the roll-out.
type expectedLabel struct {
	value      *string
	isRestored bool
}

// expectedLabels are the labels that a journal leads one to expect of every namespace, whether its steps were taken or not.
func (j *Journal) expectedLabels() map[string]map[string]expectedLabel {
	out, off := map[string]map[string]expectedLabel{}, j.cancelledNamespaces()
	for i := range j.Steps {
		s := &j.Steps[i]
		if s.Namespace == "" {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]expectedLabel{}
		}
		maps.Copy(out[s.Namespace], j.expectedLabelsOfStep(i, off[s.Namespace]))
	}
	return out
}

// expectedLabelsOfStep are the labels that a step is to come to: those of the plan; those that it found, once it was taken back; none
// where it was never begun, and is called off.
func (j *Journal) expectedLabelsOfStep(step int, off bool) map[string]expectedLabel {
	out, p := map[string]expectedLabel{}, &j.progress[step]
	back := j.isRollbackBegun(step)
	if off && !back && p.lastEvent != Done && !j.MayBeApplied(step) {
		return out
	}
	for _, c := range j.Steps[step].Labels {
		switch {
		case !back:
			out[c.Key] = expectedLabel{value: c.After}
		case p.observed == nil:
			out[c.Key] = expectedLabel{c.RestoredValue(), true}
		default:
			out[c.Key] = expectedLabel{restorableLabelValue(c.Key, p.observed.Labels[c.Key]), true}
		}
	}
	return out
}

// unfinishedStatus says how it stands with a step that came to no end, "" where it did, or is called off before it was begun.
func (j *Journal) unfinishedStatus(step int, off bool) (CheckStatus, string) {
	const goBack, goOn = "go on with 'rollback'", "go on with 'rollout --resume'"
	back := j.isRollbackBegun(step)
	last, why := j.LastEvent(step)
	switch {
	case last == Undone, last == Done && !back, !j.MayBeApplied(step) && off:
		return StatusOK, ""
	case last == Undoing:
		return StatusUnknown, "taking it back was cut off: " + goBack
	case last == NotReverted:
		return StatusNotOK, "kept by the rollback: " + why
	case last == Altered:
		return StatusNotOK, "altered: " + why
	case last == Refused:
		return StatusNotOK, "refused: " + why
	case back:
		return StatusUnknown, "not taken back yet: " + goBack
	case last == Begun && off:
		return StatusUnknown, "begun, and cut off: " + goBack
	case last == Begun:
		return StatusUnknown, "begun, and cut off: " + goOn
	}
	return StatusUnknown, "not taken yet: " + goOn
}

// checkSteps tells the steps of the journal that came to no end, and bindings of the bypass that are gone since. A step is ok
// whose labels, or binding, are there all the same.
func (v *Verification) checkSteps(ctx context.Context, is map[string]map[string]string) []CheckResult {
	if v.Journal == nil {
		return nil
	}
	var out []CheckResult
	off, meant := v.Journal.cancelledNamespaces(), v.selectedNamespaces()
	bindings, unread := v.bypassBindings(ctx)
	for i := range v.Journal.Steps {
		s := &v.Journal.Steps[i]
		r := CheckResult{Namespace: s.Namespace, Check: CheckSteps}
		switch {
		case !meant[s.Namespace]:
			continue
		case s.Create == nil:
			have, there := is[s.Namespace]
			r.Status, r.Reason = v.Journal.labelStepStatus(i, off[s.Namespace], have, there)
		default:
			r.Workload = strings.ToLower(s.Create.Kind) + "/" + s.Create.Name
			r.Status, r.Reason = v.Journal.bindingStepStatus(i, off[s.Namespace], bindings[s.Namespace], unread)
		}
		if r.Reason != "" {
			r.Reason = string(s.Stage) + ": " + r.Reason
			out = append(out, r)
		}
	}
	return out
}

// labelStepStatus is how it stands with a step about labels, by those that the namespace has if it is there.
func (j *Journal) labelStepStatus(step int, off bool, have map[string]string, there bool) (CheckStatus, string) {
	status, why := j.unfinishedStatus(step, off)
	if why != "" && there && len(differingLabels(j.expectedLabelsOfStep(step, off), have)) == 0 {
		return StatusOK, why + "; by now its labels are as they are to be"
	}
	return status, why
}

// bindingStepStatus is how it stands with a step that creates an object, by whether the namespace has its binding. Of what all share
// only the journal is asked.
func (j *Journal) bindingStepStatus(step int, off, there bool, unread error) (CheckStatus, string) {
	status, why := j.unfinishedStatus(step, off)
	last, _ := j.LastEvent(step)
	switch {
	case j.isRollbackBegun(step) || j.Steps[step].Namespace == "":
	case last == Done && unread != nil:
		return StatusUnknown, unreadText("list", "rolebindings", rbacGroup, unread)
	case last == Done && !there:
		return StatusNotOK, "it was created, and is gone"
	case last == Begun && there:
		return StatusOK, why + "; by now it is there"
	}
	return status, why
}

// bypassBindings are the namespaces that have the binding of the bypass. They are read where the journal made any.
func (v *Verification) bypassBindings(ctx context.Context) (map[string]bool, error) {
	if !slices.ContainsFunc(v.Journal.Steps, func(s Step) bool { return s.Create != nil && s.Namespace != "" }) {
		return nil, nil
	}
	binding := bypassBinding("", "")
	found, err := listAllPages(ctx, v.Client.Resource(binding.resource()), "metadata.name="+binding.Name, func(string) bool { return true },
		func(u *unstructured.Unstructured) (string, error) {
			if u.GetName() != binding.Name {
				return "", nil
			}
			return u.GetNamespace(), nil
		})
	return nameSet(found), err
}

// selectedNamespaces are the namespaces to look at. What the bypass of all of them shares, in none, is meant with all of them.
func (v *Verification) selectedNamespaces() map[string]bool {
	out := nameSet(v.Namespaces)
	out[""] = !slices.ContainsFunc(v.Journal.Steps, func(s Step) bool { return s.Namespace != "" && !out[s.Namespace] })
	return out
}

// plannedLabels are the labels expected by Labels, or by the Journal.
func (v *Verification) plannedLabels() map[string]map[string]expectedLabel {
	if v.Journal != nil {
		return v.Journal.expectedLabels()
	}
	out := map[string]map[string]expectedLabel{}
	for ns, labels := range v.Labels {
		out[ns] = map[string]expectedLabel{}
		for key, value := range labels {
			out[ns][key] = expectedLabel{value: value}
		}
	}
	return out
}

// checkLabels compares those of every namespace with what is expected, and returns them.
func (v *Verification) checkLabels(ctx context.Context) (results []CheckResult, is map[string]map[string]string) {
	is, unread := newNamespaceReader(v.Client, v.Namespaces).namespaceLabels(ctx)
	planned, beside := v.plannedLabels(), v.Journal.remainingAdmissionLabels(is)
	for _, ns := range v.Namespaces {
		r := CheckResult{Namespace: ns, Check: CheckLabels}
		have, there := is[ns]
		want, known := planned[ns]
		switch differ := differingLabels(want, have); {
		case unread[ns] != nil:
			r.Status, r.Reason = StatusUnknown, unreadText("get", "namespaces", "", unread[ns])
		case !there:
			r.Status, r.Reason = StatusNotOK, "the namespace is gone"
		case !known:
			r.Status, r.Reason = StatusUnknown, "it is not known which labels are expected: no step of it came to an end"
		case len(differ) > 0:
			r.Status, r.Reason = StatusNotOK, strings.Join(differ, "; ")
		case len(want) == 0 && v.Journal != nil:
			r.Status, r.Reason = StatusOK, "the roll-out changed no label of it, and is to change none"
		default:
			r.Status, r.Reason = StatusOK, describeExpectation(want)
		}
		if len(beside[ns]) > 0 {
			slices.Sort(beside[ns])
			r.Reason += "; the server's admission changed other labels along with it, and they are still so: " + strings.Join(slices.Compact(beside[ns]), ", ")
		}
		results = append(results, r)
	}
	return results, is
}

// remainingAdmissionLabels tells, by namespace, the labels beside those of Pod Security that admission changed along with a step, and that
// are still as it left them. A rollback may have had to leave them.
func (j *Journal) remainingAdmissionLabels(is map[string]map[string]string) map[string][]string {
	out := map[string][]string{}
	if j == nil {
		return out
	}
	for i := range j.Steps {
		s := &j.Steps[i]
		have, there := is[s.Namespace]
		for _, c := range j.progress[i].admissionChanges.OtherLabels(s) {
			if now := labelValue(have, c.Key); there && equalLabelValues(now, c.After) && !equalLabelValues(now, c.Before) {
				out[s.Namespace] = append(out[s.Namespace], fmt.Sprintf("%s is %s, and was %s", c.Key, quoteLabelValue(now), quoteLabelValue(c.Before)))
			}
		}
	}
	return out
}

// describeExpectation says in what sense labels are right.
func describeExpectation(want map[string]expectedLabel) string {
	before := 0
	for _, w := range want {
		if w.isRestored {
			before++
		}
	}
	switch {
	case len(want) == 0:
		return "no label is planned"
	case before == 0:
		return "as planned"
	case before == len(want):
		return "as before the roll-out"
	}
	return "as planned, or as before the roll-out where it was taken back"
}

// differingLabels tells the labels that are not as expected, sorted.
func differingLabels(want map[string]expectedLabel, is map[string]string) []string {
	var out []string
	for key, w := range want {
		have := labelValue(is, key)
		switch {
		case equalLabelValues(have, w.value):
		case w.isRestored:
			out = append(out, fmt.Sprintf("%s is %s, and was %s before the roll-out", key, quoteLabelValue(have), quoteLabelValue(w.value)))
		default:
			out = append(out, fmt.Sprintf("%s is %s, and %s is planned", key, quoteLabelValue(have), quoteLabelValue(w.value)))
		}
	}
	slices.Sort(out)
	return out
}

// enforcedLevels is the level that each namespace enforces.
func enforcedLevels(is map[string]map[string]string) map[string]string {
	out := map[string]string{}
	for ns, labels := range is {
		if level, ok := labels[enforceLabel]; ok {
			out[ns] = level
		}
	}
	return out
}
