package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// maxLine is how long one record of a snapshot may be. A pod shape, the longest, is smaller than its object, of which etcd keeps 1.5 MiB.
const maxLine = 16 << 20

// Write writes a snapshot of an inventory as tar.gz. tool names the version of this tool. Equal inventories give equal bytes. It
// makes every record twice, once to know the size and the sum of its entry, so that none is kept. It returns the manifest
// of what it has written.
func Write(w io.Writer, inv *inventory.Inventory, tool string) (*Manifest, error) {
	c := &codec{inv: inv}
	if err := c.fillTables(); err != nil {
		return nil, err
	}
	m := newManifest(inv, tool)
	sections := c.sections()
	for _, s := range sections {
		entry, err := measure(s)
		if err != nil {
			return nil, err
		}
		m.Entries = append(m.Entries, entry)
	}
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of the snapshot: %w", err)
	}
	if err := writeHeader(archive, ManifestName, int64(len(text))+1); err != nil {
		return nil, err
	}
	if _, err := archive.Write(append(text, '\n')); err != nil {
		return nil, err
	}
	for i, s := range sections {
		if err := writeHeader(archive, s.name, m.Entries[i].Bytes); err != nil {
			return nil, err
		}
		if err := writeLines(archive, s); err != nil {
			return nil, err
		}
	}
	return &m, errors.Join(archive.Close(), zipped.Close())
}

// fillTables gives a number to every pod shape and all metadata that records of the inventory name, in the order of the records.
func (c *codec) fillTables() error {
	var failed error
	shape := func(s *inventory.Shape) {
		if _, err := c.shapes.number(s, func(s *inventory.Shape) ([]byte, error) { return encodeLine(newShapeRecord(0, s)) }); failed == nil {
			failed = err
		}
	}
	metas := func(list []*inventory.PodMeta) {
		for _, m := range list {
			if _, err := c.podMetas.number(m, func(m *inventory.PodMeta) ([]byte, error) { return encodeLine(newPodMetaRecord(0, m)) }); failed == nil {
				failed = err
			}
		}
	}
	for i := range c.inv.AdmissionRules {
		shape(c.inv.AdmissionRules[i].AddedParts)
	}
	for i := range c.inv.Workloads {
		w := &c.inv.Workloads[i]
		shape(w.Template)
		metas(w.PodMetas)
		if _, err := c.templateMetas.number(w.TemplateMeta, func(m *inventory.TemplateMeta) ([]byte, error) { return encodeLine(newTemplateMetaRecord(0, m)) }); failed == nil {
			failed = err
		}
		for k := range w.PodGroups {
			shape(w.PodGroups[k].Shape)
		}
		for k := range w.DebuggedPods {
			shape(w.DebuggedPods[k].Shape)
			shape(w.DebuggedPods[k].WithoutDebug)
		}
		for k := range w.Embedded {
			shape(w.Embedded[k].Shape)
			metas(w.Embedded[k].PodMetas)
		}
	}
	return failed
}

// measure returns the entry of a section for the manifest of a snapshot.
func measure(s section) (Entry, error) {
	sum := sha256.New()
	e := Entry{Name: s.name, Holds: s.holds}
	err := s.write(func(record any) error {
		line, err := encodeLine(record)
		if err != nil {
			return fmt.Errorf("writing record %d of %s: %w", e.Records+1, s.name, err)
		}
		if len(line) > maxLine {
			return fmt.Errorf("record %d of %s would have %d bytes, more than the %d that a snapshot takes: leave the object out", e.Records+1, s.name, len(line), maxLine)
		}
		e.Records++
		e.Bytes += int64(len(line))
		_, _ = sum.Write(line)
		return nil
	})
	e.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return e, err
}

// writeLines writes the records of a section of a snapshot.
func writeLines(w io.Writer, s section) error {
	return s.write(func(record any) error {
		line, err := encodeLine(record)
		if err == nil {
			_, err = w.Write(line)
		}
		return err
	})
}

// writeHeader writes the header of an entry of a snapshot, which says nothing of where and when it was made.
func writeHeader(w *tar.Writer, name string, size int64) error {
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
}

// encodeLine returns the line of a record of a snapshot.
func encodeLine(record any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(record)
	return out.Bytes(), err
}
