package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// mostReasons is how many clusters that could not be read a table on a terminal says the reason of, one each.
const mostReasons = 20

// ClustersDocument builds the table of the clusters of a Fleet for people: the rows of the section "clusters" of its report, what the gate
// says of all, and why some could not be read.
func ClustersDocument(f *Fleet, o report.Options) *report.Document {
	r := Report(f, ReportOptions{Sections: []string{clustersSection}})
	t := r.Sections[0].Tables[0]
	table := &report.Table{Spare: []string{"READ AT", "ENFORCED TODAY", "GAPS", "POLICIES", "WORKLOADS", "WITHOUT"}}
	shown := 0
	for _, c := range t.Columns {
		if c.ID == "source" { // the last: how the cluster was read is in the report that is handed over
			break
		}
		shown++
		column := report.Column{Title: strings.ToUpper(c.Title)}
		switch c.Kind {
		case "name":
			column.Role = report.RoleName
		case "status":
			column.Role = report.RoleStatus
		}
		table.Columns = append(table.Columns, column)
	}
	for k, row := range t.Rows {
		var cells []string
		for i := range row.Cells[:shown] {
			text := cellText(t.Columns[i], row.Cells[i])
			if f.Clusters[k].Error != "" && t.Columns[i].Kind == "number" {
				text = "-" // nothing was counted
			}
			cells = append(cells, text)
		}
		table.Rows = append(table.Rows, cells)
	}
	d := &report.Document{OneLine: true, Blocks: []report.Block{table}}
	if o.NoHeaders {
		return d
	}
	d.Blocks = append(d.Blocks, report.Paragraph{r.Summary.Verdict.Text})
	var reasons report.List
	for i := range f.Clusters {
		if c := &f.Clusters[i]; c.Error != "" {
			reasons.Items = append(reasons.Items, report.Item{Text: c.Name + ": " + c.Error})
		}
	}
	if more := len(reasons.Items) - mostReasons; more > 0 {
		reasons.Items, reasons.Omitted = reasons.Items[:mostReasons], fmt.Sprintf("%s: -o fleet has all", english.Count(more, "more", "more"))
	}
	if len(reasons.Items) > 0 {
		d.Blocks = append(d.Blocks, report.Heading("NOT READ"), reasons)
	}
	return d
}

// cellText returns the text of a cell of the report on a Fleet; "-" for none.
func cellText(c handover.Column, cell handover.Cell) string {
	switch {
	case c.Kind == "number":
		return strconv.Itoa(cell.Number)
	case cell.Text == "":
		return "-"
	}
	return cell.Text
}
