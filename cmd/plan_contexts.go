package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// fleetPlanOptions are what the flags of the command plan become where it reads several clusters.
type fleetPlanOptions struct {
	gateOptions
	Outputs   []outputTarget[*fleet.Fleet]
	NoHeaders bool
	FailOn    []string
	// OnlyUnread keeps the rows of clusters that an earlier run has read.
	OnlyUnread bool
}

// fleetPlanFormats are the output formats of the command plan where it reads several clusters, the default first. Those of folders write
// the plan of each cluster.
func fleetPlanFormats() []report.Format[*fleet.Fleet] {
	return []report.Format[*fleet.Fleet]{
		{Name: "table", Write: func(w io.Writer, f *fleet.Fleet, o report.Options) error {
			return report.Text(w, fleet.ClustersDocument(f, o), o)
		}},
		{Name: fleetFormat, Write: func(w io.Writer, f *fleet.Fleet, _ report.Options) error { return fleet.Write(w, f) }},
		{Name: report.JSONFormat},
		{Name: yamlFormat},
	}
}

// yamlFormat is the output format of documents as YAML.
const yamlFormat = "yaml"

// refuseFileAmongPlans returns the usage error for one document in the folder of the plans of several clusters: it would take the place of
// the plan of a cluster of its name.
func refuseFileAmongPlans(outs []outputTarget[*fleet.Fleet]) error {
	for _, folder := range outs {
		for _, out := range outs {
			if isPlanFolder(folder) && !isPlanFolder(out) && out.file != "" && isSameFolder(filepath.Dir(out.file), folder.file) {
				return usagef("-o %s=%s lies in the folder of the plans, where a cluster could have that name: name another place for it", out.format.Name, out.file)
			}
		}
	}
	return nil
}

// isSameFolder is true for two names of one folder, of which either may lead to it by links.
func isSameFolder(a, b string) bool {
	ofA, errA := os.Stat(a)
	ofB, errB := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && os.SameFile(ofA, ofB)
}

// refuseFleetOfOne returns the usage error for the rows of several clusters where one is read.
func refuseFleetOfOne(values []string) error {
	for _, value := range values {
		if name, _, _ := strings.Cut(value, "="); name == fleetFormat {
			return usagef("-o %s writes a row for each of several clusters: add --%s, name several with --%s, or add --%s=0/1 to a single one", fleetFormat, allContextsFlag, contextFlag, shardFlag)
		}
	}
	return nil
}

// isPlanFolder is true for an output format of plans of several clusters that writes a file for each.
func isPlanFolder(out outputTarget[*fleet.Fleet]) bool {
	return out.format.Name == report.JSONFormat || out.format.Name == yamlFormat
}

// refuseFormats returns the usage error for values of -o that several clusters have no form in: formats of one cluster, by their names, and
// expressions unless they select from a document on all. What is no format at all is left to parseOutputs.
func refuseFormats[R any](values, ofOne []string, formats []report.Format[R]) error {
	ofSeveral := report.FormatNames(formats)
	expressions := slices.ContainsFunc(formats, func(f report.Format[R]) bool { return len(f.Rows) > 0 })
	for _, value := range values {
		name, _, _ := strings.Cut(value, "=")
		isExpression := !expressions && slices.Contains([]string{jsonpathFormat, columnsFormat}, strings.TrimSuffix(name, "-file"))
		if !isExpression && !slices.Contains(ofOne, name) || slices.Contains(ofSeveral, name) {
			continue
		}
		return usagef("-o %s is the form of one cluster, and has no place to name several: run it once for each context, or use one of %s", name, strings.Join(ofSeveral, ", "))
	}
	return nil
}

// fleetOptions checks all flags of the command plan, where it reads several clusters, before anything is read.
func (f *planFlags) fleetOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*fleetPlanOptions, error) {
	o := &fleetPlanOptions{gateOptions: gateOptions{streams: streams, deps: deps}, NoHeaders: f.noHeaders, OnlyUnread: f.onlyUnread}
	var err error
	if o.Decide, _, err = checkInputFlags(flags, streams, &f.source, &f.decide, &scopeFlags{}); err != nil {
		return nil, err
	}
	o.Source = f.source
	if o.FailOn, err = checkFailOn(f.failOn, failOnUnread); err != nil {
		return nil, err
	}
	formats := fleetPlanFormats()
	if err := refuseFormats(f.outputs, report.FormatNames(planFormats()), formats); err != nil {
		return nil, err
	}
	if o.Outputs, err = parseOutputs(f.outputs, formats); err != nil {
		return nil, err
	}
	if err := refuseFileAmongPlans(o.Outputs); err != nil {
		return nil, err
	}
	for _, out := range o.Outputs {
		if isPlanFolder(out) && out.file == "" {
			return nil, usagef("-o %[1]s writes a plan for each cluster: name a folder for them, as in -o %[1]s=FOLDER; -o %[2]s is one document", out.format.Name, fleetFormat)
		}
	}
	if err := o.checkOnlyUnread(); err != nil {
		return nil, err
	}
	return o, nil
}

