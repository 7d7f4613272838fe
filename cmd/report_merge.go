package cmd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// mergeFlag is the flag of the command report that names saved plans of several clusters.
const mergeFlag = "merge"

// fleetFormat is the output format of 'report --merge' that can be merged again.
const fleetFormat = "fleet"

// fleetReport is what 'report --merge' writes: the Fleet, and the report on it, which is nil where no format needs it.
type fleetReport struct {
	fleet  *fleet.Fleet
	report *handover.Report
}

// mergeOptions are what the flags of the command report become where it is on several clusters.
type mergeOptions struct {
	gateOptions
	// Paths are saved plans, fleets, snapshots, and folders of them; none where the clusters of contexts are read.
	Paths   []string
	Report  fleet.ReportOptions
	Outputs []outputTarget[*fleetReport]
	BOM     bool
}

// mergeOptions checks all flags of 'report --merge' before anything is read.
func (f *reportFlags) mergeOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*mergeOptions, error) {
	source, scope := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	addSourceFlags(source, &SourceOptions{})
	(&scopeFlags{}).add(scope)
	for _, name := range slices.Concat(allFlagNames(source), contextsFlagNames(), allFlagNames(scope), planChangingFlags(), []string{redactFlag, diffFlag, "fail-on"}) {
		if name == timeoutFlag {
			continue
		}
		if err := refuseBesideMerge(flags, name); err != nil {
			return nil, err
		}
	}
	o, err := f.fleetReportOptions(flags, streams, deps, []string{mergeFlag, "to", "assert"})
	if err != nil {
		return nil, err
	}
	o.Paths, o.Decide.AllowPartial, o.Source.Timeout = f.merge, f.decide.allowPartial, f.source.Timeout
	return o, nil
}

// contextsOptions checks all flags of the command report, where it reads the clusters of several contexts, before anything is read.
func (f *reportFlags) contextsOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*mergeOptions, error) {
	if flags.Changed("fail-on") {
		return nil, usagef("--fail-on of a report is about what --%s finds, and a report on several clusters compares with none", diffFlag)
	}
	decide, _, err := checkInputFlags(flags, streams, &f.source, &f.decide, &scopeFlags{})
	if err != nil {
		return nil, err
	}
	named := slices.Concat([]string{kubeconfigFlag, contextFlag, allContextsFlag, shardFlag, asFlag, asGroupFlag, customFlag, admissionConfigFlag}, planChangingFlags(), []string{allowPartialFlag, "to", "assert"})
	o, err := f.fleetReportOptions(flags, streams, deps, named)
	if err != nil {
		return nil, err
	}
	o.Source, o.Decide = f.source, decide
	return o, nil
}

// fleetReportOptions checks the flags of the command report that are about a report on several clusters, wherever what it knows of them
// comes from. Named are the flags that the report repeats as its own call.
func (f *reportFlags) fleetReportOptions(flags *pflag.FlagSet, streams Streams, deps Deps, named []string) (*mergeOptions, error) {
	o := &mergeOptions{gateOptions: gateOptions{streams: streams, deps: deps}, BOM: f.bom}
	for _, name := range f.sections {
		if !slices.Contains(fleet.SectionIDs(), name) {
			return nil, usagef("--%s=%q on several clusters: %s", sectionsFlag, name, notOneOf(name, fleet.SectionIDs()))
		}
	}
	var err error
	if o.To, err = parseRelease(f.to); err != nil {
		return nil, err
	}
	if o.Assert, err = parseAssertions(f.assert); err != nil {
		return nil, err
	}
	o.Report = fleet.ReportOptions{
		Title: f.title, Client: f.client, Author: f.author, Sections: f.sections, Tool: toolAndVersion(),
		Command: report.Invocation{Tool: deps.ToolName}.Command("report", givenArguments(flags, named)),
	}
	if o.Outputs, err = parseOutputs(f.outputs, fleetFormats(f.bom)); err != nil {
		return nil, err
	}
	for _, out := range o.Outputs {
		if sameFile(out.file, f.merge) != "" {
			return nil, usagef("-o %s=%s would overwrite a file that is read: name another one", out.format.Name, fileerror.Name(out.file))
		}
		if out.format.Name == csvFormat && out.file == "" && len(f.sections) != 1 {
			return nil, usagef("-o %[1]s writes a file for each table: name a folder for them, as in -o %[1]s=FOLDER, or have one table with --%[2]s", csvFormat, sectionsFlag)
		}
	}
	return o, nil
}

// allFlagNames returns the names of all flags in a set.
func allFlagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// refuseBesideMerge returns a usage error for a flag that says what is read, or how, beside --merge. One from the environment gives way.
func refuseBesideMerge(flags *pflag.FlagSet, name string) error {
	switch f := flags.Lookup(name); {
	case f == nil || !f.Changed:
		return nil
	case setByEnvironment(f):
		return resetFlag(f)
	}
	return usagef("--%s and --%s exclude each other: the plans of a fleet are made already, each with the flags of its own", mergeFlag, name)
}

