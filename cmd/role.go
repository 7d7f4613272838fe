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

const printRoleFlag = "print-role"

// role is a Role or ClusterRole in the order in which manifests are written.
type role struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Metadata   roleName            `json:"metadata"`
	Rules      []rbacv1.PolicyRule `json:"rules"`
}

type roleName struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

func newRole(kind, name, namespace string, rules []rbacv1.PolicyRule) role {
	return role{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind, Metadata: roleName{name, namespace}, Rules: rules}
}

// reading are the rules for what is read.
func reading(src *SourceOptions) []rbacv1.PolicyRule {
	if src.WithoutCustom {
		return cluster.CoreRules()
	}
	return cluster.Rules()
}

// printRole writes the ClusterRole with which a reading has no gaps. What gate needs more, for stored Helm releases, is a
// comment: whoever may list Secrets has all passwords of a cluster.
func printRole(w io.Writer, src *SourceOptions) error {
	const head = `# All that psp2pss reads of a cluster: it gets and lists, and nothing else. Secrets are not among it; see the end.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the role with
#   kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME
`
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	if err := manifest.Write(w, newRole("ClusterRole", "psp2pss-reader", "", reading(src))); err != nil {
		return err
	}
	return printReleaseRules(w)
}

// printRolloutRole writes the roles with which rollout goes through the stages, and rollback comes back.
func printRolloutRole(w io.Writer, src *SourceOptions, n rollout.Needs) error {
	reads := reading(src)
	rules, lock, namespace := rollout.Rules(n, reads)
	head := fmt.Sprintf(`# All that 'rollout --stage %[1]s' needs, and 'rollback' of it: what plan reads, and then what is written.
# Kinds that the cluster does not serve are among it: a rule for one grants nothing. Grant the roles with
#   kubectl create clusterrolebinding psp2pss-rollout --clusterrole=psp2pss-rollout --user=NAME
#   kubectl create rolebinding psp2pss-rollout -n %[2]s --role=psp2pss-rollout --user=NAME
`, stageList(n.Stages), namespace)
	if slices.Contains(n.Stages, rollout.Bypass) {
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
	return manifest.Write(w, newRole("ClusterRole", "psp2pss-rollout", "", slices.Concat(reads, rules)), newRole("Role", "psp2pss-rollout", namespace, lock))
}

func stageList(stages []rollout.Stage) string {
	if len(stages) == 0 {
		return string(rollout.Observe)
	}
	var names []string
	for _, s := range stages {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}

// checkRights refuses to begin where the server says that this user may not do all of the steps, or not take them back. Where
// it does not say, that is told, and no reason not to begin.
func (o *rolloutOptions) checkRights(ctx context.Context, client dynamic.Interface, steps []rollout.Step) error {
	n := rollout.Needs{Recheck: !o.Decide.AllowPartial, Verify: o.Verify.Asked}
	missing, err := rollout.Missing(ctx, client, rollout.RightsOf(steps, n))
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
	advice := fmt.Sprintf("a role that has them: %s rollout --%s --stage %s", o.deps.Name, printRoleFlag, stageList(n.Stages))
	if n.Verify {
		advice += " --verify"
	}
	return advisedError{errors.New(text), advice}
}

// printReleaseRules continues the rules of the role, once the lines are no comments any more.
func printReleaseRules(w io.Writer) error {
	var rules bytes.Buffer
	if err := manifest.Write(&rules, map[string]any{"rules": cluster.ReleaseRules()}); err != nil {
		return err
	}
	out := bytes.NewBufferString(`# Not needed, and only gate has a use for it: it finds PodSecurityPolicies in stored Helm releases, which are Secrets or
# ConfigMaps. RBAC knows no types of Secrets, so that this lets read all of them. Without it gate could not tell, and takes
# somebody's word: --assert=helm-releases-clean. (--clean-helm gets and updates the two kinds as well.)
`)
	_, lines, _ := strings.Cut(rules.String(), "rules:\n")
	for line := range strings.Lines(lines) {
		out.WriteString("#" + line)
	}
	_, err := w.Write(out.Bytes())
	return err
}
