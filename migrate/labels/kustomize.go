package labels

import (
	"bytes"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// WriteKustomize writes a kustomize component in one file: a strategic merge patch with the labels of WriteManifests for
// each namespace. The patches have no targets: kustomize passes over a patch whose target does not match, and refuses one
// that names an object which is not there. It returns the errors of w.
func WriteKustomize(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	writeSummary(&b, p, opts, ": a kustomize component")
	script.Comment(&b, "Save it as kustomization.yaml in a folder and list that under components, beside resources with these namespaces.")
	script.Comment(&b, "kustomize refuses a patch for a namespace that is not among them: choose namespaces with -n and --exclude.")
	k := manifest.NewKustomizeComponent()
	err := writeEachNamespace(&b, p, opts.Stage, "", func(ns *migrate.Namespace, set map[string]string) error {
		if ns.ObjectNotRead {
			script.Comment(&b, "  its labels were not read, and this replaces those that differ")
		}
		var text bytes.Buffer
		if err := manifest.WriteYAML(&text, namespaceManifest{"v1", "Namespace", namespaceMetadata{ns.Name, set}}); err != nil {
			return err
		}
		k.Patches = append(k.Patches, manifest.KustomizePatch{Patch: text.String()})
		return nil
	})
	if err != nil {
		return err
	}
	if err := manifest.WriteYAML(&b, k); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// writeEachNamespace writes the remarks of each namespace, each after a separator, and has write add the labels of those that
// this tool is to label. Where another tool owns the labels, they are a comment. It returns the first error of write.
func writeEachNamespace(b *bytes.Buffer, p *migrate.Plan, stage Stage, separator string, write func(ns *migrate.Namespace, set map[string]string) error) error {
	written := false
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		b.WriteString(separator)
		writeComments(b, namespaceRemarks(ns, stage))
		set := labelsAfterStage(ns, stage)
		switch {
		case belongsToOwner(ns, stage):
			writeBareLabels(b, ns, stage)
		case set != nil:
			written = true
			if err := write(ns, set); err != nil {
				return err
			}
		}
	}
	if !written {
		script.Comment(b, "no namespace is to be labelled")
	}
	return nil
}
