package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// ReportOptions are those of Report.
type ReportOptions struct {
	// Title, Client and Author are for the cover; a title is made up where none is given.
	Title, Client, Author string
	// Tool is the tool and its version, and Command the call that makes the report again.
	Tool, Command string
	// Sections are the IDs of the sections to have; all where there are none.
	Sections []string
}

// section is how one section of the report on a Fleet is made.
type section struct {
	id, title string
	build     func(*builder) (text []string, table *handover.Table)
}

// clustersSection is the ID of the section with a row for each cluster.
const clustersSection = "clusters"

// sections are all sections of the report on a Fleet, in their order. Each has one table of the same ID.
func sections() []section {
	return []section{
		{clustersSection, "Clusters", (*builder).clusters},
		{"fixes", "What serves most clusters", (*builder).fixes},
		{"policies", "Policies", (*builder).policies},
		{"namespaces", "Namespaces whose levels differ", (*builder).namespaces},
		{"upgrade", "The upgrade", (*builder).upgrade},
		{"unseen", "What could not be seen", (*builder).unseen},
	}
}

// SectionIDs returns the IDs of all sections of the report on a Fleet, in their order.
func SectionIDs() []string {
	var ids []string
	for _, s := range sections() {
		ids = append(ids, s.id)
	}
	return ids
}

// builder makes the sections of the report on one Fleet.
type builder struct {
	fleet *Fleet
	// names are what clusters are called in the report, and rows the IDs of their rows, in the order of the Fleet.
	names, rows []string
}

// Report returns the report on a Fleet: the same document as that on one cluster, with sections of its own.
func Report(f *Fleet, o ReportOptions) *handover.Report {
	b := &builder{fleet: f}
	named := map[string]int{}
	for i := range f.Clusters {
		named[f.Clusters[i].Name]++
	}
	for i := range f.Clusters {
		c := &f.Clusters[i]
		name := c.Name
		if named[name] > 1 { // two contexts of one name, in different kubeconfigs
			name = fmt.Sprintf("%s (%s)", name, cmp.Or(c.UID, fmt.Sprintf("number %d", i+1)))
		}
		b.names, b.rows = append(b.names, name), append(b.rows, fmt.Sprintf("clusters-%d", i+1))
	}
	r := &handover.Report{APIVersion: migrate.APIVersion, Kind: handover.Kind, Cover: b.cover(o), Summary: b.summary(), Sections: []handover.Section{}}
	for _, s := range sections() {
		if len(o.Sections) > 0 && !slices.Contains(o.Sections, s.id) {
			continue
		}
		text, table := s.build(b)
		table.ID, table.Title = s.id, s.title
		if table.Rows == nil {
			table.Rows = []handover.Row{}
		}
		for i := range table.Rows {
			table.Rows[i].ID = fmt.Sprintf("%s-%d", s.id, i+1)
		}
		r.Sections = append(r.Sections, handover.Section{ID: s.id, Title: s.title, Text: text, Tables: []*handover.Table{table}})
	}
	return r
}

// cover returns what the report on a Fleet says of itself.
func (b *builder) cover(o ReportOptions) handover.Cover {
	targets, servers := map[string]bool{}, map[string]bool{}
	for i := range b.fleet.Clusters {
		if c := &b.fleet.Clusters[i]; c.Error == "" {
			targets[c.TargetVersion] = true
			servers[c.ServerVersion] = true
		}
	}
	delete(servers, "")
	list := func(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), ", ") }
	return handover.Cover{
		Title: cmp.Or(o.Title, "From PodSecurityPolicy to the Pod Security Standards"), Client: o.Client, Author: o.Author,
		Source: english.Count(len(b.fleet.Clusters), "cluster", "clusters"), TargetVersion: list(targets), ServerVersion: list(servers),
		ToolVersion: o.Tool, Command: o.Command,
	}
}

