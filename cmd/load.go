package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	// Kubeconfig users who sign in through OIDC need client-go's plugin for it, and those with a removed plugin (gcp,
	// azure) are shown what replaced it. The plugins register themselves when they are imported: the one registration by
	// import here, since client-go offers no other way.
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/psp2pss/psp2pss/fixtures"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// loadInventory reads files, the demo or a cluster, as the flags say, into one inventory.
func loadInventory(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	if o.Evidence != nil {
		b.WrittenPod = o.Evidence.WrittenPod
	}
	source := inventory.Source{}
	if o.Demo {
		return loadDemoCluster(b)
	}
	if archive, err := openSnapshot(&o); err != nil || archive != nil {
		if err != nil {
			return nil, err
		}
		return readSnapshot(archive)
	}
	if len(o.Files) > 0 {
		r := &files.Reader{Paths: o.Files, Recursive: o.Recursive, Skip: o.SkipPaths, Stdin: o.Stdin, Progress: o.OnProgress, OtherObject: o.OnOtherObject, Dumps: true, DumpCluster: o.DumpCluster}
		var sink inventory.Sink = b
		if o.WrapSink != nil {
			sink = o.WrapSink(b)
		}
		if err := r.Read(ctx, sink); err != nil {
			return nil, severalClustersUsage(err)
		}
		names := slices.Clone(o.Files)
		slices.Sort(names)
		if o.DumpCluster != "" {
			names = []string{filepath.Join(o.Files[0], o.DumpCluster)}
		}
		source = inventory.Source{Kind: inventory.SourceFiles, Name: strings.Join(names, ", ")}
	}
	if o.ReadsCluster() {
		kind := inventory.SourceCluster
		if len(o.Files) > 0 {
			kind = inventory.SourceFilesAndCluster
		}
		read, err := loadFromCluster(ctx, o, b)
		if err != nil {
			return nil, err
		}
		read.Kind = kind
		source = read
	}
	return b.Build(source), nil
}

// severalClustersUsage returns an error of reading files, which is wrong usage where they are those of several clusters: what to do instead.
func severalClustersUsage(err error) error {
	var several *files.SeveralClustersError
	if !errors.As(err, &several) {
		return err
	}
	const most = 5
	var folders []string
	for _, c := range several.Clusters {
		folders = append(folders, fileerror.Name(filepath.Join(several.Path, c)))
	}
	return usagef("-f %s holds %d clusters, and this is about one: 'report --%s' takes all of it; of one, unpacked, name the folder with -R -f: %s",
		fileerror.Name(several.Path), len(folders), mergeFlag, english.First(folders, most))
}

// demoServerVersion is the Kubernetes version of the demo cluster: the last that served PodSecurityPolicies. It evaluates Windows pods
// more strictly than v1.25.
const demoServerVersion = "v1.24.17"

// loadDemoCluster builds, for the flag --demo, the inventory of the demo cluster that is embedded in the binary.
func loadDemoCluster(b *inventory.Builder) (*inventory.Inventory, error) {
	demo, err := fixtures.DemoInput()
	if err != nil {
		return nil, fmt.Errorf("opening the demo cluster: %w", err)
	}
	if err := files.ReadFS(demo, b); err != nil {
		return nil, fmt.Errorf("reading the demo cluster: %w", err)
	}
	return b.Build(inventory.Source{Kind: inventory.SourceDemo, ServerVersion: demoServerVersion}), nil
}

// loadFromCluster adds, for a command, the objects of a live cluster to an inventory builder, and says which cluster
// that was.
func loadFromCluster(ctx context.Context, o SourceOptions, b *inventory.Builder) (inventory.Source, error) {
	flags := o.connection()
	config, name, err := cluster.LoadConfig(flags)
	if err != nil {
		return inventory.Source{}, err
	}
	if name == cluster.InClusterContext {
		name = "" // no kubeconfig has such a context, and a script must not name it
	}
	r := &cluster.Reader{Config: config, Context: flags.ClusterName(config, name), Namespace: o.Namespace, OnlyNamespaces: o.OnlyNamespaces, WithoutCustomResources: o.SkipCustomResources, Progress: o.OnProgress, OnForbidden: o.OnForbidden}
	version, err := r.Read(ctx, b)
	if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return inventory.Source{}, fmt.Errorf("%w (a single request took too long)", err)
	}
	return inventory.Source{
		Name: name, ServerVersion: version, Kubeconfig: o.Kubeconfig, Cluster: o.Cluster, User: o.User, Server: o.Server, WithToken: o.Token != "",
		As: o.As, AsGroups: o.AsGroups,
	}, err
}

// loadHelmReleases reads the stored Helm releases of the cluster that the command-line flags name.
func loadHelmReleases(ctx context.Context, o SourceOptions, each func(kind string, m metav1.ObjectMeta, payload []byte)) ([]inventory.Gap, error) {
	flags := o.connection()
	config, name, err := cluster.LoadConfig(flags)
	if err != nil {
		return nil, err
	}
	return (&cluster.Reader{Config: config, Context: flags.ClusterName(config, name)}).HelmReleases(ctx, each)
}

// connectToCluster returns a client of the cluster that the command-line flags name, and how people are told which one
// that is: by its kubeconfig context or its address.
func connectToCluster(o SourceOptions) (dynamic.Interface, string, error) {
	// A server that takes a request and never answers must not hold a roll-out for good.
	flags := o.connection()
	flags.Timeout = cluster.DefaultRequestTimeout
	config, name, err := cluster.LoadConfig(flags)
	if err != nil {
		return nil, "", err
	}
	name = flags.ClusterName(config, name)
	cluster.GuardConfig(config)
	// What an old server warns of is why this tool is run. Only who asks whether a policy is in force listens.
	config.WarningHandlerWithContext = rollout.WarningCollector{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, "", fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", name, err)
	}
	return client, name, nil
}
