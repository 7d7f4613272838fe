package custom_test

import (
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/custom"
)

// Plain objects are passed over without memory, however deep they are, and what may hold a pod is not.
func TestPlain(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	deep := []byte(`{"apiVersion":"example.com/v1","spec":` + strings.Repeat(`{"template":`, 250) + `{"x":1}` + strings.Repeat("}", 250) + "}")
	custom.HoldsNothing("example.com", deep) // which makes the table
	if n := testing.AllocsPerRun(10, func() {
		if !custom.HoldsNothing("example.com", deep) {
			t.Error("a deep object is not plain")
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
	for _, r := range custom.KnownResources() {
		if custom.HoldsNothing(r.Group, deep) {
			t.Errorf("%s is read, and must not be plain", r.Group)
		}
	}
	for _, held := range []string{
		`"containers": [{}]`, `"privileged" : "true"`, `"host_network":true`, `"host_path":"/"`, `"security_context":{}`, `"template":{"volumes":[]}`,
		`"steps":[{"image":"i"}]`, `"a":{"apiVersion":"v1"}`, `"\u0061":1`, `"m":"spec:\n  containers:\n"`, `"m":"{\"containers\":[]}"`,
	} {
		if custom.HoldsNothing("example.com", []byte(`{"apiVersion":"example.com/v1","spec":{`+held+`}}`)) {
			t.Errorf("%s must not be plain", held)
		}
	}
}
