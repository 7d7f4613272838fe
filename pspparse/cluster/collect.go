package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// collector puts into the builder what the lists bring, and keeps count. Only the goroutine of Read uses it.
type collector struct {
	b        *inventory.Builder
	progress func(string)
	kinds    []*tally
}

// tally is how far one kind has come.
type tally struct {
	resource    string
	read, total int64
	// settled is true once the kind is read whole, or it is known that it cannot be.
	settled bool
}

// newCollector returns a collector that counts the kinds.
func newCollector(b *inventory.Builder, kinds []kind, progress func(string)) *collector {
	c := &collector{b: b, progress: progress}
	for _, k := range kinds {
		c.expect(k.name())
	}
	return c
}

// expect has more kinds counted.
func (c *collector) expect(names ...string) {
	for _, name := range names {
		c.kinds = append(c.kinds, &tally{resource: name, total: unknown})
	}
}

// collect takes batches until there are no more. Where ctx ends it does not wait for the lists to notice.
func (c *collector) collect(ctx context.Context, in <-chan batch) error {
	for {
		select {
		case got, more := <-in:
			if !more {
				return ctx.Err()
			}
			c.take(got)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *collector) take(got batch) {
	if got.add != nil {
		got.add(c.b)
	}
	for _, e := range got.entries {
		e.add(c.b)
	}
	for _, k := range c.kinds {
		if k.resource == got.resource {
			k.read += int64(len(got.entries))
			k.total = max(k.total, got.total)
			k.settled = k.settled || got.settled
		}
	}
	c.expect(got.kinds...)
	if line := c.line(); line != "" && c.progress != nil {
		c.progress(line)
	}
}

// line tells the kinds that are under way, by what was read of them.
func (c *collector) line() string {
	var parts []string
	for _, k := range c.kinds {
		if !k.settled && k.read > 0 {
			parts = append(parts, k.resource+" "+k.of("/"))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "reading " + strings.Join(parts, ", ")
}

// of is how much of a kind was read, of how much if that is known.
func (k *tally) of(sep string) string {
	if k.total == unknown {
		return fmt.Sprint(k.read)
	}
	return fmt.Sprintf("%d%s%d", k.read, sep, k.total)
}

// Interrupted is the end of a reading that was cut short by its context.
type Interrupted struct {
	// Context is the Reader's.
	Context string
	// Unread are the resources that were not read, or not whole, each with how much was: "pods (1500 of 7000 read)".
	Unread []string
	cause  error
}

func (e *Interrupted) Error() string {
	return fmt.Sprintf("reading the cluster of context %q: %v; not read: %s", e.Context, e.cause, strings.Join(e.Unread, ", "))
}

func (e *Interrupted) Unwrap() error { return e.cause }

func (c *collector) interrupted(name string, cause error) error {
	e := &Interrupted{Context: name, cause: cause}
	for _, k := range c.kinds {
		switch {
		case k.settled:
		case k.read == 0:
			e.Unread = append(e.Unread, k.resource)
		default:
			e.Unread = append(e.Unread, fmt.Sprintf("%s (%s read)", k.resource, k.of(" of ")))
		}
	}
	return e
}
