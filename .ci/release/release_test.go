package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	all    = flag.Bool("all", false, "build for every platform, and each a second time without the build cache")
	update = flag.Bool("update", false, "rewrite the golden files")
)

// release under test: what "make release" made of a clone of the last commit.
type madeRelease struct {
	root, dist, version string
	tools               string // folder of this command and those of Krew
	platforms           []platform
}

// must runs a program and returns what it printed.
func must(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := run(t.Context(), dir, env, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// read returns a file's content.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// golden compares a text with a file of testdata, in which VERSION stands for the version.
func (m *madeRelease) golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, m.version, "VERSION")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// here is the platform of this computer.
func here() platform { return platform{runtime.GOOS, runtime.GOARCH} }

// stem is the beginning of a file name of the release.
func (m *madeRelease) stem(p platform) string { return (&release{version: m.version}).stem(p) }

// of returns the path of a file of the release.
func (m *madeRelease) of(p platform, extension string) string {
	return filepath.Join(m.dist, m.stem(p)+extension)
}

// makeFrom clones the last commit of this repository into a folder and makes a release of the clone.
func (m *madeRelease) makeFrom(t *testing.T, folder string) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), folder)
	must(t, ".", nil, "git", "clone", "--quiet", strings.TrimSpace(must(t, ".", nil, "git", "rev-parse", "--show-toplevel")), root)
	var names []string
	for _, p := range m.platforms {
		names = append(names, p.String())
	}
	must(t, root, nil, filepath.Join(m.tools, "release"), "-platforms", strings.Join(names, ","))
	return root
}

// buildTools builds this command and the two of Krew that the tests run, without paths, so that what they share with the program of
// the release is compiled once.
func buildTools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, ".", []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-o", dir+string(filepath.Separator),
		".", "sigs.k8s.io/krew/cmd/krew", "sigs.k8s.io/krew/cmd/validate-krew-manifest")
	return dir
}

// One commit gives the same bytes in two folders, and what it gives can be installed in every documented way.
func TestRelease(t *testing.T) {
	t.Parallel()
	m := &madeRelease{tools: buildTools(t), platforms: allPlatforms()}
	if !*all {
		m.platforms = slices.DeleteFunc(m.platforms, func(p platform) bool { return p != here() && p != platform{"windows", "amd64"} })
	}
	m.root = m.makeFrom(t, "first")
	m.dist = filepath.Join(m.root, "dist")
	again := filepath.Join(m.makeFrom(t, filepath.Join("second", "with a space")), "dist")
	version := strings.Fields(must(t, m.root, nil, "grep", "^  version: ", filepath.Join(m.dist, "psp2pss.yaml")))
	m.version = version[1]

	t.Run("alike", func(t *testing.T) { sameFiles(t, m.dist, again) })
	t.Run("complete", m.testComplete)
	t.Run("archives", m.testArchives)
	t.Run("kubectl", m.testKubectl)
	t.Run("krew", m.testKrew)
	t.Run("deb", m.testDeb)
	t.Run("rpm", m.testRPM)
	t.Run("image", m.testImage)
	t.Run("bill of materials", m.testBills)
	t.Run("alike without cache", m.testCompiledAgain) // last, since it takes longest
}

// sameFiles compares two folders byte by byte.
func sameFiles(t *testing.T, first, second string) {
	t.Helper()
	sums := func(dir string) map[string]string {
		sums := map[string]string{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			sum := sha256.Sum256(read(t, filepath.Join(dir, f.Name())))
			sums[f.Name()] = hex.EncodeToString(sum[:])
		}
		return sums
	}
	if diff := cmp.Diff(sums(first), sums(second)); diff != "" {
		t.Errorf("the same commit gave other files (-first +second):\n%s", diff)
	}
}

// The folder has what it is meant to have, and SHA256SUMS is right about all of it.
func (m *madeRelease) testComplete(t *testing.T) {
	want := []string{"psp2pss.yaml"}
	for _, p := range m.platforms {
		want = append(want, m.stem(p)+".cdx.json")
		switch p.os {
		case "windows":
			want = append(want, m.stem(p)+".zip")
		case "linux":
			want = append(want, m.stem(p)+".deb", m.stem(p)+".rpm", m.stem(p)+".tar.gz")
		default:
			want = append(want, m.stem(p)+".tar.gz")
		}
	}
	if slices.ContainsFunc(m.platforms, func(p platform) bool { return p.os == "linux" }) {
		want = append(want, "psp2pss_"+m.version+"_image.oci.tar")
	}
	slices.Sort(want)
	var sums bytes.Buffer
	for _, name := range want {
		_, _ = fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(read(t, filepath.Join(m.dist, name))), name)
	}
	if diff := cmp.Diff(sums.String(), string(read(t, filepath.Join(m.dist, "SHA256SUMS")))); diff != "" {
		t.Errorf("SHA256SUMS (-want +got):\n%s", diff)
	}
	files, err := os.ReadDir(m.dist)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want)+1 {
		t.Errorf("the release has %d files, want %d: %v", len(files), len(want)+1, files)
	}
}

