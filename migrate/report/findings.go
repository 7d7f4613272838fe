package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// FindingsDocument builds the report on what a check of manifests found: by check of the standards the places, one a line, with what
// to write there; then who asked for the level, what was not read, and the counts. Without headers it has one line
// for each place, and for each gap. A quiet one has the places and the gaps.
func FindingsDocument(r *finding.Result, opts Options) *Document {
	if opts.NoHeaders {
		return findingLines(r, opts)
	}
	d := &Document{}
	groups := findingGroups(r.Findings)
	tables := make([]*Table, len(groups))
	fit := true
	for i, group := range groups {
		tables[i] = findingTable(group, r.Since != "")
		fit = fit && (opts.Width == 0 || tables[i].width() <= opts.Width)
	}
	for i, group := range groups {
		if d.add(Heading(groupTitle(group))); fit {
			d.add(tables[i])
		} else {
			d.add(findingList(tables[i]))
		}
	}
	var gaps, notes []string
	for _, g := range r.Gaps {
		gaps = append(gaps, gapText(g.Position, g.What, g.Text))
	}
	for _, n := range r.Notes {
		notes = append(notes, gapText(n.Position, n.What, n.Text))
	}
	if opts.Quiet {
		d.addSection("Not read or not evaluated", gaps)
		return d
	}
	if len(r.Ignored) > 0 {
		d.addSection("Accepted by an exception", ignoredTexts(r))
	}
	d.addSection("Fixed since "+r.Since, fixedTexts(r))
	d.addSection("Not read or not evaluated", gaps)
	d.addSection("Notes", notes)
	d.addSection("What is asked", demandTexts(r))
	d.add(findingSummary(r))
	return d
}

// findingGroups returns the findings of a check by severity and rule, in the order of the first of each.
func findingGroups(findings []finding.Finding) [][]finding.Finding {
	var out [][]finding.Finding
	index := map[string]int{}
	for i := range findings {
		key := findings[i].Severity + " " + findings[i].Rule
		at, ok := index[key]
		if !ok {
			at = len(out)
			index[key] = at
			out = append(out, nil)
		}
		out[at] = append(out[at], findings[i])
	}
	return out
}

// groupTitle returns the heading of a group of findings of a check: the rule, its level and how many there are.
func groupTitle(group []finding.Finding) string {
	title := group[0].Rule
	if group[0].Level != "" {
		title += " (" + group[0].Level + ")"
	}
	n := english.Count(len(group), "workload", "workloads")
	if group[0].Level == "" {
		n = english.Count(len(group), "exception", "exceptions")
	}
	if group[0].Severity != finding.SeverityError {
		n += ", " + group[0].Severity + " only"
	}
	return title + ": " + n
}

// findingTable returns the table of a group of findings of a check, a row for each place, with whether it is new since an earlier
// result if there is one.
func findingTable(group []finding.Finding, since bool) *Table {
	t := &Table{
		Columns: []Column{{"PLACE", RoleText}, {"WORKLOAD", RoleName}, {"CONTAINER", RoleName}, {"WHAT TO WRITE", RoleText}},
	}
	if since {
		t.Columns = append(t.Columns[:3], Column{"SINCE", RoleText}, t.Columns[3])
	}
	for i := range group {
		f := &group[i]
		for j := range f.Places {
			p := &f.Places[j]
			row := []string{placeText(p), findingWorkload(&f.Object), orDash(p.Container)}
			if since {
				row = append(row, sinceText(p))
			}
			if f.Level == "" { // about an exception
				t.Rows = append(t.Rows, append(row, f.Message))
				continue
			}
			t.Rows = append(t.Rows, append(row, editText(p)))
		}
	}
	return t
}

