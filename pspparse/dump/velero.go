package dump

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// The layout is that of vmware-tanzu/velero: pkg/backup/item_backupper.go and pkg/archive; site/content/docs/main/output-file-format.md.

// VeleroBackupFile is the file that lies beside a Velero backup in its bucket, and says what was asked for.
const VeleroBackupFile = "velero-backup.json"

// veleroBackup is what is read of that file.
type veleroBackup struct {
	Spec struct {
		IncludedNamespaces      []string        `json:"includedNamespaces"`
		ExcludedNamespaces      []string        `json:"excludedNamespaces"`
		IncludedResources       []string        `json:"includedResources"`
		ExcludedResources       []string        `json:"excludedResources"`
		IncludeClusterResources *bool           `json:"includeClusterResources"`
		IncludedClusterScoped   []string        `json:"includedClusterScopedResources"`
		ExcludedClusterScoped   []string        `json:"excludedClusterScopedResources"`
		IncludedNamespaceScoped []string        `json:"includedNamespaceScopedResources"`
		ExcludedNamespaceScoped []string        `json:"excludedNamespaceScopedResources"`
		LabelSelector           json.RawMessage `json:"labelSelector"`
		OrLabelSelectors        json.RawMessage `json:"orLabelSelectors"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

// SetVeleroBackup takes the content of a VeleroBackupFile. One that cannot be decoded is as none.
func (l *Layout) SetVeleroBackup(data []byte) {
	var b veleroBackup
	if json.Unmarshal(data, &b) == nil {
		l.backup = &b
	}
}

// veleroEntry says what to do with an entry of a Velero backup. Since format 1.1 each object is there twice, below its version, too.
func (l *Layout) veleroEntry(parts []string) Action {
	if len(parts) < 4 || parts[0] != "resources" || !isObjectFile(parts[len(parts)-1]) {
		return Action{}
	}
	resource, group, _ := strings.Cut(parts[1], ".")
	if group == "" && resource == "secrets" {
		return Action{Verb: SkipSecret}
	}
	scope := parts[2:]
	versioned := scope[0] != "cluster" && scope[0] != "namespaces"
	if versioned {
		scope = scope[1:]
	}
	if len(scope) == 2 && scope[0] != "cluster" || len(scope) == 3 && scope[0] != "namespaces" || len(scope) < 2 || len(scope) > 3 {
		return Action{}
	}
	key := parts[1] + "/" + strings.Join(scope, "/")
	if versioned && l.unversioned[key] {
		return Action{}
	}
	a := l.resource(group, resource)
	if a.Verb != Read {
		return a
	}
	l.unversioned[key] = l.unversioned[key] || !versioned
	if resource == "clusterroles" && withoutExtension(scope[1]) == "cluster-admin" {
		l.builtInRoles = true
	}
	return Action{Verb: Read}
}

// veleroGaps returns what a filter or a failure has left out of a Velero backup.
func (l *Layout) veleroGaps(elsewhere func(kind string) bool) []inventory.Gap {
	var out []inventory.Gap
	all := []string{inventory.AllNamespaces}
	filtered := func(why string, part inventory.GapPart) {
		out = append(out, inventory.Gap{Why: message.New("dump-filtered", "reason", why), Namespaces: all, Affects: part})
	}
	whole := func(in []string) bool { return len(in) == 0 || slices.Contains(in, "*") }
	b := l.backup
	switch {
	case b == nil && !l.builtInRoles && l.has(resourceKind{group: "rbac.authorization.k8s.io", resource: "clusterroles"}):
		if !elsewhere("ClusterRole") {
			filtered("the built-in cluster roles are not in it, so a filter has left out grants to groups", inventory.PartGrants)
		}
		if !elsewhere("PodSecurityPolicy") && !l.has(resourceKind{group: "policy", resource: "podsecuritypolicies"}) {
			filtered("it may have left out the PodSecurityPolicies as well", inventory.PartPolicies)
		}
	case b == nil && !l.builtInRoles && !l.has(resourceKind{group: "policy", resource: "podsecuritypolicies"}) && !elsewhere("PodSecurityPolicy"):
		filtered("nothing shows that PodSecurityPolicies were asked for", inventory.PartPolicies)
	case b == nil:
	default:
		if !whole(b.Spec.IncludedNamespaces) || len(b.Spec.ExcludedNamespaces) > 0 {
			out = append(out, inventory.Gap{Why: message.New("dump-of-some-namespaces", "tool", string(Velero))})
			filtered("a backup of some namespaces has no grants to groups", inventory.PartGrants)
		}
		if !whole(b.Spec.IncludedResources) || !whole(b.Spec.IncludedNamespaceScoped) || len(b.Spec.ExcludedResources)+len(b.Spec.ExcludedNamespaceScoped) > 0 {
			filtered("resources were chosen", "")
		}
		if b.Spec.IncludeClusterResources != nil && !*b.Spec.IncludeClusterResources || !whole(b.Spec.IncludedClusterScoped) || len(b.Spec.ExcludedClusterScoped) > 0 {
			filtered("cluster-wide resources were left out", "")
		}
		if isSet(b.Spec.LabelSelector) || isSet(b.Spec.OrLabelSelectors) {
			filtered("objects were chosen by their labels", "")
		}
		if b.Status.Phase != "" && b.Status.Phase != "Completed" {
			out = append(out, inventory.Gap{Why: message.New("dump-not-completed", "found", b.Status.Phase), Namespaces: all})
		}
	}
	return out
}

// isSet reports whether a field of a Velero backup is there and not null.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
