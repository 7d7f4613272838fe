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
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// inputFile is a file to read.
type inputFile struct {
	path     string // as the user would write it
	resolved string // without links
	// userNamed is set if the user named it, linked if a link led to it.
	userNamed, viaLink bool
	regular            bool
}

// fileFinder finds the files to read.
type fileFinder struct {
	recursive bool
	notes     *noteCollector
	sink      *inventory.Builder

	byResolvedPath map[string]inputFile
	// walkedFolders are the folders that were looked through, leaving the links that lead out of theirs.
	walkedFolders map[string]bool
	externalLinks []symbolicLink
}

// symbolicLink is a symbolic link met on the way: links are followed last, so that a file keeps its own name where it has one.
type symbolicLink struct{ path, resolved string }

// findFiles looks up every path. It fails at the first that does not exist or cannot be looked at.
func (w *fileFinder) findFiles(paths []string) error {
	w.byResolvedPath, w.walkedFolders = map[string]inputFile{}, map[string]bool{}
	for _, path := range sortedSet(paths) {
		if err := w.addUserPath(path); err != nil {
			return err
		}
	}
	w.addExternalLinkGaps()
	return nil
}

// addExternalLinkGaps tells of links to what lies elsewhere, unless another path leads there.
func (w *fileFinder) addExternalLinkGaps() {
	for _, l := range w.externalLinks {
		if _, read := w.byResolvedPath[l.resolved]; read || w.walkedFolders[l.resolved] {
			continue
		}
		w.sink.AddGap(inventory.Gap{
			What: quoteInput(l.path), Why: message.New("link-leaves-folder"),
			Position: filePosition(l.path), Namespaces: allNamespaces(),
		})
	}
}

func sortedSet(paths []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(paths)))
}

// sortedFiles are what was found, sorted.
func (w *fileFinder) sortedFiles() []inputFile {
	var all []inputFile
	for _, f := range w.byResolvedPath {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b inputFile) int { return cmp.Compare(a.path, b.path) })
	return all
}

// addUserPath looks up a path that the user gave.
func (w *fileFinder) addUserPath(path string) error {
	if path == StdinPath {
		w.add(inputFile{path: path, resolved: path, userNamed: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("opening %s: %w; check the path", quoteInput(path), errorWithoutPath(err))
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		resolved = path // a pipe of the shell, /dev/fd/63, leads nowhere that has a name
	}
	if !info.IsDir() {
		w.add(inputFile{path: path, resolved: resolved, userNamed: true, regular: info.Mode().IsRegular()})
		return nil
	}
	return w.walkUserFolder(path, resolved)
}

// add keeps, of the ways to one file, the one that does not depend on the order they were found in.
func (w *fileFinder) add(f inputFile) {
	old, ok := w.byResolvedPath[f.resolved]
	if !ok {
		w.byResolvedPath[f.resolved] = f
		return
	}
	f.userNamed = f.userNamed || old.userNamed
	better := cmp.Or(compareFalseFirst(f.viaLink, old.viaLink), cmp.Compare(len(f.path), len(old.path)), cmp.Compare(f.path, old.path))
	if better > 0 {
		f.path, f.viaLink = old.path, old.viaLink
	}
	w.byResolvedPath[f.resolved] = f
}

func compareFalseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// walkUserFolder walks a folder that the user named, then follows the links in it.
func (w *fileFinder) walkUserFolder(path, resolved string) error {
	entries, err := os.ReadDir(resolved)
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w; check its permissions", quoteInput(path), errorWithoutPath(err))
	}
	before := len(w.byResolvedPath)
	v := &folderWalk{fileFinder: w, rootPath: resolved, visitedFolders: map[string]bool{resolved: true}}
	v.visitEntries(path, resolved, false, entries)
	for len(v.pendingLinks) > 0 {
		l := v.pendingLinks[0]
		v.pendingLinks = v.pendingLinks[1:]
		v.followLink(l)
	}
	maps.Copy(w.walkedFolders, v.visitedFolders)
	if len(w.byResolvedPath) == before && v.matchingFiles == 0 {
		w.notes.add(message.New("folder-without-files", "recursive", v.skippedFolders > 0), filePosition(path), path)
	} else if v.skippedFolders > 0 {
		w.notes.add(message.New("folders-below-not-read"), filePosition(path), path)
	}
	return nil
}

// folderWalk is the walk of one folder that the user named.
type folderWalk struct {
	*fileFinder
	rootPath       string
	visitedFolders map[string]bool
	pendingLinks   []symbolicLink
	matchingFiles  int // files wanted
	skippedFolders int // folders not walked
}

func (v *folderWalk) visitEntries(path, resolved string, linked bool, entries []fs.DirEntry) {
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		at, target := filepath.Join(path, e.Name()), filepath.Join(resolved, e.Name())
		switch {
		case e.IsDir():
			v.visitFolder(at, target, linked)
		case e.Type()&fs.ModeSymlink != 0:
			v.pendingLinks = append(v.pendingLinks, symbolicLink{at, target})
		case !isManifestFileName(e.Name()):
		case !e.Type().IsRegular():
			v.notes.add(message.New("file-not-regular"), filePosition(at), at)
		default:
			v.matchingFiles++
			v.add(inputFile{path: at, resolved: target, viaLink: linked, regular: true})
		}
	}
}

