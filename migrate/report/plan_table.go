package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

// mostLines is how many lines the report on a Plan has on a terminal at most: what a person looks through.
const mostLines = 60

// inTheWay returns the table cell on what stands in the way of the next level of a namespace.
func (r *planRow) inTheWay() string {
	text := r.before
	switch {
	case r.workload == "" && r.workloads > 0:
		text += english.Count(r.workloads, "workload", "workloads") + ": "
	case r.workloads > 1:
		text += fmt.Sprintf("%s +%d: ", r.workload, r.workloads-1)
	case r.workloads == 1:
		text += r.workload + ": "
	}
	text += r.why
	switch {
	case r.more > 0:
		text += fmt.Sprintf(" +%d", r.more)
	case r.more < 0:
		text += ", more"
	}
	parts := append([]string{text}, r.remarks...)
	if r.platform {
		parts = append(parts, "platform")
	}
	return strings.Join(parts, "; ")
}

// namesCell returns the table cell that names the namespaces of a line: one by its name, several by their number and
// what their names have in common.
func (r *planRow) namesCell() string {
	if len(r.names) == 1 {
		return r.names[0]
	}
	if prefix := namePrefix(r.names[0]); !slices.ContainsFunc(r.names, func(n string) bool { return namePrefix(n) != prefix }) {
		return fmt.Sprintf("%d named %s*", len(r.names), prefix)
	}
	return fmt.Sprintf("%d such as %s", len(r.names), r.names[0])
}

// namePrefix returns the beginning of a namespace's name up to its first dash; the whole name where there is none.
func namePrefix(name string) string {
	if at := strings.Index(name, "-"); at > 0 {
		return name[:at+1]
	}
	return name
}

// rowsTable returns the report's table of these lines.
func rowsTable(rows []planRow) *Table {
	t := &Table{Columns: []Column{{"NAMESPACE", RoleName}, {"TODAY", RoleLevel}, {"ENFORCE", RoleLevel}, {"IN THE WAY OF THE NEXT LEVEL", RoleText}}}
	for i := range rows {
		r := &rows[i]
		t.Rows = append(t.Rows, []string{r.namesCell(), r.today, r.enforce, r.inTheWay()})
	}
	return t
}

// fitted returns the report with as many lines for namespaces as a terminal of its width has room for: all; else those
// that are alike as one; else the worst of these, and the number of the others.
func (s *planScreen) fitted(rows []planRow) *Document {
	if s.opts.Width == 0 {
		return s.document(rowsTable(rows))
	}
	groups := rows
	for _, key := range append([]func(*planRow) string{nil}, rowKeys()...) {
		if key != nil {
			groups = groupRows(rows, key)
		}
		if len(groups) > mostLines {
			continue
		}
		if d := s.document(rowsTable(groups)); s.linesOver(d) <= 0 {
			return d
		}
	}
	cut := func(shown int) *Document {
		t := rowsTable(groups[:shown])
		if rest := groups[shown:]; len(rest) > 0 {
			t.Omitted = fmt.Sprintf("and %d more: -o wide or a pipe shows all", countNames(rest))
		}
		return s.document(t)
	}
	room := sort.Search(min(len(groups), mostLines), func(n int) bool { return s.linesOver(cut(n+1)) > 0 })
	return cut(max(room, 1))
}

// linesOver returns by how many lines the report is longer than a terminal should have it.
func (s *planScreen) linesOver(d *Document) int {
	var drawn bytes.Buffer
	if err := Text(&drawn, d, Options{Width: s.opts.Width}); err != nil {
		return 0 // it is met again where the report is drawn
	}
	return bytes.Count(drawn.Bytes(), []byte("\n")) - mostLines
}

// rowKeys returns what lines of the report that become one have in common, the finest first: all but the rest of the
// name; then not the workload; then not the beginning of the name; then not the number of checks, nor the remarks.
func rowKeys() []func(*planRow) string {
	key := func(r *planRow, more ...string) string {
		return strings.Join(append([]string{r.today, r.enforce, r.before, r.why, fmt.Sprint(r.platform)}, more...), "\x00")
	}
	says := func(r *planRow) string { return fmt.Sprint(r.more, r.remarks) }
	return []func(*planRow) string{
		func(r *planRow) string {
			return key(r, says(r), namePrefix(r.names[0]), r.workload, fmt.Sprint(r.workloads))
		},
		func(r *planRow) string { return key(r, says(r), namePrefix(r.names[0])) },
		func(r *planRow) string { return key(r, says(r)) },
		func(r *planRow) string { return key(r) },
	}
}

// groupRows returns the lines of the report with those of equal key as one, in the order of the table.
func groupRows(rows []planRow, key func(*planRow) string) []planRow {
	var groups []planRow
	at := map[string]int{}
	for i := range rows {
		r := &rows[i]
		k := key(r)
		g, known := at[k]
		if !known {
			at[k] = len(groups)
			group := *r
			group.names = slices.Clone(r.names)
			groups = append(groups, group)
			continue
		}
		groups[g].add(r)
	}
	slices.SortStableFunc(groups, func(a, b planRow) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(b.names), len(a.names)))
	})
	return groups
}

// add makes a line of the report about the namespaces of another as well. Where their workloads differ it has the number
// of all instead of a name, and it has no number of checks and no remarks that are not those of both.
func (r *planRow) add(other *planRow) {
	r.names = append(r.names, other.names...)
	if r.workload != other.workload || r.workload == "" || r.workloads != other.workloads {
		r.workload, r.workloads = "", r.workloads+other.workloads
	}
	if r.more != other.more {
		r.more = -1
	}
	if !slices.Equal(r.remarks, other.remarks) {
		r.remarks = nil
	}
}

// countNames returns the number of namespaces that lines of the report are about.
func countNames(rows []planRow) int {
	n := 0
	for i := range rows {
		n += len(rows[i].names)
	}
	return n
}
