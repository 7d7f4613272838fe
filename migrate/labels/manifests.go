package labels

import (
	"bytes"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/wording"
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
// they should stand: what the stage writes and what is there beside it. A document speaks for all of a namespace's Pod
// Security labels, so one of the enforce stage says again what was observed before. What cannot be written safely, and
// where nobody knows what stands there today, is told in comments at the head.
func Manifests(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	return writeManifests(w, &b, p, opts)
}

// Apply writes the Namespaces of Manifests for a server-side apply, below comments that tell the command.
func Apply(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, ok := wording.Kubectl(p.Source)
	if !ok {
		return fmt.Errorf("writing manifests to apply: the context name %s holds characters that do not show; write them without the command (-o manifest)", quoted(p.Source.Name))
	}
	var b bytes.Buffer
	comment(&b, "%s. Apply them, when you have reviewed them, with", title(p, opts))
	comment(&b, "  %s apply --server-side --field-manager=psp2pss -f FILE", kubectl)
	comment(&b, "It refuses a label to which another field manager gave another value; --force-conflicts takes that over.")
	comment(&b, "Leave out each namespace that was made by 'kubectl apply' without --server-side, and put its labels into the manifest")
	comment(&b, "it was made from: kubectl would take away all that this one gave it and the one below does not say. They are listed by")
	comment(&b, "%s", madeByApply(kubectl))
	comment(&b, "A namespace that is gone would be made anew.")
	return writeManifests(w, &b, p, opts)
}

// madeByApply lists what kubectl would hand to our field manager whole before it takes away what a manifest does not say.
func madeByApply(kubectl string) string {
	return "  " + kubectl + ` get namespace -o jsonpath='{range .items[?(@.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration)]}{.metadata.name}{"\n"}{end}'`
}

// writeManifests writes what is at the head, and the manifests below it.
func writeManifests(w io.Writer, b *bytes.Buffer, p *migrate.Plan, opts Options) error {
	docs := []any{}
	for _, m := range manifests(b, p, opts.Stage) {
		docs = append(docs, m)
	}
	if err := manifest.Write(b, docs...); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// manifests are the Namespaces as they should stand; what is to be said of the namespaces goes to the comments.
func manifests(b *bytes.Buffer, p *migrate.Plan, stage Stage) []namespaceManifest {
	var out []namespaceManifest
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if why := Refused(ns); why != "" {
			comment(b, "%s: refused, %s", quoted(ns.Name), why)
			continue
		}
		set := standing(ns, stage)
		if len(set) == 0 {
			continue
		}
		if ns.Unread {
			comment(b, "%s: its labels were not read, and applying this replaces those that differ", ns.Name)
		}
		out = append(out, namespaceManifest{"v1", "Namespace", metadata{ns.Name, set}})
	}
	if len(out) == 0 {
		comment(b, "no namespace is to be labelled")
	}
	return out
}

// standing are the labels as they should stand after the stage. Whoever applies a document takes away what an earlier one
// of theirs held and it does not, so what is there stays named, and the enforce stage holds what the observe stage wrote.
func standing(ns *migrate.Namespace, stage Stage) map[string]string {
	if len(Wanted(ns, stage)) == 0 {
		return nil
	}
	if stage == StageEnforce {
		stage = StageAll
	}
	set := map[string]string{}
	for _, l := range Wanted(ns, stage) {
		set[l.Key] = l.Value
	}
	for _, key := range migrate.LabelKeys() {
		have := Label{key, ns.Current.Get(key)}
		if _, ok := set[key]; !ok && have.Value != "" && validLabel(have) {
			set[key] = have.Value
		}
	}
	return set
}
