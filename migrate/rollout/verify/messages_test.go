package verify

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// says returns a message with a text, for sameResults.
func says(text string) message.Message { return message.Message{Text: text} }

// sameResults compares results by what is reported of them, and messages by their texts.
func sameResults() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreUnexported(CheckResult{}),
		cmp.Comparer(func(a, b message.Message) bool { return a.Text == b.Text }),
	}
}
