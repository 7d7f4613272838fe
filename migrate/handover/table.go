package handover

import (
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The kinds of Column and Detail of a Report.
const (
	kindText     = "text"
	kindNumber   = "number"
	kindLevel    = "level"
	kindName     = "name"
	kindStatus   = "status"
	kindCommand  = "command"
	kindEvidence = "evidence"
	kindCode     = "code"
)

// The IDs of the tables of a Report that rows of others refer to.
const (
	namespacesTable = "namespaces"
	workloadsTable  = "workloads"
	policiesTable   = "policies"
)

// text, number and linked return a cell of a table of the Report: a text, a number, a text or number with the rows that it refers to.
func text(s string) Cell { return Cell{Text: s} }

func number(n int) Cell { return Cell{Number: n} }

func linked(s string, rows ...string) Cell { return Cell{Text: s, Rows: withRows(rows)} }

// withRows returns the row IDs of a cell of the Report; nil where none of them is one.
func withRows(rows []string) []string {
	for _, r := range rows {
		if r != "" {
			return rows
		}
	}
	return nil
}

// addRow adds a row to a table of the Report. Its ID is that of its place.
func (t *Table) addRow(detail []Detail, cells ...Cell) {
	t.Rows = append(t.Rows, Row{ID: rowID(t.ID, len(t.Rows)), Cells: cells, Detail: detail})
}

// detail returns, as one or no item, what a row of the table opens to under an ID of its Details; none without lines.
func (t *Table) detail(id string, lines []string) []Detail {
	if len(lines) == 0 {
		return nil
	}
	for _, d := range t.Details {
		if d.ID == id {
			return []Detail{{ID: d.ID, Title: d.Title, Kind: d.Kind, Lines: lines}}
		}
	}
	return nil
}

// yesNo returns "yes" or "no" for a cell of the Report.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// kubectlOf returns the kubectl command for the cluster that a Plan was made from, for commands of its Report.
func kubectlOf(s inventory.Source) string {
	command, err := script.KubectlCommand(s)
	if err != nil {
		return "kubectl"
	}
	return command
}
