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
	comment(&b, "%s: a kustomize component.", title(p, opts))
	comment(&b, "Save it as kustomization.yaml in a folder and list that under components, beside resources with these namespaces.")
	comment(&b, "kustomize refuses a patch for a namespace that is not among them: choose namespaces with -n and --exclude.")
	k := component{"kustomize.config.k8s.io/v1alpha1", "Component", []patch{}}
	for _, m := range manifests(&b, p, opts.Stage) {
		var text bytes.Buffer
		if err := manifest.Write(&text, m); err != nil {
			return err
		}
		k.Patches = append(k.Patches, patch{text.String()})
	}
	if err := manifest.Write(&b, k); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
