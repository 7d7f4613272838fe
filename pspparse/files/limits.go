package files

// Limits bound what one file may cost, whoever wrote it. The zero value of a field means its default.
type Limits struct {
	// Document is the size in bytes of one document, or of one item of a List: a List itself may be of any size. A
	// larger one becomes a gap and is passed over. Default 16 MiB (etcd keeps no object above 1.5 MiB). A List that is
	// an item of another List, or is written in YAML's flow style, counts as one document.
	Document int
	// Depth is how deep maps and lists may nest within one document. Default 300.
	Depth int
	// Values is how many values one document may hold, its aliases written out: each costs far more memory than text.
	// Default 1,000,000.
	Values int
	// Inflated is how many bytes one gzip file may inflate to. Default 8 GiB; it is streamed, never held.
	Inflated int64
	// Gaps is how many gaps one file may cause before the rest of them is only counted. Default 1,000.
	Gaps int
}

func (l Limits) withDefaults() Limits {
	if l.Document <= 0 {
		l.Document = 16 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 300
	}
	if l.Values <= 0 {
		l.Values = 1_000_000
	}
	if l.Inflated <= 0 {
		l.Inflated = 8 << 30
	}
	if l.Gaps <= 0 {
		l.Gaps = 1000
	}
	return l
}
