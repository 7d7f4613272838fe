package cluster

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/version"
)

// plan is how lists are asked for. See ADR-0001: it was chosen by measuring.
type plan struct {
	// pageSize, if set, is the reader's wish: pages of that many, read consistently.
	pageSize int64
}

const (
	// defaultPage is how many objects one page holds. Pages bound what the server holds of a list at a time.
	defaultPage = 500
	// longest is the longest list that is asked for whole; longer ones come in pages.
	longest = 20_000
)

func (p plan) page() int64 { return cmp.Or(p.pageSize, defaultPage) }

// first is how to begin reading a target.
func (p plan) first(server string, t *target) query {
	if p.pageSize > 0 || t.total == unknown || t.total <= defaultPage || t.total > longest {
		return query{limit: p.page()}
	}
	return query{cached: !cachesConsistently(server)}
}

// cachesConsistently is true for servers that answer consistent reads from their cache (KEP-2340, on since v1.31). Older
// ones read them from etcd, decoding every object again.
func cachesConsistently(server string) bool {
	v, err := version.ParseGeneric(server)
	return err == nil && v.AtLeast(version.MajorMinor(1, 31))
}
