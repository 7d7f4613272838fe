package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/archive"
	"github.com/psp2pss/psp2pss/pspparse/dump"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// StdinPath is the path that stands for standard input.
const StdinPath = "-"

// Reader reads objects from files, folders and standard input. The zero value of all but Paths is a sensible choice.
type Reader struct {
	// Paths are files, folders and "-". A path that does not exist or cannot be read is an error; whatever else is wrong
	// with what lies there becomes a gap. A file that is reached twice, through links or by name, is read once. The
	// order of the paths changes nothing but the name of the source.
	Paths []string
	// Recursive reads folders with all that is below them. Of a folder only .yaml, .yml and .json files are read, and
	// the same with .gz, in any case; hidden files and backups of editors are not.
	Recursive bool
	// Skip are patterns of files and folders that are not read: each is matched (path.Match) with the path below a folder of Paths, or
	// with the name alone if it has no slash. With a folder all below it is skipped. What is skipped becomes a note; a pattern that
	// matches nothing is an *UnusedPatternError.
	Skip []string
	// Stdin is read for the path "-".
	Stdin io.Reader
	// Limits bound what one file may cost.
	Limits Limits
	// Progress, if set, is called with the file that is read next, and every 64 MiB with how much was read.
	Progress func(string)
	// OtherObject, if set, is given the objects of kinds that hold no pod, policy or grant, which the inventory only counts.
	// The JSON is valid until it returns.
	OtherObject func(apiVersion, kind string, data []byte, at pspparse.Position)
	// EachObject, if set, is given every object before the Sink is, and the files of kustomizations and charts, which no Sink
	// gets. PodSecurityPolicies are not among them.
	EachObject func(*Object)
	// Dumps reads archives, and folders and archives that are dumps of clusters, by what they hold and with all below them. Without
	// it an archive is a gap.
	Dumps bool
	// DumpCluster chooses one of the clusters of a dump of kubectl gather, by its folder. Without it such a dump of several clusters is a
	// *SeveralClustersError.
	DumpCluster string
	// Namespace is the one of objects that name none, of kinds that are not known to make pods; "" leaves them without.
	Namespace string

	// dumpFolders are the folders among Paths that are read as dumps.
	dumpFolders map[string]bool
	// streams are the plain files that are what kubectl cluster-info dump prints.
	streams []packedInput
	// plainKinds are the kinds of which an object was read outside of dumps.
	plainKinds map[string]bool
}

// Load reads the paths into an Inventory of its own. Its errors are those of Read.
func (r *Reader) Load(ctx context.Context) (*inventory.Inventory, error) {
	b := inventory.NewBuilder()
	if err := r.Read(ctx, b); err != nil {
		return nil, err
	}
	return b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: strings.Join(r.Paths, ", ")}), nil
}

// Read delivers what the paths hold to a Sink. All paths are looked up before the first is read. It returns an error for a path
// that the user named and that cannot be opened, for an unused pattern of Skip, and the error of the context; the Sink may then have
// some of the input.
func (r *Reader) Read(ctx context.Context, b inventory.Sink) error {
	t := &noteCollector{}
	paths := r.Paths
	var dumps []packedInput
	if r.Dumps {
		var err error
		if dumps, paths, err = r.packedInputs(ctx, b, t); err != nil {
			return err
		}
	}
	w := &fileFinder{recursive: r.Recursive, skip: r.Skip, notes: t, sink: b}
	if err := w.findFiles(paths); err != nil {
		return err
	}
	r.plainKinds, r.streams = map[string]bool{}, nil
	for _, f := range w.sortedFiles() {
		if f.path == StdinPath && r.Dumps {
			p, err := r.readPackedStdin(ctx, b, t)
			if err != nil {
				return err
			}
			if p != nil {
				dumps = append(dumps, packedInput{packedReading: p})
				continue
			}
		}
		if err := r.readFile(ctx, f, b, t); err != nil {
			return err
		}
	}
	if err := r.readDumps(append(dumps, r.streams...)); err != nil {
		return err
	}
	t.flush(b)
	return nil
}

