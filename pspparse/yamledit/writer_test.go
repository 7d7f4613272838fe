package yamledit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	kubectlyaml "sigs.k8s.io/yaml"
)

// writer writes random YAML, with a comment wherever one can stand.
type writer struct {
	*rand.Rand
	b              strings.Builder
	step, listStep int
	comments       int
	calm           bool // no comments
	// anchored is set to write anchors and aliases; then anchors are the names of those that are written, and maps of those of maps.
	anchored      bool
	names         int
	anchors, maps []string
}

// anchor returns an anchor to stand before a value, or nothing, and a function to call once the value is written.
func (w *writer) anchor(isMap bool) (text string, done func()) {
	if !w.anchored || w.IntN(6) > 0 {
		return "", func() {}
	}
	w.names++
	name := fmt.Sprintf("a%d", w.names)
	return " &" + name, func() {
		w.anchors = append(w.anchors, name)
		if isMap {
			w.maps = append(w.maps, name)
		}
	}
}

// comment returns a comment that no other place has.
func (w *writer) comment() string {
	w.comments++
	return fmt.Sprintf("# c%d\té: {x}", w.comments)
}

// endLine ends a line, perhaps behind a comment, and perhaps writes lines that say nothing.
func (w *writer) endLine(indent int) {
	if !w.calm && w.IntN(4) == 0 {
		w.b.WriteString([]string{" ", "  ", "\t"}[w.IntN(3)] + w.comment())
	}
	w.b.WriteString("\n")
	w.idleLines(indent)
}

// idleLines writes comments and empty lines.
func (w *writer) idleLines(indent int) {
	for !w.calm && w.IntN(5) == 0 {
		switch w.IntN(3) {
		case 0:
			w.b.WriteString("\n")
		default:
			w.b.WriteString(strings.Repeat(" ", max(0, indent+[]int{0, 0, 0, 2, -2, 5}[w.IntN(6)])) + w.comment() + "\n")
		}
	}
}

var words = []string{"a", "b", "c", "spec", "drop", "true", "~", "no", "0x1f", "ALL", "RuntimeDefault", "a b", "it's", `say "x"`, "ü: #no", "", "-", "1.5", "2001-01-01", "é😀", "# x", "a\nb", "a\n\n b\n", "{{x}}", "&a", "*b", "!c", "%d", "a: b", "[c"}

// scalar returns a random scalar as it is written on one line.
func (w *writer) scalar() string {
	word := words[w.IntN(len(words))]
	quoted, _ := json.Marshal(word)
	switch w.IntN(4) {
	case 0:
		return []string{"true", "false", "null", "~", "12", "0o7", "1e3", "-3", "yes", ".5"}[w.IntN(10)]
	case 1:
		if !strings.Contains(word, "\n") {
			return "'" + strings.ReplaceAll(word, "'", "''") + "'"
		}
	case 2:
		if regexp.MustCompile(`^[a-zA-Zé😀][a-zA-Z0-9é😀 ']*$`).MatchString(word) {
			return word
		}
	}
	return string(quoted)
}

// key returns a random key as it is written; keys of one map differ by i.
func (w *writer) key(i int) string {
	name := fmt.Sprintf("k%d", i)
	switch w.IntN(8) {
	case 0:
		return `"` + name + `"`
	case 1:
		return "'" + name + "'"
	}
	return name
}

// flow returns a random value in brackets; with lines, each entry on its own.
func (w *writer) flow(depth, indent int) string {
	n := w.IntN(3)
	if depth > 2 {
		return w.scalar()
	}
	open, shut := "[", "]"
	isMap := w.IntN(2) == 0
	if isMap {
		open, shut = "{", "}"
	}
	between, end := ", ", ""
	if n > 0 && w.IntN(4) == 0 {
		pad := "\n" + strings.Repeat(" ", indent+4)
		open, between, end = open+pad, ","+pad, "\n"+strings.Repeat(" ", indent+2)
		if w.IntN(3) == 0 {
			end = "," + end
		}
	} else if w.IntN(4) == 0 {
		open, end = open+" ", " "
	}
	var parts []string
	for i := range n {
		v := w.scalar()
		if w.IntN(3) == 0 {
			v = w.flow(depth+1, indent+4)
		}
		if isMap {
			v = w.key(i) + ": " + v
		}
		parts = append(parts, v)
	}
	return open + strings.Join(parts, between) + end + shut
}

