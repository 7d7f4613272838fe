package cluster

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/version"
)

// listPaging decides how lists are requested from the API server: whole or in pages, from a cache or consistently.
// ADR-0001 has the figures.
type listPaging struct {
	// pageSize, if set, is the reader's wish: pages of that many, read consistently.
	pageSize int64
}

const (
	// smallPageSize is how many objects one consistent answer may hold without anybody noticing. A list that is no longer is
	// read so, and one whose answers break off is asked for in such pages.
	smallPageSize = 500
	// largePageSize is the page of the lists that are too long to be asked for whole. Pages bound what the server holds of a
	// list at a time; each costs it a look at where the list goes on.
	largePageSize = 2000
	// maxUnpagedObjects is the longest list that is asked for whole; longer ones come in pages.
	maxUnpagedObjects = 20_000
)

// defaultPageSize returns the page size for lists of an API server that answers without trouble.
func (p listPaging) defaultPageSize() int64 { return cmp.Or(p.pageSize, largePageSize) }

// firstQuery returns the query with which the listing of a kind from the API server begins.
func (p listPaging) firstQuery(server string, t *servedKind) listQuery {
	switch {
	case p.pageSize > 0 || t.total == unknownCount || t.total > maxUnpagedObjects:
		return listQuery{limit: p.defaultPageSize()}
	case t.total <= smallPageSize:
		return listQuery{limit: smallPageSize}
	}
	return listQuery{fromCache: !hasConsistentCache(server)}
}

// hasConsistentCache says whether a server answers consistent reads from its cache (KEP-2340, on since v1.31). Older ones read
// them from etcd, and decode every object again.
func hasConsistentCache(server string) bool {
	v, err := version.ParseGeneric(server)
	return err == nil && v.AtLeast(version.MajorMinor(1, 31))
}
