package rollout

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// aboutSecurity is true for a message that speaks of Pod Security or of the policies: what the API server says where one
// of them refuses a pod.
func aboutSecurity(message string) bool { return byPodSecurity(message) || byPolicies(message) }

func byPodSecurity(message string) bool { return strings.Contains(message, "violates PodSecurity") }

// byPolicies knows the words of v1.24 and those of servers before v1.16.
func byPolicies(message string) bool {
	return strings.Contains(message, "PodSecurityPolicy: ") || strings.Contains(message, "unable to validate against any pod security policy")
}

// said is what the server says of a maker that cannot create pods now; "" if it says nothing. Where a condition tells,
// events tell of the past.
func (s *scene) said(m *maker) string {
	if m.tells {
		return m.failing
	}
	return s.refusals[m.uid].message
}

func (s *scene) count(m *maker) string {
	text := fmt.Sprintf("has %d of %d pods", s.pods[m.uid].there, m.wanted)
	if n := s.pods[m.uid].leaving; n > 0 {
		text += fmt.Sprintf(", and %d being deleted", n)
	}
	return text
}

func (s *scene) short(m *maker) bool {
	return m.counts && s.pods[m.uid].there < m.wanted && !s.blind(m.namespace)
}

// awaits is true for a maker that may lack pods only for the moment, as far as can be seen.
func (s *scene) awaits(m *maker) bool {
	t := s.pods[m.uid]
	return !m.observed || m.lags || t.there+t.leaving >= m.wanted
}

// lacks is true for a maker that is kept from its pods.
func (s *scene) lacks(m *maker) bool {
	return s.refused(m) || s.short(m) && !s.awaits(m)
}

// refused is true if the server's word still stands: the pods have not come.
func (s *scene) refused(m *maker) bool {
	return m.counts && s.said(m) != "" && (s.short(m) || !m.observed || m.tells && s.blind(m.namespace))
}

// controllers judges all that makes pods in the namespaces at one look.
func (v *Verification) controllers(ctx context.Context) []Result {
	s := newViewer(v.Client, v.Namespaces).look(ctx)
	before := map[[3]string]string{}
	for _, f := range v.Before {
		key := [3]string{f.Namespace, f.Kind, f.Name}
		if !aboutSecurity(before[key]) {
			before[key] = f.Message
		}
	}
	var out []Result
	for i := range s.makers {
		m := &s.makers[i]
		out = append(out, s.judge(m, before[[3]string{m.namespace, m.root.Kind, m.root.Name}])...)
	}
	out = append(out, s.unreadResults(v.Namespaces)...)
	return append(out, s.summaries(v.Namespaces, out)...)
}

// judge tells what there is to tell of one maker: nothing if it is well. before is what was said of it, or what it lacked,
// before the roll-out.
func (s *scene) judge(m *maker, before string) []Result {
	refusals := Result{Namespace: m.namespace, What: CheckRefusals, Workload: strings.ToLower(m.root.Kind) + "/" + m.root.Name}
	pods := refusals
	pods.What = CheckPods
	said, past := s.said(m), cmp.Or(s.said(m), s.refusals[m.uid].message)
	switch {
	case !m.counts:
		return nil
	case s.refused(m) && before != "" && (aboutSecurity(before) || !aboutSecurity(said)):
		refusals.Status, refusals.Why = OK, "as before the roll-out: "+said
		pods.Status, pods.Why = OK, "as before the roll-out: "+s.count(m)
		return []Result{refusals, pods}
	case s.refused(m) && aboutSecurity(said):
		refusals.Status, refusals.Why, refusals.passing = NotOK, said, true
		pods.Status, pods.Why = NotOK, s.count(m)
		return []Result{refusals, pods}
	case s.refused(m):
		refusals.Status, refusals.passing = CouldNotTell, true
		refusals.Why = "refused for another reason, which hides what Pod Security would say: " + said
		pods.Status, pods.Why = CouldNotTell, s.count(m)
		return []Result{refusals, pods}
	case m.surges && aboutSecurity(said):
		refusals.Status, refusals.passing = CouldNotTell, true
		refusals.Why = "it is being updated, and has been refused: " + said
		return []Result{refusals}
	case s.blind(m.namespace) && aboutSecurity(said):
		refusals.Status, refusals.Why = CouldNotTell, "it was refused, and whether its pods have come since could not be read: "+said
		return []Result{refusals}
	case !m.observed:
		pods.Status, pods.Why, pods.passing = CouldNotTell, "its controller has not looked at it yet", true
		return []Result{pods}
	case s.short(m) && before != "":
		pods.Status, pods.Why = OK, "as before the roll-out: "+s.count(m)
		return []Result{pods}
	case s.short(m):
		pods.Status, pods.Why, pods.passing = NotOK, s.count(m), true
		if s.awaits(m) {
			pods.Status = CouldNotTell
		}
		return []Result{pods}
	case aboutSecurity(past) && !s.blind(m.namespace):
		refusals.Status, refusals.Why = OK, "was refused before, and has its pods now: "+past
		return []Result{refusals}
	}
	return nil
}

// unreadResults says in every namespace what could not be read, and what that leaves open: events the refusals, pods the
// counts, and controllers both.
func (s *scene) unreadResults(namespaces []string) []Result {
	var out []Result
	for _, u := range s.unread {
		for _, ns := range namespaces {
			if !u.in(ns) {
				continue
			}
			if u.resource != "pods" {
				out = append(out, Result{Namespace: ns, What: CheckRefusals, Status: CouldNotTell, Why: u.String()})
			}
			if u.resource != "events" {
				out = append(out, Result{Namespace: ns, What: CheckPods, Status: CouldNotTell, Why: u.String()})
			}
		}
	}
	return out
}

// summaries say of every namespace and check in which nothing is amiss what that rests on.
func (s *scene) summaries(namespaces []string, told []Result) []Result {
	type check struct{ namespace, what string }
	amiss, counted, later := map[check]bool{}, map[string]int{}, map[string]int{}
	for _, r := range told {
		if r.Status != OK {
			amiss[check{r.Namespace, r.What}] = true
		}
	}
	for i := range s.makers {
		switch m := &s.makers[i]; {
		case m.counts:
			counted[m.namespace]++
		case m.kind == "CronJob":
			later[m.namespace]++
		}
	}
	var out []Result
	for _, ns := range namespaces {
		if !amiss[check{ns, CheckRefusals}] {
			out = append(out, Result{Namespace: ns, What: CheckRefusals, Status: OK, Why: "no controller is newly refused pods"})
		}
		if amiss[check{ns, CheckPods}] {
			continue
		}
		why := fmt.Sprintf("controllers that lack no pods: %d", counted[ns])
		if later[ns] > 0 {
			why += fmt.Sprintf("; cron jobs, which make pods only when they run: %d", later[ns])
		}
		out = append(out, Result{Namespace: ns, What: CheckPods, Status: OK, Why: why})
	}
	return out
}
