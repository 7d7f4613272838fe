// Package patch owns what a Plan means for the workloads in it: the edits that keep them running as they do today, and those
// that reach a stricter level, in the forms in which they can be applied. It takes a Plan, which may come from a file that
// anybody has written, and lets nothing out of it reach a shell or a manifest that is not a known security field of a
// workload with a valid name. It never talks to a cluster and decides no level.
package patch

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ValueSet says which values patches write into pod templates.
type ValueSet string

// SetKeep writes the values that are set by mutation today, so that nothing changes when they no longer are. SetRaise
// writes what a stricter level asks for.
const (
	SetKeep  ValueSet = "keep"
	SetRaise ValueSet = "raise"
)

// Options of PatchesFor and of the functions that write patches.
type Options struct {
	// Tool is named in the header, with its version.
	Tool string
	Set  ValueSet
	// Level to reach with SetRaise.
	Level api.Level
	// Only these workloads, whatever the case of their kinds; all if empty.
	Only []WorkloadRef
}

// WorkloadRef names a workload to patch by namespace, kind and name.
type WorkloadRef struct {
	Namespace, Kind, Name string
}

// matches reports whether two references name the same workload to patch, whatever the case of the kind.
func (r WorkloadRef) matches(other WorkloadRef) bool {
	return r.Namespace == other.Namespace && strings.EqualFold(r.Kind, other.Kind) && r.Name == other.Name
}

// Patch is what is to be written into the pod template of one workload. Applied again it changes nothing.
type Patch struct {
	WorkloadRef
	// APIVersion is the current one of the kind.
	APIVersion string
	// Values to write, in the order of the template.
	Values []TemplateValue
	// ManualReason says why the workload cannot be patched; it is zero if it can.
	ManualReason message.Message
	// Incomplete is true if the values alone do not reach the level: then they are listed, and not written.
	Incomplete bool
	// RevertedBy says who would revert a change that is not made at its source; it is zero if nobody would.
	RevertedBy message.Message
	// Remarks for the reader: on the level, on the source, on known components.
	Remarks []message.Message

	// template are the keys that lead to the pod template.
	template []string
	// templateParents are the objects that the template has on the way to its fields, by their path in the Plan.
	templateParents map[string]bool
}

// TemplateValue is one value that a patch writes into a pod template.
type TemplateValue struct {
	// Path within the template, and the name of the container in it, "" at the pod level.
	Path, Container string
	Value           json.RawMessage
	// Safety is safe or test for a value that raises the level, "" for one that is in force today.
	Safety string
	// Why gives the reason for the safety, or says what sets the value today.
	Why message.Message

	path templatePath
}

// PatchesFor returns a patch for each workload of a Plan that something is to be written or said about, in the order of the
// Plan. What no sound plan has is a patch with a ManualReason and no values. In a namespace that is being deleted there is
// nothing to patch.
func PatchesFor(p *migrate.Plan, o Options) []Patch {
	var out []Patch
	seen := map[WorkloadRef]bool{}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		for j := range ns.Workloads {
			w := &ns.Workloads[j]
			ref := WorkloadRef{ns.Name, w.Kind, w.Name}
			if len(o.Only) > 0 && !slices.ContainsFunc(o.Only, ref.matches) {
				continue
			}
			if ns.Terminating {
				if len(o.Only) > 0 {
					out = append(out, Patch{WorkloadRef: ref, ManualReason: message.New("patch-refused-terminating")})
				}
				continue
			}
			patch, ok := For(p, ns, w, o)
			if !ok {
				continue
			}
			if seen[ref] {
				patch = Patch{WorkloadRef: ref, ManualReason: message.New("patch-refused-twice")}
			}
			seen[ref] = true
			out = append(out, patch)
		}
	}
	return out
}

// MissingWorkloads returns those workloads of o.Only, named to be patched, that the plan does not have.
func MissingWorkloads(p *migrate.Plan, o Options) []WorkloadRef {
	return slices.DeleteFunc(slices.Clone(o.Only), func(want WorkloadRef) bool {
		return slices.ContainsFunc(p.Namespaces, func(ns migrate.Namespace) bool {
			return slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool { return want.matches(WorkloadRef{ns.Name, w.Kind, w.Name}) })
		})
	})
}

// For makes the patch of one workload; ok is false if there is nothing to write and nothing to say.
func For(p *migrate.Plan, ns *migrate.Namespace, w *migrate.Workload, o Options) (Patch, bool) {
	out := Patch{WorkloadRef: WorkloadRef{ns.Name, w.Kind, w.Name}, templateParents: map[string]bool{}}
	values, remarks, err := out.wantedValues(p, w, o)
	if err != nil {
		out.ManualReason = message.New("patch-refused-value", "error", err)
		return out, true
	}
	if len(values) == 0 && len(remarks) == 0 {
		return out, false
	}
	out.Values, out.Remarks = values, remarks
	if out.ManualReason = whyNameRefused(out.WorkloadRef); !out.ManualReason.IsZero() {
		return out, true
	}
	k, known := workloadKindOf(w.Kind)
	out.APIVersion, out.template = k.apiVersion, k.template
	out.ManualReason, out.RevertedBy = whyManual(ns, w, k, known), whoWouldRevert(w)
	if w.Template != nil {
		for _, parent := range w.Template.Parents {
			out.templateParents[parent] = true
		}
	}
	if out.IsApplicable() {
		out.Remarks = append(out.Remarks, k.remarks...)
	}
	if len(values) > 0 {
		out.Remarks = append(out.Remarks, chartRemarks(w)...)
	}
	return out, true
}

// wantedValues returns the values that a patch writes and remarks on them. It returns an error for values that no
// sound plan has.
func (p *Patch) wantedValues(plan *migrate.Plan, w *migrate.Workload, o Options) (values []TemplateValue, remarks []message.Message, err error) {
	if o.Set == SetKeep {
		return mutatedValues(w)
	}
	return p.raisingValues(plan, w, o.Level)
}
