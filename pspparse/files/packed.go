package files

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/archive"
	"github.com/psp2pss/psp2pss/pspparse/dump"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// hiddenMark is what the redactor of a support bundle puts in place of a value.
const hiddenMark = "***HIDDEN***"

// packedReading is the reading of one archive, or of a folder that is a dump.
type packedReading struct {
	reader *Reader
	ctx    context.Context //nolint:containedctx // it lives as long as one call of Read, which has many callbacks
	// path is what the user named, or the entry that is an archive itself.
	path string
	// meter counts what is read, of the archives in it, too.
	meter *archive.Meter
	// layout is that of the dump; nil for plain documents.
	layout *dump.Layout
	sink   inventory.Sink
	notes  *noteCollector
	limits Limits
	// kinds are the kinds of which an object was read.
	kinds map[string]bool
	// nested is set for an archive in an archive.
	nested bool

	entries, read, gaps int
	// unsafe counts entries that lead out of the archive, special those that are no files, masked objects with a masked value.
	unsafe, special, masked int
	firstUnsafe             string
}

// addGap adds a gap of an entry, unless the archive has had too many: then it is counted.
func (p *packedReading) addGap(g inventory.Gap) {
	if p.gaps++; p.gaps <= p.limits.Gaps {
		p.sink.AddGap(g)
	}
}

// packedFormat returns how the archive is packed that a file begins like; false for a file that is no archive. The beginning has
// packedLookahead bytes, or all of the file.
func packedFormat(begin []byte) (archive.Format, bool) {
	f := archive.Sniff(begin)
	switch f {
	case archive.Tar, archive.Zip:
		return f, true
	case archive.None:
		return f, false
	case archive.Gzip, archive.Zstd:
	}
	in, err := archive.NewMeter(archive.Limits{}).Inflate(bytes.NewReader(begin), f)
	if err != nil {
		return f, false
	}
	defer func() { _ = in.Close() }() // nothing is left to say
	inner := make([]byte, archive.SniffedBytes)
	n, _ := io.ReadFull(in, inner) // of a beginning, the end is missing
	return f, archive.Sniff(inner[:n]) == archive.Tar
}

// packedLookahead is how much of a file is read to see whether it is an archive: more than the largest block of zstd.
const packedLookahead = 256 << 10

// fileFormat returns how a regular file is packed that the user named; false if it is no archive, or cannot be read.
func fileFormat(name string) (archive.Format, bool) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return archive.None, false
	}
	in, err := os.Open(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return archive.None, false
	}
	defer func() { _ = in.Close() }() // it was only read
	begin := make([]byte, archive.SniffedBytes)
	n, _ := io.ReadFull(in, begin) // who reads it says what is wrong
	if f := archive.Sniff(begin[:n]); f != archive.Gzip && f != archive.Zstd {
		return packedFormat(begin[:n])
	}
	more := make([]byte, packedLookahead)
	m, _ := io.ReadFull(in, more)
	return packedFormat(append(begin[:n], more[:m]...))
}

// newPackedReading returns the reading of one archive or dump.
func (r *Reader) newPackedReading(ctx context.Context, name string, b inventory.Sink, t *noteCollector) *packedReading {
	limits := r.Limits.withDefaults()
	return &packedReading{
		reader: r, ctx: ctx, path: name, sink: b, notes: t, limits: limits, kinds: map[string]bool{},
		meter: archive.NewMeter(archive.Limits{InflatedBytes: limits.UncompressedBytes, Ratio: limits.GzipRatio, Entries: limits.Entries, ZipEntries: limits.ZipEntries, SpooledBytes: limits.SpooledBytes}),
	}
}

// readArchiveFile reads an archive that the user named: first its names, to see what dump it is, then what it holds.
func (r *Reader) readArchiveFile(p *packedReading, f archive.Format) error {
	r.reportProgress("reading " + quoteInput(p.path))
	in, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", quoteInput(p.path), errorWithoutPath(err))
	}
	defer func() { _ = in.Close() }() // it was only read
	var survey dump.Survey
	// What is wrong with the archive, the second walk says.
	_ = r.newPackedReading(p.ctx, p.path, p.sink, p.notes).walk(in, f, func(e *archive.Entry) error { return surveyEntry(&survey, e) })
	if err := p.setLayout(&survey); err != nil {
		return err
	}
	if p.layout != nil && p.layout.Kind() == dump.Velero {
		p.readVeleroBackup(filepath.Join(filepath.Dir(p.path), dump.VeleroBackupFile))
	}
	p.finish(p.walk(in, f, p.readEntry))
	return p.ctx.Err()
}

