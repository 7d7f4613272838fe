package custom

import "github.com/psp2pss/psp2pss/pspparse/english"

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
	return english.EscapeInput(s) + more
}

// ofAPIVersion returns " of " and the apiVersion of a custom object, or nothing where there is none.
func ofAPIVersion(apiVersion string) string {
	if apiVersion == "" {
		return ""
	}
	return " of " + escapeText(apiVersion)
}

// quote quotes a text of a custom object for a message.
func quote(s string) string { return english.QuoteInput(s, 200) }

// truncateKey cuts a key of a custom object to a length for a path, which has many.
func truncateKey(key string) string {
	const most = 60
	if len(key) > most {
		return key[:most] + "..."
	}
	return key
}
