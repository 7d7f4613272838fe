package migrate

import (
	"fmt"
	"strconv"

	"k8s.io/pod-security-admission/api"
)

// cautionRancherTemplates names what Rancher may have configured the API server with, where the caller has not said with what it
// is. It says which cluster is given it; whether that is this one, nothing tells.
func (b *planBuilder) cautionRancherTemplates() {
	if b.opts.Admission != nil {
		return
	}
	uses, read := map[string][]string{}, map[string]bool{}
	for _, u := range b.inv.AdmissionConfigTemplateUses {
		uses[u.Template] = append(uses[u.Template], strconv.Quote(u.Cluster))
	}
	tell := func(name, what string) {
		who := "no cluster that was read uses it"
		if clusters := uses[name]; len(clusters) > 0 {
			who = "the cluster " + joinFirst(clusters, 3) + " uses it"
			if len(clusters) > 1 {
				who = "the clusters " + joinFirst(clusters, 3) + " use it"
			}
		}
		b.cautions = append(b.cautions, fmt.Sprintf("Rancher's PodSecurityAdmissionConfigurationTemplate %q%s may be what this cluster enforces where there is no label, and what it exempts: %s; if this one does, give its file to --admission-config, for it counts for nothing here", name, what, who))
	}
	for _, t := range b.inv.AdmissionConfigTemplates {
		if t.ConfigKind != "" {
			b.cautions = append(b.cautions, fmt.Sprintf("%s:%d: the %s (enforce %q) may be what this cluster enforces where there is no label, and what it exempts: if it is, give the file to --admission-config, for it counts for nothing here", t.Position.File, t.Position.Line, t.ConfigKind, t.Enforce))
			continue
		}
		read[t.Name] = true
		if loose := t.Enforce == "" || t.Enforce == string(api.LevelPrivileged); loose && !t.Exempts {
			continue // so is a server that is not configured
		}
		tell(t.Name, fmt.Sprintf(" (enforce %q)", t.Enforce))
	}
	for i, u := range b.inv.AdmissionConfigTemplateUses {
		if !read[u.Template] && (i == 0 || b.inv.AdmissionConfigTemplateUses[i-1].Template != u.Template) {
			tell(u.Template, ", which was not read,")
		}
	}
}
