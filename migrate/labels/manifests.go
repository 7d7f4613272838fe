package labels

import (
	"bytes"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// namespaceManifest is a Namespace with nothing but its Pod Security labels.
type namespaceManifest struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   namespaceMetadata `json:"metadata"`
}

// namespaceMetadata is the metadata of a namespaceManifest, with its labels.
type namespaceMetadata struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// WriteManifests writes one Namespace as YAML for each namespace that something is recommended for, with its Pod Security
// labels as they should be: what the stage writes, and what is there beside it. A document has all of a namespace's Pod
// Security labels, so one of the enforce stage repeats what was observed before. Whatever kubectl applies the documents,
// they remove nothing else: LeftOutOfManifests are not among them. What is left out, and all remarks, are comments. It
// returns the errors of w.
func WriteManifests(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := script.KubectlCommand(p.Source)
	if err != nil {
		kubectl = "kubectl"
	}
	var b bytes.Buffer
	writeSummary(&b, p, opts, ": Namespaces to merge into the manifests of a repository")
	script.Comment(&b, "To apply them as they are, when you have reviewed them, leave out --server-side:")
	script.Comment(&b, "  %s apply -f FILE", kubectl)
	return writeNamespaceManifests(w, &b, p, opts, kubectl, true)
}

// WriteServerSideApply writes the Namespaces of WriteManifests for a server-side apply, below comments with the command. It
// returns an error if the connection of the Plan cannot be written for a shell, and those of w.
func WriteServerSideApply(w io.Writer, p *migrate.Plan, opts Options) error {
	kubectl, err := script.KubectlCommand(p.Source)
	if err != nil {
		return fmt.Errorf("writing manifests to apply: %w; write them without the command (-o manifest)", err)
	}
	var b bytes.Buffer
	writeSummary(&b, p, opts, "")
	script.Comment(&b, "Apply them, when you have reviewed them, with")
	script.Comment(&b, "  %s apply --server-side --field-manager=psp2pss -f FILE", kubectl)
	script.Comment(&b, "It refuses a label to which another field manager gave another value; --force-conflicts takes that over.")
	return writeNamespaceManifests(w, &b, p, opts, kubectl, false)
}

// clientAppliedQuery returns, to apply labels by, a kubectl command that lists the namespaces of which kubectl has a
// record of what it applied.
func clientAppliedQuery(kubectl string) string {
	return "  " + kubectl + ` get namespace -o jsonpath='{range .items[?(@.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration)]}{.metadata.name}{"\n"}{end}'`
}

// writeNamespaceManifests writes the Namespace manifests with Pod Security labels, and the comments above them.
func writeNamespaceManifests(w io.Writer, b *bytes.Buffer, p *migrate.Plan, opts Options, kubectl string, merged bool) error {
	script.Comment(b, "%s", script.SameClusterNote(p.Source))
	script.Comment(b, "  %s", script.ClusterUIDCommand(kubectl))
	if n := len(leftOutNamespaces(p, opts.Stage, merged)); n > 0 {
		script.Comment(b, "%s left out, since applying these would take other labels and annotations away: see there.", english.Count(n, "namespace is", "namespaces are"))
	}
	script.Comment(b, "Take out, too, what was applied without --server-side since this was written; it is listed by")
	script.Comment(b, "%s", clientAppliedQuery(kubectl))
	script.Comment(b, "A namespace that was deleted since would be created again.")
	separator := "\n"
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		set := labelsAfterStage(ns, opts.Stage)
		if !merged && belongsToOwner(ns, opts.Stage) {
			b.WriteString("\n")
			writeComments(b, namespaceRemarks(ns, opts.Stage))
			writeBareLabels(b, ns, opts.Stage)
			continue
		}
		why := whyUnsafeToApply(ns, merged)
		if set == nil || why != "" {
			b.WriteString("\n")
			writeComments(b, namespaceRemarks(ns, opts.Stage))
			if set != nil {
				writeLeftOut(b, why, set)
			}
			continue
		}
		b.WriteString(separator)
		writeComments(b, namespaceRemarks(ns, opts.Stage))
		if ns.LabelOwner == migrate.OpenShiftLabelSyncer && OutcomeOf(ns, opts.Stage) == OutcomeOwned {
			set[migrate.OpenShiftSyncOptOutLabel] = "false"
		}
		if err := manifest.WriteYAML(b, namespaceManifest{"v1", "Namespace", namespaceMetadata{ns.Name, set}}); err != nil {
			return err
		}
		separator = "---\n"
	}
	if separator == "\n" {
		script.Comment(b, "no namespace is to be labelled")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeLeftOut writes comments that say why a Namespace manifest is left out, and which labels belong into its
// manifest.
func writeLeftOut(b *bytes.Buffer, why string, set map[string]string) {
	script.Comment(b, "  left out: %s. Put these labels into the manifest that it is made from, or use -o commands:", why)
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, ok := set[key]; ok {
			script.Comment(b, "    %s: %s", key, value)
		}
	}
}

