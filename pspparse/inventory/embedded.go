package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	// Cluster is true for a kind that belongs to no namespace. Nothing runs of it but where another object uses it, or where
	// something runs that an object of a kind in RunsFor has made.
	Cluster bool
	RunsFor []string
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
	// Beside: what is made of it are other pods than those of the object.
	Beside bool
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
	id      identity
	uses    []Use
	runsFor []string
	gap     Gap
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
// those in which it is used, and a note where it is used nowhere.
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
		b.unplaced = append(b.unplaced, definition{
			id: identity{kind: KindName(c.APIVersion, c.Kind), name: m.Name}, uses: c.Uses, runsFor: c.RunsFor,
			gap: Gap{What: label(c.Kind, "", m.Name), Why: why, Position: c.Position},
		})
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
	t.ownerGroup = b.ownerGroup(&m, t.owner)
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

// ownerGroup is the API group of an owner of an object.
func (b *Builder) ownerGroup(m *Meta, o Owner) string {
	group := ""
	for i := range m.OwnerReferences {
		r := &m.OwnerReferences[i]
		if r.Name != o.Name || KindName(r.APIVersion, r.Kind) != o.Kind {
			continue
		}
		if r.Controller != nil && *r.Controller {
			return b.intern(groupOf(r.APIVersion))
		}
		group = cmp.Or(group, groupOf(r.APIVersion))
	}
	return b.intern(group)
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

// maker is what made something, or what it was made of. Another group may have a kind of the same name; "" is for any.
type maker struct {
	identity
	group string
}

// makers are what t was made by, and of.
func (t *template) makers() []maker {
	out := []maker{{identity{namespace: t.id.namespace, kind: t.owner.Kind, name: t.owner.Name}, t.ownerGroup}}
	if t.custom == nil {
		return out
	}
	for _, u := range t.custom.uses {
		if u.Beside {
			continue
		}
		id := identity{kind: u.Kind, name: u.Name}
		if !u.Cluster {
			id.namespace = t.id.namespace
		}
		out = append(out, maker{id, t.custom.group})
	}
	return out
}

// maxOwners is more than objects own one another in a row: Knative has five.
const maxOwners = 16

// gapUnsure adds the gaps of custom objects of whose pods neither one was read nor a controller that makes them.
func (b *Builder) gapUnsure(f *folder, templates []template) {
	made := f.made(b.pods.groups, templates)
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

// made are the objects of which pods were read, or controllers that tell their pods, and all that those were made by and of.
func (f *folder) made(groups []podSort, templates []template) map[identity]bool {
	made := map[identity]bool{}
	mark := func(of maker) {
		for next := []maker{of}; len(next) > 0; next = next[1:] {
			id := next[0].identity
			t := f.read[id]
			if id.name == "" || made[id] || t != nil && t.isOther(next[0].group) {
				continue
			}
			made[id] = true
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
	for i := range groups {
		g := &groups[i]
		mark(maker{identity{namespace: g.namespace, kind: g.owner.Kind, name: g.owner.Name}, g.ownerGroup})
	}
	for i := range templates {
		if t := &templates[i]; t.tells() {
			mark(maker{identity{namespace: t.id.namespace, kind: t.owner.Kind, name: t.owner.Name}, t.ownerGroup})
		}
	}
	return made
}

// isOther is true for a custom object that is of another group.
func (t *template) isOther(group string) bool {
	return t.custom != nil && group != "" && t.custom.group != group
}

// gapDefinitions adds the gaps of custom objects that belong to no namespace and are used, of which no pods were read, and a
// note of those that nothing uses.
func (b *Builder) gapDefinitions(templates []template, made map[identity]bool) {
	if len(b.unplaced) == 0 {
		return
	}
	places := b.placesOfUse(templates)
	var unused []*definition
	for i := range b.unplaced {
		d := &b.unplaced[i]
		in := places[d.id]
		for _, kind := range d.runsFor {
			in = append(in, places[identity{kind: kind}]...)
		}
		switch {
		case made[d.id]:
		case len(in) == 0:
			unused = append(unused, d)
		default:
			slices.Sort(in)
			d.gap.Namespaces = slices.Compact(in)
			b.limited(d.gap)
		}
	}
	b.noteUnused(unused)
}

// placesOfUse are the namespaces in which each custom object of the cluster is used, itself or by another one of the cluster,
// and under a kind alone those in which an object of that kind has made something.
func (b *Builder) placesOfUse(templates []template) map[identity][]string {
	ids := map[identity]bool{}
	byKind := map[string][]*definition{}
	for i := range b.unplaced {
		d := &b.unplaced[i]
		byKind[d.id.kind] = append(byKind[d.id.kind], d)
		for _, kind := range d.runsFor {
			ids[identity{kind: kind}] = true
		}
	}
	places := map[identity][]string{}
	seen := map[string]map[identity]bool{} // by namespace
	var use func(namespace string, uses []Use)
	use = func(namespace string, uses []Use) {
		for _, u := range uses {
			if !u.Cluster {
				continue
			}
			for _, d := range byKind[u.Kind] {
				if d.id.name != u.Name && !strings.ContainsAny(u.Name, "{$") || seen[namespace][d.id] {
					continue
				}
				seen[namespace][d.id] = true
				places[d.id] = append(places[d.id], namespace)
				use(namespace, d.uses)
			}
		}
	}
	for i := range templates {
		t := &templates[i]
		in := t.id.namespace
		if seen[in] == nil {
			seen[in] = map[identity]bool{}
		}
		if by := (identity{kind: t.owner.Kind}); ids[by] && !seen[in][by] {
			seen[in][by] = true
			places[by] = append(places[by], in)
		}
		if t.custom != nil {
			use(in, t.custom.uses)
		}
	}
	return places
}

// noteUnused tells of custom objects that belong to no namespace and that nothing uses.
func (b *Builder) noteUnused(unused []*definition) {
	if len(unused) == 0 {
		return
	}
	first := slices.MinFunc(unused, func(x, y *definition) int {
		return cmp.Or(comparePositions(x.gap.Position, y.gap.Position), cmp.Compare(x.gap.What, y.gap.What))
	})
	what := first.gap.What
	if more := len(unused) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	b.AddNote(Note{What: what, Position: first.gap.Position, Why: "pods are made of it in a namespace only where another object uses it, and none that was read does; no namespace waits for it"})
}

// Unseen is true for a workload of which only part is known: a custom object that does not say all of its pods, none of
// which was read. It may violate a level, and never is known to meet one.
func (w *Workload) Unseen() bool {
	return w.Template == nil && len(w.Pods) == 0 && len(w.Embedded) > 0 &&
		!slices.ContainsFunc(w.Embedded, func(e Embedded) bool { return !e.Partial })
}

// AddObjectGap records the gap of one object. Of the many that one file may have only so many are named.
func (b *Builder) AddObjectGap(g Gap) { b.limited(g) }
