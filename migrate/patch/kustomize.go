package patch

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// KustomizeFile is one file of a folder.
type KustomizeFile struct {
	Name string
	Data []byte
}

// component of kustomize: a part that overlays can include.
type kustomizeComponent struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Patches    []kustomizePatch `json:"patches"`
}

type kustomizePatch struct {
	Path string `json:"path"`
}

// KustomizeFiles returns the files of a kustomize component, kustomization.yaml first, with a strategic merge patch for each
// workload. The patches name what they are for themselves, by kind, namespace and name, and have no targets: a patch whose
// target does not match is passed over by kustomize without a word, one that names an object which is not there is an error.
func KustomizeFiles(p *migrate.Plan, o Options) ([]KustomizeFile, error) {
	patches := PatchesFor(p, o)
	var head bytes.Buffer
	writeHeader(&head, p, o, patches)
	writeComment(&head, "List this folder under components, below resources that have their namespace already: a kustomization that sets the")
	writeComment(&head, "namespace does so after its components.")
	k := kustomizeComponent{"kustomize.config.k8s.io/v1alpha1", "Component", []kustomizePatch{}}
	files := []KustomizeFile{{Name: "kustomization.yaml"}}
	for i := range patches {
		if !patches[i].isApplicable() {
			writeRemarks(&head, &patches[i])
			continue
		}
		var b bytes.Buffer
		writeRemarks(&b, &patches[i])
		if err := patches[i].writeManifest(&b); err != nil {
			return nil, err
		}
		name := patchFileName(patches[i].WorkloadRef)
		k.Patches = append(k.Patches, kustomizePatch{name})
		files = append(files, KustomizeFile{name, b.Bytes()})
	}
	if err := manifest.WriteYAML(&head, k); err != nil {
		return nil, err
	}
	files[0].Data = head.Bytes()
	return files, nil
}

// patchFileName is a name of its own for each workload, short enough for any file system.
func patchFileName(r WorkloadRef) string {
	name := strings.ReplaceAll(r.String(), "/", ".")
	const most = 200
	if len(name) > most {
		name = fmt.Sprintf("%s-%x", name[:most], sha256.Sum256([]byte(name)))[:most+17]
	}
	return name + ".yaml"
}
