package forecast

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// Fill sets Namespace.Delta in all namespaces of a Plan. It overwrites what is there.
func Fill(p *migrate.Plan) {
	byName := map[string]*migrate.DeltaNeed{}
	count := counter{ofPolicy: map[*mapping.Constraint][]int{}, numbers: map[string]int{}}
	limit := func(bothGroups, byRequester bool) int { return cel.MaxAsked(cel.Options{}, bothGroups, byRequester) }
	for _, need := range engine.Needs(p, limit) {
		delta := count.deltaOf(&need)
		for _, name := range need.Namespaces {
			byName[name] = delta
		}
	}
	for i := range p.Namespaces {
		p.Namespaces[i].Delta = byName[p.Namespaces[i].Name]
	}
}

// counter counts the different constraints of the policies of a Plan. Each gets a number once, since many namespaces have many policies.
type counter struct {
	// ofPolicy are the numbers of the constraints in a list, by its first element: what a label leaves of a policy is one list.
	ofPolicy map[*mapping.Constraint][]int
	numbers  map[string]int
	fields   []string
}

// deltaOf returns what a need for replacement policies is in the Plan.
func (c *counter) deltaOf(need *engine.Need) *migrate.DeltaNeed {
	out := &migrate.DeltaNeed{
		Result: need.Result, Why: need.Obstacle, Beside: need.Label.Level, Policy: need.Policy, Policies: len(need.Alternatives), NotKept: slices.Sorted(slices.Values(need.NotKept)),
	}
	seen := make([]bool, len(c.fields))
	for i := range need.Alternatives {
		for _, number := range c.numbersOf(need.Alternatives[i].Constraints) {
			if number >= len(seen) {
				seen = append(seen, make([]bool, number-len(seen)+1)...)
			}
			if !seen[number] {
				seen[number] = true
				out.Constraints++
				out.Fields = append(out.Fields, c.fields[number])
			}
		}
	}
	slices.Sort(out.Fields)
	out.Fields = slices.Compact(out.Fields)
	return out
}

// numbersOf returns the numbers of what a label leaves of a policy: equal constraints have the same.
func (c *counter) numbersOf(all []mapping.Constraint) []int {
	if len(all) == 0 {
		return nil
	}
	if known, ok := c.ofPolicy[&all[0]]; ok {
		return known
	}
	var out []int
	for _, constraint := range all {
		key := fmt.Sprintf("%T %+v", constraint, constraint) // no pointer is left in what is checked
		number, known := c.numbers[key]
		if !known {
			number = len(c.fields)
			c.numbers[key] = number
			c.fields = append(c.fields, constraint.Fields()[0])
		}
		out = append(out, number)
	}
	c.ofPolicy[&all[0]] = out
	return out
}