// summary returns the first screen of the report on a Fleet: the sums over its clusters.
func (b *builder) summary() handover.Summary {
	s := handover.Summary{Verdict: b.verdict(), Blockers: []handover.BlockerCount{}, Lost: []handover.LossCount{}, Unseen: b.firstUnseen(), Next: b.next()}
	strictestFirst := levels.Names()
	slices.Reverse(strictestFirst)
	at := map[string]int{}
	for _, level := range append(strictestFirst, report.NoLevel, report.UnknownLevel) {
		at[level] = len(s.Levels)
		s.Levels = append(s.Levels, handover.LevelCount{Level: level})
	}
	blockers := map[string]*handover.BlockerCount{}
	lost := map[string]map[string]bool{}
	namespaces := map[string]int{}
	for i := range b.fleet.Clusters {
		c := &b.fleet.Clusters[i]
		s.Refusing += c.Refusing
		s.Namespaces += len(c.Namespaces)
		s.Workloads += c.Workloads
		for _, ns := range c.Namespaces {
			s.Levels[at[ns.Today]].Today++
			s.Levels[at[ns.Recommended]].Recommended++
			s.Levels[at[ns.WithPatches]].WithPatches++
		}
		for _, n := range c.Blockers {
			if blockers[n.Check] == nil {
				blockers[n.Check] = &handover.BlockerCount{Check: n.Check, Level: n.Level, Text: n.Text}
			}
			blockers[n.Check].Namespaces += n.Namespaces
			blockers[n.Check].Workloads += n.Workloads
		}
		for _, l := range c.Lost {
			if lost[l.Class] == nil {
				lost[l.Class] = map[string]bool{}
			}
			for _, field := range l.Fields {
				lost[l.Class][field] = true
			}
			namespaces[l.Class] += l.Namespaces
		}
	}
	for _, check := range slices.Sorted(maps.Keys(blockers)) {
		s.Blockers = append(s.Blockers, *blockers[check])
	}
	slices.SortStableFunc(s.Blockers, func(x, y handover.BlockerCount) int {
		return cmp.Or(cmp.Compare(y.Namespaces, x.Namespaces), cmp.Compare(y.Workloads, x.Workloads))
	})
	for _, class := range handover.LossClasses() {
		if fields, there := lost[class.Class]; there {
			class.Constraints, class.Namespaces = len(fields), namespaces[class.Class]
			s.Lost = append(s.Lost, class)
		}
	}
	return s
}

// The answers of the gate in a Fleet, and that for a cluster that could not be read.
const (
	ready    = "ready"
	notReady = "not-ready"
	unknown  = "unknown"
)

// verdict returns the answer of the gate on all clusters of a Fleet in one sentence.
func (b *builder) verdict() handover.Verdict {
	count, unread := map[string]int{}, 0
	for i := range b.fleet.Clusters {
		if b.fleet.Clusters[i].Error != "" {
			unread++
			continue
		}
		count[b.fleet.Clusters[i].Status]++
	}
	all := len(b.fleet.Clusters)
	if all == 0 {
		return handover.Verdict{Status: unknown, Text: "There is no cluster in what was read."}
	}
	if count[ready] == all {
		return handover.Verdict{Status: ready, Text: english.Plural(all, "The cluster is ready", fmt.Sprintf("All %d clusters are ready", all)) + " for the upgrade: nothing was found against it, and nothing is unknown."}
	}
	var parts []string
	for _, part := range []struct {
		n         int
		one, more string
	}{
		{count[notReady], "is not", "are not"},
		{count[unknown], "has open questions and nothing against it", "have open questions and nothing against it"},
		{unread, "could not be read", "could not be read"},
	} {
		if part.n > 0 {
			parts = append(parts, english.Count(part.n, part.one, part.more))
		}
	}
	status := notReady
	if count[notReady] == 0 {
		status = unknown
	}
	return handover.Verdict{Status: status, Text: fmt.Sprintf("Ready for the upgrade: %d of %s; %s.", count[ready], english.Count(all, "cluster", "clusters"), english.And(parts))}
}

// statusText returns the answer of the gate on a cluster of a Fleet for a cell of its report.
func statusText(c *Cluster) string {
	switch {
	case c.Error != "":
		return "not read"
	case c.Status == ready:
		return "ready"
	case c.Status == notReady:
		return "not ready"
	}
	return "open questions"
}

