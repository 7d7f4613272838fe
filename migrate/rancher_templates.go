package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// cautionRancherTemplates adds to the Plan cautions on Rancher's PodSecurityAdmissionConfigurationTemplates, with one
// of which the API server may have been configured. They say which cluster uses a template, not whether that is the
// cluster that was read. Nothing is added where an admission configuration was given.
func (b *planBuilder) cautionRancherTemplates() {
	if b.opts.Admission != nil {
		return
	}
	var unusedFiles []message.Message // they come last, whatever the templates are called
	uses, read := map[string][]string{}, map[string]bool{}
	for _, u := range b.inv.AdmissionConfigTemplateUses {
		uses[u.Template] = append(uses[u.Template], u.Cluster)
	}
	add := func(name, enforce string, read bool) {
		b.cautions = append(b.cautions, message.New("rancher-admission-template", "name", name, "unread", !read, "enforce", enforce, "clusters", uses[name]))
	}
	for _, t := range b.inv.AdmissionConfigTemplates {
		if t.ConfigKind != "" {
			unusedFiles = append(unusedFiles, message.New("admission-file-unused", "file", t.Position.File, "line", t.Position.Line, "what", t.ConfigKind, "enforce", t.Enforce))
			continue
		}
		read[t.Name] = true
		if loose := t.Enforce == "" || t.Enforce == string(api.LevelPrivileged); loose && !t.Exempts {
			continue // so is a server that is not configured
		}
		add(t.Name, t.Enforce, true)
	}
	for i, u := range b.inv.AdmissionConfigTemplateUses {
		if !read[u.Template] && (i == 0 || b.inv.AdmissionConfigTemplateUses[i-1].Template != u.Template) {
			add(u.Template, "", false)
		}
	}
	b.cautions = append(b.cautions, unusedFiles...)
}
