package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// inventoryCollector puts what lists of a live cluster bring into the inventory, and counts it. Only the goroutine of
// Read uses it.
type inventoryCollector struct {
	// builder receives what is read.
	builder inventory.Sink
	// progress is Reader.Progress.
	progress func(string)
	// reported is the line that it was given last.
	reported string
	// progressOfKinds are the kinds that are counted, in the order of the progress line.
	progressOfKinds []*kindProgress
}

// kindProgress is how many objects of one kind were read from the cluster.
type kindProgress struct {
	// resource names the kind.
	resource string
	// read is how many objects were read, of total, which may be unknownCount.
	read, total int64
	// done is set once the kind is read whole, or it is known that it cannot be.
	done bool
}

// newInventoryCollector returns a collector of what a live cluster lists, which counts the given kinds.
func newInventoryCollector(b inventory.Sink, kinds []listedKind, progress func(string)) *inventoryCollector {
	c := &inventoryCollector{builder: b, progress: progress}
	for _, k := range kinds {
		c.addKinds(k.qualifiedResource())
	}
	return c
}

// addKinds makes the collector count more kinds that the cluster lists.
func (c *inventoryCollector) addKinds(names ...string) {
	for _, name := range names {
		c.progressOfKinds = append(c.progressOfKinds, &kindProgress{resource: name, total: unknownCount})
	}
}

// collect adds batches of objects from the cluster to the inventory until there are no more, or until ctx ends: it does
// not wait for the lists then, and returns the error of ctx.
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

// addBatch puts a batch of objects from the cluster into the inventory, counts it and reports progress.
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
	c.reportProgress(c.progressLine())
}

// reportProgress hands on how far the reading of the cluster is, if that is new; "" never is.
func (c *inventoryCollector) reportProgress(line string) {
	if line == "" || line == c.reported || c.progress == nil {
		return
	}
	c.reported = line
	c.progress(line)
}

// progressLine returns the progress of the kinds that are being read from the cluster, on one line: "reading pods, 12,000
// so far".
func (c *inventoryCollector) progressLine() string {
	var parts []string
	for _, k := range c.progressOfKinds {
		switch {
		case k.done || k.read == 0 && k.total <= 0:
		case k.total >= k.read:
			parts = append(parts, fmt.Sprintf("%s, %s of %s", k.resource, english.Number(k.read), english.Number(k.total)))
		default:
			parts = append(parts, fmt.Sprintf("%s, %s so far", k.resource, english.Number(k.read)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "reading " + strings.Join(parts, "; ")
}

// countText returns how many objects of a kind were read from the cluster, and of how many if that is known.
func (k *kindProgress) countText(sep string) string {
	if k.total == unknownCount {
		return fmt.Sprint(k.read)
	}
	return fmt.Sprintf("%d%s%d", k.read, sep, k.total)
}

// InterruptedError is the error of a reading of a cluster that its context ended.
type InterruptedError struct {
	// Context is the Reader's.
	Context string
	// Unread are the resources that were not read, or not whole, each with how much was: "pods (1500 of 7000 read)".
	Unread []string
	// cause is the error of the context.
	cause error
}

// Error returns the kubeconfig context, the cause and what was not read of the cluster.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("reading the cluster of context %q: %v; not read: %s", e.Context, e.cause, strings.Join(e.Unread, ", "))
}

// Unwrap returns the context error that ended the reading of the cluster.
func (e *InterruptedError) Unwrap() error { return e.cause }

// interruptedError returns the error of a reading of the cluster that ends now, with the kinds that were not read
// whole.
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
