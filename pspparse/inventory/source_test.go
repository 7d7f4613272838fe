package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestSourceUID checks that a cluster is known by the UID of kube-system, wherever that was read, and by no other one.
func TestSourceUID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		namespaces []Namespace
		want       string
	}{
		{"stored", []Namespace{{Name: "shop", UID: "a"}, {Name: "kube-system", UID: "b"}}, "b"},
		{"manifest beside what is stored", []Namespace{{Name: "kube-system"}, {Name: "kube-system", UID: "b"}}, "b"},
		{"manifest", []Namespace{{Name: "kube-system"}}, ""},
		{"of two clusters", []Namespace{{Name: "kube-system", UID: "a"}, {Name: "kube-system", UID: "b"}}, ""},
		{"of two clusters, with other labels", []Namespace{{Name: "kube-system", UID: "a"}, {Name: "kube-system", UID: "b", Labels: map[string]string{"c": "d"}}}, ""},
		{"not read", []Namespace{{Name: "shop", UID: "a"}}, ""},
	} {
		b := NewBuilder()
		for _, n := range tt.namespaces {
			b.AddNamespace(n)
		}
		if got := b.Build(Source{}).Source.UID; got != tt.want {
			t.Errorf("%s: UID %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestTwoClusters checks that what was read of two clusters is told.
func TestTwoClusters(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	b.AddNamespace(Namespace{Name: "kube-system", UID: "b\n", Position: pspparse.Position{File: "one.yaml", Line: 3}})
	b.AddNamespace(Namespace{Name: "kube-system", Position: pspparse.Position{File: "manifest.yaml", Line: 1}})
	b.AddNamespace(Namespace{Name: "kube-system", UID: "a", Position: pspparse.Position{File: "two.yaml", Line: 4}})
	want := Note{
		What: "Namespace \"kube-system\"", Position: pspparse.Position{File: "two.yaml", Line: 4},
		Why: message.Message{Text: `it has the UID "b\n" in one.yaml:3 and "a" in two.yaml:4: they are of two clusters, so it is not known which one this is for`},
	}
	if diff := cmp.Diff([]Note{want}, b.Build(Source{}).Notes[1:], messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
