package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
)

// The limits of a stored release, which anybody may have written.
const (
	// maxPayload is the most bytes of a stored release. An object of a cluster holds a megabyte or so.
	maxPayload = 4 << 20
	// maxInflated is the most bytes of a release after gzip.
	maxInflated = 64 << 20
	// maxParsedValues is the most YAML values, aliases written out, of all documents of one release that are parsed: each
	// costs far more memory than text.
	maxParsedValues = 1_000_000
	// textPerValue is how many bytes of text, aliases written out, count as a value of a release: all of them may have 16 MB.
	textPerValue = 16
	// maxHooks is the most hooks of one release: each costs more than its text.
	maxHooks = 10_000
)

// The errors about the payload of a Helm release. None of them quotes it.
var (
	// errTooLong is returned for a payload beyond maxPayload.
	errTooLong = errors.New("its release is longer than 4 MiB, which no cluster keeps")
	// errInflated is returned for a payload beyond maxInflated.
	errInflated = errors.New("its release inflates to more than 64 MiB")
	// errBase64 is returned for a payload that is not base64.
	errBase64 = errors.New("its release is not base64, as Helm writes it")
	// errHooks is returned for a release beyond maxHooks.
	errHooks = errors.New("its release has more than 10,000 hooks, which no cluster keeps")
	// errGzip is returned for a payload whose gzip stream is damaged.
	errGzip = errors.New("its release is not whole: the gzip stream is damaged")
)

// gzipMagic begins a release that Helm has compressed. Its first versions did not.
var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// decodePayload returns the JSON of a Helm release from what Helm stores: base64 of gzip. It follows decodeRelease of
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

// encodePayload returns what Helm stores of the JSON of a release. It follows encodeRelease of the same package.
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