// readDumps reads the archives and dumps among the paths, and then adds the gaps of what they do not hold and no other path does.
func (r *Reader) readDumps(dumps []packedInput) error {
	for _, d := range dumps {
		if d.readAll == nil {
			continue // standard input was read in its turn
		}
		if err := d.readAll(); err != nil {
			return err
		}
	}
	for i, d := range dumps {
		d.addDumpGaps(func(kind string) bool {
			elsewhere := r.plainKinds[kind]
			for j, other := range dumps {
				elsewhere = elsewhere || j != i && other.kinds[kind]
			}
			return elsewhere
		})
	}
	return nil
}

// readPackedStdin reads standard input if it is an archive; else it returns nil, and what it has looked at is read again.
func (r *Reader) readPackedStdin(ctx context.Context, b inventory.Sink, t *noteCollector) (*packedReading, error) {
	if r.Stdin == nil {
		return nil, nil //nolint:nilnil // it is no archive; who reads it says that there is none
	}
	in := bufio.NewReaderSize(r.Stdin, packedLookahead)
	r.Stdin = in
	begin, err := peek(in, archive.SniffedBytes)
	if f := archive.Sniff(begin); err == nil && (f == archive.Gzip || f == archive.Zstd) {
		begin, err = peek(in, packedLookahead)
	}
	f, packed := packedFormat(begin)
	if err != nil || !packed {
		return nil, nil //nolint:nilerr,nilnil // who reads it meets the error again
	}
	r.reportProgress("reading " + StdinPath)
	p := r.newPackedReading(ctx, StdinPath, b, t)
	src := contextReader(ctx, r.progressReader(StdinPath, in))
	if f != archive.Zip {
		return p, p.readStream(src, f)
	}
	file, size, remove, err := p.meter.Spool(src)
	if err != nil {
		p.finish(err)
		return p, ctx.Err()
	}
	var survey dump.Survey
	_ = p.meter.WalkZip(file, size, func(e *archive.Entry) error { return surveyEntry(&survey, e) })
	p.meter = r.newPackedReading(ctx, StdinPath, b, t).meter
	if err := p.setLayout(&survey); err != nil {
		return nil, errors.Join(err, remove())
	}
	p.finish(p.meter.WalkZip(file, size, p.readEntry))
	return p, errors.Join(ctx.Err(), remove())
}

// Files returns the files that Read would read, by path and without standard input. It fails for a path that the user named and that is
// not there.
func (r *Reader) Files() ([]string, error) {
	w := &fileFinder{recursive: r.Recursive, skip: r.Skip, notes: &noteCollector{}, sink: noGaps{}}
	if err := w.findFiles(r.Paths); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range w.sortedFiles() {
		if f.path != StdinPath {
			paths = append(paths, f.path)
		}
	}
	return paths, nil
}

// readFile reads one file. It returns an error if the user named the file and it cannot be opened, or if the context ends.
func (r *Reader) readFile(ctx context.Context, f inputFile, b inventory.Sink, t *noteCollector) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.reportProgress("reading " + english.EscapeInput(f.path))
	s := &documentReader{name: f.path, limits: r.Limits.withDefaults(), sink: b, notes: t, otherObject: r.OtherObject, eachObject: r.EachObject, namespace: r.Namespace}
	if r.Dumps {
		s.skipsLogs = true
		defer func() { r.addStreamOfClusterInfo(ctx, s) }()
		s.onObject = func(kind string, _ *manifestObject) { r.plainKinds[kind] = true }
	}
	if f.path == StdinPath {
		if r.Stdin == nil {
			return errors.New("reading standard input: there is none; name a file instead of -")
		}
		s.readSource(contextReader(ctx, r.progressReader(f.path, r.Stdin)))
		return ctx.Err()
	}
	open := func() (io.ReadCloser, error) { return os.Open(f.resolved) }
	if f.regular {
		s.reopen = func() (io.ReadCloser, error) { return reopenText(ctx, open, s.limits, r.Dumps) }
	}
	in, err := open()
	if err != nil {
		if f.userNamed {
			return fmt.Errorf("opening %s: %w", quoteInput(f.path), fileerror.Explain(f.path, err))
		}
		s.addGap(inventory.Gap{What: quoteInput(f.path), Why: message.New("file-not-opened", "error", errorWithoutPath(err)), Position: s.position(0)})
		return nil
	}
	s.readSource(contextReader(ctx, r.progressReader(f.path, in)))
	if err := in.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", quoteInput(f.path), errorWithoutPath(err))
	}
	return ctx.Err()
}

