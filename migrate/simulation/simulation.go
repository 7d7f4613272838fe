// Package simulation answers the question of "psp2pss simulate": which workloads one level of the Pod Security Standards would
// refuse, as written, as admitted by PodSecurityPolicy today, or after PSP is gone. It answers from an Inventory, or from a saved
// Plan as far as that holds the answer. It prints nothing and changes nothing.
package simulation

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/simulate/pss"

	"k8s.io/pod-security-admission/api"
)

// Form is the form of a workload's pods that is simulated against a level of the standards.
type Form string

// The forms: the template as its author wrote it; the pod as PSP admission makes it today; the pods after PSP is gone, when no
// policy writes anything into them.
const (
	AsWritten  Form = "as written"
	AsAdmitted Form = "as admitted"
	AfterPSP   Form = "after PSP"
)

// Request says which workloads are simulated in which form against which level of the Pod Security Standards.
type Request struct {
	Form  Form
	Level api.Level
	// Target is the version of the standards; the zero value is the Plan's own.
	Target api.Version
}

// Kind identifies the document that holds the Result of a simulation.
const Kind = "Simulation"

// Result is the result of a simulation: whether a level of the Pod Security Standards allows each workload.
type Result struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`

	Form    Form       `json:"form"`
	Level   string     `json:"level"`
	Version string     `json:"version"`
	Results []Workload `json:"results"`
}

// Workload is the result of a simulation for one workload: whether the level allows its pods, and why not.
type Workload struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	// AdmittedBy is the policy that admits it today, in the form as admitted.
	AdmittedBy string `json:"admittedBy,omitempty"`
	// Allowed says whether the level allows it; it means nothing where Unknown is set.
	Allowed bool `json:"allowed"`
	// Message is the text of Pod Security admission, empty where the workload is allowed.
	Message    string              `json:"message,omitempty"`
	Violations []migrate.Violation `json:"violations,omitempty"`
	// Estimated is true where the answer after PSP rests on what a policy is assumed to have set in the pods that were read.
	Estimated bool `json:"estimated,omitempty"`
	// Exempt says why Pod Security does not check it at all, by the admission configuration; then it is allowed.
	Exempt string `json:"exempt,omitempty"`
	// Unknown says why there is no answer.
	Unknown string `json:"unknown,omitempty"`
}

// InNamespaces returns the simulation of the workloads in the namespaces of a Plan; the whole is not changed.
func (r *Result) InNamespaces(plan *migrate.Plan) *Result {
	has := map[string]bool{}
	for i := range plan.Namespaces {
		has[plan.Namespaces[i].Name] = true
	}
	out := *r
	out.Results = slices.DeleteFunc(slices.Clone(r.Results), func(w Workload) bool { return !has[w.Namespace] })
	return &out
}

// Refused returns the workloads that the simulated level would refuse, or PodSecurityPolicy admission in the form as admitted, as
// "namespace/kind/name".
func (r *Result) Refused() []string {
	return r.names(func(w *Workload) bool { return !w.Allowed && w.Unknown == "" })
}

// NotKnown returns the workloads of which the simulation has no answer, as "namespace/kind/name".
func (r *Result) NotKnown() []string {
	return r.names(func(w *Workload) bool { return w.Unknown != "" })
}

// names returns the names of the simulated workloads for which a condition holds.
func (r *Result) names(holds func(*Workload) bool) []string {
	var out []string
	for i := range r.Results {
		if w := &r.Results[i]; holds(w) {
			out = append(out, w.Namespace+"/"+strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	return out
}

// The reasons why there is no answer.
const (
	mutatedPodsOnly = "only pods that a policy may have changed were read, not what their author wrote"
	partlyRead      = "its controller adds to what it says, and no pod of it was read"
	readAgain       = "read the source again instead of --plan"
)

// setViolations sets whether the simulated level allows the workload, and the text of the refusal.
func (w *Workload) setViolations(violations []pss.Violation) {
	w.Allowed = len(violations) == 0
	w.Message = pss.ViolationMessage(violations)
	for _, v := range violations {
		w.Violations = append(w.Violations, migrate.Violation(v))
	}
}

// withdrawIfPartial makes a simulated workload unknown instead of allowed if only a part of what its controller puts
// into pods was read.
func (w *Workload) withdrawIfPartial(partial bool, level api.Level) {
	if partial && w.Allowed && level != api.LevelPrivileged {
		w.Allowed, w.Unknown = false, partlyRead
	}
}

// exempt marks the simulated workloads that the admission configuration of a Plan exempts as allowed, whatever the
// level says to them.
func (r *Result) exempt(plan *migrate.Plan) {
	if plan.Admission == nil {
		return
	}
	reasons := exemptions(plan)
	for i := range r.Results {
		w := &r.Results[i]
		if r.Form == AsAdmitted && w.AdmittedBy == "" {
			continue // a policy refuses it, or none is known to admit it
		}
		if reason := reasons[[3]string{w.Namespace, w.Kind, w.Name}]; reason != "" {
			*w = Workload{Namespace: w.Namespace, Kind: w.Kind, Name: w.Name, AdmittedBy: w.AdmittedBy, Allowed: true, Exempt: reason}
		}
	}
}

// exemptions returns, for the simulation, why Pod Security does not check workloads of a Plan, by namespace, kind and
// name.
func exemptions(plan *migrate.Plan) map[[3]string]string {
	reasons := map[[3]string]string{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			key := [3]string{ns.Name, w.Kind, w.Name}
			switch {
			case ns.Exempt:
				reasons[key] = "by its namespace"
			case w.Exempt != nil:
				reasons[key] = phrases.ExemptionPhrase(w.Exempt)
			}
		}
	}
	return reasons
}
