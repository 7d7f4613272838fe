package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/bin"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/licensedetect"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/licensedetect/local"
	"github.com/rs/zerolog"
)

// writeBills writes, for each program, which modules it is made of, with their checksums and licences, as CycloneDX.
func (r *release) writeBills(ctx context.Context) error {
	folders, err := moduleFolders(ctx, r.root)
	if err != nil {
		return err
	}
	for _, p := range r.built("") {
		bill, err := r.bill(p, folders)
		if err != nil {
			return fmt.Errorf("writing the bill of materials for %s: %w", p, err)
		}
		var b bytes.Buffer
		if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bill); err != nil {
			return fmt.Errorf("writing the bill of materials for %s: %w", p, err)
		}
		if err := r.add(r.stem(p)+".cdx.json", p, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// bill returns the bill of materials of a program, made from what the go command wrote into it. Its date is that of the release.
func (r *release) bill(p platform, folders map[string]string) (*cdx.BOM, error) {
	quiet := zerolog.New(io.Discard)
	generator, err := bin.NewGenerator(r.programs[p], bin.WithIncludeStdlib(true), bin.WithLogger(quiet))
	if err != nil {
		return nil, err
	}
	bill, err := generator.Generate()
	if err != nil {
		return nil, err
	}
	bill.Metadata.Timestamp = r.date.Format(time.RFC3339)
	bill.Metadata.Tools = &cdx.ToolsChoice{Components: &[]cdx.Component{{
		Type: cdx.ComponentTypeApplication, Name: "cyclonedx-gomod", Version: versionOf("github.com/CycloneDX/cyclonedx-gomod"),
	}}}
	detector := local.NewDetector(quiet)
	folders[bill.Metadata.Component.Name+"@"+bill.Metadata.Component.Version] = r.root
	if err := addLicences(detector, bill.Metadata.Component, folders); err != nil {
		return nil, err
	}
	for i := range *bill.Components {
		if err := addLicences(detector, &(*bill.Components)[i], folders); err != nil {
			return nil, err
		}
	}
	return bill, nil
}

// errNoFolder is returned for a module of a program that the repository does not require.
var errNoFolder = errors.New("no folder of it is known")

// addLicences finds the licences of a module in its folder and adds them.
func addLicences(detector licensedetect.Detector, c *cdx.Component, folders map[string]string) error {
	folder := folders[c.Name+"@"+c.Version]
	if c.Name == "std" {
		folder = folders["std"]
	}
	if folder == "" {
		return fmt.Errorf("finding the licence of %s %s: %w", c.Name, c.Version, errNoFolder)
	}
	found, err := detector.Detect(c.Name, c.Version, folder)
	if err != nil {
		return fmt.Errorf("finding the licence of %s %s: %w", c.Name, c.Version, err)
	}
	var licences cdx.Licenses
	for i := range found {
		licences = append(licences, cdx.LicenseChoice{License: &found[i]})
	}
	c.Licenses = &licences
	return nil
}

// moduleFolders returns the folder of each module that the repository at root requires, by path and version, and as "std" that of
// Go itself.
func moduleFolders(ctx context.Context, root string) (map[string]string, error) {
	list, err := run(ctx, root, []string{"GOFLAGS=", "GOWORK=off"}, "go", "list", "-m", "-json", "all")
	if err != nil {
		return nil, err
	}
	goroot, err := run(ctx, root, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	folders := map[string]string{"std": strings.TrimSpace(string(goroot))}
	for decoder := json.NewDecoder(bytes.NewReader(list)); decoder.More(); {
		var m struct{ Path, Version, Dir string }
		if err := decoder.Decode(&m); err != nil {
			return nil, fmt.Errorf("reading the list of modules: %w", err)
		}
		folders[m.Path+"@"+m.Version] = filepath.Clean(m.Dir)
	}
	return folders, nil
}

// versionOf returns the version of a module that this program is made of, or "" where it does not know.
func versionOf(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return ""
}
