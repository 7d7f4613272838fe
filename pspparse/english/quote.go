package english

import (
	"fmt"
	"strconv"
)

// QuoteInput quotes text from the input, for an English sentence, in ASCII, so that look-alike letters and control
// characters show, and cuts it to a number of bytes.
func QuoteInput(s string, most int) string {
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
}

// EscapeInput escapes text from the input, for an English sentence, like QuoteInput, whole and without quotation marks.
func EscapeInput(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