// value writes a random value behind a colon (or a dash), and ends its line.
func (w *writer) value(depth, indent int, dash bool) {
	if len(w.anchors) > 0 && w.IntN(8) == 0 {
		w.b.WriteString(" *" + w.anchors[w.IntN(len(w.anchors))])
		w.endLine(indent)
		return
	}
	kind := w.IntN(8)
	if depth > 4 {
		kind = 5 + w.IntN(3)
	}
	switch kind {
	case 0, 1, 2:
		anchor, done := w.anchor(true)
		defer done()
		w.b.WriteString(anchor)
		if dash && anchor == "" {
			w.b.WriteString(" ")
			w.mapping(depth+1, indent+2, true)
			return
		}
		w.endLine(indent + w.step)
		w.mapping(depth+1, indent+w.step, false)
	case 3:
		if dash {
			w.b.WriteString(" ")
			w.sequence(depth+1, indent+2, true)
			return
		}
		w.endLine(indent + w.listStep)
		w.sequence(depth+1, indent+w.listStep, false)
	case 4:
		w.b.WriteString([]string{" |", " >", " |-", " |+", " >2"}[w.IntN(5)])
		if !w.calm && w.IntN(4) == 0 {
			w.b.WriteString(" " + w.comment())
		}
		pad := strings.Repeat(" ", indent+2)
		w.b.WriteString("\n" + pad + "one\n")
		for range w.IntN(3) {
			w.b.WriteString([]string{pad + " # no comment\n", "\n", pad + "two: 2\n"}[w.IntN(3)])
		}
	case 5:
		anchor, done := w.anchor(false)
		defer done()
		w.b.WriteString(anchor + " " + w.flow(0, indent))
		w.endLine(indent)
	case 6:
		if !dash && w.IntN(3) == 0 {
			w.endLine(indent)
			return
		}
		if !dash && w.IntN(3) == 0 {
			pad := "\n" + strings.Repeat(" ", indent+1+w.IntN(3))
			w.b.WriteString([]string{" plain text" + pad + "goes on", ` "quoted` + pad + `goes\"on"`, pad + "below"}[w.IntN(3)])
			w.endLine(indent)
			return
		}
		fallthrough
	default:
		anchor, done := w.anchor(false)
		defer done()
		w.b.WriteString(anchor + " " + w.scalar())
		w.endLine(indent)
	}
}

// mapping writes a random map in block style. The first key stands on a line that has begun if inline is set.
func (w *writer) mapping(depth, indent int, inline bool) {
	if len(w.maps) > 0 && w.IntN(5) == 0 {
		if !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString("<<: *" + w.maps[w.IntN(len(w.maps))])
		w.endLine(indent)
		inline = false
	}
	for i := range 1 + w.IntN(4) {
		if i > 0 || !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString(w.key(i) + ":")
		w.value(depth, indent, false)
	}
}

// sequence writes a random list in block style.
func (w *writer) sequence(depth, indent int, inline bool) {
	for i := range 1 + w.IntN(3) {
		if i > 0 || !inline {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString("-")
		w.value(depth, indent, true)
	}
}

// document returns a random file with one or more documents.
func (w *writer) document() string {
	w.step, w.listStep = []int{1, 2, 2, 4}[w.IntN(4)], []int{0, 2, 2, 3}[w.IntN(4)]
	w.calm, w.anchored = w.IntN(5) == 0, w.IntN(4) == 0
	for i := range 1 + w.IntN(3) {
		if i > 0 || w.IntN(4) == 0 {
			w.b.WriteString("---")
			w.endLine(0)
		}
		w.anchors, w.maps = nil, nil
		w.idleLines(0)
		if w.IntN(6) == 0 {
			w.json()
			continue
		}
		w.mapping(0, 0, false)
		w.idleLines(0)
	}
	text := w.b.String()
	if w.IntN(4) == 0 {
		text = strings.TrimRight(text, "\n")
	}
	if w.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if w.IntN(8) == 0 {
		text = "\ufeff" + text
	}
	return text
}

// json writes a random map as JSON.
func (w *writer) json() {
	inner := writer{Rand: w.Rand, step: 2, listStep: 2, calm: true}
	inner.mapping(1, 0, false)
	data, err := kubectlyaml.YAMLToJSON([]byte(inner.b.String()))
	if err != nil {
		data = []byte("{}")
	}
	var pretty bytes.Buffer
	if w.IntN(3) > 0 && json.Indent(&pretty, data, "", []string{"  ", "\t", "    "}[w.IntN(3)]) == nil {
		data = pretty.Bytes()
	}
	w.b.Write(append(data, '\n'))
}
