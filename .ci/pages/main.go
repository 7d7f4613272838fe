// Command pages writes the HTML reports that are tested in a browser: that of the demo, one with what changed since an earlier plan,
// one of 10,000 namespaces made of the first, and one in which every text is hostile. It takes the folder for them.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/handover/html"
)

// The reports of the demo, without and with what changed since an earlier plan.
const (
	demo    = "migrate/handover/html/testdata/demo.json"
	changed = "migrate/handover/html/testdata/changed.json"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pages FOLDER (in the root of the repository)")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the pages into a folder.
func run(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil { //nolint:gosec // it is the folder that the caller names
		return err
	}
	makers := map[string]struct {
		from   string
		change func(*handover.Report)
	}{
		"demo":    {demo, func(*handover.Report) {}},
		"changed": {changed, func(*handover.Report) {}},
		"large":   {demo, func(r *handover.Report) { enlarge(r, 10_000) }},
		"hostile": {demo, spoil},
	}
	for name, maker := range makers {
		r, err := read(maker.from)
		if err != nil {
			return err
		}
		maker.change(r)
		if err := write(filepath.Join(folder, name+".html"), r); err != nil {
			return err
		}
	}
	return nil
}

// read returns a report from a file.
func read(file string) (*handover.Report, error) {
	text, err := os.ReadFile(file) //nolint:gosec // it is one of ours
	if err != nil {
		return nil, err
	}
	r := &handover.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// write writes a page.
func write(path string, r *handover.Report) error {
	f, err := os.Create(path) //nolint:gosec // it is the folder that the caller names
	if err != nil {
		return err
	}
	if err := html.Write(f, r); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// enlarge repeats the rows of a report that grow with a cluster until it has a number of namespaces.
func enlarge(r *handover.Report, namespaces int) {
	sizes := map[string]int{}
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			if t.ID == "namespaces" || t.ID == "workloads" || t.ID == "policy-use" {
				sizes[t.ID] = len(t.Rows)
			}
		}
	}
	times := (namespaces + sizes["namespaces"] - 1) / sizes["namespaces"]
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			if sizes[t.ID] > 0 {
				repeat(t, times, sizes)
			}
			if t.ID == "namespaces" {
				t.Rows = t.Rows[:namespaces]
			}
		}
	}
	for i := range r.Summary.Levels {
		l := &r.Summary.Levels[i]
		l.Today, l.Recommended, l.WithPatches = l.Today*times, l.Recommended*times, l.WithPatches*times
	}
}

// repeat repeats the rows of a table, with names of their own; what refers to a table that is repeated refers to its own part of it.
func repeat(t *handover.Table, times int, sizes map[string]int) {
	rows := t.Rows
	for n := 1; n < times; n++ {
		for _, from := range rows {
			row := handover.Row{ID: fmt.Sprintf("%s-%d", t.ID, len(t.Rows)+1), Detail: from.Detail}
			for i, c := range from.Cells {
				to := t.Columns[i].Table
				if t.Columns[i].Kind == "name" && to != "policies" {
					c.Text = fmt.Sprintf("%s-%05d", c.Text, n)
				}
				if sizes[to] > 0 {
					c.Rows = shift(c.Rows, to, n*sizes[to])
				}
				row.Cells = append(row.Cells, c)
			}
			t.Rows = append(t.Rows, row)
		}
	}
}

// shift returns the IDs of rows a number of rows further down.
func shift(ids []string, table string, by int) []string {
	var shifted []string
	for _, id := range ids {
		var n int
		if _, err := fmt.Sscanf(id, table+"-%d", &n); err == nil {
			id = fmt.Sprintf("%s-%d", table, n+by)
		}
		shifted = append(shifted, id)
	}
	return shifted
}

// spoil puts hostile texts beside every text of a report that can come from input.
func spoil(r *handover.Report) {
	n := 0
	hostile := []string{
		`<script>console.error("ran")</script>`, `"><img src=x onerror=console.error(1)>`, `</script><script>console.error(2)</script>`,
		`</noscript><script>console.error(3)</script>`, `<!--`, `{{.}}`, "\u202egnp.exe", "\x1b[31mred\x00\x07", "a\u2028b\u200bc", "\xff\xfe",
		strings.Repeat("n", 253), `javascript:console.error(4)`, `&lt;b&gt;`, `'+alert(1)+'`,
	}
	spoiled := func(s string) string {
		n++
		return s + hostile[n%len(hostile)]
	}
	r.Cover.Title, r.Cover.Client, r.Cover.Source = spoiled(r.Cover.Title), spoiled(r.Cover.Client), spoiled(r.Cover.Source)
	for i := range r.Summary.Unseen {
		r.Summary.Unseen[i] = spoiled(r.Summary.Unseen[i])
	}
	for _, s := range r.Sections {
		for _, t := range s.Tables {
			for i := range t.Rows {
				for j := range t.Rows[i].Cells {
					t.Rows[i].Cells[j].Text = spoiled(t.Rows[i].Cells[j].Text)
				}
				for j := range t.Rows[i].Detail {
					for k := range t.Rows[i].Detail[j].Lines {
						t.Rows[i].Detail[j].Lines[k] = spoiled(t.Rows[i].Detail[j].Lines[k])
					}
				}
			}
		}
	}
}
