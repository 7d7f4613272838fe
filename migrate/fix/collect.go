package fix

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Collector is a Sink that keeps the documents in which a fix can be made, and hands all that it is given to the Sink within.
type Collector struct {
	inventory.Sink
	documents []document
	// Gaps are those of the input that the reader found, Notes what it says besides.
	Gaps  []inventory.Gap
	Notes []inventory.Note
	// LabelWriters are the objects that write Pod Security labels on namespaces, or could.
	LabelWriters []inventory.LabelWriter
	// column is where in its line the object begins that the reader has shown last.
	column int
}

// NewCollector returns a Collector of documents to fix that hands everything on to a sink.
func NewCollector(sink inventory.Sink) *Collector { return &Collector{Sink: sink} }

// show keeps where in its line the next document to fix begins, which no Sink is told.
func (c *Collector) show(o *files.Object) { c.column = o.Column() }

// document is one object of a file in which a fix can be made: it has pod templates, or is a Namespace.
type document struct {
	at pspparse.Position
	// column is the code point of its line at which it begins; 0 until its file is read again.
	column                int
	apiVersion            string
	kind, namespace, name string
	json                  []byte
	templates             []template
	// owned is true where a controller has made the object.
	owned bool
	// duplicateKey says which key the document gives twice; "" for none.
	duplicateKey string
}

// template is a pod template of a document to fix.
type template struct {
	// path leads to it in the object; none for a Pod.
	path      fieldpath.Path
	shape     *inventory.Shape
	onWindows bool
	// withoutImages is true where no container names an image, as in a patch of another manifest.
	withoutImages bool
	// json is the template as JSON values.
	json map[string]any
}

// label returns how a document to fix is named for people: "Deployment shop/web".
func (d *document) label() string { return inventory.ObjectText(d.kind, d.namespace, d.name) }

// Decode keeps a Namespace or an object with a pod template, and hands the object on. Its result is that of the Sink within.
func (c *Collector) Decode(apiVersion, kind string, data []byte, at pspparse.Position) (bool, error) {
	handled, err := c.Sink.Decode(apiVersion, kind, data, at)
	if handled && err == nil {
		c.keep(apiVersion, kind, data, at, "")
	}
	return handled, err
}

// DecodeBothReadings keeps a document that gives a key twice, so that it can be said why it is not fixed, and hands it on.
func (c *Collector) DecodeBothReadings(apiVersion, kind string, first, last []byte, why string, at pspparse.Position) bool {
	ok := c.Sink.DecodeBothReadings(apiVersion, kind, first, last, why, at)
	if ok {
		c.keep(apiVersion, kind, last, at, why)
	}
	return ok
}

// keep keeps a document if a fix can be made in it.
func (c *Collector) keep(apiVersion, kind string, data []byte, at pspparse.Position, duplicateKey string) {
	k, isWorkload := inventory.WorkloadKindOf(kind)
	if !isWorkload && kind != "Namespace" {
		return
	}
	d, object, ok := newDocument(apiVersion, kind, data, at)
	if !ok {
		return
	}
	d.column, d.duplicateKey = c.column, duplicateKey
	if isWorkload {
		inner := object
		for _, key := range k.TemplatePath {
			inner, _ = inner[key].(map[string]any)
		}
		t, ok := newTemplate(fieldpath.Keys(k.TemplatePath...), inner)
		if !ok {
			return
		}
		d.templates = []template{t}
	}
	c.documents = append(c.documents, d)
}

// AddCustomObject keeps an object of another kind that holds whole pod templates, and hands it on. Its result is that of the Sink
// within.
func (c *Collector) AddCustomObject(o inventory.CustomObject) error {
	if err := c.Sink.AddCustomObject(o); err != nil {
		return err
	}
	d, _, ok := newDocument(o.APIVersion, inventory.QualifiedKind(o.APIVersion, o.Kind), o.JSON, o.Position)
	if !ok {
		return nil
	}
	d.column = c.column
	for i := range o.Templates {
		path, err := fieldpath.Parse(o.Templates[i].Path)
		if err != nil || o.Templates[i].Partial {
			continue
		}
		var inner map[string]any
		if json.Unmarshal(o.Templates[i].JSON, &inner) != nil {
			continue
		}
		if t, ok := newTemplate(path, inner); ok {
			d.templates = append(d.templates, t)
		}
	}
	if len(d.templates) > 0 {
		c.documents = append(c.documents, d)
	}
	return nil
}

