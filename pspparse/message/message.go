package message

import (
	"cmp"
	"fmt"
	"slices"
)

// Message is a sentence of a result (a reason, caution, gap, note or finding) with its id and arguments.
type Message struct {
	// ID is that of a row of Table, in kebab-case. It stays the same when the text changes.
	ID string `json:"id" format:"id"`
	// Args are all that the text says beside the fixed words of its row, whole: a list that the text cuts short is not cut here.
	Args Args `json:"args,omitempty"`
	// Text is the sentence. It holds what was read as it was read, and is to be escaped for where it goes.
	Text string `json:"text"`
}

// New returns the message of an id with arguments in pairs of name and value: New("level-needed", "level", l, "workloads", refs).
// Values are texts, whole numbers, booleans, lists of texts and errors; empty ones and false are left out. It panics for an id
// that Table does not have and for a value of another type: both are mistakes in the code, and a test checks all calls.
func New(id string, args ...any) Message {
	m := Message{ID: id, Args: newArgs(args)}
	text, err := Render(m.ID, m.Args)
	if err != nil {
		panic(err)
	}
	m.Text = text
	return m
}

// String returns the text of the message.
func (m Message) String() string { return m.Text }

// IsZero reports whether there is no message, as in a field that is left out of JSON.
func (m Message) IsZero() bool { return m.ID == "" && m.Text == "" }

// With returns the message with one argument more.
func (m Message) With(name string, value any) Message {
	if value = plainValue(value); value == nil {
		return m
	}
	out := Message{ID: m.ID, Args: append(slices.Clip(m.Args), Arg{name, value})}
	out.Args.sort()
	out.Text, _ = Render(out.ID, out.Args) // New has found the id
	return out
}

// Without returns the message without an argument; Args is nil where none is left, as in a message that was saved.
func (m Message) Without(name string) Message {
	out := Message{ID: m.ID, Args: slices.DeleteFunc(slices.Clone(m.Args), func(a Arg) bool { return a.Name == name })}
	if len(out.Args) == 0 {
		out.Args = nil
	}
	out.Text, _ = Render(out.ID, out.Args) // New has found the id
	return out
}

// Render returns the text of a message from its id and arguments. It returns an error for an id that Table does not
// have.
func Render(id string, args Args) (string, error) {
	f, ok := formats()[id]
	if !ok {
		return "", fmt.Errorf("rendering a message: there is no id %q", id)
	}
	return f.render(args), nil
}

// Find returns the kind of message that has an id, and false where none has it.
func Find(id string) (Kind, bool) {
	for _, k := range Table() {
		if k.ID == id {
			return k, true
		}
	}
	return Kind{}, false
}

// Texts returns the texts of messages, in their order; nil for nil.
func Texts(messages []Message) []string {
	if messages == nil {
		return nil
	}
	out := make([]string, len(messages))
	for i := range messages {
		out[i] = messages[i].Text
	}
	return out
}

// Compare orders messages by text, then by id. Equal texts of one id have equal arguments as far as anybody reads them.
func Compare(a, b Message) int {
	return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
}

// Arrange sorts a list of messages: those of one id, and of one mode where they name one, stand together, as Compare orders them, where the
// first of them stood. So objects that the same is said of are in the order of what is said, whatever order they were found in.
func Arrange(list []Message) {
	type kind struct{ id, mode string }
	kindOf := func(m Message) kind {
		mode, _ := m.Args.Get("mode").(string)
		return kind{m.ID, mode}
	}
	places := map[kind]int{}
	for _, m := range list {
		if _, known := places[kindOf(m)]; !known {
			places[kindOf(m)] = len(places)
		}
	}
	slices.SortStableFunc(list, func(a, b Message) int {
		return cmp.Or(cmp.Compare(places[kindOf(a)], places[kindOf(b)]), Compare(a, b))
	})
}

// Contains reports whether a message of an id is among messages.
func Contains(messages []Message, id string) bool {
	return slices.ContainsFunc(messages, func(m Message) bool { return m.ID == id })
}
