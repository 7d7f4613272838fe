package cmd

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/psp2pss/psp2pss/migrate"
)

// wrongUsesFile has every wrong use with its exit code and the whole of what the user reads about it.
const wrongUsesFile = "testdata/wronguses/uses.txt"

// Every wrong use ends with the right exit code, and says what is wrong, where, and what to try next. Of a use that prints a plan as
// JSON, its gaps and notes are shown.
func TestWrongUses(t *testing.T) {
	want, err := os.ReadFile(wrongUsesFile)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Abs(wrongUsesFile)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile("testdata/wronguses/input.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("KUBECONFIG", "no-kubeconfig")
	t.Setenv("HOME", "no-home")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	writeWrongInput(t, archive)
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		if use, is := strings.CutPrefix(line, "$ "); is {
			fmt.Fprintf(&got, "$ %s%s\n", use, answerOf(t, strings.TrimSuffix(use, "\n")))
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.SplitAfter(string(want), "\n"), strings.SplitAfter(got.String(), "\n")); diff != "" {
		t.Errorf("(-want +got; -args -update writes it):\n%s", diff)
	}
}

// No wrong use shows the words of a library, or the name of a file that is none of the user's.
func TestWrongUsesAreInOurWords(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(wrongUsesFile)
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "$ ") {
			uses++
			continue
		}
		for _, phrase := range []string{
			"strconv", "time: ", "if any flags in the group", "unexpected EOF", "unexpected end of JSON", "unmarshal", " yaml: ", " json: ", "invalid character ", "shorthand",
			"bad flag syntax", "flag needs an argument", "no such file or directory", "is a directory", "not a directory", `it is "" of`, "unable to parse requirement",
			"strict decoding", "couldn't get version/kind", "cannot start any token", `for "psp2pss"`,
		} {
			if strings.Contains(line, phrase) {
				t.Errorf("%s:%d has %q: %s", wrongUsesFile, i+1, phrase, line)
			}
		}
	}
	if uses < 150 {
		t.Errorf("%s has %d wrong uses only", wrongUsesFile, uses)
	}
}

// answerOf runs a command line, which may begin with variables and have words in single quotes, and returns its exit code and what
// the user reads.
func answerOf(t *testing.T, use string) string {
	t.Helper()
	env, args := map[string]string{}, splitWords(use)
	for ; strings.Contains(args[0], "="); args = args[1:] {
		name, value, _ := strings.Cut(args[0], "=")
		env[name] = value
	}
	streams, out, errOut := BufferStreams("")
	deps := SystemDeps(args[0])
	deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	deps.Now = nil
	code := Run(context.Background(), streams, deps, args[1:])
	text := fmt.Sprintf("exit %d\n%s", code, errOut)
	var plan migrate.Plan
	if json.Unmarshal(out.Bytes(), &plan) == nil {
		for _, g := range plan.Gaps {
			text += fmt.Sprintf("gap %s:%d: %s: %s\n", g.Position.File, g.Position.Line, g.What, g.Text)
		}
		for _, n := range plan.Notes {
			text += fmt.Sprintf("note %s:%d: %s: %s\n", n.Position.File, n.Position.Line, n.What, n.Text)
		}
	}
	return text
}

// quotedWord matches a word of a command line, or one in single quotes.
var quotedWord = regexp.MustCompile(`'[^']*'|[^ ]+`)

// splitWords splits a command line into words as a shell does, as far as the uses need it.
func splitWords(line string) []string {
	words := quotedWord.FindAllString(line, -1)
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	return words
}

// writeWrongInput writes the input of the wrong uses into the current folder: the texts of an archive, and what is binary.
func writeWrongInput(t *testing.T, texts *txtar.Archive) {
	t.Helper()
	files := map[string][]byte{}
	for _, f := range texts.Files {
		files[f.Name] = f.Data
	}
	noise := func(begin string) []byte {
		data := []byte(begin)
		for i := range 4000 {
			data = append(data, byte(i*i>>3), byte(i), 0)
		}
		return data
	}
	manifest := files["dump/a.yaml"]
	packed := gzipped(t, tarOf(t, "dump/a.yaml", manifest))
	plan := savedDemoPlan(t, "json")
	for name, data := range map[string][]byte{
		"dump.tar": tarOf(t, "dump/a.yaml", manifest), "dump.tgz": packed, "dump.tgz.yaml": packed, "dump.zip": zipOf(t, "dump/a.yaml", manifest),
		"dump.xz": noise("\xfd7zXZ\x00"), "dump.bz2": noise("BZh91AY&SY"), "dump.zst": noise("\x28\xb5\x2f\xfd"), "dump.7z": noise("7z\xbc\xaf\x27\x1c"),
		"dump.rar": noise("Rar!\x1a\x07\x01\x00"), "archives/dump.tar.gz": packed, "archives/other.zip": zipOf(t, "x", nil),
		"manual.pdf": noise("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "etcd.db": noise(strings.Repeat("\x00", 16) + "\xed\xda\x0c\xed\x02\x00\x00\x00"),
		"picture.png": noise("\x89PNG\r\n\x1a\n"), "binary.yaml": noise("\x8f\x01\x02"),
		"utf16.yaml": utf16Of(string(manifest)), "crlf.yaml": bytes.ReplaceAll(manifest, []byte("\n"), []byte("\r\n")),
		"bom.yaml": append([]byte("\ufeff"), manifest...), "plan.json": plan, "plan.yaml": savedDemoPlan(t, "yaml"),
		"cut-plan.json": plan[:2000], "cut-plan.yaml": savedDemoPlan(t, "yaml")[:2000], "bom-plan.json": append([]byte("\ufeff"), plan...),
		"plan.json.gz": gzipped(t, plan), "cut.journal": files["ok.journal"][:60],
	} {
		files[name] = data
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("emptydir", 0o750); err != nil {
		t.Fatal(err)
	}
}

// savedDemoPlan returns the plan of the demo in a format.
func savedDemoPlan(t *testing.T, format string) []byte {
	t.Helper()
	streams, out, errOut := BufferStreams("")
	if code := Run(context.Background(), streams, SystemDeps("psp2pss"), []string{"plan", "--demo", "-o", format}); code != exitDone && code != exitPartial {
		t.Fatalf("the plan of the demo: exit code %d\n%s", code, errOut)
	}
	return slices.Clone(out.Bytes())
}

// tarOf returns a tar archive with one file.
func tarOf(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data))})
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipOf returns a zip archive with one file.
func zipOf(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// gzipped returns data as gzip packs it.
func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// utf16Of returns text as PowerShell writes it: UTF-16 with a byte order mark.
func utf16Of(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}
