package cluster

import "crypto/sha256"

// maxEmptyPages is how many pages in a row may bring nothing. API servers send no empty pages.
const maxEmptyPages = 10

// listBounds ends the reading of a list that an API server does not end by itself. The zero value with limits is ready.
type listBounds struct {
	// limits are what a list may have.
	limits serverLimits
	// bytes and objects have come since the list was begun, or begun again.
	bytes   int64
	objects int
	// emptyPages counts the pages in a row that brought nothing.
	emptyPages int
	// seenTokens are the hashes of the continue tokens so far.
	seenTokens map[[sha256.Size]byte]bool
}

// countObject counts an object of the API server's list, and returns an error once there are more, or more bytes, than
// a list may have.
func (b *listBounds) countObject(size int) error {
	b.bytes += int64(size)
	b.objects++
	switch {
	case b.objects > b.limits.listObjects:
		return untrustedAnswerf("there are over %d of them, more than an API server can hold; %s", b.limits.listObjects, checkAddressHint)
	case b.bytes > b.limits.listBytes:
		return untrustedAnswerf("they are longer than %s; %s", formatBytes(b.limits.listBytes), checkAddressHint)
	}
	return nil
}

// countPage counts a page of the API server's list, and returns an error where the next page leads in a circle or too
// many pages brought nothing.
func (b *listBounds) countPage(next string, came int) error {
	if came > 0 {
		b.emptyPages = 0
	} else if b.emptyPages++; b.emptyPages > maxEmptyPages {
		return untrustedAnswerf("%d pages in a row brought nothing, and there is said to be more; %s", b.emptyPages, checkAddressHint)
	}
	token := sha256.Sum256([]byte(next))
	if b.seenTokens[token] {
		return untrustedAnswerf("the server leads from page to page in a circle; %s", checkAddressHint)
	}
	if b.seenTokens == nil {
		b.seenTokens = map[[sha256.Size]byte]bool{}
	}
	b.seenTokens[token] = true
	return nil
}

// resetCounts resets the counts of a list that is read from the API server again from the start.
func (b *listBounds) resetCounts() { *b = listBounds{limits: b.limits} }
