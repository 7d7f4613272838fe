package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
)

// fleetSnapshotOptions are what the flags of the command snapshot become where it reads several clusters.
type fleetSnapshotOptions struct {
	snapshotOptions
	FleetOutputs []outputTarget[*fleetSnapshots]
}

// fleetSnapshots is what the command snapshot says of several clusters, in the order of their contexts.
type fleetSnapshots struct {
	clusters []clusterSnapshot
	// archived is whether archives are written.
	archived bool
}

// clusterSnapshot is what the command snapshot says of one of several clusters.
type clusterSnapshot struct {
	name string
	// why it could not be read; "" where it was.
	why           string
	uid, version  string
	records, gaps int
	// file is that of the archive; "" without one.
	file string
}

// fleetSnapshotFormats are the output formats of the command snapshot where it reads several clusters, the default first. That of archives
// is a folder.
func fleetSnapshotFormats() []report.Format[*fleetSnapshots] {
	return []report.Format[*fleetSnapshots]{
		{Name: "table", Write: func(w io.Writer, s *fleetSnapshots, o report.Options) error { return report.Text(w, s.document(), o) }},
		{Name: archiveFormat},
	}
}

// fleetOptions checks all flags of the command snapshot, where it reads several clusters, before anything is read.
func (o *snapshotOptions) fleetOptions(flags *pflag.FlagSet, outputs []string) (*fleetSnapshotOptions, error) {
	if err := o.Source.validate(flags, o.streams); err != nil {
		return nil, err
	}
	f := &fleetSnapshotOptions{snapshotOptions: *o}
	var err error
	if f.FleetOutputs, err = parseOutputs(outputs, fleetSnapshotFormats()); err != nil {
		return nil, err
	}
	for _, out := range f.FleetOutputs {
		if out.format.Name == archiveFormat && out.file == "" {
			return nil, usagef("-o %[1]s writes an archive of each cluster: name a folder for them, as in -o %[1]s=FOLDER", archiveFormat)
		}
	}
	return f, nil
}

// fleetSnapshotRun reads several clusters, writes the archive of each as soon as it is read, and says what is in them.
func fleetSnapshotRun(ctx context.Context, o *fleetSnapshotOptions) error {
	toFiles, toFolders := splitOutputs(o.FleetOutputs, archiveFormat)
	if err := errors.Join(checkOutputFiles(toFiles), checkOutputFolders(toFolders)); err != nil {
		return err
	}
	for _, folder := range toFolders {
		if err := makeFolder(folder.file); err != nil {
			return err
		}
	}
	list, err := readContexts(ctx, o.streams, o.Source, func(ctx context.Context, m *fleetMember) (clusterSnapshot, error) {
		return o.readCluster(ctx, m, toFolders)
	}, func(name, why string) clusterSnapshot { return clusterSnapshot{name: name, why: why} })
	if err != nil {
		return err
	}
	all := &fleetSnapshots{list, len(toFolders) > 0}
	if err := all.checkTwice(); err != nil {
		return err
	}
	if err := writeOutputs(o.streams, toFiles, all, false); err != nil {
		return err
	}
	return o.fleetError(all)
}

