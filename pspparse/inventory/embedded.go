package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Embedded is a pod template within an object of a kind that is not Kubernetes' own, or what such an object says of the
// pods that are made from it.
type Embedded struct {
	// Path leads to it in the object: "spec.template".
	Path  string
	Shape *Shape
	// Partial: what makes the pods adds to them. Then the Shape has what is written in the object, and all that is not
	// written as the strictest level wants it: what violates a level is violated by what is written.
	Partial bool
	// Meta is what its pods get of metadata, each set that some of them get; nil for none.
	Meta []*PodMeta
}

// Custom is an object of a kind that is not Kubernetes' own, from which pods are made.
type Custom struct {
	APIVersion, Kind string
	// Cluster is true for a kind that belongs to no namespace. Of a Definition nothing runs but where another object of its
	// group uses it.
	Cluster, Definition bool
	// JSON is the whole object.
	JSON []byte
	// Templates are all that it holds.
	Templates []CustomTemplate
	// Unsure says what of its pods cannot be judged from it; "" if all can. It becomes a gap unless pods were read that were
	// made from the object, or the controllers that make them.
	Unsure string
	// Refers names the workload in its namespace whose template the object uses instead of one of its own; zero if none.
	Refers Owner
	// Uses are the custom objects of which it makes its pods.
	Uses     []Use
	Position pspparse.Position
}

// Use names a custom object that another one makes its pods of: one of its namespace, or of the cluster.
type Use struct {
	Owner
	Cluster bool
}

// CustomTemplate is a pod template within a Custom.
type CustomTemplate struct {
	Path string
	// JSON is a pod template: an object with metadata and spec.
	JSON    []byte
	Partial bool
	// Metas are the metadata of several templates that a Partial one stands for; none where that in JSON is all.
	Metas [][]byte
}

// customObject is the part of an object that every custom kind has.
type customObject struct {
	Metadata labelledMeta `json:"metadata"`
}

// custom is what a template of a custom kind has beside the others.
type custom struct {
	embedded []Embedded
	unsure   string
	refers   Owner
	uses     []Use
	group    string
}

// definition is a custom object that belongs to no namespace, with the gap that it is unless pods of it were read.
type definition struct {
	id    identity
	group string // whose objects use it; "" if it may make pods by itself
	gap   Gap
}

// KindName is the name under which a workload's kind is shown: with its group where another kind has the same name.
func KindName(apiVersion, kind string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return kind
	}
	if k, ok := kindOf(kind); ok && !k.inGroup(group) || kind == "Service" {
		return kind + "." + group
	}
	return kind
}

// AddCustom adds an object of a kind that is not Kubernetes' own. One that belongs to no namespace is a gap that touches
// every namespace, since its pods may be made in any; a Definition touches those in which its group is used, if there are any.
func (b *Builder) AddCustom(c Custom) error {
	var o customObject
	if err := unmarshal(c.JSON, &o); err != nil {
		return err
	}
	m := Meta(o.Metadata)
	if _, group, ok := strings.Cut(KindName(c.APIVersion, c.Kind), "."); !isKind(c.Kind) || ok && !isSubdomain(group) {
		return fmt.Errorf("%s of %s is not a name that a kind can have", quote(c.Kind), quote(c.APIVersion))
	}
	if c.Cluster {
		why := c.Unsure
		if why == "" {
			why = "it belongs to no namespace, and pods may be made from it in any: it is not known where it has to meet a level"
		}
		d := definition{
			id:  identity{kind: KindName(c.APIVersion, c.Kind), name: m.Name},
			gap: Gap{What: label(c.Kind, "", m.Name), Why: why, Position: c.Position, Namespaces: []string{AllNamespaces}},
		}
		if c.Definition {
			d.group = groupOf(c.APIVersion)
		}
		b.unplaced = append(b.unplaced, d)
		return nil
	}
	namespace := b.home(m.Namespace, c.Position)
	name, open, err := objectName(c.Kind, &m)
	if err == nil {
		err = checkNamespace(namespace)
	}
	if err != nil {
		b.refuse(c.Kind, namespace, m.Name, c.Position, err)
		return nil
	}
	t := template{
		id: identity{kind: b.intern(KindName(c.APIVersion, c.Kind)), namespace: namespace, name: name, open: open},
		// account is that of the first template that names one.
		owner: b.anyOwner(&m), at: c.Position, replicas: replicasIn(c.JSON),
		custom: &custom{unsure: c.Unsure, refers: c.Refers, uses: c.Uses, group: groupOf(c.APIVersion)},
	}
	for i := range c.Templates {
		pod, err := podTemplateIn(&c.Templates[i])
		if err != nil {
			return fmt.Errorf("at %s: %w", c.Templates[i].Path, err)
		}
		t.account = cmp.Or(t.account, pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount)
		meta, err := b.metasIn(&c.Templates[i], pod)
		if err != nil {
			return fmt.Errorf("at %s: %w", c.Templates[i].Path, err)
		}
		t.custom.embedded = append(t.custom.embedded, Embedded{
			Path: c.Templates[i].Path, Shape: b.shapes.shape(pod.Annotations, &pod.Spec), Partial: c.Templates[i].Partial, Meta: meta,
		})
		if len(c.Templates) == 1 && !c.Templates[i].Partial {
			t.shape, t.origin = t.custom.embedded[0].Shape, b.origin(&m, pod)
		}
	}
	t.meta = allMetas(t.custom.embedded)
	t.account = b.intern(cmp.Or(t.account, "default"))
	b.templates = append(b.templates, t)
	return nil
}