// LeftOutOfManifests returns the namespaces with labels to write that WriteManifests leaves out.
func LeftOutOfManifests(p *migrate.Plan, stage Stage) []string {
	return leftOutNamespaces(p, stage, true)
}

// LeftOutOfApply returns the namespaces with labels to write that WriteServerSideApply leaves out.
func LeftOutOfApply(p *migrate.Plan, stage Stage) []string { return leftOutNamespaces(p, stage, false) }

// leftOutNamespaces returns the namespaces with labels to write for which a manifest is not safe.
func leftOutNamespaces(p *migrate.Plan, stage Stage, merged bool) []string {
	var names []string
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; labelsAfterStage(ns, stage) != nil && whyUnsafeToApply(ns, merged) != "" && (merged || !belongsToOwner(ns, stage)) {
			names = append(names, ns.Name)
		}
	}
	return names
}

// whyUnsafeToApply returns why applying a manifest of a Namespace may remove labels and annotations that are not ours;
// "" if it does not. kubectl compares with its record of what it applied, and removes what is in that and not in the
// manifest; from v1.26 on it does so with --server-side, too, whatever the field manager. An API server compares with
// what the same field manager has applied: manifests to merge have none of ours.
func whyUnsafeToApply(ns *migrate.Namespace, merged bool) string {
	switch {
	case ns.ClientApplied != nil && *ns.ClientApplied:
		return "'kubectl apply' without --server-side was used on it, and applying this would take away the labels and annotations that it has from there"
	case merged && ns.ServerApplied:
		return "'kubectl apply --server-side' was used on it, and with this it would take away the labels and annotations that it has from there"
	case ns.ClientApplied != nil:
		return ""
	case ns.ObjectNotRead:
		return "its Namespace object was not read, and if 'kubectl apply' was used on it, applying this would take away the labels and annotations that it has from there"
	}
	return "a manifest was read, and not what is on the server: if 'kubectl apply' was used with it, applying this would take away its other labels and annotations"
}

// labelsAfterStage returns the Pod Security labels of a namespace as they should be after the stage; nil where nothing
// is to be written. Whoever applies a document removes what an earlier one of theirs had and it does not, so what is
// there stays named, and the enforce stage has what the observe stage wrote.
func labelsAfterStage(ns *migrate.Namespace, stage Stage) map[string]string {
	if !WhyRefused(ns).IsZero() || len(WantedLabels(ns, stage)) == 0 {
		return nil
	}
	if stage == StageEnforce {
		stage = StageAll
	}
	set := map[string]string{}
	for _, l := range WantedLabels(ns, stage) {
		set[l.Key] = l.Value
	}
	for _, key := range inventory.PodSecurityLabelKeys() {
		have := Label{key, ns.CurrentLabels.Get(key)}
		if _, ok := set[key]; !ok && have.Value != "" && validLabel(have) {
			set[key] = have.Value
		}
	}
	return set
}
