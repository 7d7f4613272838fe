package patch

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// KustomizeFile is one file of the folder of a kustomize component.
type KustomizeFile struct {
	Name string
	Data []byte
}

// KustomizeFiles returns the patches of workloads as the files of a kustomize component: kustomization.yaml first, then a
// strategic merge patch for each workload. The patches name their workloads themselves and have no targets: kustomize passes over a patch whose
// target does not match, and refuses one that names an object which is not there. An error is one of encoding.
func KustomizeFiles(p *migrate.Plan, o Options) ([]KustomizeFile, error) {
	patches := PatchesFor(p, o)
	var head bytes.Buffer
	writeHeader(&head, p, o, patches)
	script.Comment(&head, "List this folder under components, below resources that have their namespace already: a kustomization that sets the")
	script.Comment(&head, "namespace does so after its components.")
	k := manifest.NewKustomizeComponent()
	files := []KustomizeFile{{Name: "kustomization.yaml"}}
	for i := range patches {
		if !patches[i].IsApplicable() {
			writeRemarks(&head, &patches[i])
			continue
		}
		var b bytes.Buffer
		writeRemarks(&b, &patches[i])
		if err := patches[i].writeManifest(&b); err != nil {
			return nil, err
		}
		name := patchFileName(patches[i].WorkloadRef)
		k.Patches = append(k.Patches, manifest.KustomizePatch{Path: name})
		files = append(files, KustomizeFile{name, b.Bytes()})
	}
	if err := manifest.WriteYAML(&head, k); err != nil {
		return nil, err
	}
	files[0].Data = head.Bytes()
	return files, nil
}

// patchFileName returns a file name for the patch of a workload, different for each and short enough for any file
// system.
func patchFileName(r WorkloadRef) string {
	name := strings.ReplaceAll(r.String(), "/", ".")
	const most = 200
	if len(name) > most {
		name = fmt.Sprintf("%s-%x", name[:most], sha256.Sum256([]byte(name)))[:most+17]
	}
	return name + ".yaml"
}
