package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// wrongTypeError is the decoding error of an object's JSON value of the wrong type, with the path to it: the decoder
// itself names neither keys of maps nor indexes.
type wrongTypeError struct {
	path []string
	msg  string
}

// Error returns where in the object's JSON the value is and of which type it should be.
func (e *wrongTypeError) Error() string { return e.msg }

// newWrongTypeError returns the error of a value of the wrong type in an object's JSON.
func newWrongTypeError(data []byte, wrong *json.UnmarshalTypeError) error {
	fields := strings.Split(wrong.Field, ".")
	path, text := jsonPathAt(data, wrong.Offset)
	if !isSubsequence(fields, path) { // the offset is one within a value that decodes itself
		path, text = fields, wrong.Field
	}
	return &wrongTypeError{path, fmt.Sprintf("%s must be %s, not %s", text, expectedTypeName(wrong.Type), foundTypeName(wrong.Value))}
}

// isSubsequence reports, for the error of decoding an object, whether the path to a JSON value has all fields of the
// decoder's path, in order.
func isSubsequence(fields, path []string) bool {
	for _, step := range path {
		if len(fields) > 0 && fields[0] == step {
			fields = fields[1:]
		}
	}
	return len(fields) == 0
}

// How the keys of a path to a JSON value are written in a message.
var (
	// plainKeyPattern matches a JSON key that reads well behind a dot.
	plainKeyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	// bracketKeyPattern matches a JSON key that reads well in brackets without quotes.
	bracketKeyPattern = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,80}$`)
)

// jsonPathAt returns, for the error of decoding an object, the keys and indexes that lead to the JSON value which holds
// the byte before an offset, and how to write them.
func jsonPathAt(data []byte, offset int64) (path []string, text string) {
	// step is a map or list on the way; next is the index or key of its next value.
	type step struct {
		list, isKey bool
		index       int
		key         string
	}
	var way []step
	tokens := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := tokens.Token()
		if err != nil {
			return nil, ""
		}
		at := len(way) - 1
		if key, ok := token.(string); ok && at >= 0 && way[at].isKey {
			way[at].key, way[at].isKey = key, false
			continue
		}
		delim, _ := token.(json.Delim)
		if delim == '}' || delim == ']' {
			way = way[:at]
		} else if tokens.InputOffset() >= offset {
			break
		}
		if delim == '{' || delim == '[' {
			way = append(way, step{list: delim == '[', isKey: delim == '{'})
			continue
		}
		if at = len(way) - 1; at < 0 {
			return nil, ""
		}
		way[at].index++
		way[at].isKey = !way[at].list
	}
	var b strings.Builder
	for _, s := range way {
		if s.list {
			s.key = strconv.Itoa(s.index)
		}
		path = append(path, s.key)
		switch {
		case !s.list && plainKeyPattern.MatchString(s.key):
			b.WriteString("." + s.key)
		case bracketKeyPattern.MatchString(s.key):
			b.WriteString("[" + s.key + "]")
		default:
			b.WriteString("[" + quote(s.key) + "]")
		}
	}
	return path, strings.TrimPrefix(b.String(), ".")
}
