package custom

import (
	"fmt"
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// readGeneratingPolicy adds a gap for a policy of Kyverno that generates objects with pods. It returns false for any other
// object.
func readGeneratingPolicy(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	return generatesObjects(group, o.Kind) && ReadUnknownKind(sink, o)
}

// ReadUnknownKind delivers what an object of a kind that no reader knows may say of pods: whole pod templates in it are a
// workload of that kind, and anything less of a pod is a gap. It returns false, and delivers nothing, for a kind that is
// known to hold no pod and for an object without any part of one.
func ReadUnknownKind(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	if o.APIVersion == "" {
		return readWithoutAPIVersion(sink, o)
	}
	if groupDeploysChart(group, o.Kind) {
		return readChartDeployer(sink, o)
	}
	if holdsNoPod(group, o.Kind) && !generatesObjects(group, o.Kind) {
		return reportUnexpectedTemplate(sink, o, group)
	}
	if !mayHoldPod(o.JSON) {
		return false
	}
	tree, why := parseTree(o.JSON)
	if why != "" {
		sink.AddObjectGap(unknownKindGap(o, gapNamespaces(o), why))
		return true
	}
	f := searchResult{innerObjects: generatedObjects(tree)}
	if !generatesObjects(group, o.Kind) {
		f = searchTemplates(tree, false)
	} else if len(f.innerObjects) == 0 {
		return false
	}
	what, isPod := f.firstRemainder(), false
	if what == "" && len(f.templates) == 0 {
		if isPod = isPodTemplate(tree); !isPod {
			return false
		}
	}
	switch {
	case len(f.innerObjects) > 0:
		g := unknownKindGap(o, f.touchedNamespaces(o), what)
		g.Affects = f.affectedPart()
		sink.AddObjectGap(g)
		return true
	case isPod:
		what = "it has containers at spec.containers"
	case what == "" && o.Namespace == "":
		what = fmt.Sprintf("it names no namespace, so its pod template at %s was not evaluated in any", f.templates[0].Path)
	}
	if o.Namespace == "" {
		g := unknownKindGap(o, gapNamespaces(o), what)
		g.Affects = f.affectedPart()
		sink.AddObjectGap(g)
		return true
	}
	c := inventory.CustomObject{APIVersion: o.APIVersion, Kind: o.Kind, JSON: o.JSON, Templates: f.templates, Position: o.Position}
	if what != "" {
		c.UnevaluatedReason = unknownKindGap(o, nil, what).Why
	}
	addCustomObject(sink, o, c)
	return true
}

// readChartDeployer adds a gap for an object that deploys a chart or a folder, if its values or patches hold a whole
// manifest.
func readChartDeployer(sink inventory.CustomSink, o RawObject) bool {
	why, _, changes := FindLostManifests(o.JSON)
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
	in := gapNamespaces(o)
	if decodeJSON(o.JSON, &to) == nil {
		for _, namespace := range []string{to.Spec.TargetNamespace, to.Spec.Destination.Namespace} {
			if inventory.IsDNSLabel(namespace) {
				in = append(in, namespace)
			}
		}
	}
	slices.Sort(in)
	sink.AddObjectGap(inventory.Gap{
		What: customObjectText(o), Position: o.Position, Namespaces: slices.Compact(in), Affects: changes,
		Why: message.New("deployed-content", "holds", why),
	})
	return true
}

// readWithoutAPIVersion adds a gap for an object without an apiVersion, if it holds a whole manifest. Files of other tools
// have a kind, too.
func readWithoutAPIVersion(sink inventory.CustomSink, o RawObject) bool {
	why, in, changes := FindLostManifests(o.JSON)
	if why == "" {
		return false
	}
	g := unknownKindGap(o, in, why)
	g.Affects = changes
	sink.AddObjectGap(g)
	return true
}

// affectedPart returns what the finds in a custom object can change: pods, or anything if an inner object is of a kind
// that makes none.
func (f *searchResult) affectedPart() inventory.GapPart {
	if slices.ContainsFunc(f.innerObjects, func(in innerObject) bool { return !makesPods(in.kind) }) {
		return ""
	}
	return inventory.PartWorkloads
}

// unknownKindGap returns the gap of a custom object whose kind is not known.
func unknownKindGap(o RawObject, namespaces []string, why string) inventory.Gap {
	return inventory.Gap{
		What: customObjectText(o), Position: o.Position, Namespaces: namespaces,
		Why: message.New("kind-unknown", "kind", quote(o.Kind), "version", ofAPIVersion(o.APIVersion), "holds", why),
	}
}

// touchedNamespaces returns the namespaces of a custom object and of the objects within it.
func (f *searchResult) touchedNamespaces(o RawObject) []string {
	in := map[string]bool{}
	if o.Namespace != "" {
		in[gapNamespaces(o)[0]] = true
	}
	for _, e := range f.innerObjects {
		switch {
		case inventory.IsDNSLabel(e.namespace):
			in[e.namespace] = true
		case o.Namespace == "" || e.namespace != "":
			return allNamespaces()
		}
	}
	if o.Namespace == "" && (f.partialPod != "" || len(f.templates) > 0) || len(in) > maxGapNamespaces || in[inventory.AllNamespaces] {
		return allNamespaces()
	}
	return slices.Sorted(maps.Keys(in))
}

// maxGapNamespaces is how many namespaces one gap names; a gap of more touches all.
const maxGapNamespaces = 1000

// allNamespaces returns the namespaces of a custom object's gap that touches all of them.
func allNamespaces() []string { return []string{inventory.AllNamespaces} }

// gapNamespaces returns the namespaces that a gap of a custom object touches: its own if that is valid, else all.
func gapNamespaces(o RawObject) []string {
	if inventory.IsDNSLabel(o.Namespace) {
		return []string{o.Namespace}
	}
	return allNamespaces()
}
