package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/json"
)

// AuditLog collects what the audit log of an API server says about Pod Security Admission: the annotations
// pod-security.kubernetes.io/* and the refusals. The zero value is ready. It keeps a count and the last message for each
// workload, and no request.
type AuditLog struct {
	findings          map[auditFindingKey]*auditFinding
	evaluatedRequests map[string]int // requests that Pod Security Admission evaluated, by namespace
	dryRunRequests    map[string]int // requests that were a dry run, by namespace
	brokenLines       []string       // lines, with their position
	moreBrokenLines   int            // broken lines that are only counted
	uncountedRequests int            // requests of more workloads than are kept
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

// Limits of what is read and kept of an audit log. It may be of any length, and anybody who may ask the server can add lines.
const (
	// maxAuditLineBytes is the longest line that is read. A request with its answer is shorter.
	maxAuditLineBytes = 16 << 20
	// maxAuditWorkloads is the number of workloads and namespaces whose findings are kept.
	maxAuditWorkloads = 10_000
	// maxBrokenAuditLines is the number of broken lines that have a result each.
	maxBrokenAuditLines = 10
	// maxAuditMessageBytes is the length at which a message is cut off.
	maxAuditMessageBytes = 1000
)

// Read reads an audit log, plain or compressed with gzip, with one JSON event a line. Lines that are no audit event
// become results. It returns an error if the log cannot be read.
func (a *AuditLog) Read(name string, r io.Reader) error {
	if a.findings == nil {
		a.findings, a.evaluatedRequests, a.dryRunRequests = map[auditFindingKey]*auditFinding{}, map[string]int{}, map[string]int{}
	}
	lines := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := lines.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(lines)
		if err != nil {
			return fmt.Errorf("reading the audit log %q: %w", name, err)
		}
		lines = bufio.NewReaderSize(z, 1<<16)
	}
	for number := 1; ; number++ {
		line, long, err := readAuditLine(lines)
		var wrong error
		switch {
		case long:
			wrong = fmt.Errorf("it is longer than %d MiB", maxAuditLineBytes>>20)
		case len(bytes.TrimSpace(line)) > 0:
			wrong = a.addEvent(line)
		}
		if wrong != nil {
			a.addBrokenLine(fmt.Sprintf("%s:%d: %s", name, number, truncateAuditMessage(wrong.Error())))
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the audit log %q, line %d: %w", name, number, err)
		}
	}
}

// readAuditLine reads one line of an audit log. It skips a line that is too long, and returns long.
func readAuditLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxAuditLineBytes; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// addBrokenLine notes a line that is no audit event, up to a number of lines, and counts the others.
func (a *AuditLog) addBrokenLine(what string) {
	if len(a.brokenLines) == maxBrokenAuditLines {
		a.moreBrokenLines++
		return
	}
	a.brokenLines = append(a.brokenLines, what)
}

// truncateAuditMessage cuts a message of an audit event off at the most that is kept.
func truncateAuditMessage(text string) string {
	if len(text) <= maxAuditMessageBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxAuditMessageBytes], "") + "..."
}

// addEvent counts one event of an audit log. It ignores events that are not complete and those that neither Pod Security Admission
// saw nor a generated policy has something against. It returns an error for a line that is no audit event.
func (a *AuditLog) addEvent(line []byte) error {
	var e auditEvent
	if err := json.UnmarshalCaseSensitivePreserveInts(line, &e); err != nil {
		return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
	}
	if e.Kind != "Event" || !strings.HasPrefix(e.APIVersion, "audit.k8s.io/") {
		return fmt.Errorf("it is %q of %q, not an event of audit.k8s.io", e.Kind, e.APIVersion)
	}
	ns := e.ObjectRef.Namespace
	if e.Stage != "ResponseComplete" || ns == "" {
		return nil
	}
	failures, err := e.replacementFindings()
	evaluated := e.isAboutPodSecurity()
	switch {
	case err != nil:
		return err
	case !evaluated && len(failures) == 0:
		return nil
	case e.dryRun():
		countInNamespace(a.dryRunRequests, ns)
		return nil
	}
	for _, f := range failures {
		key := e.findingKey()
		key.class, key.policy = f.class, truncateAuditMessage(f.policy)
		a.addFinding(key, f.message)
	}
	if evaluated {
		countInNamespace(a.evaluatedRequests, ns)
		if key, words := e.finding(); words != "" {
			a.addFinding(key, words)
		}
	}
	return nil
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
