package labels

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Undo writes the POSIX shell script that takes back what the script of Commands did, be it all of it or a part: the
// labels of a namespace that are as that script writes them become what they were when the plan was read. A namespace of
// which one such label is neither this nor that was changed by somebody since: it is named, and stays as it is.
func Undo(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := wording.Kubectl(p.Source)
	if err != nil {
		return fmt.Errorf("writing the undo script: %w; write manifests instead (-o manifest)", err)
	}
	var b, body bytes.Buffer
	undone, kept := 0, 0
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if OutcomeOf(ns, opts.Stage) != ToChange {
			continue
		}
		if why := lasting(ns, opts.Stage); why != "" {
			comment(&body, "%s: not put back, %s", ns.Name, why)
			kept++
			continue
		}
		undo(&body, ns, opts.Stage)
		undone++
	}
	b.WriteString("#!/bin/sh\n")
	comment(&b, "Puts back what the script with these labels changes: %s.", title(p, opts))
	comment(&b, "%s to put back, %d not.", wording.Count(undone, "namespace", "namespaces"), kept)
	comment(&b, "It ends at the first failure and can be run again. Namespaces that somebody changed since are left as they are and named.")
	comment(&b, "Review every line before you run it.")
	b.WriteString(script.Begin(p.Source, kubectl))
	fmt.Fprintf(&b, undoFunction, kubectl, get(kubectl, `"--field-selector=metadata.name=$name"`, `"--selector=$before"`))
	b.Write(body.Bytes())
	b.WriteString("\nexit \"$left\"\n")
	_, err = w.Write(b.Bytes())
	return err
}

// undoFunction takes the name of a namespace, the selectors that it meets when it is as the script leaves it and as it was
// before, and what kubectl has to do to its labels. The selector is what makes kubectl write to no other than the first.
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

// undo writes one call.
func undo(b *bytes.Buffer, ns *migrate.Namespace, stage Stage) {
	written := Changed(ns, stage)
	before, words := make([]string, len(written)), make([]string, len(written))
	for i, l := range written {
		value, there := ns.Standing(l.Key)
		if there {
			before[i], words[i] = l.Key+"="+value, l.Key+"="+value
		} else {
			before[i], words[i] = "!"+l.Key, l.Key+"-"
		}
		words[i] = escape.Shell(words[i])
	}
	fmt.Fprintf(b, "undo %s %s %s %s\n", ns.Name, escape.Shell(selector(written)), escape.Shell(strings.Join(before, ",")), strings.Join(words, " "))
}

// labelValue is what a server takes for the value of any label.
var labelValue = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$`)

// lasting says why the labels cannot be put back; "" if they can.
func lasting(ns *migrate.Namespace, stage Stage) string {
	if ns.Unread {
		return "its labels were not read"
	}
	for _, l := range Changed(ns, stage) {
		if value, _ := ns.Standing(l.Key); !labelValue.MatchString(value) {
			return "the label " + l.Key + " was " + quoted(value) + ", which no label can be"
		}
	}
	return ""
}
