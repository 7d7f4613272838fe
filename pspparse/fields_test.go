package pspparse

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// filler gives every field of a value, however deep, a value of its own, and notes the path of each.
type filler struct {
	n     int64
	paths []string
}

func (f *filler) fill(v reflect.Value, path string) {
	f.n++
	switch v.Kind() {
	case reflect.Pointer:
		f.n--
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Struct:
		for name, i := range jsonFieldNames(v.Type()) {
			f.paths = append(f.paths, fieldPath(path, name))
			f.fill(v.Field(i), fieldPath(path, name))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.paths = append(f.paths, indexPath(path, i))
			f.fill(v.Index(i), indexPath(path, i))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.n))
	default:
		v.SetInt(f.n)
	}
}

func TestEveryFieldIsReadAndHasALine(t *testing.T) {
	t.Parallel()
	var want Spec
	f := &filler{}
	f.fill(reflect.ValueOf(&want).Elem(), "spec")
	text, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"name": "p"}, "spec": want}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	const above = 41
	for name, read := range map[string]struct {
		parse func() (*Policy, []Problem)
		above int
	}{
		"yaml": {func() (*Policy, []Problem) { return Parse(&doc, "f") }, 0},
		"json": {func() (*Policy, []Problem) { return ParseJSON(text, Position{File: "f", Line: above + 1}) }, above},
	} {
		p, problems := read.parse()
		if p == nil {
			t.Fatalf("%s: unexpected errors:\n%s", name, told(problems))
		}
		if diff := cmp.Diff(want, p.Spec); diff != "" {
			t.Errorf("%s: spec (-want +got):\n%s", name, diff)
		}
		wantPaths := append([]string{"metadata", "metadata.name", "spec"}, f.paths...)
		slices.Sort(wantPaths)
		if diff := cmp.Diff(wantPaths, slices.Sorted(maps.Keys(p.Lines))); diff != "" {
			t.Errorf("%s: paths with a line (-want +got):\n%s", name, diff)
		}
		checkLines(t, name, p.Lines, strings.Split(string(text), "\n"), read.above)
	}
}

// checkLines holds the line of each field against the text: its name must stand there, and its parent above it.
func checkLines(t *testing.T, name string, lines map[string]int, text []string, above int) {
	t.Helper()
	for path, line := range lines {
		if parent := parentFieldPath(path); lines[parent] > line {
			t.Errorf("%s: %s is in line %d, above %s in %d", name, path, line, parent, lines[parent])
		}
		if strings.HasSuffix(path, "]") {
			continue
		}
		field := path[strings.LastIndex(path, ".")+1:]
		if got := text[line-1-above]; !strings.Contains(got, `"`+field+`":`) {
			t.Errorf("%s: %s is not in line %d: %s", name, path, line, got)
		}
	}
}

func TestSpecHasTheFieldsOfUpstream(t *testing.T) {
	t.Parallel()
	want := []string{
		"allowPrivilegeEscalation", "allowedCSIDrivers", "allowedCapabilities", "allowedFlexVolumes", "allowedHostPaths",
		"allowedProcMountTypes", "allowedUnsafeSysctls", "defaultAddCapabilities", "defaultAllowPrivilegeEscalation",
		"forbiddenSysctls", "fsGroup", "hostIPC", "hostNetwork", "hostPID", "hostPorts", "privileged", "readOnlyRootFilesystem",
		"requiredDropCapabilities", "runAsGroup", "runAsUser", "runtimeClass", "seLinux", "supplementalGroups", "volumes",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(jsonFieldNames(reflect.TypeFor[Spec]())))); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
