package verify

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// isSecurityRefusal is true for a message that speaks of Pod Security or of the policies: what the API server says where one
// of them refuses a pod.
func isSecurityRefusal(message string) bool {
	return isPodSecurityRefusal(message) || isPolicyRefusal(message)
}

func isPodSecurityRefusal(message string) bool {
	return strings.Contains(message, "violates PodSecurity")
}

// isPolicyRefusal knows the words of v1.24 and those of servers before v1.16.
func isPolicyRefusal(message string) bool {
	return strings.Contains(message, "PodSecurityPolicy: ") || strings.Contains(message, "unable to validate against any pod security policy")
}

// refusalMessage is what the server says of a maker that cannot create pods now; "" if it says nothing. Where a condition tells,
// events tell of the past.
func (s *snapshot) refusalMessage(m *controller) string {
	if m.reportsRefusals {
		return m.refusalCondition
	}
	return s.refusals[m.uid].message
}

func (s *snapshot) podCountText(m *controller) string {
	text := fmt.Sprintf("has %d of %d pods", s.pods[m.uid].present, m.desiredPods)
	if n := s.pods[m.uid].terminating; n > 0 {
		text += fmt.Sprintf(", and %d being deleted", n)
	}
	return text
}

func (s *snapshot) hasMissingPods(m *controller) bool {
	return m.makesPods && s.pods[m.uid].present < m.desiredPods && !s.podsUnread(m.namespace)
}

// isAwaitingPods is true for a maker that may lack pods only for the moment, as far as can be seen.
func (s *snapshot) isAwaitingPods(m *controller) bool {
	t := s.pods[m.uid]
	return !m.observed || m.mayLag || t.present+t.terminating >= m.desiredPods
}

// missingPods is true for a maker that is kept from its pods.
func (s *snapshot) missingPods(m *controller) bool {
	return s.isRefused(m) || s.hasMissingPods(m) && !s.isAwaitingPods(m)
}

// isRefused is true if the server's word still stands: the pods have not come.
func (s *snapshot) isRefused(m *controller) bool {
	return m.makesPods && s.refusalMessage(m) != "" && (s.hasMissingPods(m) || !m.observed || m.reportsRefusals && s.podsUnread(m.namespace))
}

// checkControllers judges all that makes pods in the namespaces at one look.
func (v *Verification) checkControllers(ctx context.Context) []CheckResult {
	s := newNamespaceReader(v.Client, v.Namespaces).observeControllers(ctx)
	before := map[[3]string]string{}
	for _, f := range v.Before {
		key := [3]string{f.Namespace, f.Kind, f.Name}
		if !isSecurityRefusal(before[key]) {
			before[key] = f.Message
		}
	}
	var out []CheckResult
	for i := range s.controllers {
		m := &s.controllers[i]
		out = append(out, s.evaluateController(m, before[[3]string{m.namespace, m.topOwner.Kind, m.topOwner.Name}])...)
	}
	out = append(out, s.unreadResults(v.Namespaces)...)
	return append(out, s.namespaceSummaries(v.Namespaces, out)...)
}

