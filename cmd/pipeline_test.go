package cmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"k8s.io/pod-security-admission/api"
)

// pipelineSnippets returns the code blocks of the README's section on pipelines, by the summary that they stand under and the
// language of the block: "GitLab CI/yaml".
func pipelineSnippets(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(data), "\n## In your pipeline\n")
	if !found {
		t.Fatal("the README has no section on pipelines")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	out := map[string]string{}
	for _, part := range strings.Split(section, "<summary>")[1:] {
		summary, rest, _ := strings.Cut(part, "</summary>")
		rest, _, _ = strings.Cut(rest, "</details>")
		for _, block := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(rest, -1) {
			out[summary+"/"+block[1]] = block[2]
		}
	}
	return out
}

// pipelineRepository makes a Git repository with a saved plan and the manifests of a folder deploy, whose last commit on a branch
// adds a workload that its namespace refuses (broken) or meets, with an origin that has the branch main without it.
func pipelineRepository(t *testing.T, broken bool) string {
	t.Helper()
	dir := t.TempDir()
	origin, work := filepath.Join(dir, "origin.git"), filepath.Join(dir, "work")
	const good = `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ci}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: web
    image: registry.example.com/web:1
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`
	added := strings.ReplaceAll(good, "web", "job")
	if broken {
		added = strings.Replace(added, "allowPrivilegeEscalation: false", "privileged: true", 1)
	}
	files := map[string]string{"main": good, "added": added}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, dir, 0, fmt.Sprintf(`set -e
export GIT_CONFIG_GLOBAL=/dev/null
git init -q -b main --bare %[1]q
git clone -q %[1]q %[2]q 2>/dev/null
cd %[2]q
git config user.email robot@example.com
git config user.name robot
mkdir deploy
cp ../main deploy/web.yaml
echo "# shop" > README.md
psp2pss plan --demo -o json=plan.json
git add .
git commit -qm "Deploy web"
git push -q origin HEAD:main
git checkout -q -b change
cp ../added deploy/job.yaml
git rm -q README.md
git add .
git commit -qm "Deploy job"
`, origin, work))
	return work
}

// shell runs a script with sh in a folder, wants an exit code, and returns what it printed.
func shell(t *testing.T, dir string, want int, script string, env ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatalf("running a shell: %v", err)
	}
	if got := c.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit code %d, want %d, of:\n%s\n%s", got, want, script, out)
	}
	return string(out)
}

// withoutInstall leaves out the lines of a script that install the tool, which is on PATH here.
func withoutInstall(script string) string {
	lines := strings.Split(script, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "go install ") }), "\n")
}

// The shell steps of the README's snippets are run as they stand, in a repository whose last commit is good and in one whose
// last commit adds a pod that its namespace would refuse: they pass the first and end with exit code 3 for the second.
func TestPipelineSnippets(t *testing.T) {
	t.Parallel()
	snippets := pipelineSnippets(t)
	tests := map[string]struct {
		script  func(t *testing.T, snippet string) string
		env     []string
		written []string
		// silent where nothing is found: people see it at each commit.
		silent bool
	}{
		"GitHub Actions/yaml":         {script: githubStep, env: []string{"GITHUB_BASE_REF=main"}, written: []string{"pod-security.sarif"}},
		"GitLab CI/yaml":              {script: gitlabScript, written: []string{"code-quality.json", "pod-security.xml"}},
		"Jenkins/groovy":              {script: jenkinsStep, written: []string{"pod-security.xml"}},
		"Argo CD, before a sync/yaml": {script: argoScript},
		"pre-commit, or a hook of Git itself/sh": {silent: true, script: func(_ *testing.T, snippet string) string {
			return "git reset -q --soft HEAD~1\n" + snippet
		}},
		"pre-commit, or a hook of Git itself/yaml": {script: preCommitCall},
	}
	for name := range snippets {
		if _, ok := tests[name]; !ok {
			t.Errorf("nothing runs the snippet %q", name)
		}
	}
	for name, tt := range tests {
		snippet, ok := snippets[name]
		if !ok {
			t.Errorf("the README has no snippet %q", name)
			continue
		}
		for state, want := range map[string]int{"good": exitDone, "broken": exitFindings} {
			t.Run(name+" "+state, func(t *testing.T) {
				t.Parallel()
				work := pipelineRepository(t, state == "broken")
				script := withoutInstall(tt.script(t, snippet))
				env := append([]string{"GIT_CONFIG_GLOBAL=/dev/null", "HOME=" + t.TempDir(), "REPOSITORY=file://" + work}, tt.env...)
				out := shell(t, work, want, script, env...)
				if state == "broken" && !strings.Contains(out, "privileged") {
					t.Errorf("it does not say what is wrong:\n%s", out)
				}
				if state == "good" && tt.silent && out != "" {
					t.Errorf("nothing was found, and it prints:\n%s", out)
				}
				for _, file := range tt.written {
					if s, err := os.Stat(filepath.Join(work, file)); err != nil || s.Size() == 0 {
						t.Errorf("%s was not written: %v", file, err)
					}
				}
			})
		}
	}
}

// githubStep returns the script of the step that checks, in a workflow of GitHub Actions, as its runner would call it.
func githubStep(t *testing.T, snippet string) string {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	unmarshalSnippet(t, snippet, &workflow)
	for _, s := range workflow.Jobs["check"].Steps {
		if s.Name == "check" {
			return "set -e\n" + s.Run
		}
	}
	t.Fatal("the workflow has no step that checks")
	return ""
}

// gitlabScript returns the script of the job in a pipeline of GitLab.
func gitlabScript(t *testing.T, snippet string) string {
	t.Helper()
	var pipeline map[string]struct{ Script []string }
	unmarshalSnippet(t, snippet, &pipeline)
	return "set -e\n" + strings.Join(pipeline["pod-security"].Script, "\n")
}

// jenkinsStep returns the shell command in a stage of a Jenkinsfile.
func jenkinsStep(t *testing.T, snippet string) string {
	t.Helper()
	m := regexp.MustCompile(`sh '([^']+)'`).FindStringSubmatch(snippet)
	if m == nil {
		t.Fatal("the stage has no shell step")
	}
	return m[1]
}

// argoScript returns the script in the Job for Argo CD, and wants the Job itself to meet the restricted level.
func argoScript(t *testing.T, snippet string) string {
	t.Helper()
	var job struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	unmarshalSnippet(t, snippet, &job)
	streams, out, errOut := BufferStreams(snippet)
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"check", "-f", "-", "--level=" + string(api.LevelRestricted)}); code != exitDone {
		t.Errorf("the Job does not meet the restricted level: exit code %d\n%s%s", code, out, errOut)
	}
	return "set -e\n" + job.Spec.Template.Spec.Containers[0].Args[0]
}

// preCommitCall returns the command that pre-commit would run with the files of the last commit: the hook's entry, then the
// arguments of the user, then the files.
func preCommitCall(t *testing.T, snippet string) string {
	t.Helper()
	data, err := os.ReadFile("../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Entry string }
	unmarshalSnippet(t, string(data), &hooks)
	var config struct {
		Repos []struct {
			Hooks []struct {
				ID   string
				Args []string
			}
		}
	}
	unmarshalSnippet(t, snippet, &config)
	hook := config.Repos[0].Hooks[0]
	if hook.ID != hooks[0].ID {
		t.Fatalf("the README names the hook %q, which is %q", hook.ID, hooks[0].ID)
	}
	return hooks[0].Entry + " " + strings.Join(hook.Args, " ") + " deploy/job.yaml"
}

// unmarshalSnippet decodes the YAML of a snippet.
func unmarshalSnippet(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
