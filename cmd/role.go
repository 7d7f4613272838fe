package cmd

import (
	"io"

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

// printRole writes the ClusterRole with which a reading has no gaps.
func printRole(w io.Writer) error {
	const head = `# All that psp2pss reads of a cluster: it gets and lists, and nothing else. Secrets are not among it. Grant it with
#   kubectl create clusterrolebinding psp2pss-reader --clusterrole=psp2pss-reader --user=NAME
`
	role := readerRole{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole", Rules: cluster.Rules()}
	role.Metadata.Name = "psp2pss-reader"
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	return manifest.Write(w, role)
}
