package auditlog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// created is an event as kube-apiserver v1.24 writes it.
const created = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods?fieldManager=x","verb":"create","user":{"username":"jane","uid":"1","groups":["ops","system:authenticated"]},"sourceIPs":["::1"],"objectRef":{"resource":"pods","namespace":"shop","name":"web","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},"requestObject":{"kind":"Pod"},"responseObject":{"kind":"Pod","metadata":{"name":"web"}},"requestReceivedTimestamp":"2026-01-02T03:04:05.000000Z","stageTimestamp":"2026-01-02T03:04:06.000000Z","annotations":{"podsecuritypolicy.policy.k8s.io/admit-policy":"strict"}}`

func createdEvent() auditlog.Event {
	return auditlog.Event{
		AuditID: "a-1", Level: "RequestResponse", Stage: "ResponseComplete", Verb: "create", RequestURI: "/api/v1/namespaces/shop/pods?fieldManager=x",
		Time: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), User: auditlog.User{Name: "jane", Groups: []string{"ops", "system:authenticated"}},
		Object: auditlog.ObjectReference{Resource: "pods", Namespace: "shop", Name: "web"}, Code: 201,
		RequestObject: []byte(`{"kind":"Pod"}`), ResponseObject: []byte(`{"kind":"Pod","metadata":{"name":"web"}}`),
		Annotations: map[string]string{"podsecuritypolicy.policy.k8s.io/admit-policy": "strict"},
	}
}

// read returns all events of a log, and its summary.
func read(t *testing.T, text string) ([]auditlog.Event, auditlog.Summary, error) {
	t.Helper()
	var events []auditlog.Event
	var sum auditlog.Summary
	err := auditlog.Read(t.Context(), "log", strings.NewReader(text), keepAll(&events), &sum)
	return events, sum, err
}

func keepAll(events *[]auditlog.Event) auditlog.Query[auditlog.Event] {
	return auditlog.Query[auditlog.Event]{
		Reduce: func(e *auditlog.Event) (auditlog.Event, bool, error) {
			out := *e
			out.RequestObject, out.ResponseObject = bytes.Clone(e.RequestObject), bytes.Clone(e.ResponseObject)
			return out, true, nil
		},
		Each: func(e auditlog.Event) { *events = append(*events, e) },
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// One event is the same event in every shape in which logs are kept. The shapes of the clouds follow the programs that read them:
// falcosecurity/plugins, plugins/k8saudit-eks and k8saudit-aks.
func TestShapes(t *testing.T) {
	t.Parallel()
	inList := strings.Replace(created, `"kind":"Event","apiVersion":"audit.k8s.io/v1",`, "", 1)
	columns := strings.NewReplacer(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`, "", `"level"`, `"Level"`, `"auditID"`, `"AuditId"`, `"stage"`, `"Stage"`, `"requestURI"`, `"RequestUri"`,
		`"verb"`, `"Verb"`, `"user"`, `"User"`, `"objectRef"`, `"ObjectRef"`, `"responseStatus"`, `"ResponseStatus"`, `"requestObject"`, `"RequestObject"`, `"responseObject"`, `"ResponseObject"`,
		`"stageTimestamp"`, `"StageReceivedTime"`, `"requestReceivedTimestamp"`, `"RequestReceivedTime"`, `"annotations"`, `"Annotations"`).Replace(created)
	for name, text := range map[string]string{
		"line":                          created + "\n" + created,
		"windows lines, blank lines":    "\n" + created + "\r\n\r\n" + created + "\r\n",
		"event list":                    `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + inList + `,` + inList + `]}`,
		"event lists, a line each":      strings.Repeat(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`+inList+`]}`+"\n", 2),
		"event list after an event":     created + "\n" + `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[` + inList + `]}`,
		"empty list":                    `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}` + "\n" + created + created,
		"array":                         `[` + created + `, ` + created + `]`,
		"time before":                   "2026-01-02T03:04:07.123Z " + created + "\n2026-01-02T03:04:07Z\t" + created,
		"CloudWatch, filter-log-events": `{"events":[{"logStreamName":"kube-apiserver-audit-1","timestamp":1,"message":` + quoted(created) + `,"eventId":"x"},{"message":` + quoted(created) + `}],"searchedLogStreams":[]}`,
		"CloudWatch, subscription":      `{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{"id":"1","timestamp":1,"message":` + quoted(created) + `},{"message":` + quoted(created) + `}]}`,
		"Azure, records":                `{"records":[{"category":"kube-audit","operationName":"x","properties":{"log":` + quoted(created+"\n") + `,"stream":"stdout","pod":"p"}},{"category":"kube-audit-admin","properties":{"log":` + quoted(created) + `}}]}`,
		"Azure, records, a line each":   strings.Repeat(`{"category":"kube-audit","properties":{"log":`+quoted(created)+`}}`+"\n", 2),
		"Azure, table":                  `[` + columns + `,` + columns + `]`,
		"kind escaped":                  strings.Replace(created, `"kind":"Event"`, `"\u006bind":"\u0045vent"`, 1) + "\n" + created,
	} {
		forms := map[string]string{name: text, name + ", gz": zipped(t, text)}
		if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			var b strings.Builder
			for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
				var v json.RawMessage
				if err := d.Decode(&v); err != nil {
					t.Fatal(name, err)
				}
				b.WriteString(indented(t, string(v)) + "\n")
			}
			forms[name+", over lines"] = b.String()
		}
		for name, text := range forms {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				events, sum, err := read(t, text)
				if err != nil {
					t.Fatal(err)
				}
				for i := range events {
					events[i].RequestObject, events[i].ResponseObject = compact(t, events[i].RequestObject), compact(t, events[i].ResponseObject)
				}
				if diff := cmp.Diff([]auditlog.Event{createdEvent(), createdEvent()}, events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				at := createdEvent().Time
				if diff := cmp.Diff(auditlog.Summary{Events: 2, First: at, Last: at}, sum); diff != "" {
					t.Errorf("summary (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Entries of Google Cloud Logging have no groups, and their annotations in the labels (falcosecurity/plugins,
// plugins/k8saudit-gke/pkg/k8sauditgke/convert.go).
func TestLogEntry(t *testing.T) {
	t.Parallel()
	const entry = `{"insertId":"i-1","logName":"projects/p/logs/cloudaudit.googleapis.com%%2Factivity","resource":{"type":"k8s_cluster"},"timestamp":"2026-01-02T03:04:06Z","labels":{"podsecuritypolicy.policy.k8s.io/admit-policy":"strict"},` +
		`"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"%s","methodName":"%s","resourceName":"%s","authenticationInfo":{"principalEmail":"jane"},%s}}`
	for name, c := range map[string]struct {
		text string
		want []auditlog.Event
	}{
		"created": {fmt.Sprintf(entry, "k8s.io", "io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods/web", `"request":{"kind":"Pod"},"response":{"kind":"Pod","metadata":{"name":"web"}},"status":{}`), []auditlog.Event{func() auditlog.Event {
			e := createdEvent()
			e.AuditID, e.RequestURI, e.User.Groups = "i-1", "", nil
			return e
		}()}},
		"refused": {fmt.Sprintf(entry, "k8s.io", "io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods", `"status":{"code":7,"message":"no"}`), []auditlog.Event{func() auditlog.Event {
			e := createdEvent()
			e.AuditID, e.RequestURI, e.User.Groups, e.Code, e.Message, e.Level, e.Object.Name = "i-1", "", nil, 403, "no", "Metadata", ""
			e.RequestObject, e.ResponseObject = nil, nil
			return e
		}()}},
		"of a subresource": {fmt.Sprintf(entry, "k8s.io", "io.k8s.policy.v1.pods.eviction.create", "policy/v1/namespaces/shop/pods/web/eviction", `"status":{}`), []auditlog.Event{func() auditlog.Event {
			e := createdEvent()
			e.AuditID, e.RequestURI, e.User.Groups, e.Level = "i-1", "", nil, "Metadata"
			e.RequestObject, e.ResponseObject, e.Object.Subresource, e.Object.APIGroup = nil, nil, "eviction", "policy"
			return e
		}()}},
		"another service": {fmt.Sprintf(entry, "container.googleapis.com", "google.container.v1.ClusterManager.SetLabels", "x", `"status":{}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range []string{c.text, "[" + c.text + "]", indented(t, "["+c.text+"]")} {
				events, sum, err := read(t, text)
				if err != nil || len(sum.Broken) > 0 || sum.Foreign != 1-len(c.want) {
					t.Fatal(err, sum)
				}
				for i := range events {
					if e := &events[i]; e.RequestObject != nil {
						e.RequestObject, e.ResponseObject = compact(t, e.RequestObject), compact(t, e.ResponseObject)
					}
				}
				if diff := cmp.Diff(c.want, events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// What is no event is counted and named, and all else is read.
func TestBroken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 16<<20+1)
	for name, c := range map[string]struct {
		text   string
		events int
		broken []string
	}{
		"nothing":            {"", 0, nil},
		"text":               {created + "\nhello\n" + created, 2, []string{"log:2: it is not JSON"}},
		"text before":        {"I0102 " + created + "\n" + created, 1, []string{`log:1: it is not JSON: "I0102" stands before it, which is no time`}},
		"cut off":            {created + "\n" + created[:99] + "\n" + created, 2, []string{"log:2: it is not an event of audit.k8s.io: the JSON ends too early"}},
		"first line cut off": {created[:99] + "\n" + created, 1, []string{"log:1: it is not an event of audit.k8s.io: the JSON ends too early"}},
		"cut at a comma":     {`{"kind":"Event",` + "\n" + created, 1, []string{"log:1: it is not an event of audit.k8s.io: the JSON ends too early"}},
		"truncated":          {created + "\n" + created[:99] + "[Truncated...]\n" + created, 2, []string{"log:2: it is cut off: it ends in [Truncated...]"}},
		"truncated message":  {`{"events":[{"message":` + quoted(created[:99]+"[Truncated...]") + `},{"message":` + quoted(created) + `}]}`, 1, []string{"log:1: it is cut off: it ends in [Truncated...]"}},
		"another kind":       {`{"kind":"Pod","apiVersion":"v1"}` + "\n" + created, 1, []string{`log:1: it is "Pod" of "v1", not an event of audit.k8s.io`}},
		"too long":           {long + "\n" + created, 1, []string{"log:1: it is longer than 16 MiB"}},
		"too long at last":   {created + "\n" + long, 1, []string{"log:2: it is longer than 16 MiB"}},
		"wrong type":         {strings.Replace(created, `"stage":"ResponseComplete"`, `"stage":1`, 1), 0, []string{`log:1: it is not an event of audit.k8s.io: "1" is no text`}},
		"list cut off":       {`[` + created + `,` + created[:99], 1, []string{"log:1: the JSON ends too early; the rest of it is not read"}},
		"list with a word":   {`[` + created + `,` + "\n" + `wrong,` + created + `]`, 1, []string{`log:2: 'w' stands where an element of a list has to be; the rest of it is not read`}},
		"wrapped too often":  {strings.Repeat("[", 9) + created + strings.Repeat("]", 9), 0, []string{"log:1: it is wrapped more than 4 times; the rest of it is not read"}},
		"deep":               {`{"kind":` + strings.Repeat("[", 20_000), 0, []string{"log:1: it is not an event of audit.k8s.io: it is nested more than 10000 deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, sum, err := read(t, c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.broken, sum.Broken); diff != "" || len(events) != c.events || sum.Events != c.events {
				t.Errorf("%d events, %d in the summary, want %d; broken (-want +got):\n%s", len(events), sum.Events, c.events, diff)
			}
		})
	}
}

// The first ten are named, in the order of the log, and the others counted.
func TestBrokenAreCounted(t *testing.T) {
	t.Parallel()
	_, sum, err := read(t, strings.Repeat("no\n"+created+"\n", 20_000))
	if err != nil || len(sum.Broken) != 10 || sum.Broken[9] != "log:19: it is not JSON" || sum.MoreBroken != 19_990 || sum.Events != 20_000 {
		t.Errorf("%v, %+v", err, sum)
	}
}

// The text format of old API servers (kubernetes v1.24.17, staging/src/k8s.io/apiserver/pkg/audit/format.go) is refused.
func TestLegacy(t *testing.T) {
	t.Parallel()
	const line = `2026-01-02T03:04:05.000000Z AUDIT: id="a-1" stage="ResponseComplete" ip="::1" method="create" user="jane" groups="\"ops\"" as="<self>" asgroups="<lookup>" user-agent="x" namespace="shop" uri="/api/v1" response="201"` + "\n"
	if _, _, err := read(t, strings.Repeat(line, 3)); err == nil || !strings.Contains(err.Error(), "--audit-log-format=json") {
		t.Errorf("error %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	var events []auditlog.Event
	var sum auditlog.Summary
	if err := auditlog.Read(t.Context(), "log", iotest.TimeoutReader(strings.NewReader(strings.Repeat(created+"\n", 200))), keepAll(&events), &sum); err == nil {
		t.Error("no error for a log that cannot be read on")
	}
	if err := auditlog.Read(t.Context(), "log", strings.NewReader(zipped(t, created)[:60]), keepAll(&events), &sum); err == nil {
		t.Error("no error for a damaged archive")
	}
}

// A folder holds rotated logs, compressed or not, and perhaps other files.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"audit.log": created + "\n", "audit-2026-01-01T00-00-00.000.log.gz": zipped(t, created), "sub/list.json": "[" + created + "]", ".hidden": created, "README": "logs of the API server\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var events []auditlog.Event
	sum, err := auditlog.ReadFiles(t.Context(), []string{dir, "-"}, strings.NewReader(created), keepAll(&events))
	if err != nil || len(events) != 4 || sum.Events != 4 || len(sum.Broken) > 0 || len(sum.OtherFiles) != 1 {
		t.Errorf("%v, %d events, %+v", err, len(events), sum)
	}
	if _, err := auditlog.ReadFiles(t.Context(), []string{filepath.Join(dir, "none")}, nil, keepAll(&events)); err == nil {
		t.Error("no error for a file that is not there")
	}
}
