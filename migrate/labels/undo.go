package labels

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// WriteUndo writes the POSIX shell script that reverts what the script of WriteCommands did, all of it or a part: labels of
// a namespace that are as that script writes them become what they were when the plan was made. A namespace with another
// label was changed by somebody since: it is named, and stays as it is. It returns an error if the connection of the Plan
// cannot be written for a shell, and those of w.
func WriteUndo(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := script.KubectlCommand(p.Source)
	if err != nil {
		return fmt.Errorf("writing the undo script: %w; write manifests instead (-o manifest)", err)
	}
	var b, body bytes.Buffer
	undone, kept := 0, 0
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if OutcomeOf(ns, opts.Stage) != OutcomeToLabel {
			continue
		}
		if ns.ObjectNotRead {
			script.Comment(&body, "%s: not put back, its labels were not read", ns.Name)
			kept++
			continue
		}
		back, lasting := labelReversals(ns, opts.Stage)
		for _, text := range lasting {
			script.Comment(&body, "%s: %s", ns.Name, text)
		}
		if len(back) == 0 {
			kept++
			continue
		}
		writeUndoCall(&body, ns.Name, back)
		undone++
	}
	b.WriteString("#!/bin/sh\n")
	script.Comment(&b, "Puts back what the script with these labels changes: %s.", labelsTitle(p, opts))
	script.Comment(&b, "%s to put back, %d not.", english.Count(undone, "namespace", "namespaces"), kept)
	script.Comment(&b, "It ends at the first failure and can be run again. Namespaces that somebody changed since are left as they are and named.")
	script.Comment(&b, "Review every line before you run it.")
	b.WriteString(script.Preamble(p.Source, kubectl))
	fmt.Fprintf(&b, undoFunction, kubectl, getNamespaceCommand(kubectl, `"--field-selector=metadata.name=$name"`, `"--selector=$before"`))
	b.Write(body.Bytes())
	b.WriteString("\nexit \"$left\"\n")
	_, err = w.Write(b.Bytes())
	return err
}

// undoFunction is a shell function. It takes the name of a namespace, the label selectors that the namespace meets as the
// script leaves it and as it was before, and the label arguments for kubectl. The selector makes kubectl write only to a
// namespace that is as the script leaves it.
const undoFunction = `left=0
undo() {
	name=$1 written=$2 before=$3
	shift 3
	%s label --overwrite namespace "--field-selector=metadata.name=$name" "--selector=$written" "$@"
	found=$(%s)
	if [ -z "$found" ]; then
		echo "$name: left as it is: it is gone, or its labels are neither what the script wrote nor what they were before" >&2
		left=1
	fi
}

`

// labelReversal is the change that reverts one label of a namespace.
type labelReversal struct {
	written Label
	// was is the value before the script, and before what it becomes; there is false where there was no label and it is
	// removed.
	was, before string
	there       bool
}

// labelReversals returns the changes of namespace labels that revert the labels of the stage, and sentences about
// labels that cannot be reverted. No API server takes an invalid value any more once it is repaired: the label becomes
// what the server took it for.
func labelReversals(ns *migrate.Namespace, stage Stage) (back []labelReversal, lasting []string) {
	for _, l := range ChangedLabels(ns, stage) {
		value, there := ns.LabelValue(l.Key)
		c := labelReversal{l, value, value, there}
		if there && !validLabel(Label{l.Key, value}) {
			c.before = ServerValueForInvalid(l.Key)
			text := fmt.Sprintf("%s was %s, which is invalid and is not put back: ", l.Key, strconv.QuoteToASCII(value))
			if c.before == l.Value || !stage.includes(l.Key) {
				lasting = append(lasting, text+"it stays "+l.Value)
				continue
			}
			lasting = append(lasting, text+"it becomes "+c.before+", which the server took it for")
		}
		back = append(back, c)
	}
	return back, lasting
}

// priorSelector returns what the kubectl selector of the undo script asks of a label that is as it was, or as it is
// reverted to.
func (c labelReversal) priorSelector() string {
	if c.was == c.before || len(validation.IsValidLabelValue(c.was)) > 0 {
		return c.written.Key + "=" + c.before
	}
	return c.written.Key + " in (" + c.was + "," + c.before + ")"
}

// writeUndoCall writes one call of the shell function undo, which reverts labels of a namespace.
func writeUndoCall(b *bytes.Buffer, name string, back []labelReversal) {
	written, before, words := make([]Label, len(back)), make([]string, len(back)), make([]string, len(back))
	for i, c := range back {
		written[i] = c.written
		if c.there {
			before[i], words[i] = c.priorSelector(), c.written.Key+"="+c.before
		} else {
			before[i], words[i] = "!"+c.written.Key, c.written.Key+"-"
		}
		words[i] = escape.Shell(words[i])
	}
	fmt.Fprintf(b, "undo %s %s %s %s\n", name, escape.Shell(labelSelector(written)), escape.Shell(strings.Join(before, ",")), strings.Join(words, " "))
}
