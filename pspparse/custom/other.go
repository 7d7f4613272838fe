package custom

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// readGenerating finds the objects that a policy of Kyverno makes by a rule.
func readGenerating(b *inventory.Builder, o Object) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return generates(group, o.Kind) && Other(b, o)
}

// Other judges an object of a kind that no reader knows: whole pod templates in it are judged as a workload of that kind,
// and anything less of a pod is a gap. It returns false, and adds nothing, for a kind that is known to hold no pod and for
// an object that has nothing of one.
func Other(b *inventory.Builder, o Object) bool {
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	if o.APIVersion == "" {
		return unversioned(b, o)
	}
	if deploys(group, o.Kind) {
		return deployed(b, o)
	}
	if holdsNoPod(group, o.Kind) && !generates(group, o.Kind) {
		return noted(b, o, group)
	}
	if !suspicious(o.JSON) {
		return false
	}
	tree, why := parse(o.JSON)
	if why != "" {
		b.AddObjectGap(unknownGap(o, namespaces(o), why))
		return true
	}
	f := found{objects: generated(tree)}
	if !generates(group, o.Kind) {
		f = search(tree, false)
	} else if len(f.objects) == 0 {
		return false
	}
	what, isPod := f.first(), false
	if what == "" && len(f.templates) == 0 {
		if isPod = isTemplate(tree); !isPod {
			return false
		}
	}
	switch {
	case len(f.objects) > 0:
		g := unknownGap(o, f.namespaces(o), what)
		g.Changes = f.changes()
		b.AddObjectGap(g)
		return true
	case isPod:
		what = "it has containers at spec.containers"
	case what == "" && o.Namespace == "":
		what = fmt.Sprintf("it names no namespace, so its pod template at %s was not judged in any", f.templates[0].Path)
	}
	if o.Namespace == "" {
		g := unknownGap(o, namespaces(o), what)
		g.Changes = f.changes()
		b.AddObjectGap(g)
		return true
	}
	c := inventory.Custom{APIVersion: o.APIVersion, Kind: o.Kind, JSON: o.JSON, Templates: f.templates, Position: o.Position}
	if what != "" {
		c.Unsure = unknownGap(o, nil, what).Why
	}
	add(b, o, c)
	return true
}

// deployed judges an object that has a chart or a folder deployed: in what it gives to that, only what is whole counts.
func deployed(b *inventory.Builder, o Object) bool {
	why, _, changes := Lost(o.JSON)
	if why == "" {
		return false
	}
	var to struct {
		Spec struct {
			TargetNamespace string `json:"targetNamespace"`
			Destination     struct {
				Namespace string `json:"namespace"`
			} `json:"destination"`
		} `json:"spec"`
	}
	in := namespaces(o)
	if decode(o.JSON, &to) == nil {
		for _, namespace := range []string{to.Spec.TargetNamespace, to.Spec.Destination.Namespace} {
			if validNamespace(namespace) {
				in = append(in, namespace)
			}
		}
	}
	slices.Sort(in)
	b.AddObjectGap(inventory.Gap{
		What: named(o), Position: o.Position, Namespaces: slices.Compact(in), Changes: changes,
		Why: fmt.Sprintf("%s, for what it has deployed: that is not judged here; read what it makes from the cluster (-f of a dump, or --context)", why),
	})
	return true
}

// unversioned judges an object without an apiVersion: other tools have files with a kind, too.
func unversioned(b *inventory.Builder, o Object) bool {
	why, in, changes := Lost(o.JSON)
	if why == "" {
		return false
	}
	g := unknownGap(o, in, why)
	g.Changes = changes
	b.AddObjectGap(g)
	return true
}

// changes is all that what was found can change: pods, unless an object within is of a kind that makes none.
func (f *found) changes() inventory.Part {
	if slices.ContainsFunc(f.objects, func(in inObject) bool { return !makesPods(in.kind) }) {
		return ""
	}
	return inventory.Workloads
}

func unknownGap(o Object, namespaces []string, why string) inventory.Gap {
	return inventory.Gap{
		What: named(o), Position: o.Position, Namespaces: namespaces,
		Why: fmt.Sprintf("the kind %s%s is not known, and %s: what it runs or grants is not judged here; read what it makes from the cluster (-f of a dump, or --context)",
			quote(o.Kind), ofVersion(o.APIVersion), why),
	}
}

// namespaces are those in which the objects within an object may be, and its own.
func (f *found) namespaces(o Object) []string {
	in := map[string]bool{}
	if o.Namespace != "" {
		in[namespaces(o)[0]] = true
	}
	for _, e := range f.objects {
		switch {
		case validNamespace(e.namespace):
			in[e.namespace] = true
		case o.Namespace == "" || e.namespace != "":
			return everywhere()
		}
	}
	if o.Namespace == "" && (f.loose != "" || len(f.templates) > 0) || len(in) > maxNamespaces || in[inventory.AllNamespaces] {
		return everywhere()
	}
	return slices.Sorted(maps.Keys(in))
}

// maxNamespaces that one gap names; one of more touches all.
const maxNamespaces = 1000

func everywhere() []string { return []string{inventory.AllNamespaces} }

// namespaces is the namespace of an object as a gap wants it.
func namespaces(o Object) []string {
	if validNamespace(o.Namespace) {
		return []string{o.Namespace}
	}
	return everywhere()
}

func validNamespace(s string) bool {
	const most = 63
	if s == "" || len(s) > most || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
