package auditlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kjson "sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// standardEvent is what encoding/json makes of a line of an audit log.
type standardEvent struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Level      string `json:"level"`
	AuditID    string `json:"auditID"`
	Stage      string `json:"stage"`
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	User       struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"user"`
	ObjectRef struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	RequestObject  json.RawMessage   `json:"requestObject"`
	ResponseObject json.RawMessage   `json:"responseObject"`
	StageTimestamp time.Time         `json:"stageTimestamp"`
	Annotations    map[string]string `json:"annotations"`
}

// asEvent returns the event in our own form.
func (s *standardEvent) asEvent() auditlog.Event {
	return auditlog.Event{
		AuditID: s.AuditID, Level: s.Level, Stage: s.Stage, Verb: s.Verb, RequestURI: s.RequestURI, Time: s.StageTimestamp,
		User: auditlog.User{Name: s.User.Username, Groups: s.User.Groups}, Object: auditlog.ObjectReference(s.ObjectRef),
		Code: s.ResponseStatus.Code, Message: s.ResponseStatus.Message, RequestObject: s.RequestObject, ResponseObject: s.ResponseObject, Annotations: s.Annotations,
	}
}

// randomText returns a text with everything in it that JSON writes in its own way.
func randomText(r *rand.Rand) string {
	pieces := []string{"pods", "create", `"`, `\`, "é", "\u2028", "<", "\t", "\n", "\x01", "/", "{", "}", "[", ",", "a", "日本", "\xff", "😀"}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// randomJSON returns any JSON value.
func randomJSON(r *rand.Rand, depth int) any {
	switch k := r.IntN(8); {
	case k == 0 && depth > 0:
		out := map[string]any{}
		for range r.IntN(4) {
			out[randomText(r)] = randomJSON(r, depth-1)
		}
		return out
	case k == 1 && depth > 0:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, randomJSON(r, depth-1))
		}
		return out
	case k < 4:
		return randomText(r)
	case k == 4:
		return r.NormFloat64() * 1e9
	case k == 5:
		return nil
	case k == 6:
		return r.IntN(2) == 0
	}
	return r.IntN(100)
}

// randomLine returns an event with random values, and fields that are not read.
func randomLine(r *rand.Rand) []byte {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	e := map[string]any{
		"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": pick("Metadata", "Request", "RequestResponse"), "auditID": randomText(r), "stage": pick("ResponseComplete", "Panic"),
		"verb": pick("create", "get", "patch"), "requestURI": randomText(r), "stageTimestamp": time.Unix(r.Int64N(1e9), 1000*r.Int64N(1e6)).UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
		"user":              map[string]any{"username": randomText(r), "groups": []string{randomText(r), "g"}, "extra": randomJSON(r, 3)},
		randomText(r) + "x": randomJSON(r, 5),
	}
	if r.IntN(4) > 0 {
		e["objectRef"] = map[string]any{"resource": pick("pods", "leases"), "namespace": randomText(r), "name": randomText(r), "uid": randomText(r)}
	}
	if r.IntN(4) > 0 {
		e["responseStatus"] = map[string]any{"metadata": map[string]any{}, "code": r.IntN(600), "message": randomText(r), "details": randomJSON(r, 3)}
	}
	if r.IntN(2) > 0 {
		e["requestObject"] = map[string]any{"kind": "Pod", "spec": randomJSON(r, 5)}
		e["responseObject"] = map[string]any{"kind": "Pod", "spec": randomJSON(r, 5)}
	}
	if r.IntN(2) > 0 {
		e["annotations"] = map[string]any{randomText(r): randomText(r), "k": randomText(r)}
	}
	out, _ := json.Marshal(e)
	return out
}

// Every event is what encoding/json, with keys in their own case, makes of its line, and a line that encoding/json refuses is none. Each line comes whole, and with
// one byte changed or the end cut off.
func TestAsEncodingJSON(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(23, 9))
	tries := 4_000
	if testing.Short() { // a share of it
		tries = 300
	}
	for range tries {
		line := randomLine(r)
		switch r.IntN(3) {
		case 0:
			line[r.IntN(len(line))] = `{}[]",:\x0123enu`[r.IntN(16)]
		case 1:
			line = line[:r.IntN(len(line))]
		}
		checkAsEncodingJSON(t, line)
	}
}

func checkAsEncodingJSON(t *testing.T, line []byte) {
	t.Helper()
	text := strings.NewReplacer("\n", " ").Replace(string(line))
	events, sum, err := read(t, created+"\n"+text)
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	var want standardEvent
	standardErr := kjson.UnmarshalCaseSensitivePreserveInts([]byte(text), &want)
	if len(sum.Broken) > 0 && !json.Valid([]byte(text)) || strings.TrimSpace(text) == "" {
		return
	}
	isEvent := standardErr == nil && want.Kind == "Event" && strings.HasPrefix(want.APIVersion, "audit.k8s.io/")
	if !isEvent {
		if json.Valid([]byte(text)) {
			return // of another kind, or with a value of another type: said elsewhere
		}
		t.Fatalf("taken for JSON: %q", text)
	}
	if len(events) != 2 {
		t.Fatalf("%d events, broken %q: %q", len(events), sum.Broken, text)
	}
	got := events[1]
	got.Impersonator, got.ObjectsDropped = "", false
	if diff := cmp.Diff(want.asEvent(), got); diff != "" {
		t.Fatalf("event (-encoding/json +ours):\n%s\n%q", diff, text)
	}
}

