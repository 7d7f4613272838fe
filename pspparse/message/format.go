package message

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

// A format is the text of a kind of message with places for arguments:
//
//	{name}            the value; a list is joined by ", "
//	{name:q}          each text of it in double quotes; "" where there is none
//	{name:3}          the first three of a list, and how many more there are
//	{name:q3}         both
//	{name:3 and}      the first three, and the number of the others after "and"
//	{name:max 6}      at most six things: of a longer list the first five, and how many others after "and"
//	{name:;}          a list joined by "; "
//	{name:;10}        the first ten of it, and how many others after "; and"
//	{name:,}          a list joined by "," without a space; {name: } by a space alone, {name:and} by " and ", {name:or} by " or "
//	{name:input}      a text from the input, as english.QuoteInput quotes and cuts it
//	{name:lower}      a text in lower case
//	{name:ascii}      a text in double quotes, with an escape for every character beyond ASCII
//	{name:#}          the length of a list
//	{name:one|many}   the first word for 1, or a list of one, else the second
//	[?name text]      the text, which may have places of its own, if there is such an argument; [!name text] if there is none
//	[?name ]          nothing: the argument is for programs alone
//
// text/template says the same and takes four times as long (BenchmarkNew): a plan of 10,000 namespaces has 50,000 messages.
type format []formatPart

// maxInputShown is how many bytes of a text from the input a message shows.
const maxInputShown = 64

// formatPart is a piece of a message's format: a fixed text, a place for an argument, or a text that depends on one.
type formatPart struct {
	text string
	name string // of the argument; "" for a fixed text
	how  formatManner
	// one and many are the words of inWords.
	one, many string
	// most items of a list are written; 0 is all of them. The number of the others follows after and, and counts as an item if
	// countsRest is true.
	most       int
	countsRest bool
	quoted     bool
	// lower is true for a text that is written in lower case.
	lower bool
	// ascii is true for a text that is quoted without characters beyond ASCII.
	ascii bool
	// input is true for a text that is quoted as english.QuoteInput does.
	input bool
	and   string
	// between stands between the items of a list.
	between string
	inner   format // of ifSet and unlessSet
}

// formatManner is how a part of a message's format writes its argument.
type formatManner int

const (
	asText formatManner = iota
	asLength
	inWords
	ifSet
	unlessSet
)

// formats are those of Table by id, parsed when the first message is made.
var formats = sync.OnceValue(func() map[string]format {
	out := map[string]format{}
	for _, k := range Table() {
		out[k.ID] = parseFormat(k.Format)
	}
	return out
})

var place = regexp.MustCompile(`^\{([a-z][A-Za-z]*)(?::([^{}]*))?\}|^\[([?!])([a-z][A-Za-z]*) `)

// parseFormat reads the format of a kind of message. What is no place stands for itself.
func parseFormat(text string) format {
	f, _ := parseFormatUntil(text, false)
	return f
}

// parseFormatUntil reads the format of a message up to the end of the text, or of the part in brackets that it is in, and
// returns what comes after that.
func parseFormatUntil(text string, inBrackets bool) (f format, rest string) {
	fixed := 0
	add := func(end int) {
		if end > fixed {
			f = append(f, formatPart{text: text[fixed:end]})
		}
	}
	for i := 0; i < len(text); {
		if inBrackets && text[i] == ']' {
			add(i)
			return f, text[i+1:]
		}
		if text[i] != '{' && text[i] != '[' { // no place begins here; asking the expression costs more than all the rest
			i++
			continue
		}
		m := place.FindStringSubmatch(text[i:])
		switch {
		case m == nil:
			i++
			continue
		case m[3] == "":
			add(i)
			f = append(f, placeOf(m[1], m[2]))
			i += len(m[0])
		default:
			add(i)
			inner, after := parseFormatUntil(text[i+len(m[0]):], true)
			how := ifSet
			if m[3] == "!" {
				how = unlessSet
			}
			f = append(f, formatPart{name: m[4], how: how, inner: inner})
			i = len(text) - len(after)
		}
		fixed = i
	}
	add(len(text))
	return f, ""
}

