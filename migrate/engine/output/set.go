// Package output owns the forms in which the documents of a policy engine are handed over: one YAML stream, or a folder with a
// README. It takes a decision table with the documents made from it and returns text and files. It is pure: it writes no file,
// decides nothing about policies, and never talks to a cluster.
package output

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Set is one decision table with the documents that it became.
type Set struct {
	Table     *engine.Table
	Documents *cel.Documents
	Options   cel.Options
	// Source is what the plan was made from.
	Source inventory.Source
	// Tool is the name of this program, with its version.
	Tool string
	// Notes are what the command says beside: what follows from a plan that is not whole.
	Notes []string
}

// item is one document, with its place in the order of installation.
type item struct {
	cel.Document
	file string
	// text is the document as YAML.
	text []byte
	// group of its API, and set that the labels name by which it can be selected; "" for none.
	group, set string
	// revision that a dry run answers with; "" for none.
	revision string
}

// items returns the documents of the set in the order in which to apply them, with the names of their files. An error is one of
// encoding.
func (s *Set) items() ([]item, error) {
	documents := slices.Clone(s.Documents.Documents)
	slices.SortStableFunc(documents, func(a, b cel.Document) int { return cmp.Compare(a.Stage, b.Stage) })
	out := make([]item, 0, len(documents))
	digits := max(2, len(fmt.Sprint(len(documents))))
	stages := stageNumbers(documents)
	for i, d := range documents {
		var text bytes.Buffer
		if err := manifest.WriteYAML(&text, d.Object); err != nil {
			return nil, fmt.Errorf("writing the %s %q: %w", d.Kind, d.Name, err)
		}
		it := item{Document: d, text: text.Bytes(), file: fmt.Sprintf("%d-%0*d-%s", stages[d.Stage], digits, i+1, fileName(d))}
		if err := it.readMetadata(); err != nil {
			return nil, fmt.Errorf("writing the %s %q: %w", d.Kind, d.Name, err)
		}
		out = append(out, it)
	}
	return out, nil
}

