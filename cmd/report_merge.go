package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// mergeFlag is the flag of the command report that names saved plans of several clusters.
const mergeFlag = "merge"

// fleetFormat is the output format of 'report --merge' that can be merged again.
const fleetFormat = "fleet"

// fleetReport is what 'report --merge' writes: the report on a Fleet, and the Fleet itself.
type fleetReport struct {
	fleet  *fleet.Fleet
	report *handover.Report
}

// mergeOptions are what the flags of 'report --merge' become.
type mergeOptions struct {
	gateOptions
	// Paths are saved plans, fleets, and folders of them.
	Paths   []string
	Report  fleet.ReportOptions
	Outputs []outputTarget[*fleetReport]
	BOM     bool
}

// mergeOptions checks all flags of 'report --merge' before anything is read.
func (f *reportFlags) mergeOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*mergeOptions, error) {
	o := &mergeOptions{gateOptions: gateOptions{streams: streams, deps: deps}, Paths: f.merge, BOM: f.bom}
	source, scope := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	addSourceFlags(source, &SourceOptions{})
	(&scopeFlags{}).add(scope)
	for _, name := range slices.Concat(allFlagNames(source), allFlagNames(scope), planChangingFlags(), []string{redactFlag, diffFlag, "fail-on"}) {
		if name == timeoutFlag {
			continue
		}
		if err := refuseBesideMerge(flags, name); err != nil {
			return nil, err
		}
	}
	for _, name := range f.sections {
		if !slices.Contains(fleet.SectionIDs(), name) {
			return nil, usagef("--%s=%q with --%s: %s", sectionsFlag, name, mergeFlag, notOneOf(name, fleet.SectionIDs()))
		}
	}
	var err error
	if o.To, err = parseRelease(f.to); err != nil {
		return nil, err
	}
	if o.Assert, err = parseAssertions(f.assert); err != nil {
		return nil, err
	}
	o.Decide.AllowPartial, o.Source.Timeout = f.decide.allowPartial, f.source.Timeout
	o.Report = fleet.ReportOptions{
		Title: f.title, Client: f.client, Author: f.author, Sections: f.sections, Tool: toolAndVersion(),
		Command: report.Invocation{Tool: deps.ToolName}.Command("report", givenArguments(flags, []string{mergeFlag, "to", "assert"})),
	}
	if o.Outputs, err = parseOutputs(f.outputs, fleetFormats(f.bom)); err != nil {
		return nil, err
	}
	for _, out := range o.Outputs {
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

// mergeRun reads saved plans and fleets, one plan at a time on each processor, and writes the report on all their clusters.
func mergeRun(ctx context.Context, o *mergeOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	toFiles, toFolders := splitOutputs(o.Outputs, csvFormat)
	if err := errors.Join(checkOutputFiles(toFiles), checkOutputFolders(toFolders)); err != nil {
		return err
	}
	paths, err := plansIn(o.Paths)
	if err != nil {
		return err
	}
	p := o.streams.startProgress("reading " + english.Count(len(paths), "file", "files"))
	merged, err := callUntilCancelled(ctx, "reading the plans", func() (*fleet.Fleet, error) { return o.readFleet(ctx, paths) })
	p.close()
	if err != nil {
		return err
	}
	r := &fleetReport{merged, fleet.Report(merged, o.Report)}
	for _, folder := range toFolders {
		if err := writeTables(folder.file, r.report, o.BOM); err != nil {
			return err
		}
	}
	if err := writeReports(o.streams, toFiles, r, report.Options{}); err != nil {
		return err
	}
	return fleetPartialError(merged, o.Decide.AllowPartial)
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
	switch {
	case allowed || unread+gaps == 0:
		return nil
	case unread == 0:
		return partialError{fmt.Errorf("%s; accept that with --%s", english.Count(gaps, "cluster was not read whole", "clusters were not read whole"), allowPartialFlag)}
	}
	return partialError{fmt.Errorf("%s, and %s; accept that with --%s", english.Count(unread, "cluster could not be read", "clusters could not be read"),
		english.Count(gaps, "was not read whole", "were not read whole"), allowPartialFlag)}
}

// plansIn returns the files that the paths of 'report --merge' name, each once and sorted: those given, and the .json, .yaml and .yml
// files of folders. It fails for a path that is not there, and for a folder without any.
func plansIn(paths []string) ([]string, error) {
	seen := map[string]bool{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", fileerror.Name(path), fileerror.Explain(path, err))
		}
		if !info.IsDir() {
			seen[filepath.Clean(path)] = true
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", fileerror.Name(path), fileerror.Explain(path, err))
		}
		found := false
		for _, e := range entries {
			if ext := strings.ToLower(filepath.Ext(e.Name())); !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && (ext == ".json" || ext == ".yaml" || ext == ".yml") {
				seen[filepath.Join(path, e.Name())], found = true, true
			}
		}
		if !found {
			return nil, usagef("--%s=%s is a folder without .json and .yaml files: save plans into it with 'plan -o json=%s'", mergeFlag, path, filepath.Join(path, "CLUSTER.json"))
		}
	}
	var out []string
	for path := range seen {
		out = append(out, path)
	}
	slices.Sort(out)
	return out, nil
}

// readFleet reads files with plans and fleets and merges them. A file that cannot be read is a cluster of which nothing is known.
func (o *mergeOptions) readFleet(ctx context.Context, paths []string) (*fleet.Fleet, error) {
	fleets, errs := make([]*fleet.Fleet, len(paths)), make([]error, len(paths))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		workers.Go(func() {
			for i := range next {
				fleets[i], errs[i] = o.readMember(paths[i])
			}
		})
	}
	for i := range paths {
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

// readMember reads one file of a fleet: a saved plan, of which it keeps the rows, or a fleet.
func (o *mergeOptions) readMember(path string) (*fleet.Fleet, error) {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	unread := func(err error) (*fleet.Fleet, error) { return fleet.Of(fleet.Unread(name, err.Error())), nil }
	data, err := os.ReadFile(path) //nolint:gosec // G304: reading the files that the user names is the point
	if err != nil {
		return unread(fileerror.Explain(path, err))
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
	answer, err := o.evaluate(plan, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileerror.Name(path), err)
	}
	c, err := fleet.Summarise(name, plan, answer)
	if err != nil {
		return nil, err
	}
	return fleet.Of(c), nil
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
