package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// exemptUsers warns of the exemption that does less, or more, than it seems to.
func (b *builder) exemptUsers() {
	a := b.opts.Admission
	if a == nil || len(a.Usernames) == 0 {
		return
	}
	b.cautions = append(b.cautions, fmt.Sprintf("the admission configuration exempts users (%s): that covers the pods that they create themselves, not those that controllers make for them; and where a user is a controller, everybody who may create its workloads is exempt", firstOf(a.Usernames, 5)))
}

// configured says what the admission configuration means for a namespace.
func (b *builder) configured(ns *Namespace, labels map[string]string, workloads []inventory.Workload) {
	a := b.opts.Admission
	if a == nil {
		return
	}
	ns.Exempt = slices.Contains(a.Namespaces, ns.Name)
	if !ns.Unread {
		effective := a.effective(labels)
		ns.Effective = &effective
	}
	if ns.Exempt {
		ns.Cautions = append(ns.Cautions, "the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say, and from v1.25 on the server warns where they say other than privileged")
	}
	var exempt []string
	for i := range workloads {
		w := &workloads[i]
		if w.Template != nil && w.Template.Spec.RuntimeClassName != nil && slices.Contains(a.RuntimeClasses, *w.Template.Spec.RuntimeClassName) {
			exempt = append(exempt, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	if len(exempt) > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("the admission configuration exempts the runtime class of %s: those pods are not checked, and count here all the same", firstOf(exempt, 5)))
	}
}

// effective is what the library makes of labels and defaults.
func (a *Admission) effective(labels map[string]string) Labels {
	parse := func(level, version string) api.LevelVersion {
		l, _ := api.ParseLevel(level) // an invalid one becomes restricted, as everywhere in the library
		v, _ := api.ParseVersion(version)
		return api.LevelVersion{Level: l, Version: v}
	}
	d := a.Defaults
	p, _ := api.PolicyToEvaluate(labels, api.Policy{
		Enforce: parse(d.Enforce, d.EnforceVersion), Audit: parse(d.Audit, d.AuditVersion), Warn: parse(d.Warn, d.WarnVersion),
	})
	return Labels{
		Enforce: string(p.Enforce.Level), EnforceVersion: p.Enforce.Version.String(), Audit: string(p.Audit.Level), AuditVersion: p.Audit.Version.String(),
		Warn: string(p.Warn.Level), WarnVersion: p.Warn.Version.String(),
	}
}
