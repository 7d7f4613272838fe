package main

import (
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// The image is read back: every digest is right, every architecture of Linux is there, and each runs the program of its archive
// as a user who is not root.
func (m *madeRelease) testImage(t *testing.T) {
	entries, _ := untar(t, bytes.NewReader(read(t, filepath.Join(m.dist, "psp2pss_"+m.version+"_image.oci.tar"))))
	dir := t.TempDir()
	for name, f := range entries {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Fatal(err)
	}
	top, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(top.Manifests) != 1 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "psp2pss:"+m.version {
		t.Fatalf("the layout has %+v", top.Manifests)
	}
	index, err := outer.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, p := range m.platforms {
		if p.os == "linux" {
			want = append(want, p.String())
		}
	}
	for _, d := range list.Manifests {
		p := platform{d.Platform.OS, d.Platform.Architecture}
		got = append(got, p.String())
		img, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS != p.os || config.Architecture != p.arch {
			t.Errorf("the image for %s is for %s/%s", p, config.OS, config.Architecture)
		}
		text, err := json.MarshalIndent(config.Config, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		m.golden(t, "image.json", m.withoutCommit(t, string(text))+"\n")
		files, listing := untar(t, mutate.Extract(img))
		m.golden(t, "image.txt", sorted(listing))
		m.checkImageFiles(t, p, files)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("architectures (-want +got):\n%s", diff)
	}
}

// sorted returns the lines of a text in order: a layer is unpacked in no order that matters.
func sorted(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// withoutCommit replaces the commit and its date in a text.
func (m *madeRelease) withoutCommit(t *testing.T, text string) string {
	t.Helper()
	facts := strings.Fields(must(t, m.root, []string{"TZ=UTC"}, "git", "log", "-1", "--format=%H %cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"))
	return strings.NewReplacer(facts[0], "COMMIT", facts[1], "DATE").Replace(text)
}

// checkImageFiles compares the program with that of the archive, and asks whether it runs without any library.
func (m *madeRelease) checkImageFiles(t *testing.T, p platform, files map[string]file) {
	t.Helper()
	program := files["psp2pss"].content
	if !bytes.Equal(program, m.archived(t, p)[m.stem(p)+"/psp2pss"].content) {
		t.Errorf("the image for %s has another program than the archive", p)
	}
	binary, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range binary.Progs {
		if part.Type == elf.PT_INTERP {
			t.Errorf("the program for %s needs a loader, which the image has not", p)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"].content) {
		t.Error("the image has no certificates")
	}
}
