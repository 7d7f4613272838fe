package report_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// screen draws a plan as a table and returns its lines.
func screen(t *testing.T, p *migrate.Plan, opts report.Options) []string {
	t.Helper()
	var b bytes.Buffer
	if err := writePlan(&b, "table", p, opts); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// tooWide returns the lines that are wider than a terminal, but for those that end in a command to paste.
func tooWide(lines []string, width int) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return utf8.RuneCountInString(line) <= width || strings.Contains(line, "psp2pss ")
	})
}

func TestDemoFitsOneScreen(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "demo")
	p.Source = inventory.Source{Kind: inventory.SourceDemo}
	lines := screen(t, p, report.Options{Width: 80})
	if len(lines) > 30 {
		t.Errorf("it has %d lines, want 30 at most", len(lines))
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("this is wider than 80 columns: %s", line)
		}
	}
}

// manyNamespaces is a plan of n namespaces: those of the demo over and over, with names, and half of them with workloads,
// of their own.
func manyNamespaces(t *testing.T, n int) *migrate.Plan {
	t.Helper()
	demo := readPlan(t, "demo")
	p := *demo
	p.Namespaces = nil
	for i := range n {
		ns := demo.Namespaces[i%len(demo.Namespaces)]
		ns.Name = fmt.Sprintf("%s-%04d", []string{"team", "blue", "red", ns.Name}[i%4], i)
		if d := ns.DecidedBy; i%2 == 0 && d != nil && d.Workload != nil {
			own := migrate.WorkloadRef{Kind: d.Workload.Kind, Name: fmt.Sprintf("app-%d", i)}
			ns.DecidedBy = &migrate.EnforceDecision{Basis: d.Basis, Workload: &own}
			var blockers []migrate.Blocker
			for _, b := range ns.Blockers {
				b.Workloads = []migrate.WorkloadRef{own}
				blockers = append(blockers, b)
			}
			ns.Blockers = blockers
		}
		p.Namespaces = append(p.Namespaces, ns)
	}
	return &p
}

// counted returns how many namespaces the lines of a table are about, and how many lines stand for several: of the
// table's own lines, which end with an empty one.
func counted(t *testing.T, lines []string) (all, groups int) {
	t.Helper()
	head := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "NAMESPACE ") })
	if head < 0 {
		t.Fatal("there is no table")
	}
	group, more := regexp.MustCompile(`^(\d+) (named|such as) `), regexp.MustCompile(`^  and (\d+) more: -o wide or a pipe shows all$`)
	for _, line := range lines[head+1:] {
		if line == "" {
			return all, groups
		}
		one := 0
		if m := group.FindStringSubmatch(line); m != nil {
			groups++
			one, _ = strconv.Atoi(m[1])
		} else if m := more.FindStringSubmatch(line); m != nil {
			one, _ = strconv.Atoi(m[1])
		} else if line[0] != ' ' {
			one = 1
		}
		all += one
	}
	return all, groups
}

// However many namespaces there are, a terminal gets what a person looks through, in which each is counted once.
func TestManyNamespacesOnATerminal(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 13, 41, 60, 2000} {
		for _, width := range []int{60, 80, 120, 200} {
			t.Run(fmt.Sprintf("%d at %d", n, width), func(t *testing.T) {
				t.Parallel()
				lines := screen(t, manyNamespaces(t, n), report.Options{Width: width})
				if len(lines) > 60 && n > 1 {
					t.Errorf("it has %d lines, want 60 at most", len(lines))
				}
				if wide := tooWide(lines, width); len(wide) > 0 {
					t.Errorf("wider than %d columns:\n%s", width, strings.Join(wide, "\n"))
				}
				if width < 80 {
					return // the names of lines are folded there
				}
				all, groups := counted(t, lines)
				if all != n {
					t.Errorf("%d namespaces are counted, want %d:\n%s", all, n, strings.Join(lines, "\n"))
				}
				if n == 2000 && groups == 0 {
					t.Errorf("nothing is grouped:\n%s", strings.Join(lines, "\n"))
				}
			})
		}
	}
}

