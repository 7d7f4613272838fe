package custom

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// readGeneratingPolicy finds the objects that a policy of Kyverno makes by a rule.
func readGeneratingPolicy(b *inventory.Builder, o RawObject) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return generatesObjects(group, o.Kind) && ReadUnknownKind(b, o)
}

// ReadUnknownKind judges an object of a kind that no reader knows: whole pod templates in it are judged as a workload of that kind,
// and anything less of a pod is a gap. It returns false, and adds nothing, for a kind that is known to hold no pod and for
// an object that has nothing of one.
func ReadUnknownKind(b *inventory.Builder, o RawObject) bool {
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	if o.APIVersion == "" {
		return readWithoutAPIVersion(b, o)
	}
	if groupDeploysChart(group, o.Kind) {
		return readChartDeployer(b, o)
	}
	if holdsNoPod(group, o.Kind) && !generatesObjects(group, o.Kind) {
		return reportUnexpectedTemplate(b, o, group)
	}
	if !mayHoldPod(o.JSON) {
		return false
	}
	tree, why := parseTree(o.JSON)
	if why != "" {
		b.AddObjectGap(unknownKindGap(o, gapNamespaces(o), why))
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
		b.AddObjectGap(g)
		return true
	case isPod:
		what = "it has containers at spec.containers"
	case what == "" && o.Namespace == "":
		what = fmt.Sprintf("it names no namespace, so its pod template at %s was not judged in any", f.templates[0].Path)
	}
	if o.Namespace == "" {
		g := unknownKindGap(o, gapNamespaces(o), what)
		g.Affects = f.affectedPart()
		b.AddObjectGap(g)
		return true
	}
	c := inventory.CustomObject{APIVersion: o.APIVersion, Kind: o.Kind, JSON: o.JSON, Templates: f.templates, Position: o.Position}
	if what != "" {
		c.UnjudgedReason = unknownKindGap(o, nil, what).Why
	}
	addCustomObject(b, o, c)
	return true
}

// readChartDeployer judges an object that has a chart or a folder deployed: in what it gives to that, only what is whole counts.
func readChartDeployer(b *inventory.Builder, o RawObject) bool {
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
			if validNamespace(namespace) {
				in = append(in, namespace)
			}
		}
	}
	slices.Sort(in)
	b.AddObjectGap(inventory.Gap{
		What: describeObject(o), Position: o.Position, Namespaces: slices.Compact(in), Affects: changes,
		Why: message.New("deployed-content", "holds", why),
	})
	return true
}

// readWithoutAPIVersion judges an object without an apiVersion: other tools have files with a kind, too.
func readWithoutAPIVersion(b *inventory.Builder, o RawObject) bool {
	why, in, changes := FindLostManifests(o.JSON)
	if why == "" {
		return false
	}
	g := unknownKindGap(o, in, why)
	g.Affects = changes
	b.AddObjectGap(g)
	return true
}

// affectedPart is all that what was found can change: pods, unless an object within is of a kind that makes none.
func (f *searchResult) affectedPart() inventory.GapPart {
	if slices.ContainsFunc(f.innerObjects, func(in innerObject) bool { return !makesPods(in.kind) }) {
		return ""
	}
	return inventory.PartWorkloads
}

func unknownKindGap(o RawObject, namespaces []string, why string) inventory.Gap {
	return inventory.Gap{
		What: describeObject(o), Position: o.Position, Namespaces: namespaces,
		Why: message.New("kind-unknown", "kind", quote(o.Kind), "version", ofAPIVersion(o.APIVersion), "holds", why),
	}
}

// touchedNamespaces are those in which the objects within an object may be, and its own.
func (f *searchResult) touchedNamespaces(o RawObject) []string {
	in := map[string]bool{}
	if o.Namespace != "" {
		in[gapNamespaces(o)[0]] = true
	}
	for _, e := range f.innerObjects {
		switch {
		case validNamespace(e.namespace):
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

// maxGapNamespaces that one gap names; one of more touches all.
const maxGapNamespaces = 1000

func allNamespaces() []string { return []string{inventory.AllNamespaces} }

// gapNamespaces is the namespace of an object as a gap wants it.
func gapNamespaces(o RawObject) []string {
	if validNamespace(o.Namespace) {
		return []string{o.Namespace}
	}
	return allNamespaces()
}

func validNamespace(s string) bool {
	const most = 63
	if s == "" || len(s) > most || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
