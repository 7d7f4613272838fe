package cluster

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/version"
)

// plan is how lists are asked for; ADR-0001 has the figures that it was chosen by.
type plan struct {
	// pageSize, if set, is the reader's wish: pages of that many, read consistently.
	pageSize int64
}

const (
	// shortPage is how many objects one consistent answer may hold without anybody noticing. A list that is no longer is
	// read so, and one whose answers break off is asked for in such pages.
	shortPage = 500
	// longPage is the page of the lists that are too long to be asked for whole. Pages bound what the server holds of a
	// list at a time; each costs it a look at where the list goes on.
	longPage = 2000
	// longest is the longest list that is asked for whole; longer ones come in pages.
	longest = 20_000
)

// page is the size of pages, of those of lists that go well.
func (p plan) page() int64 { return cmp.Or(p.pageSize, longPage) }

// first is how to begin reading a target.
func (p plan) first(server string, t *target) query {
	switch {
	case p.pageSize > 0 || t.total == unknown || t.total > longest:
		return query{limit: p.page()}
	case t.total <= shortPage:
		return query{limit: shortPage}
	}
	return query{cached: !cachesConsistently(server)}
}

// cachesConsistently is true for servers that answer consistent reads from their cache (KEP-2340, on since v1.31). Older
// ones read them from etcd, decoding every object again.
func cachesConsistently(server string) bool {
	v, err := version.ParseGeneric(server)
	return err == nil && v.AtLeast(version.MajorMinor(1, 31))
}
