// Package fieldpath owns the paths to fields of Kubernetes objects: "spec.containers[0].securityContext.privileged", and
// "metadata.annotations[example.com/key]" for keys that are no plain words. It writes and parses them, and knows no kind.
package fieldpath

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Step is one step of a path to a field: into a map by a key, or into a list by an index.
type Step struct {
	// Key is the key of a map; Index counts where IsIndex is set.
	Key     string
	Index   int
	IsIndex bool
}

// Path leads from an object, or a part of one, to a field in it.
type Path []Step

// plainKey matches the keys that a path shows without brackets.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// Keys returns the path that goes into maps by these keys.
func Keys(keys ...string) Path { return Path{}.Keys(keys...) }

// Keys returns the path extended by keys of maps. The path itself is not changed.
func (p Path) Keys(keys ...string) Path {
	out := p.clone(len(keys))
	for _, k := range keys {
		out = append(out, Step{Key: k})
	}
	return out
}

// Item returns the path extended by the index of a list. The path itself is not changed.
func (p Path) Item(index int) Path {
	return append(p.clone(1), Step{Index: index, IsIndex: true})
}

// Join returns the path followed by another one that starts where it ends. Neither is changed.
func (p Path) Join(rest Path) Path { return append(p.clone(len(rest)), rest...) }

// clone returns a copy of the path with room for more steps.
func (p Path) clone(more int) Path { return append(make(Path, 0, len(p)+more), p...) }

// String returns the path as upstream writes paths of fields: "spec.containers[0].image". A key that is no plain word stands in
// brackets; Parse reads it back, unless the key has a closing bracket in it.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.IsIndex:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case !plainKey.MatchString(s.Key):
			fmt.Fprintf(&b, "[%s]", s.Key)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// Parse returns the path that String wrote. What stands in brackets is an index if it is a number of at most nine digits, else a
// key. It fails for an empty path or step, and for a bracket that is not closed.
func Parse(text string) (Path, error) {
	var out Path
	for rest := text; ; {
		switch {
		case strings.HasPrefix(rest, "["):
			inside, after, closed := strings.Cut(rest[1:], "]")
			if !closed || inside == "" {
				return nil, fmt.Errorf("path %q: a bracket without its end", text)
			}
			out, rest = append(out, bracketStep(inside)), after
		default:
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("path %q: an empty step", text)
			}
			out, rest = append(out, Step{Key: rest[:end]}), rest[end:]
		}
		if rest == "" {
			return out, nil
		}
		if rest[0] == '.' {
			if rest = rest[1:]; rest == "" || rest[0] == '[' {
				return nil, fmt.Errorf("path %q: an empty step", text)
			}
		}
	}
}

// indexDigits is the most digits of an index of a list in a path.
const indexDigits = 9

// bracketStep returns the step of a path that stands in brackets.
func bracketStep(inside string) Step {
	if n, err := strconv.Atoi(inside); err == nil && n >= 0 && len(inside) <= indexDigits && strconv.Itoa(n) == inside {
		return Step{Index: n, IsIndex: true}
	}
	return Step{Key: inside}
}
