package html

import (
	"fmt"
	"math"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// noteBytes is how many bytes the notes on what is cut take above a table of a page at most, beside the command that they name twice.
const noteBytes = 600

// newPage returns the page of a report that holds as much of it as a number of bytes allows: the whole of it, or all its rows packed,
// or part of them. The error names a row that no page can show, or says that the texts without any row are larger.
func newPage(r *handover.Report, limit int) (*page, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	p := assemble(r)
	bare, err := p.size()
	if err != nil {
		return nil, err
	}
	if f, ok := wholeFit(r, limit-bare); ok {
		p.hold(f)
		if size, err := p.size(); err != nil || size <= limit {
			return p, err
		}
	}
	for _, s := range p.Sections {
		for range s.Tables {
			bare += noteBytes + 2*inHTML(r.Cover.Command)
		}
	}
	if bare > limit {
		return nil, tooLarge(bare, limit)
	}
	// Readers with scripts have the details of rows before readers without have all rows, and all rows before these have any.
	for _, share := range []float64{0.6, 0.95} {
		if err := p.holdPacked(r, int(share*float64(limit-bare))); err != nil {
			return nil, err
		}
		if p.fit.hasRows() {
			break
		}
	}
	return p, p.drawPacked(r, limit, limit-bare-len(p.packed))
}

// tooLarge returns the error for a report whose page is too large without a row.
func tooLarge(size, limit int) error {
	return fmt.Errorf("the HTML report has %s bytes without a row of its tables, and may have %s: write it about fewer namespaces (-n), or in another format",
		english.Number(int64(size)), english.Number(int64(limit)))
}

// holdPacked makes a page hold as much of its report as packs into a number of bytes: what is too large is cut, packed and measured
// again until it fits.
func (p *page) holdPacked(r *handover.Report, most int) error {
	p.hold(takeData(r, math.MaxInt, false))
	if err := p.pack(); err != nil {
		return err
	}
	for budget := float64(p.unpacked); len(p.packed) > most && budget >= 1; {
		// It has to become as much smaller as it is too large, and a little more: some texts pack less well than others.
		budget *= 0.95 * float64(most) / float64(len(p.packed))
		p.hold(takeData(r, int(budget), false))
		if err := p.pack(); err != nil {
			return err
		}
	}
	return nil
}

// drawPacked draws as many rows of a packed page for readers without scripts as a number of bytes holds, and notes what is left out. It
// draws fewer where the page has become larger than its limit, and returns an error if it is so without one.
func (p *page) drawPacked(r *handover.Report, limit, bytes int) error {
	for {
		p.fit.draw(r, bytes)
		p.note()
		size, err := p.size()
		switch {
		case err != nil || size <= limit:
			return err
		case bytes <= 0:
			return tooLarge(size, limit)
		}
		bytes = min(bytes, max(0, bytes-(size-limit)))
	}
}
