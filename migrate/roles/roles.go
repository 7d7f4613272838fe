// Package roles owns the RBAC roles that users of this tool need, as manifests to apply: one to read a cluster, two to roll
// out labels. It takes rules and writes YAML with comments that say how to grant the roles. It decides no rule, and it talks to
// no cluster.
package roles

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// role is a Role or ClusterRole in the order in which manifests are written.
type role struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Metadata   metadata            `json:"metadata"`
	Rules      []rbacv1.PolicyRule `json:"rules"`
}

// metadata is the metadata of a role.
type metadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// newRole returns the manifest of a Role or ClusterRole for users of this tool.
func newRole(kind, name, namespace string, rules []rbacv1.PolicyRule) role {
	return role{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind, Metadata: metadata{name, namespace}, Rules: rules}
}

// WriteReader writes the ClusterRole that may read all that the tool reads of a cluster. The rules for stored Helm releases,
// which gate alone reads, are a comment: whoever may list Secrets has all passwords of a cluster. An error is one of writing.
func WriteReader(w io.Writer, reads, helmReleases []rbacv1.PolicyRule) error {
	out := bytes.NewBufferString(`# All that psp2pss reads of a cluster: it gets and lists, and nothing else. Secrets are not among it; see the end.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the role with
#   kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME
`)
	if err := manifest.WriteYAML(out, newRole("ClusterRole", "psp2pss-reader", "", reads)); err != nil {
		return err
	}
	out.WriteString(`# Not needed, and only gate has a use for it: it finds PodSecurityPolicies in stored Helm releases, which are Secrets or
# ConfigMaps. RBAC knows no types of Secrets, so that this lets read all of them. Without it gate does not know, and takes
# somebody's word: --assert=helm-releases-clean. ('clean-helm' gets and updates the two kinds as well.)
`)
	var rules bytes.Buffer
	if err := manifest.WriteYAML(&rules, map[string]any{"rules": helmReleases}); err != nil {
		return err
	}
	_, lines, _ := strings.Cut(rules.String(), "rules:\n")
	for line := range strings.Lines(lines) {
		out.WriteString("#" + line)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// WriteRollout writes the roles that the commands rollout and rollback need for some stages, what plan reads among it. An error
// is one of writing.
func WriteRollout(w io.Writer, reads []rbacv1.PolicyRule, n rollout.PermissionOptions) error {
	rules, lock, namespace := rollout.RBACRules(n, reads)
	out := &bytes.Buffer{}
	fmt.Fprintf(out, `# All that 'rollout --stage %[1]s' needs, and 'rollback' of it: what plan reads, and then what is written.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the roles with
#   kubectl create clusterrolebinding psp2pss-rollout --clusterrole=psp2pss-rollout --user=NAME
#   kubectl create rolebinding psp2pss-rollout -n %[2]s --role=psp2pss-rollout --user=NAME
`, n.StageNames(), namespace)
	if slices.Contains(n.Stages, rollout.StageBypass) {
		out.WriteString(`# The policy of the bypass has another name where a policy of the cluster sorts before it: 'rollout --stage bypass
# --dry-run=client' shows the name. Who may use that policy may run any pod.
`)
	}
	if n.Verify {
		out.WriteString("# --verify creates pods as dry runs only. No role can grant just that: whoever has this one may create pods.\n")
	}
	if err := manifest.WriteYAML(out, newRole("ClusterRole", "psp2pss-rollout", "", slices.Concat(reads, rules)), newRole("Role", "psp2pss-rollout", namespace, lock)); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// WritePolicies writes the roles that the commands rollout and rollback need to install the set of admission policies of some steps. An
// error is one of writing.
func WritePolicies(w io.Writer, steps []rollout.Step) error {
	rules, in := rollout.PolicyRBACRules(steps)
	out := bytes.NewBufferString(`# All that 'rollout --stage policies' needs for this set, and 'rollback' and 'verify' of it. Objects are named where RBAC
# can: a new one has no name yet. Whoever may create such objects may refuse any request. Pods are created as dry runs only,
# to ask whether a policy is in force. No role can grant just that: whoever has these may create pods. Grant the roles with
#   kubectl create clusterrolebinding psp2pss-policies --clusterrole=psp2pss-policies --user=NAME
`)
	documents := []any{newRole("ClusterRole", "psp2pss-policies", "", rules)}
	for _, r := range in {
		fmt.Fprintf(out, "#   kubectl create rolebinding psp2pss-policies -n %s --role=psp2pss-policies --user=NAME\n", r.Namespace)
		documents = append(documents, newRole("Role", "psp2pss-policies", r.Namespace, r.Rules))
	}
	if err := manifest.WriteYAML(out, documents...); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
