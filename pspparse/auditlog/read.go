package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// MaxBroken is the number of lines of an audit log that are no events and are named. The others are counted.
const MaxBroken = 10

// maxReasonBytes is the length at which the reason why a line is no event is cut off.
const maxReasonBytes = 1000

// Summary says what an audit log holds, whatever was asked of its events.
type Summary struct {
	// Events counts the events, those at other stages than the last, too. First and Last are the earliest and the latest of their
	// times; zero where none has a time.
	Events      int
	First, Last time.Time
	// Broken are the first lines that are no events, "FILE:LINE: why"; MoreBroken counts the others. CutOff counts those of both
	// that something has shortened.
	Broken     []string
	MoreBroken int
	CutOff     int
	// Foreign counts entries of other logs in the same stream.
	Foreign int
	// OtherFiles are the files in folders that hold no event, and not one line that looks like one.
	OtherFiles []string
}

// add adds what another audit log holds.
func (s *Summary) add(t *Summary) {
	s.Events += t.Events
	s.Foreign += t.Foreign
	s.CutOff += t.CutOff
	s.addTimes(t.First, t.Last)
	kept := min(len(t.Broken), MaxBroken-len(s.Broken))
	s.Broken = append(s.Broken, t.Broken[:kept]...)
	s.MoreBroken += t.MoreBroken + len(t.Broken) - kept
	s.OtherFiles = append(s.OtherFiles, t.OtherFiles...)
}

// addTimes notes the earliest and the latest time of a part of an audit log; the zero time is none.
func (s *Summary) addTimes(first, last time.Time) {
	if s.First.IsZero() || !first.IsZero() && first.Before(s.First) {
		s.First = first
	}
	if last.After(s.Last) {
		s.Last = last
	}
}

// merge adds what one part of an audit log holds.
func (s *Summary) merge(t *partSummary, name string) {
	s.Events += t.events
	s.Foreign += t.foreign
	s.CutOff += t.cutOff
	s.addTimes(t.first, t.last)
	for _, b := range t.broken {
		if len(s.Broken) == MaxBroken {
			s.MoreBroken++
			continue
		}
		reason := b.err.Error()
		if len(reason) > maxReasonBytes {
			reason = string(bytes.ToValidUTF8([]byte(reason[:maxReasonBytes]), nil)) + "..."
		}
		s.Broken = append(s.Broken, fmt.Sprintf("%s:%d: %s", name, b.line, reason))
	}
	s.MoreBroken += t.moreBroken
}

// partSummary is the Summary of one block of an audit log.
type partSummary struct {
	events, foreign, cutOff, moreBroken int
	first, last                         time.Time
	broken                              []brokenLine
	legacy                              bool
}

// addError notes a line or element that is no event.
func (s *partSummary) addError(line int, err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, errForeign):
		s.foreign++
		return
	case errors.Is(err, errCutOff):
		s.cutOff++
	case errors.Is(err, errLegacy):
		s.legacy = true
	}
	if len(s.broken) == MaxBroken {
		s.moreBroken++
		return
	}
	s.broken = append(s.broken, brokenLine{line, err})
}

// addTime notes the time of an event.
func (s *partSummary) addTime(t time.Time) {
	if t.IsZero() {
		return
	}
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

// Query is what is asked of an audit log: Wants and Reduce are called by several goroutines at once, Each by one at a time, in the order
// of the log.
type Query[T any] struct {
	// Wants says of an event of which only stage, verb and time are known whether it is handed to Reduce. nil wants all.
	Wants func(*Event) bool
	// Reduce makes of an event what is to be kept of it, and must keep nothing of the event's objects themselves. It is false for
	// nothing, and an error for what is no event in spite of all.
	Reduce func(*Event) (T, bool, error)
	Each   func(T)
}

// Read reads an audit log, plain or compressed with gzip, and adds what it holds to a summary. Lines that are no events are counted in
// it. It returns an error if the log cannot be read, and for a log in the text format of old API servers.
func Read[T any](ctx context.Context, name string, r io.Reader, q Query[T], into *Summary) error {
	parts, err := openSplitter(r)
	if err != nil {
		return fmt.Errorf("reading the audit log %q: %w", name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := runtime.GOMAXPROCS(0)
	jobs, ordered := make(chan *job[T]), make(chan *job[T], 2*workers)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for range workers {
		running.Go(func() {
			for j := range jobs {
				j.run(q)
				close(j.done)
			}
		})
	}
	running.Go(func() {
		defer close(ordered)
		defer close(jobs)
		for {
			b, err := parts.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					enqueue(ctx, ordered, &job[T]{err: err, line: b.line})
				}
				return
			}
			j := &job[T]{block: b, done: make(chan struct{})}
			if !enqueue(ctx, ordered, j) || !enqueue(ctx, jobs, j) {
				return
			}
		}
	})
	return collect(ctx, name, ordered, q, into)
}

// enqueue sends a job, and returns false if the work is cancelled.
func enqueue[T any](ctx context.Context, to chan<- *job[T], j *job[T]) bool {
	select {
	case to <- j:
		return true
	case <-ctx.Done():
		return false
	}
}

// collect takes the results of the parts of an audit log in their order.
func collect[T any](ctx context.Context, name string, ordered <-chan *job[T], q Query[T], into *Summary) error {
	before := into.Events
	for j := range ordered {
		if j.err != nil {
			return fmt.Errorf("reading the audit log %q, line %d: %w", name, j.line, j.err)
		}
		select {
		case <-j.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if j.summary.legacy && into.Events == before && j.summary.events == 0 {
			return fmt.Errorf("reading the audit log %q: %w", name, errLegacy)
		}
		into.merge(&j.summary, name)
		for _, r := range j.results {
			q.Each(r)
		}
	}
	return ctx.Err()
}

// job is the decoding of one block of an audit log.
type job[T any] struct {
	block   block
	done    chan struct{}
	summary partSummary
	results []T
	// err is why the log could not be read on, behind the line.
	err  error
	line int
}

// run decodes the block.
func (j *job[T]) run(q Query[T]) {
	d := &decoder{wants: q.Wants, event: func(e *Event, wanted bool) error {
		j.summary.events++
		j.summary.addTime(e.Time)
		if !wanted {
			return nil
		}
		r, keep, err := q.Reduce(e)
		if keep && err == nil {
			j.results = append(j.results, r)
		}
		return err
	}}
	for _, b := range j.block.broken {
		j.summary.addError(b.line, b.err)
	}
	if j.block.list {
		for _, u := range j.block.units {
			j.summary.addError(u.line, d.value(j.block.data[u.start:u.end], 0))
		}
	} else {
		j.runLines(d)
	}
	j.summary.foreign += d.foreign
	j.block = block{} // no longer needed
}

// runLines decodes a block of lines.
func (j *job[T]) runLines(d *decoder) {
	line, rest := j.block.line, j.block.data
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest) - 1
		}
		if end > maxUnitBytes {
			j.summary.addError(line, errTooLong())
		} else {
			j.summary.addError(line, d.line(rest[:end+1]))
		}
		line, rest = line+1, rest[end+1:]
	}
}

// openSplitter returns what splits an audit log, by how it begins.
func openSplitter(r io.Reader) (splitter, error) {
	in := bufio.NewReaderSize(r, peekBytes)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(z, peekBytes)
	}
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // was peeked at
	}
	begin, err := in.Peek(peekBytes)
	if err != nil && !errors.Is(err, io.EOF) && len(begin) == 0 {
		return nil, err
	}
	if isList(begin) {
		return &listSplitter{from: in, line: 1}, nil
	}
	return &lineSplitter{from: in, line: 1}, nil
}
