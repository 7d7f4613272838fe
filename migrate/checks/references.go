package checks

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/pod-security-admission/api"
)

// referenceTable is the table of what other standards and scanners call what a check refuses: a row for each check, a column for
// each of them. References decodes it.
//
//go:embed references.tsv
var referenceTable string

// Reference names what one other standard or scanner calls what a check refuses.
type Reference struct {
	// Key is its word for machines: pss, cis, nsa, kubescape, kubescape-admission, kyverno, gatekeeper, polaris, kube-linter,
	// kube-score, trivy.
	Key string
	// Name is its name for people: "CIS v1.7" (the Kubernetes Benchmark), "Kyverno".
	Name string
	// IDs are its own names of its controls, rules or policies, in the order of the table; there is at least one.
	IDs []string
}

// String returns the reference of a check as people write it: "CIS v1.7 5.2.2", "Trivy KSV-0017".
func (r Reference) String() string { return r.Name + " " + strings.Join(r.IDs, ", ") }

// References are what other standards and scanners call what one check refuses.
type References struct {
	// columns are the cells of the check's row by the name of their column.
	columns map[string]string
	// Note says where they differ from the check; "" where nothing is worth saying.
	Note string
}

// ReferencesOf returns what other standards and scanners call what a check refuses. It returns an error for a check that has no
// row in the table, and for a table that is no table.
func ReferencesOf(id string) (*References, error) {
	rows, err := referenceRows()
	if err != nil {
		return nil, err
	}
	columns, ok := rows[id]
	if !ok {
		return nil, fmt.Errorf("reading references.tsv: there is no row for check %q", id)
	}
	return &References{columns: columns, Note: columns["note"]}, nil
}

// referenceRows returns the rows of the table of references by the ID of their check, each by the names of the columns.
var referenceRows = sync.OnceValues(func() (map[string]map[string]string, error) {
	lines := strings.Split(strings.TrimSuffix(referenceTable, "\n"), "\n")
	names := strings.Split(lines[0], "\t")
	rows := make(map[string]map[string]string, len(lines))
	for i, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != len(names) {
			return nil, fmt.Errorf("reading references.tsv: line %d has %d cells, want %d", i+2, len(cells), len(names))
		}
		columns := make(map[string]string, len(names))
		for k, name := range names {
			columns[name] = cells[k]
		}
		rows[cells[0]] = columns
	}
	return rows, nil
})

// At returns the references of a check for clusters of a Kubernetes version, in the order of the table; what has no name for it is
// left out. Only those of the CIS Kubernetes Benchmark differ by version.
func (r *References) At(v api.Version) []Reference {
	return r.list([]Reference{r.cis(benchmarkOf(v))})
}

// OfAllVersions returns the references of a check for clusters of any version, as At does: those of the CIS Kubernetes Benchmark
// for each of its editions since the one of Kubernetes v1.25. Editions that agree are one: "CIS v1.7 to v1.11".
func (r *References) OfAllVersions() []Reference {
	var cis []Reference
	first := "" // the first edition of the last entry
	for _, b := range benchmarks() {
		if b.since < firstPSSOnlyMinor {
			continue
		}
		next := r.cis(b.edition)
		if n := len(cis); n > 0 && slices.Equal(cis[n-1].IDs, next.IDs) {
			cis[n-1].Name = cisName(first + " to " + b.edition)
			continue
		}
		first = b.edition
		cis = append(cis, next)
	}
	return r.list(cis)
}

// list returns the references of a check with those of the CIS Kubernetes Benchmark as they are given, without empty ones.
func (r *References) list(cis []Reference) []Reference {
	out := []Reference{r.column("pss_control", "pss", "Pod Security Standards", "\x00")} // a name has spaces in it
	out = append(out, cis...)
	out = append(out,
		r.column("nsa_cisa", "nsa", "NSA/CISA", "; "),
		r.column("kubescape_workload", "kubescape", "kubescape", " "),
		r.column("kubescape_admission", "kubescape-admission", "kubescape, of namespaces", " "),
		r.column("kyverno", "kyverno", "Kyverno", " "),
		r.column("gatekeeper", "gatekeeper", "Gatekeeper", " "),
		r.column("polaris", "polaris", "Polaris", " "),
		r.column("kube_linter", "kube-linter", "kube-linter", " "),
		r.column("kube_score", "kube-score", "kube-score", " "),
		r.column("trivy", "trivy", "Trivy", " "),
	)
	return slices.DeleteFunc(out, func(ref Reference) bool { return len(ref.IDs) == 0 })
}

// column returns the reference of a check that one column of the table holds, its IDs parted by a separator.
func (r *References) column(column, key, name, separator string) Reference {
	out := Reference{Key: key, Name: name}
	if cell := r.columns[column]; cell != "" {
		out.IDs = strings.Split(cell, separator)
	}
	return out
}

// cis returns the reference of a check in one edition of the CIS Kubernetes Benchmark: the numbers of its section on Pod Security
// Standards, then that of its general policies.
func (r *References) cis(edition string) Reference {
	out := r.column(sectionColumn(edition), "cis", cisName(edition), " ")
	// "5.7.3 (5.6.3)": the second number is that of the editions since v1.11.
	general, renumbered, _ := strings.Cut(strings.TrimSuffix(r.columns["cis_other_section"], ")"), " (")
	if slices.Contains([]string{"v1.11", "v1.12"}, edition) {
		general = renumbered
	}
	if general != "" {
		out.IDs = append(out.IDs, general)
	}
	return out
}

// cisName returns the name of an edition of the CIS Kubernetes Benchmark in a reference.
func cisName(edition string) string { return "CIS " + edition }

// sectionColumn returns the column of the table that holds the numbers of an edition of the CIS Kubernetes Benchmark. v1.23 put an
// item before the others, v1.12 took one out.
func sectionColumn(edition string) string {
	switch edition {
	case "v1.5", "v1.6", "v1.20":
		return "cis_v1.5_v1.20"
	case "v1.12":
		return "cis_v1.12"
	}
	return "cis_v1.23_v1.11"
}

// firstPSSOnlyMinor is the minor version of Kubernetes that has no PodSecurityPolicy any more, and only the standards.
const firstPSSOnlyMinor = 25

// benchmark is one edition of the CIS Kubernetes Benchmark, with the first minor version of Kubernetes 1 that it is for.
type benchmark struct {
	since   int
	edition string
}

// benchmarks returns the editions of the CIS Kubernetes Benchmark, oldest first, as kube-bench maps them
// (aquasecurity/kube-bench: cfg/config.yaml). The newest counts for newer versions of Kubernetes until there is another one.
func benchmarks() []benchmark {
	return []benchmark{
		{0, "v1.5"},
		{16, "v1.6"},
		{19, "v1.20"},
		{22, "v1.23"},
		{24, "v1.24"},
		{25, "v1.7"}, // the numbers of editions start anew here
		{26, "v1.8"},
		{27, "v1.9"},
		{28, "v1.10"},
		{29, "v1.11"},
		{32, "v1.12"},
	}
}

// benchmarkOf returns the edition of the CIS Kubernetes Benchmark for a version of Kubernetes.
func benchmarkOf(v api.Version) string {
	edition := ""
	for _, b := range benchmarks() {
		if v.Latest() || b.since <= v.Minor() {
			edition = b.edition
		}
	}
	return edition
}
