package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/psp2pss/psp2pss/pspparse/archive"
)

// tarOf returns a tar of entries without content but their names.
func tarOf(tb testing.TB, headers ...tar.Header) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := range headers {
		h := headers[i]
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, h.Name); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// gzipOf returns data packed with gzip.
func gzipOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// zstdOf returns data packed with zstd.
func zstdOf(tb testing.TB, data []byte, opts ...zstd.EOption) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// zipOf returns a zip of files with content.
func zipOf(tb testing.TB, content []byte, names ...string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// walk reads every entry of an archive, and returns their names and contents.
func walk(m *archive.Meter, data []byte) (out []string, err error) {
	visit := func(e *archive.Entry) error {
		if e.Type != archive.Regular {
			out = append(out, e.Name)
			return nil
		}
		body, err := io.ReadAll(e.Body)
		out = append(out, e.Name+"="+string(body[:min(len(body), 20)]))
		return err
	}
	f := archive.Sniff(data)
	if f == archive.Zip {
		return out, m.WalkZip(bytes.NewReader(data), int64(len(data)), visit)
	}
	return out, m.WalkStream(bytes.NewReader(data), f, visit)
}

func TestFormats(t *testing.T) {
	t.Parallel()
	packed := tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a.yaml"}, tar.Header{Typeflag: tar.TypeReg, Name: "b/c.yaml"})
	for want, data := range map[archive.Format][]byte{
		archive.Tar: packed, archive.Gzip: gzipOf(t, packed), archive.Zstd: zstdOf(t, packed),
	} {
		if got := archive.Sniff(data); got != want {
			t.Errorf("format %q, want %q", got, want)
		}
		got, err := walk(archive.NewMeter(archive.Limits{}), data)
		if err != nil || strings.Join(got, " ") != "a.yaml=a.yaml b/c.yaml=b/c.yaml" {
			t.Errorf("%s: entries %q, error %v", want, got, err)
		}
	}
	if got, err := walk(archive.NewMeter(archive.Limits{}), zipOf(t, []byte("x"), "a.yaml")); err != nil || len(got) != 1 || got[0] != "a.yaml=x" {
		t.Errorf("zip: entries %q, error %v", got, err)
	}
	if got := archive.Sniff([]byte("apiVersion: v1\n")); got != archive.None {
		t.Errorf("format of YAML: %q", got)
	}
}

// Every limit ends the reading with an error that names it, and what came before is read. A short run, which the race detector makes
// twenty times as slow, is without the limits that only much data reaches.
func TestLimits(t *testing.T) {
	t.Parallel()
	size := 80 << 20
	if testing.Short() {
		size = 2 << 20
	}
	zeros := make([]byte, size)
	bomb := func() []byte {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bomb.json", Size: int64(len(zeros))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}()
	three := tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a"}, tar.Header{Typeflag: tar.TypeReg, Name: "b"}, tar.Header{Typeflag: tar.TypeReg, Name: "c"})
	type limited struct {
		data   []byte
		limits archive.Limits
		want   string
	}
	cases := map[string]limited{
		"entries of a tar": {three, archive.Limits{Entries: 2}, "it has more than 2 entries"},
		"entries of a zip": {zipOf(t, nil, "a", "b", "c"), archive.Limits{ZipEntries: 2}, "it has more than 2 entries"},
		"size":             {gzipOf(t, bomb), archive.Limits{InflatedBytes: 1 << 20}, "it inflates to more than 1048576 bytes"},
		"size of a tar":    {bomb, archive.Limits{InflatedBytes: 1 << 20}, "it inflates to more than 1048576 bytes"},
		"size of a zip":    {zipOf(t, zeros, "bomb"), archive.Limits{InflatedBytes: 1 << 20}, "it inflates to more than 1048576 bytes"},
	}
	if !testing.Short() {
		cases["ratio"] = limited{gzipOf(t, bomb), archive.Limits{Ratio: 100}, "it inflates to more than 100 times its size"}
		cases["ratio of zstd"] = limited{zstdOf(t, bomb), archive.Limits{}, "it inflates to more than 1000 times its size"}
		cases["ratio of a zip"] = limited{zipOf(t, zeros, "bomb"), archive.Limits{Ratio: 100}, "it inflates to more than 100 times its size"}
		cases["the window of zstd"] = limited{zstdOf(t, bomb, zstd.WithWindowSize(128<<20)), archive.Limits{}, "its zstd data wants more than 64 MiB held at once"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := walk(archive.NewMeter(c.limits), c.data)
			if err == nil || archive.Reason(err) != c.want {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// Nothing leads out of an archive, whatever names, links and devices are in it.
func TestHostileEntries(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 1000)
	got := map[string]archive.EntryType{}
	data := tarOf(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "../up.yaml"}, tar.Header{Typeflag: tar.TypeReg, Name: "/etc/passwd"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/passwd"}, tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "../x"},
		tar.Header{Typeflag: tar.TypeChar, Name: "device"}, tar.Header{Typeflag: tar.TypeFifo, Name: "pipe"}, tar.Header{Typeflag: tar.TypeDir, Name: "folder/"},
		tar.Header{Typeflag: tar.TypeReg, Name: long + "x.yaml"}, tar.Header{Typeflag: tar.TypeReg, Name: "good.yaml"},
	)
	if err := archive.NewMeter(archive.Limits{}).WalkTar(bytes.NewReader(data), func(e *archive.Entry) error {
		got[e.Name[:min(len(e.Name), 20)]] = e.Type
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]archive.EntryType{
		"../up.yaml": archive.Regular, "/etc/passwd": archive.Regular, "link": archive.Link, "hard": archive.Link, "device": archive.Special,
		"pipe": archive.Special, "folder/": archive.Folder, long[:20]: archive.Special, "good.yaml": archive.Regular,
	} {
		if got[name] != want {
			t.Errorf("%s: type %d, want %d", name, got[name], want)
		}
	}
}

func TestUnsafeNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a/b.yaml": false, "./a": false, "a..b/c": false, "../a": true, "a/../../b": true, "/a": true, `a\b`: true, "C:/a": true, "c:a": true, "a\x00b": true, "": false,
	} {
		if got := archive.IsUnsafeName(name); got != want {
			t.Errorf("IsUnsafeName(%q) = %t, want %t", name, got, want)
		}
	}
}

// An archive that is cut off anywhere is an error, unless it is cut where the tar ends.
func TestCutOff(t *testing.T) {
	t.Parallel()
	data := gzipOf(t, tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a.yaml"}, tar.Header{Typeflag: tar.TypeReg, Name: "b.yaml"}))
	for n := 20; n < len(data); n++ {
		if _, err := walk(archive.NewMeter(archive.Limits{}), data[:n]); err == nil {
			t.Errorf("no error after %d of %d bytes", n, len(data))
		}
	}
}

// A zip of which the directory lies about its size is not held.
func TestZipWithAHugeDirectory(t *testing.T) {
	t.Parallel()
	limits, most := archive.Limits{}, 2000
	if testing.Short() { // as above: then the number of entries is what is too much
		limits.ZipEntries, most = 10, 20
	}
	names := make([]string, most)
	for i := range names {
		names[i] = strings.Repeat("x", 60_000)
	}
	data := zipOf(t, nil, names...)
	_, err := walk(archive.NewMeter(limits), data)
	var limit *archive.LimitError
	if !errors.As(err, &limit) {
		t.Errorf("error %v, want a limit", err)
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	m := archive.NewMeter(archive.Limits{SpooledBytes: 10})
	file, size, remove, err := m.Spool(strings.NewReader("0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	if _, err := file.ReadAt(got, 0); err != nil || string(got) != "0123456789" {
		t.Errorf("read %q, error %v", got, err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	var limit *archive.LimitError
	if _, _, _, err := m.Spool(strings.NewReader("0123456789a")); !errors.As(err, &limit) {
		t.Errorf("error %v, want a limit", err)
	}
}

// FuzzWalk: no archive makes the walk panic, read more than the limits, or return names without end.
func FuzzWalk(f *testing.F) {
	packed := tarOf(f, tar.Header{Typeflag: tar.TypeReg, Name: "a.yaml"}, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "a.yaml"})
	f.Add(packed)
	f.Add(gzipOf(f, packed))
	f.Add(zstdOf(f, packed))
	f.Add(zipOf(f, []byte("x"), "a.yaml", "../b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most, entries = 1 << 16, 50
		m := archive.NewMeter(archive.Limits{InflatedBytes: most, Entries: entries, ZipEntries: entries})
		total, n := 0, 0
		visit := func(e *archive.Entry) error {
			if n++; e.Type != archive.Regular {
				return nil
			}
			body, err := io.ReadAll(e.Body)
			total = max(total, len(body))
			return err
		}
		switch format := archive.Sniff(data); format {
		case archive.Zip:
			_ = m.WalkZip(bytes.NewReader(data), int64(len(data)), visit)
		default:
			_ = m.WalkStream(bytes.NewReader(data), format, visit)
		}
		if total > most+1<<12 || n > entries {
			t.Errorf("%d bytes in one entry, %d entries", total, n)
		}
	})
}
