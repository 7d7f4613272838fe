package cmd

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// writtenReports runs the command report and returns what it writes, by the output format, and of CSV by the file.
func writtenReports(t *testing.T, deps Deps, args ...string) map[string]string {
	t.Helper()
	dir, out := t.TempDir(), map[string]string{}
	args = append([]string{"report"}, args...)
	for _, format := range report.FormatNames(reportFormats(false)) {
		args = append(args, "-o", format+"="+filepath.Join(dir, format))
	}
	outputOf(t, deps, "", args...)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, csvFormat, "*"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, file := range append(slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == csvFormat }), tables...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(file, dir+"/")] = string(data)
	}
	return out
}

// Of 2,000 secret names no format of a redacted report has one, the same key gives the same bytes, and every name comes back.
func TestNoSecretIsInAReport(t *testing.T) {
	t.Parallel()
	deps, secrets := secretWorld(t, secretNamespaces())
	dir := t.TempDir()
	call := secrets.word() // a redacted report does not keep how the tool was called
	key, saved := filepath.Join(dir, "key"), filepath.Join(dir, call+".json")
	outputOf(t, deps, "", "plan", "-o", "json="+saved)
	plain, redacted := writtenReports(t, deps, "--plan", saved), writtenReports(t, deps, "--plan", saved, "--redact", key)
	again := writtenReports(t, deps, "--plan", saved, "--redact", key)
	for format, text := range redacted {
		if again[format] != text {
			t.Errorf("%s: the second time other bytes (-first +second):\n%s", format, cmp.Diff(text, again[format]))
		}
		if found := distinctIn(text, planted); len(found) > 0 {
			at := strings.Index(text, found[0])
			t.Errorf("%s has %d of the secrets, such as %s:\n...%s...", format, len(found), found[0], text[max(0, at-300):min(len(text), at+100)])
		}
		back := outputOf(t, deps, text, "unredact", "--key", key)
		for _, p := range distinctIn(back, pseudonym) {
			if strings.Contains(text, p) {
				t.Errorf("%s: %s does not come back", format, p)
			}
		}
		missing := slices.DeleteFunc(distinctIn(plain[format], planted), func(secret string) bool { return secret == call || strings.Contains(back, secret) })
		if len(missing) > 0 && !namesFirst(format) {
			at := strings.Index(plain[format], missing[0])
			t.Errorf("%s: %d names are missing, such as %s:\n...%s...", format, len(missing), missing[0], plain[format][max(0, at-300):min(len(plain[format]), at+100)])
		}
	}
}

// namesFirst is true for a form of the report that names the first of many where there are many: which these are depends on the pseudonyms.
func namesFirst(format string) bool {
	return slices.Contains([]string{"markdown", "csv/summary-unseen.csv", "csv/summary-next.csv", "csv/upgrade.csv"}, format)
}

// hostileNames are objects whose names are more than a word to YAML, to spreadsheets and to Markdown.
const hostileNames = `
{apiVersion: v1, kind: Namespace, metadata: {name: "1234", labels: {team: "true", pod-security.kubernetes.io/enforce: baseline}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: "null"}}
---
{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: "0x10"}, spec: {privileged: true, volumes: ['*'], allowedHostPaths: [{pathPrefix: "/srv/a b|c"}], hostNetwork: true, seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: "r:1", namespace: "1234"}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: ["0x10"], verbs: [use]}, {apiGroups: [''], resources: [namespaces, pods], verbs: [create, patch]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: "b: x", namespace: "1234"}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "r:1"}, subjects: [{kind: User, name: 'CN=Jane "J" Doe,O=ops|a', apiGroup: rbac.authorization.k8s.io}, {kind: User, name: "=cmd()", apiGroup: rbac.authorization.k8s.io}, {kind: User, name: "<img src=x onerror=alert(1)>", apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: "@everyone", apiGroup: rbac.authorization.k8s.io}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: "=adm,in"}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: User, name: "=cmd()|a", apiGroup: rbac.authorization.k8s.io}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "5678", namespace: "1234"}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {serviceAccountName: "99", hostNetwork: true, containers: [{name: "7", image: "x:1", securityContext: {privileged: true}}]}}}
`

