package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// onlyUnreadFlag has only those of several clusters read that an earlier run has not read into the same file.
const onlyUnreadFlag = "only-unread"

// addOnlyUnreadFlag defines that command-line flag.
func addOnlyUnreadFlag(flags *pflag.FlagSet, onlyUnread *bool) {
	flags.BoolVar(onlyUnread, onlyUnreadFlag, false, "of several clusters, read only those that are not in the file of -o "+fleetFormat+"=FILE yet, or are in it as unread; the others stay as they are")
}

// checkOnlyUnread returns the usage error for --only-unread without the one file that it is about.
func (o *fleetPlanOptions) checkOnlyUnread() error {
	if o.OnlyUnread && len(rowFiles(o.Outputs)) != 1 {
		return usagef("--%s needs the file with the rows of an earlier run: add -o %s=FILE, once", onlyUnreadFlag, fleetFormat)
	}
	return nil
}

// rowFiles returns the files that -o fleet=FILE names.
func rowFiles(outs []outputTarget[*fleet.Fleet]) []string {
	var files []string
	for _, out := range outs {
		if out.format.Name == fleetFormat && out.file != "" {
			files = append(files, out.file)
		}
	}
	return files
}

// keepRead returns what an earlier run has read of the clusters that the flags ask for, and has only the others read from then on; done is true
// where none is left. It returns an error for a file that holds something else than rows.
func (o *fleetPlanOptions) keepRead() (kept *fleet.Fleet, done bool, err error) {
	kept = &fleet.Fleet{}
	if !o.OnlyUnread {
		return kept, false, nil
	}
	path := rowFiles(o.Outputs)[0]
	data, err := os.ReadFile(path) //nolint:gosec // G304: the file that the user names
	if errors.Is(err, fs.ErrNotExist) {
		return kept, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", fileerror.Name(path), fileerror.Explain(path, err))
	}
	earlier, err := fleet.Read(data)
	if err != nil {
		return nil, false, fmt.Errorf("reading %s, of which --%s keeps what was read: %w", fileerror.Name(path), onlyUnreadFlag, err)
	}
	names, err := o.Source.fleetContexts()
	if err != nil {
		return nil, false, err
	}
	var left []string
	for _, name := range names {
		i := slices.IndexFunc(earlier.Clusters, func(c fleet.Cluster) bool { return c.Name == name && c.Error == "" })
		if i < 0 {
			left = append(left, name)
			continue
		}
		kept.Clusters = append(kept.Clusters, earlier.Clusters[i])
	}
	if len(kept.Clusters) == 0 {
		return kept, false, nil
	}
	o.Source.AllContexts, o.Source.Shard = false, shard{}
	return kept, len(left) == 0, contextFlagValue{&o.Source}.Replace(left)
}
