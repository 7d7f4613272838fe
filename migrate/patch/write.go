package patch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Strategic writes strategic merge patches as one YAML stream: each is a part of its workload, below comments that say why
// each value is there. What cannot be patched is comments alone.
func Strategic(w io.Writer, p *migrate.Plan, o Options) error {
	patches := Of(p, o)
	var b bytes.Buffer
	header(&b, p, o, patches)
	for i := range patches {
		between := "\n"
		if patches[i].applies() {
			between = "---\n"
		}
		b.WriteString(between)
		told(&b, &patches[i])
		if err := patches[i].writeManifest(&b); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (p *Patch) writeManifest(b *bytes.Buffer) error {
	if !p.applies() {
		return nil
	}
	return manifest.Write(b, p.manifest())
}

// applies is true if there is a patch, and not only something to say.
func (p *Patch) applies() bool { return p.ByHand == "" && !p.Short && len(p.Values) > 0 }

// Commands writes a POSIX shell script: for each workload one kubectl command, below comments that say why each value is
// there. The command is itself a comment where another tool would undo what it does. Whatever the Plan holds, the script
// runs kubectl with these arguments and nothing else.
func Commands(w io.Writer, p *migrate.Plan, o Options) error {
	kubectl, err := wording.Kubectl(p.Source)
	if err != nil {
		return fmt.Errorf("writing patch commands: %w; write patches instead (-o strategic)", err)
	}
	patches := Of(p, o)
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\n")
	header(&b, p, o, patches)
	comment(&b, "Review every line before you run it.")
	b.WriteString(script.Begin(p.Source, kubectl))
	for i := range patches {
		b.WriteString("\n")
		told(&b, &patches[i])
		if err := patches[i].writeCommand(&b, kubectl); err != nil {
			return err
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

func (p *Patch) writeCommand(b *bytes.Buffer, kubectl string) error {
	if !p.applies() {
		return nil
	}
	patch, err := p.Strategic()
	if err != nil {
		return fmt.Errorf("writing the patch of %s: %w", p.Ref, err)
	}
	line := fmt.Sprintf("%s patch %s %s --namespace=%s --type=strategic --patch=%s",
		kubectl, strings.ToLower(p.Kind), p.Name, p.Namespace, escape.Shell(string(escape.JSON(patch))))
	if p.Undone != "" {
		comment(b, "  %s", line)
		return nil
	}
	b.WriteString(line + "\n")
	return nil
}

// entry is a patch in a JSON document.
type entry struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Remarks are what the other forms have as comments.
	Remarks []string `json:"remarks"`
	// Patch is absent where the workload cannot be patched.
	Patch []Operation `json:"patch,omitempty"`
}

// JSON writes a list of JSON patches, each with the workload that it is for.
func JSON(w io.Writer, p *migrate.Plan, o Options) error {
	entries := []entry{}
	patches := Of(p, o)
	for i := range patches {
		patch := &patches[i]
		e := entry{patch.APIVersion, patch.Kind, patch.Namespace, patch.Name, patch.remarks(), nil}
		if patch.applies() {
			e.Patch = patch.operations()
		}
		entries = append(entries, e)
	}
	data, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return fmt.Errorf("writing JSON patches: %w", err)
	}
	_, err = w.Write(append(escape.JSON(data), '\n'))
	return err
}

func (r Ref) String() string { return r.Namespace + "/" + strings.ToLower(r.Kind) + "/" + r.Name }

func header(b *bytes.Buffer, p *migrate.Plan, o Options, patches []Patch) {
	if o.Set == Keep {
		comment(b, "What is filled into pods today, to be written down before it no longer is: patches from %s, by %s.", wording.Source(p.Source), o.Tool)
	} else {
		comment(b, "What workloads lack for %s at %s: patches from %s, by %s.", o.Level, p.TargetVersion, wording.Source(p.Source), o.Tool)
	}
	comment(b, "%s.", summary(patches, o.Set))
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; ns.Terminating && len(ns.Workloads) > 0 && len(o.Only) == 0 {
			comment(b, "Left alone: %s, which is being deleted.", ns.Name)
		}
	}
	if len(p.Gaps) > 0 {
		comment(b, "%s could not be read or judged: there may be more to patch.", wording.Count(len(p.Gaps), "thing", "things"))
	}
}

// summary counts the workloads by what is done about them.
func summary(patches []Patch, set Set) string {
	if len(patches) == 0 {
		return "There is nothing to write"
	}
	var applied, byHand, refused, rest int
	for i := range patches {
		switch p := &patches[i]; {
		case p.applies():
			applied++
		case strings.HasPrefix(p.ByHand, "refused: "):
			refused++
		case p.ByHand != "" && !p.Short && len(p.Values) > 0:
			byHand++
		default:
			rest++
		}
	}
	text := wording.Count(applied, "workload to patch", "workloads to patch")
	why := "that edits alone do not raise"
	if set == Keep {
		why = "of which it is not known what is filled in"
	}
	for _, more := range []struct {
		n    int
		what string
	}{{byHand, "to change by hand"}, {rest, why}, {refused, "refused"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// told writes a patch's remarks as comments, below the name of what it is for.
func told(b *bytes.Buffer, p *Patch) {
	comment(b, "%s", p.Ref)
	for _, r := range p.remarks() {
		comment(b, "  %s", r)
	}
}

// remarks are all that there is to say, one line each.
func (p *Patch) remarks() []string {
	out := []string{}
	if p.ByHand != "" {
		out = append(out, p.ByHand)
	}
	if p.Undone != "" && len(p.Values) > 0 {
		out = append(out, p.Undone)
	}
	for i := range p.Values {
		v := &p.Values[i]
		out = append(out, strings.TrimSpace(v.Safety+" "+v.setting())+": "+v.Why)
	}
	return append(out, p.Remarks...)
}

// comment writes one line that no reader of the rest sees, whatever it is made of.
func comment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}
