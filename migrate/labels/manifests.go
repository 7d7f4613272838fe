package labels

import (
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// namespaceManifest is a Namespace with nothing but what this tool has to say about it.
type namespaceManifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
}

type metadata struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// Manifests writes one Namespace for each namespace that something is recommended for, with its Pod Security labels as
// they should stand: the recommended ones, and where an enforce is withheld or held back the one that is there today.
// What cannot be written safely, and where nobody knows what stands there today, is told in comments at the head.
func Manifests(w io.Writer, p *migrate.Plan) error {
	var docs []any
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if why := Refused(ns); why != "" {
			if _, err := fmt.Fprintf(w, "# %s: refused, %s\n", quoted(ns.Name), why); err != nil {
				return err
			}
			continue
		}
		set := standing(ns)
		if len(set) > 0 && ns.Unread {
			if _, err := fmt.Fprintf(w, "# %s: its labels were not read, and applying this replaces those that differ\n", ns.Name); err != nil {
				return err
			}
		}
		if len(set) > 0 {
			docs = append(docs, namespaceManifest{"v1", "Namespace", metadata{ns.Name, set}})
		}
	}
	if len(docs) == 0 {
		_, err := fmt.Fprintln(w, "# no namespace is to be labelled")
		return err
	}
	return manifest.Write(w, docs...)
}

// standing are the labels as they should stand in the end.
func standing(ns *migrate.Namespace) map[string]string {
	set := map[string]string{}
	for _, l := range Wanted(ns, StageAll) {
		set[l.Key] = l.Value
	}
	if len(set) == 0 {
		return nil
	}
	for _, key := range migrate.LabelKeys() {
		have := Label{key, ns.Current.Get(key)}
		if _, ok := set[key]; !ok && have.Value != "" && validLabel(have) {
			set[key] = have.Value
		}
	}
	return set
}