// sinceText returns whether a place of a finding is new since the earlier result of a check, and which value was changed there. Of a
// long value only the hash is known.
func sinceText(p *finding.Place) string {
	if !p.New {
		return "known"
	}
	var values []string
	for _, value := range []json.RawMessage{p.PreviousValue, p.Value} {
		text := string(value) // of a number or a boolean
		_ = json.Unmarshal(value, &text)
		if text == "" || strings.HasPrefix(text, "sha256:") {
			break
		}
		values = append(values, text)
	}
	switch {
	case len(p.PreviousValue) == 0:
		return "new"
	case len(values) < 2:
		return "new: changed"
	}
	return "new: changed from " + values[0] + " to " + values[1]
}

// width returns how many columns a table of a report takes with each row on one line, if every character takes one.
func (t *Table) width() int {
	total := 0
	for i := range t.Columns {
		widest := utf8.RuneCountInString(t.Columns[i].Title)
		for _, row := range t.Rows {
			widest = max(widest, utf8.RuneCountInString(row[i]))
		}
		total += widest
	}
	return total + len(hanging)*(len(t.Columns)-1)
}

// findingList returns the rows of the table of a group of findings as points, for a terminal that is too narrow for the table: places
// are copied, and stay in one piece.
func findingList(t *Table) List {
	var l List
	for _, row := range t.Rows {
		text := row[0] + ": " + row[1]
		if row[2] != "-" {
			text += ", container " + row[2]
		}
		for _, cell := range row[3:] {
			text += ": " + cell
		}
		l.Items = append(l.Items, Item{Text: text})
	}
	return l
}

// placeText returns where a finding of a check is: file:line:column.
func placeText(p *finding.Place) string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// findingWorkload returns the name of an object in the table of findings, with the file of a Helm chart that it was rendered from.
func findingWorkload(o *finding.Object) string {
	name := findingObject(o)
	if o.Template != "" {
		name += ", from " + o.Template
	}
	return name
}

// findingObject returns the name of an object in the report on a check: namespace/kind/name, and the event of a Helm hook.
func findingObject(o *finding.Object) string {
	name := phrases.ObjectName(o.Kind, o.Name)
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	if o.Hook != "" {
		name += " (" + o.Hook + " hook)"
	}
	return name
}

// editText returns what is to be written at a place of a finding: a field of the container, or of the pod, with its value.
func editText(p *finding.Place) string {
	field := shortField(p)
	switch {
	case p.Edit == nil && p.Missing:
		return "set " + field
	case p.Edit == nil:
		return "change " + field
	case p.Edit.Op == finding.OpRemove:
		return "remove " + field + safetyText(p.Edit.Safety)
	}
	return field + yamlValueText(p.Edit.Value) + safetyText(p.Edit.Safety)
}

// yamlValueText returns what follows a field in a report where its value is written, in the style of YAML: ": true", ": [ALL]", and
// ".type: RuntimeDefault" for an object with one field. Anything else is JSON, which YAML takes, too.
func yamlValueText(value json.RawMessage) string {
	var v any
	if json.Unmarshal(value, &v) != nil {
		return ": " + string(value)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if raw, err := json.Marshal(inner); err == nil && len(v) == 1 && isPlainYAML(key) {
				return "." + key + yamlValueText(raw)
			}
		}
	case string:
		if isPlainYAML(v) {
			return ": " + v
		}
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			word, ok := item.(string)
			if !ok || !isPlainYAML(word) {
				return ": " + string(value)
			}
			words[i] = word
		}
		return ": [" + strings.Join(words, ", ") + "]"
	}
	return ": " + string(value)
}

// capitalWord matches the words of the API that are values of fields, such as RuntimeDefault and ALL.
var capitalWord = regexp.MustCompile(`^[A-Z][A-Za-z_]{2,}$`)

// isPlainYAML reports whether a text is the same in YAML without quotes: a key or a word of the API, and none that YAML takes for a
// boolean.
func isPlainYAML(text string) bool {
	return text == "type" || capitalWord.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "off"}, strings.ToLower(text))
}

