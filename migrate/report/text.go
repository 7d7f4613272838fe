package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// proseWidth is what paragraphs keep to where there is no terminal to ask.
const proseWidth = 100

// page is a report for people under construction. It remembers the first error, so that what fills it need not look.
type page struct {
	out  bytes.Buffer
	opts Options
	err  error
}

// flush writes the page at once: half a report is worse than none.
func (p *page) flush(w io.Writer) error {
	if p.err != nil {
		return p.err
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// line writes text that holds nothing unescaped.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.out, format+"\n", args...)
}

// heading starts a section.
func (p *page) heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.opts.Colour {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	p.line("\n%s", text)
}

// item writes one point of a list, escaped and folded.
func (p *page) item(format string, args ...any) {
	p.paragraph("  ", "    ", fmt.Sprintf(format, args...))
}

// prose writes one paragraph, escaped and folded.
func (p *page) prose(format string, args ...any) {
	p.paragraph("", "", fmt.Sprintf(format, args...))
}

func (p *page) paragraph(first, rest, text string) {
	width := proseWidth
	if p.opts.Width > 0 {
		width = p.opts.Width
	}
	indent := first
	for _, line := range foldText(escape.Terminal(text), max(width-len(rest), narrowest)) {
		p.line("%s", indent+line)
		indent = rest
	}
}

// list writes the first of many items and says how many are left out and where they are.
func (p *page) list(items []string, most int, elsewhere string) {
	for i, text := range items {
		if most > 0 && i == most {
			p.line("  ... and %d more: %s", len(items)-most, elsewhere)
			return
		}
		p.item("%s", text)
	}
}

// table draws a grid whose cells hold nothing unescaped.
func (p *page) table(g *grid) {
	if p.err == nil {
		opts := p.opts
		p.err = g.draw(&p.out, opts, p.painter())
	}
}

// painter colours the level that a cell holds, with the mark before it; nil without colour. A version or remark may
// follow the level.
func (p *page) painter() func(string) string {
	if !p.opts.Colour {
		return nil
	}
	return func(cell string) string {
		start := 0
		if len(cell) > 2 && cell[1] == ' ' {
			start = 2
		}
		end := len(cell)
		if i := strings.IndexAny(cell[start:], ":, \n"); i >= 0 {
			end = start + i
		}
		colour := ""
		switch api.Level(cell[start:end]) {
		case api.LevelPrivileged:
			colour = "\x1b[31m"
		case api.LevelBaseline:
			colour = "\x1b[33m"
		case api.LevelRestricted:
			colour = "\x1b[32m"
		default:
			return cell
		}
		return colour + cell[:end] + "\x1b[0m" + cell[end:]
	}
}

// orDash stands for what is absent.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return escape.Terminal(s)
}
