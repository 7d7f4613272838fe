package html

import (
	"crypto/sha256"
	"strconv"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/handover"
)

// pool has every text of the rows of a page once: rows name texts and details by their place in it.
type pool struct {
	texts   []string
	ofText  map[string]int
	details []pooledDetail
	// ofDetail finds a detail by the hash of what it says, so that no long key is kept.
	ofDetail map[[sha256.Size]byte]int
}

// pooledDetail is one detail of rows of a page: its kind, and the places of its texts in the pool.
type pooledDetail struct {
	title int
	kind  string
	lines []int
}

// newPool returns an empty pool of the texts of a page.
func newPool() *pool {
	return &pool{ofText: map[string]int{}, ofDetail: map[[sha256.Size]byte]int{}}
}

// text returns the place of a text in the pool of a page, in which it puts it if it is new.
func (p *pool) text(s string) int {
	if at, ok := p.ofText[s]; ok {
		return at
	}
	at := len(p.texts)
	p.ofText[s] = at
	p.texts = append(p.texts, escape.Visible(s))
	return at
}

// add puts a detail, with what keyOf returns of it, into the pool of a page and returns its place.
func (p *pool) add(key [sha256.Size]byte, d *handover.Detail) int {
	at := len(p.details)
	p.ofDetail[key] = at
	lines := make([]int, len(d.Lines))
	for i, line := range d.Lines {
		lines[i] = p.text(line)
	}
	p.details = append(p.details, pooledDetail{p.text(d.Title), d.Kind, lines})
	return at
}

// keyOf returns a hash of all that a detail of a row says.
func keyOf(d *handover.Detail) [sha256.Size]byte {
	h := sha256.New()
	write := func(s string) {
		h.Write([]byte(strconv.Itoa(len(s))))
		h.Write([]byte{':'})
		h.Write([]byte(s))
	}
	write(d.Title)
	write(d.Kind)
	for _, line := range d.Lines {
		write(line)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
