package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/dump"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	// surveyDepth is how many folders deep the marks of a dump lie: two around it, and two in it.
	surveyDepth = 4
	// maxSurveyed is how many files and folders are looked at to see whether a folder is a dump.
	maxSurveyed = 100_000
)

// errSurveyed ends the survey of a folder; it is not a failure.
var errSurveyed = errors.New("surveyed")

// surveyFolder looks at the names in a folder, to see whether it is a dump. Links are not followed. What cannot be looked at marks
// nothing.
func surveyFolder(folder string) *dump.Survey {
	var s dump.Survey
	n := 0
	_ = filepath.WalkDir(folder, func(at string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(folder, at)
		switch {
		case rel == ".":
			return err
		case err != nil || relErr != nil:
			return nil //nolint:nilerr // what cannot be looked at marks nothing
		case strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		}
		if n++; n > maxSurveyed {
			return errSurveyed
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			s.Add(name+"/", nil)
			if strings.Count(name, "/")+1 >= surveyDepth {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			s.Add(name, markerContent(&s, at, name))
		}
		return nil
	})
	return &s
}

// markerContent returns the beginning of a file that may mark a dump; nil for any other file, and for one that cannot be read.
func markerContent(s *dump.Survey, at, name string) []byte {
	if !s.WantsContent(name) {
		return nil
	}
	in, err := os.Open(at) //nolint:gosec // G304: below the folder that the user names
	if err != nil {
		return nil
	}
	defer func() { _ = in.Close() }() // it was only read
	begin := make([]byte, dump.MarkerBytes)
	n, _ := io.ReadFull(in, begin) // a short file has less
	return begin[:n]
}

// isFolder reports whether a path is one of the folders that are read as dumps.
func (r *Reader) isFolder(name string) bool { return r.dumpFolders[name] }

// readDumpFolder reads the files of a folder that is a dump, by name.
func (r *Reader) readDumpFolder(p *packedReading) error {
	r.reportProgress("reading " + quoteInput(p.path))
	if p.layout.Kind() == dump.Velero {
		p.readVeleroBackup(filepath.Join(p.path, dump.VeleroBackupFile))
	}
	err := filepath.WalkDir(p.path, func(at string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(p.path, at)
		switch {
		case err != nil && at == p.path:
			return fmt.Errorf("reading the folder %s: %w", quoteInput(p.path), errorWithoutPath(err))
		case err != nil:
			p.addGap(inventory.Gap{What: quoteInput(at), Why: message.New("folder-not-read", "error", errorWithoutPath(err)), Position: filePosition(at), Namespaces: allNamespaces()})
			return nil
		case relErr != nil || !d.Type().IsRegular():
			return p.ctx.Err()
		}
		p.entries++
		return p.readDumpFile(at, filepath.ToSlash(rel))
	})
	if err != nil {
		return err
	}
	p.finish(nil)
	return p.ctx.Err()
}

// readDumpFile reads one file of a folder that is a dump, unless its layout skips that.
func (p *packedReading) readDumpFile(at, name string) error {
	open := func() (io.ReadCloser, error) { return os.Open(at) } //nolint:gosec // G304: below the folder that the user names
	body := &lazyFile{open: open}
	err := p.readFile(name, contextReader(p.ctx, body), func() (io.ReadCloser, error) { return reopenText(p.ctx, open, p.limits, false) })
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil && p.ctx.Err() == nil {
		p.addGap(inventory.Gap{What: quoteInput(at), Why: message.New("file-not-opened", "error", errorWithoutPath(err)), Position: filePosition(at), Namespaces: allNamespaces()})
		return nil
	}
	return p.ctx.Err()
}

// lazyFile is a file that is opened when it is first read: most files of a dump are skipped.
type lazyFile struct {
	open func() (io.ReadCloser, error)
	in   io.ReadCloser
}

// Read reads from the file; a file that cannot be opened fails here.
func (l *lazyFile) Read(b []byte) (int, error) {
	if l.in == nil {
		in, err := l.open()
		if err != nil {
			return 0, err
		}
		l.in = in
	}
	return l.in.Read(b)
}

// Close closes the file if it was opened.
func (l *lazyFile) Close() error {
	if l.in == nil {
		return nil
	}
	return l.in.Close()
}

// packedInputs takes the archives and dumps out of the paths of the Reader, and returns the other paths.
func (r *Reader) packedInputs(ctx context.Context, b inventory.Sink, t *noteCollector) (dumps []packedInput, rest []string, err error) {
	r.dumpFolders = map[string]bool{}
	for _, name := range sortedSet(r.Paths) {
		info, statErr := os.Stat(name)
		if name == StdinPath || statErr != nil {
			rest = append(rest, name)
			continue
		}
		if info.IsDir() {
			p := r.newPackedReading(ctx, name, b, t)
			if err := p.setLayout(surveyFolder(name)); err != nil {
				return nil, nil, err
			}
			if p.layout != nil {
				r.dumpFolders[name] = true
				dumps = append(dumps, packedInput{p, func() error { return r.readDumpFolder(p) }})
				continue
			}
		} else if f, packed := fileFormat(name); packed {
			p := r.newPackedReading(ctx, name, b, t)
			dumps = append(dumps, packedInput{p, func() error { return r.readArchiveFile(p, f) }})
			continue
		}
		rest = append(rest, name)
	}
	return dumps, rest, nil
}

// packedInput is an archive or a dump that the user named, and how it is read.
type packedInput struct {
	*packedReading
	readAll func() error
}
