package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOnlyNamespaces reads the namespaces of a cluster and asks it for nothing else, and nothing of that is a gap.
func TestOnlyNamespaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	whole := s.load()
	before := len(s.seen())
	r := s.reader()
	r.OnlyNamespaces, r.custom = true, nil
	inv, err := r.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, req := range s.seen()[before:] {
		asked = append(asked, req.Method+" "+req.URL.Path)
	}
	if diff := cmp.Diff([]string{"GET /version", "GET /api/v1/namespaces"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	read := map[string]map[string]string{}
	for _, ns := range inv.Namespaces {
		read[ns.Name] = ns.Labels
	}
	declared := map[string]map[string]string{}
	for _, ns := range whole.Namespaces {
		if ns.Declared {
			declared[ns.Name] = ns.Labels
		}
	}
	if diff := cmp.Diff(declared, read); diff != "" || len(inv.Gaps) > 0 {
		t.Errorf("%d gaps, namespaces (-want +got):\n%s", len(inv.Gaps), diff)
	}
}