// clusters returns the table of the clusters of a Fleet, in its order.
func (b *builder) clusters() ([]string, *handover.Table) {
	t := &handover.Table{
		Text: "One row for each cluster. The numbers of namespaces are by the level that is recommended for them; without is those for which none can be, or may be, yet.",
		Columns: []handover.Column{
			{ID: "cluster", Title: "Cluster", Kind: "name"},
			{ID: "ready", Title: "Upgrade", Kind: "status"},
			{ID: "version", Title: "Version", Kind: "text"},
			{ID: "namespaces", Title: "Namespaces", Kind: "number"},
			{ID: "restricted", Title: "restricted", Kind: "number"},
			{ID: "baseline", Title: "baseline", Kind: "number"},
			{ID: "privileged", Title: "privileged", Kind: "number"},
			{ID: "without", Title: "Without", Kind: "number"},
			{ID: "enforced", Title: "Enforced today", Kind: "number"},
			{ID: "workloads", Title: "Workloads", Kind: "number"},
			{ID: "policies", Title: "Policies", Kind: "number"},
			{ID: "gaps", Title: "Gaps", Kind: "number"},
			{ID: "read-at", Title: "Read at", Kind: "text"},
			{ID: "source", Title: "Source", Kind: "evidence"},
		},
		Details: []handover.DetailColumn{
			{ID: "verdict", Title: "Verdict", Kind: "text"},
			{ID: "reasons", Title: "Against the upgrade", Kind: "text"},
			{ID: "questions", Title: "Not known", Kind: "text"},
			{ID: "unseen", Title: "Not seen", Kind: "text"},
		},
	}
	for i := range b.fleet.Clusters {
		c := &b.fleet.Clusters[i]
		recommended, enforced := map[string]int{}, 0
		for _, ns := range c.Namespaces {
			recommended[ns.Recommended]++
			if ns.Today != report.NoLevel && ns.Today != report.UnknownLevel {
				enforced++
			}
		}
		verdict := c.Verdict
		if c.Error != "" {
			verdict = "It could not be read: " + c.Error
		}
		t.Rows = append(t.Rows, handover.Row{
			Cells: []handover.Cell{
				{Text: b.names[i]},
				{Text: statusText(c)},
				{Text: c.ServerVersion},
				{Number: len(c.Namespaces)},
				{Number: recommended["restricted"]},
				{Number: recommended["baseline"]},
				{Number: recommended["privileged"]},
				{Number: recommended[report.NoLevel] + recommended[report.UnknownLevel]},
				{Number: enforced},
				{Number: c.Workloads},
				{Number: len(c.Policies)},
				{Number: c.Gaps},
				{Text: c.ReadAt},
				{Text: c.Source},
			},
			Detail: slices.Concat(detail(t, "verdict", []string{verdict}), detail(t, "reasons", texts(c.Reasons)), detail(t, "questions", texts(c.Questions)), detail(t, "unseen", c.Unseen)),
		})
	}
	return nil, t
}

// texts returns the texts of reasons or questions of a cluster in a Fleet.
func texts(items []GateItem) []string {
	var out []string
	for _, item := range items {
		out = append(out, item.Text)
	}
	return out
}

// detail returns, as one or no item, what a row of the report on a Fleet opens to; none without lines.
func detail(t *handover.Table, id string, lines []string) []handover.Detail {
	if len(lines) == 0 {
		return nil
	}
	at := slices.IndexFunc(t.Details, func(d handover.DetailColumn) bool { return d.ID == id })
	return []handover.Detail{{ID: id, Title: t.Details[at].Title, Kind: t.Details[at].Kind, Lines: lines}}
}

