package pss

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// MergeViolationsPerCheck merges the violations of each check into one, as the library reports them for one pod. The input
// is sorted by level and check. It serves workloads whose pods differ.
func MergeViolationsPerCheck(sorted []Violation) []Violation {
	var out []Violation
	for start := 0; start < len(sorted); {
		end := start + 1
		for end < len(sorted) && sorted[end].Check == sorted[start].Check && sorted[end].Level == sorted[start].Level {
			end++
		}
		out = append(out, mergeViolations(sorted[start:end]))
		start = end
	}
	return out
}

// mergeViolations merges several violations of one check into one that names all their containers.
func mergeViolations(same []Violation) Violation {
	out := same[0]
	if len(same) == 1 {
		return out
	}
	var clauses []*detailClause
	known := map[string]*detailClause{}
	names := func(v Violation) int { return strings.Count(v.Detail, `"`) }
	mostFirst := slices.Clone(same) // it may hold all that the others do, in the library's order
	slices.SortStableFunc(mostFirst, func(a, b Violation) int { return cmp.Compare(names(b), names(a)) })
	for _, v := range mostFirst {
		if len(v.Reason) > len(out.Reason) {
			out.Reason = v.Reason // the plural, for which it is joined
		}
		if v.Detail == "" {
			continue
		}
		for text := range strings.SplitSeq(v.Detail, "; ") {
			c := parseDetailClause(text)
			key := strings.Join([]string{c.before, c.noun, c.after}, "\x00")
			if known[key] == nil {
				known[key] = c
				clauses = append(clauses, c)
				continue
			}
			known[key].merge(c)
		}
	}
	texts := make([]string, len(clauses))
	for i, c := range clauses {
		texts[i] = c.String()
	}
	out.Detail = strings.Join(texts, "; ")
	return out
}

// detailClause is a part of a violation's detail: which containers or volumes must set what. A text of another form is all
// before, and has no noun.
type detailClause struct {
	before, noun string // `pod or `, `container`
	names        []string
	after        string
	// mergedNames are the names of clauses that differ in nothing else.
	mergedNames [][]string
}

// detailClausePattern matches the library's clauses: `pod or containers "a", "b" must set ...`, `volume "v"`.
var detailClausePattern = regexp.MustCompile(`^(pod or |pod and |)(container|volume)s? ("[^"]+"(?:, "[^"]+")*)((?: .*)?)$`)

// parseDetailClause parses one clause of a violation's detail.
func parseDetailClause(text string) *detailClause {
	m := detailClausePattern.FindStringSubmatch(text)
	if m == nil {
		return &detailClause{before: text}
	}
	return &detailClause{before: m[1], noun: m[2], names: strings.Split(m[3], ", "), after: m[4]}
}

// merge adds the names of another clause of a violation's detail.
func (c *detailClause) merge(other *detailClause) { c.mergedNames = append(c.mergedNames, other.names) }

// allNames returns the names of a violation's clause and of those merged into it, each once. The longest list
// determines the order.
func (c *detailClause) allNames() []string {
	if len(c.mergedNames) == 0 {
		return c.names
	}
	lists := append([][]string{c.names}, c.mergedNames...)
	slices.SortStableFunc(lists, func(a, b []string) int { return len(b) - len(a) })
	has := map[string]bool{}
	var out []string
	for _, list := range lists {
		for _, name := range list {
			if !has[name] {
				has[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// String returns the clause of a violation as the library writes it, in the plural for several names.
func (c *detailClause) String() string {
	if c.noun == "" {
		return c.before
	}
	noun, names := c.noun, c.allNames()
	if len(names) > 1 {
		noun += "s"
	}
	return c.before + noun + " " + strings.Join(names, ", ") + c.after
}

// CompareViolations orders violations as in Verdict.Violations: by level, check, reason and detail.
func CompareViolations(a, b Violation) int {
	return cmp.Or(
		api.CompareLevels(a.Level, b.Level),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Detail, b.Detail),
	)
}
