package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine/forecast"
	"github.com/psp2pss/psp2pss/migrate/evidence"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// SourceOptions say where a command reads Kubernetes objects from: files, a saved plan, the demo or a cluster.
type SourceOptions struct {
	// Files are files and folders, "-" for standard input; Recursive descends into folders.
	Files     []string
	Recursive bool
	// DumpCluster chooses one cluster of a dump of kubectl gather that has several, by its folder.
	DumpCluster string
	// SkipPaths are patterns of what is not read in folders.
	SkipPaths []string
	// Demo reads the built-in cluster, Plan a saved plan.
	Demo bool
	Plan string
	// NeedsCluster is set for verbs that talk to a cluster beside whatever else they read, a saved plan too.
	NeedsCluster bool
	// Namespace, if set, has only what runs in it read from the cluster, and the policies.
	Namespace string
	// OnlyNamespaces has only the namespaces of the cluster read, with their labels.
	OnlyNamespaces bool
	// SkipCustomResources leaves out the kinds of package custom where a cluster is read, which is a gap.
	SkipCustomResources bool
	// AdmissionConfig is the file of --admission-config; "" where none was given.
	AdmissionConfig string
	// AuditLogs are files and folders of audit logs, "-" for standard input.
	AuditLogs []string
	// Evidence is what they say; nil without any.
	Evidence *evidence.Log
	// Kubeconfig, Context, Cluster, User, Server, Token, As and AsGroups mean what they mean to kubectl.
	Kubeconfig, Context, Cluster, User, Server string
	Token, As                                  string
	AsGroups                                   []string
	// Contexts are the values of --context where there are several, of which Context is the last. They, AllContexts and Shard have several
	// clusters read, Parallel at once.
	Contexts    []string
	AllContexts bool
	Shard       shard
	Parallel    parallel
	// Timeout bounds the whole run, or the reading of each of several clusters; 0 means no bound.
	Timeout time.Duration

	// Stdin is what "-" reads. OnProgress, if not nil, gets what is being read, and OnForbidden what may not be, before the
	// long lists are begun.
	Stdin       io.Reader
	OnProgress  func(string)
	OnForbidden func(resources []string)
	// Known is the kubeconfig of several clusters, once it has been read.
	Known *cluster.KubeconfigNames
	// NoInput, if set, says why programs that get credentials may not ask for input.
	NoInput string
	// OnRequest, if not nil, gets a line about every request to a cluster, concurrently.
	OnRequest func(line string)
	// OnOtherObject, if not nil, is given the objects in files that hold no pod, policy or grant.
	OnOtherObject func(apiVersion, kind string, data []byte, at pspparse.Position)
	// WrapSink, if not nil, gets the Sink of what files hold, and returns the one that is given it in its place.
	WrapSink func(inventory.Sink) inventory.Sink
}

// ReadsCluster says whether, by the flags, a cluster is read: it is the default, and beside files it must be asked for.
func (o *SourceOptions) ReadsCluster() bool {
	if o.Demo || o.Plan != "" && !o.NeedsCluster {
		return false
	}
	return o.NeedsCluster || len(o.Files) == 0 || o.NamesCluster()
}

// NamesCluster says whether a flag names the cluster to read.
func (o *SourceOptions) NamesCluster() bool {
	return o.Context != "" || o.AllContexts || o.Kubeconfig != "" || o.Cluster != "" || o.Server != ""
}

// connection returns the flags that say which cluster is read, and as whom, as package cluster takes them.
func (o *SourceOptions) connection() cluster.ConnectionFlags {
	return cluster.ConnectionFlags{
		Kubeconfig: o.Kubeconfig, Context: o.Context, Cluster: o.Cluster, User: o.User, Server: o.Server, Token: o.Token,
		As: o.As, AsGroups: o.AsGroups, NoInput: o.NoInput, OnRequest: o.OnRequest, Known: o.Known,
	}
}

