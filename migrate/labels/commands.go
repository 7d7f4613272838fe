package labels

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// WriteCommands writes a POSIX shell script that labels namespaces with kubectl. For each namespace whose labels would
// change it has one command on one line, below comments that say why, or two where invalid labels beside the stage's own
// are repaired; for each other namespace it has a comment alone. Whatever the Plan holds, the script runs kubectl with
// these arguments and nothing else. It returns an error if the connection of the Plan cannot be written for a shell, and
// those of w.
func WriteCommands(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := script.KubectlCommand(p.Source)
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

// writeScriptHeader writes the comments at the head of a shell script of label commands.
func writeScriptHeader(b *bytes.Buffer, p *migrate.Plan, opts Options) {
	b.WriteString("#!/bin/sh\n")
	writeSummary(b, p, opts, "")
	script.Comment(b, "It ends at the first failure and can be run again: what is labelled so already stays so.")
	script.Comment(b, "Review every line before you run it.")
}

// writeSummary writes the comments at the head of every form of Pod Security labels: what the labels are for, how many
// namespaces get which treatment, and what is not known.
func writeSummary(b *bytes.Buffer, p *migrate.Plan, opts Options, what string) {
	script.Comment(b, "%s%s.", labelsTitle(p, opts), what)
	script.Comment(b, "%s.", outcomeSummary(p, opts.Stage))
	if p.Source.Redacted {
		script.Comment(b, "No object has these names: 'psp2pss unredact --key KEYFILE FILE' takes the pseudonyms back before it is used.")
	}
	if len(p.Gaps) > 0 {
		script.Comment(b, "%s could not be read or evaluated: no enforce label is written where that can change the level, unless --allow-partial was given.", english.Count(len(p.Gaps), "thing", "things"))
	}
	for _, c := range p.Cautions {
		script.Comment(b, "Caution: %s.", c)
	}
}

// labelsTitle returns the first comment line on what the Pod Security labels are for, at which stage, and where they
// come from.
func labelsTitle(p *migrate.Plan, opts Options) string {
	stage := ""
	if opts.Stage != StageAll {
		stage = ", stage " + string(opts.Stage)
	}
	return fmt.Sprintf("Pod Security labels for %s%s, from %s, by %s", p.TargetVersion, stage, phrases.SourcePhrase(p.Source), opts.Tool)
}

// outcomeSummary returns the number of namespaces by what is done with their Pod Security labels.
func outcomeSummary(p *migrate.Plan, stage Stage) string {
	counts := map[Outcome]int{}
	for i := range p.Namespaces {
		counts[OutcomeOf(&p.Namespaces[i], stage)]++
	}
	text := english.Count(len(p.Namespaces), "namespace", "namespaces")
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

// writeNamespaceCommand writes the remarks on a namespace as comments, and below them the kubectl command that labels
// it, if there is one.
func writeNamespaceCommand(b *bytes.Buffer, ns *migrate.Namespace, stage Stage, kubectl string) {
	writeComments(b, namespaceRemarks(ns, stage))
	writeLabelCommand(b, ns, stage, kubectl)
}

// CommandLines returns the lines of a POSIX shell that label a namespace with kubectl, with comments where there is more to know;
// none where no command labels it. The kubectl command is that of script.KubectlCommand.
func CommandLines(ns *migrate.Namespace, stage Stage, kubectl string) []string {
	var b bytes.Buffer
	writeLabelCommand(&b, ns, stage, kubectl)
	if b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// writeLabelCommand writes the kubectl command that labels a namespace, if there is one, without the remarks on it.
func writeLabelCommand(b *bytes.Buffer, ns *migrate.Namespace, stage Stage, kubectl string) {
	switch OutcomeOf(ns, stage) {
	case OutcomeOwned:
		if showsOwnerSnippets(ns) {
			return
		}
		script.Comment(b, "  %s", labelArguments(WantedLabels(ns, stage)))
		script.Comment(b, "  as YAML: -o manifest -n %s%s", ns.Name, stageFlag(stage))
		return
	case OutcomeToLabel:
	default:
		return
	}
	if ns.ObjectNotRead {
		script.Comment(b, "  its labels were not read: without --overwrite kubectl changes none that is there, but refuses, and the script ends there")
		// An older kubectl refuses a label that is there with this very value, too.
		fmt.Fprintf(b, "[ -n \"$(%s)\" ] || ", getNamespaceCommand(kubectl, escape.Shell("--field-selector=metadata.name="+ns.Name), escape.Shell("--selector="+labelSelector(WantedLabels(ns, stage)))))
		fmt.Fprintf(b, "%s label namespace %s %s\n", kubectl, ns.Name, labelArguments(WantedLabels(ns, stage)))
		return
	}
	if as := invalidLabelSelector(ns, stage); as != "" {
		script.Comment(b, "  the first command repairs all invalid labels in one write, if they are still as they were read")
		fmt.Fprintf(b, "%s label --overwrite namespace %s %s %s\n", kubectl, escape.Shell("--field-selector=metadata.name="+ns.Name), escape.Shell("--selector="+as), labelArguments(WantedLabels(ns, stage)))
	}
	fmt.Fprintf(b, "%s label --overwrite namespace %s %s\n", kubectl, ns.Name, labelArguments(StageLabels(ns, stage)))
}

// stageFlag returns the command-line flag --stage for a stage of labels, with a space before it; "" for all stages.
func stageFlag(stage Stage) string {
	if stage == StageAll {
		return ""
	}
	return " --stage=" + string(stage)
}

// getNamespaceCommand returns a kubectl command of the label script that prints a namespace if it meets the field
// selector and the label selector, and nothing if it does not. Both are words of a shell.
func getNamespaceCommand(kubectl, name, selector string) string {
	return kubectl + " get namespace --output=name " + name + " " + selector
}

// labelSelector returns the kubectl selector for a namespace that has all of the Pod Security labels.
func labelSelector(labels []Label) string {
	terms := make([]string, len(labels))
	for i, l := range labels {
		terms[i] = l.Key + "=" + l.Value
	}
	return strings.Join(terms, ",")
}

// labelArguments returns Pod Security labels as arguments of 'kubectl label', quoted for a shell.
func labelArguments(labels []Label) string {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = escape.Shell(l.Key + "=" + l.Value)
	}
	return strings.Join(words, " ")
}
