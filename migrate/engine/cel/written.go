package cel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/generated"
)

// markWritten says in annotations of a MutatingAdmissionPolicy what of a set's policies it writes by which a pod may need a looser level,
// and the checksum of the whole. So whoever reads it on a cluster knows what it does to pods, unless somebody has changed it by hand.
func markWritten(p *admissionregistrationv1.MutatingAdmissionPolicy, t *engine.Table, s *engine.Set) error {
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	if fields := loosens(t, s); len(fields) > 0 {
		p.Annotations[generated.LoosensAnnotation] = strings.Join(fields, ",")
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("writing %s %q: %w", p.Kind, p.Name, err)
	}
	sum, err := generated.Checksum(text)
	if err != nil {
		return fmt.Errorf("%s %q: %w", p.Kind, p.Name, err)
	}
	p.Annotations[generated.ChecksumAnnotation] = sum
	return nil
}

// loosens returns the fields by which a policy of a set writes something into pods that a level of the Pod Security Standards may refuse
// and that pods without it would not be refused for, sorted.
func loosens(t *engine.Table, s *engine.Set) []string {
	var out []string
	for i := range t.Policies {
		p := &t.Policies[i]
		if !slices.ContainsFunc(s.Alternatives, func(a engine.Alternative) bool { return a.Policy == p.Name }) {
			continue
		}
		for _, c := range p.Constraints {
			if field := loosensBy(c); field != "" {
				out = append(out, field)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// loosensBy returns the field by which a constraint of a policy writes something for which a pod may need a looser level; "" for none.
// An explicit allowPrivilegeEscalation: true is no worse than none at all, and the other IDs but a user's mean nothing to a level.
func loosensBy(c mapping.Constraint) string {
	switch c := c.(type) {
	case mapping.SELinuxLabel:
		accepted := []string{"", "container_t", "container_init_t", "container_kvm_t"} // of every version
		if c.Options.User != "" || c.Options.Role != "" || !slices.Contains(accepted, c.Options.Type) {
			return "seLinux"
		}
	case mapping.IDRanges:
		if c.Field == mapping.RunAsUserField && !c.Optional && c.Default == 0 {
			return mapping.RunAsUserField
		}
	case mapping.Capabilities:
		if slices.ContainsFunc(c.DefaultAdds, func(name string) bool { return name != "NET_BIND_SERVICE" }) {
			return "defaultAddCapabilities"
		}
	case mapping.Profiles:
		confined := c.Default == "" || strings.HasSuffix(c.Default, "/default") || strings.HasPrefix(c.Default, "localhost/")
		if !confined && c.Kind == mapping.SeccompProfiles {
			return pspparse.SeccompDefaultAnnotation
		}
		if !confined {
			return pspparse.AppArmorDefaultAnnotation
		}
	}
	return ""
}
