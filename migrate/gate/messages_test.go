package gate_test

import (
	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// says returns the message of an id as far as sameMessages compares it.
func says(id, text string) message.Message { return message.Message{ID: id, Text: text} }

// objects returns the objects of a reason or note, of one id, as far as sameMessages compares them.
func objects(id string, texts ...string) []message.Message {
	var out []message.Message
	for _, text := range texts {
		out = append(out, says(id, text))
	}
	return out
}

// advises returns an Advice with a text, for sameMessages; none for "".
func advises(text string) gate.Advice {
	if text == "" {
		return nil
	}
	return gate.Advice{{Text: text}}
}

// sameMessages compares messages by id and text, and advice by its text. That arguments make the text, a test of all scenarios
// checks.
func sameMessages() cmp.Option {
	return cmp.Options{
		cmp.Comparer(func(a, b message.Message) bool { return a.ID == b.ID && a.Text == b.Text }),
		cmp.Comparer(func(a, b gate.Advice) bool { return a.String() == b.String() }),
	}
}
