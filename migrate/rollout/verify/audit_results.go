package verify

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
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
	for _, b := range a.read.Broken {
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: message.New("verify-audit-line", "line", b)})
	}
	if a.read.MoreBroken > 0 {
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: message.New("verify-audit-lines-more", "n", a.read.MoreBroken)})
	}
	if a.uncountedRequests > 0 {
		why := message.New("verify-audit-uncounted", "n", a.uncountedRequests, "limit", maxAuditWorkloads)
		out = append(out, CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: why})
	}
	return out
}

// result returns the check result of one finding of the audit log.
func (a *AuditLog) result(key auditFindingKey, t *auditFinding, enforced string) CheckResult {
	r := CheckResult{Namespace: key.namespace, Check: CheckAudit, Workload: key.workload, Status: StatusOK}
	switch key.class {
	case auditRefused:
		r.Status, r.Reason = StatusNotOK, message.New("verify-audit-refused")
	case auditError:
		r.Status, r.Reason = StatusUnknown, message.New("verify-audit-error")
	case auditExempt:
		r.Reason = message.New("verify-audit-exempt")
	case auditPolicyRefused:
		r.Status, r.Reason = StatusNotOK, message.New("verify-audit-policy-refused", "policy", key.policy)
	case auditPolicyFails:
		r.Status, r.Reason = StatusNotOK, message.New("verify-audit-policy-fails", "policy", key.policy)
	case auditPolicyFailsRefused:
		r.Reason = message.New("verify-audit-policy-fails-refused", "policy", key.policy)
	case auditViolates:
		r.Reason = message.New("verify-audit-violation", "level", key.level)
		switch breaks, known := violatesEnforced(key.level, enforced); {
		case key.level == "":
			r.Status, r.Reason = StatusUnknown, message.New("verify-audit-violation-of-unknown-level")
		case !known:
			r.Status, r.Reason = StatusUnknown, r.Reason.With("enforceUnknown", true)
		case breaks && key.template:
			r.Status, r.Reason = StatusNotOK, message.New("verify-audit-template-refused", "level", enforced)
		case breaks:
			r.Status, r.Reason = StatusNotOK, message.New("verify-audit-pod-refused-again", "level", enforced)
		}
	}
	r.Reason = r.Reason.With("count", t.count).With("repeated", t.count != 1).With("said", t.lastMessage)
	return r
}

// violatesEnforced reports, of an audit log's event, whether a pod that violates a level is refused where another level
// is enforced. It is not known for a namespace without an enforce label: the configuration of the server, which cannot
// be read, decides there.
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
	if a.evaluatedRequests[ns] == 0 {
		r.Status = StatusUnknown
	}
	r.Reason = message.New("verify-audit-summary", "requests", a.evaluatedRequests[ns], "dryRuns", a.dryRunRequests[ns])
	return r
}
