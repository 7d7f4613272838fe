package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// writtenReports runs the command report and returns what it writes, by the output format, and of CSV by the file.
func writtenReports(t *testing.T, deps Deps, args ...string) map[string]string {
	t.Helper()
	dir, out := t.TempDir(), map[string]string{}
	args = append([]string{"report"}, args...)
	for _, format := range report.FormatNames(reportFormats(false)) {
		args = append(args, "-o", format+"="+filepath.Join(dir, format))
	}
	outputOf(t, deps, "", args...)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, csvFormat, "*"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, file := range append(slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == csvFormat }), tables...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(file, dir+"/")] = string(data)
	}
	return out
}

// Of 2,000 secret names no format of a redacted report has one, the same key gives the same bytes, and every name comes back.
func TestNoSecretIsInAReport(t *testing.T) {
	t.Parallel()
	deps, secrets := secretWorld(t, 64)
	dir := t.TempDir()
	call := secrets.word() // a redacted report does not keep how the tool was called
	key, saved := filepath.Join(dir, "key"), filepath.Join(dir, call+".json")
	outputOf(t, deps, "", "plan", "-o", "json="+saved)
	plain, redacted := writtenReports(t, deps, "--plan", saved), writtenReports(t, deps, "--plan", saved, "--redact", key)
	again := writtenReports(t, deps, "--plan", saved, "--redact", key)
	for format, text := range redacted {
		if again[format] != text {
			t.Errorf("%s: the second time other bytes (-first +second):\n%s", format, cmp.Diff(text, again[format]))
		}
		if found := distinctIn(text, planted); len(found) > 0 {
			at := strings.Index(text, found[0])
			t.Errorf("%s has %d of the secrets, such as %s:\n...%s...", format, len(found), found[0], text[max(0, at-300):min(len(text), at+100)])
		}
		back := outputOf(t, deps, text, "unredact", "--key", key)
		for _, p := range distinctIn(back, pseudonym) {
			if strings.Contains(text, p) {
				t.Errorf("%s: %s does not come back", format, p)
			}
		}
		missing := slices.DeleteFunc(distinctIn(plain[format], planted), func(secret string) bool { return secret == call || strings.Contains(back, secret) })
		if len(missing) > 0 && !namesFirst(format) {
			at := strings.Index(plain[format], missing[0])
			t.Errorf("%s: %d names are missing, such as %s:\n...%s...", format, len(missing), missing[0], plain[format][max(0, at-300):min(len(plain[format]), at+100)])
		}
	}
}

// namesFirst is true for a form of the report that names the first of many where there are many: which these are depends on the pseudonyms.
func namesFirst(format string) bool {
	return slices.Contains([]string{"markdown", "csv/summary-unseen.csv", "csv/summary-next.csv", "csv/upgrade.csv"}, format)
}
