package cluster

import "crypto/sha256"

// maxEmpty is how many pages in a row may bring nothing. API servers fill their pages.
const maxEmpty = 10

// bounds end a list that would not end by itself. The zero value with limits is ready.
type bounds struct {
	limits limits
	// bytes and objects have come since the list was begun, or begun again.
	bytes   int64
	objects int
	// empty counts the pages in a row that brought nothing; followed are the hashes of the continue tokens so far.
	empty    int
	followed map[[sha256.Size]byte]bool
}

// over counts an object that has come, and returns an error once that is more than a list may have.
func (b *bounds) over(size int) error {
	b.bytes += int64(size)
	b.objects++
	switch {
	case b.objects > b.limits.objects:
		return guardf("there are over %d of them, more than an API server can hold; %s", b.limits.objects, checkAddress)
	case b.bytes > b.limits.list:
		return guardf("they are longer than %s; %s", inBytes(b.limits.list), checkAddress)
	}
	return nil
}

// follow returns an error where the next page leads nowhere, after one that brought some objects or none.
func (b *bounds) follow(next string, came int) error {
	if came > 0 {
		b.empty = 0
	} else if b.empty++; b.empty > maxEmpty {
		return guardf("%d pages in a row brought nothing, and there is said to be more; %s", b.empty, checkAddress)
	}
	token := sha256.Sum256([]byte(next))
	if b.followed[token] {
		return guardf("the server leads from page to page in a circle; %s", checkAddress)
	}
	if b.followed == nil {
		b.followed = map[[sha256.Size]byte]bool{}
	}
	b.followed[token] = true
	return nil
}

// restart forgets what came of a list that is begun again.
func (b *bounds) restart() { *b = bounds{limits: b.limits} }
