package fieldpath

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathsAreReadBack(t *testing.T) {
	for _, want := range []string{
		"spec",
		"spec.template.spec.containers[0].securityContext.capabilities.drop",
		"metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]",
		"metadata.labels[a b].x",
		"spec[01]",
		"items[3][0].name",
	} {
		p, err := Parse(want)
		if err != nil {
			t.Errorf("Parse(%q): %v", want, err)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("Parse(%q).String() = %q", want, got)
		}
	}
}

func TestInvalidPaths(t *testing.T) {
	for _, text := range []string{"", ".", "a.", "a..b", "a[", "a[]", "a.[0]", ".a"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, p)
		}
	}
}

func TestPathsAreNotShared(t *testing.T) {
	base := Keys("spec", "containers")
	first, second := base.Item(0).Keys("image"), base.Item(1).Keys("ports").Item(2)
	joined := base.Join(first)
	if diff := cmp.Diff([]string{"spec.containers", "spec.containers[0].image", "spec.containers[1].ports[2]", "spec.containers.spec.containers[0].image"},
		[]string{base.String(), first.String(), second.String(), joined.String()}); diff != "" {
		t.Error(diff)
	}
}
