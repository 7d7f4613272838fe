package cmd

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/handover/html"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// reportOptions are what the flags of the command report become.
type reportOptions struct {
	// gateOptions say what is read, and how it is judged.
	gateOptions
	Scope   migrate.NamespaceScope
	Report  handover.Options
	Outputs []outputTarget[*handover.Report]
	// Redact is the key file of --redact; "" where names stay.
	Redact string
	// BOM puts a byte order mark in front of CSV.
	BOM bool
	// Earlier is the file of the earlier plan to compare with; "" for none. FailOn is what of the changes makes the command fail.
	Earlier string
	FailOn  []string
}

// reportFlags are the values of the flags of the command report, as given.
type reportFlags struct {
	source                SourceOptions
	decide                planFlagValues
	scope                 scopeFlags
	to                    string
	assert, outputs       []string
	title, client, author string
	sections, merge       []string
	redact, diff          string
	failOn                []string
	bom                   bool
}

// newReport returns the cobra command "report", which runs runF with its options; nil is reportRun.
func newReport(streams Streams, deps Deps, runF func(context.Context, *reportOptions) error) *cobra.Command {
	if runF == nil {
		runF = reportRun
	}
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the report to hand over, as HTML, Markdown or tables",
		Long: `Report writes what was found as a document for those who decide and those who do the work. It begins
with one page: whether the cluster is ready for the upgrade, namespaces by level today, as
recommended and once the patches are made, what blocks, what is lost, what could not be seen, and
the next three things to do. Then come tables: namespaces, workloads with their patches, policies
and who may use them, roles and bindings, the steps of the upgrade, levels across Kubernetes
versions, the method, and the evidence of every statement. It never writes to a cluster.

All formats show the same rows:
  markdown  one page that GitHub and GitLab show, cut to what they hold; it says what was cut
  html      one file with search, filters and links, that needs nothing else
  csv       a folder with a file for each table. A cell that a spreadsheet would take for a formula
            has an apostrophe in front; --bom helps Excel to see that the text is UTF-8
  json      the document that all other formats are made of; yaml is the same

Sections, in their order, for --sections:

` + sectionHelp() + `
With --diff the report begins with what changed since a plan that was saved earlier, and has a section
"changes" in front of the others, with each change and what it means.

The verdict is that of 'gate', for the whole cluster; -n, -l and --exclude choose the namespaces of
the tables. From a cluster, stored Helm releases are read for it as by 'gate'.

With several --context, or with --all-contexts, the report is on several clusters: which are ready,
what serves most of them, policies of one name that do not say the same, namespaces of one name whose
levels differ, and what could not be seen. --timeout is for each cluster then, and stored Helm
releases are an open question of the verdict. With --merge it is the same report from what was saved
of them: plans, snapshots, and folders of these or of kubectl gather. -o fleet writes what was kept
of each cluster: such files can be merged again, in any order. What cannot be read is a cluster that
was not seen (exit code 4). Its sections are
` + strings.Join(fleet.SectionIDs(), ", ") + `.

With --redact the report is that of the plan which 'plan --redact' writes: names are pseudonyms, and
stored Helm releases, which no plan holds, are an open question of the verdict. --title, --client and
--author stay as they are given.`,
		Example: `  # The report on a cluster, to hand over and to work with
  psp2pss report -o html=report.html -o markdown=report.md -o csv=tables

  # From a plan that was saved, for a client
  psp2pss report --plan plan.json --client="Example AG" --author="A. Consultant" -o html=report.html

  # One table for a spreadsheet
  psp2pss report --plan plan.json --sections=workloads -o csv --bom > workloads.csv

  # What to do, for a ticket
  psp2pss report --plan plan.json -n shop --sections=namespaces,workloads

  # What changed since last week's report, for which the plan was saved with 'plan -o json=monday.json'
  psp2pss report --diff monday.json -o html=report.html

  # For somebody who must not know the names; the key file takes them back
  psp2pss report --plan plan.json --redact acme.key -o html=for-others.html
  psp2pss unredact --key acme.key for-others.html > report.html

  # Several clusters, or all of the kubeconfig
  psp2pss report --context prod-eu --context prod-us -o html=fleet.html
  psp2pss report --all-contexts --timeout=5m -o html=fleet.html

  # The same, from what others have saved of theirs: plans and snapshots
  psp2pss report --merge plans -o html=fleet.html

  # The built-in legacy cluster
  psp2pss report --demo -o html=demo.html`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addSourceFlags(flags, &f.source)
	addContextsFlags(flags, &f.source)
	f.scope.add(flags)
	f.decide.add(cmd)
	addToFlag(flags, &f.to)
	addAssertFlag(cmd, &f.assert)
	addOutputFlag(cmd, &f.outputs, reportFormats(false))
	flags.StringVar(&f.title, "title", "", "title of the report")
	flags.StringVar(&f.client, "client", "", "for whom the report is, for the cover")
	flags.StringVar(&f.author, "author", "", "by whom the report is, for the cover")
	flags.StringSliceVar(&f.sections, sectionsFlag, nil, "have only this section; may be repeated; one of "+strings.Join(handover.SectionIDs(), ", "))
	registerCompletion(cmd, sectionsFlag, handover.SectionIDs())
	flags.StringVar(&f.redact, redactFlag, "", redactFlagUsage)
	flags.StringVar(&f.diff, diffFlag, "", "also say what changed since this saved plan, or - for standard input")
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "with --"+diffFlag+", exit 3 if anything became looser since then (loosening), blocks newly (new-blocker) or changed (change); may be repeated")
	registerCompletion(cmd, "fail-on", changeConditions())
	flags.BoolVar(&f.bom, "bom", false, "begin each file of csv with a byte order mark, by which Excel knows UTF-8")
	flags.StringArrayVar(&f.merge, mergeFlag, nil, "report on several clusters: a saved plan, a snapshot, what -o "+fleetFormat+" wrote, a folder of them, or a dump of kubectl gather; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(f.merge) > 0 {
			o, err := f.mergeOptions(cmd.Flags(), streams, deps)
			if err != nil {
				return err
			}
			return asRunError(mergeRun(cmd.Context(), o))
		}
		if err := f.source.settleFleet(cmd.Flags()); err != nil {
			return err
		}
		if f.source.isFleet() {
			o, err := f.contextsOptions(cmd.Flags(), streams, deps)
			if err != nil {
				return err
			}
			return asRunError(mergeRun(cmd.Context(), o))
		}
		o, err := f.options(cmd, streams, deps)
		if err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// sectionsFlag chooses the sections of the command report.