// In a pipe, and without headers, each namespace has its line, the worst first.
func TestEveryNamespaceHasItsLine(t *testing.T) {
	t.Parallel()
	p := manyNamespaces(t, 500)
	for _, opts := range []report.Options{{}, {NoHeaders: true}, {NoHeaders: true, Width: 80}} {
		lines := screen(t, p, opts)
		seen := map[string]int{}
		for _, line := range lines {
			name, _, _ := strings.Cut(line, " ")
			seen[name]++
		}
		for i := range p.Namespaces {
			if name := p.Namespaces[i].Name; seen[name] != 1 {
				t.Errorf("%+v: %s has %d lines", opts, name, seen[name])
			}
		}
	}
}

// What is shown does not depend on the order of the namespaces and gaps in the plan.
func TestScreenDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 80} {
		p := manyNamespaces(t, 300)
		want := screen(t, p, report.Options{Width: width})
		random := rand.New(rand.NewPCG(1, 2))
		random.Shuffle(len(p.Namespaces), func(i, j int) { p.Namespaces[i], p.Namespaces[j] = p.Namespaces[j], p.Namespaces[i] })
		if diff := cmp.Diff(want, screen(t, p, report.Options{Width: width})); diff != "" {
			t.Errorf("at %d columns (-sorted +shuffled):\n%s", width, diff)
		}
	}
}

// rowsOf returns the lines of a plan without headers, with single spaces.
func rowsOf(t *testing.T, namespaces ...migrate.Namespace) []string {
	t.Helper()
	lines := screen(t, &migrate.Plan{TargetVersion: "v1.25", Namespaces: namespaces}, report.Options{NoHeaders: true})
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return lines
}

