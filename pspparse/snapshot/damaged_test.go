package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// entries returns the entries of a snapshot.
func entries(t *testing.T, archive []byte) (names []string, texts [][]byte) {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, texts = append(names, header.Name), append(texts, text)
	}
}

// packed returns the tar.gz of entries.
func packed(t *testing.T, names []string, texts [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for i := range names {
		if err := w.WriteHeader(&tar.Header{Name: names[i], Size: int64(len(texts[i])), Mode: 0o600, ModTime: time.Unix(0, 0)}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// edited returns a snapshot with another text of one entry, and the sums of what it has then.
func edited(t *testing.T, archive []byte, name, from, to string) []byte {
	t.Helper()
	names, texts := entries(t, archive)
	var m Manifest
	if err := json.Unmarshal(texts[0], &m); err != nil {
		t.Fatal(err)
	}
	for i := range names {
		if names[i] != name {
			continue
		}
		if !bytes.Contains(texts[i], []byte(from)) {
			t.Fatalf("%s does not hold %s", name, from)
		}
		texts[i] = bytes.Replace(texts[i], []byte(from), []byte(to), 1)
		if i == 0 {
			return packed(t, names, texts)
		}
		sum := sha256.Sum256(texts[i])
		m.Entries[i-1].SHA256, m.Entries[i-1].Bytes = hex.EncodeToString(sum[:]), int64(len(texts[i]))
		m.Entries[i-1].Records = bytes.Count(texts[i], []byte("\n"))
	}
	var err error
	if texts[0], err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return packed(t, names, texts)
}

// followedByZeros returns a snapshot in which zeros follow the end of the archive, as tar allows.
func followedByZeros(t *testing.T, archive []byte, n int) []byte {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, zipped); err != nil {
		t.Fatal(err)
	}
	for zeros := make([]byte, 1<<20); n > 0; n -= len(zeros) {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestDamagedSnapshots checks that what is not as it was written is refused, with the place.
func TestDamagedSnapshots(t *testing.T) {
	t.Parallel()
	whole := saved(t, newFiller(7).inventoryOf())
	names, texts := entries(t, whole)
	swapped := append([][]byte{texts[0]}, texts[1:]...)
	swapped[len(swapped)-1] = []byte("{\"kind\":\"Service\",\"count\":3}\n")
	for _, test := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"newer form", edited(t, whole, ManifestName, `"form": 1`, `"form": 2`), "the snapshot is of form 2"},
		{"newer API version", edited(t, whole, ManifestName, "psp2pss.dev/v1", "psp2pss.dev/v2"), "read it with that version or a newer one"},
		{"no manifest", packed(t, names[1:], texts[1:]), "it does not begin with psp2pss-snapshot.json"},
		{"an entry less", packed(t, names[:len(names)-1], texts[:len(texts)-1]), "skipped.jsonl is missing"},
		{"an entry more", packed(t, append(names[:len(names):len(names)], "../x"), append(texts[:len(texts):len(texts)], nil)), `an entry that its manifest does not name: "../x"`},
		{"another entry", packed(t, names, swapped), "skipped.jsonl is not what its manifest says"},
		{"unknown field", edited(t, whole, "skipped.jsonl", `"count"`, `"counts"`), `skipped.jsonl, line 1: json: unknown field "counts"`},
		{"no JSON", edited(t, whole, "notes.jsonl", `{"what"`, `{what"`), "notes.jsonl, line 1"},
		{"a shape that is not there", edited(t, whole, "workloads.jsonl", `"template":`, `"template":99`), "workloads.jsonl, line "},
		{"no shape", edited(t, whole, "workloads.jsonl", `"shape":`, `"shape":0,"count":`), "it names no shape"},
		{"two records in a line", edited(t, whole, "skipped.jsonl", "}\n", "} {}\n"), "something follows the record"},
		{"null", edited(t, whole, "policies.jsonl", `{"name"`, "null\n{\"name\""), "it holds no policy"},
		{"an effect of no rule", edited(t, whole, "admission-rules.jsonl", `"effect":"`, `"effect":"x`), `it has the effect "x`},
		{"a namespace of no name", edited(t, whole, "namespaces.jsonl", `{"name":"n`, `{"name":"N\n`), "is no name of a namespace"},
		{"cut off", whole[:len(whole)-30], "damaged or cut off"},
		{"cut off early", whole[:len(whole)/2], "damaged or cut off"},
		{"something else", []byte("apiVersion: v1\nkind: Pod\n"), "damaged or cut off"},
		{"nothing", nil, "damaged or cut off"},
	} {
		inv, err := Read(bytes.NewReader(test.archive))
		if err == nil || !strings.Contains(err.Error(), test.want) || inv != nil {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	bomb := followedByZeros(t, whole, 4<<20)
	for _, test := range []struct {
		limits limits
		want   string
	}{
		{limits{inflated: 1 << 20, ratio: 1000, free: 1 << 20}, "it holds more than 1048576 bytes"},
		{limits{inflated: 1 << 30, ratio: 100, free: 1 << 20}, "it inflates to more than 100 times its size"},
	} {
		if _, err := read(bytes.NewReader(bomb), test.limits); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("a bomb: %v, want %s", err, test.want)
		}
	}
	if _, err := read(bytes.NewReader(bomb), limits{inflated: 1 << 30, ratio: 1000, free: 1 << 20}); err != nil {
		t.Errorf("within the limits: %v", err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-8] ^= 1 // the sum of gzip
	if _, err := Read(bytes.NewReader(flipped)); err == nil {
		t.Error("with a wrong sum it is read")
	}
}

// TestImagesWithoutContainers checks that a template with more images than containers is refused: whoever looks for one by its place would find none.
func TestImagesWithoutContainers(t *testing.T) {
	t.Parallel()
	s := newFiller(1).shape()
	inv := newFiller(7).inventoryOf()
	inv.Workloads = []inventory.Workload{{Namespace: "a", Kind: "Deployment", Name: "a", Template: s, TemplateMeta: &inventory.TemplateMeta{Images: []string{"a", "b"}}}}
	if _, err := Read(bytes.NewReader(saved(t, inv))); err == nil || !strings.Contains(err.Error(), "a template with 1 container has 2 images") {
		t.Errorf("%v", err)
	}
}

// TestDecompressedSnapshot checks that a snapshot that somebody has decompressed is recognised and read.
func TestDecompressedSnapshot(t *testing.T) {
	t.Parallel()
	archive := saved(t, newFiller(8).inventoryOf())
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	if !Recognise(plain) {
		t.Error("it is not recognised")
	}
	if _, err := Read(bytes.NewReader(plain)); err != nil {
		t.Error(err)
	}
	for _, other := range [][]byte{nil, []byte("{}"), {0x1f, 0x8b}, []byte("psp2pss-snapshot.json"), archive[:10]} {
		if Recognise(other) {
			t.Errorf("%q is recognised", other)
		}
	}
}
