package html

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/psp2pss/psp2pss/migrate/handover"
)

// The parts of a page. The sheet and the script stand in it byte for byte, since the policy of the page names them by hash.
var (
	//go:embed report.html.tmpl
	pageTemplate string
	//go:embed report.css
	sheet string
	//go:embed table.js
	tables string
	//go:embed graph.js
	graphs string
	//go:embed report.js
	rest string
)

// script returns the script of a page: the tables, the pictures, and what starts them.
func script() string { return tables + graphs + rest }

// maxBytes is how large a page may become: browsers open it at once, and mail takes it.
const maxBytes = 15_000_000

// Write writes a report as one HTML page of at most 15 MB. Details that do not fit are left out, those that equal others
// last, then rows, and the page says how many. The error is one of the writer, or names a row whose ID is no anchor, or is that of a
// report whose texts without any row are too large.
func Write(w io.Writer, r *handover.Report) error { return write(w, r, maxBytes) }

// write writes a report as an HTML page of that many bytes at most.
func write(w io.Writer, r *handover.Report, limit int) error {
	p, err := newPage(r, limit)
	if err != nil {
		return err
	}
	return p.write(w)
}

// write writes a page of a report.
func (p *page) write(w io.Writer) error {
	drawn, err := template.New("page").Funcs(functions()).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("parsing the template of the HTML report: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := drawn.ExecuteTemplate(out, "page", p); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	if err := writeData(out, p); err != nil {
		return fmt.Errorf("writing the rows of the HTML report: %w", err)
	}
	if err := drawn.ExecuteTemplate(out, "end", p); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}

// size returns how many bytes a page of a report has.
func (p *page) size() (int, error) {
	counted := &counter{w: io.Discard}
	err := p.write(counted)
	return counted.n, err
}

// contentPolicy returns the Content-Security-Policy of a page: its own style sheet and its own script by their hashes, and
// nothing from anywhere else.
func contentPolicy() string {
	return "default-src 'none'; style-src '" + hashOf(sheet) + "'; script-src '" + hashOf(script()) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// hashOf returns the hash by which a Content-Security-Policy names the text of an element of a page.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
