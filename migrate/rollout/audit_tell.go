package rollout

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// results tell of every namespace what the log says of it. A refusal is not ok, and neither is a violation of the level
// that the namespace enforces: the pod would be refused when it is made again. enforced are the levels by namespace.
func (a *AuditLog) results(namespaces []string, enforced map[string]string) []Result {
	var out []Result
	meant := setOf(namespaces)
	for key, t := range a.told {
		if meant[key.namespace] {
			out = append(out, a.result(key, t, enforced[key.namespace]))
		}
	}
	for _, ns := range namespaces {
		out = append(out, a.summary(ns))
	}
	for _, b := range a.broken {
		out = append(out, Result{What: CheckAudit, Status: CouldNotTell, Why: b})
	}
	if a.more > 0 {
		out = append(out, Result{What: CheckAudit, Status: CouldNotTell, Why: fmt.Sprintf("%d more lines are no audit events", a.more)})
	}
	if a.lost > 0 {
		why := fmt.Sprintf("%d requests are not told: the log speaks of more than %d workloads", a.lost, auditKept)
		out = append(out, Result{What: CheckAudit, Status: CouldNotTell, Why: why})
	}
	return out
}

func (a *AuditLog) result(key auditKey, t *auditTold, enforced string) Result {
	r := Result{Namespace: key.namespace, What: CheckAudit, Workload: key.workload, Status: OK}
	switch key.class {
	case auditRefused:
		r.Status, r.Why = NotOK, "refused"
	case auditError:
		r.Status, r.Why = CouldNotTell, "the server could not judge it"
	case auditExempt:
		r.Why = "let in unseen"
	case auditViolates:
		r.Why = "let in, and would be refused at " + key.level
		switch breaks, known := breaksAt(key.level, enforced); {
		case key.level == "":
			r.Status, r.Why = CouldNotTell, "let in, and violates a level that the log does not tell"
		case !known:
			r.Status, r.Why = CouldNotTell, r.Why+", and it is not known what the namespace enforces"
		case breaks && key.template:
			r.Status, r.Why = NotOK, "its pods are refused at "+enforced+", which the namespace enforces"
		case breaks:
			r.Status, r.Why = NotOK, "let in then, and refused when it is made again at "+enforced+", which the namespace enforces"
		}
	}
	r.Why += fmt.Sprintf(" (%s): %s", times(t.count), t.last)
	return r
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// breaksAt is true if what violates a level is refused where another is enforced. A namespace that was read and has no
// label, or an empty one, enforces what the server's configuration says, which cannot be read.
func breaksAt(level, enforced string) (breaks, known bool) {
	e, err := api.ParseLevel(enforced)
	if err != nil {
		return false, false
	}
	return api.CompareLevels(e, api.Level(level)) >= 0, true
}

// summary says how many requests the judgement on a namespace rests on.
func (a *AuditLog) summary(ns string) Result {
	r := Result{Namespace: ns, What: CheckAudit, Status: OK}
	var parts []string
	if n := a.judged[ns]; n > 0 {
		parts = append(parts, fmt.Sprintf("requests that Pod Security judged: %d", n))
	} else {
		r.Status = CouldNotTell
		parts = append(parts, "the log has no request in it that Pod Security judged")
	}
	if n := a.dry[ns]; n > 0 {
		parts = append(parts, fmt.Sprintf("dry runs, which are passed over: %d", n))
	}
	r.Why = strings.Join(parts, "; ")
	return r
}
