package html

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/handover"
)

// uses returns a table of ways to policies, one row for each line: policy, binding, account and namespace.
func uses(lines ...string) *handover.Table {
	t := &handover.Table{ID: "policy-use", Columns: []handover.Column{
		{ID: "policy", Title: "Policy", Kind: "name", Table: "policies"},
		{ID: "binding", Title: "Binding", Kind: "name"},
		{ID: "account", Title: "Account", Kind: "name"},
		{ID: "namespace", Title: "Namespace", Kind: "name", Table: "namespaces"},
	}}
	for i, line := range lines {
		row := handover.Row{ID: fmt.Sprintf("policy-use-%d", i+1)}
		for _, name := range strings.Fields(line) {
			row.Cells = append(row.Cells, handover.Cell{Text: name})
		}
		row.Cells[0].Rows = []string{"policies-" + strings.TrimPrefix(row.Cells[0].Text, "p")}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Names stand in the order of what they are connected with, so that lines cross seldom, and lead to their rows.
func TestGraph(t *testing.T) {
	t.Parallel()
	g := newGraph(uses("p1 b3 a1 n1", "p2 b1 a2 n2", "p3 b2 a3 n3", "p1 b4 a1 n1"))
	var got []string
	for _, n := range g.Nodes {
		got = append(got, fmt.Sprintf("%s %d %d %s", n.Name, n.X, n.Y, n.Row))
	}
	want := []string{
		"p1 0 52 policies-1", "p2 0 84 policies-2", "p3 0 116 policies-3",
		"b3 309 36 policy-use-1", "b4 309 68 policy-use-4", "b1 309 100 policy-use-2", "b2 309 132 policy-use-3",
		"a1 618 52 policy-use-1", "a2 618 84 policy-use-2", "a3 618 116 policy-use-3",
		"n1 928 52 policy-use-1", "n2 928 84 policy-use-2", "n3 928 116 policy-use-3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(g.Edges) != 11 || g.View() != "-2 0 1164 164" {
		t.Errorf("%d edges, %s", len(g.Edges), g.View())
	}
}

// The names of a cell that lists several are nodes of their own, and a name without a row leads to the row that has it.
func TestGraphLists(t *testing.T) {
	t.Parallel()
	table := uses("p1 b1 a1 n1")
	table.Rows[0].Cells[3] = handover.Cell{Text: "n1, n2", Rows: []string{"namespaces-7", ""}}
	g := newGraph(table)
	rows := map[string]string{}
	for _, n := range g.Nodes {
		rows[n.Name] = n.Row
	}
	if rows["n1"] != "namespaces-7" || rows["n2"] != "policy-use-1" || len(g.Edges) != 4 {
		t.Errorf("%v, %d edges", rows, len(g.Edges))
	}
}

// Other tables have no picture, nor has a table without rows.
func TestNoGraph(t *testing.T) {
	t.Parallel()
	other := uses("p1 b1 a1 n1")
	other.Columns = slices.Clone(other.Columns)
	other.Columns[2].ID = "other"
	if newGraph(other) != nil || newGraph(uses()) != nil {
		t.Error("a picture of nothing")
	}
}

// A picture of more than 200 names is left to the script, which has the order of the names.
func TestLargeGraph(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("p%d b%d a%d n%d", i%3, i, i, i))
	}
	g := newGraph(uses(lines...))
	if g.Drawn() {
		t.Errorf("%d names are drawn", len(g.Nodes))
	}
	p := newPool()
	for _, row := range g.table.Rows {
		for _, c := range row.Cells {
			p.text(c.Text)
		}
	}
	if d := g.data(p); len(d.Order) != 4 || len(d.Order[0]) != 3 || len(d.Order[3]) != 100 {
		t.Errorf("got %v", d.Order)
	}
}
