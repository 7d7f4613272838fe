package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// misplacedLabelCautions returns a caution of the Plan for each Pod Security key that has no effect where it stands: an
// annotation of the namespace, or a label or annotation of a workload.
func (b *planBuilder) misplacedLabelCautions(ns *inventory.Namespace) []message.Message {
	var out []message.Message
	for _, key := range sortedKeys(ns.Annotations) {
		if meant := inventory.MeantPodSecurityLabel(key); meant != "" {
			out = append(out, misplacedLabel("annotation", key, clipToLabelLength(ns.Annotations[key]), "of the namespace", meant, ns.Position))
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
		out = append(out, misplacedLabel(what, m.Key, m.Value, where, m.MeantLabel, m.Position))
		if m.MoreOmitted {
			out = append(out, message.New("labels-misplaced-more"))
		}
	}
	return out
}

// misplacedLabel returns the caution that a Pod Security label or annotation has no effect, and which label is meant if
// that has another key.
func misplacedLabel(what, key, value, where, meant string, p pspparse.Position) message.Message {
	if meant == key {
		meant = ""
	}
	return message.New("label-misplaced", "what", what, "key", key, "value", value, "where", where, "position", positionText(p), "meant", meant)
}

// positionText returns, for a sentence of the Plan, "file:line" or the file alone; "" for what came from a server.
func positionText(p pspparse.Position) string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// clipToLabelLength cuts, for a Plan's caution, the value of a namespace label to the 63 bytes that a label value may
// have.
func clipToLabelLength(value string) string {
	return strings.ToValidUTF8(value[:min(len(value), 63)], "")
}