// upgrade returns the table of the reasons and questions of the gate over all clusters of a Fleet, those of most clusters first.
func (b *builder) upgrade() ([]string, *handover.Table) {
	t := &handover.Table{
		Text: "One row for each kind of reason against the upgrade and of open question, those of most clusters first. The gate's answer on each cluster has the objects and the commands.",
		Columns: []handover.Column{
			{ID: "kind", Title: "Kind", Kind: "status"}, {ID: "id", Title: "Name", Kind: "name"}, {ID: "clusters", Title: "Clusters", Kind: "number"}, {ID: "names", Title: "In", Kind: "text", Table: "clusters"},
		},
		Details: []handover.DetailColumn{{ID: "texts", Title: "In the words of the gate", Kind: "text"}},
	}
	type key struct{ kind, id string }
	in, said := map[key][]int{}, map[key][]string{}
	for i := range b.fleet.Clusters {
		c := &b.fleet.Clusters[i]
		for _, list := range []struct {
			kind  string
			items []GateItem
		}{{"reason", c.Reasons}, {"question", c.Questions}} {
			for _, item := range list.items {
				k := key{list.kind, item.ID}
				if n := len(in[k]); n == 0 || in[k][n-1] != i {
					in[k] = append(in[k], i)
				}
				said[k] = append(said[k], b.names[i]+": "+item.Text)
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(in), func(x, y key) int {
		return cmp.Or(cmp.Compare(y.kind, x.kind), cmp.Compare(len(in[y]), len(in[x])), cmp.Compare(x.id, y.id)) // "reason" before "question"
	})
	for _, k := range keys {
		t.Rows = append(t.Rows, handover.Row{
			Cells:  []handover.Cell{{Text: k.kind}, {Text: k.id}, {Number: len(in[k])}, b.namesOf(in[k])},
			Detail: detail(t, "texts", said[k]),
		})
	}
	return []string{b.verdict().Text}, t
}

// namesOf returns a cell of the report on a Fleet that names clusters, by their places, and refers to their rows.
func (b *builder) namesOf(clusters []int) handover.Cell {
	var cell handover.Cell
	var names []string
	for _, i := range clusters {
		names, cell.Rows = append(names, b.names[i]), append(cell.Rows, b.rows[i])
	}
	cell.Text = strings.Join(names, ", ")
	return cell
}

// unseen returns the table of what could not be seen in the clusters of a Fleet: those that could not be read first.
func (b *builder) unseen() ([]string, *handover.Table) {
	t := &handover.Table{
		Text:    "One row for each statement on what could not be seen, clusters that could not be read first. The plan of each cluster has all of its gaps.",
		Columns: []handover.Column{{ID: "cluster", Title: "Cluster", Kind: "name", Table: "clusters"}, {ID: "what", Title: "Not seen", Kind: "text"}},
	}
	for _, unread := range []bool{true, false} {
		for i := range b.fleet.Clusters {
			c := &b.fleet.Clusters[i]
			switch {
			case unread && c.Error != "":
				t.Rows = append(t.Rows, handover.Row{Cells: []handover.Cell{b.namesOf([]int{i}), {Text: "the whole cluster: " + c.Error}}})
			case !unread:
				for _, sentence := range c.Unseen {
					t.Rows = append(t.Rows, handover.Row{Cells: []handover.Cell{b.namesOf([]int{i}), {Text: sentence}}})
				}
			}
		}
	}
	return nil, t
}

// mostUnseen is how many sentences on what could not be seen the first screen of the report on a Fleet has.
const mostUnseen = 6

// firstUnseen returns the sentences of the first screen of the report on a Fleet on what could not be seen.
func (b *builder) firstUnseen() []string {
	out, gaps, withGaps, redacted := []string{}, 0, 0, 0
	for i := range b.fleet.Clusters {
		c := &b.fleet.Clusters[i]
		if c.Error != "" {
			out = append(out, b.names[i]+" could not be read: "+c.Error)
		}
		if c.Gaps > 0 {
			withGaps++
		}
		if c.Redacted {
			redacted++
		}
		gaps += c.Gaps
	}
	if more := len(out) - mostUnseen + 1; more > 1 {
		out = append(out[:mostUnseen-1], english.Count(more, "more cluster could not be read", "more clusters could not be read"))
	}
	if gaps > 0 {
		out = append(out, fmt.Sprintf("%s in %s: the section on what could not be seen has the first of each", english.Count(gaps, "gap", "gaps"), english.Count(withGaps, "cluster", "clusters")))
	}
	if redacted > 0 && len(b.fleet.Clusters) > 1 {
		out = append(out, fmt.Sprintf("in %s names are pseudonyms: those that were not made with one key cannot be compared", english.Count(redacted, "cluster", "clusters")))
	}
	return out
}
