package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// untar returns the entries of a tar archive by name, and a line for each.
func untar(t *testing.T, r io.Reader) (map[string]file, string) {
	t.Helper()
	entries, listing := map[string]file{}, ""
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return entries, listing
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		name := header.Name
		if header.Linkname != "" {
			name += " -> " + header.Linkname
		}
		listing += fmt.Sprintf("%v %d:%d%s %s\n", header.FileInfo().Mode(), header.Uid, header.Gid, header.Uname+header.Gname, name)
		entries[header.Name] = file{name: header.Name, mode: os.FileMode(header.Mode) & fs.ModePerm, content: content}
	}
}

// gunzip returns what is compressed in a file.
func gunzip(t *testing.T, r io.Reader) []byte {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// archived returns the entries of the archive for a platform.
func (m *madeRelease) archived(t *testing.T, p platform) map[string]file {
	t.Helper()
	if p.os != "windows" {
		entries, _ := untar(t, bytes.NewReader(gunzip(t, bytes.NewReader(read(t, m.of(p, ".tar.gz"))))))
		return entries
	}
	z, err := zip.OpenReader(m.of(p, ".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	entries := map[string]file{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries[f.Name] = file{name: f.Name, mode: f.Mode(), content: content}
	}
	return entries
}

// manPages takes the man pages out of a listing, and compares them with the command reference.
func (m *madeRelease) manPages(t *testing.T, listing, before, after string) (rest string) {
	t.Helper()
	var got, want []string
	for line := range strings.Lines(listing) {
		_, page, ok := strings.Cut(line, before)
		if !ok || strings.TrimSpace(page) == "" {
			rest += line
			continue
		}
		got = append(got, strings.TrimSuffix(strings.TrimSpace(page), after))
	}
	pages, err := filepath.Glob(filepath.Join(m.root, "cmd", "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal("there is no command reference", err)
	}
	for _, page := range pages {
		want = append(want, strings.ReplaceAll(strings.TrimSuffix(filepath.Base(page), ".md"), "_", "-"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("man pages, beside the command reference (-want +got):\n%s", diff)
	}
	return rest
}

// Every archive has the same contents, and each text says what it should.
func (m *madeRelease) testArchives(t *testing.T) {
	for _, p := range m.platforms {
		entries := m.archived(t, p)
		listing := ""
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range entries {
				if !yield(name) {
					return
				}
			}
		}) {
			f := entries[name]
			listing += fmt.Sprintf("%v %s\n", f.mode, strings.Replace(strings.TrimPrefix(name, m.stem(p)+"/"), ".exe", "", 1))
			if len(f.content) < 100 {
				t.Errorf("%s of %s has %d bytes", name, p, len(f.content))
			}
		}
		m.golden(t, "archive.txt", m.manPages(t, listing, "man/man1/", ".1"))
		folder := m.stem(p) + "/"
		for name, want := range map[string]string{"LICENSE": "LICENSE", "README.md": "README.md"} {
			if !bytes.Equal(entries[folder+name].content, read(t, filepath.Join(m.root, want))) {
				t.Errorf("the archive for %s has another %s", p, name)
			}
		}
		for name, want := range map[string]string{
			"completions/psp2pss.bash": "complete -o default", "completions/_psp2pss": "#compdef psp2pss", "completions/psp2pss.fish": "complete -c psp2pss",
			"completions/psp2pss.ps1": "Register-ArgumentCompleter", "completions/kubectl_complete-psp2pss": "#!", "man/man1/psp2pss-plan.1": ".TH \"PSP2PSS",
		} {
			if !strings.Contains(string(entries[folder+name].content), want) {
				t.Errorf("%s of %s has no %q", name, p, want)
			}
		}
	}
}

// versionLine is the first line that the version command of the release prints.
func (m *madeRelease) versionLine(t *testing.T) string {
	t.Helper()
	date := must(t, m.root, []string{"TZ=UTC"}, "git", "log", "-1", "--format=%H, %cd", "--date=format-local:%Y-%m-%d")
	return "psp2pss " + m.version + " (" + strings.TrimSpace(date) + ")"
}

// checkVersion compares what the version command printed with the commit that the release was made from.
func (m *madeRelease) checkVersion(t *testing.T, printed string) {
	t.Helper()
	if got, _, _ := strings.Cut(printed, "\n"); got != m.versionLine(t) {
		t.Errorf("version prints %q, want %q", got, m.versionLine(t))
	}
}

// The commands by which the README installs the archive are run as they stand, with another folder and without sudo. Then kubectl
// finds the plugin.
func (m *madeRelease) testKubectl(t *testing.T) {
	bin := t.TempDir()
	commands := m.readmeCommands(t, "From an archive")
	commands = strings.NewReplacer("sudo ", "", "/usr/local/bin", bin, "VERSION=v0.1.0", "VERSION="+m.version, "linux_amd64", here().os+"_"+here().arch).Replace(commands)
	must(t, m.dist, nil, "sh", "-euc", commands)
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Join(m.dist, m.stem(here()))) })

	kubectl := strings.TrimSpace(must(t, m.root, []string{"CGO_ENABLED=0"}, "go", "run", "-trimpath", "./fixtures/controlplane/launch", "kubectl"))
	env := []string{"PATH=" + bin, "HOME=" + t.TempDir(), "KUBECONFIG=/nowhere"}
	m.checkVersion(t, must(t, bin, env, kubectl, "psp2pss", "version"))
	plan := must(t, bin, env, kubectl, "psp2pss", "plan", "--demo")
	if !strings.HasPrefix(plan, "Plan for v") || !strings.Contains(plan, "NEXT") || !strings.Contains(plan, "kubectl psp2pss explain") {
		t.Errorf("kubectl psp2pss plan --demo prints\n%s", plan)
	}
	if plugins := must(t, bin, env, kubectl, "plugin", "list"); !strings.Contains(plugins, filepath.Join(bin, "kubectl-psp2pss")) {
		t.Errorf("kubectl lists\n%s", plugins)
	}
}

