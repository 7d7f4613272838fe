package html

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/handover"
)

// mostDrawn is how many nodes the graph of a table may have to be drawn whole. Above it a page shows what is around one policy.
const mostDrawn = 200

// Measures of the graph of an HTML report, in units of its picture.
const (
	graphWidth  = 1160
	nodeWidth   = 232
	nodeHeight  = 24
	nodeStep    = 32
	graphTop    = 36
	graphMargin = 2 // around, for the lines of the outermost nodes
	nodeLetters = 28
)

// graphColumns are the columns of a table whose way from the one to the next an HTML report draws, by their IDs.
func graphColumns() []string { return []string{"policy", "binding", "account", "namespace"} }

// graph is the picture of the ways from policies over bindings and accounts to namespaces: what the rows of its table say.
type graph struct {
	Titles []string
	Nodes  []*node
	Edges  []*edge

	columns []int
	table   *handover.Table
}

// node is one name in one column of a graph; Row is the anchor that a click leads to.
type node struct {
	Number, Column int
	Name, Row      string
	X, Y           int

	place float64
}

// edge leads from a node of a graph to one of the next column that a row has beside it.
type edge struct{ From, To *node }

// newGraph returns the graph of a table that has its four columns; nil for other tables and for a table without rows.
func newGraph(t *handover.Table) *graph {
	g := &graph{table: t}
	for _, id := range graphColumns() {
		at := slices.IndexFunc(t.Columns, func(c handover.Column) bool { return c.ID == id })
		if at < 0 {
			return nil
		}
		g.columns = append(g.columns, at)
		g.Titles = append(g.Titles, t.Columns[at].Title)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	g.connect()
	g.order()
	return g
}

// Drawn reports whether a graph is small enough to be drawn whole.
func (g *graph) Drawn() bool { return len(g.Nodes) <= mostDrawn }

// nodeKey finds a node of a graph.
type nodeKey struct {
	column int
	name   string
}

// connect makes the nodes and the edges of a graph from the rows of its table.
func (g *graph) connect() {
	nodes, edges := map[nodeKey]*node{}, map[[2]int]bool{}
	for i := range g.table.Rows {
		var before []*node
		for column := range g.columns {
			here := g.nodesOf(nodes, &g.table.Rows[i], column)
			for _, from := range before {
				for _, to := range here {
					if key := [2]int{from.Number, to.Number}; !edges[key] {
						edges[key] = true
						g.Edges = append(g.Edges, &edge{from, to})
					}
				}
			}
			before = here
		}
	}
}

// nodesOf returns the nodes for the names that a row has in one column of a graph, and makes those that are missing. A name that is no
// row of another table leads to the row that names it first.
func (g *graph) nodesOf(nodes map[nodeKey]*node, r *handover.Row, column int) []*node {
	c := &r.Cells[g.columns[column]]
	if c.Text == "" {
		return nil
	}
	names := namesIn(c)
	if len(c.Rows) == 0 || names == nil {
		names = []string{c.Text}
	}
	var found []*node
	for i, name := range names {
		key := nodeKey{column, name}
		if nodes[key] == nil {
			n := &node{Number: len(g.Nodes), Column: column, Name: name, Row: r.ID}
			if i < len(c.Rows) && c.Rows[i] != "" {
				n.Row = c.Rows[i]
			}
			nodes[key] = n
			g.Nodes = append(g.Nodes, n)
		}
		found = append(found, nodes[key])
	}
	return found
}

// order gives the nodes of a graph their places: in each column by the mean place of what they are connected with, so that few
// edges cross. The table's own order breaks ties, so that the same table gives the same picture.
func (g *graph) order() {
	byColumn := make([][]*node, len(g.columns))
	for _, n := range g.Nodes {
		byColumn[n.Column] = append(byColumn[n.Column], n)
	}
	left, right := map[*node][]*node{}, map[*node][]*node{}
	for _, e := range g.Edges {
		left[e.To] = append(left[e.To], e.From)
		right[e.From] = append(right[e.From], e.To)
	}
	spread(byColumn)
	for range 4 {
		for column := 1; column < len(byColumn); column++ {
			sortByNeighbours(byColumn[column], left)
		}
		for column := len(byColumn) - 2; column >= 0; column-- {
			sortByNeighbours(byColumn[column], right)
		}
	}
	g.place(byColumn)
}

// spread places the nodes of every column of a graph evenly between 0 and 1.
func spread(byColumn [][]*node) {
	for _, nodes := range byColumn {
		for i, n := range nodes {
			n.place = (float64(i) + 0.5) / float64(len(nodes))
		}
	}
}

// sortByNeighbours sorts one column of a graph by the mean place of the nodes that each is connected with.
func sortByNeighbours(nodes []*node, neighbours map[*node][]*node) {
	mean := map[*node]float64{}
	for _, n := range nodes {
		mean[n] = n.place
		if around := neighbours[n]; len(around) > 0 {
			sum := 0.0
			for _, other := range around {
				sum += other.place
			}
			mean[n] = sum / float64(len(around))
		}
	}
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(mean[a], mean[b]) })
	spread([][]*node{nodes})
}

// place computes where the nodes of a graph stand in its picture: each column in the middle of the height.
func (g *graph) place(byColumn [][]*node) {
	for column, nodes := range byColumn {
		top := graphTop + (g.longest()-len(nodes))*nodeStep/2
		for i, n := range nodes {
			n.X = g.Column(column)
			n.Y = top + i*nodeStep
		}
	}
	g.Nodes = slices.Concat(byColumn...)
}

// longest returns the number of nodes in the longest column of a graph.
func (g *graph) longest() int {
	count := make([]int, len(g.columns))
	for _, n := range g.Nodes {
		count[n.Column]++
	}
	return slices.Max(count)
}
