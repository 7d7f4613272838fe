package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// trial is how one command is run by every test that tries all commands: on terminals, over hostile objects, on clusters, with
// credentials. In arguments, POLICY, NAMESPACE, CONTROLLER and ACCOUNT stand for the objects of what is read, and DIR for a
// folder to write to.
type trial struct {
	// lines are the command lines without what names their source. The first is the plainest.
	lines [][]string
	// task makes the command do all that it can on a cluster, read and write, and ends in taskCode. Without it: the first of lines.
	task     []string
	taskCode int
	// writes: the command writes to clusters; no other may. What verify --recreate-one sends is dry runs.
	writes bool
	// live: the command takes no files in place of a cluster.
	live bool
	// prints: what it writes to standard output is text to copy, as wide as it is, unless -o says otherwise.
	prints bool
	// files name the manifests that the command needs beside the cluster.
	files []string
	// unread: the answer to task needs nothing that is read.
	unread bool
	// unknown are arguments that name nothing, empty those that are empty; none where the command takes no arguments.
	unknown, empty []string
	// unknownCode is the exit code of the unknown ones where that is not wrong use.
	unknownCode int
}

// trials are the commands by their paths. A new command is entered here, and nowhere else.
func trials() map[string]trial {
	return map[string]trial{
		"plan":   {lines: [][]string{{}, {"--allow-partial"}, {"--no-headers"}, {"-n", "NAMESPACE"}, {"--fail-on=change"}}, task: []string{"-o", "json=DIR/out"}},
		"labels": {lines: [][]string{{}, {"--stage=enforce", "--allow-partial"}}, task: []string{"-o", "commands=DIR/out"}, prints: true},
		"patch": {
			lines: [][]string{{}, {"--raise", "--level=restricted"}}, task: []string{"--raise", "-o", "strategic=DIR/out"},
			unknown: []string{"nosuch/deployment/web", "shop/deployment/nosuch"}, empty: []string{"", "//", "shop//web"},
		},
		"simulate": {lines: [][]string{{"--level=restricted"}, {"--level=baseline", "--as-admitted"}, {"--level=restricted", "--after-psp"}, {"--level=restricted", "--no-headers"}}},
		"gate":     {lines: [][]string{{}, {"--to=v1.25"}}, task: []string{"-o", "json=DIR/out"}, taskCode: exitFindings},
		"report": {
			lines: [][]string{{}, {"-n", "NAMESPACE", "--sections=namespaces,workloads", "--client=Example AG"}, {"--sections=workloads"}},
			task:  []string{"-o", "json=DIR/out"}, prints: true,
		},

		"snapshot": {lines: [][]string{{}, {"--allow-partial"}}, task: []string{"-o", "archive=DIR/out"}},

		"fleet": {
			lines:  [][]string{{"--print-job", "--image=registry.example/psp2pss:v1", "--clusters=3"}, {"--print-job", "--image=a", "--clusters=4000", "--plans", "--timeout=5m"}},
			prints: true, unread: true,
		},

		"generate": {
			lines: [][]string{{}, {"--mode=continuity", "--action=deny"}, {"-n", "NAMESPACE", "--mode=restricted-but-for"}, {"--grants=static", "--target-server=v1.30", "--allow-partial"}},
			task:  []string{"-o", "yaml=DIR/out"}, prints: true,
		},

		"fix": {
			lines:   [][]string{{"--raise"}, {"--raise", "--include=test"}, {"--keep"}},
			task:    []string{"-f", "DIR/web.yaml", "--raise=restricted", "--include=test", "--write"},
			files:   []string{"-R", "-f", "../fixtures/demo/input"},
			unknown: []string{"nosuch.yaml"}, unknownCode: exitFailed, empty: []string{"", " "},
		},
		"check": {
			lines:   [][]string{{"--level=restricted"}, {"--level=baseline", "--no-headers"}, {"-n", "NAMESPACE", "--level=restricted", "--fail-on=none"}, {"-n", "NAMESPACE"}},
			task:    []string{"-f", "testdata/check/blog.yaml", "-n", "blog", "--context=prod", "-o", "json=DIR/out"},
			files:   []string{"-f", "testdata/check/blog.yaml"},
			unknown: []string{"nosuch.yaml"}, unknownCode: exitFailed, empty: []string{"", " "},
		},

		"explain":     {lines: [][]string{{"NAMESPACE"}, {"CONTROLLER"}}, unknown: []string{"nosuch"}, empty: []string{"", " "}},
		"explain psp": {lines: [][]string{{"POLICY"}}, unknown: []string{"nosuch", "RESTRICTED"}, empty: []string{"", " "}},
		"explain ns":  {lines: [][]string{{"NAMESPACE"}}, unknown: []string{"nosuch", "SHOP"}, empty: []string{"", " "}},
		"explain workload": {
			lines:   [][]string{{"NAMESPACE/CONTROLLER"}},
			unknown: []string{"nosuch/deployment/web", "shop/deployment/nosuch", "shop/pod/web"}, empty: []string{"", "//", "shop/deployment/", "shop/ /web"},
		},
		"explain sa": {lines: [][]string{{"NAMESPACE/ACCOUNT"}}, unknown: []string{"nosuch/default", "shop/nosuch"}, empty: []string{"", "/", "shop/", " /default"}},
		"explain check": {
			lines: [][]string{{"hostPorts"}, {"seccompProfile_restricted", "-o", "wide"}}, unread: true,
			unknown: []string{"nosuch", "hostports"}, empty: []string{"", " "},
		},

		"rollout": {
			lines: [][]string{{"--dry-run=client", "--stage=observe,enforce,bypass"}, {"--dry-run=client", "--stage=observe", "--wave-label=wave"}}, writes: true,
			task: []string{"-n", "NAMESPACE", "--stage=observe,enforce,bypass", "--yes", "--journal=DIR/j"},
		},
		"rollback":   {lines: [][]string{{"--dry-run=client"}}, task: []string{"--yes", "--journal=DIR/j"}, writes: true, live: true},
		"clean-helm": {lines: [][]string{{}}, task: []string{"--yes", "--backup=DIR/out"}, writes: true, live: true},
		"verify":     {lines: [][]string{{}, {"--stage=enforce"}}, task: []string{"-n", "NAMESPACE", "--allow-partial"}, taskCode: exitFindings, live: true},

		"unredact": {
			lines: [][]string{{"--key=" + keyForTrials(), "testdata/redacted.txt"}}, prints: true, unread: true,
			unknown: []string{"nosuch.txt"}, empty: []string{"", " "},
		},
		"completion": {lines: [][]string{{"bash"}, {"kubectl"}}, prints: true, unread: true, unknown: []string{"nosuch"}, empty: []string{"", " "}},
		"version":    {lines: [][]string{{}}, unread: true},
	}
}

