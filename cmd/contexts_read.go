package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// fleetMember is one of several clusters that are read at once: its kubeconfig context, and what it says on standard error.
type fleetMember struct {
	name    string
	streams Streams
	source  SourceOptions
	fleet   *fleetProgress
}

// fleetProgress is the progress line that several clusters share.
type fleetProgress struct {
	line *progressLine
	all  int

	mu   sync.Mutex
	done int
}

// update shows what a cluster is at, and how many are done.
func (m *fleetMember) update(text string) {
	f := m.fleet
	f.mu.Lock()
	done := f.done
	f.mu.Unlock()
	f.line.update(fmt.Sprintf("%d of %s done; %s: %s", done, english.Count(f.all, "cluster", "clusters"), m.name, text))
}

// printAbove writes a line about a cluster above the progress line.
func (m *fleetMember) printAbove(text string) { m.fleet.line.printAbove(m.name + ": " + text) }

// warnOldTarget prints warnings about the plan of a cluster whose target version is older than v1.25.
func (m *fleetMember) warnOldTarget(plan *migrate.Plan) {
	for _, warning := range report.OldTargetWarnings(plan) {
		m.printAbove("warning: " + warning)
	}
}

// end counts a cluster as done.
func (m *fleetMember) end() {
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	m.fleet.done++
}

// unread says on standard error that a cluster could not be read, and returns why, in one line.
func (m *fleetMember) unread(err error) string {
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why += "; allow more time with --" + timeoutFlag
	}
	var advised errorWithAdvice
	if errors.As(err, &advised) {
		why += "; " + advised.advice
	}
	why = strings.Join(strings.Fields(why), " ")
	m.printAbove("warning: it could not be read: " + why)
	return why
}

// endsFleetError is an error that ends the reading of all clusters, and not only of the one at which it happened.
type endsFleetError struct{ error }

// Unwrap returns the error inside endsFleetError, for errors.Is and errors.As.
func (e endsFleetError) Unwrap() error { return e.error }

// errNamelessContext is why the cluster of a context without a name is not read: kubectl cannot choose it either.
var errNamelessContext = errors.New("the context has no name, by which it could be chosen")

// readContexts calls read for each cluster that the flags ask for, and returns what it returns in the order of their contexts. At most
// --parallel are read at once, each for --timeout at most. For a cluster that cannot be read it returns what unread makes of its context and
// the reason. Wrong usage and an endsFleetError end them all, and so does the end of ctx. What read keeps of a cluster is all that stays in
// memory.
func readContexts[T any](ctx context.Context, streams Streams, source SourceOptions, read func(context.Context, *fleetMember) (T, error), unread func(name, why string) T) ([]T, error) {
	if _, err := readAdmissionConfig(ctx, source.AdmissionConfig); err != nil {
		return nil, err
	}
	names, err := source.fleetContexts()
	if err != nil {
		return nil, err
	}
	run, end := context.WithCancelCause(ctx)
	defer end(nil)
	streams.In = strings.NewReader("") // several cannot share it
	atOnce := min(source.Parallel.clusters(), len(names))
	if atOnce > 1 {
		source.NoInput = "several clusters are read at once; sign in before, or read one after the other with --" + parallelFlag + "=1"
	}
	shared := &fleetProgress{line: streams.startProgress("reading " + english.Count(len(names), "cluster", "clusters")), all: len(names)}
	defer shared.line.close()
	readOne := func(name string) (T, error) {
		m := &fleetMember{name: name, streams: streams, source: source.ofContext(name), fleet: shared}
		m.streams.member = m
		defer m.end()
		one, cancel := source.withTimeout(run)
		defer cancel()
		var value T
		err := errNamelessContext
		if name != "" {
			value, err = read(one, m)
		}
		var usage usageError
		var ends endsFleetError
		switch {
		case err == nil:
			return value, nil
		case run.Err() != nil, errors.As(err, &ends):
			return value, err
		case errors.As(err, &usage):
			return value, fmt.Errorf("context %q: %w", name, err)
		}
		return unread(name, m.unread(err)), nil
	}
	out, next := make([]T, len(names)), make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				value, err := readOne(names[i])
				if err != nil {
					end(err) // the first one counts
					continue
				}
				out[i] = value
			}
		})
	}
	for i := range names {
		if run.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if run.Err() != nil {
		return nil, context.Cause(run)
	}
	return out, nil
}
