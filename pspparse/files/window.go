package files

import (
	"bytes"
	"errors"
	"io"
)

const (
	windowSize = 256 << 10
	// firstSize is enough for most files.
	firstSize = 16 << 10
	// emptyReads is how often a reader may return nothing without an error before it is taken for broken.
	emptyReads = 100
)

// window is a sliding view of a stream: buf[start:pos] is kept, buf[pos:] was read ahead. Unlike a bufio.Reader it grows
// to hold what is kept, and it counts lines.
type window struct {
	src   io.Reader
	buf   []byte
	start int // the first byte kept
	pos   int // the next byte to look at
	base  int64
	err   error // of src; io.EOF at its end

	line    int // the line of buf[counted]
	counted int
}

func newWindow(src io.Reader) *window {
	return &window{src: src, buf: make([]byte, 0, firstSize), line: 1}
}

// more reads on, keeping what is kept; false means that nothing more will come (see readErr). Indices into buf are void
// afterwards, but for start and pos.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.compact()
	if len(w.buf) == cap(w.buf) || w.base > 0 && cap(w.buf) < windowSize {
		grown := make([]byte, len(w.buf), max(2*cap(w.buf), windowSize))
		copy(grown, w.buf)
		w.buf = grown
	}
	for range emptyReads {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		w.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// compact moves what is kept to the front, and gives back a buffer that one large document had made grow.
func (w *window) compact() {
	if w.start == 0 {
		return
	}
	w.lineAt(w.start)
	kept := w.buf[w.start:]
	if cap(w.buf) > 16*windowSize && len(kept) < windowSize {
		w.buf = make([]byte, len(kept), windowSize)
		copy(w.buf, kept)
	} else {
		w.buf = w.buf[:copy(w.buf, kept)]
	}
	w.base += int64(w.start)
	w.counted -= w.start
	w.pos -= w.start
	w.start = 0
}

// release keeps nothing of what was looked at.
func (w *window) release() { w.start = w.pos }

// kept is the text from start to pos.
func (w *window) kept() []byte { return w.buf[w.start:w.pos] }

// offset is where in the stream start lies.
func (w *window) offset() int64 { return w.base + int64(w.start) }

// readErr is what ended the stream, nil if it was its end.
func (w *window) readErr() error {
	if errors.Is(w.err, io.EOF) {
		return nil
	}
	return w.err
}

// lineAt is the line of buf[i]; i must not decrease from call to call below start.
func (w *window) lineAt(i int) int {
	if i >= w.counted {
		w.line += bytes.Count(w.buf[w.counted:i], newline)
		w.counted = i
		return w.line
	}
	return w.line - bytes.Count(w.buf[i:w.counted], newline)
}

var newline = []byte{'\n'}

// ensure has n bytes to look at, or as many as there are until the end of the line or of the stream.
func (w *window) ensure(n int) []byte {
	for {
		ahead := w.buf[w.pos:min(len(w.buf), w.pos+n)]
		if i := bytes.IndexByte(ahead, '\n'); i >= 0 {
			return ahead[:i+1]
		}
		if len(ahead) == n || !w.more() {
			return ahead
		}
	}
}

// skipLine moves past the rest of the line. Beyond limit kept bytes nothing is kept any more: then it returns false.
func (w *window) skipLine(limit int) bool {
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
			w.release()
		}
		if !w.more() {
			return fits
		}
	}
}
