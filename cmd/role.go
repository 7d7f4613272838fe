package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

// printRoleFlag prints the RBAC roles that a command needs.
const printRoleFlag = "print-role"

// rbacRole is the Role or ClusterRole that --print-role prints, with its fields in the order of manifests.
type rbacRole struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Metadata   rbacMetadata        `json:"metadata"`
	Rules      []rbacv1.PolicyRule `json:"rules"`
}

// rbacMetadata is the metadata of an RBAC role that --print-role prints.
type rbacMetadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// newRBACRole returns the Role or ClusterRole with these rules for --print-role.
func newRBACRole(kind, name, namespace string, rules []rbacv1.PolicyRule) rbacRole {
	return rbacRole{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind, Metadata: rbacMetadata{name, namespace}, Rules: rules}
}

// readerRules returns the RBAC rules for what the tool reads of a cluster.
func readerRules(src *SourceOptions) []rbacv1.PolicyRule {
	if src.SkipCustomResources {
		return cluster.CoreReadRules()
	}
	return cluster.ReadRules()
}

// printReaderRole writes the ClusterRole that may read all that the tool reads of a cluster. What gate needs more, for stored Helm releases, is a
// comment: whoever may list Secrets has all passwords of a cluster.
func printReaderRole(w io.Writer, src *SourceOptions) error {
	const head = `# All that psp2pss reads of a cluster: it gets and lists, and nothing else. Secrets are not among it; see the end.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the role with
#   kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME
`
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	if err := manifest.WriteYAML(w, newRBACRole("ClusterRole", "psp2pss-reader", "", readerRules(src))); err != nil {
		return err
	}
	return printHelmReleaseRules(w)
}

// printRolloutRole writes the RBAC roles that the commands rollout and rollback need for some stages.
func printRolloutRole(w io.Writer, src *SourceOptions, n rollout.PermissionOptions) error {
	reads := readerRules(src)
	rules, lock, namespace := rollout.RBACRules(n, reads)
	head := fmt.Sprintf(`# All that 'rollout --stage %[1]s' needs, and 'rollback' of it: what plan reads, and then what is written.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the roles with
#   kubectl create clusterrolebinding psp2pss-rollout --clusterrole=psp2pss-rollout --user=NAME
#   kubectl create rolebinding psp2pss-rollout -n %[2]s --role=psp2pss-rollout --user=NAME
`, joinStages(n.Stages), namespace)
	if slices.Contains(n.Stages, rollout.StageBypass) {
		head += `# The policy of the bypass has another name where a policy of the cluster sorts before it: 'rollout --stage bypass
# --dry-run=client' shows the name. Who may use that policy may run any pod.
`
	}
	if n.Verify {
		head += "# --verify creates pods as dry runs only. No role can grant just that: whoever has this one may create pods.\n"
	}
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	return manifest.WriteYAML(w, newRBACRole("ClusterRole", "psp2pss-rollout", "", slices.Concat(reads, rules)), newRBACRole("Role", "psp2pss-rollout", namespace, lock))
}

// joinStages joins roll-out stages with commas, in the form of the flag --stage.
func joinStages(stages []rollout.Stage) string {
	if len(stages) == 0 {
		return string(rollout.StageObserve)
	}
	var names []string
	for _, s := range stages {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}

// checkPermissions returns an error where the API server says that this user may not take all roll-out steps, or take them back. Where
// it does not say, a warning is printed.
func (o *rolloutOptions) checkPermissions(ctx context.Context, client dynamic.Interface, steps []rollout.Step) error {
	n := rollout.PermissionOptions{Recheck: !o.Decide.AllowPartial, Verify: o.Verify.Asked}
	missing, err := rollout.MissingPermissions(ctx, client, rollout.RequiredPermissions(steps, n))
	if err != nil {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: whether this user has all rights for the roll-out and its rollback is not known: %s\n", escape.Terminal(err.Error()))
		return ctx.Err()
	}
	if len(missing) == 0 {
		return nil
	}
	text := "this user lacks rights that the roll-out or its rollback needs, and it is not begun:"
	for _, r := range missing {
		text += "\n" + r.String()
	}
	for _, s := range rollout.Stages() {
		if slices.ContainsFunc(steps, func(step rollout.Step) bool { return step.Stage == s }) {
			n.Stages = append(n.Stages, s)
		}
	}
	advice := fmt.Sprintf("a role that has them: %s rollout --%s --stage %s", o.deps.ToolName, printRoleFlag, joinStages(n.Stages))
	if n.Verify {
		advice += " --verify"
	}
	return errorWithAdvice{errors.New(text), advice}
}

// printHelmReleaseRules writes, as comments, the RBAC rules for reading stored Helm releases.
func printHelmReleaseRules(w io.Writer) error {
	var rules bytes.Buffer
	if err := manifest.WriteYAML(&rules, map[string]any{"rules": cluster.HelmReleaseRules()}); err != nil {
		return err
	}
	out := bytes.NewBufferString(`# Not needed, and only gate has a use for it: it finds PodSecurityPolicies in stored Helm releases, which are Secrets or
# ConfigMaps. RBAC knows no types of Secrets, so that this lets read all of them. Without it gate does not know, and takes
# somebody's word: --assert=helm-releases-clean. ('clean-helm' gets and updates the two kinds as well.)
`)
	_, lines, _ := strings.Cut(rules.String(), "rules:\n")
	for line := range strings.Lines(lines) {
		out.WriteString("#" + line)
	}
	_, err := w.Write(out.Bytes())
	return err
}
