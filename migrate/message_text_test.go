package migrate

import (
	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// messageText compares messages by what people read of them.
func messageText() cmp.Option {
	return cmp.Comparer(func(a, b message.Message) bool { return a.Text == b.Text })
}
