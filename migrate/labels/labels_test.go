package labels_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func six(enforce string) migrate.PodSecurityLabels {
	const version = "v1.25"
	return migrate.PodSecurityLabels{Enforce: enforce, EnforceVersion: version, Audit: "restricted", AuditVersion: version, Warn: "restricted", WarnVersion: version}
}

func planOf(source inventory.Source, namespaces ...migrate.Namespace) *migrate.Plan {
	return &migrate.Plan{APIVersion: migrate.APIVersion, Kind: migrate.Kind, TargetVersion: "v1.25", Source: source, Namespaces: namespaces}
}

// begin is how a script begins; package script has the test of it.
func begin(t testing.TB, s inventory.Source) string {
	t.Helper()
	kubectl, err := script.KubectlCommand(s)
	if err != nil {
		t.Fatal(err)
	}
	return script.Preamble(s, kubectl)
}

const sixBaseline = "pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25 pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25"

const fourWarn = "pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25"

func TestCommands(t *testing.T) {
	t.Parallel()
	byAPI := &migrate.EnforceDecision{Basis: migrate.BasisWorkloads, Workload: &migrate.WorkloadRef{Kind: "Deployment", Name: "api"}}
	blockers := []migrate.Blocker{
		{Check: "runAsNonRoot", Level: api.LevelRestricted, Reason: "runAsNonRoot != true", Workloads: []migrate.WorkloadRef{{Kind: "Deployment", Name: "api"}, {Kind: "Deployment", Name: "web"}}},
	}
	withheld := six("")
	withheld.EnforceVersion = ""
	tests := []struct {
		name   string
		source inventory.Source
		stage  labels.Stage
		ns     migrate.Namespace
		counts string
		want   string
	}{
		{
			name:   "labels to add",
			ns:     migrate.Namespace{Name: "web", NeededLevel: api.LevelBaseline, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: byAPI, Blockers: blockers},
			counts: "1 to label",
			want: "# web: enforce baseline, decided by deployment/api\n" +
				"#   restricted is blocked by runAsNonRoot in 2 workloads\n" +
				"kubectl label --overwrite namespace web " + sixBaseline + "\n",
		},
		{
			name:   "a stricter level, with the context of the cluster",
			source: inventory.Source{Kind: inventory.SourceCluster, Name: "it's/prod"},
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "privileged"}, RecommendedLabels: six("baseline"), Action: migrate.ActionChange, DecidedBy: byAPI},
			counts: "1 to label",
			want: "# web: enforce baseline, decided by deployment/api (today: privileged)\n" +
				`kubectl --context='it'\''s/prod' label --overwrite namespace web ` + sixBaseline + "\n",
		},
		{
			name:   "what all workloads meet is the new level, not today's",
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "privileged"}, RecommendedLabels: six("baseline"), Action: migrate.ActionChange, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisWorkloads}},
			counts: "1 to label",
			want: "# web: enforce baseline, which all workloads meet (today: privileged)\n" +
				"kubectl label --overwrite namespace web " + sixBaseline + "\n",
		},
		{
			name:   "labels that were not read are not overwritten",
			ns:     migrate.Namespace{Name: "web", ObjectNotRead: true, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: byAPI},
			counts: "1 to label",
			want: "# web: enforce baseline, decided by deployment/api\n" +
				"#   its labels were not read: without --overwrite kubectl changes none that is there, but refuses, and the script ends there\n" +
				`[ -n "$(kubectl get namespace --output=name --field-selector=metadata.name=web '--selector=` + strings.ReplaceAll(sixBaseline, " ", ",") + `')" ] || kubectl label namespace web ` + sixBaseline + "\n",
		},
		{
			name:   "nothing that runs was read",
			ns:     migrate.Namespace{Name: "web", RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty}},
			counts: "1 to label",
			want: "# web: enforce baseline, nothing that runs there was read\n" +
				"kubectl label --overwrite namespace web " + sixBaseline + "\n",
		},
		{
			name:   "unchanged",
			ns:     migrate.Namespace{Name: "web", CurrentLabels: six("baseline"), RecommendedLabels: six("baseline"), Action: migrate.ActionUnchanged, DecidedBy: byAPI},
			counts: "1 already labelled so",
			want:   "# web: enforce baseline, decided by deployment/api\n#   the labels are already so\n",
		},
		{
			name:   "looser than today leaves enforce alone",
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "restricted"}, RecommendedLabels: six("baseline"), Action: migrate.ActionLoosen, DecidedBy: byAPI},
			counts: "1 to label",
			want: "# web: enforce stays \"restricted\"; baseline, decided by deployment/api, is looser than today: ask for it with --enforce=baseline -n web, or fix the workloads\n" +
				"kubectl label --overwrite namespace web " + fourWarn + "\n",
		},
		{
			name:   "looser than today, said of an invalid level that the server takes for restricted",
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "strict"}, RecommendedLabels: six("baseline"), Action: migrate.ActionChange, DecidedBy: byAPI},
			counts: "1 to label",
			want: "# web: enforce stays \"strict\"; baseline, decided by deployment/api, is looser than today: ask for it with --enforce=baseline -n web, or fix the workloads\n" +
				"kubectl label --overwrite namespace web " + fourWarn + "\n",
		},
		{
			name:   "looser than today because it was asked for",
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "restricted"}, RecommendedLabels: six("baseline"), Action: migrate.ActionLoosen, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisOverride}},
			counts: "1 to label",
			want: "# web: enforce baseline, as asked for with --enforce (today: restricted)\n" +
				"kubectl label --overwrite namespace web " + sixBaseline + "\n",
		},
		{
			name:   "withheld",
			ns:     migrate.Namespace{Name: "web", RecommendedLabels: withheld, Action: migrate.ActionWithheld, DecidedBy: byAPI, Cautions: []message.Message{{Text: "not all\nwas read"}}},
			counts: "1 to label",
			want: "# web: audit and warn only, no enforce: something that touches it could not be read\n" +
				"#   caution: not all\\nwas read\n" +
				"kubectl label --overwrite namespace web " + fourWarn + "\n",
		},
		{
			name:   "left alone",
			ns:     migrate.Namespace{Name: "web", Action: migrate.ActionSkip},
			counts: "1 left alone",
			want:   "# web: left alone, nothing is recommended\n",
		},
		{
			name:   "the observe stage writes audit and warn",
			stage:  labels.StageObserve,
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "restricted"}, NeededLevel: api.LevelBaseline, RecommendedLabels: six("baseline"), Action: migrate.ActionLoosen, DecidedBy: byAPI, Blockers: blockers},
			counts: "1 to label",
			want: "# web: audit restricted:v1.25, warn restricted:v1.25\n" +
				"#   restricted is blocked by runAsNonRoot in 2 workloads\n" +
				"kubectl label --overwrite namespace web " + fourWarn + "\n",
		},
		{
			name:   "the enforce stage writes enforce",
			stage:  labels.StageEnforce,
			ns:     migrate.Namespace{Name: "web", RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: byAPI},
			counts: "1 to label",
			want: "# web: enforce baseline, decided by deployment/api\n" +
				"kubectl label --overwrite namespace web pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25\n",
		},
		{
			name:   "the enforce stage is over where enforce is so",
			stage:  labels.StageEnforce,
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25"}, RecommendedLabels: six("baseline"), Action: migrate.ActionUnchanged, DecidedBy: byAPI},
			counts: "1 already labelled so",
			want:   "# web: enforce baseline, decided by deployment/api\n#   the labels are already so\n",
		},
		{
			name:   "the enforce stage has nothing where enforce is withheld",
			stage:  labels.StageEnforce,
			ns:     migrate.Namespace{Name: "web", RecommendedLabels: withheld, Action: migrate.ActionWithheld, DecidedBy: byAPI},
			counts: "1 left alone",
			want:   "# web: no enforce: something that touches it could not be read\n",
		},
		{
			name:   "the enforce stage has nothing where it would loosen",
			stage:  labels.StageEnforce,
			ns:     migrate.Namespace{Name: "web", CurrentLabels: migrate.PodSecurityLabels{Enforce: "restricted"}, RecommendedLabels: six("baseline"), Action: migrate.ActionLoosen, DecidedBy: byAPI},
			counts: "1 left alone",
			want: "# web: enforce stays \"restricted\"; baseline, decided by deployment/api, is looser than today: ask for it with --enforce=baseline -n web, or fix the workloads\n" +
				"#   there is nothing to write at this stage\n",
		},
		{
			name:   "another tool writes the labels",
			ns:     migrate.Namespace{Name: "web", LabelOwner: "Argo CD", Complete: true, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty}},
			counts: "1 labelled by another tool",
			want: "# web: enforce baseline, nothing runs there\n" +
				"#   Argo CD writes this namespace and would undo what is not in its source: put these labels there\n" +
				"#   " + sixBaseline + "\n#   as YAML: -o manifest -n web\n",
		},
		{
			name:   "a name that is none",
			ns:     migrate.Namespace{Name: "-n\u202e", RecommendedLabels: six("baseline"), Action: migrate.ActionAdd},
			counts: "1 refused",
			want:   "# \"-n\\u202e\": refused, its name is not a valid namespace name\n",
		},
		{
			name:   "a level that is none",
			ns:     migrate.Namespace{Name: "web", RecommendedLabels: six("baseline; reboot"), Action: migrate.ActionAdd},
			counts: "1 refused",
			want:   "# \"web\": refused, the label pod-security.kubernetes.io/enforce would get the value \"baseline; reboot\", which is not valid\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := test.source
			if source.Kind == "" {
				source.Kind = inventory.SourceDemo
			}
			var got bytes.Buffer
			if err := labels.WriteCommands(&got, planOf(source, test.ns), labels.Options{Tool: "psp2pss v0", Stage: test.stage}); err != nil {
				t.Fatal(err)
			}
			stage := ""
			if test.stage != "" {
				stage = ", stage " + string(test.stage)
			}
			from := "the built-in demo cluster"
			if source.Kind == inventory.SourceCluster {
				from = "context " + source.Name
			}
			want := "#!/bin/sh\n# Pod Security labels for v1.25" + stage + ", from " + from + ", by psp2pss v0.\n# 1 namespace: " + test.counts +
				".\n# It ends at the first failure and can be run again: what is labelled so already stays so.\n# Review every line before you run it.\n" + begin(t, source) + "\n" + test.want
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommandsOfAnEmptyPlan(t *testing.T) {
	t.Parallel()
	p := planOf(inventory.Source{Kind: inventory.SourceFiles, Name: "a.yaml"})
	p.Gaps = []migrate.Gap{{What: "pods", Message: message.Message{Text: "forbidden"}}}
	var got bytes.Buffer
	if err := labels.WriteCommands(&got, p, labels.Options{Tool: "psp2pss v0"}); err != nil {
		t.Fatal(err)
	}
	want := `#!/bin/sh
# Pod Security labels for v1.25, from files a.yaml, by psp2pss v0.
# 0 namespaces.
# 1 thing could not be read or evaluated: no enforce label is written where that can change the level, unless --allow-partial was given.
# It ends at the first failure and can be run again: what is labelled so already stays so.
# Review every line before you run it.
` + begin(t, p.Source)
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestContextThatDoesNotShow(t *testing.T) {
	t.Parallel()
	err := labels.WriteCommands(&bytes.Buffer{}, planOf(inventory.Source{Kind: inventory.SourceCluster, Name: "a\nb"}), labels.Options{})
	want := `writing label commands: the value "a\nb" of --context holds characters that do not show; write manifests instead (-o manifest)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoosens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		current, rec migrate.PodSecurityLabels
		want         bool
	}{
		{"no label today", migrate.PodSecurityLabels{}, six("privileged"), false},
		{"stricter", migrate.PodSecurityLabels{Enforce: "privileged"}, six("baseline"), false},
		{"the same", migrate.PodSecurityLabels{Enforce: "baseline"}, six("baseline"), false},
		{"looser enforce", migrate.PodSecurityLabels{Enforce: "restricted"}, six("baseline"), true},
		{"looser warn", migrate.PodSecurityLabels{Warn: "restricted"}, migrate.PodSecurityLabels{Warn: "baseline"}, true},
		{"looser audit", migrate.PodSecurityLabels{Audit: "baseline"}, migrate.PodSecurityLabels{Audit: "privileged"}, true},
		{"invalid enforce is restricted to the server", migrate.PodSecurityLabels{Enforce: "x"}, six("baseline"), true},
		{"invalid warn is privileged to the server", migrate.PodSecurityLabels{Warn: "x"}, migrate.PodSecurityLabels{Warn: "privileged"}, false},
		{"withheld", migrate.PodSecurityLabels{Enforce: "restricted"}, migrate.PodSecurityLabels{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := labels.LoosensLevel(&migrate.Namespace{CurrentLabels: test.current, RecommendedLabels: test.rec}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	older := &migrate.Namespace{Action: migrate.ActionLoosen, CurrentLabels: migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.34"}, RecommendedLabels: six("baseline")}
	if !labels.LoosensLevel(older) {
		t.Error("an older version that lacks a check does not loosen")
	}
}

// hostile is text that does harm wherever it is not escaped.
func hostile() []string {
	return []string{
		"$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\ntouch pwned", "a\rtouch pwned", "'; touch pwned; '", `"; touch pwned; "`,
		"-n", "--all", "a && touch pwned", "a | touch pwned", "a>pwned", "\\", "'", "a\\\ntouch pwned", "\u2028touch pwned", "\u202e", "#", "!!",
		"${IFS}touch${IFS}pwned", "~", "*", "a\x00b", "\xff", "", "x\n#!/bin/sh\ntouch pwned", "web",
	}
}

// A script from a plan in which everything that a plan can hold is hostile runs kubectl and nothing else.
func TestHostileScriptRunsNothingButKubectl(t *testing.T) {
	t.Parallel()
	for _, text := range hostile() {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for _, at := range []string{"name", "level", "comment", "context"} {
				runHostile(t, at, text)
			}
		})
	}
}

func hostilePlan(at, text string) *migrate.Plan {
	p := planOf(inventory.Source{Kind: inventory.SourceCluster, Name: "prod"}, migrate.Namespace{Name: "web", RecommendedLabels: six("baseline"), Action: migrate.ActionAdd})
	ns := &p.Namespaces[0]
	switch at {
	case "name":
		ns.Name = text
	case "level":
		ns.RecommendedLabels = migrate.PodSecurityLabels{Enforce: text, EnforceVersion: text, Audit: text, AuditVersion: text, Warn: text, WarnVersion: text}
	case "comment":
		p.TargetVersion = text
		p.Source.ServerVersion = text
		ns.CurrentLabels = migrate.PodSecurityLabels{Enforce: text}
		ns.Cautions = []message.Message{{Text: text}}
		ns.DecidedBy = &migrate.EnforceDecision{Workload: &migrate.WorkloadRef{Kind: text, Name: text}, Policy: text}
		ns.Blockers = []migrate.Blocker{{Check: text}}
		ns.NeededLevel = api.Level(text)
		ns.LabelOwner = text
	case "context":
		p.Source.Name = text
	}
	return p
}

func runHostile(t *testing.T, at, text string) {
	t.Helper()
	var written bytes.Buffer
	if err := labels.WriteCommands(&written, hostilePlan(at, text), labels.Options{Tool: "psp2pss"}); err != nil {
		if at != "context" {
			t.Errorf("%s: %v", at, err)
		}
		return
	}
	ran := runWithStub(t, written.Bytes())
	for _, call := range ran {
		args := strings.Split(strings.TrimSuffix(call, "\x01"), "\x01")
		if at == "context" && text != "" {
			if args[0] != "--context="+text {
				t.Errorf("%s: kubectl got %q for the context", at, args[0])
			}
		}
		for _, arg := range args[1:] {
			if strings.Contains(arg, "touch") || (at != "context" && strings.ContainsAny(arg, " ;$`'\"")) {
				t.Errorf("%s: kubectl got the argument %q", at, arg)
			}
		}
	}
}