const sectionsFlag = "sections"

// sectionHelp returns the lines of the help about the flag --sections.
func sectionHelp() string {
	return "  " + strings.Join(handover.SectionIDs()[:6], ", ") + ",\n  " + strings.Join(handover.SectionIDs()[6:], ", ") + "\n"
}

// csvFormat is the output format of the command report that writes a folder of tables.
const csvFormat = "csv"

// reportFormats are the output formats of the command report, the default first.
func reportFormats(bom bool) []report.Format[*handover.Report] {
	form := func(name string, write func(io.Writer, *handover.Report) error) report.Format[*handover.Report] {
		return report.Format[*handover.Report]{Name: name, Write: func(w io.Writer, r *handover.Report, _ report.Options) error { return write(w, r) }}
	}
	table := func(w io.Writer, r *handover.Report) error { return handover.WriteCSV(w, r.Sections[0].Tables[0], bom) }
	return []report.Format[*handover.Report]{
		form("markdown", handover.WriteMarkdown), form("html", html.Write), form(csvFormat, table),
		form(report.JSONFormat, handover.WriteJSON).WithRows("sections"),
		form("yaml", handover.WriteYAML),
	}
}

// options checks all flags of the command report before anything is read.
func (f *reportFlags) options(cmd *cobra.Command, streams Streams, deps Deps) (*reportOptions, error) {
	o := &reportOptions{gateOptions: gateOptions{streams: streams, deps: deps}, BOM: f.bom, Redact: f.redact}
	var err error
	if o.To, err = parseRelease(f.to); err != nil {
		return nil, err
	}
	if o.Assert, err = parseAssertions(f.assert); err != nil {
		return nil, err
	}
	if o.Decide, o.Scope, err = checkInputFlags(cmd.Flags(), streams, &f.source, &f.decide, &f.scope); err != nil {
		return nil, err
	}
	if err := f.checkSections(); err != nil {
		return nil, err
	}
	if err := f.checkDiff(); err != nil {
		return nil, err
	}
	o.Earlier, o.FailOn = f.diff, f.failOn
	o.Source = f.source
	o.Report = handover.Options{
		Title: f.title, Client: f.client, Author: f.author, Sections: f.sections, Tool: toolAndVersion(), Invocation: invocationOf(cmd.Flags(), deps),
		Asked: givenArguments(cmd.Flags(), []string{"to", "assert"}),
	}
	o.Outputs, err = f.parseOutputs()
	return o, err
}

