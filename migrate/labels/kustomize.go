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
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		writeComments(&b, namespaceRemarks(ns, opts.Stage))
		set := labelsAfterStage(ns, opts.Stage)
		if belongsToOwner(ns, opts.Stage) {
			writeBareLabels(&b, ns, opts.Stage)
			continue
		}
		if set == nil {
			continue
		}
		if ns.ObjectNotRead {
			script.Comment(&b, "  its labels were not read, and this replaces those that differ")
		}
		var text bytes.Buffer
		if err := manifest.WriteYAML(&text, namespaceManifest{"v1", "Namespace", namespaceMetadata{ns.Name, set}}); err != nil {
			return err
		}
		k.Patches = append(k.Patches, manifest.KustomizePatch{Patch: text.String()})
	}
	if len(k.Patches) == 0 {
		script.Comment(&b, "no namespace is to be labelled")
	}
	if err := manifest.WriteYAML(&b, k); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