// readCluster reads one of several clusters, writes its archive into the folders, and returns what is said of it.
func (o *fleetSnapshotOptions) readCluster(ctx context.Context, m *fleetMember, folders []outputTarget[*fleetSnapshots]) (clusterSnapshot, error) {
	run := runOf(o.deps, m.source)
	inv, err := readInventory(ctx, m.streams, o.deps, m.source)
	if err != nil {
		return clusterSnapshot{}, err
	}
	if len(inv.Policies) == 0 && len(inv.Namespaces) == 0 && len(inv.Gaps) > 0 {
		return clusterSnapshot{}, fmt.Errorf("nothing was read; %s: %s", inv.Gaps[0].What, inv.Gaps[0].Why.Text)
	}
	inv.Source.Run = run
	c := clusterSnapshot{name: m.name, uid: inv.Source.UID, version: inv.Source.ServerVersion, gaps: len(inv.Gaps)}
	write := func(w io.Writer) error {
		manifest, err := snapshot.Write(w, inv, toolAndVersion())
		if err != nil {
			return err
		}
		c.records = 0
		for _, e := range manifest.Entries {
			c.records += e.Records
		}
		return nil
	}
	if len(folders) == 0 {
		return c, write(io.Discard)
	}
	for _, folder := range folders {
		c.file = filepath.Join(folder.file, fleet.FileName(m.name)+snapshotEnding)
		if err := atomicfile.Write(c.file, write); err != nil {
			return clusterSnapshot{}, endsFleetError{err}
		}
	}
	return c, nil
}

// checkTwice returns the error for clusters that were read under two contexts.
func (s *fleetSnapshots) checkTwice() error {
	var all []error
	byUID := map[string]string{}
	for _, c := range s.clusters {
		if c.uid == "" {
			continue
		}
		if other, twice := byUID[c.uid]; twice {
			all = append(all, &fleet.TwiceError{Names: [2]string{other, c.name}, UID: c.uid})
			continue
		}
		byUID[c.uid] = c.name
	}
	return errors.Join(all...)
}

// document returns the table of the snapshots of several clusters.
func (s *fleetSnapshots) document() *report.Document {
	table := &report.Table{Columns: []report.Column{
		{Title: "CLUSTER", Role: report.RoleName}, {Title: "VERSION"}, {Title: "RECORDS"}, {Title: "GAPS"}, {Title: "ARCHIVE", Role: report.RoleName},
	}}
	var reasons report.List
	for _, c := range s.clusters {
		cells := []string{c.name, c.version, strconv.Itoa(c.records), strconv.Itoa(c.gaps), c.file}
		if c.why != "" {
			cells = []string{c.name, "not read", "-", "-", ""}
			reasons.Items = append(reasons.Items, report.Item{Text: c.name + ": " + c.why})
		}
		for i, cell := range cells {
			if cell == "" {
				cells[i] = "-"
			}
		}
		table.Rows = append(table.Rows, cells)
	}
	d := &report.Document{OneLine: true, Blocks: []report.Block{table}}
	if len(reasons.Items) > 0 {
		d.Blocks = append(d.Blocks, report.Heading("NOT READ"), reasons)
	}
	if !s.archived {
		d.Blocks = append(d.Blocks, report.Paragraph{fmt.Sprintf("They are not written yet: add -o %s=FOLDER", archiveFormat)})
	}
	return d
}

// fleetError returns the error that ends the command where clusters, or something in them, could not be read.
func (o *fleetSnapshotOptions) fleetError(s *fleetSnapshots) error {
	var unread, gaps int
	for _, c := range s.clusters {
		if c.why != "" {
			unread++
		} else if c.gaps > 0 {
			gaps++
		}
	}
	switch {
	case o.AllowPartial:
		return nil
	case len(s.clusters) == 0:
		return nothingInShardError(&fleet.Fleet{}, &o.Source, false)
	}
	return unreadClustersError(unread, gaps)
}

// unreadClustersError returns the error for clusters that were not read, or not whole; nil for none.
func unreadClustersError(unread, gaps int) error {
	switch {
	case unread+gaps == 0:
		return nil
	case unread == 0:
		return partialError{fmt.Errorf("%s; accept that with --%s", english.Count(gaps, "cluster was not read whole", "clusters were not read whole"), allowPartialFlag)}
	}
	why := english.Count(unread, "cluster could not be read", "clusters could not be read")
	if gaps > 0 {
		why += ", and " + english.Count(gaps, "was not read whole", "were not read whole")
	}
	return partialError{fmt.Errorf("%s; accept that with --%s", why, allowPartialFlag)}
}
