package files

import "bytes"

// binaryKinds has how files of known kinds begin that hold no text, and what each is, with what to do.
func binaryKinds() []struct{ begin, what string } {
	const unpackArchive = ": unpack it, and read the folder with -R -f FOLDER"
	return []struct{ begin, what string }{
		{"PK\x03\x04", "it is a zip archive" + unpackArchive},
		{"PK\x05\x06", "it is an empty zip archive"},
		{"7z\xbc\xaf\x27\x1c", "it is a 7z archive" + unpackArchive},
		{"Rar!\x1a\x07", "it is a rar archive" + unpackArchive},
		{"\x28\xb5\x2f\xfd", "it is packed with zstd: unpack it first (zstd -d FILE, or tar --zstd -xf FILE for an archive)"},
		{"\xfd7zXZ\x00", "it is packed with xz: unpack it first (xz -d FILE, or tar -xJf FILE for an archive)"},
		{"BZh", "it is packed with bzip2: unpack it first (bzip2 -d FILE, or tar -xjf FILE for an archive)"},
		{"%PDF-", "it is a PDF: save the objects themselves with kubectl get -o yaml"},
		{"age-encryption.org/", "it is encrypted with age: decrypt it first (age -d FILE)"},
		{"Salted__", "it is encrypted with openssl: decrypt it first"},
		{"\x00GITCRYPT\x00", "it is encrypted with git-crypt: decrypt it first (git-crypt unlock)"},
		{"\x89PNG", "it is a picture: save the objects themselves with kubectl get -o yaml"},
		{"\xff\xd8\xff", "it is a picture: save the objects themselves with kubectl get -o yaml"},
		{"\x7fELF", "it is a program, and holds no objects: leave it out"},
	}
}

const (
	// tarMagicOffset is where the header of a tar archive says that it is one.
	tarMagicOffset = 257
	// boltMagicOffset is where the first page of a file of etcd says that it is one.
	boltMagicOffset = 16
)

// binaryKind returns what a file is that begins like one of a known kind without text, and what to do; "" for any other.
func binaryKind(begin []byte) string {
	switch {
	case len(begin) > tarMagicOffset && bytes.HasPrefix(begin[tarMagicOffset:], []byte("ustar")):
		return "it is a tar archive: unpack it (tar -xf FILE), and read the folder with -R -f FOLDER"
	case len(begin) > boltMagicOffset && bytes.HasPrefix(begin[boltMagicOffset:], []byte("\xed\xda\x0c\xed")):
		return "it is a snapshot of etcd, of which no objects are read: restore it to an API server that is thrown away afterwards, and read that, or a dump of it"
	}
	for _, kind := range binaryKinds() {
		if bytes.HasPrefix(begin, []byte(kind.begin)) && (kind.begin != "BZh" || isBinary(begin)) {
			return kind.what
		}
	}
	return ""
}

// NotText returns what data is that is no text, and what to do, for people; "" for text, in UTF-16 too.
func NotText(data []byte) string {
	begin := data[:min(len(data), sniffedBytes)]
	if bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) {
		return "it is packed with gzip: unpack it first (gunzip FILE, or tar -xzf FILE for an archive)"
	}
	if what := binaryKind(begin); what != "" || isUTF16(begin) || !isBinary(begin) {
		return what
	}
	return "it is binary data, and no text"
}
