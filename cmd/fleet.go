package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/fleet/job"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

const (
	// printJobFlag prints the Jobs that read a fleet.
	printJobFlag = "print-job"
	imageFlag    = "image"
	clustersFlag = "clusters"
	claimFlag    = "volume-claim"
)

// fleetOptions are the parsed flags of the command fleet.
type fleetOptions struct {
	streams Streams
	deps    Deps
	// PrintJob is what is asked for: there is nothing else yet.
	PrintJob bool
	// Kubeconfig is the file whose contexts are counted.
	Kubeconfig string
	// Secrets are keys of Secrets as they are given.
	Secrets []string
	Job     job.Options
	// countsContexts is true where the kubeconfig is read.
	countsContexts bool
}

// newFleet returns the cobra command "fleet", which prints what reads a fleet that is too large for one computer.
func newFleet(streams Streams, deps Deps, runF func(context.Context, *fleetOptions) error) *cobra.Command {
	if runF == nil {
		runF = fleetRun
	}
	o := &fleetOptions{streams: streams, deps: deps}
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Print the Jobs with which Kubernetes reads a fleet of clusters",
		Long: `Fleet prints manifests for a fleet of clusters that is too large for one computer: Kubernetes runs
'plan' for each cluster, tries the failed ones again, and makes one report. It prints, and nothing else: no
cluster is reached, and nothing of a kubeconfig but the number of its contexts is in what it prints.

A Job of kind Indexed reads one part of the contexts in each index, and leaves a file of rows on a
volume; a pod that is killed, or could not read its cluster, is replaced as often as
--backoff-limit-per-index says, and what has been read is not read again. A second Job, which waits until
it is started, makes the report of all rows. A cluster that was never read is in it, with the reason; to
try it again later and no other, print the Jobs with --only-unread.
The comments at the top of the output have the commands, from the Secret to the report.

The kubeconfig comes from Secrets, which are named and not printed. A Secret holds at most 1 MiB: split a
kubeconfig that is larger, and name several. The contexts in it need tokens or certificates of their
own, since the image has no other program. The pods have no right in the cluster that runs them and
get no token of it; they meet the restricted level. The volume must be one that pods on
several nodes can write to (ReadWriteMany).

The image is that of a release, in a registry of yours. Kubernetes must be v1.29 or newer.`,
		Example: `  # One index for each context of the current kubeconfig
  psp2pss fleet --print-job --image registry.example/psp2pss:v0.1.0 > fleet.yaml

  # 4,000 clusters, 50 at a time, from two Secrets, onto a claim that is there
  psp2pss fleet --print-job --image registry.example/psp2pss:v0.1.0 --clusters 4000 --parallelism 50 --kubeconfig-secret europe --kubeconfig-secret america:value --volume-claim shared > fleet.yaml

  # Run it: the comments say how to go on
  kubectl apply -f fleet.yaml`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	j := &o.Job
	flags.BoolVar(&o.PrintJob, printJobFlag, false, "print the manifests, as YAML")
	flags.StringVar(&j.Image, imageFlag, "", "image whose entrypoint is psp2pss, such as that of a release")
	flags.StringArrayVar(&j.ImagePullSecrets, "image-pull-secret", nil, "Secret for the registry of the image; may be repeated")
	flags.IntVar(&j.Clusters, clustersFlag, 0, "number of indexes; each context is read in one of them (default: one for each context of the kubeconfig)")
	flags.StringVar(&o.Kubeconfig, kubeconfigFlag, "", "kubeconfig file whose contexts are counted, of the same content as the Secrets")
	flags.StringArrayVar(&o.Secrets, "kubeconfig-secret", nil, "Secret with the kubeconfig, as NAME or NAME:KEY; may be repeated; KEY is kubeconfig unless it is given (default JOB-NAME-kubeconfig)")
	flags.StringVar(&j.JobName, "job-name", "psp2pss-fleet", "what the names of the Jobs begin with, and that of all else")
	flags.StringVar(&j.JobNamespace, "job-namespace", "psp2pss", "namespace that the Jobs run in")
	flags.IntVar(&j.Parallelism, "parallelism", 10, "how many clusters are read at once")
	flags.IntVar(&j.BackoffLimitPerIndex, "backoff-limit-per-index", 2, "how often an index that failed is tried again")
	flags.IntVar(&j.MaxFailedIndexes, "max-failed-indexes", 0, "how many indexes may fail for good before the Job gives up on the others, which are not in the report then (default: all)")
	flags.DurationVar(&j.Timeout, timeoutFlag, 0, "time that the plan of one index may take, such as 10m; 0 means no limit")
	flags.StringVar(&j.Memory, "memory", "1Gi", "memory that a pod may use")
	flags.BoolVar(&j.Plans, "plans", false, "keep the plan of each cluster on the volume, too")
	flags.BoolVar(&j.OnlyUnread, onlyUnreadFlag, false, "read only the clusters that an earlier run of Jobs of the same name has not read")
	flags.StringVar(&j.VolumeClaim, claimFlag, "", "PersistentVolumeClaim that is there already (default: one is printed)")
	flags.StringVar(&j.Storage, "storage", "1Gi", "size of the claim that is printed")
	flags.StringVar(&j.StorageClass, "storage-class", "", "StorageClass of the claim that is printed (default: that of the cluster)")
	flags.StringVar(&j.ServiceAccount, "service-account", "", "ServiceAccount that is there already (default: one is printed, without any right)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.complete(cmd.Flags()); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// complete checks the flags of the command fleet together, and fills in what follows from others. The number of clusters is left to the
// run where a kubeconfig is to be read for it.
func (o *fleetOptions) complete(flags *pflag.FlagSet) error {
	j := &o.Job
	j.Tool = toolAndVersion()
	switch {
	case !o.PrintJob:
		return usagef("say what is to be printed: add --%s; to read several clusters from here, use 'plan --all-contexts'", printJobFlag)
	case j.Image == "":
		return usagef("--%s is missing: name the image of a release in a registry of yours", imageFlag)
	}
	for _, name := range []string{"storage", "storage-class"} {
		if f := flags.Lookup(name); j.VolumeClaim != "" && f.Changed && !setByEnvironment(f) {
			return usagef("--%s and --%s exclude each other: the claim that is named has its storage already", claimFlag, name)
		}
	}
	if len(o.Secrets) == 0 {
		o.Secrets = []string{j.JobName + "-kubeconfig"}
	}
	for _, text := range o.Secrets {
		j.KubeconfigSecrets = append(j.KubeconfigSecrets, job.ParseSecretKey(text))
	}
	o.countsContexts = !flags.Changed(clustersFlag) || o.Kubeconfig != ""
	failuresGiven := flags.Changed("max-failed-indexes")
	checked := *j
	if !flags.Changed(clustersFlag) {
		checked.Clusters = max(1, j.MaxFailedIndexes) // it is not known yet
	}
	if !failuresGiven {
		j.MaxFailedIndexes, checked.MaxFailedIndexes = -1, 0 // all, however many there are
	}
	return invalidJobError(checked.Check())
}

// invalidJobError returns the usage error for an option of the Jobs that cannot be what it is; nil for none.
func invalidJobError(err error) error {
	var invalid *job.InvalidError
	if errors.As(err, &invalid) {
		return usageError{err}
	}
	return err
}

// fleetRun counts the contexts where it has to, and prints the manifests.
func fleetRun(_ context.Context, o *fleetOptions) error {
	if o.countsContexts {
		if err := o.countContexts(); err != nil {
			return err
		}
	}
	if o.Job.MaxFailedIndexes < 0 {
		o.Job.MaxFailedIndexes = o.Job.Clusters
	}
	return invalidJobError(job.WriteYAML(o.streams.Out, o.Job))
}

// countContexts counts the contexts of the kubeconfig, and warns of those that need more than is in it.
func (o *fleetOptions) countContexts() error {
	names, err := cluster.ReadKubeconfigNames(o.Kubeconfig)
	if err != nil {
		return err
	}
	n := len(names.Contexts)
	if n == 0 {
		return usagef("the kubeconfig has no context to count: name one that has with --%s, or say how many there are with --%s", kubeconfigFlag, clustersFlag)
	}
	o.Job.Clusters = cmp.Or(o.Job.Clusters, n)
	if len(names.Bound) > 0 {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: %s credentials from a program or a file of this computer, which no pod has: %s\n",
			english.Count(len(names.Bound), "context gets its", "contexts get their"), escape.Terminal(english.First(names.Bound, 5)))
	}
	return nil
}