// fleetFormats are the output formats of 'report --merge', the default first.
func fleetFormats(bom bool) []report.Format[*fleetReport] {
	var formats []report.Format[*fleetReport]
	for _, f := range reportFormats(bom) {
		formats = append(formats, report.Format[*fleetReport]{
			Name: f.Name, Rows: f.Rows, Write: func(w io.Writer, r *fleetReport, o report.Options) error { return f.Write(w, r.report, o) },
		})
	}
	return append(formats, report.Format[*fleetReport]{Name: fleetFormat, Write: func(w io.Writer, r *fleetReport, _ report.Options) error { return fleet.Write(w, r.fleet) }})
}

// mergeRun writes the report on several clusters, from what was saved of them or from the clusters of contexts.
func mergeRun(ctx context.Context, o *mergeOptions) error {
	toFiles, toFolders := splitOutputs(o.Outputs, csvFormat)
	if err := errors.Join(checkOutputFiles(toFiles), checkOutputFolders(toFolders)); err != nil {
		return err
	}
	merged, err := o.readAll(ctx)
	if err != nil {
		return err
	}
	r := &fleetReport{fleet: merged}
	if slices.ContainsFunc(o.Outputs, func(out outputTarget[*fleetReport]) bool { return out.format.Name != fleetFormat }) {
		r.report = fleet.Report(merged, o.Report)
	}
	for _, folder := range toFolders {
		if err := writeTables(folder.file, r.report, o.BOM); err != nil {
			return err
		}
	}
	if err := writeReports(o.streams, toFiles, r, report.Options{}); err != nil {
		return err
	}
	return errors.Join(nothingInShardError(merged, &o.Source, o.Decide.AllowPartial), fleetPartialError(merged, o.Decide.AllowPartial))
}

// readAll returns what is kept of all clusters of the report: from the files that --merge names, or from the clusters themselves.
func (o *mergeOptions) readAll(ctx context.Context) (*fleet.Fleet, error) {
	if len(o.Paths) == 0 {
		return o.readRows(ctx, func(*fleetMember, *migrate.Plan) error { return nil })
	}
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	members, err := membersIn(o.Paths)
	if err != nil {
		return nil, err
	}
	p := o.streams.startProgress("reading " + english.Count(len(members), "file", "files"))
	defer p.close()
	return callUntilCancelled(ctx, "reading the plans", func() (*fleet.Fleet, error) { return o.readFleet(ctx, members) })
}

// fleetPartialError returns the error for clusters of a Fleet that were not read, or not whole; nil where that is allowed.
func fleetPartialError(f *fleet.Fleet, allowed bool) error {
	var unread, gaps int
	for i := range f.Clusters {
		switch {
		case f.Clusters[i].Error != "":
			unread++
		case f.Clusters[i].Gaps > 0:
			gaps++
		}
	}
	if allowed {
		return nil
	}
	return unreadClustersError(unread, gaps)
}

// readFleet reads plans, fleets, snapshots and clusters of dumps, one at a time on each processor, and merges them. One that cannot be read is a cluster of which nothing is known.
func (o *mergeOptions) readFleet(ctx context.Context, members []savedMember) (*fleet.Fleet, error) {
	fleets, errs := make([]*fleet.Fleet, len(members)), make([]error, len(members))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(members)) {
		workers.Go(func() {
			for i := range next {
				fleets[i], errs[i] = o.readMember(ctx, members[i])
			}
		})
	}
	for i := range members {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	return fleet.Merge(fleets...)
}

// readMember reads what 'report --merge' names of one cluster or more: a saved plan, a snapshot or a cluster of a dump, of which it keeps the
// rows, or a fleet.
func (o *mergeOptions) readMember(ctx context.Context, m savedMember) (*fleet.Fleet, error) {
	unread := func(err error) (*fleet.Fleet, error) { return fleet.Of(fleet.Unread(m.name(), err.Error())), nil }
	if m.isSnapshot || m.cluster != "" {
		plan, err := o.planOf(ctx, m)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return unread(err)
		}
		return o.summariseMember(m, plan)
	}
	data, err := os.ReadFile(m.path)
	if err != nil {
		return unread(fileerror.Explain(m.path, err))
	}
	if isFleet(data) {
		f, err := fleet.Read(data)
		if err != nil {
			return unread(err)
		}
		return f, nil
	}
	plan, err := parseSavedPlan(data)
	if err == nil {
		err = refusePartial(plan, "the plan")
	}
	if err != nil {
		return unread(err)
	}
	return o.summariseMember(m, plan)
}

// summariseMember returns what a fleet keeps of the plan of a member of 'report --merge'.
func (o *mergeOptions) summariseMember(m savedMember, plan *migrate.Plan) (*fleet.Fleet, error) {
	if err := nothingSeenError(plan); err != nil {
		return fleet.Of(fleet.Unread(cmp.Or(plan.Source.Name, m.name()), err.Error())), nil
	}
	f, err := o.summarise(m.name(), plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileerror.Name(m.path), err)
	}
	return f, nil
}

// isFleet says whether a document is a Fleet by its head, which stands at its beginning as 'report --merge -o fleet' writes it.
func isFleet(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			if depth++; depth > 1 {
				return false
			}
		case "kind":
			kind, err := d.Token()
			return err == nil && kind == fleet.Kind
		case "apiVersion":
			if version, err := d.Token(); err != nil || version != migrate.APIVersion {
				return false
			}
		default:
			return false
		}
	}
}
