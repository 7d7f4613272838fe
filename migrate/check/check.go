package check

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Options say what is demanded of manifests. The labels of the Namespaces among them come behind Level and before Plan and
// Cluster. With the zero value they alone count.
type Options struct {
	// ToolVersion is the version of the tool, for the result.
	ToolVersion string
	// Level is demanded of everything, whatever else says; "" leaves it to the other sources.
	Level api.Level
	// Versions are those of the standards, whatever else says; with none the version comes from where the level does.
	Versions []api.Version
	// Namespace is that of objects that name none; "" if that is not known.
	Namespace string
	// Plan, if not nil, recommends levels for its namespaces; PlanName is what its file is called in sentences.
	Plan     *migrate.Plan
	PlanName string
	// Cluster, if not nil, has the namespaces of a live cluster with their labels.
	Cluster *Cluster
	// Admission, if not nil, exempts pods, and has levels for what the labels of a namespace do not say.
	Admission *AdmissionConfig
	// Listed is true where the files were listed one by one, as by git: then a kustomization or chart among them is a note, for the
	// others are to be judged all the same.
	Listed bool
}

// Cluster is what is read of a live cluster to judge manifests: its namespaces.
type Cluster struct {
	// Name is how people are told which cluster it is, ServerVersion its gitVersion; "" if it is not known.
	Name, ServerVersion string
	Namespaces          []inventory.Namespace
}

// UnknownLevelError is the error for manifests of which nothing says what level they have to meet.
type UnknownLevelError struct {
	// Namespaces are those that nothing says anything of, sorted.
	Namespaces []string
	// WithoutNamespace names the objects that name no namespace, in the order of the files, ClusterScoped those of kinds that belong
	// to none.
	WithoutNamespace, ClusterScoped []string
	// Sources say where a level was looked for.
	Sources []string
}

// Error returns the namespaces without a level and the objects without a namespace, and what to do.
func (e *UnknownLevelError) Error() string {
	const most = 5
	var parts []string
	if len(e.WithoutNamespace) > 0 {
		parts = append(parts, fmt.Sprintf("%s (%s) %s no namespace, which decides the level: name it with -n, or give --level",
			english.Count(len(e.WithoutNamespace), "object", "objects"), english.First(e.WithoutNamespace, most), english.Plural(len(e.WithoutNamespace), "names", "name")))
	}
	if len(e.ClusterScoped) > 0 {
		parts = append(parts, fmt.Sprintf("%s (%s) %s to no namespace, while pods of %s run in some: name one of those with -n, or give --level",
			english.Count(len(e.ClusterScoped), "object", "objects"), english.First(e.ClusterScoped, most), english.Plural(len(e.ClusterScoped), "belongs", "belong"), english.Plural(len(e.ClusterScoped), "it", "them")))
	}
	if len(e.Namespaces) > 0 {
		parts = append(parts, fmt.Sprintf("nothing says the level of %s (%s): not %s; give --level, --plan or --context",
			english.Count(len(e.Namespaces), "namespace", "namespaces"), english.First(e.Namespaces, most), strings.Join(e.Sources, ", nor ")))
	}
	return strings.Join(parts, "\n")
}

// UnrenderedError is the error for Helm charts and kustomizations where manifests are expected.
type UnrenderedError struct {
	// Charts and Kustomizations are their folders, sorted.
	Charts, Kustomizations []string
	// Pipes are the commands that render them and check the output.
	Pipes []string
}

// Error returns what is not rendered.
func (e *UnrenderedError) Error() string {
	const most = 3
	var parts []string
	if n := len(e.Charts); n > 0 {
		parts = append(parts, english.First(e.Charts, most)+": "+english.Plural(n, "a Helm chart, whose templates are", "Helm charts, whose templates are")+" not rendered here")
	}
	if n := len(e.Kustomizations); n > 0 {
		parts = append(parts, english.First(e.Kustomizations, most)+": "+english.Plural(n, "a kustomization, which is", "kustomizations, which are")+" not rendered here")
	}
	return strings.Join(parts, "; ") + ": check what " + english.Plural(len(e.Charts)+len(e.Kustomizations), "it renders", "they render") + " to"
}

// Run reads manifests and judges them. It returns an *UnknownLevelError where nothing says what level they have to meet, an
// *UnrenderedError for folders that have to be rendered first, and the errors of the reader.
func Run(ctx context.Context, r *files.Reader, o Options) (*finding.Result, error) {
	e, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	s := newReading(e, o)
	from := *r
	from.EachObject, from.Namespace = s.show, o.Namespace
	if from.Namespace == "" {
		from.Namespace = unnamedNamespace
	}
	if err := from.Read(ctx, s); err != nil {
		return nil, err
	}
	if err := s.unrendered.err(); err != nil && !o.Listed {
		return nil, err
	}
	return s.result()
}
