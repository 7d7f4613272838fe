package custom

import (
	"fmt"
	"strconv"
)

func describeObject(o RawObject) string {
	name := o.Name
	switch {
	case name == "":
		name = "(no name)"
	case o.Namespace != "":
		name = o.Namespace + "/" + name
	}
	return escapeText(o.Kind) + " " + quote(name)
}

// escapeText is quote without the quotes, for text that stands between others.
func escapeText(s string) string {
	const most = 200
	more := ""
	if len(s) > most {
		s, more = s[:most], "..."
	}
	q := strconv.QuoteToASCII(s)
	return q[1:len(q)-1] + more
}

func ofAPIVersion(apiVersion string) string {
	if apiVersion == "" {
		return ""
	}
	return " of " + escapeText(apiVersion)
}

func quote(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
	}
	return strconv.QuoteToASCII(s)
}

// truncateKey keeps a key of a path within bounds: paths are made of many.
func truncateKey(key string) string {
	const most = 60
	if len(key) > most {
		return key[:most] + "..."
	}
	return key
}
