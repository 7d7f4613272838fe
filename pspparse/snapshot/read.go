package snapshot

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxManifest is how long the manifest of a snapshot may be.
const maxManifest = 1 << 20

// limits bound what a snapshot may cost. They are counted on what is read, not on what headers say.
type limits struct {
	// inflated is how many bytes it may hold once it is decompressed.
	inflated int64
	// Beyond free bytes its content may be ratio times as large as the archive.
	ratio, free int64
}

// defaultLimits are those of Read. Each is several times what a cluster of 150,000 pods needs.
func defaultLimits() limits { return limits{inflated: 4 << 30, ratio: 1000, free: 64 << 20} }

// recogniseBytes is enough of the beginning of a file for Recognise.
const recogniseBytes = 4096

// Recognise reports whether a file is a snapshot, by the bytes that it begins with: the name of the first entry of an archive. It looks at
// no more than its first 4096 bytes.
func Recognise(begin []byte) bool {
	begin = begin[:min(len(begin), recogniseBytes)]
	if bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) {
		zipped, err := gzip.NewReader(bytes.NewReader(begin))
		if err != nil {
			return false
		}
		header := make([]byte, len(ManifestName)+1)
		if _, err := io.ReadFull(zipped, header); err != nil {
			return false
		}
		begin = header
	}
	return bytes.HasPrefix(begin, append([]byte(ManifestName), 0))
}

// RecogniseBytes is how many bytes of the beginning of a file Recognise looks at.
func RecogniseBytes() int { return recogniseBytes }

// Read reads a snapshot, as Write has written it or decompressed, and returns its inventory. It returns an error for one of a newer form,
// with what to do, and for one that is damaged or cut off, with the entry and the line.
func Read(r io.Reader) (*inventory.Inventory, error) { return read(r, defaultLimits()) }

// read is Read with limits on what the snapshot may cost.
func read(r io.Reader, l limits) (*inventory.Inventory, error) {
	in, err := newInflater(r, l)
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(in)
	m, err := readManifest(archive)
	if err != nil {
		return nil, err
	}
	c := &codec{inv: m.inventory()}
	sections := c.sections()
	if !slices.EqualFunc(m.Entries, sections, func(e Entry, s section) bool { return e.Name == s.name }) {
		return nil, damaged("its manifest does not name the entries of a snapshot")
	}
	for i, s := range sections {
		if err := readEntry(archive, s, &m.Entries[i]); err != nil {
			return nil, err
		}
	}
	switch extra, err := archive.Next(); {
	case err == nil:
		return nil, damaged("it has an entry that its manifest does not name: %s", english.QuoteInput(extra.Name, 80))
	case !errors.Is(err, io.EOF):
		return nil, damaged("%v", err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // the sum of gzip is at its end
		return nil, damaged("%v", err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.inv, nil
}

// damaged returns the error for a snapshot that is not as it was written.
func damaged(format string, args ...any) error {
	return fmt.Errorf("the snapshot is damaged or cut off: "+format+"; copy it again, or take a new one", args...)
}

// readManifest reads the first entry of a snapshot. It returns an error for what is no manifest, or one of a form that is not known here.
func readManifest(archive *tar.Reader) (*Manifest, error) {
	header, err := archive.Next()
	if err != nil {
		return nil, damaged("%v", err)
	}
	if header.Name != ManifestName || header.Size > maxManifest {
		return nil, damaged("it does not begin with %s", ManifestName)
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return nil, damaged("%v", err)
	}
	var head struct {
		APIVersion, Kind, Tool string
		Form                   int
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, damaged("%s: %v", ManifestName, err)
	}
	if head.Kind != kind || head.APIVersion != apiVersion || head.Form != form {
		return nil, fmt.Errorf("the snapshot is of form %d (%s, kind %s), written by %s, and this program reads form %d (%s): read it with that version or a newer one",
			head.Form, english.QuoteInput(head.APIVersion, 40), english.QuoteInput(head.Kind, 40), english.QuoteInput(head.Tool, 60), form, apiVersion)
	}
	m := &Manifest{}
	if err := decodeLine(text, m); err != nil {
		return nil, damaged("%s: %v", ManifestName, err)
	}
	if !slices.Contains([]inventory.SourceKind{inventory.SourceCluster, inventory.SourceFiles, inventory.SourceFilesAndCluster, inventory.SourceDemo}, m.Source.Kind) {
		return nil, damaged("%s: %s is no kind of source", ManifestName, english.QuoteInput(string(m.Source.Kind), 40))
	}
	return m, nil
}

// readEntry reads one entry of a snapshot and compares it with what the manifest says of it.
func readEntry(archive *tar.Reader, s section, want *Entry) error {
	header, err := archive.Next()
	switch {
	case errors.Is(err, io.EOF):
		return damaged("%s is missing", s.name)
	case err != nil:
		return damaged("%v", err)
	case header.Name != s.name:
		return damaged("%s stands where %s has to be", english.QuoteInput(header.Name, 80), s.name)
	}
	sum := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(archive, sum))
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	records := 0
	for lines.Scan() {
		records++
		if err := s.read(lines.Bytes()); err != nil {
			return damaged("%s, line %d: %v", s.name, records, err)
		}
	}
	if err := lines.Err(); err != nil {
		return damaged("%s, after line %d: %v", s.name, records, err)
	}
	if records != want.Records || hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return damaged("%s is not what its manifest says: %d records, and not %d, or other ones", s.name, records, want.Records)
	}
	return nil
}

// decodeLine reads one JSON value of a snapshot. It returns an error for a field that it does not have, and for what follows it.
func decodeLine(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the record")
	}
	return nil
}

// checkMessage returns an error for a message of a snapshot with an argument that no message has.
func checkMessage(m message.Message) error {
	name, err := m.Args.Check()
	if err != nil {
		return fmt.Errorf("argument %q of %q: %w", name, m.ID, err)
	}
	return nil
}

// inflater reads the content of a snapshot, and fails where it is larger than a snapshot can be.
type inflater struct {
	content  io.Reader
	archive  *countingReader
	inflated int64
	limits   limits
}

// countingReader counts the bytes that are read of an archive.
type countingReader struct {
	io.Reader
	n int64
}

// Read reads of the archive and counts.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// newInflater returns a reader of the content of a snapshot, whether it is compressed or not.
func newInflater(r io.Reader, l limits) (*inflater, error) {
	counted := &countingReader{Reader: r}
	buffered := bufio.NewReader(counted)
	in := &inflater{content: buffered, archive: counted, limits: l}
	if begin, _ := buffered.Peek(2); bytes.Equal(begin, []byte{0x1f, 0x8b}) {
		zipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, damaged("%v", err)
		}
		in.content = zipped
	}
	return in, nil
}

// Read reads of the content of the snapshot.
func (in *inflater) Read(p []byte) (int, error) {
	n, err := in.content.Read(p)
	in.inflated += int64(n)
	switch {
	case in.inflated > in.limits.inflated:
		return n, fmt.Errorf("it holds more than %d bytes", in.limits.inflated)
	case in.inflated > in.limits.free && in.inflated/in.limits.ratio > in.archive.n:
		return n, fmt.Errorf("it inflates to more than %d times its size", in.limits.ratio)
	}
	return n, err
}
