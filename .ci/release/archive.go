package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is a file in an archive. A name that ends with a slash is a folder.
type file struct {
	name    string
	mode    os.FileMode // permissions, in the bits of tar
	content []byte
}

// writeTar writes files in their order as a tar archive: owned by root, all with one date.
func writeTar(w io.Writer, files []file, date time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: int64(f.mode), Size: int64(len(f.content)), ModTime: date, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(header); err != nil {
			return fmt.Errorf("archiving %s: %w", f.name, err)
		}
		if _, err := t.Write(f.content); err != nil {
			return fmt.Errorf("archiving %s: %w", f.name, err)
		}
	}
	return t.Close()
}

// writeTarGz writes files as writeTar does, compressed. The gzip header has neither name nor date.
func writeTarGz(w io.Writer, files []file, date time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := writeTar(z, files, date); err != nil {
		return err
	}
	return z.Close()
}

// writeZip writes files in their order as a zip archive, all with one date.
func writeZip(w io.Writer, files []file, date time.Time) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: date.UTC()}
		header.SetMode(f.mode)
		entry, err := z.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("archiving %s: %w", f.name, err)
		}
		if _, err := entry.Write(f.content); err != nil {
			return fmt.Errorf("archiving %s: %w", f.name, err)
		}
	}
	return z.Close()
}

// writeArchives writes an archive for each platform: one folder with the program, the licence, the README, completions and man pages.
func (r *release) writeArchives(context.Context) error {
	for _, p := range r.built("") {
		program, err := os.ReadFile(r.programs[p])
		if err != nil {
			return fmt.Errorf("reading the program for %s: %w", p, err)
		}
		files := append([]file{{name: p.program(), mode: 0o755, content: program}}, r.extras...)
		for i := range files {
			files[i].name = r.stem(p) + "/" + files[i].name
		}
		slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
		name, write := r.stem(p)+".tar.gz", writeTarGz
		if p.os == "windows" {
			name, write = r.stem(p)+".zip", writeZip
		}
		var b bytes.Buffer
		if err := write(&b, files, r.date); err != nil {
			return err
		}
		if err := r.add(name, p, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// add writes a file of the release and remembers its checksum.
func (r *release) add(name string, p platform, content []byte) error {
	if err := os.WriteFile(filepath.Join(r.out, name), content, 0o644); err != nil { // #nosec G306 -- what is published may be read by all
		return fmt.Errorf("writing %s: %w", name, err)
	}
	sum := sha256.Sum256(content)
	r.made = append(r.made, artifact{name: name, platform: p, sha256: hex.EncodeToString(sum[:])})
	return nil
}

// writeChecksums writes SHA256SUMS, which sha256sum --check reads, with a line for each file of the release.
func (r *release) writeChecksums(context.Context) error {
	var b bytes.Buffer
	slices.SortFunc(r.made, func(a, b artifact) int { return strings.Compare(a.name, b.name) })
	for _, a := range r.made {
		_, _ = fmt.Fprintf(&b, "%s  %s\n", a.sha256, a.name)
	}
	return r.add("SHA256SUMS", platform{}, b.Bytes())
}
