package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// TestNarrowTables shows what a terminal makes of a table that is too wide for it, by the role of each column.
func TestNarrowTables(t *testing.T) {
	t.Parallel()
	column := func(title string, role report.Role) report.Column { return report.Column{Title: title, Role: role} }
	long := "ns-" + strings.Repeat("x", 60)
	tests := []struct {
		name  string
		width int
		table report.Table
		want  string
	}{
		{"elsewhere it is whole", 0, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("WHY", report.RoleSummary)},
			Rows:    [][]string{{long, strings.Repeat("many words ", 10)}}, Spare: []string{"WHY"},
		}, "NAMESPACE" + strings.Repeat(" ", 56) + "WHY\n" + long + "  " + strings.TrimSpace(strings.Repeat("many words ", 10)) + "\n"},
		{"text wraps before a name is touched", 40, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("LEVEL", report.RoleLevel), column("WHY", report.RoleText)},
			Rows:    [][]string{{"shop-frontend", "restricted", "nothing runs in it, and nothing may"}},
		}, `NAMESPACE      LEVEL       WHY
shop-frontend  restricted  nothing runs
                           in it, and
                           nothing may
`},
		{"a summary ends early", 40, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("WHY", report.RoleSummary)},
			Rows:    [][]string{{"shop-frontend", "nothing runs in it, and nothing may"}, {"a", "short"}},
		}, `NAMESPACE      WHY
shop-frontend  nothing runs in it, and…
a              short
`},
		{"a name that is too long is shortened", 40, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("WHY", report.RoleText)},
			Rows:    [][]string{{"team-" + strings.Repeat("x", 60) + "-frontend", "one two three four"}, {"日本語日本語日本語日本語", "five"}},
		}, `NAMESPACE             WHY
team-xxxx…x-frontend  one two three four
日本語日…本語日本語   five
`},
		{"spare columns go, the first named first", 40, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("WARN", report.RoleLevel), column("AUDIT", report.RoleLevel), column("ENFORCE", report.RoleLevel)},
			Rows:    [][]string{{"shop-front", "restricted", "privileged", "baseline"}}, Spare: []string{"AUDIT", "WARN"},
		}, `NAMESPACE   WARN        ENFORCE
shop-front  restricted  baseline
  no room here for AUDIT
`},
		{"a command is whole", 40, report.Table{
			Columns: []report.Column{column("STEP", report.RoleText), column("COMMAND", report.RoleCommand)},
			Rows:    [][]string{{"label them", "psp2pss rollout --plan plan.json --stage=observe"}},
		}, "STEP        COMMAND\nlabel them  psp2pss rollout --plan plan.json --stage=observe\n"},
		{"a word of a text is broken visibly", 40, report.Table{
			Columns: []report.Column{column("FILE", report.RoleText), column("WHY", report.RoleText)},
			Rows:    [][]string{{"/var/lib/kubelet/pods/volumes/kubernetes.io~empty-dir/plugins", "it is too long"}},
		}, `FILE                     WHY
/var/lib/kubelet/pods/\  it is too long
volumes/kubernetes.\
io~empty-dir/plugins
`},
		{"a mark stays with its level", 36, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("", report.RoleLevel), column("CURRENT", report.RoleLevel)},
			Rows:    [][]string{{"team-a", "+ baseline (for now)", "restricted"}},
		}, `NAMESPACE              CURRENT
team-a     + baseline  restricted
           (for now)
`},
		{"every column but levels gets little", 44, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("CURRENT", report.RoleLevel), column("ENFORCE", report.RoleLevel), column("WHY", report.RoleText)},
			Rows:    [][]string{{"shop-frontend", "restricted", "privileged", "unconfined containers"}},
		}, `NAMESPACE  CURRENT     ENFORCE     WHY
shop…tend  restricted  privileged  unconfin\
                                   ed
                                   containe\
                                   rs
`},
		{"there is no room for the columns", 24, report.Table{
			Columns: []report.Column{column("NAMESPACE", report.RoleName), column("CURRENT", report.RoleLevel), column("ENFORCE", report.RoleLevel), column("WHY", report.RoleText)},
			Rows:    [][]string{{"shop-frontend", "restricted", "privileged", "many words"}},
		}, `shop-frontend
  CURRENT  restricted
  ENFORCE  privileged
  WHY      many words
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := report.Text(&got, &report.Document{Blocks: []report.Block{&tt.table}}, report.Options{Width: tt.width}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, got.String())
			}
		})
	}
}

// TestFold shows where text breaks; the columns of wide characters count.
func TestFold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		width      int
		want       []string
	}{
		{"it fits", "done     observe  shop", 22, []string{"done     observe  shop"}},
		{"gaps within a line stay", "done     observe  shop: enforce=baseline", 24, []string{"done     observe  shop:", "enforce=baseline"}},
		{"a word that is too long", "open /home/admin/work/dump.yaml: no such file", 16, []string{"open", `/home/admin/\`, `work/dump.yaml:`, "no such file"}},
		{"without a separator", strings.Repeat("x", 20), 8, []string{`xxxxxxx\`, `xxxxxxx\`, "xxxxxx"}},
		{"wide characters", "日本語 日本語 日本語日本語", 8, []string{"日本語", "日本語", `日本語\`, "日本語"}},
		{"a command in quotes is one word", "go back with 'psp2pss rollback --yes', or not", 26, []string{"go back with", "'psp2pss rollback --yes',", "or not"}},
		{"if a line can hold it", "go back with 'psp2pss rollback --yes', or not", 20, []string{"go back with", "'psp2pss rollback", "--yes', or not"}},
		{"an apostrophe opens no command", "the 'kubectl of a user, don't ask", 20, []string{"the 'kubectl of a", "user, don't ask"}},
		{"spaces at the end", "one two   ", 5, []string{"one", "two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := report.Fold(tt.text, tt.width)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, line := range got {
				if twwidth.Width(line) > tt.width {
					t.Errorf("%q is wider than %d columns", line, tt.width)
				}
			}
		})
	}
}

// TestColours shows what has which colour: red only what refuses or breaks, green no level, and only what a word says too.
func TestColours(t *testing.T) {
	t.Parallel()
	const red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
	tests := []struct {
		role report.Role
		text string
		want string
	}{
		{report.RoleLevel, "privileged:v1.25 (default)", yellow + "privileged\x1b[0m:v1.25 (default)"},
		{report.RoleLevel, "baseline", "baseline"},
		{report.RoleLevel, "+ restricted", "+ restricted"},
		{report.RoleStatus, "not ok", red + "not ok\x1b[0m"},
		{report.RoleStatus, "refused: forbidden", red + "refused\x1b[0m: forbidden"},
		{report.RoleStatus, `violates PodSecurity "restricted:v1.25":`, red + "violates\x1b[0m PodSecurity \"restricted:v1.25\":"},
		{report.RoleStatus, "unknown", yellow + "unknown\x1b[0m"},
		{report.RoleStatus, "ok", green + "ok\x1b[0m"},
		{report.RoleStatus, "okay", "okay"},
		{report.RoleStep, " 3/14 refused  observe  shop", " 3/14 " + red + "refused\x1b[0m  observe  shop"},
		{report.RoleStep, "3/14 not-reverted", "3/14 " + red + "not-reverted\x1b[0m"},
		{report.RoleStep, "3/14 altered", "3/14 " + yellow + "altered\x1b[0m"},
		{report.RoleStep, "3/14 done     enforce", "3/14 " + green + "done\x1b[0m     enforce"},
		{report.RoleStep, "3/14 undone", "3/14 " + green + "undone\x1b[0m"},
		{report.RoleStep, "3/14 already", "3/14 " + green + "already\x1b[0m"},
		{report.RoleStep, "would    enforce  shop", "would    enforce  shop"},
		{report.RoleText, "3/14 refused", "3/14 refused"},
		{report.RoleText, "refused", "refused"},
		{report.RoleName, "privileged", "privileged"},
	}
	for _, tt := range tests {
		d := &report.Document{Blocks: []report.Block{
			report.List{Flat: true, Items: []report.Item{{Text: tt.text, Role: tt.role}}},
			report.Facts{{Name: "a", Value: tt.text, Role: tt.role}},
			&report.Table{Columns: []report.Column{{Title: "", Role: tt.role}}, Rows: [][]string{{tt.text}}},
		}}
		var got, without bytes.Buffer
		if err := report.Text(&got, d, report.Options{Colour: true}); err != nil {
			t.Fatal(err)
		}
		if err := report.Text(&without, d, report.Options{}); err != nil {
			t.Fatal(err)
		}
		want := tt.want + "\n\na  " + tt.want + "\n\n" + tt.want + "\n"
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
		if strings.Contains(without.String(), "\x1b") || !strings.Contains(without.String(), tt.text) {
			t.Errorf("%q without colours: %q", tt.text, without.String())
		}
	}
}