// fleetPlanRun makes a plan of each of several clusters, writes those that are asked for as soon as they are made, and keeps a row of each.
func fleetPlanRun(ctx context.Context, o *fleetPlanOptions) error {
	var toFiles, toFolders []outputTarget[*fleet.Fleet]
	for _, out := range o.Outputs {
		if isPlanFolder(out) {
			toFolders = append(toFolders, out)
		} else {
			toFiles = append(toFiles, out)
		}
	}
	if err := errors.Join(checkOutputFiles(toFiles), checkOutputFolders(toFolders)); err != nil {
		return err
	}
	for _, folder := range toFolders {
		if err := makeFolder(folder.file); err != nil {
			return err
		}
	}
	kept, done, err := o.keepRead()
	if err != nil || done {
		return err
	}
	if err := o.markBegun(toFiles); err != nil {
		return err
	}
	found := &fleetFindings{}
	read, err := o.readRows(ctx, func(m *fleetMember, plan *migrate.Plan) error {
		found.add(m.name, planExitError(plan, migrate.NamespaceScope{}, o.FailOn, true))
		for _, folder := range toFolders {
			if err := writePlanOf(folder, m.name, plan); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	merged, err := fleet.Merge(kept, read)
	if err != nil {
		return err
	}
	if err := writeOutputs(o.streams, toFiles, merged, o.NoHeaders); err != nil {
		return err
	}
	return errors.Join(found.error(), o.unreadError(merged), nothingInShardError(merged, &o.Source, o.Decide.AllowPartial), fleetPartialError(merged, o.Decide.AllowPartial))
}

// writePlanOf writes the plan of one of several clusters into a folder, whole or not at all.
func writePlanOf(folder outputTarget[*fleet.Fleet], name string, plan *migrate.Plan) error {
	write := report.PlanJSON
	if folder.format.Name == yamlFormat {
		write = report.PlanYAML
	}
	path := filepath.Join(folder.file, fleet.FileName(name)+"."+folder.format.Name)
	return atomicfile.Write(path, func(w io.Writer) error { return write(w, plan, report.Options{}) })
}

// readRows makes a plan of each of several clusters, hands it to each, and returns what a fleet keeps of all: what 'report --merge' keeps of
// these plans. It drops a plan once its row is made.
func (o *gateOptions) readRows(ctx context.Context, each func(*fleetMember, *migrate.Plan) error) (*fleet.Fleet, error) {
	read := func(ctx context.Context, m *fleetMember) (*fleet.Fleet, error) {
		_, plan, err := buildPlan(ctx, m.streams, o.deps, m.source, o.Decide)
		if err == nil {
			err = nothingSeenError(plan)
		}
		if err != nil {
			return nil, err
		}
		m.warnOldTarget(plan)
		if err := each(m, plan); err != nil {
			return nil, endsFleetError{err}
		}
		return o.summarise(m.name, plan)
	}
	rows, err := readContexts(ctx, o.streams, o.Source, read, func(name, why string) *fleet.Fleet { return fleet.Of(fleet.Unread(name, why)) })
	if err != nil {
		return nil, err
	}
	return fleet.Merge(rows...)
}

// nothingSeenError returns the error for a cluster that answered and showed nothing: it was not read. It is nil where there are no gaps.
func nothingSeenError(plan *migrate.Plan) error {
	if len(plan.Policies) > 0 || len(plan.Namespaces) > 0 || len(plan.Gaps) == 0 {
		return nil
	}
	return nothingReadError(plan)
}

// summarise returns what a fleet keeps of a plan: its rows, and the answer of the gate on what a plan holds.
func (o *gateOptions) summarise(name string, plan *migrate.Plan) (*fleet.Fleet, error) {
	answer, err := o.evaluate(plan, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}})
	if err != nil {
		return nil, err
	}
	c, err := fleet.Summarise(name, plan, answer)
	if err != nil {
		return nil, endsFleetError{err}
	}
	return fleet.Of(c), nil
}

// fleetFindings are what was found in clusters that --fail-on names.
type fleetFindings struct {
	mu    sync.Mutex
	found []fleetFinding
}

// fleetFinding is what was found in one cluster.
type fleetFinding struct {
	cluster string
	err     error
}

// add keeps what was found in a cluster; nil is nothing.
func (f *fleetFindings) add(cluster string, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found = append(f.found, fleetFinding{cluster, err})
}

// error returns the error for what was found, with the first few clusters in the order of their names; nil for nothing.
func (f *fleetFindings) error() error {
	const most = 5
	slices.SortFunc(f.found, func(a, b fleetFinding) int { return cmp.Compare(a.cluster, b.cluster) })
	var errs []error
	for i, one := range f.found {
		if i == most {
			errs = append(errs, findingsError{errors.New("and " + english.Count(len(f.found)-most, "more cluster", "more clusters"))})
			break
		}
		errs = append(errs, fmt.Errorf("%s: %w", one.cluster, one.err))
	}
	return errors.Join(errs...)
}

// nothingInShardError returns the error for a part of the contexts that has none, and for a fleet without a cluster; nil where that is allowed.
func nothingInShardError(f *fleet.Fleet, source *SourceOptions, allowed bool) error {
	if len(f.Clusters) > 0 || allowed {
		return nil
	}
	if source.Shard.Of == 0 {
		return partialError{errors.New("nothing to evaluate: there is no cluster in what was read")}
	}
	return partialError{fmt.Errorf("nothing to evaluate: there are fewer contexts than parts, and none is left for --%s=%s", shardFlag, &source.Shard)}
}