// sameCluster returns the options that read the same cluster, in the same way, and nothing beside it.
func (o *SourceOptions) sameCluster() SourceOptions {
	return SourceOptions{
		Kubeconfig: o.Kubeconfig, Context: o.Context, Cluster: o.Cluster, User: o.User, Server: o.Server, Token: o.Token,
		As: o.As, AsGroups: o.AsGroups, NoInput: o.NoInput, SkipCustomResources: o.SkipCustomResources, NeedsCluster: true,
	}
}

// isNamed says whether a flag names what is read: without one it is the cluster of the current context.
func (o *SourceOptions) isNamed() bool {
	return o.Demo || o.Plan != "" || len(o.Files) > 0 || o.NamesCluster() || o.User != "" || o.Token != "" || o.AdmissionConfig != ""
}

const (
	fileFlag       = "filename"
	recursiveFlag  = "recursive"
	demoFlag       = "demo"
	planFlag       = "plan"
	kubeconfigFlag = "kubeconfig"
	contextFlag    = "context"
	clusterFlag    = "cluster"
	userFlag       = "user"
	serverFlag     = "server"
	tokenFlag      = "token"
	kustomizeFlag  = "kustomize"
	asFlag         = "as"
	asGroupFlag    = "as-group"
	timeoutFlag    = "timeout"
	customFlag     = "custom-resources"
)

// addSourceFlags defines the command-line flags that say where objects are read from: files, a saved plan, the demo or a
// cluster.
func addSourceFlags(flags *pflag.FlagSet, o *SourceOptions) {
	addFileFlags(flags, o)
	flags.StringVar(&o.Plan, planFlag, "", "read a plan that was saved with 'plan -o json=FILE', or - for standard input")
	addCustomResourcesFlag(flags, o)
	addAdmissionConfigFlag(flags, &o.AdmissionConfig)
	addConnectionFlags(flags, o)
}

// addFileFlags defines the command-line flags that name files to read, or the demo in their place.
func addFileFlags(flags *pflag.FlagSet, o *SourceOptions) {
	flags.StringSliceVarP(&o.Files, fileFlag, "f", nil, "files, folders, or archives and dumps of other programs to read (YAML, JSON, gzip, tar, zip), or - for standard input; may be repeated; no cluster is read unless --context, --kubeconfig, --cluster or --server is also given")
	flags.BoolVarP(&o.Recursive, recursiveFlag, "R", false, "descend into the folders given with -f")
	addKustomizeFlag(flags)
	flags.BoolVar(&o.Demo, demoFlag, false, "read the built-in legacy cluster and nothing else")
}

// addCustomResourcesFlag defines the command-line flag that leaves custom resources of a cluster out.
func addCustomResourcesFlag(flags *pflag.FlagSet, o *SourceOptions) {
	flags.Var((*invertedBoolFlag)(&o.SkipCustomResources), customFlag, "read the known kinds of custom resources that make or change pods or label namespaces, where the cluster serves them; =false leaves them out, which is a gap")
	flags.Lookup(customFlag).NoOptDefVal = "true"
}

// invertedBoolFlag is a boolean command-line flag that is true by default and stored inverted.
type invertedBoolFlag bool

// Set sets the boolean flag, or returns an error for what is neither true nor false.
func (u *invertedBoolFlag) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("it is neither true nor false")
	}
	*u = invertedBoolFlag(!on)
	return nil
}

// String returns the value of the boolean flag.
func (u *invertedBoolFlag) String() string { return strconv.FormatBool(!bool(*u)) }

// Type returns the word that pflag has for a boolean flag.
func (u *invertedBoolFlag) Type() string { return "bool" }

