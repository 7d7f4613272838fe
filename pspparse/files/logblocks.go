package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// startOfLogs and endOfLogs begin the lines that kubectl cluster-info dump prints around the logs of a container, if it writes to
// standard output: "==== START logs for container C of pod NS/P ====" (kubernetes/kubectl: pkg/cmd/clusterinfo/clusterinfo_dump.go). No
// JSON has such a line, and no YAML but one that has a text outside of all keys.
const (
	startOfLogs = "==== START logs for container "
	endOfLogs   = "==== END logs for container "
)

// logSkipper leaves the logs of containers out of the text of a file. It keeps their line feeds, so that lines are counted as the file
// has them.
type logSkipper struct {
	in *bufio.Reader
	// midLine is true where the next byte does not begin a line.
	midLine bool
	// end is the line that ends the block of logs within which the reader is; nil outside.
	end []byte
	// tail is the end of the current line of logs, as long as end.
	tail []byte
	// blocks is how many blocks were left out.
	blocks int
}

// newLogSkipper returns a reader of the text of a file without logs.
func newLogSkipper(src io.Reader) *logSkipper {
	return &logSkipper{in: bufio.NewReaderSize(src, readBufferBytes)}
}

// Read reads text outside of logs, and line feeds for logs; its errors are those of the file.
func (l *logSkipper) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if l.end != nil {
		return l.skipLine(p)
	}
	ahead, err := l.in.Peek(readBufferBytes)
	if len(ahead) == 0 {
		return 0, err
	}
	n, isLog := l.textBefore(ahead, err != nil)
	if isLog && n == 0 {
		return l.startBlock(p)
	}
	n = min(n, len(p))
	copy(p, ahead[:n])
	l.midLine = p[n-1] != '\n'
	_, err = l.in.Discard(n)
	return n, err
}

// textBefore returns how much of what was looked at is text before a block of logs, and whether one follows. With last, no more text
// comes after it.
func (l *logSkipper) textBefore(ahead []byte, last bool) (n int, isLog bool) {
	mark := []byte("\n" + startOfLogs)
	if !l.midLine && bytes.HasPrefix(ahead, mark[1:]) {
		return 0, true
	}
	if i := bytes.Index(ahead, mark); i >= 0 {
		return i + 1, true
	}
	if last {
		return len(ahead), false
	}
	return len(ahead) - len(mark) + 1, false
}

// startBlock reads the line that begins a block of logs.
func (l *logSkipper) startBlock(p []byte) (int, error) {
	line, err := l.in.ReadSlice('\n')
	l.blocks++
	l.end = append([]byte(endOfLogs), bytes.TrimSuffix(bytes.TrimPrefix(line, []byte(startOfLogs)), []byte("\n"))...)
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil // no name is as long: the block has no end
	}
	p[0] = '\n'
	return 1, err
}

// skipLine passes over a line of logs, or as much of it as is buffered. The log of a container need not end in a line feed: then the mark
// of its end is within a line.
func (l *logSkipper) skipLine(p []byte) (int, error) {
	line, err := l.in.ReadSlice('\n')
	l.tail = append(l.tail, bytes.TrimSuffix(line, []byte("\n"))...)
	l.tail = l.tail[max(0, len(l.tail)-len(l.end)):]
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return 0, nil
	case len(line) == 0:
		return 0, err
	}
	if bytes.Equal(l.tail, l.end) {
		l.end = nil
	}
	l.tail, l.midLine = l.tail[:0], false
	p[0] = '\n'
	return 1, nil
}
