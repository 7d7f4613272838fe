package cmd

import (
	"cmp"
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// completionTimeout is how long completion in a shell may wait for a source: somebody has pressed a key.
const completionTimeout = 2 * time.Second

// limitCompletion returns a context that ends when completion in a shell has waited long enough; the given one where there is no limit.
func (d Deps) limitCompletion(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.CompletionTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d.CompletionTimeout)
}

// completer finds the names that a shell completes: of objects in the source that a command line names, and in the
// kubeconfig. What cannot be read has no names; nothing is ever said of it.
type completer struct{ deps Deps }

// isCompletion reports whether a command line is that by which the script of a shell asks what a word may become.
func isCompletion(args []string) bool {
	return slices.Contains(args, cobra.ShellCompRequestCmd) || slices.Contains(args, cobra.ShellCompNoDescRequestCmd)
}

// addTo makes a command, and those below it, complete the values of its flags and its arguments. Cobra keeps each such function, with
// all that it refers to, until the process ends.
func (c completer) addTo(cmd *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			if values := f.Annotations[completedValues]; values != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, completeValues(f.Name, values)) // fails for a flag that does not exist
			}
		})
	}
	for name, complete := range c.flagValues() {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, complete) // fails where the command has its own
		}
	}
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
		cmd.ValidArgsFunction = c.arguments(cmd)
	}
	for _, sub := range cmd.Commands() {
		c.addTo(sub)
	}
}

// completeValues returns what completes the values that a command-line flag offers.
func completeValues(flag string, values []string) cobra.CompletionFunc {
	if flag != "output" {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return completeFormats(values, begun)
	}
}

// flagValues returns what completes the values of command-line flags, by the flag.
func (c completer) flagValues() map[string]cobra.CompletionFunc {
	namespaces := c.of(func(ctx context.Context, s *completionSource, _ string) []string { return s.namespaces(ctx) })
	kubeconfig := func(choose func(cluster.KubeconfigNames) []string) cobra.CompletionFunc {
		return c.of(func(_ context.Context, s *completionSource, _ string) []string {
			names, err := cluster.ReadKubeconfigNames(s.options.Kubeconfig)
			if err != nil {
				return nil
			}
			return choose(names)
		})
	}
	return map[string]cobra.CompletionFunc{
		"namespace":      namespaces,
		"exclude":        namespaces,
		contextFlag:      kubeconfig(func(n cluster.KubeconfigNames) []string { return n.Contexts }),
		"cluster":        kubeconfig(func(n cluster.KubeconfigNames) []string { return n.Clusters }),
		"user":           kubeconfig(func(n cluster.KubeconfigNames) []string { return n.Users }),
		"target-version": c.of(func(context.Context, *completionSource, string) []string { return append(knownReleases(), "latest") }),
		"to":             c.of(func(context.Context, *completionSource, string) []string { return knownReleases() }),
		"selector":       cobra.NoFileCompletions,
		shardFlag:        cobra.NoFileCompletions,
		parallelFlag:     cobra.NoFileCompletions,
		"wave-label":     cobra.NoFileCompletions,
		"title":          cobra.NoFileCompletions,
		"client":         cobra.NoFileCompletions,
		"author":         cobra.NoFileCompletions,
		imageFlag:        cobra.NoFileCompletions,
		asFlag:           cobra.NoFileCompletions,
		asGroupFlag:      cobra.NoFileCompletions,
	}
}

// arguments returns what completes the arguments of a command: names of what it explains or patches; nothing, and no
// files, for one that takes none.
func (c completer) arguments(cmd *cobra.Command) cobra.CompletionFunc {
	workloads := func(ctx context.Context, s *completionSource, begun string) []string {
		return s.inNamespace(ctx, begun, s.workloads)
	}
	first := map[string]func(context.Context, *completionSource, string) []string{
		"explain": func(ctx context.Context, s *completionSource, begun string) []string {
			if strings.Contains(begun, "/") {
				return s.explained(ctx, begun, workloads)
			}
			return append(s.namespaces(ctx), s.policies(ctx)...)
		},
		"psp":      func(ctx context.Context, s *completionSource, _ string) []string { return s.policies(ctx) },
		"ns":       func(ctx context.Context, s *completionSource, _ string) []string { return s.namespaces(ctx) },
		"workload": workloads,
		"sa": func(ctx context.Context, s *completionSource, begun string) []string {
			return s.inNamespace(ctx, begun, s.serviceAccounts)
		},
		"check": func(context.Context, *completionSource, string) []string { return checkIDs() },
		"patch": workloads,
	}[cmd.Name()]
	if _, takesArguments, _ := strings.Cut(cmd.Use, " "); first == nil || takesArguments == "" {
		return cobra.NoFileCompletions
	}
	complete := c.of(first)
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && cmd.Name() != "patch" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, begun)
	}
}

