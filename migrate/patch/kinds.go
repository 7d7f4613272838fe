package patch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// workloadKind is what is known of a kind of workload: where its template is, and what to say of a patch of it.
type workloadKind struct {
	name, apiVersion string
	template         []string
	// manualReason is set for kinds whose template the API server does not let anybody change.
	manualReason string
	remarks      []string
}

// workloadKinds returns what is known of every kind of the inventory's table of workload kinds.
func workloadKinds() []workloadKind {
	manualReasons := map[string]string{
		"Job": "the template of a Job cannot be changed: put the values into the manifest that it is made from, for its next run",
		"Pod": "a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again",
	}
	staysOn := []string{"its pods stay as they are until they are deleted"}
	remarks := map[string][]string{"ReplicaSet": staysOn, "ReplicationController": staysOn}
	var kinds []workloadKind
	for _, k := range inventory.WorkloadKinds() {
		kinds = append(kinds, workloadKind{
			name: k.Name, apiVersion: k.APIVersions[0], template: k.TemplatePath, manualReason: manualReasons[k.Name], remarks: remarks[k.Name],
		})
	}
	return kinds
}

func workloadKindOf(name string) (workloadKind, bool) {
	i := slices.IndexFunc(workloadKinds(), func(k workloadKind) bool { return k.name == name })
	if i < 0 {
		return workloadKind{}, false
	}
	return workloadKinds()[i], true
}

// whyManual says why a workload is not to be patched itself; "" if it is.
func whyManual(ns *migrate.Namespace, w *migrate.Workload, k workloadKind, known bool) string {
	owner := ""
	if w.Owner != nil {
		owner = phrases.ObjectName(w.Owner.Kind, w.Owner.Name)
	}
	switch {
	case !known && len(w.TemplatePaths) > 0:
		return fmt.Sprintf("a patch of a custom resource would replace whole lists: change it in %s at %s", phrases.ObjectName(w.Kind, w.Name), strings.Join(w.TemplatePaths, ", "))
	case !known:
		return fmt.Sprintf("its own manifest was not read, only its pods: put the values into the pod template that %s has", phrases.ObjectName(w.Kind, w.Name))
	case w.Kind == "Pod" && w.Pods == 0:
		return "only its manifest was read, and no pod: put the values there"
	case owner == "":
		return k.manualReason
	case !isRevision(w):
		return owner + " makes it and would undo a patch: set the values there"
	case hasWorkload(ns, w.Owner):
		return fmt.Sprintf("%s made it from an earlier template: it matters only if that comes back; delete it, or leave it", owner)
	}
	return owner + " makes it and was not read: put the values into that"
}

// isRevision is true for what a Deployment or CronJob makes of its own template.
func isRevision(w *migrate.Workload) bool {
	k, _ := inventory.WorkloadKindOf(w.Kind)
	return k.ParentKind != "" && k.ParentKind == w.Owner.Kind
}

func hasWorkload(ns *migrate.Namespace, ref *migrate.WorkloadRef) bool {
	return slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool { return w.Kind == ref.Kind && w.Name == ref.Name })
}

// whoWouldRevert says which tool would undo a change that is made beside it.
func whoWouldRevert(w *migrate.Workload) string {
	m := w.ManagedBy
	if m == nil || m.Tool == "" {
		return ""
	}
	text := m.Tool
	if m.Source != "" {
		text += " (" + m.Source + ")"
	}
	if m.Tool == "Helm" {
		return text + " may undo a patch when it upgrades: put the values where the chart takes them"
	}
	return text + " would undo a patch: put the values where it reads them"
}

// A Plan may come from a file, so names are not trusted for having been checked when it was made.
var (
	dnsLabelPattern     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsSubdomainPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

// whyNameRefused says why nothing may be written for a workload of this name; "" if it is sound.
func whyNameRefused(r WorkloadRef) string {
	switch {
	case !dnsLabelPattern.MatchString(r.Namespace):
		return "refused: its namespace has no valid name"
	case strings.HasSuffix(r.Name, "<generated>"):
		return "the server chooses its name when it is made: put the values into its manifest"
	case !dnsSubdomainPattern.MatchString(r.Name) || len(r.Name) > 253:
		return "refused: its name is not valid"
	}
	return ""
}
