package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/engine/output"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

const (
	// policiesFlag names the folder of a generated set, and denyFlag has the set refuse pods in the end.
	policiesFlag = "policies"
	denyFlag     = "deny"
)

// policyStageFlags returns the command-line flags that may stand beside rollout --stage=policies: what it does has no Plan and no
// namespaces.
func policyStageFlags() []string {
	return slices.Concat(connectionFlagNames(), displayFlagNames(), []string{"stage", policiesFlag, denyFlag, "dry-run", "yes", journalFlag, "output", timeoutFlag, printRoleFlag})
}

// checkPolicyStage returns a usage error for flags of the command rollout that do not go with the stage policies, or only with it.
func (o *rolloutOptions) checkPolicyStage(flags *pflag.FlagSet) error {
	byHand := func(name string) bool { return flags.Changed(name) && !setByEnvironment(flags.Lookup(name)) }
	if !o.installsPolicies() {
		for _, name := range []string{policiesFlag, denyFlag} {
			if byHand(name) && !o.Resume {
				return usagef("--%s is for --stage=%s, which installs what 'generate' wrote", name, rollout.StagePolicies)
			}
		}
		return nil
	}
	if len(o.Rollout.Stages) > 1 {
		return usagef("--stage=%s is a roll-out of its own, of a folder and without a plan: leave out the other stages", rollout.StagePolicies)
	}
	var given []string
	flags.Visit(func(f *pflag.Flag) {
		if !slices.Contains(policyStageFlags(), f.Name) && byHand(f.Name) {
			given = append(given, f.Name)
		}
	})
	switch {
	case len(given) > 0:
		return usagef("--%s has no meaning for --stage=%s: a set of policies is installed as 'generate' wrote it, without a plan and whole", given[0], rollout.StagePolicies)
	case o.Policies == "":
		return usagef("--stage=%s installs what 'generate -o dir=FOLDER' wrote: name the folder with --%s", rollout.StagePolicies, policiesFlag)
	}
	return nil
}

// installsPolicies reports whether the command rollout installs a set of admission policies.
func (o *rolloutOptions) installsPolicies() bool {
	return slices.Contains(o.Rollout.Stages, rollout.StagePolicies)
}

// numberedFile is the name of a file of a generated set: its stage, its place, and what it holds.
var numberedFile = regexp.MustCompile(`^([0-9]+)-([0-9]+)-.*\.yaml$`)

// readPolicySet reads the folder that the command generate wrote. It returns an error for a folder that has something else among the
// files of the set.
func readPolicySet(folder string, deny bool) (*rollout.PolicySet, error) {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no such folder of policies: %q; write one with 'generate -o dir=FOLDER'", folder)
	case err != nil:
		return nil, fmt.Errorf("reading the policies in %q: %w", folder, fileerror.Explain(folder, err))
	}
	type numbered struct {
		stage, place int
		name         string
	}
	var files []numbered
	for _, e := range entries {
		if m := numberedFile.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			stage, err1 := strconv.Atoi(m[1])
			place, err2 := strconv.Atoi(m[2])
			if err := errors.Join(err1, err2); err != nil {
				return nil, fmt.Errorf("%s in %q has no number that 'generate' gives", e.Name(), folder)
			}
			files = append(files, numbered{stage, place, e.Name()})
		}
	}
	slices.SortFunc(files, func(a, b numbered) int { return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.place, b.place)) })
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %q has no file of a set of policies: name the one that 'generate -o dir=FOLDER' wrote; where it wrote a README alone, there is nothing to install", folder)
	}
	pod, err := output.ProbePod()
	if err != nil {
		return nil, err
	}
	set := &rollout.PolicySet{Pod: pod, AnswerBegins: cel.InForceMessage(""), RevisionAnnotation: cel.RevisionAnnotation, Annotation: cel.InForceAnnotation, Deny: deny}
	for _, f := range files {
		u, err := readPolicyFile(filepath.Join(folder, f.name))
		if err != nil {
			return nil, fmt.Errorf("the policies in %q: %s: %w", folder, f.name, err)
		}
		set.Objects = append(set.Objects, u)
	}
	return set, nil
}

