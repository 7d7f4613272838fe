package labels

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Commands writes a POSIX shell script: for each namespace whose labels would change one kubectl command on one line,
// below comments that say why; for each other namespace a comment alone. Whatever the Plan holds, the script runs
// kubectl with these arguments and nothing else.
func Commands(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, ok := wording.Kubectl(p.Source)
	if !ok {
		return errors.New("writing label commands: the context name " + quoted(p.Source.Name) + " holds characters that do not show; write manifests instead (-o manifest)")
	}
	var b bytes.Buffer
	header(&b, p, opts)
	for i := range p.Namespaces {
		b.WriteString("\n")
		namespace(&b, &p.Namespaces[i], opts.Stage, kubectl)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func header(b *bytes.Buffer, p *migrate.Plan, opts Options) {
	b.WriteString("#!/bin/sh\n")
	comment(b, "%s.", title(p, opts))
	comment(b, "%s.", summary(p, opts.Stage))
	if len(p.Gaps) > 0 {
		comment(b, "%s could not be read or judged: no enforce label is written for a namespace that one touches, unless --allow-partial was given.", wording.Count(len(p.Gaps), "thing", "things"))
	}
	for _, c := range p.Cautions {
		comment(b, "Caution: %s.", c)
	}
	comment(b, "It ends at the first failure and can be run again: what is labelled so already stays so.")
	comment(b, "Review every line before you run it.")
	b.WriteString("set -eu\n")
}

// title says what the labels are for, at which stage, and where they come from.
func title(p *migrate.Plan, opts Options) string {
	stage := ""
	if opts.Stage != StageAll {
		stage = ", stage " + string(opts.Stage)
	}
	return fmt.Sprintf("Pod Security labels for %s%s, from %s, by %s", p.TargetVersion, stage, wording.Source(p.Source), opts.Tool)
}

// summary counts the namespaces by what is done to them.
func summary(p *migrate.Plan, stage Stage) string {
	counts := map[Outcome]int{}
	for i := range p.Namespaces {
		counts[OutcomeOf(&p.Namespaces[i], stage)]++
	}
	text := wording.Count(len(p.Namespaces), "namespace", "namespaces")
	for i, o := range []Outcome{ToChange, ToStay, ToOwner, ToSkip, ToRefuse} {
		if counts[o] == 0 {
			continue
		}
		sep := ", "
		if i == 0 || !strings.Contains(text, ":") {
			sep = ": "
		}
		text += fmt.Sprintf("%s%d %s", sep, counts[o], o)
	}
	return text
}

func namespace(b *bytes.Buffer, ns *migrate.Namespace, stage Stage, kubectl string) {
	switch OutcomeOf(ns, stage) {
	case ToRefuse:
		comment(b, "%s: refused, %s", quoted(ns.Name), Refused(ns))
		return
	case ToSkip:
		if len(Wanted(ns, StageAll)) > 0 {
			why(b, ns, stage)
			comment(b, "  there is nothing to write at this stage")
			return
		}
		comment(b, "%s: left alone, nothing is recommended", ns.Name)
		reasons(b, ns)
		return
	case ToStay:
		why(b, ns, stage)
		comment(b, "  the labels are already so")
		return
	case ToOwner:
		why(b, ns, stage)
		comment(b, "  %s writes this namespace and would undo a command: put these labels where it reads them (-o manifest -n %s%s):", ns.Owner, ns.Name, stageFlag(stage))
		comment(b, "  %s", arguments(Wanted(ns, stage)))
		return
	}
	why(b, ns, stage)
	if ns.Unread {
		comment(b, "  its labels were not read: without --overwrite kubectl changes none that is there, but refuses, and the script ends there")
		// An older kubectl refuses a label that is there with this very value, too.
		fmt.Fprintf(b, "[ -n \"$(%s)\" ] || ", get(kubectl, escape.Shell("--field-selector=metadata.name="+ns.Name), escape.Shell("--selector="+selector(Wanted(ns, stage)))))
		fmt.Fprintf(b, "%s label namespace %s %s\n", kubectl, ns.Name, arguments(Wanted(ns, stage)))
		return
	}
	fmt.Fprintf(b, "%s label --overwrite namespace %s %s\n", kubectl, ns.Name, arguments(Wanted(ns, stage)))
}

func stageFlag(stage Stage) string {
	if stage == StageAll {
		return ""
	}
	return " --stage=" + string(stage)
}

// get is a command that prints the namespace if it is as the two words of a shell say, and nothing if it is not.
func get(kubectl, name, selector string) string {
	return kubectl + " get namespace --output=name " + name + " " + selector
}

// selector is met by a namespace that has all of the labels.
func selector(labels []Label) string {
	terms := make([]string, len(labels))
	for i, l := range labels {
		terms[i] = l.Key + "=" + l.Value
	}
	return strings.Join(terms, ",")
}

// why is the comment above a command.
func why(b *bytes.Buffer, ns *migrate.Namespace, stage Stage) {
	level, rec := ns.Recommended.Enforce, ns.Recommended
	switch {
	case stage == StageObserve:
		comment(b, "%s: audit %s, warn %s", ns.Name, wording.LevelVersion(rec.Audit, rec.AuditVersion), wording.LevelVersion(rec.Warn, rec.WarnVersion))
	case HeldBack(ns):
		today, wanted := ns.Current.Enforce, level
		if today == wanted {
			today, wanted = today+":"+ns.Current.EnforceVersion, wanted+":"+ns.Recommended.EnforceVersion
		}
		comment(b, "%s: enforce stays %s; %s, %s, is looser than today: ask for it with --enforce=%s -n %s, or mend the workloads",
			ns.Name, quoted(today), wanted, wording.Because(ns), level, ns.Name)
	case level == "":
		comment(b, "%s: audit and warn only, no enforce: something that touches it could not be read", ns.Name)
	default:
		today := ""
		if ns.Current.Enforce != "" && ns.Current.Enforce != level {
			today = " (today: " + ns.Current.Enforce + ")"
		}
		comment(b, "%s: enforce %s, %s%s", ns.Name, level, wording.Because(ns), today)
	}
	if blocked := wording.Blocked(ns); blocked != "" {
		comment(b, "  %s is blocked by %s", wording.NextStricter(ns.Needed), blocked)
	}
	reasons(b, ns)
}

func reasons(b *bytes.Buffer, ns *migrate.Namespace) {
	for _, c := range ns.Cautions {
		comment(b, "  caution: %s", c)
	}
}

func arguments(labels []Label) string {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = escape.Shell(l.Key + "=" + l.Value)
	}
	return strings.Join(words, " ")
}

// comment writes one line that no shell reads, whatever it is made of.
func comment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}

func quoted(s string) string { return strconv.QuoteToASCII(s) }
