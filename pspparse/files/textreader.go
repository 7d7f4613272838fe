package files

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/pspparse/archive"
)

// notTextError is the error of a file that holds something else than text; its message says what to do.
type notTextError struct{ msg string }

// Error returns why the file is no text, and what to do.
func (e *notTextError) Error() string { return e.msg }

const (
	// sniffedBytes is how much of a file is read to see what it is.
	sniffedBytes = 4096
	// readBufferBytes is for what is read before the window reads on by itself.
	readBufferBytes = 16 << 10
)

// newTextReader returns what a file holds as UTF-8 text with line feeds: it unpacks gzip and zstd and drops a byte order mark. UTF-16
// and binary data are a *notTextError.
func newTextReader(src io.Reader, limits Limits) (io.Reader, error) {
	packed := &countingReader{from: src}
	in := bufio.NewReaderSize(packed, readBufferBytes)
	begin, err := peek(in, sniffedBytes)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, &notTextError{"it starts like a gzip file, but " + readErrorReason(err) + "; fetch it again"}
		}
		in = bufio.NewReaderSize(&boundedGzipReader{from: unpacked, compressed: packed, limits: limits}, readBufferBytes)
		if begin, err = peek(in, sniffedBytes); err != nil {
			return nil, err
		}
	}
	if archive.Sniff(begin) == archive.Zstd {
		meter := archive.NewMeter(archive.Limits{InflatedBytes: limits.UncompressedBytes, Ratio: limits.GzipRatio})
		unpacked, err := meter.Inflate(in, archive.Zstd)
		if err != nil {
			return nil, &notTextError{"it starts like a zstd file, but " + readErrorReason(err) + "; fetch it again"}
		}
		in = bufio.NewReaderSize(unpacked, readBufferBytes)
		if begin, err = peek(in, sniffedBytes); err != nil {
			return nil, err
		}
	}
	switch {
	case isUTF16(begin):
		return nil, &notTextError{"it is UTF-16: convert it to UTF-8 (in PowerShell: Get-Content FILE | Set-Content -Encoding utf8 NEW)"}
	case binaryKind(begin) != "" || isBinary(begin):
		return nil, &notTextError{cmp.Or(binaryKind(begin), "it is not YAML or JSON but binary data: if it is encrypted, decrypt it first; else leave it out")}
	}
	if bytes.HasPrefix(begin, []byte("\ufeff")) {
		if _, err := in.Discard(len("\ufeff")); err != nil {
			return nil, err
		}
		begin = begin[len("\ufeff"):]
	}
	if i := bytes.IndexByte(begin, '\r'); i >= 0 && i+1 < len(begin) && bytes.IndexByte(begin, '\n') < 0 {
		return &carriageReturnReader{in}, nil
	}
	return in, nil
}

// peek returns the first n bytes of a file, fewer if there are no more.
func peek(in *bufio.Reader, n int) ([]byte, error) {
	begin, err := in.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) && len(begin) == 0 {
		return nil, err
	}
	return begin, nil
}

// countingReader counts the bytes of a file that are read through it.
type countingReader struct {
	from io.Reader
	n    int64
}

// Read reads from the file and counts the bytes; its errors are those of the file.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// boundedGzipReader ends the reading of a gzip file that inflates to more than the limits allow.
type boundedGzipReader struct {
	// from is what inflates.
	from io.Reader
	// compressed counts the bytes of the file.
	compressed *countingReader
	// inflated is how many bytes they have become.
	inflated int64
	limits   Limits
}

// Read reads inflated bytes of a gzip file, and fails beyond the limits.
func (g *boundedGzipReader) Read(p []byte) (int, error) {
	switch {
	case g.inflated >= g.limits.UncompressedBytes:
		return 0, fmt.Errorf("the gzip data inflates to more than %d bytes", g.limits.UncompressedBytes)
	case g.inflated > gzipRatioMinBytes && g.inflated/g.limits.GzipRatio > g.compressed.n:
		return 0, fmt.Errorf("the gzip data inflates to more than %d times its size", g.limits.GzipRatio)
	}
	n, err := g.from.Read(p[:min(int64(len(p)), g.limits.UncompressedBytes-g.inflated)])
	g.inflated += int64(n)
	return n, err
}

// carriageReturnReader replaces the carriage returns of a file by line feeds, for text that has only those.
type carriageReturnReader struct{ from io.Reader }

// Read reads from the file with a line feed in place of each carriage return; its errors are those of the file.
func (m *carriageReturnReader) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// isUTF16 reports whether a file begins like text in UTF-16.
func isUTF16(b []byte) bool {
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return true
	}
	if len(b) < 4 {
		return false
	}
	little := b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0
	big := b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0
	return little || big
}

// isBinary reports whether a file is no text: more than one byte in ten is no character.
func isBinary(b []byte) bool {
	bad := 0
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b || r == 0x7f {
			bad++
		}
		i += size
	}
	return bad*10 > len(b) || len(b) > 0 && b[0] == 0
}

// readerFunc is a function that is an io.Reader of a file.
type readerFunc func(p []byte) (int, error)

// Read calls the function that reads the file, and returns its error.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// contextReader returns a reader of a file that fails once the context has ended.
func contextReader(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}