// AddGap keeps a gap of the input beside the documents to fix, and hands it on.
func (c *Collector) AddGap(g inventory.Gap) {
	c.Gaps = append(c.Gaps, g)
	c.Sink.AddGap(g)
}

// AddObjectGap keeps a gap of the input beside the documents to fix, and hands it on.
func (c *Collector) AddObjectGap(g inventory.Gap) {
	c.Gaps = append(c.Gaps, g)
	c.Sink.AddObjectGap(g)
}

// AddNote keeps a note on the input beside the documents to fix, and hands it on. That kustomizations and charts have to be rendered is
// no news to a fix, which is made in what they are rendered from.
func (c *Collector) AddNote(n inventory.Note) {
	if n.Why.ID != "kustomization-not-applied" && n.Why.ID != "chart-not-rendered" {
		c.Notes = append(c.Notes, n)
	}
	c.Sink.AddNote(n)
}

// AddLabelWriter keeps an object that writes labels of namespaces beside the documents to fix, and hands it on.
func (c *Collector) AddLabelWriter(w inventory.LabelWriter) {
	c.LabelWriters = append(c.LabelWriters, w)
	c.Sink.AddLabelWriter(w)
}

// newDocument returns a document to fix without its templates, and its JSON values; ok is false for what cannot be decoded.
func newDocument(apiVersion, kind string, data []byte, at pspparse.Position) (document, map[string]any, bool) {
	var head struct {
		Metadata inventory.ObjectMeta `json:"metadata"`
	}
	var object map[string]any
	if json.Unmarshal(data, &head) != nil || json.Unmarshal(data, &object) != nil {
		return document{}, nil, false
	}
	d := document{
		at: at, apiVersion: apiVersion, kind: kind, namespace: head.Metadata.Namespace, name: head.Metadata.Name, json: bytes.Clone(data),
	}
	if d.name == "" && head.Metadata.GenerateName != "" {
		d.name = head.Metadata.GenerateName + "<generated>"
	}
	for _, o := range head.Metadata.OwnerReferences {
		d.owned = d.owned || o.Controller != nil && *o.Controller
	}
	return d, object, true
}

// newTemplate returns a pod template to fix at a path; ok is false for what is none.
func newTemplate(path fieldpath.Path, inner map[string]any) (template, bool) {
	text, err := json.Marshal(inner)
	if err != nil || inner == nil {
		return template{}, false
	}
	pod, err := inventory.ReadPodTemplate(text)
	if err != nil || len(pod.Spec.Containers) == 0 {
		return template{}, false
	}
	return template{
		path: path, shape: inventory.ReducePod(pod.Annotations, &pod.Spec), json: inner,
		onWindows:     pod.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows),
		withoutImages: !slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Image != "" }),
	}, true
}

// containerPath returns the path within the template to what follows a container's own path, found by the container's name in the
// list that the path names; ok is false where the template has no such container.
func (t *template) containerPath(path fieldpath.Path, container string) (fieldpath.Path, bool) {
	if container == "" || len(path) < 3 || !path[2].IsIndex {
		return path, true
	}
	spec, _ := t.json["spec"].(map[string]any)
	for _, list := range []string{path[1].Key, "initContainers", "containers"} {
		items, _ := spec[list].([]any)
		i := slices.IndexFunc(items, func(item any) bool {
			c, _ := item.(map[string]any)
			return c["name"] == container
		})
		if i >= 0 {
			return fieldpath.Keys("spec", list).Item(i).Join(path[3:]), true
		}
	}
	return nil, false
}

// valueAt returns the template's JSON value at a path; nil where there is none.
func (t *template) valueAt(path fieldpath.Path) any { return valueAt(t.json, path) }

// valueAt returns the JSON value of a document to fix at a path; nil where there is none.
func valueAt(object map[string]any, path fieldpath.Path) any {
	var at any = object
	for _, step := range path {
		if step.IsIndex {
			list, _ := at.([]any)
			if step.Index >= len(list) {
				return nil
			}
			at = list[step.Index]
			continue
		}
		inner, _ := at.(map[string]any)
		at = inner[step.Key]
	}
	return at
}

// isCompressed reports whether the file of a document to fix is a gzip file, by its name.
func isCompressed(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".gz") }
