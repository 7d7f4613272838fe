package archive

import "bytes"

// Format is how an archive, or a layer of packing around one, is written.
type Format string

// The formats. Gzip and Zstd pack one stream, which may be a Tar or anything else.
const (
	None Format = ""
	Tar  Format = "tar"
	Zip  Format = "zip"
	Gzip Format = "gzip"
	Zstd Format = "zstd"
)

// SniffedBytes is how much of a file Sniff needs: the first header block of a tar.
const SniffedBytes = 512

// tarMagicOffset is where the header of a tar archive says that it is one.
const tarMagicOffset = 257

// Sniff returns the format of an archive by its first bytes; None for anything else, tars from before POSIX included.
func Sniff(begin []byte) Format {
	switch {
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")), bytes.HasPrefix(begin, []byte("PK\x05\x06")):
		return Zip
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	case len(begin) > tarMagicOffset && bytes.HasPrefix(begin[tarMagicOffset:], []byte("ustar")):
		return Tar
	}
	return None
}
