package report_test

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// What others call a check stands on its report whole, and within 80 columns, with a version and without one.
func TestReferencesOfEveryCheck(t *testing.T) {
	t.Parallel()
	all, err := checks.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, target := range []api.Version{{}, api.MajorMinorVersion(1, 25), api.LatestVersion()} {
			refs := c.References.At(target)
			if target == (api.Version{}) {
				refs = c.References.OfAllVersions()
			}
			var out bytes.Buffer
			if err := report.Text(&out, report.ExplainCheck(nil, &c, target, false), report.Options{Width: 80}); err != nil {
				t.Fatal(err)
			}
			_, section, _ := strings.Cut(out.String(), "\nWHAT OTHERS CALL IT\n")
			words := strings.Join(strings.Fields(section), " ")
			for _, ref := range refs {
				if !strings.Contains(words, ref.String()) {
					t.Errorf("%s at %s: %q is not in\n%s", c.ID, target, ref, section)
				}
			}
			if !strings.Contains(words, c.References.Note) {
				t.Errorf("%s at %s: the note is not in\n%s", c.ID, target, section)
			}
			for line := range strings.Lines(out.String()) {
				if len(line) > 81 {
					t.Errorf("%s at %s: a line is longer than 80 columns: %s", c.ID, target, line)
				}
			}
		}
	}
}
