package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// markdown is a second renderer, of 40 lines: a format for people needs no builder to change.
func markdown(w *bytes.Buffer, blocks []report.Block) {
	text := strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "`", "\\`", "\n", " ").Replace
	for _, b := range blocks {
		switch b := b.(type) {
		case report.Heading:
			fmt.Fprintf(w, "## %s\n", text(string(b)))
		case report.Paragraph:
			fmt.Fprintln(w, text(strings.Join(b, "\n")))
		case report.List:
			for _, item := range b.Items {
				fmt.Fprintf(w, "- %s\n", text(item.Text))
				markdown(w, []report.Block{item.Objects, report.List{Items: item.Items}})
			}
			fmt.Fprintln(w, text(b.Omitted))
		case *report.Table:
			for _, c := range b.Columns {
				fmt.Fprintf(w, "| %s ", text(c.Title))
			}
			fmt.Fprintf(w, "|\n%s|\n", strings.Repeat("| --- ", len(b.Columns)))
			for _, row := range b.Rows {
				fmt.Fprintf(w, "| %s |\n", strings.ReplaceAll(text(strings.Join(row, "\x00")), "\x00", " | "))
			}
			fmt.Fprintln(w, text(b.Omitted))
		case report.Facts:
			for _, f := range b {
				fmt.Fprintf(w, "- **%s**: %s\n", text(f.Name), text(f.Value))
			}
		case report.Steps:
			for i, s := range b {
				fmt.Fprintf(w, "%d. %s\n", i+1, text(s.Text))
				markdown(w, s.Blocks)
			}
		case report.Objects:
			fmt.Fprintf(w, "%s and %d more\n", text(strings.Join(b.Names, "\n")), b.Omitted)
		case report.Commands:
			fmt.Fprintf(w, "```sh\n%s\n```\n", strings.Join(b, "\n"))
		case report.Manifest:
			fmt.Fprintf(w, "```yaml\n%s```\n", b)
		}
	}
}

// documents are reports of every kind.
func documents(t *testing.T) map[string]*report.Document {
	t.Helper()
	read := func(file string, into any) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	var answer gate.Result
	read("../gate/testdata/demo.json", &answer)
	baseline, privileged := "baseline", "privileged"
	out := map[string]*report.Document{
		"gate": report.GateDocument(&answer, report.Options{}),
		"simulation": report.SimulationDocument(&simulation.Result{Form: "as written", Level: "restricted", Version: "v1.25", Results: []simulation.Workload{
			{Namespace: "a", Kind: "Pod", Name: "p", Message: "privileged"}, {Namespace: "b", Kind: "Pod", Name: "p", Unknown: "only live pods were read"},
		}}, report.Options{}),
		"step": report.RolloutStepDocument(&report.RolloutStep{
			Outcome: "done", Stage: "enforce", Wave: "1", Namespace: "shop", Overrode: "a manager",
			Labels:          []report.LabelChange{{Key: "enforce", Before: &privileged, After: &baseline}},
			AdmissionLabels: []report.LabelChange{{Key: "team", After: &baseline}}, AdmissionFields: []string{"metadata.annotations"},
		}, report.Options{}),
		"verification": report.VerificationDocument(&report.Verification{Results: []report.VerificationResult{
			{Namespace: "a", Check: "labels", Status: "not ok", Why: message.Message{Text: "enforce is missing"}},
		}}, report.Options{}),
	}
	for _, name := range cases(t) {
		p := readPlan(t, name)
		out[name], out[name+", wide"] = report.PlanDocument(p, report.Options{}), report.PlanWideDocument(p, report.Options{})
		all, err := explanations(p, true)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range all {
			out[fmt.Sprintf("%s, explanation %d", name, i)] = d
		}
	}
	return out
}

// Whatever the text of a report says, a second renderer finds in its document.
func TestSecondRenderer(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		var asText, asMarkdown bytes.Buffer
		if err := report.Text(&asText, d, report.Options{}); err != nil {
			t.Fatal(err)
		}
		markdown(&asMarkdown, d.Blocks)
		shown := strings.NewReplacer(`\|`, "|", "&lt;", "<", `\*`, "*", "\\`", "`").Replace(asMarkdown.String())
		for word := range strings.FieldsSeq(asText.String()) {
			own := word == "$" || strings.Contains(word, `\`) // how Text marks a command, and spells what a terminal must not get
			if !own && !strings.Contains(shown, word) {
				t.Errorf("%s: %q is not in\n%s", name, word, shown)
				break
			}
		}
	}
}
