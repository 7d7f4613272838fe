package cmd

import (
	"bytes"
	"io"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

const printRoleFlag = "print-role"

// readerRole is the ClusterRole in the order in which manifests are written.
type readerRole struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Rules []rbacv1.PolicyRule `json:"rules"`
}

// printRole writes the ClusterRole with which a reading has no gaps. What gate needs more, for stored Helm releases, is a
// comment: whoever may list Secrets has all passwords of a cluster.
func printRole(w io.Writer) error {
	const head = `# All that psp2pss reads of a cluster: it gets and lists, and nothing else. Secrets are not among it; see the end. Grant it with
#   kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME
`
	role := readerRole{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole", Rules: cluster.Rules()}
	role.Metadata.Name = "psp2pss-reader"
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	if err := manifest.Write(w, role); err != nil {
		return err
	}
	return printReleaseRules(w)
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
