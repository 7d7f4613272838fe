package redact

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// LeakError is the error that a name would stay in a redacted plan. It does not repeat the name.
type LeakError struct {
	// Field is where the name would stand: the type and the field, or the id of a message.
	Field string
	// Pseudonym is that of the name.
	Pseudonym string
}

// Error says which field of the plan would show which name.
func (e *LeakError) Error() string {
	return fmt.Sprintf("the name behind %s would stay in %s: nothing was written; this is a fault of psp2pss, please report it with the name of the field", e.Pseudonym, e.Field)
}

// shortestSought is the length from which on a name is sought in the redacted plan: shorter ones are parts of anything.
const shortestSought = 4

// findLeak returns an error for the first name of the plan that stands in the redacted one as a word of its own. Words of our own
// sentences are none: that a name is one of them cannot be told from the sentence.
func (r *redactor) findLeak(p *migrate.Plan) error {
	sought := map[string]string{}
	for name, pseudonym := range r.known {
		if len(name) >= shortestSought && !isQuotedWord(name) && !isKnownAnywhere(name) && !onlyVocabulary(name) && r.key.originals[strings.TrimPrefix(pseudonym, "/")] == strings.TrimPrefix(name, "/") {
			sought[name] = pseudonym
		}
	}
	f := &leakFinder{sought: sought}
	_, err := copyPlan(p, f)
	if err != nil {
		return err
	}
	if f.found != nil {
		return f.found
	}
	return nil
}

// leakFinder looks for names in the texts of a redacted plan.
type leakFinder struct {
	sought map[string]string
	found  *LeakError
}

// change looks for names in one text of the redacted plan, and returns it as it is. What is one of a fixed list is no name.
func (f *leakFinder) change(c class, owner reflect.Value, _, text string) string {
	if c == word {
		return text
	}
	where := "a message"
	if owner.IsValid() {
		where = owner.Type().String()
	}
	f.look(where, text)
	return text
}

// changeMessage looks for names in a message of the redacted plan, and returns it as it is.
func (f *leakFinder) changeMessage(m message.Message) message.Message {
	f.look("the message "+m.ID, m.Text)
	for _, a := range m.Args {
		switch v := a.Value.(type) {
		case string:
			f.look("the message "+m.ID, v)
		case []string:
			for _, item := range v {
				f.look("the message "+m.ID, item)
			}
		}
	}
	return m
}

// look remembers the first name that stands in a text of the redacted plan, whole or as a word of it.
func (f *leakFinder) look(where, text string) {
	if f.found != nil {
		return
	}
	if pseudonym, leaks := f.sought[text]; leaks {
		f.found = &LeakError{where, pseudonym}
		return
	}
	for _, word := range strings.FieldsFunc(text, isNoNameRune) {
		if pseudonym, leaks := f.sought[word]; leaks {
			f.found = &LeakError{where, pseudonym}
			return
		}
	}
}

// isNoNameRune reports whether a character cannot be part of most names.
func isNoNameRune(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
}
