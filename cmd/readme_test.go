package cmd

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The sessions in the README are real: each command is run, and what is shown is what it prints. A line "..." stands for
// any number of lines left out. What needs a cluster is run on one, by the tests in fixtures/controlplane. The commands write folders where
// they run, so that is one of their own.
func TestReadmeSessions(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	before, live, found := strings.Cut(string(data), "\n## Try it on a real cluster\n")
	_, after, _ := strings.Cut(live, "\n## Commands\n")
	if !found {
		t.Error("the README has no session on a real cluster")
	}
	ran := 0
	for _, block := range strings.Split(before+after, "```console\n")[1:] {
		session, _, _ := strings.Cut(block, "```")
		for _, part := range strings.Split(session, "$ ")[1:] {
			command, shown, _ := strings.Cut(part, "\n")
			args, ok := strings.CutPrefix(command, "psp2pss ")
			if !ok {
				t.Errorf("the session runs %q, which is not psp2pss", command)
				continue
			}
			ran++
			var out, errOut bytes.Buffer
			streams := Streams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
			if code := Run(context.Background(), streams, SystemDeps("psp2pss"), strings.Fields(args)); code != 0 {
				t.Errorf("%s: exit code %d: %s", command, code, errOut.String())
			}
			if at := mismatch(strings.Split(strings.TrimSpace(shown), "\n"), strings.Split(out.String(), "\n")); at != "" {
				t.Errorf("%s does not print this any more: %q; it prints:\n%s", command, at, out.String())
			}
		}
	}
	if ran == 0 {
		t.Error("the README shows no session")
	}
}

// What the README says about many clusters works, in its order, on a kubeconfig of two clusters and one that is gone: what is written is
// there, and the codes are those that it names.
func TestReadmeOnManyClusters(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	config := contextsConfig(t, map[string]string{"prod-eu": clusterServer(t, "uid-eu", "/"), "prod-us": clusterServer(t, "uid-us", "/"), "prod-zz": goneServer()})
	deps := fleetDeps()
	deps.LookupEnv = func(name string) (string, bool) { return config, name == "PSP2PSS_KUBECONFIG" }
	t.Chdir(t.TempDir())
	_, section, _ := strings.Cut(string(data), "\n## Many clusters\n")
	section, _, _ = strings.Cut(section, "\n## ")
	ran := 0
	for _, block := range strings.Split(section, "```sh\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			if len(words) == 2 && words[0] == "mkdir" {
				if err := os.Mkdir(words[1], 0o700); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if len(words) < 2 || words[0] != "psp2pss" || words[1] == "fleet" {
				continue
			}
			ran++
			want := exitDone
			if slices.Contains(words, "--all-contexts") && !strings.Contains(line, "--shard") {
				want = exitPartial // one is gone
			}
			code, _, errOut := run(t, deps, words[1:]...)
			if code != want {
				t.Errorf("%s exit code %d, want %d\n%s", line, code, want, errOut)
			}
			for _, word := range words {
				if _, file, isFile := strings.Cut(word, "="); isFile && !strings.HasPrefix(word, "--") {
					if info, err := os.Stat(file); err != nil || info.Size() == 0 {
						t.Errorf("%s did not write %s: %v", line, file, err)
					}
				}
			}
		}
	}
	if ran < 4 {
		t.Errorf("%d commands were run", ran)
	}
}

// mismatch returns the first line shown that was not printed where it should be, "" if all were.
func mismatch(shown, printed []string) string {
	skipping := false
	for _, line := range shown {
		if line == "..." {
			skipping = true
			continue
		}
		for skipping && len(printed) > 0 && strings.TrimRight(printed[0], " ") != line {
			printed = printed[1:]
		}
		if len(printed) == 0 || strings.TrimRight(printed[0], " ") != line {
			return line
		}
		printed, skipping = printed[1:], false
	}
	return ""
}

// The README says which Go is needed: that of go.mod.
func TestReadmeNamesTheGoVersion(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(module), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	version = strings.TrimSuffix(version, ".0")
	named := regexp.MustCompile(`\bGo (\d+\.\d+(?:\.\d+)?)`).FindAllStringSubmatch(string(readme), -1)
	if len(named) == 0 {
		t.Error("the README names no version of Go")
	}
	for _, n := range named {
		if n[1] != version {
			t.Errorf("the README says Go %s, go.mod %s", n[1], version)
		}
	}
}
