package redact

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// patternNames are the names of an inventory that patterns of admission rules may match, sorted.
type patternNames struct{ namespaces, workloads []string }

// newPatternNames returns the names of namespaces and workloads of an inventory.
func newPatternNames(inv *inventory.Inventory) patternNames {
	var out patternNames
	for i := range inv.Namespaces {
		out.namespaces = append(out.namespaces, inv.Namespaces[i].Name)
	}
	for i := range inv.Workloads {
		out.workloads = append(out.workloads, inv.Workloads[i].Name)
	}
	slices.Sort(out.workloads)
	out.workloads = slices.Compact(out.workloads)
	return out
}

// expandPatterns puts in the place of each pattern with a wildcard the names that it matches: of a name with a pseudonym nothing is left that
// a pattern could match. One that matches everything stays.
func (n *patternNames) expandPatterns(rules []inventory.AdmissionRule) []inventory.AdmissionRule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Scopes = n.expandScopes(out[i].Scopes)
		out[i].ExceptScopes = n.expandScopes(out[i].ExceptScopes)
	}
	return out
}

// expandScopes is expandPatterns for the scopes of one admission rule.
func (n *patternNames) expandScopes(scopes []inventory.AdmissionScope) []inventory.AdmissionScope {
	out := slices.Clone(scopes)
	for i := range out {
		out[i].Namespaces = expandEach(out[i].Namespaces, n.namespaces)
		out[i].Names = expandEach(out[i].Names, n.workloads)
	}
	return out
}

// expandEach returns a list of patterns of an admission rule with the names that they match; a pattern that matches none stays.
func expandEach(patterns, names []string) []string {
	var out []string
	for _, pattern := range patterns {
		if pattern == "*" || !strings.ContainsAny(pattern, "*?") {
			out = append(out, pattern)
			continue
		}
		before := len(out)
		for _, name := range names {
			if migrate.MatchesGlob(pattern, name) {
				out = append(out, name)
			}
		}
		if len(out) == before {
			out = append(out, pattern)
		}
	}
	return out
}

// resourceName returns a name that an RBAC rule is about in the redacted inventory: that of a policy, unless the rule is not about
// policies, but about namespaces.
func (r *redactor) resourceName(rule *rbacv1.PolicyRule, name string) string {
	if !slices.Contains(rule.Resources, "podsecuritypolicies") && slices.Contains(rule.Resources, "namespaces") {
		return r.name(prefixNamespace, name)
	}
	return r.name(prefixPolicy, name)
}

// fieldManager returns the manager of a field in the redacted inventory. Those of Kubernetes' own programs stay, and that it is a kubectl.
func (r *redactor) fieldManager(name string) string {
	const kubectl = "kubectl"
	known := []string{
		"psp2pss", "before-first-apply", "pod-security-admission-label-synchronization-controller", "kube-controller-manager", "kube-apiserver", "helm", "argocd-controller",
		kubectl, "kubectl-client-side-apply", "kubectl-edit", "kubectl-create", "kubectl-label", "kubectl-annotate", "kubectl-patch", "kubectl-replace", "kubectl-last-applied", "kubectl.exe",
	}
	if slices.Contains(known, name) {
		return name
	}
	if rest, ok := strings.CutPrefix(name, kubectl); ok {
		return kubectl + "-" + r.key.pseudonym(prefixText, rest)
	}
	return r.text(name)
}

// listedResource returns a resource with its group in the redacted inventory.
func (r *redactor) listedResource(name string) string {
	if resource, group, _ := strings.Cut(name, "."); isKnownGroup(group) && !isAddress(resource) {
		return name
	}
	return r.key.pseudonym(prefixValue, name)
}

// namespacePattern returns a pattern of names of namespaces in the redacted inventory.
func (r *redactor) namespacePattern(pattern string) string { return r.name(prefixNamespace, pattern) }

// workloadPattern returns a pattern of names of workloads in the redacted inventory.
func (r *redactor) workloadPattern(pattern string) string { return r.workload(pattern) }

// isTokenVolume reports whether a volume is that of the token which the API server adds to pods: each has the same name in an inventory.
func isTokenVolume(name string) bool {
	return name == podspec.ServiceAccountTokenVolumePrefix+"xxxxx" || name == "default-token-xxxxx"
}

// isTokenBundle reports whether a text is one by which the API server knows the token that it adds to pods.
func isTokenBundle(text string) bool {
	return slices.Contains([]string{podspec.ServiceAccountTokenMountPath, "token", "ca.crt", "kube-root-ca.crt", "namespace", "v1", "metadata.namespace"}, text)
}
