package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// terminal are streams over buffers that look like a terminal of some width to a command, as SystemStreams makes them.
func terminal(width int) (s Streams, out, errOut *bytes.Buffer) {
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	return Streams{In: strings.NewReader(""), Out: out, ErrOut: foldingWriter{errOut, width}, Width: width}, out, errOut
}

// pasted matches lines that may be longer than a terminal is wide, since they are copied: a command, perhaps behind what it does.
var pasted = regexp.MustCompile(`(^ *|: |  |\$ )(psp2pss|kubectl|helm|git|sh|chmod|source) `)

// columns is how many columns of a terminal a line takes: two for each character of these scripts.
func columns(line string) int {
	n := 0
	for _, r := range line {
		n++
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			n++
		}
	}
	return n
}

// checkWidth fails where text that a command wrote to a terminal has a line that is too long, but for lines that are
// copied: commands, YAML from a line that names an API version to the next line that is no part of it, and diffs.
func checkWidth(t *testing.T, what, text string, width int) {
	t.Helper()
	manifest, diff, indent := false, false, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		bare := strings.TrimLeft(line, " ")
		if strings.HasPrefix(bare, "apiVersion: ") {
			manifest, indent = true, line[:len(line)-len(bare)]
		}
		manifest = manifest && line != "" && strings.HasPrefix(line, indent) && !strings.HasPrefix(bare, "#")
		diff = strings.HasPrefix(line, "--- ") || diff && line != "" && strings.ContainsRune(" +-@\\", rune(line[0]))
		if n := columns(line); n > width && !manifest && !diff && !pasted.MatchString(line) {
			t.Errorf("%s: %d columns: %s", what, n, line)
			return
		}
	}
}

// formatsToCopy are those whose lines programs read, or people copy.
func formatsToCopy() []string {
	return []string{"json", "yaml", "name", commandsFormat, manifestFormat, kustomizeFormat, applyFormat, "terraform", "admission-config", "custom-columns", "jsonpath", "sarif", "junit", "github", "github-summary", "gitlab", "policyreport", "openreports", "markdown", "html", "csv", dirFormat, archiveFormat}
}

const maxName = 253

// demoObjects are those of the built-in cluster.
var demoObjects = objects{"apps", "shop", "deployment/web", "default"}

var (
	longName      = strings.Repeat("very-long-name-", 20)[:maxName-1] + "x"
	longNamespace = strings.Repeat("n", 63)
)

// writeLong writes objects whose names are as long as names may be, and some that no object may have.
func writeLong(t *testing.T, dir string) {
	t.Helper()
	type m = map[string]any
	const wide = "名前空間"
	spec := m{"serviceAccountName": longName, "hostNetwork": true, "containers": []any{
		m{"name": strings.Repeat("c", 63), "image": strings.Repeat("registry/", 30) + "i", "securityContext": m{"privileged": true, "capabilities": m{"add": []any{longName, wide}}}},
	}, "volumes": []any{m{"name": strings.Repeat("v", 63), "hostPath": m{"path": "/" + strings.Repeat("very/long/path/", 20)}}}}
	named := func(apiVersion, kind, name, namespace string, more m) m {
		meta := m{"name": name, "annotations": m{longName[:63]: strings.Repeat(wide, 40)}}
		if namespace != "" {
			meta["namespace"] = namespace
		}
		o := m{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	rule := m{"rule": "RunAsAny"}
	policy := m{"spec": m{
		"privileged": true, "hostNetwork": true, "volumes": []any{"*"}, "allowedHostPaths": []any{m{"pathPrefix": "/" + strings.Repeat("path/", 40)}},
		"defaultAddCapabilities": []any{strings.ToUpper(longName)}, "runAsUser": rule, "seLinux": rule, "fsGroup": rule, "supplementalGroups": rule,
	}}
	const rbac = "rbac.authorization.k8s.io"
	deployment := func(spec m) m {
		return m{"spec": m{"selector": m{"matchLabels": m{"a": "b"}}, "template": m{"metadata": m{"labels": m{"a": "b"}}, "spec": spec}}}
	}
	docs := []any{
		named("v1", "Namespace", longNamespace, "", nil), named("v1", "Namespace", "名前", "", nil),
		named("policy/v1beta1", "PodSecurityPolicy", longName, "", policy), named("policy/v1beta1", "PodSecurityPolicy", wide, "", policy),
		named("v1", "ServiceAccount", longName, longNamespace, nil),
		named(rbac+"/v1", "ClusterRole", longName, "", m{"rules": []any{m{"apiGroups": []any{"policy"}, "resources": []any{"podsecuritypolicies"}, "resourceNames": []any{longName}, "verbs": []any{"use"}}}}),
		named(rbac+"/v1", "ClusterRoleBinding", longName, "", m{"roleRef": m{"kind": "ClusterRole", "name": longName, "apiGroup": rbac}, "subjects": []any{
			m{"kind": "ServiceAccount", "name": longName, "namespace": longNamespace}, m{"kind": "User", "name": strings.Repeat(wide, 30), "apiGroup": rbac},
		}}),
		named("apps/v1", "Deployment", longName, longNamespace, deployment(spec)),
		named("apps/v1", "Deployment", wide, longNamespace, deployment(spec)),
		named("v1", "Pod", "p", longNamespace, m{"spec": m{"containers": strings.Repeat(wide, 50)}}),
	}
	data, err := json.Marshal(m{"apiVersion": "v1", "kind": "List", "items": docs})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, strings.Repeat("folder-", 20), wide)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.Repeat("file-", 20)+".json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// No command writes a line that a terminal of 80 columns has no room for, but lines that are copied: over the demo, over
// objects with the longest names and such that no object may have, and where it was called wrongly.
func TestEightyColumns(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHostile(t, "hostile")
	writeLong(t, "long")
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	mine := newShare(7)
	run := func(width int, args ...string) {
		t.Helper()
		if !mine() {
			return
		}
		streams, out, errOut := terminal(width)
		Run(context.Background(), streams, deps, args)
		what := strings.Join(args, " ")
		if len(what) > 100 {
			what = what[:100] + "..."
		}
		checkWidth(t, what+", standard output", out.String(), width)
		checkWidth(t, what+", standard error", errOut.String(), width)
	}
	sources := []struct {
		args []string
		objects
	}{
		{[]string{"--demo"}, demoObjects},
		{[]string{"-R", "-f", "long"}, objects{longName, longNamespace, "deployment/" + longName, longName}},
		{[]string{"-R", "-f", "hostile"}, hostileObjects},
		{[]string{"-f", strings.Repeat("no/such/folder/", 20)}, hostileObjects},
	}
	for path, c := range commands(t) {
		tried, words := trials()[path], strings.Fields(path)
		for _, wrong := range [][]string{{longName}, {"--" + longName}, {"--" + longName + "=" + hostile}, {"-" + hostile}, {strings.Repeat("名前", 100)}} {
			run(80, slices.Concat(words, wrong)...)
		}
		run(40, slices.Concat(words, []string{"--help"})...)
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "bool" {
				args := demoObjects.name(slices.DeleteFunc(slices.Clone(taskOf(path)), func(s string) bool { return strings.HasPrefix(s, "--"+f.Name+"=") }))
				run(80, slices.Concat(words, args, []string{"--" + f.Name + "=" + strings.Repeat("no/such/folder/", 20)})...)
			}
		})
		for _, line := range tried.lines {
			for _, source := range sources {
				args := slices.Concat(source.name(line), source.args)
				if c.Flags().Lookup(fileFlag) == nil {
					args = line
				}
				for _, format := range formats(c, deps, path, args) {
					switch all := slices.Concat(words, args); {
					case slices.Contains(formatsToCopy(), format), format == "" && tried.prints:
						continue
					case format != "":
						run(80, slices.Concat(all, []string{"-o", format})...)
					default:
						run(80, all...)
					}
				}
			}
		}
	}
}

