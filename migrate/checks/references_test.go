package checks_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/checks"
)

// Every check that API servers enable by default has a row with its control of the standards, and no other ID has one.
func TestEveryCheckHasReferences(t *testing.T) {
	t.Parallel()
	for _, id := range checks.IDs() {
		r, err := checks.ReferencesOf(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		refs := r.At(api.LatestVersion())
		if len(refs) < 2 || refs[0].Key != "pss" {
			t.Errorf("%s: got %v, want its control of the standards and another name", id, refs)
		}
		c, err := checks.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(refs, c.References.At(api.LatestVersion())); diff != "" {
			t.Errorf("%s: the check has other references (-want +got)\n%s", id, diff)
		}
		for _, ref := range refs {
			for _, name := range ref.IDs {
				if strings.TrimSpace(name) != name || name == "" {
					t.Errorf("%s: %s has the ID %q", id, ref.Name, name)
				}
			}
		}
	}
	if r, err := checks.ReferencesOf("nosuch"); r != nil || err == nil {
		t.Errorf("got %v, %v for a check that does not exist", r, err)
	}
	if rows := len(readTable(t, "references.tsv")); rows != len(policy.DefaultChecks()) {
		t.Errorf("the table has %d rows, want one for each of %d checks", rows, len(policy.DefaultChecks()))
	}
}

// readTable reads a table with a header: the cells of each row by the first cell, by column.
func readTable(t *testing.T, path string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, "../../../") {
		t.Skip("the table of the specification is absent: it lies outside this repository")
	} else if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	header := strings.Split(lines[0], "\t")
	rows := map[string]map[string]string{}
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		row := map[string]string{}
		for i, name := range header {
			if i < len(cells) {
				row[name] = cells[i]
			}
		}
		rows[cells[0]] = row
	}
	return rows
}

// The table is that of the specification. Notes are in our own words: they stand where the specification has one. Level and version
// are not in it, as the library has them.
func TestReferencesAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	want, got := readTable(t, "../../../shared/spec/crossrefs.tsv"), readTable(t, "references.tsv")
	for _, library := range policy.DefaultChecks() {
		row := want[string(library.ID)]
		if row["level"] != string(library.Level) || row["since"] != library.Versions[0].MinimumVersion.String() {
			t.Errorf("%s: the specification says %s since %s, the library %s since %s", library.ID, row["level"], row["since"], library.Level, library.Versions[0].MinimumVersion)
		}
	}
	for id, row := range want {
		if (row["note"] == "") != (got[id]["note"] == "") {
			t.Errorf("%s: the note is %q, the specification has %q", id, got[id]["note"], row["note"])
		}
		for _, rows := range []map[string]string{row, got[id]} {
			delete(rows, "level")
			delete(rows, "since")
			delete(rows, "note")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// referenceTo returns the reference of a check at a version that has a key, as text; "" if there is none.
func referenceTo(t *testing.T, id string, v api.Version, key string) string {
	t.Helper()
	r, err := checks.ReferencesOf(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range r.At(v) {
		if ref.Key == key {
			return ref.String()
		}
	}
	return ""
}

// The edition of the CIS Kubernetes Benchmark follows the version of Kubernetes, and with it the numbers.
func TestCISByVersion(t *testing.T) {
	t.Parallel()
	editions := map[int]string{
		14: "v1.5", 15: "v1.5", 16: "v1.6", 18: "v1.6", 19: "v1.20", 21: "v1.20", 22: "v1.23", 23: "v1.23", 24: "v1.24",
		25: "v1.7", 26: "v1.8", 27: "v1.9", 28: "v1.10", 29: "v1.11", 30: "v1.11", 31: "v1.11",
		32: "v1.12", 33: "v1.12", 34: "v1.12", 35: "v1.12", 36: "v1.12", 37: "v1.12",
	}
	for minor, edition := range editions {
		host, privileged, capabilities, seccomp := "5.2.3, 5.2.4, 5.2.5", "5.2.2, 5.7.3", "5.2.8, 5.2.10, 5.7.3", "5.7.2"
		switch {
		case minor < 22:
			host, privileged, capabilities = "5.2.2, 5.2.3, 5.2.4", "5.2.1, 5.7.3", "5.2.7, 5.2.9, 5.7.3"
		case minor >= 32:
			host, privileged, capabilities, seccomp = "5.2.3, 5.2.4, 5.2.5", "5.2.2, 5.6.3", "5.2.8, 5.2.9, 5.6.3", "5.6.2"
		case minor >= 29:
			privileged, capabilities, seccomp = "5.2.2, 5.6.3", "5.2.8, 5.2.10, 5.6.3", "5.6.2"
		}
		want := map[string]string{
			"hostNamespaces": host, "privileged": privileged, "capabilities_restricted": capabilities, "seccompProfile_restricted": seccomp,
			"restrictedVolumes": "", "hostProbesAndHostLifecycle": "",
		}
		for id, numbers := range want {
			if numbers != "" {
				numbers = "CIS " + edition + " " + numbers
			}
			if got := referenceTo(t, id, api.MajorMinorVersion(1, minor), "cis"); got != numbers {
				t.Errorf("%s at v1.%d: got %q, want %q", id, minor, got, numbers)
			}
		}
	}
	if got, want := referenceTo(t, "hostPorts", api.LatestVersion(), "cis"), "CIS v1.12 5.2.12"; got != want {
		t.Errorf("latest: got %q, want %q", got, want)
	}
}

// Without a version the editions of the CIS Kubernetes Benchmark that agree are one.
func TestReferencesOfAllVersions(t *testing.T) {
	t.Parallel()
	for id, want := range map[string][]string{
		"privileged":        {"CIS v1.7 to v1.10 5.2.2, 5.7.3", "CIS v1.11 to v1.12 5.2.2, 5.6.3"},
		"hostPorts":         {"CIS v1.7 to v1.11 5.2.13", "CIS v1.12 5.2.12"},
		"hostNamespaces":    {"CIS v1.7 to v1.12 5.2.3, 5.2.4, 5.2.5"},
		"restrictedVolumes": nil,
	} {
		r, err := checks.ReferencesOf(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, ref := range r.OfAllVersions() {
			if ref.Key == "cis" {
				got = append(got, ref.String())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", id, diff)
		}
	}
}