// safeName is what a name must be to be offered by completion: a shell takes each of its characters for itself, the first
// begins no flag, and no terminal acts on it.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$`)

// of returns a completion function for names: those that are safe to offer and begin as the word on the command line, or, in a
// list, as its last element. A name that ends in a slash goes on.
func (c completer) of(names func(context.Context, *completionSource, string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndexByte(begun, ',')+1]
		var offered []string
		for _, name := range names(cmp.Or(cmd.Context(), context.Background()), c.source(cmd), begun[len(before):]) {
			if safeName.MatchString(name) && strings.HasPrefix(name, begun[len(before):]) {
				offered = append(offered, before+name)
			}
		}
		slices.Sort(offered)
		offered = slices.Compact(offered)
		if slices.ContainsFunc(offered, func(name string) bool { return strings.HasSuffix(name, "/") }) {
			return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		return offered, cobra.ShellCompDirectiveNoFileComp
	}
}

// source returns the source that the flags of a command line name, with those from the environment.
func (c completer) source(cmd *cobra.Command) *completionSource {
	s := &completionSource{deps: c.deps}
	s.failed = setFlagsFromEnvironment(cmd.Flags(), c.deps.LookupEnv) != nil
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	addSourceFlags(flags, &s.options)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		own := flags.Lookup(f.Name)
		if own == nil {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			s.failed = s.failed || own.Value.(pflag.SliceValue).Replace(list.GetSlice()) != nil
			return
		}
		s.failed = s.failed || flags.Set(f.Name, f.Value.String()) != nil
	})
	if f := cmd.Flags().Lookup("namespace"); f != nil && f.Value.Type() == "string" {
		s.inNS = f.Value.String()
	}
	s.options.Stdin = strings.NewReader("")
	s.failed = s.failed || s.options.Plan == "-" || slices.Contains(s.options.Files, "-") // which the shell has
	return s
}

// completionSource is where completion finds names: files, a saved plan, the demo or a cluster.
type completionSource struct {
	deps    Deps
	options SourceOptions
	failed  bool
	// inNS is the flag -n of the command line, of one namespace.
	inNS string
}

// plan returns the Plan of the source, or an empty one. Of a cluster it has what runs in one namespace.
func (s *completionSource) plan(ctx context.Context, namespace string) (*migrate.Plan, []string) {
	nothing := &migrate.Plan{}
	if s.failed {
		return nothing, nil
	}
	ctx, cancel := s.deps.limitCompletion(ctx)
	defer cancel()
	if s.options.Plan != "" {
		plan, err := callUntilCancelled(ctx, "", func() (*migrate.Plan, error) { return readSavedPlan(s.options.Plan, s.options.Stdin) })
		if err != nil {
			return nothing, nil
		}
		return plan, nil
	}
	options := s.options
	options.Namespace, options.SkipCustomResources, options.AdmissionConfig = namespace, true, ""
	inv, plan, err := buildPlan(ctx, Streams{In: options.Stdin, Out: io.Discard, ErrOut: io.Discard}, s.deps, options, migrate.Options{})
	if err != nil {
		return nothing, nil
	}
	return plan, access.ServiceAccountNames(inv, namespace)
}

// listed returns the names of the objects of a resource on the cluster, in one namespace or "".
func (s *completionSource) listed(ctx context.Context, resource schema.GroupVersionResource, namespace string) []string {
	if s.failed {
		return nil
	}
	ctx, cancel := s.deps.limitCompletion(ctx)
	defer cancel()
	names, err := callUntilCancelled(ctx, "", func() ([]string, error) {
		client, _, err := s.deps.Connect(s.options)
		if err != nil {
			return nil, err
		}
		list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].GetName())
		}
		return names, nil
	})
	if err != nil {
		return nil
	}
	return names
}