// placeOf reads what stands in a message's format after the name of an argument.
func placeOf(name, modifier string) formatPart {
	p := formatPart{name: name, between: ", ", and: ", "}
	if one, many, ok := strings.Cut(modifier, "|"); ok {
		p.how, p.one, p.many = inWords, one, many
		return p
	}
	if modifier == "#" {
		p.how = asLength
		return p
	}
	switch modifier {
	case ",", " ":
		p.between = modifier
		return p
	case "and", "or":
		p.between = " " + modifier + " "
		return p
	case "lower":
		p.lower = true
		return p
	case "ascii":
		p.quoted, p.ascii = true, true
		return p
	case "input":
		p.quoted, p.input = true, true
		return p
	}
	if most, ok := strings.CutPrefix(modifier, ";"); ok {
		p.most, _ = strconv.Atoi(most) // TestTable checks that it is a number
		p.between, p.and = "; ", "; and "
		return p
	}
	if most, ok := strings.CutPrefix(modifier, "max "); ok {
		p.most, _ = strconv.Atoi(most) // TestTable checks that it is a number
		p.countsRest, p.and = true, " and "
		return p
	}
	modifier, p.quoted = strings.CutPrefix(modifier, "q")
	modifier, and := strings.CutSuffix(modifier, " and")
	if and {
		p.and = " and "
	}
	p.most, _ = strconv.Atoi(modifier) // TestTable checks that it is a number
	return p
}

// render returns the text of a message that its format makes from arguments.
func (f format) render(args Args) string {
	var b [512]byte // most texts are shorter, and are copied once
	return string(f.appendTo(b[:0], args))
}

// appendTo adds the text that the format of a message makes from arguments.
func (f format) appendTo(b []byte, args Args) []byte {
	for i := range f {
		p := &f[i]
		switch {
		case p.name == "":
			b = append(b, p.text...)
		case p.how == ifSet || p.how == unlessSet:
			if value := args.Get(p.name); (value != nil && value != 0) == (p.how == ifSet) {
				b = p.inner.appendTo(b, args)
			}
		default:
			b = p.appendTo(b, args.Get(p.name))
		}
	}
	return b
}

// appendTo adds the value of a message's argument in the manner of the place; nothing for one that is not there.
func (p *formatPart) appendTo(b []byte, value any) []byte {
	list, isList := value.([]string)
	text, isText := value.(string)
	n, _ := value.(int)
	if isList {
		n = len(list)
	}
	switch {
	case p.how == inWords && n == 1:
		return append(b, p.one...)
	case p.how == inWords:
		return append(b, p.many...)
	case p.how == asText && isList:
		return p.appendList(b, list)
	case p.how == asText && isText:
		return p.appendQuoted(b, text)
	case p.quoted && value == nil:
		return append(b, `""`...)
	case p.how == asLength || value != nil:
		return strconv.AppendInt(b, int64(n), 10)
	}
	return b
}

// appendQuoted adds one text of an argument, in double quotes where the format of the message says so.
func (p *formatPart) appendQuoted(b []byte, text string) []byte {
	switch {
	case p.input:
		return append(b, english.QuoteInput(text, maxInputShown)...)
	case p.lower:
		return append(b, strings.ToLower(text)...)
	case p.ascii:
		return strconv.AppendQuoteToASCII(b, text)
	case p.quoted:
		return strconv.AppendQuote(b, text)
	}
	return append(b, text...)
}

// appendList adds the items of a message's list argument up to the number that the place asks for.
func (p *formatPart) appendList(b []byte, list []string) []byte {
	shown := list
	if p.most > 0 && p.most < len(list) {
		shown = list[:p.most]
		if p.countsRest {
			shown = list[:p.most-1]
		}
	}
	for i, item := range shown {
		if i > 0 {
			b = append(b, p.between...)
		}
		b = p.appendQuoted(b, item)
	}
	if more := len(list) - len(shown); more > 0 {
		b = append(b, p.and...)
		b = strconv.AppendInt(b, int64(more), 10)
		b = append(b, " more"...)
	}
	return b
}

// Arguments returns the names of the arguments that a message of the kind can have, sorted.
func (k Kind) Arguments() []string {
	found := map[string]bool{}
	parseFormat(k.Format).names(found)
	return slices.Sorted(maps.Keys(found))
}

// names adds the arguments that a message's format has places for.
func (f format) names(into map[string]bool) {
	for i := range f {
		if f[i].name != "" {
			into[f[i].name] = true
		}
		f[i].inner.names(into)
	}
}