// evaluateController tells what there is to tell of one maker: nothing if it is well. before is what was said of it, or what it lacked,
// before the roll-out.
func (s *snapshot) evaluateController(m *controller, before string) []CheckResult {
	refusals := CheckResult{Namespace: m.namespace, Check: CheckRefusals, Workload: strings.ToLower(m.topOwner.Kind) + "/" + m.topOwner.Name}
	pods := refusals
	pods.Check = CheckPods
	said, past := s.refusalMessage(m), cmp.Or(s.refusalMessage(m), s.refusals[m.uid].message)
	switch {
	case !m.makesPods:
		return nil
	case s.isRefused(m) && before != "" && (isSecurityRefusal(before) || !isSecurityRefusal(said)):
		refusals.Status, refusals.Reason = StatusOK, "as before the roll-out: "+said
		pods.Status, pods.Reason = StatusOK, "as before the roll-out: "+s.podCountText(m)
		return []CheckResult{refusals, pods}
	case s.isRefused(m) && isSecurityRefusal(said):
		refusals.Status, refusals.Reason, refusals.mayRecover = StatusNotOK, said, true
		pods.Status, pods.Reason = StatusNotOK, s.podCountText(m)
		return []CheckResult{refusals, pods}
	case s.isRefused(m):
		refusals.Status, refusals.mayRecover = StatusUnknown, true
		refusals.Reason = "refused for another reason, which hides what Pod Security would say: " + said
		pods.Status, pods.Reason = StatusUnknown, s.podCountText(m)
		return []CheckResult{refusals, pods}
	case m.isSurging && isSecurityRefusal(said):
		refusals.Status, refusals.mayRecover = StatusUnknown, true
		refusals.Reason = "it is being updated, and has been refused: " + said
		return []CheckResult{refusals}
	case s.podsUnread(m.namespace) && isSecurityRefusal(said):
		refusals.Status, refusals.Reason = StatusUnknown, "it was refused, and whether its pods have come since could not be read: "+said
		return []CheckResult{refusals}
	case !m.observed:
		pods.Status, pods.Reason, pods.mayRecover = StatusUnknown, "its controller has not looked at it yet", true
		return []CheckResult{pods}
	case s.hasMissingPods(m) && before != "":
		pods.Status, pods.Reason = StatusOK, "as before the roll-out: "+s.podCountText(m)
		return []CheckResult{pods}
	case s.hasMissingPods(m):
		pods.Status, pods.Reason, pods.mayRecover = StatusNotOK, s.podCountText(m), true
		if s.isAwaitingPods(m) {
			pods.Status = StatusUnknown
		}
		return []CheckResult{pods}
	case isSecurityRefusal(past) && !s.podsUnread(m.namespace):
		refusals.Status, refusals.Reason = StatusOK, "was refused before, and has its pods now: "+past
		return []CheckResult{refusals}
	}
	return nil
}

// unreadResults says in every namespace what could not be read, and what that leaves open: events the refusals, pods the
// counts, and controllers both.
func (s *snapshot) unreadResults(namespaces []string) []CheckResult {
	var out []CheckResult
	for _, u := range s.unread {
		for _, ns := range namespaces {
			if !u.affects(ns) {
				continue
			}
			if u.resource != "pods" {
				out = append(out, CheckResult{Namespace: ns, Check: CheckRefusals, Status: StatusUnknown, Reason: u.String()})
			}
			if u.resource != "events" {
				out = append(out, CheckResult{Namespace: ns, Check: CheckPods, Status: StatusUnknown, Reason: u.String()})
			}
		}
	}
	return out
}

// namespaceSummaries say of every namespace and check in which nothing is amiss what that rests on.
func (s *snapshot) namespaceSummaries(namespaces []string, told []CheckResult) []CheckResult {
	type check struct{ namespace, what string }
	amiss, counted, later := map[check]bool{}, map[string]int{}, map[string]int{}
	for _, r := range told {
		if r.Status != StatusOK {
			amiss[check{r.Namespace, r.Check}] = true
		}
	}
	for i := range s.controllers {
		switch m := &s.controllers[i]; {
		case m.makesPods:
			counted[m.namespace]++
		case m.kind == "CronJob":
			later[m.namespace]++
		}
	}
	var out []CheckResult
	for _, ns := range namespaces {
		if !amiss[check{ns, CheckRefusals}] {
			out = append(out, CheckResult{Namespace: ns, Check: CheckRefusals, Status: StatusOK, Reason: "no controller is newly refused pods"})
		}
		if amiss[check{ns, CheckPods}] {
			continue
		}
		why := fmt.Sprintf("controllers that lack no pods: %d", counted[ns])
		if later[ns] > 0 {
			why += fmt.Sprintf("; cron jobs, which make pods only when they run: %d", later[ns])
		}
		out = append(out, CheckResult{Namespace: ns, Check: CheckPods, Status: StatusOK, Reason: why})
	}
	return out
}
