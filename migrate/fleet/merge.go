package fleet

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/saved"
)

// TwiceError is the error for a cluster of which a Fleet would have two readings that differ.
type TwiceError struct {
	// Names are those of the two, which may be equal.
	Names [2]string
	// UID is that of the namespace kube-system of both.
	UID string
}

// Error names the cluster that was read twice.
func (e *TwiceError) Error() string {
	if e.Names[0] == e.Names[1] {
		return fmt.Sprintf("the cluster %q was read twice, and not alike (its kube-system has the UID %s): leave one of the two out", e.Names[0], e.UID)
	}
	return fmt.Sprintf("%q and %q are one cluster (its kube-system has the UID %s): leave one of them out", e.Names[0], e.Names[1], e.UID)
}

// Merge returns the Fleet with the clusters of several. A cluster that is in more than one of them, the same to the byte, is one; two
// readings of one cluster that differ are a *TwiceError, and several of them are joined. A cluster that could not be read gives way to one of its name that was. The
// order of the Fleets changes nothing, nor does merging some of them first.
func Merge(fleets ...*Fleet) (*Fleet, error) {
	merged := &Fleet{APIVersion: migrate.APIVersion, Kind: Kind, Clusters: []Cluster{}}
	read := map[string]bool{}
	for _, f := range fleets {
		merged.Clusters = append(merged.Clusters, f.Clusters...)
		for i := range f.Clusters {
			if f.Clusters[i].Error == "" {
				read[f.Clusters[i].Name] = true
			}
		}
	}
	merged.Clusters = slices.DeleteFunc(merged.Clusters, func(c Cluster) bool { return c.Error != "" && read[c.Name] })
	if err := merged.arrange(); err != nil {
		return nil, err
	}
	var twice []error
	byUID := map[string]*Cluster{}
	for i := range merged.Clusters {
		c := &merged.Clusters[i]
		if c.UID == "" {
			continue
		}
		if other := byUID[c.UID]; other != nil {
			twice = append(twice, &TwiceError{Names: [2]string{other.Name, c.Name}, UID: c.UID})
			continue
		}
		byUID[c.UID] = c
	}
	if len(twice) > 0 {
		return nil, errors.Join(twice...)
	}
	return merged, nil
}

// arrange sorts the clusters of a Fleet by name, UID and text, and keeps one of those that are the same in all.
func (f *Fleet) arrange() error {
	slices.SortFunc(f.Clusters, compareIdentity)
	kept := f.Clusters[:0:0]
	for rest := f.Clusters; len(rest) > 0; {
		n := 1
		for n < len(rest) && compareIdentity(rest[0], rest[n]) == 0 {
			n++
		}
		alike, err := distinct(rest[:n])
		if err != nil {
			return err
		}
		kept, rest = append(kept, alike...), rest[n:]
	}
	f.Clusters = slices.AppendSeq([]Cluster{}, slices.Values(kept))
	return nil
}

// compareIdentity orders clusters of a Fleet by name and UID.
func compareIdentity(a, b Cluster) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// distinct returns clusters of one name and UID by their text, each once.
func distinct(alike []Cluster) ([]Cluster, error) {
	if len(alike) == 1 {
		return alike, nil
	}
	type written struct {
		text    []byte
		cluster Cluster
	}
	var all []written
	for _, c := range alike {
		text, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		all = append(all, written{text, c})
	}
	slices.SortFunc(all, func(a, b written) int { return bytes.Compare(a.text, b.text) })
	all = slices.CompactFunc(all, func(a, b written) bool { return bytes.Equal(a.text, b.text) })
	var out []Cluster
	for _, w := range all {
		out = append(out, w.cluster)
	}
	return out, nil
}

// Write writes a Fleet as JSON, which Read reads. It writes one cluster after the other, so that no second Fleet is in memory as text.
func Write(w io.Writer, f *Fleet) error {
	const begin, end, indent = "\n  ", "\n ]", "  "
	head, err := json.Marshal(f.APIVersion)
	if err != nil {
		return err
	}
	kind, err := json.Marshal(f.Kind)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	_, _ = fmt.Fprintf(out, "{\n \"apiVersion\": %s,\n \"kind\": %s,\n \"clusters\": [", head, kind)
	for i := range f.Clusters {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.SetIndent(indent, " ")
		if err := e.Encode(&f.Clusters[i]); err != nil {
			return err
		}
		_, _ = out.WriteString([]string{begin, "," + begin}[min(i, 1)]) // Flush returns the error
		_, _ = out.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
	if len(f.Clusters) > 0 {
		_, _ = out.WriteString(end)
	} else {
		_, _ = out.WriteString("]")
	}
	_, _ = out.WriteString("\n}\n")
	return out.Flush()
}

// Read reads a Fleet from its JSON form. A document of another kind or version is an error, and so is a key that stands twice, a list
// that is missing, and a value that no Fleet has.
func Read(data []byte) (*Fleet, error) {
	var f Fleet
	twice, err := saved.Decode(data, &f)
	switch {
	case err != nil:
		if at := saved.DecodeError(data, reflect.TypeFor[Fleet]()); at != nil && at.Path != "" {
			return nil, at
		}
		return nil, errors.New(saved.NotJSON("fleet", data, err))
	case f.APIVersion != migrate.APIVersion || f.Kind != Kind:
		return nil, fmt.Errorf("it is a %q of %q, and not a %s of %s", f.Kind, f.APIVersion, Kind, migrate.APIVersion)
	case len(twice) > 0:
		return nil, twice[0]
	}
	if err := saved.Check(&f, migrate.AllowedValues); err != nil {
		return nil, err
	}
	return &f, nil
}