// metasIn are the labels and annotations that pods of a template get.
func (b *Builder) metasIn(t *CustomTemplate, pod *corev1.PodTemplateSpec) ([]*PodMeta, error) {
	if len(t.Metas) == 0 {
		return metas(b.podMeta(pod.Labels, pod.Annotations)), nil
	}
	var all []Embedded
	for _, data := range t.Metas {
		var m labelledMeta
		if err := unmarshal(data, &m); err != nil {
			return nil, err
		}
		all = append(all, Embedded{Meta: metas(b.podMeta(m.Labels, m.Annotations))})
	}
	return allMetas(all), nil
}

// allMetas are those of some templates together.
func allMetas(templates []Embedded) []*PodMeta {
	var out []*PodMeta
	for i := range templates {
		if i == 0 {
			out = templates[i].Meta
			continue
		}
		out = mergeMetas(out, templates[i].Meta)
	}
	return out
}

// mergeMeta adds to the metadata of t that of a template that folds into it, or that says the same otherwise.
func (t *template) mergeMeta(from *template) {
	t.meta = mergeMetas(t.meta, from.meta)
	if t.custom == nil {
		return
	}
	embedded := slices.Clone(t.custom.embedded)
	for i := range embedded {
		e := &embedded[i]
		if from.custom == nil && e.Shape == from.shape {
			e.Meta = mergeMetas(e.Meta, from.meta)
		}
		if from.custom == nil {
			continue
		}
		for j := range from.custom.embedded {
			if other := &from.custom.embedded[j]; other.Shape == e.Shape {
				e.Meta = mergeMetas(e.Meta, other.Meta)
			}
		}
	}
	t.custom.embedded = embedded
}

// isKind is the rule for the name of a kind, which is shown and looked up.
func isKind(s string) bool {
	return len(s) > 0 && len(s) <= maxLabel && !digit(s[0]) && all(strings.ToLower(s), func(c byte) bool { return digit(c) || 'a' <= c && c <= 'z' })
}

// podTemplateIn decodes a template. Of a partial one it fills in what is not written.
func podTemplateIn(t *CustomTemplate) (*corev1.PodTemplateSpec, error) {
	var doc templateDoc
	if err := unmarshal(t.JSON, &doc); err != nil {
		return nil, err
	}
	if err := doc.Spec.check(); err != nil {
		return nil, err
	}
	pod := doc.template()
	if t.Partial {
		favour(&pod.Spec)
	}
	return pod, nil
}

// favour writes into a pod what the strictest level asks for and the pod does not say.
func favour(spec *corev1.PodSpec) {
	yes, no := true, false
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if spec.SecurityContext.RunAsNonRoot == nil {
		spec.SecurityContext.RunAsNonRoot = &yes
	}
	if spec.SecurityContext.SeccompProfile == nil {
		spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	if len(spec.Containers) == 0 {
		spec.Containers = []corev1.Container{{Name: "pod"}}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if list[i].SecurityContext == nil {
				list[i].SecurityContext = &corev1.SecurityContext{}
			}
			c := list[i].SecurityContext
			if c.AllowPrivilegeEscalation == nil {
				c.AllowPrivilegeEscalation = &no
			}
			if c.Capabilities == nil {
				c.Capabilities = &corev1.Capabilities{}
			}
			if !slices.Contains(c.Capabilities.Drop, "ALL") {
				c.Capabilities.Drop = append(slices.Clip(c.Capabilities.Drop), "ALL")
			}
		}
	}
}

// replicasIn is the number of replicas that an object asks for, -1 where it asks for none.
func replicasIn(data []byte) int {
	var o struct {
		Spec struct {
			Replicas *int32 `json:"replicas"`
		} `json:"spec"`
	}
	if json.Unmarshal(data, &o) != nil || o.Spec.Replicas == nil {
		return -1
	}
	return max(int(*o.Spec.Replicas), 0)
}

// anyOwner is the controller of an object, or else the first of its owners: not every operator names a controller.
func (b *Builder) anyOwner(m *Meta) Owner {
	if o := b.controller(m); o != (Owner{}) {
		return o
	}
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if kind := KindName(r.APIVersion, r.Kind); isSubdomain(strings.ToLower(kind)) && isSubdomain(r.Name) {
			return Owner{Kind: b.intern(kind), Name: r.Name}
		}
	}
	return Owner{}
}

