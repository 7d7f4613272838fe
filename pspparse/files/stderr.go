package files

import (
	"bytes"
	"fmt"
)

// isKubectlStderrLine reports whether kubectl writes a line to standard error, which "2>&1" brings into a file: a
// warning, a line of its log, or that there was nothing to list.
func isKubectlStderrLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Warning: ")) || bytes.HasPrefix(line, []byte("No resources found")) || isKlogLine(line)
}

// isKlogLine reports whether a line of a file is one of klog that is not fatal: "W0614 10:00:00.123456 12345
// warnings.go:70] ...".
func isKlogLine(line []byte) bool {
	const form = "W0614 10:00:00."
	if len(line) < len(form) || line[0] != 'I' && line[0] != 'W' && line[0] != 'E' {
		return false
	}
	for i, c := range []byte(form[1:]) {
		digit := line[i+1] >= '0' && line[i+1] <= '9'
		if isDigit := c >= '0' && c <= '9'; isDigit != digit || !isDigit && c != line[i+1] {
			return false
		}
	}
	return true
}

// kubectlStderrHint returns the hint that a file which cannot be read has a line of kubectl's standard error in it; ""
// if it has none. There it may stand in the middle of an object.
func kubectlStderrHint(text []byte, line int) string {
	for rest := text; len(rest) > 0; line++ {
		if isKlogLine(rest) || bytes.HasPrefix(rest, []byte("Warning: ")) || bytes.HasPrefix(rest, []byte("Error from server")) {
			return stderrLineHint(line)
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		rest = rest[end+1:]
	}
	return ""
}

// stderrLineHint returns the hint that a line of a file is one of kubectl's standard error.
func stderrLineHint(line int) string {
	return fmt.Sprintf("; line %d is of kubectl's standard error: save the file again with 2>/dev/null", line)
}

// isKubectlError reports whether a document begins with an error of kubectl: then objects are missing beside it.
func isKubectlError(text []byte) bool {
	for _, begin := range []string{
		"Error from server", "Unable to connect to the server: ", "The connection to the server ",
		"error: the server doesn't have a resource type", "error: You must be logged in to the server", "error: unable to ", "error: error loading config file",
	} {
		if bytes.HasPrefix(withoutLeadingBlankLines(text), []byte(begin)) {
			return true
		}
	}
	return false
}

// withoutLeadingBlankLines returns a document from its first line on that is neither blank nor a comment nor the mark
// of a document.
func withoutLeadingBlankLines(text []byte) []byte {
	for len(text) > 0 && (isBlankOrComment(text[:min(len(text), lookaheadBytes)]) || isDocumentMarker(text, "---")) {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return nil
		}
		text = text[end+1:]
	}
	return text
}
