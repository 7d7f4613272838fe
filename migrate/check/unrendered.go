package check

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// unrendered are the folders among the input of a check that have to be rendered first.
type unrendered struct {
	charts, kustomizations []string
}

// add records the folder of an object that is a kustomization or a chart.
func (u *unrendered) add(o *files.Object) {
	file := strings.ReplaceAll(o.Position.File, "\\", "/")
	group, _, _ := strings.Cut(o.APIVersion, "/")
	switch base := path.Base(file); {
	case group == "kustomize.config.k8s.io", isKustomizationName(base) && (o.Kind == "" || o.Kind == "Kustomization"):
		u.kustomizations = append(u.kustomizations, folderOf(file))
	case o.Kind == "" && (base == "Chart.yaml" || base == "Chart.yml"):
		u.charts = append(u.charts, folderOf(file))
	}
}

// isKustomizationName reports whether kustomize looks for a file of this name in a folder that is to be rendered.
func isKustomizationName(base string) bool {
	return base == "kustomization.yaml" || base == "kustomization.yml" || base == "Kustomization"
}

// folderOf returns the folder of an input file as a shell word may name it; FOLDER for what has none.
func folderOf(file string) string {
	if file == files.StdinPath {
		return "FOLDER"
	}
	return cmp.Or(path.Dir(file), ".")
}

// err returns the error for what has to be rendered first; nil if there is nothing.
func (u *unrendered) err() error {
	const most = 5
	e := &UnrenderedError{Chart: len(u.charts) > 0, Paths: u.kustomizations}
	if e.Chart {
		e.Paths = u.charts
	}
	if len(e.Paths) == 0 {
		return nil
	}
	slices.Sort(e.Paths)
	e.Paths = slices.Compact(e.Paths)
	for _, folder := range e.Paths[:min(len(e.Paths), most)] {
		word := escape.Shell(folder)
		if e.Chart {
			e.Pipes = append(e.Pipes, "helm template NAME "+word+" -n NAMESPACE | "+checkPipe)
		} else {
			e.Pipes = append(e.Pipes, "kubectl kustomize "+word+" | "+checkPipe)
		}
	}
	return e
}
