package rollout

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
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

// auditEvent is what is read of an event, of any version of audit.k8s.io.
type auditEvent struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Stage      string `json:"stage"`
	RequestURI string `json:"requestURI"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	RequestObject stdjson.RawMessage `json:"requestObject"`
	Annotations   map[string]string  `json:"annotations"`
}

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

// judged is true for a request that Pod Security had a word in.
func (e *auditEvent) judged() bool {
	for key := range e.Annotations {
		if strings.HasPrefix(key, annotationAt) {
			return true
		}
	}
	return e.refused()
}

func (e *auditEvent) refused() bool {
	return e.ResponseStatus.Code == http.StatusForbidden && byPodSecurity(e.ResponseStatus.Message)
}

func (e *auditEvent) dryRun() bool {
	u, err := url.ParseRequestURI(e.RequestURI)
	return err == nil && u.Query().Has("dryRun")
}

// tell says what there is to tell of the request: the worst of it.
func (e *auditEvent) tell() (auditKey, string) {
	key := auditKey{namespace: e.ObjectRef.Namespace, workload: cut(e.workload()), template: e.ObjectRef.Resource != "pods"}
	violations, failed := e.Annotations[annotationAt+api.AuditViolationsAnnotationKey], e.Annotations[annotationAt+"error"]
	exempt := e.Annotations[annotationAt+api.ExemptionReasonAnnotationKey]
	switch {
	case e.refused():
		key.class = auditRefused
		return key, e.ResponseStatus.Message
	case failed != "":
		key.class = auditError
		return key, failed
	case violations != "":
		key.class, key.level = auditViolates, violatedLevel(violations)
		return key, violations
	case exempt != "":
		key.class = auditExempt
		return key, "exempt by " + exempt
	}
	return key, ""
}

// violatedLevel is the level in `would violate PodSecurity "restricted:latest": ...`; "" if there is none.
func violatedLevel(text string) string {
	_, rest, _ := strings.Cut(text, `PodSecurity "`)
	level, _, _ := strings.Cut(rest, ":")
	if _, err := api.ParseLevel(level); err != nil {
		return ""
	}
	return level
}

// podMeta is what a request to create a pod tells of who made it.
type podMeta struct {
	Metadata struct {
		GenerateName    string                  `json:"generateName"`
		Labels          map[string]string       `json:"labels"`
		OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
	} `json:"metadata"`
}

// workload names what the request was about: for a pod its controller where the log holds the request, else the most that
// it tells.
func (e *auditEvent) workload() string {
	if e.ObjectRef.Resource != "pods" {
		return strings.TrimSuffix(e.ObjectRef.Resource, "s") + "/" + cmp.Or(e.ObjectRef.Name, "(unnamed)")
	}
	var pod podMeta
	if err := json.UnmarshalCaseSensitivePreserveInts(e.RequestObject, &pod); err != nil {
		pod = podMeta{} // not logged, or a patch
	}
	if owner := metav1.GetControllerOfNoCopy(&metav1.ObjectMeta{OwnerReferences: pod.Metadata.OwnerReferences}); owner != nil {
		hash := pod.Metadata.Labels["pod-template-hash"]
		if deployment, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && hash != "" && owner.Kind == "ReplicaSet" {
			return "deployment/" + deployment
		}
		return strings.ToLower(owner.Kind) + "/" + owner.Name
	}
	if pod.Metadata.GenerateName != "" {
		return "pod/" + pod.Metadata.GenerateName + "*"
	}
	return madeBy(e.User.Username, cmp.Or(e.ObjectRef.Name, nameIn(e.ResponseStatus.Message)))
}

// madeBy names whose pod this is by the controller that made it, which has an account of its own on most clusters, and by
// how the controller names pods. Without it every attempt would be told as a pod by itself.
func madeBy(user, name string) string {
	base := name
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		base = name[:at]
	}
	account, byController := strings.CutPrefix(user, "system:serviceaccount:kube-system:")
	kind := map[string]string{
		"replicaset-controller": "replicaset", "replication-controller": "replicationcontroller", "daemon-set-controller": "daemonset",
		"statefulset-controller": "statefulset", "job-controller": "job",
	}[account]
	switch {
	case name == "":
		return "pod/(unnamed, made by " + user + ")"
	case byController && kind != "":
		return kind + "/" + base
	case user == "system:kube-controller-manager" && base != name:
		return "pod/" + base + "-*"
	}
	return "pod/" + name
}

// nameIn is the name in `pods "web-7d4b9-" is forbidden: ...`.
func nameIn(message string) string {
	rest, ok := strings.CutPrefix(message, `pods "`)
	name, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return name
}
