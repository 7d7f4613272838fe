package patch

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// workloadKind is what a patch needs to know of a kind of workload: where its pod template is, and what to say of a patch
// of it.
type workloadKind struct {
	apiVersion string
	// template are the keys that lead to the pod template.
	template []string
	// manualReason is set for kinds whose pod template the API server does not let anybody change.
	manualReason message.Message
	// remarks on every patch of the kind.
	remarks []message.Message
}

// workloadKindOf returns what is known, for patches, of a kind of workload by name; ok is false for an unknown one.
func workloadKindOf(name string) (k workloadKind, ok bool) {
	known, ok := inventory.WorkloadKindOf(name)
	if !ok {
		return workloadKind{}, false
	}
	k = workloadKind{apiVersion: known.APIVersions[0], template: known.TemplatePath}
	switch name {
	case "Job":
		k.manualReason = message.New("patch-of-job")
	case "Pod":
		k.manualReason = message.New("patch-of-pod")
	case "ReplicaSet", "ReplicationController":
		k.remarks = []message.Message{message.New("patch-leaves-pods")}
	}
	return k, true
}

// whyManual returns why a workload is not to be patched itself; a zero message if it is.
func whyManual(ns *migrate.Namespace, w *migrate.Workload, k workloadKind, known bool) message.Message {
	owner := ""
	if w.Owner != nil {
		owner = phrases.ObjectName(w.Owner.Kind, w.Owner.Name)
	}
	switch {
	case !known && len(w.TemplatePaths) > 0:
		return message.New("patch-of-custom-resource", "object", phrases.ObjectName(w.Kind, w.Name), "paths", w.TemplatePaths)
	case !known:
		return message.New("patch-of-unread-template", "object", phrases.ObjectName(w.Kind, w.Name))
	case w.Kind == "Pod" && w.Pods == 0:
		return message.New("patch-of-manifest")
	case owner == "":
		return k.manualReason
	case !isRevision(w):
		return message.New("patch-reverted-by-owner", "owner", owner)
	case ns.IsOldRevision(w):
		return message.New("patch-of-old-revision", "owner", owner)
	case hasWorkload(ns, w.Owner):
		return message.New("patch-of-earlier-template", "owner", owner)
	}
	return message.New("patch-owner-not-read", "owner", owner)
}

// isRevision reports, to patch that instead, whether a Deployment or CronJob made the workload of its own pod template.
func isRevision(w *migrate.Workload) bool {
	k, _ := inventory.WorkloadKindOf(w.Kind)
	return k.ParentKind != "" && k.ParentKind == w.Owner.Kind
}

// hasWorkload reports whether a namespace of the Plan has a workload, such as the Deployment of a ReplicaSet to patch.
func hasWorkload(ns *migrate.Namespace, ref *migrate.WorkloadRef) bool {
	return slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool { return w.Kind == ref.Kind && w.Name == ref.Name })
}

// whoWouldRevert returns which tool would revert a patch of a workload that is not made at its source; a
// zero message if none would.
func whoWouldRevert(w *migrate.Workload) message.Message {
	m := w.ManagedBy
	if m == nil || m.Tool == "" {
		return message.Message{}
	}
	if m.Tool == "Helm" {
		return message.New("patch-reverted-by-helm", "tool", m.Tool, "source", m.Source)
	}
	return message.New("patch-reverted-by-tool", "tool", m.Tool, "source", m.Source)
}

// whyNameRefused returns why no patch may be written for a workload of this name; a zero message if it is sound. A Plan
// may come from a file, so its names are checked again.
func whyNameRefused(r WorkloadRef) message.Message {
	switch {
	case len(validation.IsDNS1123Label(r.Namespace)) > 0:
		return message.New("patch-refused-namespace-name")
	case strings.HasSuffix(r.Name, "<generated>"):
		return message.New("patch-of-generated-name")
	case len(validation.IsDNS1123Subdomain(r.Name)) > 0:
		return message.New("patch-refused-name")
	}
	return message.Message{}
}
