package main

import (
	"bytes"
	"context"
	_ "embed" // the manifest's text is in a file
	"strings"
	"text/template"
)

// krewManifest is the manifest by which Krew installs the plugin, as a template.
//
//go:embed krew.yaml.tmpl
var krewManifest string

// krewPlatform is what the manifest says of one archive.
type krewPlatform struct{ OS, Arch, Archive, SHA256, Folder, Program string }

// writeKrew writes psp2pss.yaml, which names each archive where the release page of the repository has it, and its checksum.
func (r *release) writeKrew(context.Context) error {
	facts := struct {
		Module, Version string
		Platforms       []krewPlatform
	}{Module: r.module, Version: r.version}
	for _, a := range r.made {
		if p := a.platform; strings.HasSuffix(a.name, ".tar.gz") || strings.HasSuffix(a.name, ".zip") {
			facts.Platforms = append(facts.Platforms, krewPlatform{p.os, p.arch, a.name, a.sha256, r.stem(p), p.program()})
		}
	}
	text, err := template.New("krew").Option("missingkey=error").Parse(krewManifest)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := text.Execute(&b, facts); err != nil {
		return err
	}
	return r.add("psp2pss.yaml", platform{}, b.Bytes())
}
