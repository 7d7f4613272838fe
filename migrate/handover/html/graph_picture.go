package html

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// View returns the part of the plane that the picture of a graph shows, as SVG writes it.
func (g *graph) View() string {
	return fmt.Sprintf("%d 0 %d %d", -graphMargin, graphWidth+2*graphMargin, graphTop+g.longest()*nodeStep)
}

// NodeWidth returns the width of one node in the picture of a graph.
func (g *graph) NodeWidth() int { return nodeWidth }

// NodeHeight returns the height of one node in the picture of a graph.
func (g *graph) NodeHeight() int { return nodeHeight }

// Column returns where a column of a graph begins in its picture.
func (g *graph) Column(i int) int { return i * (graphWidth - nodeWidth) / (len(g.columns) - 1) }

// Label returns the name of a node as its picture shows it: cut where it is too long.
func (n *node) Label() string {
	letters := []rune(escape.Visible(n.Name))
	if len(letters) > nodeLetters {
		return string(letters[:nodeLetters-1]) + "…"
	}
	return string(letters)
}

// Path returns the line of an edge in the picture of a graph: from the right side of one node to the left side of the other.
func (e *edge) Path() string {
	x1, y1, x2, y2 := e.From.X+nodeWidth, e.From.Y+nodeHeight/2, e.To.X, e.To.Y+nodeHeight/2
	middle := (x1 + x2) / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, middle, y1, middle, y2, x2, y2)
}

// graphData is what the script of an HTML report knows of a graph beside the rows of its table: which columns it shows, and where
// the script has to draw it, their names in the order in which they stand, as places in the pool.
type graphData struct {
	Columns []int   `json:"columns"`
	Order   [][]int `json:"order,omitempty"`
}

// data returns a graph for the script of an HTML report.
func (g *graph) data(p *pool) graphData {
	d := graphData{Columns: g.columns}
	if g.Drawn() {
		return d
	}
	d.Order = make([][]int, len(g.columns))
	for i := range d.Order {
		d.Order[i] = []int{}
	}
	for _, n := range g.Nodes {
		if at, ok := p.ofText[n.Name]; ok {
			d.Order[n.Column] = append(d.Order[n.Column], at)
		}
	}
	return d
}
