package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// AnswersKind is the kind of a document of Answers.
const AnswersKind = "FleetGate"

// Answers are the answers of the gate on several clusters.
type Answers struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Clusters by name.
	Clusters []Answer `json:"clusters"`
}

// Answer is the answer of the gate on one of several clusters.
type Answer struct {
	// Name is the kubeconfig context.
	Name string `json:"name"`
	// Error says why the cluster could not be read; then there is no Result.
	Error  string       `json:"error,omitempty"`
	Result *gate.Result `json:"result,omitempty"`
}

// NewAnswers returns the answers of the gate on several clusters, by name. Two on one cluster are a *TwiceError, and
// several of them are joined.
func NewAnswers(answers []Answer) (*Answers, error) {
	a := &Answers{APIVersion: migrate.APIVersion, Kind: AnswersKind, Clusters: slices.AppendSeq([]Answer{}, slices.Values(answers))}
	slices.SortFunc(a.Clusters, func(x, y Answer) int { return cmp.Compare(x.Name, y.Name) })
	var twice []error
	byUID := map[string]string{}
	for _, one := range a.Clusters {
		if one.Result == nil || one.Result.Source.UID == "" {
			continue
		}
		uid := one.Result.Source.UID
		if other, ok := byUID[uid]; ok {
			twice = append(twice, &TwiceError{Names: [2]string{other, one.Name}, UID: uid})
			continue
		}
		byUID[uid] = one.Name
	}
	if len(twice) > 0 {
		return nil, errors.Join(twice...)
	}
	return a, nil
}

// status returns the answer of the gate on a cluster as a word for a table.
func (a *Answer) status() string {
	switch {
	case a.Result == nil:
		return "not read"
	case a.Result.Pass:
		return "ready"
	case len(a.Result.Reasons) > 0:
		return "not ready"
	}
	return "open questions"
}

// Names returns the names of the clusters that have reasons against the upgrade, of those that have open questions alone, and of those
// that could not be read.
func (a *Answers) Names() (notReady, open, unread []string) {
	for i := range a.Clusters {
		switch c := &a.Clusters[i]; {
		case c.Result == nil:
			unread = append(unread, c.Name)
		case len(c.Result.Reasons) > 0:
			notReady = append(notReady, c.Name)
		case len(c.Result.Unknown) > 0:
			open = append(open, c.Name)
		}
	}
	return notReady, open, unread
}

// AnswersDocument builds the table of the gate's answers on several clusters: for each the answer, and the names of the reasons and of the
// open questions.
func AnswersDocument(a *Answers, _ report.Options) *report.Document {
	table := &report.Table{Columns: []report.Column{
		{Title: "CLUSTER", Role: report.RoleName}, {Title: "UPGRADE", Role: report.RoleStatus}, {Title: "TO"}, {Title: "AGAINST IT"}, {Title: "NOT KNOWN"},
	}}
	var reasons report.List
	for i := range a.Clusters {
		c := &a.Clusters[i]
		to, against, open := "-", []string{}, []string{}
		if c.Result == nil {
			reasons.Items = append(reasons.Items, report.Item{Text: c.Name + ": " + c.Error})
		} else {
			to = c.Result.To
			for k := range c.Result.Reasons {
				against = append(against, c.Result.Reasons[k].ID)
			}
			for k := range c.Result.Unknown {
				open = append(open, c.Result.Unknown[k].ID)
			}
		}
		table.Rows = append(table.Rows, []string{c.Name, c.status(), to, cmp.Or(strings.Join(against, ", "), "-"), cmp.Or(strings.Join(open, ", "), "-")})
	}
	notReady, open, unread := a.Names()
	all := len(a.Clusters)
	d := &report.Document{OneLine: true, Blocks: []report.Block{table, report.Paragraph{
		fmt.Sprintf("Ready for the upgrade: %d of %s.", all-len(notReady)-len(open)-len(unread), english.Count(all, "cluster", "clusters")),
		"'gate --context NAME' has the objects and the commands of one.",
	}}}
	if len(reasons.Items) > 0 {
		d.Blocks = append(d.Blocks, report.Heading("NOT READ"), reasons)
	}
	return d
}
