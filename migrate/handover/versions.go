package handover

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// versions returns the section of the Report on the levels that namespaces need at each version of the standards.
func (b *builder) versions() Section {
	return Section{
		Text:   []string{"A label with a version is checked by the standards of that Kubernetes release, whatever the server's; with latest, by those of the server. The levels here are those that what runs today needs."},
		Tables: []*Table{b.versionCounts(), b.versionChanges()},
	}
}

// versionCounts returns the table of the Report with the numbers of namespaces by needed level, a row for each version.
func (b *builder) versionCounts() *Table {
	t := &Table{
		ID: "version-counts", Title: "Needed levels by Kubernetes version", Text: "One row for each version of the standards: how many namespaces need which level there.",
		Columns: []Column{{ID: "version", Title: "Version", Kind: kindName}},
	}
	names := append(slices.Collect(func(yield func(string) bool) {
		for _, l := range slices.Backward(levels.Names()) {
			if !yield(l) {
				return
			}
		}
	}), report.NoLevel)
	for _, name := range names {
		title := strings.ToUpper(name[:1]) + name[1:]
		t.Columns = append(t.Columns, Column{ID: name, Title: title, Kind: kindNumber})
	}
	t.Columns = append(t.Columns, Column{ID: "changed", Title: "Other than one version before", Kind: kindNumber})
	var before []string
	for _, v := range versionsOf(b.plan) {
		needed, counts, changed := make([]string, len(b.plan.Namespaces)), map[string]int{}, 0
		for i := range b.plan.Namespaces {
			needed[i] = neededAt(&b.plan.Namespaces[i], v)
			counts[needed[i]]++
			if before != nil && before[i] != needed[i] {
				changed++
			}
		}
		cells := []Cell{text(v.String())}
		for _, name := range names {
			cells = append(cells, number(counts[name]))
		}
		t.addRow(nil, append(cells, number(changed))...)
		before = needed
	}
	return t
}

// versionChanges returns the table of the Report on the namespaces whose level is not the same at all versions.
func (b *builder) versionChanges() *Table {
	t := &Table{
		ID: "version-changes", Title: "Namespaces whose level changes", Text: "One row for each span of versions at which a namespace needs the same level; namespaces that need one level throughout have none.",
		Columns: []Column{
			{ID: "namespace", Title: "Namespace", Kind: kindName, Table: namespacesTable},
			{ID: "from", Title: "From", Kind: kindName},
			{ID: "to", Title: "To", Kind: kindName},
			{ID: "needed", Title: "Needed", Kind: kindLevel},
		},
	}
	for i := range b.overview.Namespaces {
		ns := b.overview.Namespaces[i].Namespace
		if len(ns.LevelByVersion) < 2 {
			continue
		}
		for _, span := range ns.LevelByVersion {
			t.addRow(nil, linked(ns.Name, b.namespaceRow[ns.Name]), text(span.From), text(span.To), text(string(span.Needed)))
		}
	}
	return t
}

// versionsOf returns the versions of the standards that the Plan of a Report has levels for, the oldest first.
func versionsOf(plan *migrate.Plan) []api.Version {
	oldest, newest := 0, 0
	for i := range plan.Namespaces {
		for _, span := range plan.Namespaces[i].LevelByVersion {
			from, to, ok := minors(&span)
			if !ok {
				continue
			}
			if oldest == 0 || from < oldest {
				oldest = from
			}
			newest = max(newest, to)
		}
	}
	var out []api.Version
	for minor := oldest; minor <= newest && oldest > 0; minor++ {
		out = append(out, api.MajorMinorVersion(1, minor))
	}
	return out
}

// minors returns the Kubernetes minors that a span of versions of a Plan begins and ends with, for the Report.
func minors(span *migrate.VersionLevel) (from, to int, ok bool) {
	if _, err := fmt.Sscanf(span.From+" "+span.To, "v1.%d v1.%d", &from, &to); err != nil {
		return 0, 0, false
	}
	return from, to, true
}

// neededAt returns the level that a namespace of the Report needs at a version; "none" where nothing runs.
func neededAt(ns *migrate.Namespace, v api.Version) string {
	for _, span := range ns.LevelByVersion {
		if from, to, ok := minors(&span); ok && from <= v.Minor() && v.Minor() <= to && span.Needed != "" {
			return string(span.Needed)
		}
	}
	return report.NoLevel
}