// A report comes back as it would have been without redaction, but for the order of rows and lists: JSON and YAML as the same document,
// every table of CSV with the same cells.
func TestReportComesBack(t *testing.T) {
	t.Parallel()
	objects, dir, deps := t.TempDir(), t.TempDir(), SystemDeps("psp2pss")
	input, saved, key := filepath.Join(objects, "h,x.yaml"), filepath.Join(dir, "plan.json"), filepath.Join(dir, "key")
	if err := os.WriteFile(input, []byte(hostileNames), 0o600); err != nil {
		t.Fatal(err)
	}
	runDone(t, deps, "plan", "-f", objects, "-o", "json="+saved)
	neutral := strings.NewReplacer("--plan="+saved, "CALL", "--plan plan.json", "CALL")
	plain, redacted := writtenReports(t, deps, "--plan", saved), writtenReports(t, deps, "--plan", saved, "--redact", key)
	for format, text := range redacted {
		back, want := neutral.Replace(outputOf(t, deps, text, "unredact", "--key", key)), neutral.Replace(plain[format])
		if format == "html" || format == "markdown" {
			continue
		}
		if diff := cmp.Diff(rowsOfReport(t, format, want), rowsOfReport(t, format, back)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// rowsOfReport returns the rows of a report in JSON, YAML or CSV, each with its words sorted, in a fixed order; of a document also the rest.
func rowsOfReport(t *testing.T, format, text string) []string {
	t.Helper()
	var out []string
	add := func(cells ...string) {
		words := strings.FieldsFunc(strings.Join(cells, " "), func(r rune) bool { return strings.ContainsRune(" ,;()", r) })
		slices.Sort(words)
		out = append(out, strings.Join(words, " "))
	}
	if strings.HasPrefix(format, csvFormat) {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v\n%s", format, err, text)
		}
		for _, row := range rows {
			add(row...)
		}
		slices.Sort(out)
		return out
	}
	data := []byte(text)
	if format == "yaml" {
		var err error
		if data, err = yamlToJSON(data); err != nil {
			t.Fatal(err)
		}
	}
	var r handover.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	for _, s := range r.Sections {
		for _, table := range s.Tables {
			for _, row := range table.Rows {
				cells := []string{table.ID}
				for _, c := range row.Cells {
					cells = append(cells, c.Text, strconv.Itoa(c.Number), strconv.Itoa(len(c.Rows)))
				}
				for _, d := range row.Detail {
					cells = append(append(cells, d.ID), d.Lines...)
				}
				add(cells...)
			}
			table.Rows = nil
		}
	}
	rest, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return append(out, string(rest))
}

// A redacted report of some namespaces has the rows of these alone, as the one with names has.
func TestRedactedReportKeepsToItsNamespaces(t *testing.T) {
	t.Parallel()
	dir, deps := t.TempDir(), SystemDeps("psp2pss")
	saved, key, redactedPlan := filepath.Join(dir, "plan.json"), filepath.Join(dir, "key"), filepath.Join(dir, "redacted.json")
	runDone(t, deps, "plan", "--demo", "-o", "json="+saved)
	runDone(t, deps, "plan", "--demo", "--redact", key, "-o", "json="+redactedPlan)
	names := outputOf(t, deps, "", "plan", "--plan", saved, "-n", "shop", "--redact", key, "-o", "name")
	shop := strings.TrimSpace(strings.TrimPrefix(names, "namespace/"))
	plain := writtenReports(t, deps, "--plan", saved, "-n", "shop")
	for _, args := range [][]string{{"--plan", saved, "-n", "shop", "--redact", key}, {"--plan", redactedPlan, "-n", shop}} {
		for format, text := range writtenReports(t, deps, args...) {
			if want, got := strings.Count(plain[format], "\n"), strings.Count(text, "\n"); strings.HasPrefix(format, csvFormat) && got != want {
				t.Errorf("%q: %s has %d lines, want %d:\n%s", args, format, got, want, text)
			}
		}
	}
}
