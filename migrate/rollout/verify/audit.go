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

// AuditLog gathers what an API server's audit log tells of Pod Security: the annotations pod-security.kubernetes.io/* and the
// refusals. The zero value is ready. It keeps a count and the last words for each workload, and no request.
type AuditLog struct {
	findings          map[auditFindingKey]*auditFinding
	evaluatedRequests map[string]int // requests that Pod Security judged, by namespace
	dryRunRequests    map[string]int // requests that were a dry run, by namespace
	brokenLines       []string       // lines, with their position
	moreBrokenLines   int            // broken lines that are only counted
	uncountedRequests int            // requests of more workloads than are kept
}

// auditFindingKey is one kind of thing that is told of one workload.
type auditFindingKey struct {
	namespace, workload string
	class               auditClass
	// level that was violated.
	level string
	// template is true for what makes pods, not a pod.
	template bool
}

type auditFinding struct {
	count       int
	lastMessage string
}

type auditClass int

const (
	auditRefused auditClass = iota
	auditViolates
	auditError
	auditExempt
)

// Limits of what is read and kept: an audit log is as long as it is, and anybody can make its lines by asking the server.
const (
	maxAuditLineBytes     = 16 << 20 // a request with its answer is shorter
	maxAuditWorkloads     = 10_000   // workloads
	maxBrokenAuditLines   = 10       // broken lines that are told one by one
	maxAuditMessageBytes  = 1000     // bytes of a message
	auditAnnotationPrefix = "pod-security.kubernetes.io/"
)

// Read takes a log in, plain or compressed with gzip: an event of JSON to a line. What is no event is noted and told
// later; an error is one of reading.
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

// readAuditLine reads up to a newline or the end, and passes over what is too long without keeping it.
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

func (a *AuditLog) addBrokenLine(what string) {
	if len(a.brokenLines) == maxBrokenAuditLines {
		a.moreBrokenLines++
		return
	}
	a.brokenLines = append(a.brokenLines, what)
}

func truncateAuditMessage(text string) string {
	if len(text) <= maxAuditMessageBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxAuditMessageBytes], "") + "..."
}

// addEvent takes one event in. Those that were cut off, or that Pod Security had no part in, are passed over.
func (a *AuditLog) addEvent(line []byte) error {
	var e auditEvent
	if err := json.UnmarshalCaseSensitivePreserveInts(line, &e); err != nil {
		return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
	}
	if e.Kind != "Event" || !strings.HasPrefix(e.APIVersion, "audit.k8s.io/") {
		return fmt.Errorf("it is %q of %q, not an event of audit.k8s.io", e.Kind, e.APIVersion)
	}
	ns := e.ObjectRef.Namespace
	if e.Stage != "ResponseComplete" || ns == "" || !e.isAboutPodSecurity() {
		return nil
	}
	if e.dryRun() {
		countInNamespace(a.dryRunRequests, ns)
		return nil
	}
	countInNamespace(a.evaluatedRequests, ns)
	if key, words := e.finding(); words != "" {
		a.addFinding(key, words)
	}
	return nil
}

// countInNamespace adds one, to no more namespaces than are kept.
func countInNamespace(m map[string]int, namespace string) {
	if _, ok := m[namespace]; ok || len(m) < maxAuditWorkloads {
		m[namespace]++
	}
}

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
