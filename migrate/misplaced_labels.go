package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// misplacedLabelCautions warns of keys of Pod Security where they have no effect: as annotations of the namespace, and as labels or
// annotations of what runs in it. Whoever wrote them takes the namespace for labelled.
func (b *planBuilder) misplacedLabelCautions(ns *inventory.Namespace) []string {
	var out []string
	for _, key := range sortedKeys(ns.Annotations) {
		if meant := inventory.MeantPodSecurityLabel(key); meant != "" {
			out = append(out, fmt.Sprintf("the annotation %s=%q of the namespace%s has no effect: %s", key, clipToLabelLength(ns.Annotations[key]), positionInBrackets(ns.Position), meantLabelText(key, meant)))
		}
	}
	all := b.inv.MisplacedKeys
	first, _ := slices.BinarySearchFunc(all, ns.Name, func(m inventory.MisplacedKey, name string) int { return strings.Compare(m.Namespace, name) })
	for ; first < len(all) && all[first].Namespace == ns.Name; first++ {
		m := &all[first]
		what, where := "label", "on "+strings.ToLower(m.Kind)+"/"+m.Name
		if m.Annotation {
			what = "annotation"
		}
		if m.Template {
			where = "in the pod template of " + strings.TrimPrefix(where, "on ")
		}
		out = append(out, fmt.Sprintf("the %s %s=%q %s%s has no effect: %s", what, m.Key, m.Value, where, positionInBrackets(m.Position), meantLabelText(m.Key, m.MeantLabel)))
		if m.MoreOmitted {
			out = append(out, "what runs here has more labels and annotations like these")
		}
	}
	return out
}

// positionInBrackets is a position in brackets; nothing for what came from a server.
func positionInBrackets(p pspparse.Position) string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return fmt.Sprintf(" (%s)", p.File)
	}
	return fmt.Sprintf(" (%s:%d)", p.File, p.Line)
}

// clipToLabelLength cuts a value to the length that one of a label may have.
func clipToLabelLength(value string) string {
	return strings.ToValidUTF8(value[:min(len(value), 63)], "")
}

// meantLabelText says what has an effect instead of a key.
func meantLabelText(key, meant string) string {
	text := "Pod Security goes by labels of the namespace"
	if key != meant {
		text += fmt.Sprintf(", and %s is meant", meant)
	}
	return text
}
