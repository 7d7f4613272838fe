package gate

import (
	"io"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Managed clusters, whose API servers take no configuration file from their users.
const (
	eks = "EKS"
	gke = "GKE"
	aks = "AKS"
)

// managed names the service that runs the control plane; "" if that is not known. AKS leaves no mark in its version.
func (j *judge) managed() string {
	version := j.plan.Source.ServerVersion
	for _, p := range j.plan.Policies {
		switch {
		case strings.HasPrefix(p.Name, "eks.") && p.Provider:
			return eks
		case strings.HasPrefix(p.Name, "gce.") && p.Provider:
			return gke
		}
	}
	switch {
	case strings.Contains(version, "-eks-"):
		return eks
	case strings.Contains(version, "-gke."):
		return gke
	}
	return ""
}

// written tells the objects that label namespaces which are made from now on.
func (j *judge) written() string {
	var parts []string
	for i := range j.plan.LabelWriters {
		if w := &j.plan.LabelWriters[i]; w.Elsewhere == "" {
			parts = append(parts, w.Object+" "+migrate.NewLabels(w))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; of what was read, " + wording.First(parts, 3)
}

func (j *judge) newNamespaces() {
	how := "label them where they are made, or give every API server the admission configuration that '" + j.tool + " gate -o admission-config' prints"
	if service := j.managed(); service != "" {
		how = service + " takes no admission configuration: label namespaces where they are made, and refuse those without a level by an admission policy of your own"
	}
	if a := j.plan.Admission; a != nil {
		j.exemptControllers(a)
		if a.Defaults.Enforce != string(api.LevelPrivileged) {
			return
		}
		j.unknown(Unknown{
			ID: "new-namespaces", Order: orderNewNamespaces, Assert: NamespacesReady, How: how,
			Why: "which level a namespace gets that is made from now on: the admission configuration lets everything in by default" + j.written(),
		})
		return
	}
	j.unknown(Unknown{
		ID: "new-namespaces", Order: orderNewNamespaces, Assert: NamespacesReady,
		Why: "which level a namespace gets that is made from now on, and what the API server exempts: its admission configuration is not served by the API, and without one everything is let in" + j.written(),
		How: how,
	})
}

// exemptControllers finds exemptions that leave all pods of some kinds of workload unchecked.
func (j *judge) exemptControllers(a *migrate.Admission) {
	users := a.ExemptControllers()
	if len(users) == 0 {
		return
	}
	j.fail(Reason{
		ID: "controllers-exempt", Order: orderNewNamespaces, Where: users,
		What: "the admission configuration exempts users that create pods for everybody: without policies nothing checks those",
		How:  "label the namespaces as their workloads need, then take the users out of exemptions.usernames of every API server's admission configuration",
	})
}

// AdmissionConfig writes the file for --admission-control-config-file that gives namespaces without labels a level: the
// strict one to be warned by, and baseline enforced. Every release to upgrade to reads its v1; v1.23 and v1.24 read v1beta1.
func AdmissionConfig(w io.Writer, r *Result) error {
	type defaults struct {
		Enforce        string `json:"enforce"`
		EnforceVersion string `json:"enforce-version"`
		Audit          string `json:"audit"`
		AuditVersion   string `json:"audit-version"`
		Warn           string `json:"warn"`
		WarnVersion    string `json:"warn-version"`
	}
	type exemptions struct {
		Usernames      []string `json:"usernames"`
		RuntimeClasses []string `json:"runtimeClasses"`
		Namespaces     []string `json:"namespaces"`
	}
	type configuration struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Defaults   defaults   `json:"defaults"`
		Exemptions exemptions `json:"exemptions"`
	}
	type plugin struct {
		Name          string        `json:"name"`
		Configuration configuration `json:"configuration"`
	}
	type admission struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Plugins    []plugin `json:"plugins"`
	}
	return manifest.Write(w, admission{
		APIVersion: "apiserver.config.k8s.io/v1", Kind: "AdmissionConfiguration",
		Plugins: []plugin{{Name: "PodSecurity", Configuration: configuration{
			APIVersion: "pod-security.admission.config.k8s.io/v1", Kind: "PodSecurityConfiguration",
			Defaults: defaults{
				Enforce: string(api.LevelBaseline), EnforceVersion: r.TargetVersion,
				Audit: string(api.LevelRestricted), AuditVersion: r.TargetVersion, Warn: string(api.LevelRestricted), WarnVersion: r.TargetVersion,
			},
			Exemptions: exemptions{Usernames: []string{}, RuntimeClasses: []string{}, Namespaces: []string{"kube-system"}},
		}}},
	})
}
