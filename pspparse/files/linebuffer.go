package files

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

const (
	// lineBufferBytes is how much a lineBuffer reads at a time.
	lineBufferBytes = 256 << 10
	// initialLineBufferBytes is enough for most files.
	initialLineBufferBytes = 16 << 10
	// maxEmptyReads is how often a reader may return nothing without an error before it is taken for broken.
	maxEmptyReads = 100
)

// lineBuffer is a sliding view of a file: buf[start:pos] is held, buf[pos:] was read ahead. Unlike a bufio.Reader it grows with
// what is held, can go back to where that began, and counts lines.
type lineBuffer struct {
	// src is what is read.
	src io.Reader
	// buf holds a part of it.
	buf []byte
	// start is the index of the first byte that is held, pos of the next byte to look at.
	start int
	pos   int // the next byte to look at
	// baseOffset is where in the source buf begins.
	baseOffset int64
	// sourceErr is what ended the source; io.EOF at its end.
	sourceErr error

	// line is the line of buf[countedTo].
	line      int
	countedTo int
	// baseColumn is how many characters of its line stand before buf[columnCountedTo].
	baseColumn      int
	columnCountedTo int
}

// newLineBuffer returns a buffer on the text of a file that begins on line 1.
func newLineBuffer(src io.Reader) *lineBuffer {
	return &lineBuffer{src: src, buf: make([]byte, 0, initialLineBufferBytes), line: 1}
}

// readMore reads more of the file, and keeps what is held. It returns false where nothing more will come (see readErr).
// Indices into buf are void afterwards, except start and pos.
func (w *lineBuffer) readMore() bool {
	if w.sourceErr != nil {
		return false
	}
	w.compact()
	if len(w.buf) == cap(w.buf) || w.baseOffset > 0 && cap(w.buf) < lineBufferBytes {
		grown := make([]byte, len(w.buf), max(2*cap(w.buf), lineBufferBytes))
		copy(grown, w.buf)
		w.buf = grown
	}
	for range maxEmptyReads {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		w.sourceErr = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.sourceErr = io.ErrNoProgress
	return false
}

// compact moves the held text of the file to the front of the buffer, and gives back memory that one large document had
// taken.
func (w *lineBuffer) compact() {
	if w.start == 0 {
		return
	}
	w.lineAt(w.start)
	w.startColumn()
	kept := w.buf[w.start:]
	if cap(w.buf) > 16*lineBufferBytes && len(kept) < lineBufferBytes {
		w.buf = make([]byte, len(kept), lineBufferBytes)
		copy(w.buf, kept)
	} else {
		w.buf = w.buf[:copy(w.buf, kept)]
	}
	w.baseOffset += int64(w.start)
	w.countedTo -= w.start
	w.columnCountedTo -= w.start
	w.pos -= w.start
	w.start = 0
}

// discardKept discards the held text of the file that was passed.
func (w *lineBuffer) discardKept() { w.start = w.pos }

// kept returns the text of the file that is held and was passed.
func (w *lineBuffer) kept() []byte { return w.buf[w.start:w.pos] }

// offset returns where in the file the held text begins.
func (w *lineBuffer) offset() int64 { return w.baseOffset + int64(w.start) }

// readErr returns the error that ended the file, nil at its proper end.
func (w *lineBuffer) readErr() error {
	if errors.Is(w.sourceErr, io.EOF) {
		return nil
	}
	return w.sourceErr
}

// lineAt returns the line of the file at buf[i]; i must not decrease from call to call below start.
func (w *lineBuffer) lineAt(i int) int {
	if i >= w.countedTo {
		w.line += bytes.Count(w.buf[w.countedTo:i], newlineBytes)
		w.countedTo = i
		return w.line
	}
	return w.line - bytes.Count(w.buf[i:w.countedTo], newlineBytes)
}

// startColumn returns the column at which the held text of the file begins, counted in characters from 1. What was counted before is
// not counted again.
func (w *lineBuffer) startColumn() int {
	before := w.buf[w.columnCountedTo:w.start]
	if end := bytes.LastIndexByte(before, '\n'); end >= 0 {
		before, w.baseColumn = before[end+1:], 0
	}
	w.baseColumn += utf8.RuneCount(before)
	w.columnCountedTo = w.start
	return w.baseColumn + 1
}

// newlineBytes is the end of a line, for functions that take bytes.
var newlineBytes = []byte{'\n'}

// peekLine returns the next n bytes of the file, or as many as there are until the end of the line or of the source.
func (w *lineBuffer) peekLine(n int) []byte {
	for {
		ahead := w.buf[w.pos:min(len(w.buf), w.pos+n)]
		if i := bytes.IndexByte(ahead, '\n'); i >= 0 {
			return ahead[:i+1]
		}
		if len(ahead) == n || !w.readMore() {
			return ahead
		}
	}
}

// skipLine moves past the rest of the file's line. Beyond limit held bytes it holds nothing any more, and returns
// false.
func (w *lineBuffer) skipLine(limit int) bool {
	fits := true
	for {
		i := bytes.IndexByte(w.buf[w.pos:], '\n')
		if i >= 0 {
			w.pos += i + 1
			return fits
		}
		w.pos = len(w.buf)
		if w.pos-w.start > limit {
			fits, limit = false, 0
			w.discardKept()
		}
		if !w.readMore() {
			return fits
		}
	}
}
