package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/blakesmith/ar"
	rpmutils "github.com/sassoftware/go-rpmutils"
)

// linux returns the platforms that there are packages for.
func (m *madeRelease) linux() []platform {
	return slices.DeleteFunc(slices.Clone(m.platforms), func(p platform) bool { return p.os != "linux" })
}

// The deb is read back: what it says of itself and installs, and the program is that of the archive. Where dpkg-deb is at hand, it
// unpacks it, too, and the program runs.
func (m *madeRelease) testDeb(t *testing.T) {
	for _, p := range m.linux() {
		members := map[string][]byte{}
		for archive := ar.NewReader(bytes.NewReader(read(t, m.of(p, ".deb")))); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			members[strings.TrimSuffix(header.Name, "/")] = content
		}
		control, _ := untar(t, bytes.NewReader(gunzip(t, bytes.NewReader(members["control.tar.gz"]))))
		said := string(control["./control"].content)
		said = regexp.MustCompile(`(?m)^(Installed-Size: )\d+$`).ReplaceAllString(said, "${1}SIZE")
		said = strings.Replace(said, "Version: "+packageVersion(m.version)+"\n", "Version: PACKAGE-VERSION\n", 1)
		m.golden(t, "deb-control.txt", strings.Replace(said, "Architecture: "+p.arch, "Architecture: ARCH", 1))

		data, listing := untar(t, bytes.NewReader(gunzip(t, bytes.NewReader(members["data.tar.gz"]))))
		m.golden(t, "deb.txt", m.manPages(t, listing, "man/man1/", ".1.gz"))
		if !bytes.Equal(data["./usr/bin/psp2pss"].content, m.archived(t, p)[m.stem(p)+"/psp2pss"].content) {
			t.Errorf("the deb for %s has another program than the archive", p)
		}
		if _, err := exec.LookPath("dpkg-deb"); err == nil {
			dir := t.TempDir()
			must(t, dir, nil, "dpkg-deb", "--extract", m.of(p, ".deb"), dir)
			if p == here() {
				m.checkVersion(t, must(t, dir, nil, filepath.Join(dir, "usr", "bin", "kubectl-psp2pss"), "version"))
			}
		}
	}
}

// packageVersion is a version in the words of a deb, in which what comes before a release sorts first.
func packageVersion(version string) string {
	return strings.Replace(strings.TrimPrefix(version, "v"), "-", "~", 1)
}

// The rpm is read back as the deb is.
func (m *madeRelease) testRPM(t *testing.T) {
	for _, p := range m.linux() {
		pkg, err := rpmutils.ReadRpm(bytes.NewReader(read(t, m.of(p, ".rpm"))))
		if err != nil {
			t.Fatal(err)
		}
		name, err := pkg.Header.GetNEVRA()
		if err != nil {
			t.Fatal(err)
		}
		arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[p.arch]
		if got, want := name.String(), "psp2pss-0:"+strings.ReplaceAll(packageVersion(m.version), "-", "_")+"-1."+arch+".rpm"; got != want {
			t.Errorf("the package is %s, want %s", got, want)
		}
		said := ""
		for field, tag := range map[string]int{"host": rpmutils.BUILDHOST, "licence": rpmutils.LICENSE, "summary": rpmutils.SUMMARY} {
			text, err := pkg.Header.GetString(tag)
			if err != nil {
				t.Fatal(err)
			}
			said += field + ": " + text + "\n"
		}
		installed, err := pkg.Header.GetFiles()
		if err != nil {
			t.Fatal(err)
		}
		listing := ""
		for _, f := range installed {
			listing += fmt.Sprintf("%o %s:%s %s%s\n", f.Mode(), f.UserName(), f.GroupName(), f.Name(), strings.TrimSuffix(" -> "+f.Linkname(), " -> "))
		}
		m.golden(t, "rpm.txt", sorted(said)+m.manPages(t, listing, "man/man1/", ".1.gz"))

		payload, err := pkg.PayloadReaderExtended()
		if err != nil {
			t.Fatal(err)
		}
		for {
			f, err := payload.Next()
			if errors.Is(err, io.EOF) {
				t.Errorf("the rpm for %s has no program", p)
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.Name() == "/usr/bin/psp2pss" {
				program, err := io.ReadAll(payload)
				if err != nil || !bytes.Equal(program, m.archived(t, p)[m.stem(p)+"/psp2pss"].content) {
					t.Errorf("the rpm for %s has another program than the archive: %v", p, err)
				}
				break
			}
		}
	}
}
