package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// misplaced warns of keys of Pod Security where they have no effect: as annotations of the namespace, and as labels or
// annotations of what runs in it. Whoever wrote them takes the namespace for labelled.
func (b *builder) misplaced(ns *inventory.Namespace) []string {
	var out []string
	for _, key := range sortedKeys(ns.Annotations) {
		if meant := inventory.PodSecurityLabel(key); meant != "" {
			out = append(out, fmt.Sprintf("the annotation %s=%q of the namespace%s has no effect: %s", key, clip(ns.Annotations[key]), positioned(ns.Position), goesBy(key, meant)))
		}
	}
	all := b.inv.Misplaced
	first, _ := slices.BinarySearchFunc(all, ns.Name, func(m inventory.Misplaced, name string) int { return strings.Compare(m.Namespace, name) })
	for ; first < len(all) && all[first].Namespace == ns.Name; first++ {
		m := &all[first]
		what, where := "label", "on "+strings.ToLower(m.Kind)+"/"+m.Name
		if m.Annotation {
			what = "annotation"
		}
		if m.Template {
			where = "in the pod template of " + strings.TrimPrefix(where, "on ")
		}
		out = append(out, fmt.Sprintf("the %s %s=%q %s%s has no effect: %s", what, m.Key, m.Value, where, positioned(m.Position), goesBy(m.Key, m.Means)))
		if m.More {
			out = append(out, "what runs here has more labels and annotations like these")
		}
	}
	return out
}

// positioned is a position in brackets; nothing for what came from a server.
func positioned(p pspparse.Position) string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return fmt.Sprintf(" (%s)", p.File)
	}
	return fmt.Sprintf(" (%s:%d)", p.File, p.Line)
}

// clip cuts a value to the length that one of a label may have.
func clip(value string) string {
	return strings.ToValidUTF8(value[:min(len(value), 63)], "")
}

// goesBy says what has an effect instead of a key.
func goesBy(key, meant string) string {
	text := "Pod Security goes by labels of the namespace"
	if key != meant {
		text += fmt.Sprintf(", and %s is meant", meant)
	}
	return text
}