// readmeCommands returns the commands that stand below a bold title of the README's section on installing.
func (m *madeRelease) readmeCommands(t *testing.T, title string) string {
	t.Helper()
	readme := string(read(t, filepath.Join(m.root, "README.md")))
	_, section, found := strings.Cut(readme, "**"+title+"**")
	_, block, begins := strings.Cut(section, "```sh\n")
	commands, _, ends := strings.Cut(block, "```")
	if !found || !begins || !ends {
		t.Fatalf("the README has no commands below %q", title)
	}
	return commands
}

// Krew's own validation accepts the manifest, and Krew installs by it.
func (m *madeRelease) testKrew(t *testing.T) {
	manifest := filepath.Join(m.dist, "psp2pss.yaml")
	must(t, ".", nil, filepath.Join(m.tools, "validate-krew-manifest"), "-manifest", manifest, "-skip-install")
	for _, p := range m.platforms {
		root := t.TempDir()
		archive := m.of(p, ".tar.gz")
		if p.os == "windows" {
			archive = m.of(p, ".zip")
		}
		env := []string{"KREW_ROOT=" + root, "HOME=" + root, "KREW_OS=" + p.os, "KREW_ARCH=" + p.arch, "KREW_NO_UPGRADE_CHECK=1"}
		must(t, root, env, filepath.Join(m.tools, "krew"), "install", "--manifest="+manifest, "--archive="+archive)
		store := filepath.Join(root, "store", "psp2pss", m.version)
		if !bytes.Equal(read(t, filepath.Join(store, p.program())), m.archived(t, p)[m.stem(p)+"/"+p.program()].content) {
			t.Errorf("Krew installed another program for %s", p)
		}
		if p == here() {
			m.checkVersion(t, must(t, root, env, filepath.Join(root, "bin", "kubectl-psp2pss"), "version"))
		}
	}
}
