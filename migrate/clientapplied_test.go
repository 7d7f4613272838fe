package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Whether kubectl has applied a namespace is known of what a server has stored, and of nothing else.
func TestClientApplied(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	for _, n := range []inventory.Namespace{
		{Name: "applied", UID: "a", ClientApplied: true}, {Name: "created", UID: "b"}, {Name: "dumped", ClientApplied: true}, {Name: "manifest"},
	} {
		b.AddNamespace(n)
	}
	p, err := Build(b.Build(inventory.Source{Kind: inventory.SourceCluster}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*bool{}
	for i := range p.Namespaces {
		got[p.Namespaces[i].Name] = p.Namespaces[i].ClientApplied
	}
	yes, no := true, false
	want := map[string]*bool{"applied": &yes, "created": &no, "dumped": &yes, "manifest": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