// visitFolder walks a folder below, once.
func (v *folderWalk) visitFolder(path, resolved string, linked bool) {
	switch {
	case !v.recursive:
		v.skippedFolders++
		return
	case v.visitedFolders[resolved]:
		return
	}
	v.visitedFolders[resolved] = true
	entries, err := os.ReadDir(resolved)
	if err != nil {
		v.sink.AddGap(inventory.Gap{What: quoteInput(path), Why: message.New("folder-not-read", "error", errorWithoutPath(err)), Position: filePosition(path), Namespaces: allNamespaces()})
	}
	v.visitEntries(path, resolved, linked, entries)
}

// followLink follows a link, if it leads to something wanted within the folder.
func (v *folderWalk) followLink(l symbolicLink) {
	resolved, err := filepath.EvalSymlinks(l.resolved)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Lstat(resolved)
	}
	inside := err == nil && (resolved == v.rootPath || strings.HasPrefix(resolved, strings.TrimSuffix(v.rootPath, string(filepath.Separator))+string(filepath.Separator)))
	switch {
	case err != nil && !isManifestFileName(filepath.Base(l.path)) && filepath.Ext(l.path) != "":
	case isLinkLoop(err):
		v.notes.add(message.New("link-to-itself"), filePosition(l.path), l.path)
	case errors.Is(err, fs.ErrNotExist):
		v.notes.add(message.New("link-to-nothing"), filePosition(l.path), l.path)
	case err != nil:
		v.sink.AddGap(inventory.Gap{What: quoteInput(l.path), Why: message.New("link-not-followed", "error", errorWithoutPath(err)), Position: filePosition(l.path), Namespaces: allNamespaces()})
	case !info.IsDir() && !isManifestFileName(filepath.Base(l.path)):
	case info.IsDir() && !v.recursive:
		v.skippedFolders++
	case !info.IsDir() && !info.Mode().IsRegular():
		v.notes.add(message.New("file-not-regular"), filePosition(l.path), l.path)
	case !inside:
		v.externalLinks = append(v.externalLinks, symbolicLink{l.path, resolved})
	case info.IsDir():
		v.visitFolder(l.path, resolved, true)
	default:
		v.matchingFiles++
		v.add(inputFile{path: l.path, resolved: resolved, viaLink: true, regular: true})
	}
}

// isLinkLoop tells a link that leads to itself: the system says so, or EvalSymlinks gave up.
func isLinkLoop(err error) bool {
	return err != nil && (errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "too many links"))
}

// isManifestFileName tells by its name whether a file of a folder is read.
func isManifestFileName(name string) bool {
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
