package output

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// remark is one text of what is not there, with all that it is about.
type remark struct {
	text                         string
	policies, fields, namespaces []string
	said                         map[string]bool // names that the text says itself
}

// group returns remarks with one for each text, in the order in which the texts come first.
func group(remarks []engine.Remark) []*remark {
	var out []*remark
	byText := map[string]*remark{}
	for _, r := range remarks {
		g := byText[r.Text]
		if g == nil {
			g = &remark{text: r.Text, said: namesIn(r.Args)}
			byText[r.Text] = g
			out = append(out, g)
		}
		g.policies, g.fields = append(g.policies, r.Policy), append(g.fields, r.Field)
		g.namespaces = append(g.namespaces, r.Namespaces...)
	}
	for _, g := range out {
		g.policies, g.fields, g.namespaces = distinct(g.policies), distinct(g.fields), distinct(g.namespaces)
	}
	return out
}

// namesIn returns the texts among the arguments of a message.
func namesIn(args message.Args) map[string]bool {
	out := map[string]bool{}
	for _, a := range args {
		switch v := a.Value.(type) {
		case string:
			out[v] = true
		case []string:
			for _, name := range v {
				out[name] = true
			}
		}
	}
	return out
}

// distinct returns names sorted, each once, without empty ones.
func distinct(names []string) []string {
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// about returns the phrase on what a remark is about, at most so many names of a kind: "policies a and b, fields runAsUser"; "" for
// nothing in particular.
func (r *remark) about(most int) string {
	var parts []string
	for _, p := range []struct {
		names     []string
		one, many string
	}{{r.policies, "policy", "policies"}, {r.fields, "field", "fields"}, {r.namespaces, "namespace", "namespaces"}} {
		if len(p.names) > 0 && !r.said[p.names[0]] {
			parts = append(parts, english.Plural(len(p.names), p.one, p.many)+" "+english.First(p.names, most))
		}
	}
	return strings.Join(parts, "; ")
}

// line returns the remark in one line, with at most so many names of a kind.
func (r *remark) line(most int) string {
	if about := r.about(most); about != "" {
		return fmt.Sprintf("%s (%s)", r.text, about)
	}
	return r.text
}

// notKept returns what the documents do not do and the policies did.
func (s *Set) notKept() []*remark {
	return group(slices.Concat(s.Table.LeftOut, s.Documents.Remarks))
}

// nothing returns the namespaces for which there is nothing to add, by why.
func (s *Set) nothing() []*remark { return group(s.Table.Nothing) }

// Summary returns what is to be said of the set where its documents are not looked at: a line for each point, at most so many of
// a kind. The lines hold names as they were read.
func (s *Set) Summary() []string {
	const mostLines, mostNames = 6, 5
	out := []string{s.title()}
	out = append(out, s.Notes...)
	add := func(lead string, remarks []*remark) {
		for i, r := range remarks {
			if i == mostLines {
				out = append(out, fmt.Sprintf("%s: %s, in the README of a folder and the comments of the YAML", lead, english.Count(len(remarks)-i, "more point", "more points")))
				break
			}
			out = append(out, lead+": "+r.line(mostNames))
		}
	}
	add("nothing to add", s.nothing())
	add("not kept", s.notKept())
	return out
}
