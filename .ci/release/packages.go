package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// packageFormat is a kind of package for Linux, with the places where its distributions look for two files.
type packageFormat struct {
	writer  nfpm.Packager
	zsh     string // the folder of completions that packages bring for zsh
	licence string
}

// packageFormats returns the formats by the extension of their files.
func packageFormats() map[string]packageFormat {
	return map[string]packageFormat{
		"deb": {deb.Default, "/usr/share/zsh/vendor-completions", "/usr/share/doc/psp2pss/copyright"},
		"rpm": {rpm.DefaultRPM, "/usr/share/zsh/site-functions", "/usr/share/licenses/psp2pss/LICENSE"},
	}
}

// installedPath returns where a package installs one of the extras of an archive, or "" for what it leaves out.
func (f packageFormat) installedPath(extra string) string {
	switch dir, name := filepath.Split(extra); {
	case dir == "man/man1/":
		return "/usr/share/man/man1/" + name + ".gz"
	case name == "LICENSE":
		return f.licence
	case name == "README.md":
		return "/usr/share/doc/psp2pss/README.md"
	case name == "psp2pss.bash":
		return "/usr/share/bash-completion/completions/psp2pss"
	case name == "_psp2pss":
		return f.zsh + "/_psp2pss"
	case name == "psp2pss.fish":
		return "/usr/share/fish/vendor_completions.d/psp2pss.fish"
	case strings.HasPrefix(name, "kubectl_complete-"):
		return "/usr/bin/" + name
	}
	return ""
}

// writePackages writes a deb and an rpm for each architecture of Linux: the program, also as a plugin of kubectl, completions where
// shells look for them, and man pages.
func (r *release) writePackages(context.Context) error {
	for _, p := range r.built("linux") {
		for _, extension := range []string{"deb", "rpm"} {
			format := packageFormats()[extension]
			contents, err := r.packageContents(p, format, filepath.Join(r.work, extension+"_"+p.arch))
			if err != nil {
				return err
			}
			info := nfpm.WithDefaults(&nfpm.Info{
				Name: "psp2pss", Arch: p.arch, Platform: p.os, Version: r.version, Section: "admin", Priority: "optional",
				Maintainer: "The psp2pss authors", Homepage: "https://" + r.module, License: "Apache-2.0", MTime: r.date,
				Description: "from PodSecurityPolicy to the Pod Security Standards\n" +
					"Says for every namespace of a Kubernetes cluster which level of the Pod\nSecurity Standards to enforce, and why, and carries out the change.",
				Overridables: nfpm.Overridables{Contents: contents, RPM: nfpm.RPM{BuildHost: "localhost"}},
			})
			var b bytes.Buffer
			if err := format.writer.Package(info, &b); err != nil {
				return fmt.Errorf("making the %s for %s: %w", extension, p, err)
			}
			if err := r.add(r.stem(p)+"."+extension, p, b.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// packageContents writes what a package installs into a folder, since nfpm reads files, and returns the list for it.
func (r *release) packageContents(p platform, format packageFormat, dir string) (files.Contents, error) {
	if err := os.Mkdir(dir, 0o750); err != nil {
		return nil, fmt.Errorf("making a folder for a package: %w", err)
	}
	contents := files.Contents{
		{Source: r.programs[p], Destination: "/usr/bin/psp2pss", FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: r.date}},
		{Source: "psp2pss", Destination: "/usr/bin/kubectl-psp2pss", Type: files.TypeSymlink, FileInfo: &files.ContentFileInfo{MTime: r.date}},
	}
	for _, extra := range r.extras {
		to := format.installedPath(extra.name)
		if to == "" {
			continue
		}
		content := extra.content
		if strings.HasSuffix(to, ".gz") {
			var b bytes.Buffer
			z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				return nil, err
			}
			if _, err := z.Write(content); err != nil {
				return nil, err
			}
			if err := z.Close(); err != nil {
				return nil, err
			}
			content = b.Bytes()
		}
		from := filepath.Join(dir, filepath.Base(extra.name))
		if err := os.WriteFile(from, content, 0o600); err != nil {
			return nil, fmt.Errorf("writing %s for a package: %w", extra.name, err)
		}
		contents = append(contents, &files.Content{Source: from, Destination: to, FileInfo: &files.ContentFileInfo{Mode: extra.mode, MTime: r.date}})
	}
	return contents, nil
}
