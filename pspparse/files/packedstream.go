package files

import (
	"bytes"
	"errors"
	"io"

	"github.com/psp2pss/psp2pss/pspparse/archive"
	"github.com/psp2pss/psp2pss/pspparse/dump"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	// lookaheadEntries is how many entries of an archive that can be read only once are held, to see what dump it is.
	lookaheadEntries = 64
	// lookaheadTotal is how much of their content is held in all.
	lookaheadTotal = 32 << 20
)

// heldEntry is an entry of an archive on standard input that waits until it is known what dump it is of.
type heldEntry struct {
	entry archive.Entry
	body  []byte
	// err is what ended the reading of the body.
	err error
}

// streamReading is the reading of an archive that can be read only once.
type streamReading struct {
	*packedReading
	survey dump.Survey
	held   []heldEntry
	bytes  int
	// decided is set once entries are read and no longer held.
	decided bool
}

// readStream reads an archive that can be read only once, standard input or an entry of another archive. It returns an error that
// is no matter of the archive.
func (p *packedReading) readStream(src io.Reader, f archive.Format) error {
	s := &streamReading{packedReading: p}
	var refused error
	decide := func() error {
		refused = s.decide()
		return refused
	}
	err := p.meter.WalkStream(src, f, func(e *archive.Entry) error {
		body, whole, err := s.hold(e)
		switch {
		case err != nil && !s.decided:
			s.held = append(s.held, heldEntry{entry: *e, body: body, err: err})
			return errors.Join(err, decide())
		case s.decided:
			return p.readEntry(e)
		case whole:
			s.held = append(s.held, heldEntry{entry: *e, body: body})
			if len(s.held) < lookaheadEntries {
				return nil
			}
			return decide()
		}
		if err := decide(); err != nil {
			return err
		}
		if e.Type == archive.Regular {
			e.Body = io.MultiReader(bytes.NewReader(body), e.Body)
		}
		return p.readEntry(e)
	})
	if !s.decided && refused == nil {
		err = errors.Join(err, decide())
	}
	if refused != nil {
		return refused
	}
	p.finish(err)
	s.addLateGap()
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	return nil
}

// hold shows an entry to the survey and returns its content, as far as it may be held; whole says whether that is all of it. Once it is
// decided what is read, it takes nothing of the body but of files that mark a dump, which are read by nobody else.
func (s *streamReading) hold(e *archive.Entry) (body []byte, whole bool, err error) {
	if archive.IsUnsafeName(e.Name) || e.Type != archive.Regular {
		return nil, true, surveyEntry(&s.survey, e)
	}
	name := entryName(e)
	if s.decided {
		if s.layout == nil {
			s.survey.Add(name, nil)
		}
		return nil, true, nil
	}
	body, err = io.ReadAll(io.LimitReader(e.Body, int64(lookaheadTotal-s.bytes)))
	s.bytes += len(body)
	s.survey.Add(name, body[:min(len(body), dump.MarkerBytes)])
	return body, s.bytes < lookaheadTotal, err
}

// decide decides as what the archive is read, and reads the entries that were held.
func (s *streamReading) decide() error {
	if s.decided {
		return nil
	}
	s.decided = true
	if err := s.setLayout(&s.survey); err != nil {
		return err
	}
	for i := range s.held {
		e := &s.held[i].entry
		e.Body = bytes.NewReader(s.held[i].body)
		if err := s.held[i].err; err != nil {
			e.Body = io.MultiReader(e.Body, readerFunc(func([]byte) (int, error) { return 0, err }))
		}
		if err := s.readEntry(e); err != nil {
			return err
		}
	}
	s.held = nil
	return nil
}

// addLateGap adds the gap of a dump that was recognised only after its first entries had been read as plain documents.
func (s *streamReading) addLateGap() {
	if s.layout != nil {
		return
	}
	if roots := s.survey.Roots(); len(roots) > 0 {
		s.sink.AddGap(inventory.Gap{
			What: quoteInput(s.path), Why: message.New("dump-recognised-late", "limit", lookaheadEntries, "tool", string(roots[0].Kind)),
			Position: filePosition(s.path), Namespaces: allNamespaces(),
		})
	}
}
