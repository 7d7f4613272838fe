package labels

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// WriteCommands writes a POSIX shell script: for each namespace whose labels would change one kubectl command on one line, below
// comments that say why, or two where invalid labels beside the stage's own are repaired; for each other namespace a comment alone. Whatever the Plan holds, the script runs
// kubectl with these arguments and nothing else.
func WriteCommands(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := phrases.KubectlCommand(p.Source)
	if err != nil {
		return fmt.Errorf("writing label commands: %w; write manifests instead (-o manifest)", err)
	}
	var b bytes.Buffer
	writeScriptHeader(&b, p, opts)
	b.WriteString(script.Preamble(p.Source, kubectl))
	for i := range p.Namespaces {
		b.WriteString("\n")
		writeNamespaceCommand(&b, &p.Namespaces[i], opts.Stage, kubectl)
	}
	_, err = w.Write(b.Bytes())
	return err
}

func writeScriptHeader(b *bytes.Buffer, p *migrate.Plan, opts Options) {
	b.WriteString("#!/bin/sh\n")
	writeSummary(b, p, opts, "")
	writeComment(b, "It ends at the first failure and can be run again: what is labelled so already stays so.")
	writeComment(b, "Review every line before you run it.")
}

// writeSummary is what every form says first: what the labels are, how many namespaces get which treatment, and what is not known.
func writeSummary(b *bytes.Buffer, p *migrate.Plan, opts Options, what string) {
	writeComment(b, "%s%s.", labelsTitle(p, opts), what)
	writeComment(b, "%s.", outcomeSummary(p, opts.Stage))
	if len(p.Gaps) > 0 {
		writeComment(b, "%s could not be read or judged: no enforce label is written where that can change the level, unless --allow-partial was given.", phrases.CountNoun(len(p.Gaps), "thing", "things"))
	}
	for _, c := range p.Cautions {
		writeComment(b, "Caution: %s.", c)
	}
}

// labelsTitle says what the labels are for, at which stage, and where they come from.
func labelsTitle(p *migrate.Plan, opts Options) string {
	stage := ""
	if opts.Stage != StageAll {
		stage = ", stage " + string(opts.Stage)
	}
	return fmt.Sprintf("Pod Security labels for %s%s, from %s, by %s", p.TargetVersion, stage, phrases.SourcePhrase(p.Source), opts.Tool)
}

// outcomeSummary counts the namespaces by what is done to them.
func outcomeSummary(p *migrate.Plan, stage Stage) string {
	counts := map[Outcome]int{}
	for i := range p.Namespaces {
		counts[OutcomeOf(&p.Namespaces[i], stage)]++
	}
	text := phrases.CountNoun(len(p.Namespaces), "namespace", "namespaces")
	for i, o := range []Outcome{OutcomeToLabel, OutcomeUnchanged, OutcomeOwned, OutcomeSkipped, OutcomeRefused} {
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

// writeNamespaceCommand writes what there is to say of a namespace, and the command below it if there is one.
func writeNamespaceCommand(b *bytes.Buffer, ns *migrate.Namespace, stage Stage, kubectl string) {
	writeComments(b, namespaceRemarks(ns, stage))
	switch OutcomeOf(ns, stage) {
	case OutcomeOwned:
		if showsOwnerSnippets(ns) {
			return
		}
		writeComment(b, "  %s", labelArguments(WantedLabels(ns, stage)))
		writeComment(b, "  as YAML: -o manifest -n %s%s", ns.Name, stageFlag(stage))
		return
	case OutcomeToLabel:
	default:
		return
	}
	if ns.ObjectNotRead {
		writeComment(b, "  its labels were not read: without --overwrite kubectl changes none that is there, but refuses, and the script ends there")
		// An older kubectl refuses a label that is there with this very value, too.
		fmt.Fprintf(b, "[ -n \"$(%s)\" ] || ", getNamespaceCommand(kubectl, escape.Shell("--field-selector=metadata.name="+ns.Name), escape.Shell("--selector="+labelSelector(WantedLabels(ns, stage)))))
		fmt.Fprintf(b, "%s label namespace %s %s\n", kubectl, ns.Name, labelArguments(WantedLabels(ns, stage)))
		return
	}
	if as := invalidLabelSelector(ns, stage); as != "" {
		writeComment(b, "  the first command repairs all invalid labels in one write, if they are still as they were read")
		fmt.Fprintf(b, "%s label --overwrite namespace %s %s %s\n", kubectl, escape.Shell("--field-selector=metadata.name="+ns.Name), escape.Shell("--selector="+as), labelArguments(WantedLabels(ns, stage)))
	}
	fmt.Fprintf(b, "%s label --overwrite namespace %s %s\n", kubectl, ns.Name, labelArguments(StageLabels(ns, stage)))
}

func stageFlag(stage Stage) string {
	if stage == StageAll {
		return ""
	}
	return " --stage=" + string(stage)
}

// getNamespaceCommand is a command that prints the namespace if it is as the two words of a shell say, and nothing if it is not.
func getNamespaceCommand(kubectl, name, selector string) string {
	return kubectl + " get namespace --output=name " + name + " " + selector
}

// labelSelector is met by a namespace that has all of the labels.
func labelSelector(labels []Label) string {
	terms := make([]string, len(labels))
	for i, l := range labels {
		terms[i] = l.Key + "=" + l.Value
	}
	return strings.Join(terms, ",")
}

func labelArguments(labels []Label) string {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = escape.Shell(l.Key + "=" + l.Value)
	}
	return strings.Join(words, " ")
}

// writeComment writes one line that no shell reads, whatever it is made of.
func writeComment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}

func quoteASCII(s string) string { return strconv.QuoteToASCII(s) }
