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
	e := &UnrenderedError{Charts: sortedSet(u.charts), Kustomizations: sortedSet(u.kustomizations)}
	for _, folder := range e.Charts[:min(len(e.Charts), most)] {
		e.Pipes = append(e.Pipes, "helm template NAME "+escape.Shell(folder)+" -n NAMESPACE | "+checkPipe)
	}
	for _, folder := range e.Kustomizations[:min(len(e.Kustomizations), most)] {
		e.Pipes = append(e.Pipes, "kubectl kustomize "+escape.Shell(folder)+" | "+checkPipe)
	}
	if len(e.Pipes) == 0 {
		return nil
	}
	return e
}

// sortedSet returns folders that have to be rendered sorted, each once.
func sortedSet(folders []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(folders)))
}
