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

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// inputFile is a file to read objects from.
type inputFile struct {
	// path is the file as the user would write it, resolved the same without links.
	path     string
	resolved string // without links
	// userNamed is set if the user named it, viaLink if a link led to it.
	userNamed, viaLink bool
	// regular is set for a regular file, which can be read again.
	regular bool
}

// fileFinder finds the files to read below the paths of a Reader.
type fileFinder struct {
	// recursive finds files in folders of folders, too.
	recursive bool
	// skip are the patterns of paths below folders that are not read, skipUsed says which of them have matched one.
	skip     []string
	skipUsed []bool
	// notes and sink receive notes and gaps.
	notes *noteCollector
	sink  gapSink

	// byResolvedPath are the files that were found.
	byResolvedPath map[string]inputFile
	// walkedFolders are the folders that were walked through, by resolved path.
	walkedFolders map[string]bool
	// externalLinks are the links that lead out of the folder that they are in.
	externalLinks []symbolicLink
}

// gapSink takes the gaps of looking for input files.
type gapSink interface{ AddGap(g inventory.Gap) }

// noGaps is a gapSink that takes nothing: who only looks for input files, reads none.
type noGaps struct{}

// AddGap drops a gap of looking for input files.
func (noGaps) AddGap(inventory.Gap) {}

// symbolicLink is a symbolic link in a folder of input files. Links are followed last, so that a file keeps its own
// name where it has one.
type symbolicLink struct{ path, resolved string }

// findFiles looks up every path. It returns an error for the first that does not exist or cannot be looked at, and for a pattern of
// files to skip that matches none.
func (w *fileFinder) findFiles(paths []string) error {
	w.skipUsed = make([]bool, len(w.skip))
	w.byResolvedPath, w.walkedFolders = map[string]inputFile{}, map[string]bool{}
	for _, path := range sortedSet(paths) {
		if err := w.addUserPath(path); err != nil {
			return err
		}
	}
	w.addExternalLinkGaps()
	return w.unusedPattern()
}

// addExternalLinkGaps adds gaps for links out of the folders that the user named, unless another path leads to their targets.
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

// sortedSet returns the paths of input files sorted, each once.
func sortedSet(paths []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(paths)))
}

// sortedFiles returns the files that were found, by path.
func (w *fileFinder) sortedFiles() []inputFile {
	var all []inputFile
	for _, f := range w.byResolvedPath {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b inputFile) int { return cmp.Compare(a.path, b.path) })
	return all
}

// addUserPath looks up a path that the user named: a file, a folder or standard input.
func (w *fileFinder) addUserPath(path string) error {
	if path == StdinPath {
		w.add(inputFile{path: path, resolved: path, userNamed: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", quoteInput(path), fileerror.Explain(path, err))
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

// add adds a file to those to read. Of several ways to one file it keeps the one that does not depend on the order in
// which they were found.
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

// compareFalseFirst orders false before true, to compare the ways to an input file.
func compareFalseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// walkUserFolder finds the files of a folder that the user named, and follows the links in it.
func (w *fileFinder) walkUserFolder(path, resolved string) error {
	entries, err := os.ReadDir(resolved)
	if err != nil {
		return fmt.Errorf("reading the folder %s: %w", quoteInput(path), fileerror.Explain(path, err))
	}
	before := len(w.byResolvedPath)
	v := &folderWalk{fileFinder: w, path: path, rootPath: resolved, visitedFolders: map[string]bool{resolved: true}}
	v.visitEntries(path, resolved, false, entries)
	for len(v.pendingLinks) > 0 {
		l := v.pendingLinks[0]
		v.pendingLinks = v.pendingLinks[1:]
		v.followLink(l)
	}
	maps.Copy(w.walkedFolders, v.visitedFolders)
	if len(w.byResolvedPath) == before && v.matchingFiles == 0 {
		w.notes.add(message.New("folder-without-files", "recursive", v.skippedFolders > 0, "archive", v.archive), filePosition(path), path)
	} else if v.skippedFolders > 0 && !v.isChart {
		w.notes.add(message.New("folders-below-not-read"), filePosition(path), path)
	}
	return nil
}

// folderWalk is the walk through one folder that the user named.
type folderWalk struct {
	*fileFinder
	// path is the folder that the user named, rootPath the same without links.
	path, rootPath string
	// visitedFolders are the folders that were walked through.
	visitedFolders map[string]bool
	// pendingLinks are the links that are still to follow.
	pendingLinks []symbolicLink
	// matchingFiles is how many files have a name that is read.
	matchingFiles int
	// skippedFolders is how many folders were not walked through.
	skippedFolders int
	// archive is the first archive that was found, quoted; "" for none.
	archive string
	// isChart is set once a Chart.yaml was found: its templates are no manifests.
	isChart bool
}

// visitEntries adds the manifest files among the entries of a folder, and walks through the folders among them.
func (v *folderWalk) visitEntries(path, resolved string, linked bool, entries []fs.DirEntry) {
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		at, target := filepath.Join(path, e.Name()), filepath.Join(resolved, e.Name())
		switch {
		case v.skipped(v.path, at):
			v.skipEntry(at, target, e)
		case e.IsDir():
			v.visitFolder(at, target, linked)
		case e.Type()&fs.ModeSymlink != 0:
			v.pendingLinks = append(v.pendingLinks, symbolicLink{at, target})
		case !isManifestFileName(e.Name()):
			if v.archive == "" && isArchiveName(e.Name()) {
				v.archive = quoteInput(at)
			}
		case !e.Type().IsRegular():
			v.notes.add(message.New("file-not-regular"), filePosition(at), at)
		default:
			v.matchingFiles++
			v.isChart = v.isChart || e.Name() == "Chart.yaml"
			v.add(inputFile{path: at, resolved: target, viaLink: linked, regular: true})
		}
	}
}

// visitFolder walks through a folder below the named one, once.
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

// followLink adds what a link leads to, if that is a manifest or a folder within the named one.
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

// isLinkLoop reports whether a file system error is that of a symbolic link that leads to itself.
func isLinkLoop(err error) bool {
	return err != nil && (errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "too many links"))
}

// isArchiveName reports whether a file of a folder is an archive, by its name.
func isArchiveName(name string) bool {
	lower := strings.ToLower(name)
	for _, ending := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2", ".zip", ".7z", ".rar"} {
		if strings.HasSuffix(lower, ending) {
			return true
		}
	}
	return false
}

// IsManifestName reports whether a file of this name is read where a folder is: .yaml, .yml or .json, each also with .gz.
func IsManifestName(name string) bool { return isManifestFileName(name) }

// isManifestFileName reports whether a file of a folder is read, by its name: .yaml, .yml or .json, each also with .gz.
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
