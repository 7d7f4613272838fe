package pss

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// fixture is one of the pods that the library is tested with, and ships: <level>/<version>/pass|fail/<check><n>.yaml.
type fixture struct {
	path  string
	at    api.LevelVersion
	check string // that fails; empty for a pod that passes
	pod   corev1.Pod
}

func TestLibraryFixtures(t *testing.T) {
	t.Parallel()
	e, library, j := mustEvaluator(t), mustLibrary(t), NewEvaluationCache(mustEvaluator(t))
	for _, f := range libraryFixtures(t) {
		wantSame(t, e, library, f.pod.Annotations, &f.pod.Spec, f.at.Version)
		whole := e.Verdict(f.pod.Annotations, &f.pod.Spec, f.at.Version)
		f.wantVerdict(t, "whole", whole)
		reduced := j.Evaluate(inventory.ReducePod(f.pod.Annotations, &f.pod.Spec), f.at.Version)
		f.wantVerdict(t, "reduced", reduced)
		if !whole.Equal(reduced) {
			t.Errorf("%s: whole %q, reduced %q", f.path, ViolationMessage(whole.Violations), ViolationMessage(reduced.Violations))
		}
	}
}

func (f *fixture) wantVerdict(t *testing.T, form string, got Verdict) {
	t.Helper()
	meets := api.CompareLevels(got.Level, f.at.Level) >= 0
	reported := slices.ContainsFunc(got.Violations, func(v Violation) bool { return v.Check == f.check })
	if pass := f.check == ""; meets != pass || reported == pass {
		t.Errorf("%s, %s: level %s, violations %q; failing check %q", f.path, form, got.Level, ViolationMessage(got.Violations), f.check)
	}
}

func libraryFixtures(t *testing.T) []fixture {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("asking go for the library's folder: %v", err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "test", "testdata")
	files, err := filepath.Glob(filepath.Join(root, "*", "*", "*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 4000 {
		t.Fatalf("found %d fixtures under %q, want the library's 4,500", len(files), root)
	}
	checks := map[string]string{} // file names have the ID in lower case
	for _, c := range policy.DefaultChecks() {
		checks[strings.ToLower(string(c.ID))] = string(c.ID)
	}
	all := make([]fixture, len(files))
	for i, file := range files {
		all[i] = readFixture(t, root, file, checks)
	}
	return all
}

func readFixture(t *testing.T, root, file string, checks map[string]string) fixture {
	t.Helper()
	rel, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(filepath.ToSlash(rel), "/")
	f := fixture{path: rel}
	if f.at.Level, err = api.ParseLevel(part[0]); err != nil {
		t.Fatalf("%s: level: %v", rel, err)
	}
	if f.at.Version, err = api.ParseVersion(part[1]); err != nil {
		t.Fatalf("%s: version: %v", rel, err)
	}
	if part[2] == "fail" {
		f.check = checks[strings.TrimRight(strings.TrimSuffix(part[3], ".yaml"), "0123456789")]
	}
	if (part[2] == "pass") != (f.check == "") {
		t.Fatalf("%s: neither a pass nor the failure of a known check", rel)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = yaml.ToJSON(text); err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
	if err := json.Unmarshal(text, &f.pod); err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
	applyVolumeDefault(&f.pod.Spec)
	return f
}

// applyVolumeDefault does what the API server does before admission: a volume without a source, which one of the passing
// fixtures has, becomes an emptyDir.
func applyVolumeDefault(spec *corev1.PodSpec) {
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.VolumeSource == (corev1.VolumeSource{}) {
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
}