// walk calls visit with every entry of the archive, from its beginning on.
func (p *packedReading) walk(in *os.File, f archive.Format, visit func(*archive.Entry) error) error {
	if f == archive.Zip {
		info, err := in.Stat()
		if err != nil {
			return err
		}
		return p.meter.WalkZip(in, info.Size(), visit)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return p.meter.WalkStream(contextReader(p.ctx, p.reader.progressReader(p.path, in)), f, visit)
}

// entryName returns the name of an archive's entry as positions and layouts have it: that of a folder ends in a slash.
func entryName(e *archive.Entry) string {
	name := path.Clean(e.Name)
	if e.Type == archive.Folder {
		name += "/"
	}
	return name
}

// surveyEntry shows an entry of an archive to a survey.
func surveyEntry(s *dump.Survey, e *archive.Entry) error {
	if archive.IsUnsafeName(e.Name) || e.Type == archive.Special || e.Type == archive.Link {
		return nil
	}
	name := entryName(e)
	var begin []byte
	if e.Type == archive.Regular && s.WantsContent(name) {
		begin = make([]byte, dump.MarkerBytes)
		n, err := io.ReadFull(e.Body, begin)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		begin = begin[:n]
	}
	s.Add(name, begin)
	return nil
}

// setLayout decides as what the entries are read. It returns an error for more than one dump, which are not read as one.
func (p *packedReading) setLayout(s *dump.Survey) error {
	roots := s.Roots()
	if len(roots) == 0 {
		return nil
	}
	var folders []string
	for _, r := range roots {
		folders = append(folders, quoteInput(strings.TrimSuffix(r.Folder, "/")))
	}
	switch first := roots[0]; {
	case len(roots) > 1 && first.Kind != dump.MustGather:
		return fmt.Errorf("%s holds %d dumps (%s): read them one at a time, with -f FOLDER of each", quoteInput(p.path), len(roots), strings.Join(firstOf(folders), ", "))
	case first.Kind == dump.Gather && p.reader.DumpCluster != "":
		if !slices.Contains(first.Clusters, p.reader.DumpCluster) {
			return fmt.Errorf("%s has no cluster %s", quoteInput(p.path), quoteInput(p.reader.DumpCluster))
		}
		roots[0].Clusters = []string{p.reader.DumpCluster}
	case first.Kind == dump.Gather && len(first.Clusters) > 1:
		return &SeveralClustersError{Path: p.path, Clusters: first.Clusters}
	}
	p.layout = dump.NewLayout(roots)
	return nil
}

// firstOf returns the first few names, for an error that has no place for all.
func firstOf(names []string) []string {
	const most = 5
	if len(names) > most {
		return append(names[:most:most], "...")
	}
	return names
}

// readVeleroBackup takes the file that says what a Velero backup was asked for, if it lies there.
func (p *packedReading) readVeleroBackup(name string) {
	in, err := os.Open(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return
	}
	defer func() { _ = in.Close() }() // it was only read
	if data, err := io.ReadAll(io.LimitReader(in, 1<<20)); err == nil {
		p.layout.SetVeleroBackup(data)
	}
}

// readEntry reads one entry of the archive, as the layout says.
func (p *packedReading) readEntry(e *archive.Entry) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.entries++
	leadsOut := archive.IsUnsafeName(e.Name) || e.Type == archive.Link && linkLeadsOut(e)
	switch {
	case leadsOut:
		if p.unsafe++; p.unsafe == 1 {
			p.firstUnsafe = e.Name
		}
		return nil
	case e.Type == archive.Special:
		p.special++
		return nil
	case e.Type != archive.Regular:
		return nil
	}
	return p.readFile(entryName(e), e.Body, nil)
}

// linkLeadsOut reports whether a link of an archive leads to what is not in it. The target of a hard link is a name of the archive; no
// such target leads out by being taken for one that stands beside the link.
func linkLeadsOut(e *archive.Entry) bool {
	return strings.HasPrefix(e.Target, "/") || archive.IsUnsafeName(path.Join(path.Dir(e.Name), e.Target)) || strings.Contains(e.Target, "\\")
}

// readFile reads a file of the archive or folder. Reopen is nil where it can be read only once.
func (p *packedReading) readFile(name string, body io.Reader, reopen func() (io.ReadCloser, error)) error {
	a := dump.Action{Verb: dump.Read}
	switch {
	case p.layout != nil:
		a = p.layout.Entry(name)
	case isHiddenEntry(name):
		return nil
	case isArchiveName(path.Base(name)):
		return p.readNested(name, body)
	case !isManifestFileName(path.Base(name)):
		return nil
	}
	switch a.Verb {
	case dump.Skip, dump.SkipSecret:
		return nil
	case dump.ReadErrors:
		data, err := io.ReadAll(io.LimitReader(body, int64(p.limits.DocumentBytes)))
		if err == nil {
			p.layout.AddErrors(name, data)
		}
		return err
	case dump.Read:
	}
	p.read++
	s := &documentReader{
		name: p.position(name), limits: p.limits, sink: p.sink, notes: p.notes, otherObject: p.reader.OtherObject, eachObject: p.reader.EachObject,
		namespace: p.reader.Namespace, packed: p, onObject: p.sawObject, nullText: a.NullText,
		expected: objectHeader{apiVersion: a.Items.APIVersion, kind: a.Items.Kind}, reopen: reopen,
	}
	return p.readText(s, body)
}