// readPolicyFile reads a file of a generated set, which has one object.
func readPolicyFile(path string) (*unstructured.Unstructured, error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: a file of the folder that the user names
	if err != nil {
		return nil, errors.New(fileerror.Reason(err))
	}
	if !output.IsGenerated(data) {
		return nil, errors.New("'generate' did not write it: take it out of the folder, and apply it by other means")
	}
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, fmt.Errorf("it is no YAML of one object: %w", err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		return nil, errors.New("it holds no object: write the set again with 'generate'")
	}
	return u, nil
}

// policySteps reads the folder of --policies and returns the steps that install it.
func (o *rolloutOptions) policySteps() ([]rollout.Step, error) {
	set, err := readPolicySet(o.Policies, o.Deny)
	if err != nil {
		return nil, err
	}
	steps, err := rollout.PlanPolicySteps(set)
	switch {
	case errors.Is(err, rollout.ErrPolicySetAction) && o.Deny:
		return nil, usagef("--%s: %w: write it with 'generate --%s=%s'", denyFlag, err, actionFlag, cel.Deny)
	case errors.Is(err, rollout.ErrPolicySetAction):
		return nil, usagef("%w: add --%s, or write it with 'generate --%s=%s'", err, denyFlag, actionFlag, cel.Warn)
	case err != nil:
		return nil, fmt.Errorf("the policies in %q: %w", o.Policies, err)
	}
	return steps, nil
}

// rolloutPolicies runs the command rollout --stage=policies: it installs a set of admission policies, or prints the steps that would.
func rolloutPolicies(ctx context.Context, o *rolloutOptions) error {
	steps, err := o.policySteps()
	if err != nil {
		return err
	}
	out := newRolloutPrinter(o.streams, o.Outputs)
	r := &rollout.Runner{Steps: steps, OnBegin: out.beginStep, OnOutcome: out.addOutcome}
	if o.DryRun == dryRunClient {
		if o.Source.NamesCluster() { // only whether there is one: nothing is asked of a server
			if _, _, err := o.deps.Connect(o.Source); err != nil {
				return err
			}
		}
		out.addPlanned(plannedOutcomes(steps, r.StepsToTake(), false))
		return out.end()
	}
	client, name, err := o.deps.Connect(o.Source)
	if err != nil {
		return err
	}
	id, err := rollout.ClusterID(ctx, client)
	if err != nil {
		return err
	}
	r.Client = client
	if err := o.beginPolicies(ctx, r, rolloutTarget{client, name, id}, out); err != nil {
		return errors.Join(err, out.flush())
	}
	return out.end()
}

// beginPolicies starts a new journal and takes the steps of the command rollout --stage=policies, after a check of permissions and a
// question; with --dry-run=server it has the server check them.
func (o *rolloutOptions) beginPolicies(ctx context.Context, r *rollout.Runner, on rolloutTarget, out *rolloutPrinter) error {
	missing := o.checkPermissions(ctx, on.client, r.Steps)
	if o.DryRun == dryRunServer {
		out.begin(len(r.Steps))
		err := r.Run(ctx)
		out.endStep()
		out.tellTotals()
		return errors.Join(err, missing)
	}
	if missing != nil {
		return missing
	}
	planned := plannedOutcomes(r.Steps, r.StepsToTake(), false)
	out.tellPlanned(planned, !o.Yes, on.name)
	if !o.Yes && !o.streams.confirm(ctx, fmt.Sprintf("Take %s on the cluster of context %s?", stepsAndNamespaces(planned), on.name)) {
		return errors.New("nothing was done")
	}
	header := rollout.JournalHeader{
		Tool: "psp2pss " + readBuildInfo().Version, Started: time.Now().UTC(), Context: on.name, Connection: journalConnection(o.Source), Cluster: on.uid, Steps: r.Steps,
	}
	path := o.Journal
	if path == "" {
		path = defaultFileName(on.name, header.Started) + ".journal"
	}
	var err error
	if r.Journal, err = rollout.CreateJournal(path, header); err != nil {
		return err
	}
	defer func() { _ = r.Journal.Close() }()
	_, _ = fmt.Fprintf(o.streams.ErrOut, "The journal is %s.\n  to go back: %s\n", escape.Terminal(path), o.journalCommand("rollback", path))
	return o.runSteps(ctx, r, out)
}

// withoutManifest returns a step of a roll-out as it is printed: the folder and the journal have the manifests.
func withoutManifest(s rollout.Step) rollout.Step {
	if s.Policy != nil {
		shown := *s.Policy
		shown.Manifest, shown.Probe = json.RawMessage(nil), nil
		s.Policy = &shown
	}
	return s
}
