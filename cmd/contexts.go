package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

const (
	allContextsFlag = "all-contexts"
	shardFlag       = "shard"
	parallelFlag    = "parallel"
)

// mostParallel is how many clusters are read at once at most, and by default: each has its objects in memory until its plan is made.
const mostParallel = 4

// contextFlagValue is the value of the command-line flag --context: a list, for the few commands that read several clusters. It keeps
// the last one as the context of all other commands, which refuse a second one.
type contextFlagValue struct{ source *SourceOptions }

// Set adds a kubeconfig context to the list.
func (f contextFlagValue) Set(name string) error { return f.Append(name) }

// Append adds a kubeconfig context to the list.
func (f contextFlagValue) Append(name string) error { return f.Replace(append(f.GetSlice(), name)) }

// Replace sets the list of kubeconfig contexts. One alone is no list.
func (f contextFlagValue) Replace(names []string) error {
	f.source.Contexts, f.source.Context = nil, ""
	if n := len(names); n > 0 {
		f.source.Context = names[n-1]
	}
	if len(names) > 1 {
		f.source.Contexts = slices.Clone(names)
	}
	return nil
}

// GetSlice returns the list of kubeconfig contexts.
func (f contextFlagValue) GetSlice() []string {
	if f.source.Context != "" && len(f.source.Contexts) == 0 {
		return []string{f.source.Context}
	}
	return slices.Clone(f.source.Contexts)
}

// String returns the list of kubeconfig contexts as pflag shows lists.
func (f contextFlagValue) String() string {
	if f.source == nil {
		return "[]"
	}
	return "[" + strings.Join(f.GetSlice(), ",") + "]"
}

// Type returns the word that pflag has for a flag that may be repeated and is not split at commas.
func (contextFlagValue) Type() string { return "stringArray" }

// shard is a part of the contexts of a kubeconfig: of their sorted list those whose index modulo Of is Index. The zero value is all.
type shard struct{ Index, Of int }

// Set reads the value of the command-line flag --shard, I/N. An empty one is all contexts.
func (s *shard) Set(text string) error {
	if text == "" {
		*s = shard{}
		return nil
	}
	index, of, _ := strings.Cut(text, "/")
	i, errIndex := strconv.ParseUint(index, 10, 31)
	n, errOf := strconv.ParseUint(of, 10, 31)
	if errIndex != nil || errOf != nil || i >= n {
		return errors.New("it is no part of a whole: write it as I/N with I from 0 to N-1, such as 0/8 for the first of eight")
	}
	*s = shard{int(i), int(n)}
	return nil
}

// String returns the value of --shard as it is given; "" for all contexts.
func (s *shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// Type returns the word that the help shows for the value of --shard.
func (*shard) Type() string { return "I/N" }

// parallel is how many clusters are read at once: the zero value is mostParallel.
type parallel int

// Set reads the value of the command-line flag --parallel.
func (p *parallel) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostParallel {
		return fmt.Errorf("give a number from 1 to %d; for more at once, run several with --%s", mostParallel, shardFlag)
	}
	*p = parallel(n)
	return nil
}

// String returns how many clusters are read at once.
func (p *parallel) String() string { return strconv.Itoa(p.clusters()) }

// Type returns the word that pflag has for a number.
func (*parallel) Type() string { return "int" }

// clusters returns how many clusters are read at once.
func (p *parallel) clusters() int {
	if *p == 0 {
		return mostParallel
	}
	return int(*p)
}

// addContextsFlags defines the command-line flags by which a command reads several clusters, one plan or answer each. The command has
// the connection flags already.
func addContextsFlags(flags *pflag.FlagSet, o *SourceOptions) {
	flags.Lookup(contextFlag).Usage += "; may be repeated, to read several clusters side by side"
	flags.BoolVar(&o.AllContexts, allContextsFlag, false, "read the clusters of all contexts of the kubeconfig side by side")
	flags.Var(&o.Shard, shardFlag, "with --"+allContextsFlag+" or several --"+contextFlag+", read only part I of N: of the sorted contexts those whose index modulo N is I, from 0 on")
	flags.Var(&o.Parallel, parallelFlag, fmt.Sprintf("how many of several clusters are read at once, from 1 to %d", mostParallel))
}

// contextsFlagNames returns the command-line flags that have several clusters read.
func contextsFlagNames() []string { return []string{allContextsFlag, shardFlag, parallelFlag} }

// refuseContexts returns the usage error for more than one --context of a command that answers for one cluster.
func refuseContexts(cmd *cobra.Command) error {
	f := cmd.Flags().Lookup(contextFlag)
	if f == nil || cmd.Flags().Lookup(allContextsFlag) != nil {
		return nil
	}
	list, isList := f.Value.(pflag.SliceValue)
	if !isList || len(list.GetSlice()) < 2 {
		return nil
	}
	given := "--" + contextFlag
	if setByEnvironment(f) {
		given = environmentVariable(contextFlag)
	}
	return usagef("%s names %d contexts, and %s is about one cluster: what it writes or prints could reach another cluster than the one that is meant; run it once for each (plan, report, gate and snapshot read several)",
		given, len(list.GetSlice()), cmd.CommandPath())
}

