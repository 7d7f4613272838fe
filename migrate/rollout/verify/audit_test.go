package verify

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// event of an audit log as an API server writes it: a line.
func auditLineOf(resource, name, more string) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"/x","verb":"create",`+
		`"user":{"username":"system:serviceaccount:kube-system:replicaset-controller","groups":["system:authenticated"]},`+
		`"objectRef":{"resource":%q,"namespace":"shop","name":%q,"apiVersion":"v1"},%s}`, resource, name, more)
}

const (
	denied     = `"responseStatus":{"metadata":{},"status":"Failure","message":"pods \"web-7d4b9-\" is forbidden: violates PodSecurity \"baseline:v1.25\": privileged (x)","reason":"Forbidden","code":403},"annotations":{"pod-security.kubernetes.io/enforce-policy":"baseline:v1.25"}`
	deniedText = `pods "web-7d4b9-" is forbidden: violates PodSecurity "baseline:v1.25": privileged (x)`
	passed     = `"responseStatus":{"metadata":{},"code":201},"annotations":{"authorization.k8s.io/decision":"allow","pod-security.kubernetes.io/enforce-policy":"baseline:v1.25"}`
	restricted = `would violate PodSecurity \"restricted:latest\": runAsNonRoot != true (x)`
	byOwner    = `,"requestObject":{"metadata":{"generateName":"web-7d4b9-","labels":{"pod-template-hash":"7d4b9"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d4b9","uid":"u","controller":true}]}}`
)

func violating(level string) string {
	return `"responseStatus":{"code":201},"annotations":{"pod-security.kubernetes.io/audit-violations":"would violate PodSecurity \"` + level + `:latest\": x (y)"}`
}

// notAccepted is a request of which a policy says that it does not accept it, with the code of the answer.
func notAccepted(policy, said string, code int) string {
	return fmt.Sprintf(`"responseStatus":{"code":%d},"annotations":{"pod-security.kubernetes.io/enforce-policy":"baseline:v1.25",%q:%q}`, code, failureAnnotation,
		fmt.Sprintf(`[{"message":%q,"policy":%q,"binding":"b","expressionIndex":1,"validationActions":["Warn","Audit"]}]`, said, policy))
}

// refusedBy is a request that a ValidatingAdmissionPolicy refuses.
func refusedBy(policy string) string {
	return fmt.Sprintf(`"responseStatus":{"status":"Failure","message":"pods \"web-7d4b9-\" is forbidden: ValidatingAdmissionPolicy '%s' with binding 'b' denied request: hostPID is true","reason":"Forbidden","code":403}`, policy)
}

func audited(workload string, status CheckStatus, why string) CheckResult {
	return row(CheckAudit, workload, status, why)
}

func judgedRequests(n int) CheckResult {
	return audited("", StatusOK, fmt.Sprintf("requests that Pod Security evaluated: %d", n))
}

func unheard() CheckResult {
	return audited("", StatusUnknown, "the log has no request in it that Pod Security evaluated")
}

func broken(why string) CheckResult {
	return CheckResult{Check: CheckAudit, Status: StatusUnknown, Reason: says(why)}
}

