package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// found is a file to read.
type found struct {
	path     string // as the user would write it
	resolved string // without links
	// named is set if the user named it, linked if a link led to it.
	named, linked bool
	regular       bool
}

// walker finds the files to read.
type walker struct {
	recursive bool
	told      *told
	out       *inventory.Builder

	byReal map[string]found
	// walked are the folders that were looked through, leaving the links that lead out of theirs.
	walked  map[string]bool
	leaving []link
}

// link is a symbolic link met on the way: links are followed last, so that a file keeps its own name where it has one.
type link struct{ path, resolved string }

// find looks up every path. It fails at the first that does not exist or cannot be looked at.
func (w *walker) find(paths []string) error {
	w.byReal, w.walked = map[string]found{}, map[string]bool{}
	for _, path := range sortedSet(paths) {
		if err := w.named(path); err != nil {
			return err
		}
	}
	w.tellLeaving()
	return nil
}

// tellLeaving tells of links to what lies elsewhere, unless another path leads there.
func (w *walker) tellLeaving() {
	for _, l := range w.leaving {
		if _, read := w.byReal[l.resolved]; read || w.walked[l.resolved] {
			continue
		}
		w.out.AddGap(inventory.Gap{
			What: quote(l.path), Why: "the link leaves the folder and was not followed: name its target as well to have it read, or remove the link",
			Position: fileAt(l.path), Namespaces: everywhere(),
		})
	}
}

func sortedSet(paths []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(paths)))
}

// files are what was found, sorted.
func (w *walker) files() []found {
	var all []found
	for _, f := range w.byReal {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.path, b.path) })
	return all
}

// named looks up a path that the user gave.
func (w *walker) named(path string) error {
	if path == Stdin {
		w.add(found{path: path, resolved: path, named: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("opening %s: %w; check the path", quote(path), reason(err))
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		resolved = path // a pipe of the shell, /dev/fd/63, leads nowhere that has a name
	}
	if !info.IsDir() {
		w.add(found{path: path, resolved: resolved, named: true, regular: info.Mode().IsRegular()})
		return nil
	}
	return w.folder(path, resolved)
}

// add keeps, of the ways to one file, the one that does not depend on the order they were found in.
func (w *walker) add(f found) {
	old, ok := w.byReal[f.resolved]
	if !ok {
		w.byReal[f.resolved] = f
		return
	}
	f.named = f.named || old.named
	better := cmp.Or(compareBools(f.linked, old.linked), cmp.Compare(len(f.path), len(old.path)), cmp.Compare(f.path, old.path))
	if better > 0 {
		f.path, f.linked = old.path, old.linked
	}
	w.byReal[f.resolved] = f
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// folder walks a folder that the user named, then follows the links in it.
func (w *walker) folder(path, resolved string) error {
	entries, err := os.ReadDir(resolved)
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w; check its permissions", quote(path), reason(err))
	}
	before := len(w.byReal)
	v := &visit{walker: w, root: resolved, dirs: map[string]bool{resolved: true}}
	v.entries(path, resolved, false, entries)
	for len(v.links) > 0 {
		l := v.links[0]
		v.links = v.links[1:]
		v.follow(l)
	}
	maps.Copy(w.walked, v.dirs)
	if len(w.byReal) == before && v.seen == 0 {
		w.told.note("it has no .yaml, .yml or .json file to read"+unlessRecursive(v.below), fileAt(path), path)
	} else if v.below > 0 {
		w.told.note("the folders below it were not read: add -R to read them", fileAt(path), path)
	}
	return nil
}

func unlessRecursive(below int) string {
	if below > 0 {
		return ": add -R to read the folders below it"
	}
	return ""
}

// visit is the walk of one folder that the user named.
type visit struct {
	*walker
	root  string
	dirs  map[string]bool
	links []link
	seen  int // files wanted
	below int // folders not walked
}

func (v *visit) entries(path, resolved string, linked bool, entries []fs.DirEntry) {
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		at, target := filepath.Join(path, e.Name()), filepath.Join(resolved, e.Name())
		switch {
		case e.IsDir():
			v.dir(at, target, linked)
		case e.Type()&fs.ModeSymlink != 0:
			v.links = append(v.links, link{at, target})
		case !wanted(e.Name()):
		case !e.Type().IsRegular():
			v.told.note("it is no regular file (a pipe or a device) and was passed over", fileAt(at), at)
		default:
			v.seen++
			v.add(found{path: at, resolved: target, linked: linked, regular: true})
		}
	}
}

// dir walks a folder below, once.
func (v *visit) dir(path, resolved string, linked bool) {
	switch {
	case !v.recursive:
		v.below++
		return
	case v.dirs[resolved]:
		return
	}
	v.dirs[resolved] = true
	entries, err := os.ReadDir(resolved)
	if err != nil {
		v.out.AddGap(inventory.Gap{What: quote(path), Why: fmt.Sprintf("reading the folder failed: %v; read it as a user who may, or leave it out", reason(err)), Position: fileAt(path), Namespaces: everywhere()})
	}
	v.entries(path, resolved, linked, entries)
}

// follow follows a link, if it leads to something wanted within the folder.
func (v *visit) follow(l link) {
	resolved, err := filepath.EvalSymlinks(l.resolved)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Lstat(resolved)
	}
	inside := err == nil && (resolved == v.root || strings.HasPrefix(resolved, strings.TrimSuffix(v.root, string(filepath.Separator))+string(filepath.Separator)))
	switch {
	case err != nil && !wanted(filepath.Base(l.path)) && filepath.Ext(l.path) != "":
	case isLoop(err):
		v.told.note("the link leads to itself and was passed over", fileAt(l.path), l.path)
	case errors.Is(err, fs.ErrNotExist):
		v.told.note("the link leads nowhere and was passed over", fileAt(l.path), l.path)
	case err != nil:
		v.out.AddGap(inventory.Gap{What: quote(l.path), Why: fmt.Sprintf("following the link failed: %v; read it as a user who may, or leave it out", reason(err)), Position: fileAt(l.path), Namespaces: everywhere()})
	case !info.IsDir() && !wanted(filepath.Base(l.path)):
	case info.IsDir() && !v.recursive:
		v.below++
	case !info.IsDir() && !info.Mode().IsRegular():
		v.told.note("it is no regular file (a pipe or a device) and was passed over", fileAt(l.path), l.path)
	case !inside:
		v.leaving = append(v.leaving, link{l.path, resolved})
	case info.IsDir():
		v.dir(l.path, resolved, true)
	default:
		v.seen++
		v.add(found{path: l.path, resolved: resolved, linked: true, regular: true})
	}
}

// isLoop tells a link that leads to itself: the system says so, or EvalSymlinks gave up.
func isLoop(err error) bool {
	return err != nil && (errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "too many links"))
}

// wanted tells by its name whether a file of a folder is read.
func wanted(name string) bool {
	lower := strings.TrimSuffix(strings.ToLower(name), ".gz")
	if strings.HasPrefix(name, ".") {
		return false
	}
	switch filepath.Ext(lower) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}
