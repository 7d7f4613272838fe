package inventory

import "testing"

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
