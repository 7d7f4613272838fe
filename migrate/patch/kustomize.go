package patch

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// File is one file of a folder.
type File struct {
	Name string
	Data []byte
}

// component of kustomize: a part that overlays can include.
type kustomization struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Patches    []patch `json:"patches"`
}

type patch struct {
	Path string `json:"path"`
}

// Kustomize returns the files of a kustomize component, kustomization.yaml first, with a strategic merge patch for each
// workload. The patches name what they are for themselves, by kind, namespace and name, and have no targets: a patch whose
// target does not match is passed over by kustomize without a word, one that names an object which is not there is an error.
func Kustomize(p *migrate.Plan, o Options) ([]File, error) {
	patches := Of(p, o)
	var head bytes.Buffer
	header(&head, p, o, patches)
	comment(&head, "List this folder under components, below resources that have their namespace already: a kustomization that sets the")
	comment(&head, "namespace does so after its components.")
	k := kustomization{"kustomize.config.k8s.io/v1alpha1", "Component", []patch{}}
	files := []File{{Name: "kustomization.yaml"}}
	for i := range patches {
		if !patches[i].applies() {
			told(&head, &patches[i])
			continue
		}
		var b bytes.Buffer
		told(&b, &patches[i])
		if err := patches[i].writeManifest(&b); err != nil {
			return nil, err
		}
		name := fileName(patches[i].Ref)
		k.Patches = append(k.Patches, patch{name})
		files = append(files, File{name, b.Bytes()})
	}
	if err := manifest.Write(&head, k); err != nil {
		return nil, err
	}
	files[0].Data = head.Bytes()
	return files, nil
}

// fileName is a name of its own for each workload, short enough for any file system.
func fileName(r Ref) string {
	name := strings.ReplaceAll(r.String(), "/", ".")
	const most = 200
	if len(name) > most {
		name = fmt.Sprintf("%s-%x", name[:most], sha256.Sum256([]byte(name)))[:most+17]
	}
	return name + ".yaml"
}
