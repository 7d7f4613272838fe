package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// wanted is what one label is to be: as planned, or, once its step was taken back, as before the roll-out.
type wanted struct {
	value  *string
	before bool
}

// wants are the labels that a journal leads one to expect of every namespace, whether its steps were taken or not.
func (j *Journal) wants() map[string]map[string]wanted {
	out, off := map[string]map[string]wanted{}, j.calledOff()
	for i := range j.Steps {
		s := &j.Steps[i]
		if s.Namespace == "" {
			continue
		}
		if out[s.Namespace] == nil {
			out[s.Namespace] = map[string]wanted{}
		}
		maps.Copy(out[s.Namespace], j.wantedOf(i, off[s.Namespace]))
	}
	return out
}

// wantedOf are the labels that a step is to come to: those of the plan; those that it found, once it was taken back; none
// where it was never begun, and is called off.
func (j *Journal) wantedOf(step int, off bool) map[string]wanted {
	out, p := map[string]wanted{}, &j.steps[step]
	back := j.takenBack(step)
	if off && !back && p.last != Done && !j.Touched(step) {
		return out
	}
	for _, c := range j.Steps[step].Labels {
		switch {
		case !back:
			out[c.Key] = wanted{value: c.After}
		case p.before == nil:
			out[c.Key] = wanted{c.Back(), true}
		default:
			out[c.Key] = wanted{backTo(c.Key, p.before.Labels[c.Key]), true}
		}
	}
	return out
}

// open says how it stands with a step that came to no end, "" where it did, or is called off before it was begun.
func (j *Journal) open(step int, off bool) (Status, string) {
	const goBack, goOn = "go on with 'rollback'", "go on with 'rollout --resume'"
	back := j.takenBack(step)
	last, why := j.Last(step)
	switch {
	case last == Undone, last == Done && !back, !j.Touched(step) && off:
		return OK, ""
	case last == Undoing:
		return CouldNotTell, "taking it back was cut off: " + goBack
	case last == Kept:
		return NotOK, "kept by the rollback: " + why
	case last == Altered:
		return NotOK, "altered: " + why
	case last == Refused:
		return NotOK, "refused: " + why
	case back:
		return CouldNotTell, "not taken back yet: " + goBack
	case last == Begun && off:
		return CouldNotTell, "begun, and cut off: " + goBack
	case last == Begun:
		return CouldNotTell, "begun, and cut off: " + goOn
	}
	return CouldNotTell, "not taken yet: " + goOn
}

// openSteps tells the steps of the journal that came to no end, and bindings of the bypass that are gone since. A step is ok
// whose labels, or binding, are there all the same.
func (v *Verification) openSteps(ctx context.Context, is map[string]map[string]string) []Result {
	if v.Journal == nil {
		return nil
	}
	var out []Result
	off, meant := v.Journal.calledOff(), v.meant()
	bindings, unread := v.bindings(ctx)
	for i := range v.Journal.Steps {
		s := &v.Journal.Steps[i]
		r := Result{Namespace: s.Namespace, What: CheckSteps}
		switch {
		case !meant[s.Namespace]:
			continue
		case s.Create == nil:
			have, there := is[s.Namespace]
			r.Status, r.Why = v.Journal.labelled(i, off[s.Namespace], have, there)
		default:
			r.Workload = strings.ToLower(s.Create.Kind) + "/" + s.Create.Name
			r.Status, r.Why = v.Journal.bound(i, off[s.Namespace], bindings[s.Namespace], unread)
		}
		if r.Why != "" {
			r.Why = string(s.Stage) + ": " + r.Why
			out = append(out, r)
		}
	}
	return out
}

// labelled is how it stands with a step about labels, by those that the namespace has if it is there.
func (j *Journal) labelled(step int, off bool, have map[string]string, there bool) (Status, string) {
	status, why := j.open(step, off)
	if why != "" && there && len(differing(j.wantedOf(step, off), have)) == 0 {
		return OK, why + "; by now its labels are as they are to be"
	}
	return status, why
}

// bound is how it stands with a step that creates an object, by whether the namespace has its binding. Of what all share
// only the journal is asked.
func (j *Journal) bound(step int, off, there bool, unread error) (Status, string) {
	status, why := j.open(step, off)
	last, _ := j.Last(step)
	switch {
	case j.takenBack(step) || j.Steps[step].Namespace == "":
	case last == Done && unread != nil:
		return CouldNotTell, unreadText("list", "rolebindings", rbac, unread)
	case last == Done && !there:
		return NotOK, "it was created, and is gone"
	case last == Begun && there:
		return OK, why + "; by now it is there"
	}
	return status, why
}

