package files

import (
	"encoding/json"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// page says whether a List is only a part of what a server had: then it lacks objects that nobody will miss.
type page struct {
	partial bool
	more    float64 // items not in it, 0 if unknown
}

// of looks at a List's metadata. What cannot be read says nothing.
func (p *page) of(metadata []byte) {
	var fields map[string]any
	if json.Unmarshal(metadata, &fields) != nil {
		return
	}
	if token := fields["continue"]; token != nil && token != "" {
		p.partial = true
	}
	if more, ok := fields["remainingItemCount"].(float64); ok && more > 0 {
		p.partial, p.more = true, more
	}
}

// ofObject looks at the metadata of a List, which may lack its items.
func (p *page) ofObject(data []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil {
		p.of(fields["metadata"])
	}
}

func (p *page) tell(s *stream, l *list) {
	if !p.partial {
		return
	}
	rest := "more items were"
	switch {
	case p.more == 1:
		rest = "1 more item was"
	case p.more > 0:
		rest = fmt.Sprintf("%.0f more items were", p.more)
	}
	of := l.head.ofItems()
	s.gap(inventory.Gap{What: l.what, Changes: inventory.PartOf(of.apiVersion, of.kind), Why: fmt.Sprintf("this is one page of a list, %s not read; dump the list again with kubectl get, which asks for every page", rest), Position: s.at(l.line)})
}
