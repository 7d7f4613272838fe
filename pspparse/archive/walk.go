package archive

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// EntryType says what an entry of an archive is.
type EntryType int

// The types. Special is everything that has no content of its own or must not be read: devices, pipes, names that are too long.
const (
	Regular EntryType = iota
	Folder
	Link
	Special
)

// Entry is one entry of an archive. It is valid until the call that shows it returns.
type Entry struct {
	// Name is as the archive has it. It is no path: nothing may be opened by it.
	Name string
	Type EntryType
	// Target is where a Link leads to; "" in a zip, which keeps it as content.
	Target string
	// Body is the content of a Regular entry.
	Body io.Reader
}

// IsUnsafeName reports whether the name of an entry would lead out of the folder that an archive is unpacked to: it is absolute,
// names a drive, has ".." in it, or the separators of another system.
func IsUnsafeName(name string) bool {
	if strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\\x00") || len(name) > 1 && name[1] == ':' {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// WalkTar calls visit for every entry of a tar in its order. It returns the error of visit, that of a damaged archive, or a
// LimitError; what was visited until then is whole, but for the body of the last.
func (m *Meter) WalkTar(src io.Reader, visit func(*Entry) error) error {
	end := &endReader{from: src}
	in := tar.NewReader(end)
	for {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF) && end.isCutOff():
			return fmt.Errorf("reading the tar: %w", io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return fmt.Errorf("reading the tar: %w", err)
		}
		if err := m.countEntry(m.limits.Entries); err != nil {
			return err
		}
		e := &Entry{Name: h.Name, Target: h.Linkname}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
			e.Body = &bodyReader{meter: m, from: in}
		case tar.TypeDir:
			e.Type = Folder
		case tar.TypeSymlink, tar.TypeLink:
			e.Type = Link
		case tar.TypeXGlobalHeader:
			continue
		default:
			e.Type = Special
		}
		m.boundName(e)
		if err := visit(e); err != nil {
			return err
		}
	}
}

// endReader is the text of a tar, of which archive/tar does not say whether it ended or was cut off between two entries: a tar ends in
// blocks of zeros.
type endReader struct {
	from  io.Reader
	ended bool
	// zeros is how many zeros it ended in so far.
	zeros int
}

// Read reads from the tar; its errors are those of the source.
func (e *endReader) Read(p []byte) (int, error) {
	n, err := e.from.Read(p)
	e.ended = e.ended || errors.Is(err, io.EOF)
	i := n
	for i > 0 && p[i-1] == 0 {
		i--
	}
	if i > 0 {
		e.zeros = 0
	}
	e.zeros += n - i
	return n, err
}

// isCutOff reports whether the source ended without a block of zeros.
func (e *endReader) isCutOff() bool { return e.ended && e.zeros < SniffedBytes }

// WalkStream calls visit for every entry of a tar that is packed as the format says. Its errors are those of WalkTar, and that of a
// stream which is damaged or cut off behind the end of the tar.
func (m *Meter) WalkStream(src io.Reader, f Format, visit func(*Entry) error) error {
	in, err := m.Inflate(src, f)
	if err != nil {
		return err
	}
	err = m.WalkTar(in, visit)
	if err == nil && (f == Gzip || f == Zstd) {
		_, err = io.Copy(io.Discard, in)
	}
	return errors.Join(err, in.Close())
}

// boundName makes an entry Special whose name is longer than the limit, and cuts the name.
func (m *Meter) boundName(e *Entry) {
	if len(e.Name) > m.limits.NameBytes {
		e.Name, e.Type, e.Body = strings.ToValidUTF8(e.Name[:m.limits.NameBytes], ""), Special, nil
	}
}

// bodyReader is the content of one entry, counted: a sparse one has more than what the tar takes, and a zip inflates each by itself.
type bodyReader struct {
	meter *Meter
	from  io.Reader
	n     int64
	// check, if set, is asked after each read whether the ratio of a zip is exceeded.
	check func() error
}

// Read reads the content of the entry, and fails with a LimitError beyond the limits.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.n >= b.meter.limits.InflatedBytes {
		return 0, b.meter.sizeError()
	}
	n, err := b.from.Read(p)
	b.n += int64(n)
	if b.check != nil {
		b.meter.inflated += int64(n)
		if limit := b.check(); limit != nil {
			return n, limit
		}
	}
	return n, err
}

