package report

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// VerificationStatus is what one check of a roll-out, or all of them together, came to, as formats for programs of a report
// have it: "ok", "not ok" or "could not tell".
type VerificationStatus string

// word returns the status as people read it in the report, and in every other: unknown is what could not be told.
func (s VerificationStatus) word() string {
	if s == "could not tell" {
		return "unknown"
	}
	return string(s)
}

// Verification is what verifying a roll-out found on the cluster, in the form in which it is reported.
type Verification struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Status is the worst of the results.
	Status  VerificationStatus   `json:"status"`
	Results []VerificationResult `json:"results"`
}

// VerificationResult is what a report shows that one check of a roll-out found in a namespace, or of one workload in
// it.
type VerificationResult struct {
	// Namespace is empty for what concerns none, such as a broken line of an audit log.
	Namespace string `json:"namespace"`
	Check     string `json:"check"`
	// Workload is kind/name, empty for the namespace as a whole.
	Workload string             `json:"workload,omitempty"`
	Status   VerificationStatus `json:"status"`
	Why      message.Message    `json:"why"`
}

// VerificationDocument builds the report on verifying a roll-out: a table of the results, each on one line unless it goes
// to a terminal.
func VerificationDocument(v *Verification, opts Options) *Document {
	if opts.Width > 0 {
		return narrowVerificationDocument(v)
	}
	t := &Table{Columns: []Column{{"NAMESPACE", RoleName}, {"CHECK", RoleText}, {"WORKLOAD", RoleName}, {"STATUS", RoleStatus}, {"WHY", RoleText}}}
	for _, r := range v.Results {
		t.Rows = append(t.Rows, []string{r.Namespace, r.Check, r.Workload, r.Status.word(), r.Why.Text})
	}
	return &Document{OneLine: true, Blocks: []Block{t}}
}

// narrowVerificationDocument builds the report on verifying a roll-out for a terminal: the reason has the room of the
// workload, which stands before it, and labels of Pod Security are named without their prefix.
func narrowVerificationDocument(v *Verification) *Document {
	t := &Table{Columns: []Column{{"NAMESPACE", RoleName}, {"CHECK", RoleText}, {"STATUS", RoleStatus}, {"WHY", RoleText}}}
	for _, r := range v.Results {
		why := strings.ReplaceAll(r.Why.Text, podSecurityLabelPrefix, "")
		if r.Workload != "" {
			why = r.Workload + ": " + why
		}
		t.Rows = append(t.Rows, []string{orDash(r.Namespace), r.Check, r.Status.word(), why})
	}
	return &Document{Blocks: []Block{t}}
}

// podSecurityLabelPrefix begins the keys of the labels of Pod Security.
const podSecurityLabelPrefix = "pod-security.kubernetes.io/"

// VerificationNames writes the names of what verifying a roll-out found not ok, one a line, for scripts. It returns the
// error of writing.
func VerificationNames(w io.Writer, v *Verification, _ Options) error {
	var b bytes.Buffer
	for _, name := range v.NamesNotOK() {
		b.WriteString(escape.Lines(escape.Terminal(name)) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// NamesNotOK returns, for a report, the names of what a verification of a roll-out found not ok: NAMESPACE/KIND/NAME of
// workloads, namespace/NAME where it is the namespace itself, and KIND/NAME of what is in none; sorted.
func (v *Verification) NamesNotOK() []string {
	var names []string
	for _, r := range v.Results {
		switch {
		case r.Status != "not ok":
		case r.Workload == "":
			names = append(names, "namespace/"+r.Namespace)
		case r.Namespace == "":
			names = append(names, r.Workload)
		default:
			names = append(names, r.Namespace+"/"+r.Workload)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
