package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
)

// What a stored release may cost, whoever wrote it. An object of a cluster holds a megabyte or so.
const (
	maxPayload  = 4 << 20
	maxInflated = 64 << 20
	// maxParsedValues of all documents of one release that are parsed, their aliases written out: each costs far more memory than text.
	maxParsedValues = 1_000_000
	// maxHooks of one release: each costs more than its text.
	maxHooks = 10_000
)

// What can be wrong with a payload. None of these says what it holds.
var (
	errTooLong  = errors.New("its release is longer than 4 MiB, which no cluster keeps")
	errInflated = errors.New("its release inflates to more than 64 MiB")
	errBase64   = errors.New("its release is not base64, as Helm writes it")
	errHooks    = errors.New("its release has more than 10,000 hooks, which no cluster keeps")
	errGzip     = errors.New("its release is not whole: the gzip stream is damaged")
)

// gzipMagic begins what Helm has compressed. Its first versions did not.
var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// decodePayload makes the JSON of a release from what Helm keeps: base64 of gzip. It follows decodeRelease of
// helm.sh/helm/v3/pkg/storage/driver, which Helm 4 has as well.
func decodePayload(payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, errTooLong
	}
	packed, err := base64.StdEncoding.AppendDecode(nil, payload)
	if err != nil {
		return nil, errBase64
	}
	if len(packed) <= len(gzipMagic) || !bytes.HasPrefix(packed, gzipMagic) {
		return packed, nil
	}
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errGzip
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInflated+1))
	switch {
	case len(data) > maxInflated:
		return nil, errInflated
	case err != nil:
		return nil, errGzip
	}
	return data, nil
}

// encodePayload is encodeRelease of the same package.
func encodePayload(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	out, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := out.Write(data); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, packed.Bytes()), nil
}
