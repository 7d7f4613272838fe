package difference

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxNamesInSentence is how many names of a list that the Plans hold themselves go into the arguments of a sentence. More would make
// changes that are larger than the Plans.
const maxNamesInSentence = 3

// comparePolicies compares the policies of two Plans, field by field.
func (c *comparison) comparePolicies() {
	for _, name := range sortedKeys(c.before.policies, c.after.policies) {
		before, after := c.before.policies[name], c.after.policies[name]
		if before != nil && after != nil {
			c.comparePolicy(before, after)
			continue
		}
		change := Change{Kind: KindPolicy, Object: policyObject(name)}
		change.Op, change.Direction = existence(before != nil, c.before.policiesMayBeHidden(), c.after.policiesMayBeHidden(), Neither)
		change.Before, change.After = asStated(before), asStated(after)
		level := ""
		if after != nil && c.sameStandards {
			level = string(after.ClosestLevel)
		}
		change.Consequence = policyMessage(name, level, change.Op)
		c.add(change)
	}
}

// asStated returns the annotations and the spec of a policy as compact JSON; "" for none.
func asStated(p *migrate.Policy) string {
	if p == nil {
		return ""
	}
	return compactJSON(struct {
		Annotations map[string]string `json:"annotations,omitempty"`
		Spec        pspparse.Spec     `json:"spec"`
	}{p.Annotations, p.Spec})
}

// policyObject returns the name of a policy for a Change.
func policyObject(name string) string { return "PodSecurityPolicy/" + name }

// policyMessage returns the sentence on a policy that one of two Plans has.
func policyMessage(name, level string, op Op) message.Message {
	switch op {
	case OpAdded:
		return message.New("difference-policy-new", "policy", name, "level", level)
	case OpRemoved:
		return message.New("difference-policy-gone", "policy", name)
	case OpUnreadNow:
		return message.New("difference-policy-unread-now", "policy", name)
	}
	return message.New("difference-policy-unread-before", "policy", name)
}

// comparePolicy compares one policy that both Plans have: its closest level, its annotations and its spec.
func (c *comparison) comparePolicy(before, after *migrate.Policy) {
	if c.sameStandards && before.ClosestLevel != after.ClosestLevel {
		change := Change{Kind: KindPolicy, Op: OpChanged, Object: policyObject(after.Name), Field: "closestLevel", Before: string(before.ClosestLevel), After: string(after.ClosestLevel)}
		change.Direction = levelDirection(knownLevel{before.ClosestLevel, true}, knownLevel{after.ClosestLevel, true})
		in, more := c.usedIn(after.Name)
		change.Consequence = message.New("difference-policy-closest", "policy", after.Name, "before", change.Before, "after", change.After, "in", in, "more", more)
		c.add(change)
	}
	if !reflect.DeepEqual(before.Spec, after.Spec) || !reflect.DeepEqual(before.Annotations, after.Annotations) {
		c.comparePolicyFields(before, after)
	}
}

// fieldsOf returns what a policy states: the compact JSON of each field of its spec and of each annotation, by path.
func fieldsOf(p *migrate.Policy) map[string]string {
	out := map[string]string{}
	for key, value := range p.Annotations {
		out["metadata.annotations["+key+"]"] = compactJSON(value)
	}
	var spec map[string]json.RawMessage
	_ = json.Unmarshal([]byte(compactJSON(p.Spec)), &spec) // it was just written
	for name, value := range spec {
		out["spec."+name] = string(value)
	}
	return out
}

// compactJSON returns a value of a policy as JSON without spaces that keeps < > and & as they are.
func compactJSON(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // texts, and the types of a spec, always encode
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// fieldText returns what a policy states at a path, for a sentence, of a long list the first entries; "" for nothing. value is its JSON.
func fieldText(p *migrate.Policy, path, value string) string {
	if value == "" {
		return ""
	}
	for i := range p.Fields {
		const most = 6
		field := &p.Fields[i]
		if text := field.Text(field.Name, most); text != "" && (path == "spec."+field.Name || path == "metadata.annotations["+field.Name+"]") {
			return text
		}
	}
	return mapping.TemplateText(value)
}

// comparePolicyFields keeps the fields and annotations that a policy states otherwise in two Plans.
func (c *comparison) comparePolicyFields(before, after *migrate.Policy) {
	in, more := c.usedIn(after.Name)
	stated, states := fieldsOf(before), fieldsOf(after)
	for _, path := range sortedKeys(stated, states) {
		b, a := stated[path], states[path]
		if b == a {
			continue
		}
		change := Change{Kind: KindPolicy, Op: OpChanged, Object: policyObject(after.Name), Field: path, Before: b, After: a}
		change.Direction = directionOf(admitsMore(path, before, after), admitsMore(path, after, before))
		change.Added, change.Removed = listItems(b, a)
		change.Consequence = message.New("difference-policy-field", "policy", after.Name, "field", path, "before", fieldText(before, path, b), "after", fieldText(after, path, a),
			"looser", change.Direction == Looser, "stricter", change.Direction == Stricter, "both", change.Direction == Both,
			"list", len(change.Added)+len(change.Removed) > 0, "added", first(change.Added), "removed", first(change.Removed), "in", in, "more", more)
		c.add(change)
	}
}

// first returns the first items of a list, as many as a sentence may hold.
func first(list []string) []string { return list[:min(len(list), maxNamesInSentence)] }

// listItems returns the entries of a list of texts that a field of a policy has now and had not, and the other way round; none for a
// field that is no such list.
func listItems(before, after string) (added, removed []string) {
	var b, a []string
	if before != "" && json.Unmarshal([]byte(before), &b) != nil || after != "" && json.Unmarshal([]byte(after), &a) != nil {
		return nil, nil
	}
	return itemsOnlyIn(a, b), itemsOnlyIn(b, a)
}

// usedIn returns the first of the namespaces that may use a policy, and the number of the others.
func (c *comparison) usedIn(policy string) (names []string, more int) {
	if len(c.uses[policy]) == 0 {
		return nil, 0
	}
	names = slices.Sorted(maps.Keys(c.uses[policy]))
	return first(names), len(names) - len(first(names))
}