// The compiler gives the same program where it finds nothing in its cache, in yet another folder. Without -all only that of this
// computer is tried: each takes minutes.
func (m *madeRelease) testCompiledAgain(t *testing.T) {
	root := filepath.Join(t.TempDir(), "third")
	must(t, m.root, nil, "git", "clone", "--quiet", m.root, root)
	for _, p := range m.platforms {
		if !*all && p != here() {
			continue
		}
		path := filepath.Join(t.TempDir(), p.program())
		if err := compile(t.Context(), root, p, path, "GOCACHE="+t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, path), m.archived(t, p)[m.stem(p)+"/"+p.program()].content) {
			t.Errorf("the program for %s is another one when it is compiled without a cache", p)
		}
	}
}

// A tree that differs from its commit is refused, with the files, and the last release stays. On demand it is taken, and says so.
func TestVersionFromGit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod": "module example.com/tool\n\ngo 1.26.0\n", "main.go": "package main\n\nfunc main() {}\n",
		".gitignore": "/bin/\n/dist/\n", "dist/last": "release",
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) string {
		env := []string{"GIT_COMMITTER_DATE=2026-01-02T03:04:05+06:00", "GIT_AUTHOR_DATE=2026-01-02T03:04:05+06:00"}
		return strings.TrimSpace(must(t, dir, env, "git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...))
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "one")
	commit := git("rev-parse", "HEAD")

	// facts builds the tool and returns its version and date.
	facts := func() string {
		t.Helper()
		r := &release{root: dir, work: t.TempDir(), programs: map[platform]string{}}
		if err := r.build(t.Context(), here()); err != nil {
			t.Fatal(err)
		}
		if r.commit != commit || r.module != "example.com/tool" {
			t.Errorf("commit %s of %s, want %s of example.com/tool", r.commit, r.module, commit)
		}
		return r.version + " of " + r.date.Format("2006-01-02T15:04:05Z07:00")
	}
	const date = " of 2026-01-01T21:04:05Z"
	if got, want := facts(), "v0.0.0-20260101210405-"+commit[:12]+date; got != want {
		t.Errorf("without a tag: %s, want %s", got, want)
	}
	git("tag", "release-7")
	git("tag", "v1.2.3")
	if got, want := facts(), "v1.2.3"+date; got != want {
		t.Errorf("with a tag: %s, want %s", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "new.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := facts(), "v1.2.3+dirty"+date; got != want {
		t.Errorf("with a new file: %s, want %s", got, want)
	}
	err := makeRelease(t.Context(), dir, options{platforms: []platform{here()}}, &bytes.Buffer{})
	if want := errDirty.Error() + "\n?? new.txt\n"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := read(t, filepath.Join(dir, "dist", "last")); string(got) != "release" {
		t.Errorf("the last release became %q", got)
	}
	if root, err := cleanRoot(t.Context(), filepath.Join(dir, "dist"), true); err != nil || filepath.Base(root) != filepath.Base(dir) {
		t.Errorf("on demand: %q, %v", root, err)
	}
}

func TestParseOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "false [darwin/amd64 darwin/arm64 linux/amd64 linux/arm64 windows/amd64 windows/arm64] <nil>"},
		{[]string{"-dirty", "-platforms", "windows/arm64,linux/amd64"}, "true [linux/amd64 windows/arm64] <nil>"},
		{[]string{"-platforms", "linux/amd64,plan9/386"}, `false [linux/amd64] building for "plan9/386": no such platform; ` +
			"there are [darwin/amd64 darwin/arm64 linux/amd64 linux/arm64 windows/amd64 windows/arm64]"},
	} {
		o, err := parseOptions(test.args, &bytes.Buffer{})
		if got := fmt.Sprintf("%v %v %v", o.dirty, o.platforms, err); got != test.want {
			t.Errorf("%q: %s, want %s", test.args, got, test.want)
		}
	}
}