// isFleet says whether the flags ask for several clusters side by side. One is left of them where a shard has only one.
func (o *SourceOptions) isFleet() bool {
	return o.AllContexts || len(o.Contexts) > 1 || o.Shard.Of > 0
}

// fleetConflict is a command-line flag that cannot be given where several clusters are read, and why.
type fleetConflict struct{ flag, why string }

// fleetConflicts returns the command-line flags that cannot be given where several clusters are read.
func fleetConflicts() []fleetConflict {
	const (
		oneSource = "it is another source than clusters, or belongs to one of them"
		sameOne   = "every context would lead to one cluster"
		whole     = "several clusters are compared as wholes"
		names     = "pseudonyms are made of one plan at a time"
	)
	return []fleetConflict{
		{demoFlag, oneSource},
		{planFlag, oneSource + " ('report --" + mergeFlag + "' takes several plans)"},
		{fileFlag, oneSource},
		{recursiveFlag, oneSource},
		{auditLogFlag, "a log is that of one cluster"},
		{clusterFlag, sameOne},
		{serverFlag, sameOne},
		{userFlag, "every cluster has users of its own"},
		{tokenFlag, "one token is not sent to several clusters"},
		{"namespace", whole},
		{"selector", whole},
		{"exclude", whole},
		{redactFlag, names},
		{diffFlag, "a plan is compared with an earlier one of the same cluster"},
		{printScriptFlag, "the script is for one cluster"},
	}
}

// settleFleet makes sure that the flags that have several clusters read, and those that exclude that, are not given together. Where one
// of two was given and the other comes from the environment, the given one wins and the other is taken back.
func (o *SourceOptions) settleFleet(flags *pflag.FlagSet) error {
	all, named, part := flags.Lookup(allContextsFlag), flags.Lookup(contextFlag), flags.Lookup(shardFlag)
	if o.AllContexts {
		if err := settleFlags(all, named, "name contexts, or take them all"); err != nil {
			return err
		}
	}
	for _, asks := range []*pflag.Flag{all, named, part} {
		if !asks.Changed || asks == all && !o.AllContexts || asks == named && len(o.Contexts) < 2 {
			continue
		}
		for _, c := range fleetConflicts() {
			if err := settleFlags(asks, flags.Lookup(c.flag), c.why); err != nil {
				return err
			}
		}
	}
	return o.checkContexts(flags)
}

// checkContexts returns the usage error for values of the flags that have several clusters read.
func (o *SourceOptions) checkContexts(flags *pflag.FlagSet) error {
	for i, name := range o.Contexts {
		if slices.Contains(o.Contexts[:i], name) {
			return usagef("--%s=%q stands twice: a cluster is read once", contextFlag, name)
		}
	}
	switch {
	case o.Shard.Of > 0 && !o.AllContexts && o.Context == "":
		return usagef("--%s=%s is a part of several contexts: add --%s, or name them with --%s", shardFlag, &o.Shard, allContextsFlag, contextFlag)
	case !o.isFleet() && flags.Changed(parallelFlag) && !setByEnvironment(flags.Lookup(parallelFlag)):
		return usagef("--%s is about several clusters: add --%s, or name contexts with --%s", parallelFlag, allContextsFlag, contextFlag)
	}
	return nil
}

// settleFlags is the usage error for two command-line flags that exclude each other, with the reason. A flag that is not there excludes
// nothing, and one from the environment gives way to one that was given.
func settleFlags(a, b *pflag.Flag, why string) error {
	if a == nil || b == nil || !a.Changed || !b.Changed {
		return nil
	}
	switch envA, envB := setByEnvironment(a), setByEnvironment(b); {
	case envA && !envB:
		return resetFlag(a)
	case envB && !envA:
		return resetFlag(b)
	}
	return usagef("--%s and --%s exclude each other here: %s", a.Name, b.Name, why)
}

// fleetContexts returns the kubeconfig contexts whose clusters the flags ask for, sorted. It returns an error for one that is not in the
// kubeconfig, before any cluster is reached.
func (o *SourceOptions) fleetContexts() ([]string, error) {
	known, err := cluster.ReadKubeconfigNames(o.Kubeconfig)
	if err != nil {
		return nil, err
	}
	o.Known = &known
	names := known.Contexts
	if !o.AllContexts {
		names = slices.Sorted(slices.Values(contextFlagValue{o}.GetSlice()))
	}
	for _, name := range names {
		if _, found := slices.BinarySearch(known.Contexts, name); found {
			continue
		}
		flags := o.connection()
		flags.Context = name
		if _, _, err := cluster.LoadConfig(flags); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the kubeconfig has no context to read a cluster through: name one that has with --%s", kubeconfigFlag)
	}
	if o.Shard.Of == 0 {
		return names, nil
	}
	var part []string
	for i := o.Shard.Index; i < len(names); i += o.Shard.Of {
		part = append(part, names[i])
	}
	return part, nil
}

// ofContext returns the options that read the cluster of one context.
func (o *SourceOptions) ofContext(name string) SourceOptions {
	one := *o
	one.Context, one.Contexts, one.AllContexts, one.Shard = name, nil, false, shard{}
	return one
}