// The shop enforces baseline.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	const would = `would violate PodSecurity "%s:latest": x (y)`
	for _, c := range []struct {
		name  string
		lines []string
		want  []CheckResult
	}{
		{"empty", nil, []CheckResult{unheard()}},
		{"nothing about it", []string{auditLineOf("pods", "p", `"responseStatus":{"code":201}`)}, []CheckResult{unheard()}},
		{"passed", []string{auditLineOf("pods", "p", passed), "", auditLineOf("pods", "q", passed)}, []CheckResult{judgedRequests(2)}},
		{"refused", []string{auditLineOf("pods", "", denied), auditLineOf("pods", "", denied)}, []CheckResult{
			judgedRequests(2), audited("replicaset/web-7d4b9", StatusNotOK, "refused (2 times): "+deniedText),
		}},
		{"refused, with its owner", []string{auditLineOf("pods", "", denied+byOwner)}, []CheckResult{
			judgedRequests(1), audited("deployment/web", StatusNotOK, "refused (once): "+deniedText),
		}},
		{"another owner", []string{auditLineOf("pods", "", denied+strings.NewReplacer("ReplicaSet", "DaemonSet", "web-7d4b9\"", "agent\"").Replace(byOwner))}, []CheckResult{
			judgedRequests(1), audited("daemonset/agent", StatusNotOK, "refused (once): "+deniedText),
		}},
		{"a patch for a request", []string{auditLineOf("pods", "p-1", denied+`,"requestObject":[{"op":"add"}]`)}, []CheckResult{
			judgedRequests(1), audited("replicaset/p", StatusNotOK, "refused (once): "+deniedText),
		}},
		{"refused by others", []string{auditLineOf("pods", "p", `"responseStatus":{"code":403,"message":"exceeded quota"},"annotations":{"pod-security.kubernetes.io/enforce-policy":"baseline:v1.25"}`)}, []CheckResult{judgedRequests(1)}},
		{"would break a stricter level", []string{auditLineOf("pods", "p", violating("restricted"))}, []CheckResult{
			judgedRequests(1), audited("replicaset/p", StatusOK, "let in, and would be refused at restricted (once): "+fmt.Sprintf(would, "restricted")),
		}},
		{"breaks the level", []string{auditLineOf("pods", "p", violating("baseline")), auditLineOf("cronjobs", "c", violating("baseline"))}, []CheckResult{
			judgedRequests(2),
			audited("cronjob/c", StatusNotOK, "its pods are refused at baseline, which the namespace enforces (once): "+fmt.Sprintf(would, "baseline")),
			audited("replicaset/p", StatusNotOK, "let in then, and refused when it is made again at baseline, which the namespace enforces (once): "+fmt.Sprintf(would, "baseline")),
		}},
		{"a level that is none", []string{auditLineOf("pods", "p", violating("wild"))}, []CheckResult{
			judgedRequests(1), audited("replicaset/p", StatusUnknown, "let in, and violates a level that the log does not name (once): "+fmt.Sprintf(would, "wild")),
		}},
		{"exempt, and could not be judged", []string{
			auditLineOf("deployments", "d", `"annotations":{"pod-security.kubernetes.io/exempt":"user"}`),
			auditLineOf("deployments", "", `"annotations":{"pod-security.kubernetes.io/error":"failed to decode"}`),
		}, []CheckResult{
			judgedRequests(2), audited("deployment/(unnamed)", StatusUnknown, "the server could not evaluate it (once): failed to decode"),
			audited("deployment/d", StatusOK, "let in unseen (once): exempt by user"),
		}},
		{"by the names that controllers give", []string{
			auditLineOf("pods", "web-7d4b9-x2v5z", denied),
			strings.Replace(auditLineOf("pods", "db-11", denied), "replicaset-controller", "statefulset-controller", 1),
			strings.Replace(auditLineOf("pods", "agent-x2v5z", denied), "system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager", 1),
			strings.Replace(auditLineOf("pods", "my-pod", denied), "system:serviceaccount:kube-system:replicaset-controller", "jane", 1),
			strings.Replace(auditLineOf("pods", "my-pod", denied), "kube-system:replicaset-controller", "ci:replicaset-controller", 1),
			auditLineOf("pods", "", denied+`,"requestObject":{"metadata":{"generateName":"made-"}}`),
		}, []CheckResult{
			judgedRequests(6), audited("pod/agent-*", StatusNotOK, "refused (once): "+deniedText), audited("pod/made-*", StatusNotOK, "refused (once): "+deniedText),
			audited("pod/my-pod", StatusNotOK, "refused (2 times): "+deniedText),
			audited("replicaset/web-7d4b9", StatusNotOK, "refused (once): "+deniedText), audited("statefulset/db", StatusNotOK, "refused (once): "+deniedText),
		}},
		{"nameless", []string{auditLineOf("pods", "", violating("restricted"))}, []CheckResult{
			judgedRequests(1), audited("pod/(unnamed, made by system:serviceaccount:kube-system:replicaset-controller)", StatusOK, "let in, and would be refused at restricted (once): "+fmt.Sprintf(would, "restricted")),
		}},
		{"a dry run, another stage, another namespace", []string{
			strings.Replace(auditLineOf("pods", "p", denied), `"/x"`, `"/x?dryRun=All&pretty=true"`, 1),
			strings.Replace(auditLineOf("pods", "p", denied), "ResponseComplete", "RequestReceived", 1),
			strings.Replace(auditLineOf("pods", "p", denied), `"shop"`, `"blog"`, 1),
		}, []CheckResult{audited("", StatusUnknown, "the log has no request in it that Pod Security evaluated; dry runs, which are passed over: 1")}},
		{"not accepted by a generated policy", []string{
			auditLineOf("pods", "p", notAccepted("psp2pss-shop", "hostPID is true", 201)), auditLineOf("pods", "p", notAccepted("psp2pss-shop", "hostPID is true", 201)),
			auditLineOf("pods", "q", notAccepted("psp2pss-shop", "hostPID is true", 403)), auditLineOf("pods", "r", notAccepted("of-somebody", "no", 201)),
		}, []CheckResult{
			judgedRequests(4), audited("replicaset/p", StatusNotOK, "let in, and the policy psp2pss-shop refuses it once its action is deny (2 times): hostPID is true"),
			audited("replicaset/q", StatusOK, "refused, and the policy psp2pss-shop does not accept it either (once): hostPID is true"),
		}},
		{"refused by a generated policy", []string{
			auditLineOf("pods", "", refusedBy("psp2pss-shop")+`,"annotations":{}`), auditLineOf("pods", "", refusedBy("of-somebody")),
			strings.Replace(auditLineOf("pods", "p", refusedBy("psp2pss-shop")), `"/x"`, `"/x?dryRun=All"`, 1),
			auditLineOf("pods", "", refusedBy("psp2pss-shop")+`,"annotations":{"`+failureAnnotation+`":"[{\"policy\":\"psp2pss-shop\",\"message\":\"a\"},{\"policy\":\"psp2pss-b\",\"message\":\"b\"}]"}`),
		}, []CheckResult{
			audited("", StatusUnknown, "the log has no request in it that Pod Security evaluated; dry runs, which are passed over: 1"),
			audited("replicaset/web-7d4b9", StatusNotOK, "refused by the policy psp2pss-shop (2 times): "+`pods "web-7d4b9-" is forbidden: ValidatingAdmissionPolicy 'psp2pss-shop' with binding 'b' denied request: hostPID is true`),
			audited("replicaset/web-7d4b9", StatusOK, "refused, and the policy psp2pss-b does not accept it either (once): b"),
		}},
		{"an annotation that is none", []string{auditLineOf("pods", "p", `"annotations":{"`+failureAnnotation+`":"{}"}`)}, []CheckResult{
			broken("audit.log:1: its annotation " + failureAnnotation + " is no list of failures: json: cannot unmarshal object into Go value of type []verify.policyFailure"), unheard(),
		}},
		{"broken", []string{auditLineOf("pods", "p", passed), "{", `{"kind":"Pod","apiVersion":"v1"}`, auditLineOf("pods", "p", passed)}, []CheckResult{
			broken("audit.log:2: it is not an event of audit.k8s.io: the JSON ends too early"), broken(`audit.log:3: it is "Pod" of "v1", not an event of audit.k8s.io`), judgedRequests(2),
		}},
		{"too long", []string{strings.Repeat("x", 16<<20+1), auditLineOf("pods", "p", passed)}, []CheckResult{
			broken("audit.log:1: it is longer than 16 MiB"), judgedRequests(1),
		}},
		{"broken all over", strings.Split(strings.Repeat("1\n", auditlog.MaxBroken+5), "\n")[:auditlog.MaxBroken+5], append(brokenLines(), unheard())},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Join(c.lines, "\n")
			for _, in := range []string{text, zipped(t, text)} {
				var log AuditLog
				if err := log.Read(t.Context(), "audit.log", strings.NewReader(in)); err != nil {
					t.Fatal(err)
				}
				got, err := CheckNamespaces(t.Context(), Verification{Client: fakeCluster(t, shop), Namespaces: []string{"shop"}, Audit: &log})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, only(got, CheckAudit), sameResults()); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func brokenLines() []CheckResult {
	out := []CheckResult{broken("5 more lines are no audit events")}
	for _, n := range []int{10, 1, 2, 3, 4, 5, 6, 7, 8, 9} {
		out = append(out, broken(fmt.Sprintf("audit.log:%d: it is not JSON", n)))
	}
	return out
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

// What a namespace enforces by the server's configuration alone is not known.
func TestAuditLogWithoutLevel(t *testing.T) {
	t.Parallel()
	var log AuditLog
	if err := log.Read(t.Context(), "a", strings.NewReader(auditLineOf("pods", "p", violating("baseline")))); err != nil {
		t.Fatal(err)
	}
	want := audited("replicaset/p", StatusUnknown, `let in, and would be refused at baseline, and it is not known what the namespace enforces (once): would violate PodSecurity "baseline:latest": x (y)`)
	if diff := cmp.Diff([]CheckResult{want}, log.results([]string{"shop"}, nil)[:1], sameResults()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// What a log makes us keep is bounded, and what is left out is told.
func TestAuditLogIsBounded(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range maxAuditWorkloads + 3 {
		lines.WriteString(auditLineOf("pods", fmt.Sprint("p", i), violating("restricted")) + "\n")
	}
	var log AuditLog
	if err := log.Read(t.Context(), "a", strings.NewReader(lines.String())); err != nil {
		t.Fatal(err)
	}
	results := log.results([]string{"shop"}, map[string]string{"shop": "baseline"})
	want := broken("3 requests are not listed: the log has more than 10000 workloads")
	if got := results[len(results)-1]; len(log.findings) != maxAuditWorkloads || !cmp.Equal(got, want, sameResults()) {
		t.Errorf("kept %d workloads and told %+v, want %d and %+v", len(log.findings), got, maxAuditWorkloads, want)
	}
}

// Nothing that a log holds stops the rest of it from being read.
func FuzzAuditLog(f *testing.F) {
	f.Add([]byte(auditLineOf("pods", "", denied+byOwner)))
	f.Add([]byte(auditLineOf("deployments", "d", violating("restricted"))))
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			return // a damaged archive is an error, and ends it
		}
		var log AuditLog
		text := append(append([]byte(auditLineOf("pods", "first", passed)+"\n"), data...), []byte("\n"+auditLineOf("pods", "last", denied))...)
		if err := log.Read(t.Context(), "a", bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		results := log.results([]string{"shop"}, map[string]string{"shop": "baseline"})
		found := false
		for _, r := range results {
			found = found || r.Workload == "replicaset/last" && r.Status == StatusNotOK
			if len(r.Reason.Text) > 3*maxAuditMessageBytes || len(r.Workload) > 2*maxAuditMessageBytes {
				t.Errorf("%d bytes of %s", len(r.Reason.Text), r.Workload)
			}
		}
		if !found || log.evaluatedRequests["shop"] < 2 {
			t.Errorf("the last line is lost: %+v", results)
		}
	})
}
