package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

var (
	// errDirty is returned for a tree that is not as its commit has it.
	errDirty = errors.New("the tree differs from its commit: commit what is meant to be in the release and remove the rest, or take it as it is with make release DIRTY=1")
	// errNoFacts is returned where the go command did not write version and commit into the program.
	errNoFacts = errors.New("the go command wrote no version, commit and date into it: a release needs a git repository with a commit, and git")
)

// run runs a program in a folder, with variables beside those of this process, and returns its standard output. The error of a
// program that failed has its standard error.
func run(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...) // #nosec G204 -- git, go, and the program that was built
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running %s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out.Bytes(), stderr.Bytes())
	}
	return out.Bytes(), nil
}

// cleanRoot returns the top folder of the repository that holds dir. It returns errDirty, with the files, where the tree differs
// from its commit, unless that is asked for.
func cleanRoot(ctx context.Context, dir string, dirty bool) (string, error) {
	top, err := run(ctx, dir, nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	root := strings.TrimSpace(string(top))
	changed, err := run(ctx, root, nil, "git", "status", "--porcelain")
	if err != nil {
		return "", fmt.Errorf("looking for changes: %w", err)
	}
	if len(changed) > 0 && !dirty {
		return "", fmt.Errorf("%w\n%s", errDirty, changed)
	}
	return root, nil
}

// goEnvironment returns the variables with which the go command builds the same everywhere, for a platform.
func goEnvironment(p platform) []string {
	return []string{
		"GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "TZ=UTC", "LC_ALL=C",
	}
}

// compile builds the program of the repository at root for a platform. The same commit and the same Go give the same bytes, in
// whatever folder. Version, commit and date are written into it by the go command, as it does for everybody who builds from git.
func compile(ctx context.Context, root string, p platform, to string, env ...string) error {
	_, err := run(ctx, root, append(goEnvironment(p), env...),
		"go", "build", "-trimpath", "-buildvcs=true", "-ldflags", "-s -w -buildid=", "-o", to, ".")
	return err
}

// build builds the program for a platform and takes the facts of the release from it.
func (r *release) build(ctx context.Context, p platform) error {
	path := filepath.Join(r.work, p.os+"_"+p.arch, p.program())
	if err := compile(ctx, r.root, p, path); err != nil {
		return err
	}
	r.programs[p] = path
	if r.version != "" {
		return nil
	}
	return r.readFacts(path)
}

// readFacts takes module, version, commit and date from what the go command wrote into a program.
func (r *release) readFacts(path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the version of the program: %w", err)
	}
	date := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.commit = s.Value
		case "vcs.time":
			date = s.Value
		}
	}
	r.module, r.version = info.Main.Path, info.Main.Version
	if r.commit == "" || r.version == "" || r.version == "(devel)" {
		return fmt.Errorf("reading the version of the program: %w", errNoFacts)
	}
	if r.date, err = time.Parse(time.RFC3339, date); err != nil {
		return fmt.Errorf("reading the date of the commit: %w", err)
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("reading SOURCE_DATE_EPOCH: %w", err)
		}
		r.date = time.Unix(seconds, 0).UTC()
	}
	return nil
}

// hostProgram returns the path of the program that runs here, and builds it where the release has none for this platform.
func (r *release) hostProgram(ctx context.Context) (string, error) {
	here := platform{runtime.GOOS, runtime.GOARCH}
	if path := r.programs[here]; path != "" {
		return path, nil
	}
	path := filepath.Join(r.work, "host", here.program())
	return path, compile(ctx, r.root, here, path)
}

// makeExtras gathers what stands beside the program in archives and packages.
func (r *release) makeExtras(ctx context.Context) error {
	for _, name := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(filepath.Join(r.root, name)) // #nosec G304 -- a file of the repository
		if err != nil {
			return fmt.Errorf("adding the %s: %w", name, err)
		}
		r.extras = append(r.extras, file{name: name, mode: 0o644, content: content})
	}
	program, err := r.hostProgram(ctx)
	if err != nil {
		return err
	}
	for _, shell := range completions() {
		script, err := run(ctx, r.work, []string{"HOME=" + r.work}, program, "completion", shell.name)
		if err != nil {
			return err
		}
		r.extras = append(r.extras, file{name: "completions/" + shell.file, mode: shell.mode, content: script})
	}
	return r.addManPages(ctx)
}

// completion is the script by which one shell, or kubectl, completes the command lines of the tool.
type completion struct {
	name, file string
	mode       os.FileMode
}

// completions returns what the command completion prints, with the file names that the shells look for.
func completions() []completion {
	return []completion{
		{"bash", "psp2pss.bash", 0o644},
		{"zsh", "_psp2pss", 0o644},
		{"fish", "psp2pss.fish", 0o644},
		{"powershell", "psp2pss.ps1", 0o644},
		{"kubectl", "kubectl_complete-psp2pss", 0o755},
	}
}

// addManPages has the repository's own tests render the man pages, as make man does, and adds them.
func (r *release) addManPages(ctx context.Context) error {
	dir := filepath.Join(r.work, "man1")
	env := append(goEnvironment(platform{runtime.GOOS, runtime.GOARCH}), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.date.Unix(), 10))
	// Compiled as the program is, so that the go command finds what it has compiled for it, or for the same commit in another folder.
	if _, err := run(ctx, r.root, env, "go", "test", "-trimpath", "-vet=off", "./cmd", "-count=1", "-run", "^TestManPages$", "-args", "-man", dir); err != nil {
		return err
	}
	pages, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the man pages: %w", err)
	}
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join(dir, page.Name())) // #nosec G304 -- written by the test above
		if err != nil {
			return fmt.Errorf("reading the man pages: %w", err)
		}
		r.extras = append(r.extras, file{name: "man/man1/" + page.Name(), mode: 0o644, content: content})
	}
	return nil
}
