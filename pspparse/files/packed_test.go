package files

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/fixtures/dumps"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// namespaceFile returns a file with the object of a namespace.
func namespaceFile(name, namespace string) dumps.File {
	return dumps.File{Name: name, Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n")}
}

// pack returns files as a tar.gz.
func pack(tb testing.TB, in ...dumps.File) []byte {
	tb.Helper()
	var buf bytes.Buffer
	if err := dumps.TarGzip(&buf, in); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// readPacked returns what is read of an archive, as a file and on standard input, which must be the same: the namespaces with their
// positions, and the texts of gaps and notes.
func readPacked(t *testing.T, data []byte, limits Limits) (namespaces, gaps, notes []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(r *Reader) (out [3][]string) {
		b := inventory.NewBuilder()
		r.Dumps, r.Limits = true, limits
		if err := r.Read(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		inv := b.Build(inventory.Source{})
		short := strings.NewReplacer(path, "ARCHIVE", "-!", "ARCHIVE!")
		for _, n := range inv.Namespaces {
			out[0] = append(out[0], n.Name+" "+short.Replace(n.Position.File))
		}
		for _, g := range inv.Gaps {
			out[1] = append(out[1], g.Why.Text)
		}
		for _, n := range inv.Notes {
			out[2] = append(out[2], n.Why.Text)
		}
		slices.Sort(out[1])
		slices.Sort(out[2])
		return out
	}
	fromFile := read(&Reader{Paths: []string{path}})
	fromStdin := read(&Reader{Paths: []string{"-"}, Stdin: bytes.NewReader(data)})
	if diff := cmp.Diff(fromFile, fromStdin); diff != "" {
		t.Errorf("file and standard input differ (-file +stdin):\n%s", diff)
	}
	return fromFile[0], fromFile[1], fromFile[2]
}

func TestArchiveOfPlainDocuments(t *testing.T) {
	t.Parallel()
	inner := pack(t, namespaceFile("deep/three.yaml", "three"))
	zipped := new(bytes.Buffer)
	if err := dumps.Zip(zipped, []dumps.File{namespaceFile("z.yaml", "zipped")}); err != nil {
		t.Fatal(err)
	}
	packed := new(bytes.Buffer)
	w := gzip.NewWriter(packed)
	if _, err := w.Write(namespaceFile("", "two").Data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	twice := pack(t, dumps.File{Name: "inner.tgz", Data: inner})
	namespaces, gaps, notes := readPacked(t, pack(t,
		namespaceFile("./one.yaml", "one"), dumps.File{Name: "b/two.yaml.gz", Data: packed.Bytes()}, dumps.File{Name: "inner.tar.gz", Data: inner},
		dumps.File{Name: "more.zip", Data: zipped.Bytes()}, dumps.File{Name: "twice.tar.gz", Data: twice},
		namespaceFile(".git/hidden.yaml", "hidden"), namespaceFile("README", "readme"), namespaceFile("../up.yaml", "up"), namespaceFile("/abs.yaml", "abs"),
	), Limits{})
	if diff := cmp.Diff([]string{"one ARCHIVE!one.yaml", "three ARCHIVE!inner.tar.gz!deep/three.yaml", "two ARCHIVE!b/two.yaml.gz"}, namespaces); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`2 of its entries have names or are links that lead out of it, the first is "../up.yaml": they were not read; pack it again with names below one folder`,
		"it is a zip in an archive: unpack the outer one, and name this by itself",
		"it is an archive in an archive in an archive: unpack the outer one, and name this by itself",
	}, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if len(notes) > 0 {
		t.Errorf("notes: %q", notes)
	}
}

func TestLinksAndDevicesInArchives(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeSymlink, Name: "a/within.yaml", Linkname: "../b.yaml"},
		{Typeflag: tar.TypeSymlink, Name: "out.yaml", Linkname: "../../etc/passwd"},
		{Typeflag: tar.TypeSymlink, Name: "abs.yaml", Linkname: "/etc/passwd"},
		{Typeflag: tar.TypeChar, Name: "dev.yaml"},
		{Typeflag: tar.TypeFifo, Name: "pipe.yaml"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, gaps, notes := readPacked(t, buf.Bytes(), Limits{})
	if diff := cmp.Diff([]string{
		`2 of its entries have names or are links that lead out of it, the first is "out.yaml": they were not read; pack it again with names below one folder`,
	}, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"2 of its entries are no regular files, or have too long a name, and were passed over",
		"none of its entries is a .yaml, .yml or .json file: nothing was read from it",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// Of an archive that is cut off, or beyond a limit, what came before is read, and one gap says so.
func TestArchivesThatEndEarly(t *testing.T) {
	t.Parallel()
	var in []dumps.File
	for i := range 200 {
		in = append(in, namespaceFile(fmt.Sprintf("%d.yaml", i), fmt.Sprintf("n%d", i)))
	}
	var plain bytes.Buffer
	if err := dumps.Tar(&plain, in); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data   []byte
		limits Limits
		want   string
	}{
		"cut off":       {plain.Bytes()[:100*1024+700], Limits{}, "reading it ended after"},
		"entries":       {plain.Bytes(), Limits{Entries: 100}, "reading it ended after 100 entries: it has more than 100 entries; what comes after that is not known: if it may be that large, unpack it and name the folder"},
		"size":          {pack(t, in...), Limits{UncompressedBytes: 100 * 1024}, "it inflates to more than 102400 bytes; what comes after that is not known: if it may be that large, unpack it and name the folder"},
		"damaged":       {append(slices.Clone(plain.Bytes()[:100*1024]), bytes.Repeat([]byte("x"), 2048)...), Limits{}, "reading it ended after 100 entries"},
		"an empty tail": {pack(t, in...)[:400], Limits{}, "reading it ended after"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespaces, gaps, _ := readPacked(t, c.data, c.limits)
			if len(namespaces) == 0 || len(namespaces) > 101 {
				t.Errorf("%d namespaces were read", len(namespaces))
			}
			if text := strings.Join(gaps, "\n"); !strings.Contains(text, c.want) {
				t.Errorf("gaps %q, want one with %q", gaps, c.want)
			}
		})
	}
}

// Broken entries are named up to a limit for the whole archive.
func TestManyBrokenEntries(t *testing.T) {
	t.Parallel()
	var in []dumps.File
	for i := range 50 {
		in = append(in, dumps.File{Name: fmt.Sprintf("%d.json", i), Data: []byte(`{"kind":`)})
	}
	_, gaps, _ := readPacked(t, pack(t, in...), Limits{Gaps: 10})
	if len(gaps) != 11 || !slices.Contains(gaps, "40 more of its documents could not be read: only the first 10 are named") {
		t.Errorf("%d gaps: %q", len(gaps), gaps)
	}
}

// A dump on standard input that shows only late what it is, says so.
func TestDumpRecognisedLate(t *testing.T) {
	t.Parallel()
	var in []dumps.File
	for i := range lookaheadEntries + 1 {
		in = append(in, namespaceFile(fmt.Sprintf("x/%d.yaml", i), fmt.Sprintf("n%d", i)))
	}
	in = append(in, dumps.File{Name: "gather.log", Data: []byte("x")}, namespaceFile("one/cluster/namespaces/a.yaml", "a"))
	b := inventory.NewBuilder()
	if err := (&Reader{Paths: []string{"-"}, Stdin: bytes.NewReader(pack(t, in...)), Dumps: true}).Read(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	gaps := b.Build(inventory.Source{}).Gaps
	if len(gaps) != 1 || gaps[0].Why.ID != "dump-recognised-late" {
		t.Errorf("gaps: %+v", gaps)
	}
}

// Without Dumps an archive is a gap, as for the commands that read manifests.
func TestArchivesOnlyWhereDumpsAreRead(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	if err := (&Reader{Paths: []string{"-"}, Stdin: bytes.NewReader(pack(t, namespaceFile("a.yaml", "a")))}).Read(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if inv := b.Build(inventory.Source{}); len(inv.Gaps) != 1 || len(inv.Namespaces) != 0 {
		t.Errorf("gaps %+v, namespaces %+v", inv.Gaps, inv.Namespaces)
	}
}

// The logs between the documents of a cluster-info dump become empty lines, however the text is cut into reads.
func TestLogSkipper(t *testing.T) {
	t.Parallel()
	start, end := "==== START logs for container c of pod n/p ====\n", "==== END logs for container c of pod n/p ====\n"
	long := strings.Repeat("x", 3*readBufferBytes)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"a: b\n", "a: b\n"},
		{"{}\n" + start + "log\n" + end + "{}\n", "{}\n\n\n\n{}\n"},
		{start + "no line feed" + end + "{}", "\n\n{}"},
		{start + "==== END logs for container d of pod n/p ====\n{}\n" + end + "x", "\n\n\n\nx"},
		{"{}\n" + start + long + "\n" + end + long, "{}\n\n\n\n" + long},
		{long + "\n" + start + long + end + "{}\n", long + "\n\n\n{}\n"},
		{"text ==== START logs for container c\n", "text ==== START logs for container c\n"},
		{"{}\n" + start + "never ends\n", "{}\n\n\n"},
	} {
		for name, cut := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader} {
			got, err := io.ReadAll(newLogSkipper(cut(strings.NewReader(c.text))))
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %.60q became %.60q, want %.60q; error %v", name, c.text, got, c.want, err)
			}
		}
	}
}

func TestRestoreNulls(t *testing.T) {
	t.Parallel()
	var n, want yaml.Node
	for text, into := range map[string]*yaml.Node{`{a: "null", b: ["null", null, x], "null": 1, c: {d: 'null'}}`: &n, `{a: null, b: ["", null, x], "null": 1, c: {d: null}}`: &want} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	restoreNulls(&n)
	var got, expected any
	if err := n.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := want.Decode(&expected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzArchive: no archive makes the reader panic, or read what its name leads out of it.
func FuzzArchive(f *testing.F) {
	f.Add(pack(f, namespaceFile("a.yaml", "a"), namespaceFile("../b.yaml", "b")))
	f.Add(pack(f, dumps.File{Name: "metadata/version", Data: []byte("1.1.0\n")}, dumps.File{Name: "resources/pods/namespaces/a/b.json", Data: []byte("{}")}))
	f.Add(pack(f, dumps.File{Name: "version.yaml", Data: []byte("kind: SupportBundle")}, dumps.File{Name: "cluster-resources/pods/a.json", Data: []byte(`[{"metadata":{"name":"x"}}]`)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := inventory.NewBuilder()
		r := &Reader{Paths: []string{"-"}, Stdin: bytes.NewReader(data), Dumps: true, Limits: Limits{UncompressedBytes: 1 << 20, Entries: 100, ZipEntries: 100}}
		_ = r.Read(context.Background(), b)
		for _, n := range b.Build(inventory.Source{}).Namespaces {
			if strings.Contains(n.Position.File, "!../") || strings.Contains(n.Position.File, "!/") {
				t.Errorf("read %s", n.Position.File)
			}
		}
	})
}