// addStreamOfClusterInfo adds the gap of a file that has had the logs of containers between its documents, and keeps it for the gaps of
// what such a dump never holds.
func (r *Reader) addStreamOfClusterInfo(ctx context.Context, s *documentReader) {
	if s.logs == nil || s.logs.blocks == 0 {
		return
	}
	s.addGap(inventory.Gap{What: quoteInput(s.name), Why: message.New("dump-with-logs", "n", s.logs.blocks), Position: s.position(0)})
	p := r.newPackedReading(ctx, s.name, s.sink, s.notes)
	p.layout = dump.NewClusterInfoStream()
	r.streams = append(r.streams, packedInput{packedReading: p})
}

// reopenText opens an input file again and returns its text.
func reopenText(ctx context.Context, open func() (io.ReadCloser, error), limits Limits, skipLogs bool) (io.ReadCloser, error) {
	in, err := open()
	if err != nil {
		return nil, err
	}
	again, err := newTextReader(contextReader(ctx, in), limits)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	if skipLogs {
		again = newLogSkipper(again)
	}
	return struct {
		io.Reader
		io.Closer
	}{again, in}, nil
}

// readSource reads the text of a file that could be opened.
func (s *documentReader) readSource(src io.Reader) {
	in, err := newTextReader(src, s.limits)
	var unreadable *notTextError
	switch {
	case errors.As(err, &unreadable):
		s.addGap(inventory.Gap{What: quoteInput(s.name), Why: message.New("file-not-text", "error", unreadable.msg), Position: s.position(0)})
	case err != nil:
		s.addGap(inventory.Gap{What: quoteInput(s.name), Why: message.New("file-not-read", "error", readErrorReason(err)), Position: s.position(0)})
	case s.skipsLogs:
		s.logs = newLogSkipper(in)
		s.readDocuments(s.logs)
	default:
		s.readDocuments(in)
	}
}

// reportProgress hands a message to Reader.Progress, if that is set.
func (r *Reader) reportProgress(msg string) {
	if r.Progress != nil {
		r.Progress(msg)
	}
}

// progressReader returns a source that reports progress every 64 MiB.
func (r *Reader) progressReader(path string, src io.Reader) io.Reader {
	if r.Progress == nil {
		return src
	}
	const step = 64 << 20
	var total, next int64 = 0, step
	return readerFunc(func(p []byte) (int, error) {
		n, err := src.Read(p)
		if total += int64(n); total >= next {
			next += step
			r.reportProgress(fmt.Sprintf("reading %s: %d MiB", english.EscapeInput(path), total>>20))
		}
		return n, err
	})
}

// errorWithoutPath returns the cause of an error of the file system without the path, which may hold anything and is in the
// message already.
func errorWithoutPath(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// ReadFS adds all .yaml, .yml and .json files of a file system, an embedded folder say, to a Sink. Positions are
// the paths in it. It fails if a file cannot be opened.
func ReadFS(fsys fs.FS, b inventory.Sink) error {
	t := &noteCollector{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading %s: %w", quoteInput(path), errorWithoutPath(err))
		}
		if !d.Type().IsRegular() || !isManifestFileName(d.Name()) {
			return nil
		}
		open := func() (io.ReadCloser, error) { return fsys.Open(path) }
		in, err := open()
		if err != nil {
			return fmt.Errorf("opening %s: %w", quoteInput(path), errorWithoutPath(err))
		}
		s := &documentReader{name: path, limits: Limits{}.withDefaults(), sink: b, notes: t}
		s.reopen = func() (io.ReadCloser, error) { return reopenText(context.Background(), open, s.limits, false) }
		s.readSource(in)
		return in.Close()
	})
	t.flush(b)
	return err
}

// filePosition returns the position of a file as a whole.
func filePosition(path string) pspparse.Position { return pspparse.Position{File: path} }