// safetyText returns the remark on the safety of an edit; "" for a safe one.
func safetyText(safety string) string {
	switch safety {
	case finding.SafetyTest:
		return " (try it)"
	case finding.SafetyDecide:
		return " (decide)"
	}
	return ""
}

// shortField returns the field of a place of a finding as its container has it, or its pod template.
func shortField(p *finding.Place) string {
	field := p.Field
	if p.Container != "" {
		if i := strings.LastIndex(field, "ontainers["); i >= 0 {
			if _, rest, ok := strings.Cut(field[i:], "]."); ok {
				return rest
			}
		}
	}
	if i := strings.LastIndex(field, "template."); i >= 0 {
		return field[i+len("template."):]
	}
	return field
}

// gapText returns the report's text on something that was not read, or a remark, with its position.
func gapText(at pspparse.Position, what, text string) string {
	switch {
	case at.File != "" && at.Line > 0:
		return fmt.Sprintf("%s:%d: %s: %s", at.File, at.Line, what, text)
	case at.File != "" && !strings.Contains(what, at.File):
		return fmt.Sprintf("%s: %s: %s", at.File, what, text)
	}
	return what + ": " + text
}

// ignoredTexts returns the report's texts on findings that an exception covers.
func ignoredTexts(r *finding.Result) []string {
	var out []string
	for i := range r.Ignored {
		x := &r.Ignored[i]
		text := fmt.Sprintf("%s: %s: %s", findingObject(&x.Finding.Object), x.Finding.Rule, x.Reason)
		if x.Until != "" {
			text += " (until " + x.Until + ")"
		}
		text += fmt.Sprintf(" [%s:%d]", x.Position.File, x.Position.Line)
		out = append(out, text)
	}
	return out
}

// fixedTexts returns the report's texts on findings of an earlier result that are there no longer.
func fixedTexts(r *finding.Result) []string {
	var out []string
	for i := range r.Fixed {
		k := &r.Fixed[i]
		text := findingObject(&k.Object) + ": " + k.Rule
		switch {
		case len(k.Containers) > 0:
			text += " in " + english.Plural(len(k.Containers), "container ", "containers ") + strings.Join(k.Containers, ", ")
		case len(k.Fields) > 0:
			text += " at " + strings.Join(k.Fields, ", ")
		}
		out = append(out, text)
	}
	return out
}

// demandTexts returns the report's texts on the levels that are asked of the workloads, each with what asks for it and how often.
func demandTexts(r *finding.Result) []string {
	var order []string
	count := map[string]int{}
	for i := range r.Workloads {
		for _, d := range r.Workloads[i].Demands {
			text := fmt.Sprintf("%s:%s: %s", d.Level, d.Version, d.Why.Text)
			if d.Mode != "enforce" {
				text = d.Mode + " " + text
			}
			if count[text]++; count[text] == 1 {
				order = append(order, text)
			}
		}
	}
	for i, text := range order {
		order[i] = fmt.Sprintf("%s (%s)", text, english.Count(count[text], "workload", "workloads"))
	}
	return order
}

// findingSummary returns the sentences that count what a check found.
func findingSummary(r *finding.Result) Paragraph {
	failed, partial, free, accepted := 0, 0, 0, 0
	found := failingWorkloads(r)
	for i := range r.Workloads {
		w := &r.Workloads[i]
		switch {
		case len(w.Demands) == 0:
			free++
		case len(w.Failed) > 0 && !found[i]:
			accepted++
		case len(w.Failed) > 0:
			failed++
		case w.Partial:
			partial++
		}
	}
	if len(r.Workloads) == 0 {
		return Paragraph{english.Count(len(r.Findings), "finding", "findings") + ": nothing with pods was among what was read."}
	}
	meet := len(r.Workloads) - failed - partial - free - accepted
	text := fmt.Sprintf("%s in %d of %s", english.Count(len(r.Findings), "finding", "findings"), failed, english.Count(len(r.Workloads), "workload", "workloads"))
	text += fmt.Sprintf("; %d %s what is asked", meet, english.Plural(meet, "meets", "meet"))
	if accepted > 0 {
		text += fmt.Sprintf("; %d %s only checks that an exception covers", accepted, english.Plural(accepted, "fails", "fail"))
	}
	if partial > 0 {
		text += fmt.Sprintf("; %d known in part, with nothing against what is written", partial)
	}
	if free > 0 {
		text += fmt.Sprintf("; of %d nothing is asked", free)
	}
	out := Paragraph{text + "."}
	if legend := safetyLegend(r); legend != "" {
		out = append(out, legend)
	}
	return append(out, effectTexts(r)...)
}