// sameCustom says whether two objects of a custom kind say the same of their pods.
func sameCustom(a, b *custom) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(x, y Embedded) bool { return x.Path == y.Path && x.Shape == y.Shape && x.Partial == y.Partial }
	return slices.EqualFunc(a.embedded, b.embedded, same) && a.refers == b.refers
}

// makes says whether all pods of t are such as p asks for: p is of a custom kind, and may have several templates.
func (p *custom) makes(t *template) bool {
	if t.custom == nil {
		return p.holds(t.shape)
	}
	return len(t.custom.embedded) > 0 && !slices.ContainsFunc(t.custom.embedded, func(e Embedded) bool { return !p.holds(e.Shape) })
}

func (p *custom) holds(s *Shape) bool {
	return slices.ContainsFunc(p.embedded, func(e Embedded) bool { return e.Shape == s })
}

// tells is true for a template that says of its pods all there is to say.
func (t *template) tells() bool {
	return t.custom == nil || t.custom.unsure == "" && len(t.custom.embedded) > 0
}

// makers are what t was made by, and of.
func (t *template) makers() []identity {
	out := []identity{{namespace: t.id.namespace, kind: t.owner.Kind, name: t.owner.Name}}
	if t.custom == nil {
		return out
	}
	for _, u := range t.custom.uses {
		id := identity{kind: u.Kind, name: u.Name}
		if !u.Cluster {
			id.namespace = t.id.namespace
		}
		out = append(out, id)
	}
	return out
}

// maxOwners is more than objects own one another in a row: Knative has five.
const maxOwners = 16

// gapUnsure adds the gaps of custom objects of whose pods neither one was read nor a controller that makes them.
func (b *Builder) gapUnsure(f *folder, templates []template) {
	made := map[identity]bool{}
	mark := func(namespace string, o Owner) {
		for next := []identity{{namespace: namespace, kind: o.Kind, name: o.Name}}; len(next) > 0; {
			id := next[0]
			next = next[1:]
			if id.name == "" || made[id] {
				continue
			}
			made[id] = true
			t := f.read[id]
			if t == nil {
				id = f.top(id)
				made[id] = true
				t = f.read[id]
			}
			if t != nil {
				next = append(next, t.makers()...)
			}
		}
	}
	for i := range b.pods.groups {
		mark(b.pods.groups[i].namespace, b.pods.groups[i].owner)
	}
	for i := range templates {
		if templates[i].tells() {
			mark(templates[i].id.namespace, templates[i].owner)
		}
	}
	for i := range templates {
		t := &templates[i]
		if t.custom == nil || made[t.id] {
			continue
		}
		why := t.custom.unsure
		if r := t.custom.refers; r != (Owner{}) && f.read[identity{namespace: t.id.namespace, kind: r.Kind, name: r.Name}] == nil {
			why = fmt.Sprintf("it takes its pod template from %s, which was not read: read that, too", label(r.Kind, t.id.namespace, r.Name))
		}
		if why != "" {
			b.limited(Gap{What: label(t.id.kind, t.id.namespace, t.id.name), Why: why, Position: t.at, Namespaces: touches(t.id.namespace)})
		}
	}
	b.gapDefinitions(templates, made)
}

// gapDefinitions adds the gaps of custom objects that belong to no namespace and of which no pods were read.
func (b *Builder) gapDefinitions(templates []template, made map[identity]bool) {
	if len(b.unplaced) == 0 {
		return
	}
	used := map[string]map[string]bool{} // namespaces by group
	for i := range templates {
		t := &templates[i]
		if t.custom == nil {
			continue
		}
		if used[t.custom.group] == nil {
			used[t.custom.group] = map[string]bool{}
		}
		used[t.custom.group][t.id.namespace] = true
	}
	places := map[string][]string{}
	for group, in := range used {
		places[group] = slices.Sorted(maps.Keys(in))
	}
	for _, d := range b.unplaced {
		if made[d.id] {
			continue
		}
		if in := places[d.group]; d.group != "" && len(in) > 0 {
			d.gap.Namespaces = in
		}
		b.limited(d.gap)
	}
}

// Unseen is true for a workload of which only part is known: a custom object that does not say all of its pods, none of
// which was read. It may violate a level, and never is known to meet one.
func (w *Workload) Unseen() bool {
	return w.Template == nil && len(w.Pods) == 0 && len(w.Embedded) > 0 &&
		!slices.ContainsFunc(w.Embedded, func(e Embedded) bool { return !e.Partial })
}

// AddObjectGap records the gap of one object. Of the many that one file may have only so many are named.
func (b *Builder) AddObjectGap(g Gap) { b.limited(g) }
