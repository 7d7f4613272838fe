package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/fix"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// maxKustomization is how long a kustomization may be that is read for its namespace.
const maxKustomization = 1 << 20

// findKustomizations returns the files of kustomize in folders that name a namespace, whose labels are then fixed elsewhere. What is no
// YAML is passed over, as is a file that is too long and what --skip-path leaves out. It returns an error for a folder that cannot be
// read.
func findKustomizations(o *SourceOptions) ([]fix.Kustomization, error) {
	var out []fix.Kustomization
	for _, root := range o.Files {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != root && (!o.Recursive || files.SkipsPath(o.SkipPaths, root, path)):
				return fs.SkipDir
			case path != root && files.SkipsPath(o.SkipPaths, root, path):
				return nil
			case !d.Type().IsRegular() || !slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, d.Name()):
				return nil
			}
			if k, ok := readKustomization(path, d); ok {
				out = append(out, k)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fileerror.Explain(root, err)
		}
	}
	return out, nil
}

// readKustomization returns a file of kustomize with the namespace that it names; ok is false where it names none.
func readKustomization(path string, d fs.DirEntry) (fix.Kustomization, bool) {
	info, err := d.Info()
	if err != nil || info.Size() > maxKustomization {
		return fix.Kustomization{}, false
	}
	text, err := os.ReadFile(path) //nolint:gosec // G304: a file of the folder that the user names
	var k struct {
		Namespace string `yaml:"namespace"`
	}
	if err != nil || yaml.Unmarshal(text, &k) != nil || k.Namespace == "" {
		return fix.Kustomization{}, false
	}
	return fix.Kustomization{File: path, Namespace: k.Namespace}, true
}