// WalkZip calls visit for every entry of a zip of the given size, in the order of its directory. Its errors are those of WalkTar.
func (m *Meter) WalkZip(src io.ReaderAt, size int64, visit func(*Entry) error) error {
	bounded := &directoryReader{from: src, left: maxZipDirectory}
	in, err := zip.NewReader(bounded, size)
	bounded.left = -1
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("reading the zip: %w", err)
	}
	before := m.inflated
	check := func() error {
		inflated := m.inflated - before
		switch {
		case m.left() < 0:
			return m.sizeError()
		case inflated > ratioMinBytes && inflated/m.limits.Ratio > size:
			return &LimitError{What: fmt.Sprintf("inflates to more than %d times its size", m.limits.Ratio)}
		}
		return nil
	}
	for _, f := range in.File {
		if err := m.countEntry(m.limits.ZipEntries); err != nil {
			return err
		}
		if err := m.visitZipEntry(f, check, visit); err != nil {
			return err
		}
	}
	return nil
}

// maxZipDirectory is how many bytes of a zip may be read to find its entries. All of them are held, each at several times the 46
// bytes that it takes there at least.
const maxZipDirectory = 64 << 20

// directoryReader is a zip of which only so much may be read while its directory is; a negative number is no limit.
type directoryReader struct {
	from io.ReaderAt
	left int64
}

// ReadAt reads a part of the zip, and fails with a LimitError beyond the limit.
func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	if d.left >= 0 {
		if d.left -= int64(len(p)); d.left < 0 {
			d.left = 0
			return 0, &LimitError{What: fmt.Sprintf("has a directory of more than %d MiB", maxZipDirectory>>20)}
		}
	}
	return d.from.ReadAt(p, off)
}

// visitZipEntry calls visit for one entry of a zip, and closes it.
func (m *Meter) visitZipEntry(f *zip.File, check func() error, visit func(*Entry) error) error {
	e := &Entry{Name: f.Name}
	switch mode := f.Mode(); {
	case mode.IsDir() || strings.HasSuffix(f.Name, "/"):
		e.Type = Folder
	case mode&fs.ModeSymlink != 0:
		e.Type = Link
	case !mode.IsRegular():
		e.Type = Special
	}
	m.boundName(e)
	if e.Type != Regular {
		return visit(e)
	}
	body := &lazyBody{file: f}
	e.Body = &bodyReader{meter: m, from: body, check: check}
	return errors.Join(visit(e), body.close())
}

// lazyBody opens an entry of a zip when it is first read: most are skipped by their names.
type lazyBody struct {
	file *zip.File
	open io.ReadCloser
}

// Read reads the content of the entry; an entry that cannot be opened fails here.
func (l *lazyBody) Read(p []byte) (int, error) {
	if l.open == nil {
		in, err := l.file.Open()
		if err != nil {
			return 0, fmt.Errorf("opening the entry: %w", err)
		}
		l.open = in
	}
	return l.open.Read(p)
}

// close closes the entry if it was opened.
func (l *lazyBody) close() error {
	if l.open == nil {
		return nil
	}
	return l.open.Close()
}

// Spool writes a stream to a temporary file, within the limits, for a format that needs to be sought in. The caller calls
// remove, which closes the file and takes it away.
func (m *Meter) Spool(src io.Reader) (file io.ReaderAt, size int64, remove func() error, err error) {
	f, err := os.CreateTemp("", "psp2pss-*.zip")
	if err != nil {
		return nil, 0, nil, fmt.Errorf("making a temporary file: %w", err)
	}
	remove = func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }
	size, err = io.Copy(f, io.LimitReader(src, m.limits.SpooledBytes+1))
	if err == nil && size > m.limits.SpooledBytes {
		err = &LimitError{What: fmt.Sprintf("is larger than %d bytes, which standard input may have for a zip: save it to a file, and name that", m.limits.SpooledBytes)}
	}
	if err != nil {
		return nil, 0, nil, errors.Join(err, remove())
	}
	return f, size, remove, nil
}
