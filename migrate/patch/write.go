package patch

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// WriteStrategic writes the strategic merge patches of workloads as one YAML stream: each is a part of its workload,
// below comments that say why each value is there. A workload that cannot be patched has comments alone. It returns
// errors of encoding and those of w.
func WriteStrategic(w io.Writer, p *migrate.Plan, o Options) error {
	patches := PatchesFor(p, o)
	var b bytes.Buffer
	writeHeader(&b, p, o, patches)
	if slices.ContainsFunc(patches, func(p Patch) bool { return p.IsApplicable() }) {
		writeHowToApply(&b)
	}
	for i := range patches {
		between := "\n"
		if patches[i].IsApplicable() {
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

// changeAtSource is the remark on patches that are made on a cluster.
const changeAtSource = "If a workload comes from a chart or a repository, change it there: whatever is applied from there next may undo a patch."

// PatchFileCommand is the command that applies one document of WriteStrategic, saved as FILE.
const PatchFileCommand = "kubectl patch KIND NAME --namespace=NAMESPACE --patch-file=FILE"

// writeHowToApply writes comments on how the patches in a stream of documents are applied, and how they are not.
func writeHowToApply(b *bytes.Buffer) {
	script.Comment(b, "To apply one of them, save its document as a file:")
	script.Comment(b, "  %s", PatchFileCommand)
	script.Comment(b, "All of them as a script: 'psp2pss patch' again, with -o commands. 'kubectl apply' is wrong: it takes a document for the")
	script.Comment(b, "whole workload and would remove what is not in it, the image and the selector too; a server refuses that.")
	script.Comment(b, changeAtSource)
}

// writeManifest writes the strategic merge patch as a YAML manifest; nothing if the patch is not applicable.
func (p *Patch) writeManifest(b *bytes.Buffer) error {
	if !p.IsApplicable() {
		return nil
	}
	return manifest.WriteYAML(b, p.manifestObject())
}

// IsApplicable reports whether the patch writes anything, and does not only carry remarks.
func (p *Patch) IsApplicable() bool {
	return p.ManualReason.IsZero() && !p.Incomplete && len(p.Values) > 0
}

// WriteCommands writes a POSIX shell script that patches workloads with kubectl: one command for each, below comments that
// say why each value is there. The command is itself a comment where another tool would revert it. Whatever the Plan holds,
// the script runs kubectl with these arguments and nothing else. It returns an error if the connection of the Plan cannot
// be written for a shell, and those of w.
func WriteCommands(w io.Writer, p *migrate.Plan, o Options) error {
	kubectl, err := script.KubectlCommand(p.Source)
	if err != nil {
		return fmt.Errorf("writing patch commands: %w; write patches instead (-o strategic)", err)
	}
	patches := PatchesFor(p, o)
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\n")
	writeHeader(&b, p, o, patches)
	if slices.ContainsFunc(patches, func(p Patch) bool { return p.IsApplicable() }) {
		script.Comment(&b, changeAtSource)
	}
	script.Comment(&b, "Review every line before you run it.")
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

// writeCommand writes the kubectl command of a patch; nothing if the patch is not applicable.
func (p *Patch) writeCommand(b *bytes.Buffer, kubectl string) error {
	if !p.IsApplicable() {
		return nil
	}
	patch, err := p.StrategicMerge()
	if err != nil {
		return fmt.Errorf("writing the patch of %s: %w", p.WorkloadRef, err)
	}
	line := fmt.Sprintf("%s patch %s %s --namespace=%s --type=strategic --patch=%s",
		kubectl, strings.ToLower(p.Kind), p.Name, p.Namespace, escape.Shell(string(escape.JSON(patch))))
	if !p.RevertedBy.IsZero() {
		script.Comment(b, "  %s", line)
		return nil
	}
	b.WriteString(line + "\n")
	return nil
}

// WorkloadJSONPatch is the JSON patch of one workload, as WriteJSONPatches writes it.
type WorkloadJSONPatch struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Remarks are what the other forms have as comments.
	Remarks []message.Message `json:"remarks"`
	// Patch is absent where the workload cannot be patched.
	Patch []JSONPatchOperation `json:"patch,omitempty"`
}

// Kind identifies the document that holds JSON patches.
const Kind = "Patches"

// JSONPatches is the document of the JSON patches of workloads.
type JSONPatches struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Patches has an entry for each workload that lacks something, one that cannot be patched among them.
	Patches []WorkloadJSONPatch `json:"patches"`
}

// WriteJSONPatches writes a JSON document of JSON patches, each with the workload that it is for. It returns errors of
// encoding and those of w.
func WriteJSONPatches(w io.Writer, p *migrate.Plan, o Options) error {
	document := JSONPatches{APIVersion: migrate.APIVersion, Kind: Kind, Patches: []WorkloadJSONPatch{}}
	patches := PatchesFor(p, o)
	for i := range patches {
		patch := &patches[i]
		e := WorkloadJSONPatch{patch.APIVersion, patch.Kind, patch.Namespace, patch.Name, patch.AllRemarks(), nil}
		if patch.IsApplicable() {
			e.Patch = patch.jsonPatchOperations()
		}
		document.Patches = append(document.Patches, e)
	}
	if err := manifest.WriteJSON(w, document); err != nil {
		return fmt.Errorf("writing JSON patches: %w", err)
	}
	return nil
}

// WriteNames writes the workloads that patches are for, one NAMESPACE/KIND/NAME a line, those that cannot be patched among
// them. It returns the error of w.
func WriteNames(w io.Writer, p *migrate.Plan, o Options) error {
	var b bytes.Buffer
	for _, patch := range PatchesFor(p, o) {
		b.WriteString(escape.Lines(escape.Terminal(patch.String())) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// String returns the workload to patch as "namespace/kind/name", with the kind in lower case.
func (r WorkloadRef) String() string {
	return r.Namespace + "/" + strings.ToLower(r.Kind) + "/" + r.Name
}

// writeHeader writes the comments at the head of every form of the patches.
func writeHeader(b *bytes.Buffer, p *migrate.Plan, o Options, patches []Patch) {
	if o.Set == SetKeep {
		script.Comment(b, "Values that are set in pods today, to be written into their templates: patches from %s, by %s.", phrases.SourcePhrase(p.Source), o.Tool)
	} else {
		script.Comment(b, "What workloads lack for %s at %s: patches from %s, by %s.", o.Level, p.TargetVersion, phrases.SourcePhrase(p.Source), o.Tool)
	}
	script.Comment(b, "%s.", patchSummary(patches, o.Set))
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; ns.Terminating && len(ns.Workloads) > 0 && len(o.Only) == 0 {
			script.Comment(b, "Left alone: %s, which is being deleted.", ns.Name)
		}
	}
	if slices.ContainsFunc(patches, func(p Patch) bool { return p.IsApplicable() && p.Kind == "Deployment" }) {
		script.Comment(b, "A Deployment keeps ReplicaSets of its earlier templates for 'kubectl rollout undo', and they count for the level: when its")
		script.Comment(b, "new pods run, delete those without replicas that nobody goes back to, then plan again.")
	}
	if len(p.Gaps) > 0 {
		script.Comment(b, "%s could not be read or evaluated: there may be more to patch.", english.Count(len(p.Gaps), "thing", "things"))
	}
}

// patchSummary returns the comment lines that count the workloads by what the patches do about them.
func patchSummary(patches []Patch, set ValueSet) string {
	if len(patches) == 0 {
		return "There is nothing to write"
	}
	var applied, byHand, refused, rest int
	for i := range patches {
		switch p := &patches[i]; {
		case p.IsApplicable():
			applied++
		case strings.HasPrefix(p.ManualReason.ID, "patch-refused-"):
			refused++
		case !p.ManualReason.IsZero() && !p.Incomplete && len(p.Values) > 0:
			byHand++
		default:
			rest++
		}
	}
	text := english.Count(applied, "workload to patch", "workloads to patch")
	why := "that edits alone do not raise"
	if set == SetKeep {
		why = "of which it is not known what is set"
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

// writeRemarks writes the remarks on a patch as comments, below the name of its workload.
func writeRemarks(b *bytes.Buffer, p *Patch) {
	script.Comment(b, "%s", p.WorkloadRef)
	for _, r := range p.AllRemarks() {
		script.Comment(b, "  %s", r.Text)
	}
}

// AllRemarks returns all remarks on the patch of a workload, one line each.
func (p *Patch) AllRemarks() []message.Message {
	out := []message.Message{}
	if !p.ManualReason.IsZero() {
		out = append(out, p.ManualReason)
	}
	if !p.RevertedBy.IsZero() && len(p.Values) > 0 {
		out = append(out, p.RevertedBy)
	}
	for i := range p.Values {
		out = append(out, p.Values[i].remark())
	}
	return append(out, p.Remarks...)
}
