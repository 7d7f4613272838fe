package generated_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/generated"
)

// written is a policy as generate writes it, with CHECKSUM in the place of its checksum.
const written = `{"metadata": {"name": "a", "annotations": {"psp2pss.dev/checksum": "CHECKSUM", "psp2pss.dev/loosens": "runAsUser,seLinux"}},
"spec": {"failurePolicy": "Fail", "matchConditions": [{"name": "m", "expression": "true"}], "variables": [{"name": "v", "expression": "1"}],
"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}]}}`

// A policy is as written, whatever the server adds to it, until somebody changes what it does to pods or says of it.
func TestAsWritten(t *testing.T) {
	t.Parallel()
	sum, err := generated.Checksum([]byte(written))
	if err != nil {
		t.Fatal(err)
	}
	marked := strings.Replace(written, "CHECKSUM", sum, 1)
	for name, c := range map[string]struct {
		old, replacement string
		want             bool
	}{
		"as written":               {"", "", true},
		"with the server's fields": {`"failurePolicy": "Fail"`, `"failurePolicy": "Ignore", "matchConstraints": {"matchPolicy": "Equivalent", "namespaceSelector": {}}`, true},
		"with another annotation":  {`"annotations": {`, `"annotations": {"note": "x", `, true},
		"another mutation":         {`"[]"`, `"[JSONPatch{}]"`, false},
		"another variable":         {`"expression": "1"`, `"expression": "2"`, false},
		"another name":             {`"name": "v"`, `"name": "w"`, false},
		"another condition":        {`"true"`, `"false"`, false},
		"no condition":             {`"matchConditions": [{"name": "m", "expression": "true"}], `, ``, false},
		"says less of itself":      {"runAsUser,seLinux", "runAsUser", false},
		"without its checksum":     {`"psp2pss.dev/checksum"`, `"other"`, false},
		"of another form":          {`"variables": [`, `"variables": {"x": [`, false},
	} {
		text := marked
		if c.old != "" {
			if text = strings.Replace(marked, c.old, c.replacement, 1); text == marked {
				t.Fatalf("%s: nothing was changed", name)
			}
		}
		is, loosens := generated.AsWritten([]byte(text))
		if is != c.want || is && !slices.Equal(loosens, []string{"runAsUser", "seLinux"}) {
			t.Errorf("%s: %t, %q", name, is, loosens)
		}
	}
}
