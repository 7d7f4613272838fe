// Package phrases owns the phrases for parts of a Plan (a decision, a source, a position) that several renderers use,
// so that a comment in a script and a cell in a table say it alike. It takes parts of a Plan and returns one line of
// text, escaped for a terminal. It never decides anything and never writes.
package phrases

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ObjectName returns the phrase for an object as kubectl names it: "deployment/api", "psp/web". It is escaped for a
// terminal.
func ObjectName(kind, name string) string { return escape.Terminal(strings.ToLower(kind) + "/" + name) }

// CountNoun returns the phrase "1 policy" or "3 policies".
func CountNoun(n int, one, many string) string { return english.Count(n, one, many) }

// JoinFirst returns the phrase of the first few of a list and the number of the rest: "a, b and 3 more".
func JoinFirst(names []string, most int) string { return english.First(names, most) }

// DecisionPhrase returns the phrase on what decided the enforce level of a namespace; "" if nothing is recommended.
func DecisionPhrase(ns *migrate.Namespace) string {
	d := ns.DecidedBy
	switch {
	case d == nil:
		return ""
	case d.Basis == migrate.BasisOverride:
		return "--enforce"
	case d.Workload != nil && d.Policy != "":
		return ObjectName(d.Workload.Kind, d.Workload.Name) + ", " + ObjectName("psp", d.Policy)
	case d.Workload != nil:
		return ObjectName(d.Workload.Kind, d.Workload.Name)
	case d.Policy != "" && d.Basis == migrate.BasisEmpty:
		return EmptyNamespacePhrase(ns) + ", " + ObjectName("psp", d.Policy)
	case d.Policy != "":
		return ObjectName("psp", d.Policy)
	case d.Basis == migrate.BasisEmpty:
		return EmptyNamespacePhrase(ns)
	}
	return "all workloads"
}

// EmptyNamespacePhrase returns the phrase that no workload of a namespace is known. Where a gap touches the namespace
// something may run all the same.
func EmptyNamespacePhrase(ns *migrate.Namespace) string {
	switch {
	case len(ns.Workloads) > 0:
		return "nothing checked runs" // all of it is exempt
	case ns.HasUncertainPart(inventory.PartWorkloads):
		return "nothing read"
	}
	return "nothing runs"
}

// DecisionReason returns the phrase on what decided the enforce level, as the rest of a sentence about the level.
func DecisionReason(ns *migrate.Namespace) string {
	switch d := ns.DecidedBy; {
	case d == nil:
		return ""
	case d.Basis == migrate.BasisOverride:
		return "as asked for with --enforce"
	case d.Basis == migrate.BasisEmpty && d.Workload == nil:
		there := "nothing runs there"
		switch {
		case len(ns.Workloads) > 0:
			there = "nothing that Pod Security checks runs there"
		case ns.HasUncertainPart(inventory.PartWorkloads):
			there = "nothing that runs there was read"
		}
		if d.Policy == "" {
			return there
		}
		return "decided by " + ObjectName("psp", d.Policy) + ", since " + there
	case d.Workload == nil && d.Policy == "":
		return "which all workloads meet"
	}
	return "decided by " + DecisionPhrase(ns)
}

// CurrentLabel returns the phrase for the value of a namespace's label as it was read, in quotes where it is empty; ""
// where there is no such label.
func CurrentLabel(ns *migrate.Namespace, key string) string {
	value, there := ns.LabelValue(key)
	if there && value == "" {
		return `""`
	}
	return value
}

// ExemptionPhrase returns the phrase on what exempts the pods of a workload from Pod Security Admission; it is escaped
// for a terminal.
func ExemptionPhrase(e *migrate.Exemption) string {
	var by []string
	if e.RuntimeClass != "" {
		by = append(by, "by the runtime class "+escape.Terminal(e.RuntimeClass))
	}
	if e.Username != "" {
		by = append(by, "by the user "+escape.Terminal(e.Username)+", which creates its pods")
	}
	return strings.Join(by, ", and ")
}

// BlockersPhrase returns the phrase on what keeps a namespace from the next stricter level; "" if nothing does.
func BlockersPhrase(ns *migrate.Namespace) string {
	checks, workloads := map[string]bool{}, map[migrate.WorkloadRef]bool{}
	for _, b := range ns.Blockers {
		checks[b.Check] = true
		for _, w := range b.Workloads {
			workloads[w] = true
		}
	}
	if len(checks) == 0 {
		return ""
	}
	text := fmt.Sprintf("%d checks", len(checks))
	if len(checks) == 1 {
		text = escape.Terminal(ns.Blockers[0].Check)
	}
	if len(workloads) > 1 {
		text += fmt.Sprintf(" in %d workloads", len(workloads))
	}
	return text
}

// NamesArePseudonyms is the end of the phrase on what a redacted plan was made from.
const NamesArePseudonyms = " (names are pseudonyms)"

// SourcePhrase returns the phrase on what a plan was made from, and that it is redacted: `context "prod" (server v1.21.14)`.
func SourcePhrase(s inventory.Source) string {
	if s.Redacted {
		return namedSource(s) + NamesArePseudonyms
	}
	return namedSource(s)
}

// namedSource returns the phrase on what a plan was made from.
func namedSource(s inventory.Source) string {
	name := ""
	if s.Name != "" {
		name = " " + escape.Terminal(s.Name)
	}
	switch s.Kind {
	case inventory.SourceDemo:
		return "the built-in demo cluster"
	case inventory.SourceFiles:
		return "files" + name
	case inventory.SourceSnapshot:
		if s.Of != "" {
			of := s
			of.Kind, of.Of = s.Of, ""
			return "the snapshot of " + namedSource(of)
		}
		return "snapshot" + name
	}
	text := "the cluster"
	switch {
	case s.Server != "":
		text = "the server " + escape.Terminal(s.Server)
	case s.Cluster != "":
		text = "cluster " + escape.Terminal(s.Cluster)
	case name != "":
		text = "context" + name
	}
	if s.Kind == inventory.SourceFilesAndCluster {
		text = "files and " + text
	}
	if s.ServerVersion != "" {
		text += " (server " + escape.Terminal(s.ServerVersion) + ")"
	}
	return text
}

// FileLine returns the phrase for a position: "file:line", with as much of it as is known; "" for what was not read
// from a file.
func FileLine(p pspparse.Position) string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return escape.Terminal(p.File)
	}
	return fmt.Sprintf("%s:%d", escape.Terminal(p.File), p.Line)
}

// LevelVersion returns the phrase for a level with its version, "baseline:v1.25", or the level alone where no version
// is set.
func LevelVersion(level, version string) string {
	if version == "" {
		return escape.Terminal(level)
	}
	return escape.Terminal(level + ":" + version)
}
