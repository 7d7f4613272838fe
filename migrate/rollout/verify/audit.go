package verify

import (
	"context"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// AuditLog collects what the audit log of an API server says about Pod Security Admission: the annotations
// pod-security.kubernetes.io/* and the refusals. The zero value is ready. It keeps a count and the last message for each
// workload, and no request.
type AuditLog struct {
	findings          map[auditFindingKey]*auditFinding
	evaluatedRequests map[string]int // requests that Pod Security Admission evaluated, by namespace
	dryRunRequests    map[string]int // requests that were a dry run, by namespace
	read              auditlog.Summary
	uncountedRequests int // requests of more workloads than are kept
}

// auditFindingKey is the key of the findings of an audit log that are counted together: those of one class about one
// workload.
type auditFindingKey struct {
	namespace, workload string
	class               auditClass
	// level that was violated, or policy of the command generate that does not accept it.
	level, policy string
	// template is true for what makes pods, not a pod.
	template bool
}

// auditFinding is how often an audit log has something about a workload, and the last message.
type auditFinding struct {
	count       int
	lastMessage string
}

// auditClass is what Pod Security Admission, or a generated policy, did with a request of an audit log.
type auditClass int

const (
	auditRefused            auditClass = iota // the request was refused
	auditViolates                             // it violates a level, and was let in
	auditError                                // it could not be evaluated
	auditExempt                               // it is exempt
	auditPolicyRefused                        // a generated policy refused the request
	auditPolicyFails                          // a generated policy does not accept it, and it was let in
	auditPolicyFailsRefused                   // a generated policy does not accept it, and something else refused it
)

// Limits of what is kept of an audit log. It may be of any length, and anybody who may ask the server can add lines.
const (
	// maxAuditWorkloads is the number of workloads and namespaces whose findings are kept.
	maxAuditWorkloads = 10_000
	// maxAuditMessageBytes is the length at which a message is cut off.
	maxAuditMessageBytes = 1000
)

// ReadAuditLogs reads the audit logs that paths name: files, folders, and stdin for "-". Lines that are no audit event become results.
// It returns an error if a log cannot be read.
func ReadAuditLogs(ctx context.Context, paths []string, stdin io.Reader) (*AuditLog, error) {
	var a AuditLog
	sum, err := auditlog.ReadFiles(ctx, paths, stdin, a.query())
	if err != nil {
		return nil, err
	}
	a.read = *sum
	return &a, nil
}

// Read reads one audit log, as ReadAuditLogs does.
func (a *AuditLog) Read(ctx context.Context, name string, r io.Reader) error {
	return auditlog.Read(ctx, name, r, a.query(), &a.read)
}

// query returns what is asked of an audit log: the requests that were answered.
func (a *AuditLog) query() auditlog.Query[*auditRequest] {
	if a.findings == nil {
		a.findings, a.evaluatedRequests, a.dryRunRequests = map[auditFindingKey]*auditFinding{}, map[string]int{}, map[string]int{}
	}
	return auditlog.Query[*auditRequest]{
		Wants:  func(e *auditlog.Event) bool { return e.Stage == auditlog.StageComplete },
		Reduce: reduceAuditEvent,
		Each:   a.addRequest,
	}
}

// truncateAuditMessage cuts a message of an audit event off at the most that is kept.
func truncateAuditMessage(text string) string {
	if len(text) <= maxAuditMessageBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxAuditMessageBytes], "") + "..."
}

// auditRequest is what an audit event says about Pod Security Admission or a generated policy.
type auditRequest struct {
	key       auditFindingKey // without the class
	dryRun    bool
	evaluated bool // by Pod Security Admission
	failures  []policyFinding
	found     auditFindingKey
	words     string // "" where nothing was found
}

// reduceAuditEvent returns what one event of an audit log says. It is false for events of no namespace and those that neither Pod
// Security Admission saw nor a generated policy has something against, and an error for an annotation that cannot be read.
func reduceAuditEvent(event *auditlog.Event) (*auditRequest, bool, error) {
	if event.Object.Namespace == "" {
		return nil, false, nil
	}
	e := &auditEvent{event}
	failures, err := e.replacementFindings()
	r := &auditRequest{evaluated: e.isAboutPodSecurity(), failures: failures}
	if err != nil || !r.evaluated && len(failures) == 0 {
		return nil, false, err
	}
	r.key, r.dryRun = e.findingKey(), e.DryRun()
	r.found, r.words = e.finding()
	r.words = truncateAuditMessage(r.words)
	for i := range failures {
		failures[i].policy, failures[i].message = truncateAuditMessage(failures[i].policy), truncateAuditMessage(failures[i].message)
	}
	return r, true, nil
}

// addRequest counts what an audit log says of one request.
func (a *AuditLog) addRequest(r *auditRequest) {
	ns := r.key.namespace
	if r.dryRun {
		countInNamespace(a.dryRunRequests, ns)
		return
	}
	for _, f := range r.failures {
		key := r.key
		key.class, key.policy = f.class, f.policy
		a.addFinding(key, f.message)
	}
	if r.evaluated {
		countInNamespace(a.evaluatedRequests, ns)
		if r.words != "" {
			a.addFinding(r.found, r.words)
		}
	}
}

// countInNamespace adds one to the number of audit events of a namespace, for no more namespaces than are kept.
func countInNamespace(m map[string]int, namespace string) {
	if _, ok := m[namespace]; ok || len(m) < maxAuditWorkloads {
		m[namespace]++
	}
}

// addFinding counts a finding of the audit log about a workload, for no more workloads than are kept.
func (a *AuditLog) addFinding(key auditFindingKey, words string) {
	t := a.findings[key]
	switch {
	case t == nil && len(a.findings) == maxAuditWorkloads:
		a.uncountedRequests++
		return
	case t == nil:
		t = &auditFinding{}
		a.findings[key] = t
	}
	t.count++
	t.lastMessage = truncateAuditMessage(words)
}
