package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// fixAcross is what one Fix is about, over all clusters of a Fleet.
type fixAcross struct {
	fixKey
	images                []string
	template              bool
	checks                map[string]bool
	clusters              []int
	workloads, namespaces int
}

// fixesAcross returns the fixes of a Fleet, those that serve most clusters first, then most namespaces.
func (b *builder) fixesAcross() []*fixAcross {
	byKey := map[fixKey]*fixAcross{}
	for i := range b.fleet.Clusters {
		for j := range b.fleet.Clusters[i].Fixes {
			f := &b.fleet.Clusters[i].Fixes[j]
			key := f.key()
			across := byKey[key]
			if across == nil {
				across = &fixAcross{fixKey: key, images: f.Images, checks: map[string]bool{}}
				byKey[key] = across
			}
			across.clusters = append(across.clusters, i)
			across.template = across.template || f.Template
			for _, check := range f.Checks {
				across.checks[check] = true
			}
			across.workloads += f.Workloads
			across.namespaces += f.Namespaces
		}
	}
	return slices.SortedFunc(maps.Values(byKey), func(x, y *fixAcross) int {
		return cmp.Or(cmp.Compare(len(y.clusters), len(x.clusters)), cmp.Compare(y.namespaces, x.namespaces), cmp.Compare(y.workloads, x.workloads), x.compare(y.fixKey))
	})
}

// what returns what has to be done, for a cell of the report on a Fleet.
func (f *fixAcross) what() string {
	var parts []string
	if f.template {
		parts = append(parts, "state in the template what policies set in pods today")
	}
	if len(f.checks) > 0 {
		parts = append(parts, english.Plural(len(f.checks), "meet the check ", "meet the checks ")+english.And(sortedKeys(f.checks)))
	}
	return strings.Join(parts, "; ")
}

// where returns which workloads a fix is about, in a sentence of the report on a Fleet.
func (f *fixAcross) where() string {
	name := f.kind + "/" + f.name
	switch {
	case f.chart != "":
		return name + " of the chart " + f.chart
	case len(f.images) > 0:
		return name + " (" + english.First(f.images, 2) + ")"
	}
	return name
}

// mostFixes is how many fixes the report on a Fleet names, and mostNext how many of them its first screen does.
const (
	mostFixes = 1000
	mostNext  = 3
)

// fixes returns the table of what is to be done about workloads that several clusters may have, those that serve most clusters first.
func (b *builder) fixes() ([]string, *handover.Table) {
	t := &handover.Table{
		Text: "One row for what is to be done about workloads of one kind, name and images, those of most clusters first: one change of a chart or manifest that they share serves all.",
		Columns: []handover.Column{
			{ID: "workload", Title: "Workload", Kind: "name"},
			{ID: "what", Title: "What to do", Kind: "text"},
			{ID: "clusters", Title: "Clusters", Kind: "number"},
			{ID: "namespaces", Title: "Namespaces", Kind: "number"},
			{ID: "workloads", Title: "Workloads", Kind: "number"},
			{ID: "chart", Title: "Chart", Kind: "text"},
			{ID: "images", Title: "Images", Kind: "text"},
			{ID: "names", Title: "In", Kind: "text", Table: "clusters"},
		},
	}
	all := b.fixesAcross()
	for _, f := range all[:min(len(all), mostFixes)] {
		t.Rows = append(t.Rows, handover.Row{Cells: []handover.Cell{
			{Text: f.kind + "/" + f.name},
			{Text: f.what()},
			{Number: len(f.clusters)},
			{Number: f.namespaces},
			{Number: f.workloads},
			{Text: f.chart},
			{Text: strings.Join(f.images, ", ")},
			b.namesOf(f.clusters),
		}})
	}
	if more := len(all) - mostFixes; more > 0 {
		return []string{english.Count(more, "more is not shown: it serves no more clusters than the last row", "more are not shown: they serve no more clusters than the last row")}, t
	}
	return nil, t
}

// next returns the next things to do of the report on a Fleet: clusters to read, and the fixes that serve most clusters.
func (b *builder) next() []handover.NextStep {
	out, unread := []handover.NextStep{}, 0
	for i := range b.fleet.Clusters {
		if b.fleet.Clusters[i].Error != "" {
			unread++
		}
	}
	if unread > 0 {
		out = append(out, handover.NextStep{Text: "Read what could not be read: nothing is known of it.", Effort: english.Count(unread, "cluster", "clusters")})
	}
	for _, f := range b.fixesAcross() {
		if len(out) == mostNext {
			break
		}
		what := f.what()
		out = append(out, handover.NextStep{
			Text: f.where() + ": " + what + ".", Workloads: f.workloads, Namespaces: f.namespaces,
			Effort: fmt.Sprintf("%s in %s of %s", english.Count(f.workloads, "workload", "workloads"), english.Count(f.namespaces, "namespace", "namespaces"), english.Count(len(f.clusters), "cluster", "clusters")),
		})
	}
	return out
}