// effectTexts returns the report's sentences on what a server does with what fails a check: with objects that make pods, with custom
// resources and with pods. What only warns or is only audited has its mode in the heading.
func effectTexts(r *finding.Result) []string {
	effects := map[string]bool{}
	for i := range r.Findings {
		effects[r.Findings[i].Effect.ID] = true
	}
	var out []string
	for _, effect := range [][2]string{
		{"check-effect-pods-refused", "A server takes objects that make pods, with a warning where the namespace has the warn label, and refuses their pods later."},
		{"check-effect-custom-pods-refused", "A server takes custom resources without a warning, and refuses the pods that are made from them later."},
		{"check-effect-refused", "A server refuses the pods."},
	} {
		if effects[effect[0]] {
			out = append(out, effect[1])
		}
	}
	return out
}

// failingWorkloads returns the workloads of a result that fail a check for which they have no exception, by index.
func failingWorkloads(r *finding.Result) map[int]bool {
	out := map[int]bool{}
	for i, owner := range r.Owners() {
		if r.Findings[i].Level != "" {
			out[owner] = true
		}
	}
	return out
}

// safetyLegend explains the remarks on the safety of edits that the report on a check has; "" where it has none.
func safetyLegend(r *finding.Result) string {
	used := map[string]bool{}
	for i := range r.Findings {
		for j := range r.Findings[i].Places {
			if e := r.Findings[i].Places[j].Edit; e != nil {
				used[e.Safety] = true
			}
		}
	}
	var parts []string
	if used[finding.SafetyTest] {
		parts = append(parts, "(try it) marks what a program may not run with")
	}
	if used[finding.SafetyDecide] {
		parts = append(parts, "(decide) marks what takes away something that the manifest asks for, changes a value that it states, or keeps its pods from starting")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// findingLines builds the report on a check as lines to search, as compilers write them: "file:line:column: error: ...".
func findingLines(r *finding.Result, opts Options) *Document {
	d := &Document{OneLine: opts.Width == 0}
	list := List{Flat: true}
	for i := range r.Findings {
		f := &r.Findings[i]
		for j := range f.Places {
			p := &f.Places[j]
			list.Items = append(list.Items, Item{Text: fmt.Sprintf("%s: %s: %s: %s: %s", placeText(p), f.Severity, findingObject(&f.Object), f.Rule, f.Message)})
		}
	}
	for _, g := range r.Gaps {
		list.Items = append(list.Items, Item{Text: gapText(g.Position, "not read: "+g.What, g.Text)})
	}
	if len(list.Items) > 0 {
		d.add(list)
	}
	return d
}

// FindingNames writes the workloads that do not meet what a check asks of them as output lines NAMESPACE/KIND/NAME. It returns the
// error of writing.
func FindingNames(w io.Writer, r *finding.Result, _ Options) error {
	out := bufio.NewWriter(w)
	found := failingWorkloads(r)
	for i := range r.Workloads {
		if o := r.Workloads[i].Object; found[i] {
			o.Hook = ""
			_, _ = out.WriteString(escape.Lines(escape.Terminal(findingObject(&o))) + "\n") // Flush reports the error
		}
	}
	return out.Flush()
}
