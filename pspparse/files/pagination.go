package files

import (
	"encoding/json"
	"math"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// listPagination says whether a List in a file is one page of what a server had. Then it lacks objects that nobody
// would miss.
type listPagination struct {
	// incomplete is set where there are more pages.
	incomplete bool
	// remaining is how many items those have, 0 if unknown.
	remaining float64
}

// readMetadata reads the continue token and the number of remaining items from the JSON of a List's metadata.
func (p *listPagination) readMetadata(metadata []byte) {
	var fields map[string]any
	if json.Unmarshal(metadata, &fields) != nil {
		return
	}
	if token := fields["continue"]; token != nil && token != "" {
		p.incomplete = true
	}
	if more, ok := fields["remainingItemCount"].(float64); ok && more > 0 {
		p.incomplete, p.remaining = true, more
	}
}

// readListObject reads the continue token and the number of remaining items from the JSON of a List in a file, which
// may lack its items.
func (p *listPagination) readListObject(data []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil {
		p.readMetadata(fields["metadata"])
	}
}

// addGap adds a gap if the file's List is one page of more.
func (p *listPagination) addGap(s *documentReader, l *fileListReading) {
	if !p.incomplete {
		return
	}
	of := l.header.itemHeader()
	s.addGap(inventory.Gap{What: l.label, Affects: inventory.PartOfKind(of.apiVersion, of.kind), Why: message.New("list-incomplete", "remaining", int(min(p.remaining, math.MaxInt32))), Position: s.position(l.line)})
}
