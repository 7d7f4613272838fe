package verify

import (
	"cmp"
	"context"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// isSecurityRefusal reports whether an API server says in the message of an event or condition that Pod Security
// Admission, the PodSecurityPolicies, or an admission policy that the command generate wrote refused a pod.
func isSecurityRefusal(message string) bool {
	return isPodSecurityRefusal(message) || isPolicyRefusal(message) || isReplacementRefusal(message)
}

// replacementRefusal is how an API server begins the refusal by an admission policy that the command generate wrote, up to the rest of
// its name.
const replacementRefusal = "ValidatingAdmissionPolicy '" + replacementPrefix

// isReplacementRefusal reports whether an API server says in the message of an event, a condition or an answer that an admission policy
// that the command generate wrote refused a pod.
func isReplacementRefusal(message string) bool {
	_, rest, found := strings.Cut(message, replacementRefusal)
	return found && strings.Contains(rest, "' denied request: ")
}

// isPodSecurityRefusal reports whether an API server says in the message of an event or condition that Pod Security
// Admission refused a pod.
func isPodSecurityRefusal(message string) bool {
	return strings.Contains(message, "violates PodSecurity")
}

// isPolicyRefusal reports whether an API server, also one before v1.16, says in the message of an event or condition
// that the PodSecurityPolicies refused a pod.
func isPolicyRefusal(message string) bool {
	return strings.Contains(message, "PodSecurityPolicy: ") || strings.Contains(message, "unable to validate against any pod security policy")
}

// refusalMessage returns what the server says about a controller that cannot create pods now; "" if it says nothing. If a
// condition says so, events are about the past.
func (s *snapshot) refusalMessage(m *controller) string {
	if m.reportsRefusals {
		return m.refusalCondition
	}
	return s.refusals[m.uid].message
}

// podCount returns how many pods a controller has and should have.
func (s *snapshot) podCount(m *controller) message.Message {
	t := s.pods[m.uid]
	return message.New("verify-pods", "present", t.present, "desired", m.desiredPods, "terminating", t.terminating)
}

// hasMissingPods reports whether a controller has fewer pods than it should have.
func (s *snapshot) hasMissingPods(m *controller) bool {
	return m.makesPods && s.pods[m.uid].present < m.desiredPods && !s.podsUnread(m.namespace)
}

// isAwaitingPods reports whether a controller may lack pods only for the moment.
func (s *snapshot) isAwaitingPods(m *controller) bool {
	t := s.pods[m.uid]
	return !m.observed || m.mayLag || t.present+t.terminating >= m.desiredPods
}

// missingPods reports whether something keeps a controller from its pods.
func (s *snapshot) missingPods(m *controller) bool {
	return s.isRefused(m) || s.hasMissingPods(m) && !s.isAwaitingPods(m)
}

// isRefused reports whether the pods of a controller were refused and have not come since.
func (s *snapshot) isRefused(m *controller) bool {
	return m.makesPods && s.refusalMessage(m) != "" && (s.hasMissingPods(m) || !m.observed || m.reportsRefusals && s.podsUnread(m.namespace))
}

// checkControllers reads all controllers of the namespaces once, and evaluates each.
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

// evaluateController returns the results for one controller, none if it has its pods. before is the message about it from
// before the roll-out, "" if it lacked no pods then.
func (s *snapshot) evaluateController(m *controller, before string) []CheckResult {
	refusals := CheckResult{Namespace: m.namespace, Check: CheckRefusals, Workload: strings.ToLower(m.topOwner.Kind) + "/" + m.topOwner.Name}
	pods := refusals
	pods.Check = CheckPods
	said, past := s.refusalMessage(m), cmp.Or(s.refusalMessage(m), s.refusals[m.uid].message)
	switch {
	case !m.makesPods:
		return nil
	case s.isRefused(m) && before != "" && (isSecurityRefusal(before) || !isSecurityRefusal(said)):
		refusals.Status, refusals.Reason = StatusOK, message.New("verify-refused-as-before", "said", said)
		pods.Status, pods.Reason = StatusOK, s.podCount(m).With("asBefore", true)
		return []CheckResult{refusals, pods}
	case s.isRefused(m) && isSecurityRefusal(said):
		refusals.Status, refusals.Reason, refusals.mayRecover = StatusNotOK, message.New("verify-refused", "said", said), true
		pods.Status, pods.Reason = StatusNotOK, s.podCount(m)
		return []CheckResult{refusals, pods}
	case s.isRefused(m):
		refusals.Status, refusals.mayRecover = StatusUnknown, true
		refusals.Reason = message.New("verify-refused-otherwise", "said", said)
		pods.Status, pods.Reason = StatusUnknown, s.podCount(m)
		return []CheckResult{refusals, pods}
	case m.isSurging && isSecurityRefusal(said):
		refusals.Status, refusals.mayRecover = StatusUnknown, true
		refusals.Reason = message.New("verify-refused-in-update", "said", said)
		return []CheckResult{refusals}
	case s.podsUnread(m.namespace) && isSecurityRefusal(said):
		refusals.Status, refusals.Reason = StatusUnknown, message.New("verify-refused-pods-unread", "said", said)
		return []CheckResult{refusals}
	case !m.observed:
		pods.Status, pods.Reason, pods.mayRecover = StatusUnknown, message.New("verify-not-observed"), true
		return []CheckResult{pods}
	case s.hasMissingPods(m) && before != "":
		pods.Status, pods.Reason = StatusOK, s.podCount(m).With("asBefore", true)
		return []CheckResult{pods}
	case s.hasMissingPods(m):
		pods.Status, pods.Reason, pods.mayRecover = StatusNotOK, s.podCount(m), true
		if s.isAwaitingPods(m) {
			pods.Status = StatusUnknown
		}
		return []CheckResult{pods}
	case isSecurityRefusal(past) && !s.podsUnread(m.namespace):
		refusals.Status, refusals.Reason = StatusOK, message.New("verify-refused-before", "said", past)
		return []CheckResult{refusals}
	}
	return nil
}

// unreadResults returns a result for each resource that could not be read in a namespace: events leave the refusals open,
// pods their number, and controllers both.
func (s *snapshot) unreadResults(namespaces []string) []CheckResult {
	var out []CheckResult
	for _, u := range s.unread {
		for _, ns := range namespaces {
			if !u.affects(ns) {
				continue
			}
			if u.resource != "pods" {
				out = append(out, CheckResult{Namespace: ns, Check: CheckRefusals, Status: StatusUnknown, Reason: u.reason()})
			}
			if u.resource != "events" {
				out = append(out, CheckResult{Namespace: ns, Check: CheckPods, Status: StatusUnknown, Reason: u.reason()})
			}
		}
	}
	return out
}

// namespaceSummaries returns an ok result for each namespace and check without another one, which says how many controllers
// it rests on.
func (s *snapshot) namespaceSummaries(namespaces []string, results []CheckResult) []CheckResult {
	type check struct{ namespace, what string }
	amiss, counted, later := map[check]bool{}, map[string]int{}, map[string]int{}
	for _, r := range results {
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
			out = append(out, CheckResult{Namespace: ns, Check: CheckRefusals, Status: StatusOK, Reason: message.New("verify-no-new-refusals")})
		}
		if amiss[check{ns, CheckPods}] {
			continue
		}
		why := message.New("verify-controllers", "controllers", counted[ns], "cronJobs", later[ns])
		out = append(out, CheckResult{Namespace: ns, Check: CheckPods, Status: StatusOK, Reason: why})
	}
	return out
}