// What overrides, exemptions and other tools change stands in the line of the namespace.
func TestRows(t *testing.T) {
	t.Parallel()
	ds := migrate.WorkloadRef{Kind: "DaemonSet", Name: "agent"}
	blockers := []migrate.Blocker{
		{Check: "hostPathVolumes", Level: api.LevelBaseline, Reason: "hostPath volumes", Workloads: []migrate.WorkloadRef{ds, {Kind: "Pod", Name: "p"}}},
		{Check: "privileged", Level: api.LevelBaseline, Reason: "privileged", Workloads: []migrate.WorkloadRef{ds}},
	}
	ns := func(enforce string, change func(*migrate.Namespace)) migrate.Namespace {
		out := migrate.Namespace{
			Name: "web", Complete: true, NeededLevel: api.LevelPrivileged, Action: migrate.ActionAdd, Blockers: blockers,
			DecidedBy:         &migrate.EnforceDecision{Basis: migrate.BasisWorkloads, Workload: &ds},
			RecommendedLabels: migrate.PodSecurityLabels{Enforce: enforce, Audit: "restricted", Warn: "restricted"},
		}
		change(&out)
		return out
	}
	override := &migrate.EnforceDecision{Basis: migrate.BasisOverride}
	tests := []struct {
		name string
		ns   migrate.Namespace
		want string
	}{
		{"as needed", ns("privileged", func(*migrate.Namespace) {}), "web none privileged ds/agent +1: privileged +1"},
		{"asked for more", ns("baseline", func(n *migrate.Namespace) { n.DecidedBy = override }), "web none baseline --enforce refuses ds/agent +1: privileged +1"},
		{"asked for as needed", ns("privileged", func(n *migrate.Namespace) { n.DecidedBy = override }), "web none privileged ds/agent +1: privileged +1; asked for with --enforce"},
		{"asked for less", ns("privileged", func(n *migrate.Namespace) {
			n.DecidedBy, n.NeededLevel, n.Blockers = override, api.LevelRestricted, nil
		}), "web none privileged what runs meets restricted; asked for with --enforce"},
		{"a policy asks for more", ns("baseline", func(n *migrate.Namespace) {
			n.DecidedBy = &migrate.EnforceDecision{Basis: migrate.BasisPolicies, Policy: "strict"}
		}), "web none baseline psp/strict refuses ds/agent +1: privileged +1"},
		{"a policy permits more", ns("baseline", func(n *migrate.Namespace) {
			n.DecidedBy, n.NeededLevel, n.Blockers = &migrate.EnforceDecision{Basis: migrate.BasisBoth, Policy: "loose"}, api.LevelRestricted, nil
		}), "web none baseline what runs meets restricted; psp/loose permits it"},
		{"other modes", ns("privileged", func(n *migrate.Namespace) {
			n.RecommendedLabels.Warn, n.RecommendedLabels.Audit = "baseline", "privileged"
		}), "web none privileged ds/agent +1: privileged +1; warn=baseline audit=privileged"},
		{"stricter today", ns("privileged", func(n *migrate.Namespace) {
			n.Action, n.CurrentLabels.Enforce = migrate.ActionLoosen, "baseline"
		}), "web baseline as today needs privileged for ds/agent +1: privileged +1"},
		{"not all was read", ns("", func(n *migrate.Namespace) {
			n.Action, n.Complete, n.UncertainParts = migrate.ActionWithheld, false, []string{"workloads"}
		}), "web none unknown gap: workloads"},
		{"being deleted", ns("", func(n *migrate.Namespace) { n.Action, n.Terminating = migrate.ActionSkip, true }), "web none not set it is being deleted"},
		{"nothing runs", ns("restricted", func(n *migrate.Namespace) {
			n.NeededLevel, n.Blockers, n.DecidedBy = "", nil, &migrate.EnforceDecision{Basis: migrate.BasisEmpty}
		}), "web none restricted nothing runs"},
		{"nothing runs, and a policy", ns("baseline", func(n *migrate.Namespace) {
			n.NeededLevel, n.Blockers, n.DecidedBy = "", nil, &migrate.EnforceDecision{Basis: migrate.BasisEmpty, Policy: "p"}
		}), "web none baseline nothing runs; psp/p permits it"},
		{"nothing stands in the way", ns("restricted", func(n *migrate.Namespace) { n.NeededLevel, n.Blockers = api.LevelRestricted, nil }), "web none restricted nothing"},
		{"exempt", ns("privileged", func(n *migrate.Namespace) { n.Exempt = true }), "web exempt privileged ds/agent +1: privileged +1"},
		{"by default", ns("privileged", func(n *migrate.Namespace) {
			n.EffectiveLabels = &migrate.PodSecurityLabels{Enforce: "privileged"}
		}), "web privileged (default) privileged ds/agent +1: privileged +1"},
		{"an invalid label", ns("privileged", func(n *migrate.Namespace) {
			n.Action, n.CurrentLabels.Enforce = migrate.ActionLoosen, "strict"
		}), "web strict (invalid) as today needs privileged for ds/agent +1: privileged +1"},
		{"labels not read", ns("privileged", func(n *migrate.Namespace) { n.ObjectNotRead = true }), "web unknown privileged ds/agent +1: privileged +1"},
		{"of the platform, and another tool's", ns("privileged", func(n *migrate.Namespace) { n.System, n.LabelOwner = true, "Flux" }), "web none privileged ds/agent +1: privileged +1; Flux writes its labels; platform"},
		{"the same level of another version", ns("privileged", func(n *migrate.Namespace) {
			n.CurrentLabels.Enforce, n.CurrentLabels.EnforceVersion = "privileged", "v1.34"
		}), "web privileged:v1.34 privileged ds/agent +1: privileged +1"},
		{"estimated", ns("privileged", func(n *migrate.Namespace) {
			n.Workloads = []migrate.Workload{{Kind: "DaemonSet", Name: "agent", Evaluation: &migrate.Evaluation{LevelEstimated: true, Levels: migrate.WorkloadLevels{AfterPSP: api.LevelPrivileged}}}}
		}), "web none privileged ds/agent +1: privileged +1; estimated"},
		{"an injection", ns("privileged", func(n *migrate.Namespace) {
			n.Workloads = []migrate.Workload{{Kind: "DaemonSet", Name: "agent", Evaluation: &migrate.Evaluation{
				Injections: []migrate.Injection{{Injector: "Istio", Level: api.LevelPrivileged}}, Levels: migrate.WorkloadLevels{AfterPSP: api.LevelPrivileged},
			}}}
		}), "web none privileged ds/agent +1: privileged +1; if Istio injects"},
		{"a custom kind", ns("privileged", func(n *migrate.Namespace) {
			n.DecidedBy.Workload = &migrate.WorkloadRef{Kind: "Rollout", Name: "r"}
			n.Blockers = []migrate.Blocker{{Check: "later", Reason: "a later check", Workloads: []migrate.WorkloadRef{{Kind: "Rollout", Name: "r"}}}}
		}), "web none privileged rollout/r: a later check"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := rowsOf(t, test.ns); !slices.Equal(got, []string{test.want}) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// The commands name the source as words that a shell reads back, whatever is in them.
func TestCommandsRepeatTheSource(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	p := readPlan(t, "demo")
	p.Source = inventory.Source{Kind: inventory.SourceCluster}
	c := report.Invocation{Tool: "kubectl psp2pss", Source: []string{"--context=a b;$(reboot)'\"\x1b[31m"}, Target: []string{"--target-version=v1.25"}, Scope: []string{"-n", "shop"}}
	lines := screen(t, p, report.Options{Invocation: c})
	at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, " --stage=enforce") })
	if at < 0 {
		t.Fatalf("there is no step that enforces:\n%s", strings.Join(lines, "\n"))
	}
	_, command, _ := strings.Cut(lines[at], "kubectl ")
	out, err := exec.CommandContext(t.Context(), sh, "-c", `printf '%s\n' `+command).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "psp2pss\nrollout\n" + c.Source[0] + "\n--target-version=v1.25\n-n\nshop\n--stage=enforce\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Lists that the server refused, or that failed, are in the headline and in the gaps, though a note says them.
func TestRefusedListsAreNamed(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "demo")
	p.Notes = append(p.Notes, migrate.Note{What: "custom resources", Message: message.New("custom-lists-forbidden",
		"resources", []string{"mutatingwebhookconfigurations.admissionregistration.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io"})})
	text := strings.Join(screen(t, p, report.Options{Invocation: report.Invocation{Secret: "--token=\"$T\""}}), "\n")
	for _, want := range []string{"; 1 role not read, webhook configurations not read;", "GAPS      1 role not read, webhook configurations not read", ` --stage=enforce --token="$T"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, id := range []string{"list-failed", "list-not-found", "version-not-served"} {
		p.Notes = append(p.Notes, migrate.Note{What: id + ".kyverno.io", Message: message.Message{ID: id}})
	}
	p.Notes = append(p.Notes, p.Notes[len(p.Notes)-1], migrate.Note{What: "pods", Message: message.Message{ID: "list-read-again"}})
	text = strings.Join(screen(t, p, report.Options{}), " ")
	if want := "; 1 role not read, webhook configurations not read, 3 kinds of custom resources not read;"; !strings.Contains(text, want) {
		t.Errorf("%q is missing in\n%s", want, text)
	}
}

// A scope leaves out what is about other namespaces only.
func TestScope(t *testing.T) {
	t.Parallel()
	demo := readPlan(t, "demo")
	for _, name := range []string{"shop", "logging", "sandbox"} {
		p := demo.SelectNamespaces(migrate.NamespaceScope{Namespaces: []string{name}})
		p.Gaps = []migrate.Gap{{What: "its own", Affects: []string{name}}, {What: "another's", Affects: []string{"elsewhere"}}, {What: "everybody's", Affects: []string{"*"}}}
		p.Notes = []migrate.Note{{What: `Role "` + name + `/a"`}, {What: `Role "elsewhere/b"`}, {What: "a file"}}
		var b bytes.Buffer
		if err := writePlan(&b, "wide", p, report.Options{Invocation: report.Invocation{Scope: []string{"-n", name}}}); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{
			"its own": true, "another's": false, "everybody's": true, name + "/a": true, "elsewhere/b": false, "a file": true,
			"Role shop/psp-retired": name == "shop", "\nlog-readers": name == "logging", "\nfixed-uid": false, "\nmesh ": false,
		} {
			if got := strings.Contains(b.String(), text); got != want {
				t.Errorf("%s: %q is shown: %t, want %t\n%s", name, text, got, want, b.String())
			}
		}
	}
}
