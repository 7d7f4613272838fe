package files

import (
	"encoding/json"
	"math"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// listPagination says whether a List is only a part of what a server had: then it lacks objects that nobody will miss.
type listPagination struct {
	incomplete bool
	remaining  float64 // items not in it, 0 if unknown
}

// readMetadata looks at a List's metadata. What cannot be read says nothing.
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

// readListObject looks at the metadata of a List, which may lack its items.
func (p *listPagination) readListObject(data []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil {
		p.readMetadata(fields["metadata"])
	}
}

func (p *listPagination) addGap(s *documentReader, l *listReading) {
	if !p.incomplete {
		return
	}
	of := l.header.itemHeader()
	s.addGap(inventory.Gap{What: l.label, Affects: inventory.PartOfKind(of.apiVersion, of.kind), Why: message.New("list-incomplete", "remaining", int(min(p.remaining, math.MaxInt32))), Position: s.position(l.line)})
}
