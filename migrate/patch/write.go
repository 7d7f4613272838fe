package patch

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// WriteStrategic writes strategic merge patches as one YAML stream: each is a part of its workload, below comments that say why
// each value is there. What cannot be patched is comments alone.
func WriteStrategic(w io.Writer, p *migrate.Plan, o Options) error {
	patches := PatchesFor(p, o)
	var b bytes.Buffer
	writeHeader(&b, p, o, patches)
	for i := range patches {
		between := "\n"
		if patches[i].isApplicable() {
			between = "---\n"
		}
		b.WriteString(between)
		writeRemarks(&b, &patches[i])
		if err := patches[i].writeManifest(&b); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (p *Patch) writeManifest(b *bytes.Buffer) error {
	if !p.isApplicable() {
		return nil
	}
	return manifest.WriteYAML(b, p.manifestObject())
}

// isApplicable is true if there is a patch, and not only something to say.
func (p *Patch) isApplicable() bool {
	return p.ManualReason == "" && !p.Incomplete && len(p.Values) > 0
}

// WriteCommands writes a POSIX shell script: for each workload one kubectl command, below comments that say why each value is
// there. The command is itself a comment where another tool would undo what it does. Whatever the Plan holds, the script
// runs kubectl with these arguments and nothing else.
func WriteCommands(w io.Writer, p *migrate.Plan, o Options) error {
	kubectl, err := phrases.KubectlCommand(p.Source)
	if err != nil {
		return fmt.Errorf("writing patch commands: %w; write patches instead (-o strategic)", err)
	}
	patches := PatchesFor(p, o)
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\n")
	writeHeader(&b, p, o, patches)
	writeComment(&b, "Review every line before you run it.")
	b.WriteString(script.Preamble(p.Source, kubectl))
	for i := range patches {
		b.WriteString("\n")
		writeRemarks(&b, &patches[i])
		if err := patches[i].writeCommand(&b, kubectl); err != nil {
			return err
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

func (p *Patch) writeCommand(b *bytes.Buffer, kubectl string) error {
	if !p.isApplicable() {
		return nil
	}
	patch, err := p.StrategicMerge()
	if err != nil {
		return fmt.Errorf("writing the patch of %s: %w", p.WorkloadRef, err)
	}
	line := fmt.Sprintf("%s patch %s %s --namespace=%s --type=strategic --patch=%s",
		kubectl, strings.ToLower(p.Kind), p.Name, p.Namespace, escape.Shell(string(escape.JSON(patch))))
	if p.RevertedBy != "" {
		writeComment(b, "  %s", line)
		return nil
	}
	b.WriteString(line + "\n")
	return nil
}

// jsonPatchEntry is a patch in a JSON document.
type jsonPatchEntry struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Remarks are what the other forms have as comments.
	Remarks []string `json:"remarks"`
	// Patch is absent where the workload cannot be patched.
	Patch []JSONPatchOperation `json:"patch,omitempty"`
}

// WriteJSONPatches writes a list of JSON patches, each with the workload that it is for.
func WriteJSONPatches(w io.Writer, p *migrate.Plan, o Options) error {
	entries := []jsonPatchEntry{}
	patches := PatchesFor(p, o)
	for i := range patches {
		patch := &patches[i]
		e := jsonPatchEntry{patch.APIVersion, patch.Kind, patch.Namespace, patch.Name, patch.allRemarks(), nil}
		if patch.isApplicable() {
			e.Patch = patch.jsonPatchOperations()
		}
		entries = append(entries, e)
	}
	if err := manifest.WriteJSON(w, entries); err != nil {
		return fmt.Errorf("writing JSON patches: %w", err)
	}
	return nil
}

func (r WorkloadRef) String() string {
	return r.Namespace + "/" + strings.ToLower(r.Kind) + "/" + r.Name
}

func writeHeader(b *bytes.Buffer, p *migrate.Plan, o Options, patches []Patch) {
	if o.Set == SetKeep {
		writeComment(b, "What is filled into pods today, to be written down before it no longer is: patches from %s, by %s.", phrases.SourcePhrase(p.Source), o.Tool)
	} else {
		writeComment(b, "What workloads lack for %s at %s: patches from %s, by %s.", o.Level, p.TargetVersion, phrases.SourcePhrase(p.Source), o.Tool)
	}
	writeComment(b, "%s.", patchSummary(patches, o.Set))
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; ns.Terminating && len(ns.Workloads) > 0 && len(o.Only) == 0 {
			writeComment(b, "Left alone: %s, which is being deleted.", ns.Name)
		}
	}
	if len(p.Gaps) > 0 {
		writeComment(b, "%s could not be read or judged: there may be more to patch.", phrases.CountNoun(len(p.Gaps), "thing", "things"))
	}
}

// patchSummary counts the workloads by what is done about them.
func patchSummary(patches []Patch, set ValueSet) string {
	if len(patches) == 0 {
		return "There is nothing to write"
	}
	var applied, byHand, refused, rest int
	for i := range patches {
		switch p := &patches[i]; {
		case p.isApplicable():
			applied++
		case strings.HasPrefix(p.ManualReason, "refused: "):
			refused++
		case p.ManualReason != "" && !p.Incomplete && len(p.Values) > 0:
			byHand++
		default:
			rest++
		}
	}
	text := phrases.CountNoun(applied, "workload to patch", "workloads to patch")
	why := "that edits alone do not raise"
	if set == SetKeep {
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

// writeRemarks writes a patch's remarks as comments, below the name of what it is for.
func writeRemarks(b *bytes.Buffer, p *Patch) {
	writeComment(b, "%s", p.WorkloadRef)
	for _, r := range p.allRemarks() {
		writeComment(b, "  %s", r)
	}
}

// allRemarks are all that there is to say, one line each.
func (p *Patch) allRemarks() []string {
	out := []string{}
	if p.ManualReason != "" {
		out = append(out, p.ManualReason)
	}
	if p.RevertedBy != "" && len(p.Values) > 0 {
		out = append(out, p.RevertedBy)
	}
	for i := range p.Values {
		v := &p.Values[i]
		out = append(out, strings.TrimSpace(v.Safety+" "+v.describe())+": "+v.Why)
	}
	return append(out, p.Remarks...)
}

// writeComment writes one line that no reader of the rest sees, whatever it is made of.
func writeComment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}