// bindings are the namespaces that have the binding of the bypass. They are read where the journal made any.
func (v *Verification) bindings(ctx context.Context) (map[string]bool, error) {
	if !slices.ContainsFunc(v.Journal.Steps, func(s Step) bool { return s.Create != nil && s.Namespace != "" }) {
		return nil, nil
	}
	binding := bindingObject("", "")
	found, err := list(ctx, v.Client.Resource(binding.resource()), "metadata.name="+binding.Name, func(string) bool { return true },
		func(u *unstructured.Unstructured) (string, error) {
			if u.GetName() != binding.Name {
				return "", nil
			}
			return u.GetNamespace(), nil
		})
	return setOf(found), err
}

// meant are the namespaces to look at. What the bypass of all of them shares, in none, is meant with all of them.
func (v *Verification) meant() map[string]bool {
	out := setOf(v.Namespaces)
	out[""] = !slices.ContainsFunc(v.Journal.Steps, func(s Step) bool { return s.Namespace != "" && !out[s.Namespace] })
	return out
}

// planned are the labels expected by Labels, or by the Journal.
func (v *Verification) planned() map[string]map[string]wanted {
	if v.Journal != nil {
		return v.Journal.wants()
	}
	out := map[string]map[string]wanted{}
	for ns, labels := range v.Labels {
		out[ns] = map[string]wanted{}
		for key, value := range labels {
			out[ns][key] = wanted{value: value}
		}
	}
	return out
}

// labels compares those of every namespace with what is expected, and returns them.
func (v *Verification) labels(ctx context.Context) (results []Result, is map[string]map[string]string) {
	is, unread := newViewer(v.Client, v.Namespaces).labels(ctx)
	planned, beside := v.planned(), v.Journal.madeBeside(is)
	for _, ns := range v.Namespaces {
		r := Result{Namespace: ns, What: CheckLabels}
		have, there := is[ns]
		want, known := planned[ns]
		switch differ := differing(want, have); {
		case unread[ns] != nil:
			r.Status, r.Why = CouldNotTell, unreadText("get", "namespaces", "", unread[ns])
		case !there:
			r.Status, r.Why = NotOK, "the namespace is gone"
		case !known:
			r.Status, r.Why = CouldNotTell, "it is not known which labels are expected: no step of it came to an end"
		case len(differ) > 0:
			r.Status, r.Why = NotOK, strings.Join(differ, "; ")
		case len(want) == 0 && v.Journal != nil:
			r.Status, r.Why = OK, "the roll-out changed no label of it, and is to change none"
		default:
			r.Status, r.Why = OK, asWanted(want)
		}
		if len(beside[ns]) > 0 {
			slices.Sort(beside[ns])
			r.Why += "; the server's admission changed other labels along with it, and they are still so: " + strings.Join(slices.Compact(beside[ns]), ", ")
		}
		results = append(results, r)
	}
	return results, is
}

// madeBeside tells, by namespace, the labels beside those of Pod Security that admission changed along with a step, and that
// are still as it left them. A rollback may have had to leave them.
func (j *Journal) madeBeside(is map[string]map[string]string) map[string][]string {
	out := map[string][]string{}
	if j == nil {
		return out
	}
	for i := range j.Steps {
		s := &j.Steps[i]
		have, there := is[s.Namespace]
		for _, c := range j.steps[i].also.Beside(s) {
			if now := valueOf(have, c.Key); there && same(now, c.After) && !same(now, c.Before) {
				out[s.Namespace] = append(out[s.Namespace], fmt.Sprintf("%s is %s, and was %s", c.Key, shown(now), shown(c.Before)))
			}
		}
	}
	return out
}

// asWanted says in what sense labels are right.
func asWanted(want map[string]wanted) string {
	before := 0
	for _, w := range want {
		if w.before {
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

// differing tells the labels that are not as expected, sorted.
func differing(want map[string]wanted, is map[string]string) []string {
	var out []string
	for key, w := range want {
		have := valueOf(is, key)
		switch {
		case same(have, w.value):
		case w.before:
			out = append(out, fmt.Sprintf("%s is %s, and was %s before the roll-out", key, shown(have), shown(w.value)))
		default:
			out = append(out, fmt.Sprintf("%s is %s, and %s is planned", key, shown(have), shown(w.value)))
		}
	}
	slices.Sort(out)
	return out
}

// enforcing is the level that each namespace enforces.
func enforcing(is map[string]map[string]string) map[string]string {
	out := map[string]string{}
	for ns, labels := range is {
		if level, ok := labels[enforceLabel]; ok {
			out[ns] = level
		}
	}
	return out
}