// Nor does a command that writes to a cluster, while it does all that it can.
func TestEightyColumnsOnACluster(t *testing.T) {
	t.Parallel()
	forEachCommand(t, func(path string, _ *cobra.Command) {
		e := newErrand(t)
		e.prepare(path)
		streams, out, errOut := terminal(80)
		Run(t.Context(), streams, e.deps, slices.Concat(strings.Fields(path), smallObjects.nameIn(e.dir, screenOf(path))))
		if !trials()[path].prints {
			checkWidth(t, path+", standard output", out.String(), 80)
		}
		checkWidth(t, path+", standard error", errOut.String(), 80)
	})
}

// A message on a terminal is folded, and what is copied of it is not.
func TestFoldMessage(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a short line", "psp2pss: no\n", "psp2pss: no\n"},
		{"a long line", "psp2pss: there is no namespace \"x\" in what was read\n", "psp2pss: there is\n  no namespace \"x\"\n  in what was read\n"},
		{"an indented line", "  advice that is longer than a line\n", "  advice that is\n    longer than a\n    line\n"},
		{"several lines", "one\ntwo is longer than a line\n", "one\ntwo is longer than\n  a line\n"},
		{"a command", "  psp2pss rollback --journal j --yes\n", "  psp2pss rollback --journal j --yes\n"},
		{"a command at the end", "To go back: psp2pss rollback --journal j\n", "To go back:\n  psp2pss rollback --journal j\n"},
		{"a question", "Take 13 steps on the cluster? ", "Take 13 steps on\n  the cluster? "},
		{"a short question", "Go on? ", "Go on? "},
		{"what wipes a line", "\r\x1b[Kreading pods, 12,000 so far", "\r\x1b[Kreading pods, 12,000 so far"},
	}
	for _, tt := range tests {
		var got bytes.Buffer
		n, err := foldingWriter{&got, 20}.Write([]byte(tt.text))
		if err != nil || n != len(tt.text) || got.String() != tt.want {
			t.Errorf("%s: %d, %v, %q; want %q", tt.name, n, err, got.String(), tt.want)
		}
	}
	if _, err := (foldingWriter{closedTerminal{}, 20}).Write([]byte("x\n")); err != syscall.EIO { //nolint:errorlint // the error itself is wanted
		t.Errorf("a terminal that is gone: %v", err)
	}
}

type closedTerminal struct{}

func (closedTerminal) Write([]byte) (int, error) { return 0, syscall.EIO }
