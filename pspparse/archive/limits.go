package archive

import "fmt"

// Limits bound what reading one archive may cost, with the archives in it. The zero value of a field means its default.
type Limits struct {
	// InflatedBytes is how much all layers of packing and all entries may inflate to. Default 8 GiB; it is streamed, never held.
	InflatedBytes int64
	// Entries is how many entries a tar may have, ZipEntries a zip, whose list of names is held. Defaults 1,000,000 and 200,000.
	Entries    int
	ZipEntries int
	// Ratio is how many times its size a packed stream may inflate to, once that is more than 64 MiB. Default 1,000: text does not
	// come near.
	Ratio int64
	// NameBytes is how long the name of an entry may be; an entry with a longer one is handed out as Special. Default 4 KiB.
	NameBytes int
	// SpooledBytes is how large a zip may be that has to be written to a temporary file first. Default 2 GiB.
	SpooledBytes int64
}

// ratioMinBytes is where Limits.Ratio begins to count.
const ratioMinBytes = 64 << 20

// withDefaults returns the limits of an archive with the default for each that is zero.
func (l Limits) withDefaults() Limits {
	if l.InflatedBytes <= 0 {
		l.InflatedBytes = 8 << 30
	}
	if l.Entries <= 0 {
		l.Entries = 1_000_000
	}
	if l.ZipEntries <= 0 {
		l.ZipEntries = 200_000
	}
	if l.Ratio <= 0 {
		l.Ratio = 1000
	}
	if l.NameBytes <= 0 {
		l.NameBytes = 4 << 10
	}
	if l.SpooledBytes <= 0 {
		l.SpooledBytes = 2 << 30
	}
	return l
}

// LimitError is the error of an archive that exceeds a limit: what comes after that is not read.
type LimitError struct {
	// What says which limit that is, after "it".
	What string
}

// Error returns which limit the archive exceeds.
func (e *LimitError) Error() string { return "it " + e.What }

// Meter counts what is read of one archive and of those in it, and ends the reading beyond the limits. It is not safe for
// concurrent use.
type Meter struct {
	limits   Limits
	inflated int64
	entries  int
}

// NewMeter returns a Meter that has counted nothing.
func NewMeter(l Limits) *Meter { return &Meter{limits: l.withDefaults()} }

// countEntry counts an entry of an archive against the limit of its format.
func (m *Meter) countEntry(limit int) error {
	if m.entries++; m.entries > limit {
		return &LimitError{What: fmt.Sprintf("has more than %d entries", limit)}
	}
	return nil
}

// left returns how many bytes may still be inflated.
func (m *Meter) left() int64 { return m.limits.InflatedBytes - m.inflated }

// sizeError returns the error of an archive that inflates to too much.
func (m *Meter) sizeError() error {
	return &LimitError{What: fmt.Sprintf("inflates to more than %d bytes", m.limits.InflatedBytes)}
}