// namespaces returns the names of the namespaces of the source.
func (s *completionSource) namespaces(ctx context.Context) []string {
	if s.clusterAlone() {
		return s.listed(ctx, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, "")
	}
	plan, _ := s.plan(ctx, "")
	var names []string
	for i := range plan.Namespaces {
		names = append(names, plan.Namespaces[i].Name)
	}
	return names
}

// policies returns the names of the policies of the source.
func (s *completionSource) policies(ctx context.Context) []string {
	if s.clusterAlone() {
		return s.listed(ctx, schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies"}, "")
	}
	plan, _ := s.plan(ctx, "")
	var names []string
	for i := range plan.Policies {
		names = append(names, plan.Policies[i].Name)
	}
	return names
}

// clusterAlone reports whether a cluster is all that the source has.
func (s *completionSource) clusterAlone() bool {
	return s.options.ReadsCluster() && len(s.options.Files) == 0
}

// inNamespace returns the names of what find finds in the namespace that a word has begun with, each behind NAMESPACE/; before the
// slash it returns NAMESPACE/ of every namespace.
func (s *completionSource) inNamespace(ctx context.Context, begun string, find func(ctx context.Context, namespace string) []string) []string {
	namespace, _, complete := strings.Cut(begun, "/")
	var names []string
	if !complete {
		for _, name := range s.namespaces(ctx) {
			names = append(names, name+"/")
		}
		return names
	}
	for _, name := range find(ctx, namespace) {
		names = append(names, namespace+"/"+name)
	}
	return names
}

// workloads returns the workloads of a namespace as KIND/NAME.
func (s *completionSource) workloads(ctx context.Context, namespace string) []string {
	plan, _ := s.plan(ctx, namespace)
	var names []string
	for i := range plan.Namespaces {
		if plan.Namespaces[i].Name != namespace {
			continue
		}
		for _, w := range plan.Namespaces[i].Workloads {
			names = append(names, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	return names
}

// serviceAccounts returns the names of the service accounts of a namespace. A saved plan has no list of them.
func (s *completionSource) serviceAccounts(ctx context.Context, namespace string) []string {
	if s.clusterAlone() {
		return s.listed(ctx, schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, namespace)
	}
	_, accounts := s.plan(ctx, namespace)
	return accounts
}

// checkIDs returns the ids of the checks of the Pod Security Standards.
func checkIDs() []string {
	var ids []string
	for _, check := range policy.DefaultChecks() {
		ids = append(ids, string(check.ID))
	}
	return ids
}

// knownReleases returns the Kubernetes minors from the first without PodSecurityPolicy to the newest whose standards are known.
func knownReleases() []string {
	var names []string
	for _, v := range pss.VersionsAfterPSP() {
		names = append(names, v.String())
	}
	return names
}

// explained returns what completes KIND/ of the command explain, by its kind; of a workload's kind the workloads of the namespace
// that -n names, else of all.
func (s *completionSource) explained(ctx context.Context, begun string, workloads func(context.Context, *completionSource, string) []string) []string {
	kind, rest, _ := strings.Cut(begun, "/")
	var names []string
	t, isTopic := findTopic(kind)
	switch {
	case isTopic && t.kind == topicNamespace:
		names = s.namespaces(ctx)
	case isTopic && t.kind == topicPolicy:
		names = s.policies(ctx)
	case isTopic && t.kind == topicCheck:
		names = checkIDs()
	case isTopic && t.kind == topicAccount:
		names = s.inNamespace(ctx, rest, s.serviceAccounts)
	case isTopic:
		names = workloads(ctx, s, rest)
	case namesWorkloadKind(kind) && !strings.Contains(rest, "/"):
		plan, _ := s.plan(ctx, s.inNS)
		for i := range plan.Namespaces {
			for _, w := range plan.Namespaces[i].Workloads {
				if strings.EqualFold(w.Kind, parseWorkloadKind(kind)) && (s.inNS == "" || s.inNS == plan.Namespaces[i].Name) {
					names = append(names, w.Name)
				}
			}
		}
	default:
		return workloads(ctx, s, begun)
	}
	for i := range names {
		names[i] = kind + "/" + names[i]
	}
	return names
}