// addConnectionFlags defines the command-line flags that say which cluster is read, and as which user.
func addConnectionFlags(flags *pflag.FlagSet, o *SourceOptions) {
	flags.StringVar(&o.Kubeconfig, kubeconfigFlag, "", "kubeconfig file to read the cluster through")
	flags.Var(contextFlagValue{o}, contextFlag, "kubeconfig context to use")
	flags.StringVar(&o.Cluster, clusterFlag, "", "kubeconfig cluster to use instead of that of the context")
	flags.StringVar(&o.User, userFlag, "", "kubeconfig user to use instead of that of the context")
	flags.StringVarP(&o.Server, serverFlag, "s", "", "address of the API server")
	flags.StringVar(&o.Token, tokenFlag, "", "bearer token for the API server, better given as PSP2PSS_TOKEN, from which generated scripts take it; it is written nowhere; as with kubectl, a client certificate of the kubeconfig's user goes before it")
	flags.StringVar(&o.As, asFlag, "", "user to impersonate")
	flags.StringArrayVar(&o.AsGroups, asGroupFlag, nil, "group to impersonate; may be repeated")
	flags.DurationVar(&o.Timeout, timeoutFlag, 0, "time that the whole run may take, such as 5m; 0 means no limit")
}

// connectionFlagNames returns the command-line flags that say which cluster is read, and as whom.
func connectionFlagNames() []string {
	return []string{contextFlag, kubeconfigFlag, clusterFlag, serverFlag, userFlag, tokenFlag, asFlag, asGroupFlag}
}

// sourceConflicts returns the pairs of command-line flags that name different sources and exclude each other.
func sourceConflicts() [][2]string {
	pairs := [][2]string{{demoFlag, planFlag}, {demoFlag, fileFlag}, {planFlag, fileFlag}}
	for _, source := range []string{demoFlag, planFlag} {
		for _, name := range connectionFlagNames() {
			pairs = append(pairs, [2]string{source, name})
		}
	}
	return pairs
}

// validate checks the flags that name the source together, before anything is read, and completes the options.
func (o *SourceOptions) validate(flags *pflag.FlagSet, streams Streams) error {
	for _, pair := range sourceConflicts() {
		if o.NeedsCluster && pair[0] == planFlag && pair[1] != fileFlag {
			continue // the plan says what to do, the others where
		}
		if err := resolveFlagConflict(flags, pair[0], pair[1]); err != nil {
			return err
		}
	}
	if err := resolveFlagConflict(flags, planFlag, admissionConfigFlag); err != nil {
		return savedPlanFlagError(admissionConfigFlag)
	}
	if o.Timeout < 0 {
		return usagef("--%s=%s is negative: give a duration such as 5m", timeoutFlag, o.Timeout)
	}
	if o.Recursive && len(o.Files) == 0 {
		return usagef("--%s needs a folder: add -f FOLDER", recursiveFlag)
	}
	if err := o.checkConnection(); err != nil {
		return err
	}
	if err := o.checkClusterFlags(flags); err != nil {
		return err
	}
	o.Stdin = streams.In
	return nil
}

// checkConnection returns the usage error for flags about the connection to a cluster that cannot be right. It repeats
// no credentials.
func (o *SourceOptions) checkConnection() error {
	if len(o.AsGroups) > 0 && o.As == "" {
		return usagef("--%s needs --%s: a group is impersonated together with a user", asGroupFlag, asFlag)
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return usagef("--%s holds white space or characters that no token has: was it copied whole, and alone?", tokenFlag)
	}
	switch at, err := parseServer(o.Server); {
	case o.Server == "":
	case strings.Contains(o.Server, "@"):
		return usagef("--%s holds a user name or password, which plans and scripts would repeat: give the address alone, and credentials with --%s or in the kubeconfig", serverFlag, tokenFlag)
	case err != nil || at.Host == "" || at.RawQuery != "" || at.Fragment != "" || at.Scheme != "https" && at.Scheme != "http":
		return usagef("--%s=%q is not the address of an API server: give it as https://HOST:PORT", serverFlag, o.Server)
	case at.Scheme == "http" && o.Token != "":
		return usagef("--%s is not sent to %q, which is not encrypted: give the address as https://HOST:PORT", tokenFlag, o.Server)
	}
	return nil
}