// parseOutputs reads the values of -o of the command report. Tables of CSV need a folder, unless there is only one.
func (f *reportFlags) parseOutputs() ([]outputTarget[*handover.Report], error) {
	for _, value := range f.outputs {
		if name, _, _ := strings.Cut(value, "="); name == fleetFormat {
			return nil, usagef("-o %s writes what is kept of several clusters: add --%s with the folder of their plans, or --%s", fleetFormat, mergeFlag, allContextsFlag)
		}
	}
	outs, err := parseOutputs(f.outputs, reportFormats(f.bom))
	if err != nil {
		return nil, err
	}
	single := append(handover.SectionsOfOneTable(), handover.ChangesSection)
	if f.diff == "" {
		single = handover.SectionsOfOneTable()
	}
	for _, out := range outs {
		if out.format.Name == csvFormat && out.file == "" && (len(f.sections) != 1 || !slices.Contains(single, f.sections[0])) {
			return nil, usagef("-o %[1]s writes a file for each table: name a folder for them, as in -o %[1]s=FOLDER, or have one table with --%[2]s and one of %[3]s", csvFormat, sectionsFlag, strings.Join(single, ", "))
		}
	}
	return outs, nil
}

// reportRun builds or reads the Plan, evaluates it as the gate does, and writes the report on the namespaces in scope.
func reportRun(ctx context.Context, o *reportOptions) error {
	ctx, cancel := o.Source.withTimeout(ctx)
	defer cancel()
	files, folders := splitOutputs(o.Outputs, csvFormat)
	if err := errors.Join(checkOutputFiles(files), checkOutputFolders(folders), checkRedactionKey(o.Redact, o.Outputs)); err != nil {
		return err
	}
	before, err := o.readEarlier(ctx)
	if err != nil {
		return err
	}
	plan, facts, err := o.read(ctx)
	if err != nil {
		return err
	}
	changes, err := o.compare(before, plan)
	if err != nil {
		return err
	}
	shown, err := o.selectShown(before, plan)
	if err != nil {
		return err
	}
	whole := plan
	if o.Redact != "" {
		if whole, err = redactPlan(o.Redact, plan); err == nil {
			shown, err = redactPlan(o.Redact, shown)
		}
		if err != nil {
			return err
		}
		facts = gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}} // their names have no pseudonyms
	}
	if whole.Source.Redacted {
		o.Report.Invocation = redactedInvocation(o.Report.Invocation, shown)
	}
	answer, err := o.evaluate(whole, facts)
	if err != nil {
		return err
	}
	warnOldTarget(o.streams.ErrOut, shown)
	o.Report.AllNamespaces = len(whole.Namespaces)
	r := handover.Build(shown, answer, o.Report)
	for _, folder := range folders {
		if err := writeTables(folder.file, r, o.BOM); err != nil {
			return err
		}
	}
	if err := writeReports(o.streams, files, r, report.Options{}); err != nil {
		return err
	}
	if changes != nil {
		err = errors.Join(changesFindings(changes, o.FailOn), unknownChangesError(changes, o.Decide.AllowPartial))
	}
	return errors.Join(err, planExitError(plan, o.Scope, nil, o.Decide.AllowPartial))
}

// writeTables writes, as psp2pss report, the tables of a report into a folder. Other files in it stay as they are.
func writeTables(folder string, r *handover.Report, bom bool) error {
	if err := makeFolder(folder); err != nil {
		return err
	}
	for _, f := range handover.CSVFiles(r) {
		if err := atomicfile.Write(filepath.Join(folder, f.Name), func(w io.Writer) error { return handover.WriteCSV(w, f.Table, bom) }); err != nil {
			return err
		}
	}
	return nil
}
