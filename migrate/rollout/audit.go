package rollout

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
	told   map[auditKey]*auditTold
	judged map[string]int // requests that Pod Security judged, by namespace
	dry    map[string]int // requests that were a dry run, by namespace
	broken []string       // lines, with their position
	more   int            // broken lines that are only counted
	lost   int            // requests of more workloads than are kept
}

// auditKey is one kind of thing that is told of one workload.
type auditKey struct {
	namespace, workload string
	class               auditClass
	// level that was violated.
	level string
	// template is true for what makes pods, not a pod.
	template bool
}

type auditTold struct {
	count int
	last  string
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
	auditLine    = 16 << 20 // a request with its answer is shorter
	auditKept    = 10_000   // workloads
	auditBroken  = 10       // broken lines that are told one by one
	auditText    = 1000     // bytes of a message
	annotationAt = "pod-security.kubernetes.io/"
)

// Read takes a log in, plain or compressed with gzip: an event of JSON to a line. What is no event is noted and told
// later; an error is one of reading.
func (a *AuditLog) Read(name string, r io.Reader) error {
	if a.told == nil {
		a.told, a.judged, a.dry = map[auditKey]*auditTold{}, map[string]int{}, map[string]int{}
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
		line, long, err := readLine(lines)
		var wrong error
		switch {
		case long:
			wrong = fmt.Errorf("it is longer than %d MiB", auditLine>>20)
		case len(bytes.TrimSpace(line)) > 0:
			wrong = a.line(line)
		}
		if wrong != nil {
			a.spoilt(fmt.Sprintf("%s:%d: %s", name, number, cut(wrong.Error())))
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the audit log %q, line %d: %w", name, number, err)
		}
	}
}

// readLine reads up to a newline or the end, and passes over what is too long without keeping it.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > auditLine; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

func (a *AuditLog) spoilt(what string) {
	if len(a.broken) == auditBroken {
		a.more++
		return
	}
	a.broken = append(a.broken, what)
}

func cut(text string) string {
	if len(text) <= auditText {
		return text
	}
	return strings.ToValidUTF8(text[:auditText], "") + "..."
}

// line takes one event in. Those that were cut off, or that Pod Security had no part in, are passed over.
func (a *AuditLog) line(line []byte) error {
	var e auditEvent
	if err := json.UnmarshalCaseSensitivePreserveInts(line, &e); err != nil {
		return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
	}
	if e.Kind != "Event" || !strings.HasPrefix(e.APIVersion, "audit.k8s.io/") {
		return fmt.Errorf("it is %q of %q, not an event of audit.k8s.io", e.Kind, e.APIVersion)
	}
	ns := e.ObjectRef.Namespace
	if e.Stage != "ResponseComplete" || ns == "" || !e.judged() {
		return nil
	}
	if e.dryRun() {
		count(a.dry, ns)
		return nil
	}
	count(a.judged, ns)
	if key, words := e.tell(); words != "" {
		a.keep(key, words)
	}
	return nil
}

// count adds one, to no more namespaces than are kept.
func count(m map[string]int, namespace string) {
	if _, ok := m[namespace]; ok || len(m) < auditKept {
		m[namespace]++
	}
}

func (a *AuditLog) keep(key auditKey, words string) {
	t := a.told[key]
	switch {
	case t == nil && len(a.told) == auditKept:
		a.lost++
		return
	case t == nil:
		t = &auditTold{}
		a.told[key] = t
	}
	t.count++
	t.last = cut(words)
}