// parseServer reads the address of an API server as kubectl does: with https:// where it has no scheme.
func parseServer(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	return url.Parse(address)
}

// checkClusterFlags is the usage error for flags about a cluster where none is read. From the environment they are meant for whenever
// one is, and taken back.
func (o *SourceOptions) checkClusterFlags(flags *pflag.FlagSet) error {
	if o.ReadsCluster() {
		return nil
	}
	for _, about := range [][2]string{
		{asFlag, "impersonates on a cluster"},
		{asGroupFlag, "impersonates on a cluster"},
		{userFlag, "says as whom a cluster is read"},
		{tokenFlag, "says as whom a cluster is read"},
		{customFlag, "says what is read from a cluster"},
	} {
		switch f := flags.Lookup(about[0]); {
		case f == nil || !f.Changed:
		case setByEnvironment(f):
			if err := resetFlag(f); err != nil {
				return err
			}
		default:
			return usagef("--%s %s, and none is read: leave it out, or add --%s or --%s", about[0], about[1], contextFlag, kubeconfigFlag)
		}
	}
	return nil
}

// setByEnvironment is true for a command-line flag whose value came from an environment variable.
func setByEnvironment(f *pflag.Flag) bool { return len(f.Annotations[fromEnvAnnotation]) > 0 }

// resolveFlagConflict is the usage error for two flags that exclude each other. Where one of them was given and the other comes from
// the environment, the given one wins and the other is taken back.
func resolveFlagConflict(flags *pflag.FlagSet, a, b string) error {
	fa, fb := flags.Lookup(a), flags.Lookup(b)
	if fa == nil || fb == nil || !fa.Changed || !fb.Changed {
		return nil
	}
	envA, envB := setByEnvironment(fa), setByEnvironment(fb)
	switch {
	case envA && !envB:
		return resetFlag(fa)
	case envB && !envA:
		return resetFlag(fb)
	}
	return usagef("--%s and --%s exclude each other: they name different sources", a, b)
}

// checkTargetVersion refuses at once a --target-version that is newer than the standards known here, where no server is
// read that may be newer than they are; migrate.Build asks again once it knows the server's version.
func (o *SourceOptions) checkTargetVersion(target api.Version) error {
	if o.ReadsCluster() {
		return nil
	}
	return migrate.CheckTargetVersion(target, "")
}

// withTimeout returns a context that ends after --timeout, if that was given.
func (o *SourceOptions) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.Timeout)
}

// stopGracePeriod is how long cancelled work may take to stop before it is left behind.
const stopGracePeriod = 250 * time.Millisecond

// callUntilCancelled returns what work returns, or an error once the user has cancelled and work does not stop: reading
// from a pipe to which nobody writes cannot be cancelled.
func callUntilCancelled[T any](ctx context.Context, doing string, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1) // nobody may be waiting any more
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	tooLong := func() error { return fmt.Errorf("%s took too long: %w", doing, ctx.Err()) }
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	var none T
	select {
	case r := <-done:
		if r.err != nil && r.err.Error() == ctx.Err().Error() { // it was over before the work began
			return none, tooLong()
		}
		return r.value, r.err
	case <-time.After(stopGracePeriod):
		return none, tooLong()
	}
}