// runWithStub checks the script with sh -n, runs it in an empty folder with a kubectl that only notes its arguments and
// no other program on PATH, and returns the calls.
func runWithStub(t *testing.T, text []byte) []string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	bin, work := t.TempDir(), t.TempDir()
	stub := "#!" + sh + "\nfor a in \"$@\"; do printf '%s\\001' \"$a\"; done >> '" + bin + "/calls'\nprintf '\\002' >> '" + bin + "/calls'\n"
	// A program that another test starts in this very moment would inherit the open file, and nothing can be run that is
	// open for writing ("text file busy").
	syscall.ForkLock.RLock()
	err = os.WriteFile(filepath.Join(bin, "kubectl"), []byte(stub), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(bin, "script.sh")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-n", path}, {path}} {
		cmd := exec.CommandContext(context.Background(), sh, args...)
		cmd.Dir = work
		cmd.Env = []string{"PATH=" + bin, script.ThisClusterVariable + "=1"}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("sh %s: %v\n%s\n%s", args[0], err, out, text)
		}
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Fatalf("the script left %v behind:\n%s", left, text)
	}
	calls, err := os.ReadFile(filepath.Join(bin, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(calls), "\x02"), "\x02")
}

// FuzzCommands: whatever a plan holds, each line of a script below its beginning is a comment, blank, or one kubectl command made of
// words that a shell passes on as they are (the context alone may be quoted).
func FuzzCommands(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, text, text)
	}
	f.Fuzz(func(t *testing.T, name, value, contextName string) {
		p := hostilePlan("comment", value)
		p.Source.Name = contextName
		p.Namespaces[0].Name = name
		p.Namespaces = append(p.Namespaces, hostilePlan("level", value).Namespaces...)
		p.Namespaces = append(p.Namespaces, hostilePlan("name", name).Namespaces...)
		var out bytes.Buffer
		if err := labels.WriteCommands(&out, p, labels.Options{Tool: "psp2pss"}); err != nil {
			return
		}
		comments, rest, found := strings.Cut(out.String(), begin(t, p.Source))
		if !found {
			t.Fatalf("the script does not begin as scripts do:\n%s", out.String())
		}
		for line := range strings.Lines(comments + rest) {
			line = strings.TrimSuffix(line, "\n")
			for _, r := range line {
				if r < ' ' || r == 0x7f || r == 0x202e {
					t.Fatalf("a rune that does not show: %q", line)
				}
			}
			rest, isCommand := strings.CutPrefix(line, "kubectl ")
			switch {
			case line == "", strings.HasPrefix(line, "#"):
				continue
			case !isCommand:
				t.Fatalf("neither a comment nor kubectl: %q", line)
			}
			at := strings.LastIndex(rest, "label --overwrite namespace ")
			if at < 0 || strings.Trim(rest[at:], "abcdefghijklmnopqrstuvwxyz0123456789-./= ") != "" {
				t.Fatalf("a command with words that may not be plain: %q", line)
			}
			if unquote(strings.TrimSuffix(rest[:at], " ")) != contextFlag(contextName) {
				t.Fatalf("the context became %q", rest[:at])
			}
		}
	})
}

func contextFlag(name string) string {
	if name == "" {
		return ""
	}
	return "--context=" + name
}

// unquote reads one word as a POSIX shell does, knowing only what escape.Shell writes.
func unquote(word string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(word); i++ {
		switch {
		case word[i] == '\'':
			quoted = !quoted
		case word[i] == '\\' && !quoted:
			i++
			b.WriteByte(word[i])
		case !quoted && strings.ContainsRune(" \t\n;&|<>()$`\"*?[]#~!{}", rune(word[i])):
			return "(a shell would act on this)"
		default:
			b.WriteByte(word[i])
		}
	}
	return b.String()
}
