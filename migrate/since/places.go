package since

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// placeKey names a place of a finding whatever its file and value. Several places may have one: volumes have no names in it.
type placeKey struct {
	objectKey
	rule, container, field string
}

// places counts places of findings, by what names them, by value and by severity, the worst first.
type places map[placeKey]map[string]*severityCounts

// severityCounts counts places of findings by the rank of their severity.
type severityCounts [3]int

// keyOfPlace returns what names a place of a finding.
func keyOfPlace(f *finding.Finding, p *finding.Place) placeKey {
	return placeKey{keyOf(&f.Object), f.Rule, p.Container, withoutIndexes(p.Field)}
}

// withoutIndexes returns the path of a field with the indexes of lists left out, so that moved items are no others. One that cannot
// be parsed stays as it is.
func withoutIndexes(field string) string {
	path, err := fieldpath.Parse(field)
	if err != nil {
		return field
	}
	return slices.DeleteFunc(path, func(s fieldpath.Step) bool { return s.IsIndex }).String()
}

// valueOf returns the value at a place of a finding, however its text is escaped; "" if it has none.
func valueOf(p *finding.Place) string {
	var text string
	if json.Unmarshal(p.Value, &text) == nil {
		return strconv.Quote(text)
	}
	return string(p.Value) // a number or a boolean
}

// add counts a place of a finding at a rank of severity.
func (c places) add(f *finding.Finding, p *finding.Place, rank int) {
	key := keyOfPlace(f, p)
	if c[key] == nil {
		c[key] = map[string]*severityCounts{}
	}
	value := valueOf(p)
	if c[key][value] == nil {
		c[key][value] = &severityCounts{}
	}
	c[key][value][rank]++
}

// take takes one place away that has the name and the value of a finding's place and is as severe or worse. It reports whether there
// was one.
func (c places) take(f *finding.Finding, p *finding.Place, rank int) bool {
	return c[keyOfPlace(f, p)][valueOf(p)].take(rank)
}

// takeUnknownValue does what take does where one of the two places of findings has no value, as in results of earlier builds and where
// a field is not set: it may be the same one.
func (c places) takeUnknownValue(f *finding.Finding, p *finding.Place, rank int) bool {
	byValue := c[keyOfPlace(f, p)]
	if len(p.Value) > 0 {
		return byValue[""].take(rank)
	}
	for _, value := range slices.Sorted(maps.Keys(byValue)) {
		if byValue[value].take(rank) {
			return true
		}
	}
	return false
}

// take takes away one place that is as severe as a rank or worse: the least severe one, so that the worse ones remain for the worse.
// It reports whether there was one; nil has none.
func (n *severityCounts) take(rank int) bool {
	for ; n != nil && rank >= 0; rank-- {
		if n[rank] > 0 {
			n[rank]--
			return true
		}
	}
	return false
}
