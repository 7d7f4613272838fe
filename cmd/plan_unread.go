package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// failOnUnread is the value of --fail-on that is about several clusters: one could not be read at all. What is only not whole is not, so that
// with --allow-partial a second attempt is asked for where it may help.
const failOnUnread = "unread"

// refuseUnread returns the usage error for --fail-on=unread and --only-unread of a plan of one cluster, which fails by itself where that
// cannot be read.
func refuseUnread(failOn []string, onlyUnread bool) error {
	given := ""
	switch {
	case slices.Contains(failOn, failOnUnread):
		given = "fail-on=" + failOnUnread
	case onlyUnread:
		given = onlyUnreadFlag
	default:
		return nil
	}
	return usagef("--%s is about several clusters: add --%s, or name contexts with --%s", given, allContextsFlag, contextFlag)
}

// unreadError returns the error for clusters that could not be read at all, where --fail-on asks for it.
func (o *fleetPlanOptions) unreadError(f *fleet.Fleet) error {
	if !slices.Contains(o.FailOn, failOnUnread) {
		return nil
	}
	var names []string
	for i := range f.Clusters {
		if f.Clusters[i].Error != "" {
			names = append(names, f.Clusters[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return findingsError{fmt.Errorf("--fail-on=%s: %s could not be read: %s", failOnUnread, english.Count(len(names), "cluster", "clusters"), english.First(names, 5))}
}

// begunReason is why a cluster of a part of a fleet is unread whose run did not end.
const begunReason = "its reading was begun and did not end: the run failed or was killed, perhaps for its memory"

// markBegun writes, for a part of the contexts, the rows that are true until the run ends: each of its clusters is unread. Who merges the parts
// misses none then of which a run was killed. Only -o fleet=FILE has them, and only where the file is not there: what an earlier run
// has read stays until there is better.
func (o *fleetPlanOptions) markBegun(outs []outputTarget[*fleet.Fleet]) error {
	if o.Source.Shard.Of == 0 {
		return nil
	}
	names, err := o.Source.fleetContexts()
	if err != nil {
		return err
	}
	var begun []outputTarget[*fleet.Fleet]
	for _, out := range outs {
		if _, err := os.Stat(out.file); out.format.Name == fleetFormat && out.file != "" && errors.Is(err, fs.ErrNotExist) {
			begun = append(begun, out)
		}
	}
	var rows []*fleet.Fleet
	for _, name := range names {
		rows = append(rows, fleet.Of(fleet.Unread(name, begunReason)))
	}
	all, err := fleet.Merge(rows...)
	if err != nil {
		return err
	}
	return writeOutputs(o.streams, begun, all, o.NoHeaders)
}
