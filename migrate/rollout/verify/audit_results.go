package verify

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// results returns what the audit log says about each namespace. A refusal is not ok, and neither is a violation of the level
// that the namespace enforces: the next pod would be refused. enforced has the levels by namespace.
func (a *AuditLog) results(namespaces []string, enforced map[string]string) []CheckResult {
	var out []CheckResult
	meant := namespaceNameSet(namespaces)
	for key, t := range a.findings {
		if meant[key.namespace] {
			out = append(out, a.result(key, t, enforced[key.namespace]))
		}
	}
	for _, ns := range namespaces {
		out = append(out, a.summary(ns))
	}
	for _, b := range a.brokenLines {
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: b})
	}
	if a.moreBrokenLines > 0 {
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: fmt.Sprintf("%d more lines are no audit events", a.moreBrokenLines)})
	}
	if a.uncountedRequests > 0 {
		why := fmt.Sprintf("%d requests are not listed: the log has more than %d workloads", a.uncountedRequests, maxAuditWorkloads)
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: why})
	}
	return out
}

// result returns the check result of one finding of the audit log.
func (a *AuditLog) result(key auditFindingKey, t *auditFinding, enforced string) CheckResult {
	r := CheckResult{Namespace: key.namespace, Check: CheckAudit, Workload: key.workload, Status: StatusOK}
	switch key.class {
	case auditRefused:
		r.Status, r.Reason = StatusNotOK, "refused"
	case auditError:
		r.Status, r.Reason = StatusUnknown, "the server could not evaluate it"
	case auditExempt:
		r.Reason = "let in unseen"
	case auditViolates:
		r.Reason = "let in, and would be refused at " + key.level
		switch breaks, known := violatesEnforced(key.level, enforced); {
		case key.level == "":
			r.Status, r.Reason = StatusUnknown, "let in, and violates a level that the log does not name"
		case !known:
			r.Status, r.Reason = StatusUnknown, r.Reason+", and it is not known what the namespace enforces"
		case breaks && key.template:
			r.Status, r.Reason = StatusNotOK, "its pods are refused at "+enforced+", which the namespace enforces"
		case breaks:
			r.Status, r.Reason = StatusNotOK, "let in then, and refused when it is made again at "+enforced+", which the namespace enforces"
		}
	}
	r.Reason += fmt.Sprintf(" (%s): %s", timesText(t.count), t.lastMessage)
	return r
}

// timesText returns how often an audit log has a message, as "once" or "3 times".
func timesText(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// violatesEnforced reports whether a pod of the audit log that violates a level is refused where another level is
// enforced. It is not known for a namespace without an enforce label: the configuration of the server, which cannot be
// read, decides there.
func violatesEnforced(level, enforced string) (breaks, known bool) {
	e, err := api.ParseLevel(enforced)
	if err != nil {
		return false, false
	}
	return api.CompareLevels(e, api.Level(level)) >= 0, true
}

// summary returns the check result that says how many requests of the audit log were about a namespace.
func (a *AuditLog) summary(ns string) CheckResult {
	r := CheckResult{Namespace: ns, Check: CheckAudit, Status: StatusOK}
	var parts []string
	if n := a.evaluatedRequests[ns]; n > 0 {
		parts = append(parts, fmt.Sprintf("requests that Pod Security evaluated: %d", n))
	} else {
		r.Status = StatusUnknown
		parts = append(parts, "the log has no request in it that Pod Security evaluated")
	}
	if n := a.dryRunRequests[ns]; n > 0 {
		parts = append(parts, fmt.Sprintf("dry runs, which are passed over: %d", n))
	}
	r.Reason = strings.Join(parts, "; ")
	return r
}
