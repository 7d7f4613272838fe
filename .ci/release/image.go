package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// imageUser is the user and the group that the image runs as: neither is root, and neither owns anything in it.
const imageUser = "65532:65532"

// rootCertificates returns the certificate authorities that browsers trust, as PEM, for API servers whose kubeconfig names no
// authority. Those that are trusted under conditions only are left out, since PEM cannot state a condition.
func rootCertificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}

// imageFiles returns the files of the image for a platform: the program, its licence and root certificates.
func (r *release) imageFiles(p platform) ([]file, error) {
	program, err := os.ReadFile(r.programs[p])
	if err != nil {
		return nil, fmt.Errorf("reading the program for %s: %w", p, err)
	}
	files := []file{
		{name: "etc/", mode: 0o755},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: rootCertificates()},
		{name: "psp2pss", mode: 0o755, content: program},
		{name: "tmp/", mode: 0o1777},
		{name: "work/", mode: 0o755},
	}
	for _, f := range r.extras {
		if f.name == "LICENSE" {
			files = append(files, f)
		}
	}
	return files, nil
}

// labels returns what the image says of itself, by the keys of the OCI specification.
func (r *release) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "psp2pss",
		prefix + "description": "From PodSecurityPolicy to the Pod Security Standards",
		prefix + "source":      "https://" + r.module,
		prefix + "version":     r.version,
		prefix + "revision":    r.commit,
		prefix + "created":     r.date.Format(time.RFC3339),
		prefix + "licenses":    "Apache-2.0",
	}
}

// image returns the image for a platform: one layer on top of nothing.
func (r *release) image(p platform) (v1.Image, error) {
	files, err := r.imageFiles(p)
	if err != nil {
		return nil, err
	}
	var rootfs bytes.Buffer
	if err := writeTar(&rootfs, files, r.date); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(rootfs.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: r.date}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Variant: variant(p), Created: created, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: imageUser, Entrypoint: []string{"/psp2pss"}, WorkingDir: "/work",
			Env: []string{"PATH=/"}, Labels: r.labels(),
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "make release", Comment: "psp2pss " + r.version}})
}

// variant returns the variant of an architecture in the words of the OCI specification.
func variant(p platform) string {
	if p.arch == "arm64" {
		return "v8"
	}
	return ""
}

// writeImage writes the image for every architecture of Linux as one OCI layout in a tar archive. Without a program for Linux it
// writes nothing.
func (r *release) writeImage(context.Context) error {
	if len(r.built("linux")) == 0 {
		return nil
	}
	index := mutate.Annotations(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), r.labels()).(v1.ImageIndex)
	for _, p := range r.built("linux") {
		img, err := r.image(p)
		if err != nil {
			return fmt.Errorf("making the image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: p.os, Architecture: p.arch, Variant: variant(p)},
		}})
	}
	dir := filepath.Join(r.work, "image")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	// A tag has no plus sign, which a version of a tree with changes has.
	name := "psp2pss:" + strings.ReplaceAll(r.version, "+", "_")
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name})); err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	files, err := filesBelow(dir)
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	var b bytes.Buffer
	if err := writeTar(&b, files, r.date); err != nil {
		return err
	}
	return r.add("psp2pss_"+r.version+"_image.oci.tar", platform{}, b.Bytes())
}

// filesBelow returns the files and folders below a folder, sorted by name.
func filesBelow(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(name), mode: 0o644}
		if d.IsDir() {
			files = append(files, file{name: f.name + "/", mode: 0o755})
			return nil
		}
		f.content, err = os.ReadFile(path) // #nosec G304 G122 -- a file that was just written
		files = append(files, f)
		return err
	})
	return files, err
}
