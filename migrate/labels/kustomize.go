package labels

import (
	"bytes"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

type component struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Patches    []patch `json:"patches"`
}

type patch struct {
	Patch string `json:"patch"`
}

// Kustomize writes a kustomize component, one file: a strategic merge patch with the labels of Manifests for each
// namespace. The patches have no targets: a patch whose target does not match is passed over by kustomize without a word,
// one that names an object which is not there is an error.
func Kustomize(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	head(&b, p, opts, ": a kustomize component")
	comment(&b, "Save it as kustomization.yaml in a folder and list that under components, beside resources with these namespaces.")
	comment(&b, "kustomize refuses a patch for a namespace that is not among them: choose namespaces with -n and --exclude.")
	k := component{"kustomize.config.k8s.io/v1alpha1", "Component", []patch{}}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		say(&b, told(ns, opts.Stage))
		set := standing(ns, opts.Stage)
		if elsewhere(ns, opts.Stage) {
			bare(&b, ns, opts.Stage)
			continue
		}
		if set == nil {
			continue
		}
		if ns.Unread {
			comment(&b, "  its labels were not read, and this replaces those that differ")
		}
		var text bytes.Buffer
		if err := manifest.Write(&text, namespaceManifest{"v1", "Namespace", metadata{ns.Name, set}}); err != nil {
			return err
		}
		k.Patches = append(k.Patches, patch{text.String()})
	}
	if len(k.Patches) == 0 {
		comment(&b, "no namespace is to be labelled")
	}
	if err := manifest.Write(&b, k); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