// readMetadata sets what the metadata of the document says of its API and labels.
func (it *item) readMetadata() error {
	data, err := json.Marshal(it.Object)
	if err != nil {
		return err
	}
	var o struct {
		APIVersion string `json:"apiVersion"`
		Metadata   struct {
			Labels, Annotations map[string]string
		} `json:"metadata"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	if group, _, found := strings.Cut(o.APIVersion, "/"); found {
		it.group = group
	}
	it.revision = o.Metadata.Annotations[cel.RevisionAnnotation]
	if set := o.Metadata.Labels[cel.SetLabel]; o.Metadata.Labels[cel.ManagedByLabel] == cel.ManagedBy && len(validation.IsValidLabelValue(set)) == 0 {
		it.set = set
	}
	return nil
}

// stageNumbers returns the stages of documents, counted from 1.
func stageNumbers(documents []cel.Document) map[int]int {
	var stages []int
	for _, d := range documents {
		stages = append(stages, d.Stage)
	}
	slices.Sort(stages)
	out := map[int]int{}
	for i, stage := range slices.Compact(stages) {
		out[stage] = i + 1
	}
	return out
}

// fileName returns the name of a document's file behind its number. Names of API objects hold nothing that a file system or a shell
// would act on; a document from elsewhere may.
func fileName(d cel.Document) string {
	const most = 120
	name := strings.TrimSuffix(cmp.Or(d.File, strings.ToLower(d.Kind)+"-"+d.Name), ".yaml")
	if place, rest, found := strings.Cut(name, "-"); found && strings.Trim(place, "0123456789") == "" {
		name = rest // its place in a set; this is about all sets
	}
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return safe[:min(len(safe), most)] + ".yaml" // the number before it tells two apart
}

// kinds returns the kinds of the documents, each once, in their order.
func (s *Set) kinds() []string {
	var out []string
	for _, d := range s.Documents.Documents {
		if !slices.Contains(out, d.Kind) {
			out = append(out, d.Kind)
		}
	}
	return out
}

// has reports whether one of the documents has a kind.
func (s *Set) has(kind string) bool { return slices.Contains(s.kinds(), kind) }

// The kinds of documents that this package knows.
const (
	validatingPolicy  = "ValidatingAdmissionPolicy"
	validatingBinding = "ValidatingAdmissionPolicyBinding"
	mutatingPolicy    = "MutatingAdmissionPolicy"
	mutatingBinding   = "MutatingAdmissionPolicyBinding"
)

// isEmpty reports whether there is no document.
func (s *Set) isEmpty() bool { return len(s.Documents.Documents) == 0 }

// kubectl returns the kubectl command for the cluster that was read.
func (s *Set) kubectl() string {
	command, err := script.KubectlCommand(s.Source)
	if err != nil {
		return "kubectl" // the flags have characters that do not show
	}
	return command
}

// release returns the Kubernetes release that the documents are for.
func (s *Set) release() string { return fmt.Sprintf("v1.%d", s.Options.Minor) }

// title returns the phrase on what the set is: how many objects, for which release, from what.
func (s *Set) title() string {
	if s.isEmpty() {
		return fmt.Sprintf("nothing to add on Kubernetes %s, from %s", s.release(), phrases.SourcePhrase(s.Source))
	}
	return fmt.Sprintf("%s for Kubernetes %s, from %s", s.objects(), s.release(), phrases.SourcePhrase(s.Source))
}

// objects counts the documents by kind: "1 ValidatingAdmissionPolicy and 1 ValidatingAdmissionPolicyBinding".
func (s *Set) objects() string {
	var out []string
	for _, kind := range s.kinds() {
		n := 0
		for _, d := range s.Documents.Documents {
			if d.Kind == kind {
				n++
			}
		}
		out = append(out, english.Count(n, kind, plural(kind)))
	}
	return english.And(out)
}

// plural returns the plural of the kind of an API object.
func plural(kind string) string {
	if stem, found := strings.CutSuffix(kind, "y"); found {
		return stem + "ies"
	}
	return kind + "s"
}

// choices returns the sentences on what was chosen: the mode, who decides about grants, and what becomes of a pod.
func (s *Set) choices() []string {
	out := []string{modeSentence(s.Table.Mode)}
	if s.isEmpty() {
		return out
	}
	if s.Table.Mode != engine.RestrictedButFor {
		out = append(out, grantsSentence(s.Table.Grants))
	}
	return append(out, actionSentence(s.Options.Action))
}

// modeSentence returns the sentence on how much of PodSecurityPolicy admission a mode keeps.
func modeSentence(m engine.Mode) string {
	switch m {
	case engine.Continuity:
		return "Mode continuity: it does what PodSecurityPolicies did, whatever the labels of namespaces say."
	case engine.RestrictedButFor:
		return "Mode restricted-but-for: it adds to the enforce label of a namespace those checks of the next stricter level that what runs there meets."
	default:
		return "Mode delta: it adds to the enforce labels of namespaces what PodSecurityPolicies forbade and the labels do not. It writes nothing into pods."
	}
}

// grantsSentence returns the sentence on when it is decided who may use which policy.
func grantsSentence(g engine.Grants) string {
	if g == engine.StaticGrants {
		return "Grants static: who may use which policy is written into it as it was when the plan was made. Generate it again when roles or bindings change."
	}
	return "Grants dynamic: RBAC is asked who may use a policy when a pod is created. Roles and bindings with the verb use on podsecuritypolicies must stay, though no such policy is there any more."
}

// actionSentence returns the sentence on what becomes of a pod that is refused.
func actionSentence(a cel.Action) string {
	switch a {
	case cel.Deny:
		return "Action deny: a pod that it does not accept is refused."
	case cel.Audit:
		return "Action audit: nothing is refused. What would be is in the audit log."
	default:
		return "Action warn: nothing is refused. What would be gets a warning, and is in the audit log."
	}
}