// policies returns the table of the policies of a Fleet: one row for each name and content, names of several contents first.
func (b *builder) policies() ([]string, *handover.Table) {
	t := &handover.Table{
		Text: "One row for each policy and what it says: a name that has several rows does not mean the same in all clusters. Those come first.",
		Columns: []handover.Column{
			{ID: "policy", Title: "Policy", Kind: "name"},
			{ID: "contents", Title: "Different contents", Kind: "number"},
			{ID: "content", Title: "Content", Kind: "text"},
			{ID: "closest", Title: "Closest level", Kind: "level"},
			{ID: "clusters", Title: "Clusters", Kind: "number"},
			{ID: "names", Title: "In", Kind: "text", Table: "clusters"},
		},
	}
	in := map[Policy][]int{}
	contents := map[string]map[string]bool{}
	for i := range b.fleet.Clusters {
		for _, p := range b.fleet.Clusters[i].Policies {
			in[p] = append(in[p], i)
			if contents[p.Name] == nil {
				contents[p.Name] = map[string]bool{}
			}
			contents[p.Name][p.Content] = true
		}
	}
	differ := 0
	for _, c := range contents {
		if len(c) > 1 {
			differ++
		}
	}
	rows := slices.SortedFunc(maps.Keys(in), func(x, y Policy) int {
		return cmp.Or(cmp.Compare(len(contents[y.Name]), len(contents[x.Name])), cmp.Compare(x.Name, y.Name), cmp.Compare(len(in[y]), len(in[x])), cmp.Compare(x.Content, y.Content), cmp.Compare(x.Closest, y.Closest))
	})
	for _, p := range rows {
		t.Rows = append(t.Rows, handover.Row{Cells: []handover.Cell{
			{Text: p.Name}, {Number: len(contents[p.Name])}, {Text: p.Content}, {Text: p.Closest}, {Number: len(in[p])}, b.namesOf(in[p]),
		}})
	}
	if differ == 0 {
		return nil, t
	}
	return []string{english.Count(differ, "policy has one name and different contents: a manifest or a review of one of them does not speak for the others.", "policies have one name and different contents: a manifest or a review of one of them does not speak for the others.")}, t
}

// namespaces returns the table of the namespaces of one name whose levels differ between the clusters of a Fleet.
func (b *builder) namespaces() ([]string, *handover.Table) {
	t := &handover.Table{
		Text: "One row for each name that several clusters have and whose namespaces are not at one level, today or as recommended: one manifest for all of them would be wrong for some.",
		Columns: []handover.Column{
			{ID: "namespace", Title: "Namespace", Kind: "name"},
			{ID: "clusters", Title: "Clusters", Kind: "number"},
			{ID: "today", Title: "Today", Kind: "text"},
			{ID: "recommended", Title: "Recommended", Kind: "text"},
			{ID: "with-patches", Title: "With patches", Kind: "text"},
		},
		Details: []handover.DetailColumn{{ID: "clusters", Title: "In each cluster", Kind: "text"}},
	}
	type place struct {
		cluster int
		*Namespace
	}
	byName := map[string][]place{}
	for i := range b.fleet.Clusters {
		for j := range b.fleet.Clusters[i].Namespaces {
			ns := &b.fleet.Clusters[i].Namespaces[j]
			byName[ns.Name] = append(byName[ns.Name], place{i, ns})
		}
	}
	several := 0
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		places := byName[name]
		if len(places) < 2 {
			continue
		}
		several++
		if !slices.ContainsFunc(places, func(p place) bool { return p.Today != places[0].Today || p.Recommended != places[0].Recommended }) {
			continue
		}
		var lines []string
		counts := [3]map[string]int{{}, {}, {}}
		for _, p := range places {
			for k, level := range []string{p.Today, p.Recommended, p.WithPatches} {
				counts[k][level]++
			}
			lines = append(lines, fmt.Sprintf("%s: %s today, %s recommended, %s with patches", b.names[p.cluster], p.Today, p.Recommended, p.WithPatches))
		}
		t.Rows = append(t.Rows, handover.Row{
			Cells:  []handover.Cell{{Text: name}, {Number: len(places)}, {Text: levelsText(counts[0])}, {Text: levelsText(counts[1])}, {Text: levelsText(counts[2])}},
			Detail: detail(t, "clusters", lines),
		})
	}
	slices.SortStableFunc(t.Rows, func(x, y handover.Row) int { return cmp.Compare(y.Cells[1].Number, x.Cells[1].Number) })
	return []string{fmt.Sprintf("Of %s that more than one cluster has, %s not at one level.", english.Count(several, "name", "names"), english.Count(len(t.Rows), "is", "are"))}, t
}

// levelsText returns how many namespaces of one name are at which level: "baseline in 3, none in 2".
func levelsText(counts map[string]int) string {
	var parts []string
	for _, level := range slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y)) }) {
		parts = append(parts, fmt.Sprintf("%s in %d", level, counts[level]))
	}
	return strings.Join(parts, ", ")
}
