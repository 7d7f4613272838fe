package redact

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Plan returns the plan with pseudonyms in place of all names that an organization has chosen, sorted by these, and marked as
// redacted. New pseudonyms are added to the key. It returns an error for a plan that is redacted already, and a LeakError where a
// name would stay.
func Plan(p *migrate.Plan, key *Key) (*migrate.Plan, error) {
	if p.Source.Redacted {
		return nil, errors.New("the plan is redacted already")
	}
	r := newRedactor(key)
	if _, err := copyPlan(p, r); err != nil {
		return nil, err
	}
	r.collecting = false
	r.setAwkward()
	out, err := copyPlan(p, r)
	if err != nil {
		return nil, err
	}
	out.Source.Redacted = true
	arrange(out)
	if err := r.findLeak(out); err != nil {
		return nil, err
	}
	return out, nil
}

// Restore returns the plan that Plan was given, from the one that it has returned, by the key of the redaction. It returns an error for a
// plan that is not redacted, and for one that another key has redacted.
func Restore(p *migrate.Plan, key *Key) (*migrate.Plan, error) {
	if !p.Source.Redacted {
		return nil, errors.New("the plan is not redacted")
	}
	if foreign := key.foreignIn(p); foreign != "" {
		return nil, fmt.Errorf("the key does not know %s: another key has redacted the plan", foreign)
	}
	out, err := copyPlan(p, restorer{key, argumentClasses()})
	if err != nil {
		return nil, err
	}
	out.Source.Redacted = false
	arrange(out)
	return out, nil
}

// foreignIn returns the first pseudonym of a namespace or policy of a redacted plan that the key does not know; "" where it knows all.
func (k *Key) foreignIn(p *migrate.Plan) string {
	for _, name := range Pseudonyms(p) {
		if k.originals[name] == "" {
			return name
		}
	}
	return ""
}

// Pseudonyms returns the names of the namespaces and policies of a redacted plan that are pseudonyms.
func Pseudonyms(p *migrate.Plan) []string {
	var out []string
	add := func(name string) {
		if pseudonymPattern().FindString(name) == name && slices.Contains([]string{prefixNamespace, prefixPolicy}, prefixOf(name)) {
			out = append(out, name)
		}
	}
	for i := range p.Namespaces {
		add(p.Namespaces[i].Name)
	}
	for i := range p.Policies {
		add(p.Policies[i].Name)
	}
	return out
}

// restorer puts the names back into a redacted plan.
type restorer struct {
	key       *Key
	arguments map[string]class
}

// change returns a text of the redacted plan with its names.
func (r restorer) change(_ class, _ reflect.Value, _, text string) string {
	return r.key.RestoreText(text)
}

// changeMessage returns a message of the redacted plan with its names. The text is made of the id and the arguments.
func (r restorer) changeMessage(m message.Message) message.Message {
	if m.IsZero() {
		return m
	}
	out := message.Message{ID: m.ID}
	for _, a := range m.Args {
		value := a.Value
		switch v := value.(type) {
		case string:
			value = r.key.RestoreText(v)
		case []string:
			texts := make([]string, len(v))
			for i := range v {
				texts[i] = r.key.RestoreText(v[i])
			}
			arrangeList(classOf(r.arguments, m.ID, a.Name), texts)
			value = texts
		}
		out.Args = append(out.Args, message.Arg{Name: a.Name, Value: value})
	}
	text, err := message.Render(out.ID, out.Args)
	if err != nil {
		text = r.key.RestoreText(m.Text)
	}
	out.Text = text
	return out
}