// objects are one of each kind in what a test reads.
type objects struct{ policy, namespace, controller, account string }

// nameIn puts the names of the objects, and a folder, into the arguments of a trial.
func (o objects) nameIn(dir string, args []string) []string {
	names := strings.NewReplacer("POLICY", o.policy, "NAMESPACE", o.namespace, "CONTROLLER", o.controller, "ACCOUNT", o.account, "DIR", dir)
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = names.Replace(arg)
	}
	return out
}

// name is nameIn without a folder.
func (o objects) name(args []string) []string { return o.nameIn("DIR", args) }

// taskOf returns the arguments with which a command does all that it can, without its path.
func taskOf(path string) []string {
	t := trials()[path]
	if t.task == nil && len(t.lines) > 0 {
		return t.lines[0]
	}
	return t.task
}

// screenOf is taskOf without -o: what the command shows on a terminal.
func screenOf(path string) []string {
	args := slices.Clone(taskOf(path))
	if i := slices.Index(args, "-o"); i >= 0 {
		args = slices.Delete(args, i, i+2)
	}
	return args
}

// untried says what is missing in trials for the commands below root, and what is there without a command.
func untried(root *cobra.Command) []string {
	var out []string
	left := trials()
	for path, c := range runnable(root) {
		t, ok := left[path]
		delete(left, path)
		takesArguments := len(strings.Fields(c.Use)) > 1 || path == "explain"
		switch {
		case !ok || len(t.lines) == 0:
			out = append(out, fmt.Sprintf("command %q: enter in trials how to run it", path))
		case takesArguments != (len(t.unknown) > 0) || takesArguments != (len(t.empty) > 0):
			out = append(out, fmt.Sprintf("command %q takes arguments: %t; its trial has %d unknown and %d empty ones", path, takesArguments, len(t.unknown), len(t.empty)))
		}
	}
	for path := range maps.Keys(left) {
		out = append(out, fmt.Sprintf("there is no command %q", path))
	}
	slices.Sort(out)
	return out
}

// Every command has a trial, every trial a command; and one that somebody adds is missed.
func TestEveryCommandIsTried(t *testing.T) {
	t.Parallel()
	streams, _, _ := BufferStreams("")
	root := NewRootCommand(streams, world(nil))
	if got := untried(root); len(got) > 0 {
		t.Error(strings.Join(got, "\n"))
	}
	nothing := func(*cobra.Command, []string) error { return nil }
	root.AddCommand(&cobra.Command{Use: "added", RunE: nothing})
	explain, _, err := root.Find([]string{"explain"})
	if err != nil {
		t.Fatal(err)
	}
	explain.AddCommand(&cobra.Command{Use: "more NAME", RunE: nothing})
	version, _, err := root.Find([]string{"version"})
	if err != nil {
		t.Fatal(err)
	}
	root.RemoveCommand(version)
	want := []string{`command "added": enter in trials how to run it`, `command "explain more": enter in trials how to run it`, `there is no command "version"`}
	if diff := cmp.Diff(want, untried(root)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
