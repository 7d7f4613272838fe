package labels

import (
	"bytes"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

type kustomizeComponent struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Patches    []kustomizePatch `json:"patches"`
}

type kustomizePatch struct {
	Patch string `json:"patch"`
}

// WriteKustomize writes a kustomize component, one file: a strategic merge patch with the labels of Manifests for each
// namespace. The patches have no targets: a patch whose target does not match is passed over by kustomize without a word,
// one that names an object which is not there is an error.
func WriteKustomize(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	writeSummary(&b, p, opts, ": a kustomize component")
	writeComment(&b, "Save it as kustomization.yaml in a folder and list that under components, beside resources with these namespaces.")
	writeComment(&b, "kustomize refuses a patch for a namespace that is not among them: choose namespaces with -n and --exclude.")
	k := kustomizeComponent{"kustomize.config.k8s.io/v1alpha1", "Component", []kustomizePatch{}}
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
			writeComment(&b, "  its labels were not read, and this replaces those that differ")
		}
		var text bytes.Buffer
		if err := manifest.WriteYAML(&text, namespaceManifest{"v1", "Namespace", namespaceMetadata{ns.Name, set}}); err != nil {
			return err
		}
		k.Patches = append(k.Patches, kustomizePatch{text.String()})
	}
	if len(k.Patches) == 0 {
		writeComment(&b, "no namespace is to be labelled")
	}
	if err := manifest.WriteYAML(&b, k); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
