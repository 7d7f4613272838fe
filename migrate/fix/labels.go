package fix

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Kustomization is a file of kustomize that puts what it lists into one namespace.
type Kustomization struct {
	File, Namespace string
}

// wantedLabels returns the edits that fix the labels of a Namespace, all in one group: what the Plan recommends for it.
func (f *fixer) wantedLabels(d *document) []group {
	ns := f.namespaces[d.name]
	if ns == nil {
		f.leave(d, ReasonNotPlanned, "", "the plan does not know it, and recommends no labels: add them by hand, or make the plan anew where it exists")
		return nil
	}
	if why := labels.WhyRefused(ns); !why.IsZero() {
		f.leave(d, ReasonFile, "", why.Text)
		return nil
	}
	var object map[string]any
	if unmarshal(d.json, &object) != nil {
		return nil
	}
	g := group{document: d}
	for _, l := range labels.WantedLabels(ns, labels.StageAll) {
		path := fieldpath.Keys("metadata", "labels", l.Key)
		now, _ := valueAt(object, path).(string)
		if now == l.Value {
			continue
		}
		if levels.Looser(api.Level(l.Value), api.Level(now)) {
			f.leave(d, ReasonDecide, l.Key, fmt.Sprintf("the manifest says %s, and %s of the plan is looser", now, l.Value))
			return nil
		}
		g.edits = append(g.edits, Edit{Position: d.at, Object: d.label(), Path: path, Value: quoted(l.Value), Safety: finding.SafetySafe, Why: "the plan recommends it"})
	}
	if len(g.edits) == 0 {
		return nil
	}
	return []group{g}
}

// quoted returns a label's value as JSON.
func quoted(value string) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a text
	}
	return text
}

// unmarshal decodes JSON that a reader has decoded before.
func unmarshal(text []byte, into any) error { return json.Unmarshal(text, into) }

// nameOtherLabelSources notes what else of the input has the labels of namespaces, with what to paste there to fix them: Argo CD and
// others beside a manifest, and a kustomization instead of one.
func (f *fixer) nameOtherLabelSources(c *Collector) {
	manifests := map[string]bool{}
	for i := range c.documents {
		if d := &c.documents[i]; d.kind == "Namespace" {
			manifests[d.name] = true
		}
	}
	for _, w := range c.LabelWriters {
		ns := f.namespaces[w.Target.Namespace]
		if ns == nil || !labels.WhyRefused(ns).IsZero() || hasLabels(w.Labels, ns) {
			continue
		}
		f.result.Left = append(f.result.Left, Left{
			Position: w.Position, Object: w.Object, Reason: ReasonFile, What: w.Path,
			Why: fmt.Sprintf("it writes the labels of namespace %s: put these there", ns.Name), Snippet: labelSnippet(ns, w.Syntax, lastKey(w.Path)),
		})
		manifests[ns.Name] = true
	}
	for _, k := range f.Kustomizations {
		ns := f.namespaces[k.Namespace]
		if ns == nil || manifests[k.Namespace] || !labels.WhyRefused(ns).IsZero() || len(labels.WantedLabels(ns, labels.StageAll)) == 0 {
			continue
		}
		f.result.Left = append(f.result.Left, Left{
			Position: pspparse.Position{File: k.File}, Object: "Kustomization", Reason: ReasonFile, What: "namespace",
			Why:     fmt.Sprintf("it sets namespace %s, and no manifest of that was found: add this one to its resources", ns.Name),
			Snippet: namespaceSnippet(ns),
		})
		manifests[ns.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.namespaces)) {
		if !manifests[name] && labels.ChangesLabels(f.namespaces[name]) {
			f.result.NamespacesWithoutManifest = append(f.result.NamespacesWithoutManifest, name)
		}
	}
}

// hasLabels reports whether labels are all that the Plan recommends for a namespace, so that there is nothing to fix.
func hasLabels(have map[string]string, ns *migrate.Namespace) bool {
	return !slices.ContainsFunc(labels.WantedLabels(ns, labels.StageAll), func(l labels.Label) bool { return have[l.Key] != l.Value })
}

// lastKey returns the last key of a path to labels.
func lastKey(path string) string { return path[strings.LastIndex(path, ".")+1:] }

// labelSnippet returns the labels of a namespace as they are pasted to fix an object of another kind.
func labelSnippet(ns *migrate.Namespace, syntax inventory.LabelSyntax, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", key)
	for _, l := range labels.WantedLabels(ns, labels.StageAll) {
		switch syntax {
		case inventory.LabelPairs:
			fmt.Fprintf(&b, "- key: %s\n  value: %s\n", l.Key, l.Value)
		default:
			fmt.Fprintf(&b, "  %s: %s\n", l.Key, l.Value)
		}
	}
	return b.String()
}

// namespaceSnippet returns the Namespace that is pasted to fix the labels of a namespace without a manifest.
func namespaceSnippet(ns *migrate.Namespace) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n  labels:\n", ns.Name)
	for _, l := range labels.WantedLabels(ns, labels.StageAll) {
		fmt.Fprintf(&b, "    %s: %s\n", l.Key, l.Value)
	}
	return b.String()
}
