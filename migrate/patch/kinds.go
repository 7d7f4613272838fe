package patch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// kind is what is known of a kind of workload: where its template is, and what to say of a patch of it.
type kind struct {
	name, apiVersion string
	template         []string
	// byHand is set for kinds whose template the API server does not let anybody change.
	byHand  string
	remarks []string
}

func kinds() []kind {
	template := []string{"spec", "template"}
	staysOn := []string{"its pods stay as they are until they are deleted"}
	return []kind{
		{name: "Deployment", apiVersion: "apps/v1", template: template},
		{name: "StatefulSet", apiVersion: "apps/v1", template: template},
		{name: "DaemonSet", apiVersion: "apps/v1", template: template},
		{name: "ReplicaSet", apiVersion: "apps/v1", template: template, remarks: staysOn},
		{name: "ReplicationController", apiVersion: "v1", template: template, remarks: staysOn},
		{name: "CronJob", apiVersion: "batch/v1", template: []string{"spec", "jobTemplate", "spec", "template"}},
		{name: "PodTemplate", apiVersion: "v1", template: []string{"template"}},
		{name: "Job", apiVersion: "batch/v1", template: template, byHand: "the template of a Job cannot be changed: put the values into the manifest that it is made from, for its next run"},
		{name: "Pod", apiVersion: "v1", byHand: "a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again"},
	}
}

func kindOf(name string) (kind, bool) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds()[i], true
}

// byHand says why a workload is not to be patched itself; "" if it is.
func byHand(ns *migrate.Namespace, w *migrate.Workload, k kind, known bool) string {
	owner := ""
	if w.Owner != nil {
		owner = wording.Ref(w.Owner.Kind, w.Owner.Name)
	}
	switch {
	case !known && len(w.TemplatePaths) > 0:
		return fmt.Sprintf("a patch of a custom resource would replace whole lists: change it in %s at %s", wording.Ref(w.Kind, w.Name), strings.Join(w.TemplatePaths, ", "))
	case !known:
		return fmt.Sprintf("its own manifest was not read, only its pods: put the values into the pod template that %s has", wording.Ref(w.Kind, w.Name))
	case w.Kind == "Pod" && w.Pods == 0:
		return "only its manifest was read, and no pod: put the values there"
	case owner == "":
		return k.byHand
	case !revision(w):
		return owner + " makes it and would undo a patch: set the values there"
	case has(ns, w.Owner):
		return fmt.Sprintf("%s made it from an earlier template: it matters only if that comes back; delete it, or leave it", owner)
	}
	return owner + " makes it and was not read: put the values into that"
}

// revision is true for what a Deployment or CronJob makes of its own template.
func revision(w *migrate.Workload) bool {
	return w.Kind == "ReplicaSet" && w.Owner.Kind == "Deployment" || w.Kind == "Job" && w.Owner.Kind == "CronJob"
}

func has(ns *migrate.Namespace, ref *migrate.WorkloadRef) bool {
	return slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool { return w.Kind == ref.Kind && w.Name == ref.Name })
}

// undone says which tool would undo a change that is made beside it.
func undone(w *migrate.Workload) string {
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
	label     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

// refused says why nothing may be written for a workload of this name; "" if it is sound.
func refused(r Ref) string {
	switch {
	case !label.MatchString(r.Namespace):
		return "refused: its namespace has no valid name"
	case strings.HasSuffix(r.Name, "<generated>"):
		return "the server chooses its name when it is made: put the values into its manifest"
	case !subdomain.MatchString(r.Name) || len(r.Name) > 253:
		return "refused: its name is not valid"
	}
	return ""
}
