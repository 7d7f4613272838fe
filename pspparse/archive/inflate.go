package archive

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is how much a zstd stream may ask to have held at once: zstd --long=26. Its own program takes 128 MiB at most.
const maxZstdWindow = 64 << 20

// Inflate returns what a stream packed with gzip or zstd holds, counted against the limits; any other stream as it is. The
// caller closes it, which does not close the source. An error says that the stream is damaged from its first byte.
func (m *Meter) Inflate(src io.Reader, f Format) (io.ReadCloser, error) {
	packed := &countingReader{from: src}
	switch f {
	case Gzip:
		in, err := gzip.NewReader(bufio.NewReaderSize(packed, 64<<10))
		if err != nil {
			return nil, fmt.Errorf("reading the gzip header: %w", err)
		}
		return &inflater{meter: m, from: in, packed: packed, close: func() { _ = in.Close() }}, nil // it has no more to say than Read
	case Zstd:
		in, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(maxZstdWindow))
		if err != nil {
			return nil, fmt.Errorf("reading the zstd header: %w", err)
		}
		return &inflater{meter: m, from: in, packed: packed, close: in.Close}, nil
	case None, Tar, Zip:
	}
	return io.NopCloser(src), nil
}

// countingReader counts the bytes of a packed stream.
type countingReader struct {
	from io.Reader
	n    int64
}

// Read reads from the packed stream and counts the bytes; its errors are those of the stream.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// inflater is what a packed stream inflates to, within the limits of the Meter.
type inflater struct {
	meter    *Meter
	from     io.Reader
	packed   *countingReader
	inflated int64
	close    func()
}

// Read reads inflated bytes, and fails with a LimitError beyond the limits.
func (i *inflater) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case i.meter.left() <= 0:
		return 0, i.meter.sizeError()
	case i.inflated > ratioMinBytes && i.inflated/i.meter.limits.Ratio > i.packed.n:
		return 0, &LimitError{What: fmt.Sprintf("inflates to more than %d times its size", i.meter.limits.Ratio)}
	}
	n, err := i.from.Read(p[:min(int64(len(p)), i.meter.left())])
	i.inflated += int64(n)
	i.meter.inflated += int64(n)
	return n, err
}

// Close frees what inflating takes.
func (i *inflater) Close() error {
	i.close()
	return nil
}

// Reason returns why an archive could not be read on, in words.
func Reason(err error) string {
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return limit.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it is cut off"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return "its gzip data is damaged"
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Sprintf("its zstd data wants more than %d MiB held at once", maxZstdWindow>>20)
	}
	return err.Error()
}