// readText reads the text of an entry, unpacked if it is packed by itself. It returns an error where the archive cannot be read on.
func (p *packedReading) readText(s *documentReader, body io.Reader) error {
	in := bufio.NewReaderSize(body, readBufferBytes)
	begin, err := peek(in, archive.SniffedBytes)
	if err != nil {
		return err
	}
	f := archive.Sniff(begin)
	if f != archive.Gzip && f != archive.Zstd {
		s.readSource(in)
		return nil
	}
	inflated, err := p.meter.Inflate(in, f)
	if err != nil {
		s.addGap(inventory.Gap{What: quoteInput(s.name), Why: message.New("file-not-read", "error", readErrorReason(err)), Position: s.position(0)})
		return nil
	}
	s.readSource(inflated)
	return inflated.Close()
}

// readNested reads an archive in an archive of plain documents, as a stream.
func (p *packedReading) readNested(name string, body io.Reader) error {
	in := bufio.NewReaderSize(body, packedLookahead)
	begin, err := peek(in, packedLookahead)
	if err != nil {
		return err
	}
	p.read++
	at := p.position(name)
	f, packed := packedFormat(begin)
	what := ""
	switch {
	case packed && p.nested:
		what = "an archive in an archive in an archive"
	case f == archive.Zip:
		what = "a zip in an archive"
	case !packed:
		what = cmp.Or(binaryKind(begin), "named like an archive, and none that is read")
	}
	if what != "" {
		p.addGap(inventory.Gap{What: quoteInput(at), Why: message.New("archive-too-deep", "what", what), Position: filePosition(at), Namespaces: allNamespaces()})
		return nil
	}
	inner := p.reader.newPackedReading(p.ctx, at, p.sink, p.notes)
	inner.meter, inner.nested, inner.kinds = p.meter, true, p.kinds
	return inner.readStream(in, f)
}

// position returns the name of an entry in positions: "dump.tar.gz!path", and in a folder the path.
func (p *packedReading) position(entry string) string {
	if p.reader.isFolder(p.path) {
		return filepath.Join(p.path, entry)
	}
	return p.path + "!" + entry
}

// isHiddenEntry reports whether an entry of an archive of plain documents is hidden, or in a hidden folder.
func isHiddenEntry(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// sawObject keeps what the gaps of a dump depend on.
func (p *packedReading) sawObject(kind string, o *manifestObject) {
	p.kinds[kind] = true
	if p.layout == nil {
		return
	}
	if kind == "Namespace" {
		p.layout.AddNamespace(nameOfObject(o).Name)
	}
	if p.layout.Kind() == dump.SupportBundle && bytes.Contains(o.text, []byte(hiddenMark)) {
		p.masked++
	}
}

// finish adds the gaps and notes of the archive as a whole; err is what ended its reading.
func (p *packedReading) finish(err error) {
	at := filePosition(p.path)
	gap := func(why message.Message, in []string) {
		p.sink.AddGap(inventory.Gap{What: quoteInput(p.path), Why: why, Position: at, Namespaces: in})
	}
	if err != nil && p.ctx.Err() == nil {
		why := message.New("archive-cut-off", "n", p.entries, "error", readErrorReason(err))
		if limit := (*archive.LimitError)(nil); errors.As(err, &limit) {
			why = message.New("archive-beyond-limit", "n", p.entries, "error", limit.Error())
		}
		gap(why, allNamespaces())
	}
	if p.unsafe > 0 {
		gap(message.New("archive-unsafe-names", "n", p.unsafe, "name", p.firstUnsafe), allNamespaces())
	}
	if more := p.gaps - p.limits.Gaps; more > 0 {
		gap(message.New("file-gaps-not-named", "n", more, "limit", p.limits.Gaps), allNamespaces())
	}
	note := func(why message.Message) {
		p.sink.AddNote(inventory.Note{What: quoteInput(p.path), Why: why, Position: at})
	}
	if p.special > 0 {
		note(message.New("archive-special-entries", "n", p.special))
	}
	if p.read == 0 && p.layout == nil && err == nil {
		p.notes.add(message.New("archive-without-files"), at, p.path)
	}
	if p.layout == nil {
		return
	}
	p.notes.add(message.New("dump-recognised", "tool", string(p.layout.Kind())), at, p.path)
	if n := p.layout.Secrets(); n > 0 {
		note(message.New("dump-secrets-skipped", "n", n))
	}
	if p.masked > 0 {
		note(message.New("dump-values-masked", "n", p.masked))
	}
}

// addDumpGaps adds the gaps of what the dump never holds and what its program failed to collect. Elsewhere reports whether another
// source had objects of a kind.
func (p *packedReading) addDumpGaps(elsewhere func(kind string) bool) {
	if p.layout == nil {
		return
	}
	for _, g := range p.layout.Gaps(elsewhere) {
		g.What, g.Position = quoteInput(p.path), pspparse.Position{File: p.path}
		p.sink.AddGap(g)
	}
}
