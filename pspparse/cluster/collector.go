package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// inventoryCollector puts into the builder what the lists bring, and keeps count. Only the goroutine of Read uses it.
type inventoryCollector struct {
	builder         inventory.Sink
	progress        func(string)
	progressOfKinds []*kindProgress
}

// kindProgress is how far one kind has come.
type kindProgress struct {
	resource    string
	read, total int64
	// done is true once the kind is read whole, or it is known that it cannot be.
	done bool
}

// newInventoryCollector returns a collector that counts the kinds.
func newInventoryCollector(b inventory.Sink, kinds []listedKind, progress func(string)) *inventoryCollector {
	c := &inventoryCollector{builder: b, progress: progress}
	for _, k := range kinds {
		c.addKinds(k.qualifiedResource())
	}
	return c
}

// addKinds has more kinds counted.
func (c *inventoryCollector) addKinds(names ...string) {
	for _, name := range names {
		c.progressOfKinds = append(c.progressOfKinds, &kindProgress{resource: name, total: unknownCount})
	}
}

// collect takes batches until there are no more. Where ctx ends it does not wait for the lists to notice.
func (c *inventoryCollector) collect(ctx context.Context, in <-chan inventoryBatch) error {
	for {
		select {
		case got, more := <-in:
			if !more {
				return ctx.Err()
			}
			c.addBatch(got)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *inventoryCollector) addBatch(got inventoryBatch) {
	if got.addToInventory != nil {
		got.addToInventory(c.builder)
	}
	for _, e := range got.entries {
		e.add(c.builder)
	}
	for _, k := range c.progressOfKinds {
		if k.resource == got.resource {
			k.read += int64(len(got.entries))
			k.total = max(k.total, got.total)
			k.done = k.done || got.done
		}
	}
	c.addKinds(got.moreKinds...)
	if line := c.progressLine(); line != "" && c.progress != nil {
		c.progress(line)
	}
}

// progressLine tells the kinds that are under way, by what was read of them.
func (c *inventoryCollector) progressLine() string {
	var parts []string
	for _, k := range c.progressOfKinds {
		if !k.done && k.read > 0 {
			parts = append(parts, k.resource+" "+k.countText("/"))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "reading " + strings.Join(parts, ", ")
}

// countText is how much of a kind was read, of how much if that is known.
func (k *kindProgress) countText(sep string) string {
	if k.total == unknownCount {
		return fmt.Sprint(k.read)
	}
	return fmt.Sprintf("%d%s%d", k.read, sep, k.total)
}

// InterruptedError is the end of a reading that was cut short by its context.
type InterruptedError struct {
	// Context is the Reader's.
	Context string
	// Unread are the resources that were not read, or not whole, each with how much was: "pods (1500 of 7000 read)".
	Unread []string
	cause  error
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("reading the cluster of context %q: %v; not read: %s", e.Context, e.cause, strings.Join(e.Unread, ", "))
}

func (e *InterruptedError) Unwrap() error { return e.cause }

func (c *inventoryCollector) interruptedError(name string, cause error) error {
	e := &InterruptedError{Context: name, cause: cause}
	for _, k := range c.progressOfKinds {
		switch {
		case k.done:
		case k.read == 0:
			e.Unread = append(e.Unread, k.resource)
		default:
			e.Unread = append(e.Unread, fmt.Sprintf("%s (%s read)", k.resource, k.countText(" of ")))
		}
	}
	return e
}
