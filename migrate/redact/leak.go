package redact

import (
	"fmt"
	"reflect"
	"slices"
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

// findLeak returns an error for the first name of the plan that stands in the redacted one: as the whole of a text, or as a word of a
// sentence. Words of our own sentences are no names there: that a name is one of them cannot be told from the sentence.
func (r *redactor) findLeak(p *migrate.Plan) error {
	f := r.newLeakFinder()
	if _, err := copyPlan(p, f); err != nil {
		return err
	}
	return f.err()
}

// newLeakFinder returns what looks for the known names of a redactor in what it has redacted.
func (r *redactor) newLeakFinder() *leakFinder {
	f := &leakFinder{sought: map[string]string{}, arguments: r.arguments}
	for name, pseudonym := range r.known {
		if len(name) >= shortestSought && !isQuotedWord(name) && !isKnownAnywhere(name) && !isKnownKind(name) && !isKnownResource(name) && !onlyVocabulary(name) {
			f.sought[name] = pseudonym
		}
	}
	return f
}

// err returns the error for the first name that was found; nil where none was.
func (f *leakFinder) err() error {
	if f.found != nil {
		return f.found
	}
	return nil
}

// leakFinder looks for names in the texts of a redacted plan.
type leakFinder struct {
	sought    map[string]string
	arguments map[string]class
	found     *LeakError
}

// change looks for names in one text of the redacted plan, and returns it as it is. What is one of a fixed list is no name.
func (f *leakFinder) change(c class, owner reflect.Value, _, text string) string {
	where := "a field"
	if owner.IsValid() {
		where = owner.Type().String()
	}
	f.look(c, where, text)
	return text
}

// changeMessage looks for names in the arguments of a message of the redacted plan, and returns it as it is: the rest of its text are
// fixed words.
func (f *leakFinder) changeMessage(m message.Message) message.Message {
	for _, a := range m.Args {
		c, where := classOf(f.arguments, m.ID, a.Name), "the argument "+a.Name+" of the message "+m.ID
		switch v := a.Value.(type) {
		case string:
			f.look(c, where, v)
		case []string:
			for _, item := range v {
				f.look(c, where, item)
			}
		}
	}
	return m
}

// classesOfWords returns the classes whose texts stay where they are words of Kubernetes, whatever else has the same name: a namespace
// may be called apps as an API group is.
func classesOfWords() []class {
	return []class{word, byKey, labelKey, label, capability, sysctl, volumeType, profile, selinux, kind, apiGroup, resource, serverVersion, fieldPath, jsonValue}
}

// look remembers the first name that stands in a text of a class of the redacted plan.
func (f *leakFinder) look(c class, where, content string) {
	if f.found != nil || slices.Contains(classesOfWords(), c) {
		return
	}
	if pseudonym, leaks := f.sought[content]; leaks {
		f.found = &LeakError{where, pseudonym}
		return
	}
	if c != text {
		return // what stays of a name of a kind is known, as in "system:masters"
	}
	for _, part := range textPart.FindAllString(content, -1) {
		part = strings.Trim(part, `"`)
		if strings.HasPrefix(part, "system:") || isKnownKey(part) || isKnownPage(part) {
			continue
		}
		for _, name := range append(strings.FieldsFunc(part, isNoNameRune), strings.TrimFunc(part, isMark)) {
			if pseudonym, leaks := f.sought[name]; leaks && !isKnownKey(name) {
				f.found = &LeakError{where, pseudonym}
				return
			}
		}
	}
}

// isNoNameRune reports whether a character cannot be part of most names.
func isNoNameRune(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
}
