package custom

import (
	"fmt"
	"strconv"
)

// customObjectText returns the kind and the name of a custom object for a gap or a note.
func customObjectText(o RawObject) string {
	name := o.Name
	switch {
	case name == "":
		name = "(no name)"
	case o.Namespace != "":
		name = o.Namespace + "/" + name
	}
	return escapeText(o.Kind) + " " + quote(name)
}

// escapeText escapes a text of a custom object like quote, without quotation marks, to stand among other words.
func escapeText(s string) string {
	const most = 200
	more := ""
	if len(s) > most {
		s, more = s[:most], "..."
	}
	q := strconv.QuoteToASCII(s)
	return q[1:len(q)-1] + more
}

// ofAPIVersion returns " of " and the apiVersion of a custom object, or nothing where there is none.
func ofAPIVersion(apiVersion string) string {
	if apiVersion == "" {
		return ""
	}
	return " of " + escapeText(apiVersion)
}

// quote quotes a text of a custom object in ASCII and cuts it to a length for a message.
func quote(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// truncateKey cuts a key of a custom object to a length for a path, which has many.
func truncateKey(key string) string {
	const most = 60
	if len(key) > most {
		return key[:most] + "..."
	}
	return key
}