// readInventory loads the inventory of Kubernetes objects and shows progress on a terminal.
func readInventory(ctx context.Context, streams Streams, deps Deps, src SourceOptions) (*inventory.Inventory, error) {
	p := streams.startProgress("reading what is there")
	src.OnProgress = p.update
	src.OnForbidden = func(resources []string) {
		p.printAbove(fmt.Sprintf("warning: listing %s is not permitted, which leaves gaps ('%s plan --%s' prints the role that a full answer needs)",
			strings.Join(resources, ", "), deps.ToolName, printRoleFlag))
	}
	inv, err := callUntilCancelled(ctx, "reading the source", func() (*inventory.Inventory, error) { return deps.LoadInventory(ctx, src) })
	p.close()
	if err != nil {
		return nil, err
	}
	for _, k := range inv.Skipped {
		if k.Kind == migrate.Kind {
			_, _ = fmt.Fprintf(streams.ErrOut, "hint: a document of kind %s was passed over: if it is a saved plan, give it to --%s instead\n", migrate.Kind, planFlag)
		}
	}
	return inv, nil
}

// readOrBuildPlan reads the Plan of --plan, or builds one from the objects of the source.
func readOrBuildPlan(ctx context.Context, streams Streams, deps Deps, src SourceOptions, opts migrate.Options) (*migrate.Plan, error) {
	if src.Plan != "" {
		return callUntilCancelled(ctx, "reading the plan", func() (*migrate.Plan, error) { return readSavedPlan(src.Plan, src.Stdin) })
	}
	_, plan, err := buildPlan(ctx, streams, deps, src, opts)
	return plan, err
}

// readOrBuildNamedPlan is readOrBuildPlan for a command that does something to what the Plan names: a redacted one names nothing.
func readOrBuildNamedPlan(ctx context.Context, streams Streams, deps Deps, src SourceOptions, opts migrate.Options) (*migrate.Plan, error) {
	plan, err := readOrBuildPlan(ctx, streams, deps, src, opts)
	if err != nil {
		return nil, err
	}
	return plan, refuseRedacted(plan, src.Plan)
}

// buildPlan reads the objects that the flags name and the admission configuration, and builds a Plan of both.
func buildPlan(ctx context.Context, streams Streams, deps Deps, src SourceOptions, opts migrate.Options) (*inventory.Inventory, *migrate.Plan, error) {
	var err error
	if opts.Admission, err = readAdmissionConfig(ctx, src.AdmissionConfig); err != nil {
		return nil, nil, err
	}
	if len(src.AuditLogs) > 0 {
		if src.Evidence, err = callUntilCancelled(ctx, "reading the audit log", func() (*evidence.Log, error) {
			return evidence.Read(ctx, src.AuditLogs, src.Stdin)
		}); err != nil {
			return nil, nil, err
		}
		opts.Evidence = src.Evidence
	}
	run := runOf(deps, src)
	inv, err := readInventory(ctx, streams, deps, src)
	if err != nil {
		return nil, nil, err
	}
	if inv.Source.Kind != inventory.SourceSnapshot { // it says when what it holds was read
		inv.Source.Run = run
	}
	plan, err := callUntilCancelled(ctx, "making the plan", func() (*migrate.Plan, error) {
		plan, err := deps.BuildPlan(inv, opts)
		if err == nil {
			forecast.Fill(plan)
		}
		return plan, err
	})
	return inv, plan, err
}

// runOf returns what the Plan records of this run of the tool: the version of the tool and, of a cluster, when it was
// read. The built-in demo is part of the tool, and the same in every run.
func runOf(deps Deps, src SourceOptions) *inventory.Run {
	if src.Demo {
		return nil
	}
	run := &inventory.Run{Tool: "psp2pss " + readBuildInfo().Version}
	if src.ReadsCluster() && deps.Now != nil {
		run.ReadAt = deps.Now().UTC().Truncate(time.Second)
	}
	return run
}

// refusePartial returns an error for a saved plan that was written for some namespaces only, for a command whose answer is about all.
func refusePartial(plan *migrate.Plan, what string) error {
	if plan.NamespacesLeftOut == 0 {
		return nil
	}
	return fmt.Errorf("%s was saved for %s, without %d others, and the answer is about all: save it without -n, -l and --exclude",
		what, english.Count(len(plan.Namespaces), "namespace", "namespaces"), plan.NamespacesLeftOut)
}