// Whatever a line holds, it is taken for JSON only if encoding/json takes it.
func FuzzLine(f *testing.F) {
	f.Add([]byte(created))
	f.Add([]byte(`{"a":-0.1e+5,"b":[true,false,null],"\u00e9":"\ud800"}`))
	f.Add([]byte("2026-01-02T03:04:05Z {}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		text := strings.NewReplacer("\n", " ", "[Truncated...]", "").Replace(string(line))
		_, sum, err := read(t, created+"\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		if start := strings.TrimLeft(text, " \t\r"); strings.HasPrefix(start, "{") && !json.Valid([]byte(text)) && len(sum.Broken) == 0 {
			t.Errorf("taken for JSON: %q", text)
		}
	})
}

// writeLog writes an audit log of a size, in the mix of a cluster: of 20 events one creates a pod, with request and answer; the others
// are of kubelets, leases and watches.
func writeLog(b *testing.B, bytes int) (path string, size int64) {
	b.Helper()
	pod := `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-7d4b9-x2v5z","generateName":"web-7d4b9-","namespace":"shop","labels":{"app":"web","pod-template-hash":"7d4b9"}},"spec":{"volumes":[{"name":"kube-api-access-x","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}}],"defaultMode":420}}],"containers":[` +
		strings.TrimSuffix(strings.Repeat(`{"name":"c","image":"registry.example/app:1","resources":{},"volumeMounts":[{"name":"kube-api-access-x","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always","securityContext":{"runAsUser":1000}},`, 3), ",") + `]}}`
	create := strings.NewReplacer(`{"kind":"Pod"}`, pod, `{"kind":"Pod","metadata":{"name":"web"}}`, pod).Replace(created)
	status := strings.NewReplacer(`"verb":"create"`, `"verb":"patch"`, `"name":"web"`, `"name":"web","subresource":"status"`).Replace(create)
	lease := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"b-2","stage":"ResponseComplete","requestURI":"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1?timeout=10s","verb":"update","user":{"username":"system:node:node-1","groups":["system:nodes","system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"kubelet/v1.24.17 (linux/amd64) kubernetes/22a9682","objectRef":{"resource":"leases","namespace":"kube-node-lease","name":"node-1","uid":"u","apiGroup":"coordination.k8s.io","apiVersion":"v1","resourceVersion":"1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.000000Z","stageTimestamp":"2026-01-02T03:04:06.000000Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`
	block := create + "\n" + strings.Repeat(status+"\n", 4) + strings.Repeat(lease+"\n", 15)
	path = filepath.Join(b.TempDir(), "audit.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	for size < int64(bytes) {
		n, err := f.WriteString(block)
		if err != nil {
			b.Fatal(err)
		}
		size += int64(n)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, size
}

// BenchmarkRead reads a log of 256 MiB for the pods that were created, and for everything, beside encoding/json on the same lines with
// all processors.
func BenchmarkRead(b *testing.B) {
	path, size := writeLog(b, 256<<20)
	run := func(b *testing.B, wants func(*auditlog.Event) bool) {
		b.SetBytes(size)
		for b.Loop() {
			n := 0
			sum, err := auditlog.ReadFiles(b.Context(), []string{path}, nil, auditlog.Query[int]{
				Wants: wants, Reduce: func(e *auditlog.Event) (int, bool, error) { return 1, len(e.RequestObject) > 0, nil }, Each: func(int) { n++ },
			})
			if err != nil || n == 0 || len(sum.Broken) > 0 {
				b.Fatal(err, n, sum)
			}
		}
		b.ReportMetric(float64(peakHeap(b, path, wants))/(1<<20), "MiB-heap")
	}
	b.Run("pods that were created", func(b *testing.B) {
		run(b, func(e *auditlog.Event) bool { return e.Stage == auditlog.StageComplete && e.Verb == "create" })
	})
	b.Run("every event", func(b *testing.B) { run(b, nil) })
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if n := decodeLines(b, path); n == 0 {
				b.Fatal("no events")
			}
		}
	})
}

// peakHeap returns the largest heap that was seen while a log was read.
func peakHeap(b *testing.B, path string, wants func(*auditlog.Event) bool) uint64 {
	b.Helper()
	var most uint64
	seen := 0
	_, err := auditlog.ReadFiles(context.Background(), []string{path}, nil, auditlog.Query[int]{
		Wants: wants, Reduce: func(*auditlog.Event) (int, bool, error) { return 0, true, nil },
		Each: func(int) {
			if seen++; seen%4096 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return most
}

// decodeLines decodes every line with encoding/json, with all processors.
func decodeLines(b *testing.B, path string) int {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	blocks := make(chan []byte, runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	var lock sync.Mutex
	total := 0
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			n := 0
			for block := range blocks {
				for line := range strings.SplitSeq(strings.TrimSuffix(string(block), "\n"), "\n") {
					var e standardEvent
					if err := json.Unmarshal([]byte(line), &e); err == nil && e.Kind == "Event" {
						n++
					}
				}
			}
			lock.Lock()
			defer lock.Unlock()
			total += n
		})
	}
	var rest []byte
	for {
		buf := make([]byte, len(rest)+1<<20)
		n, err := io.ReadFull(f, buf[copy(buf, rest):])
		buf = buf[:len(rest)+n]
		end := strings.LastIndexByte(string(buf), '\n') + 1
		blocks <- buf[:end]
		if rest = buf[end:]; err != nil {
			break
		}
	}
	close(blocks)
	running.Wait()
	if len(rest) > 0 {
		b.Fatal(fmt.Errorf("%d bytes are left", len(rest)))
	}
	return total
}
