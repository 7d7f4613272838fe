package migrate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/saved"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// checkFieldValues returns an error that names the first field of a saved Plan whose value no plan has: an unknown
// level, basis, action or kind of source, a name that no namespace can have, or a word that a values tag does not list.
// A plan is a file, and anybody may have edited it or written it with another tool. It changes nothing.
func (p *Plan) checkFieldValues() error {
	if err := saved.Check(p, AllowedValues); err != nil {
		return err
	}
	if err := p.checkReferences(); err != nil {
		return err
	}
	if target, err := api.ParseVersion(p.TargetVersion); err == nil {
		if err := CheckTargetVersion(target, p.Source.ServerVersion); err != nil {
			return fmt.Errorf("targetVersion: %w", err)
		}
	}
	if p.Admission != nil {
		if err := p.Admission.Defaults.checkLevels(); err != nil {
			return err.Under("admission.defaults")
		}
	}
	known := map[string]bool{} // the same version stands in all namespaces, and to know the newest one takes time
	for i := range p.Namespaces {
		if err := p.Namespaces[i].checkRecommendedLabels(p.Source.ServerVersion, known); err != nil {
			return err.Under(fmt.Sprintf("namespaces[%d].recommended", i))
		}
	}
	return nil
}

// checkReferences returns what is wrong with the roles and subjects of bindings, and with the conditions of policies; nil if
// nothing is.
func (p *Plan) checkReferences() *saved.FieldError {
	roles := make(map[string]bool, len(p.Roles))
	for i := range p.Roles {
		roles[p.Roles[i].Reference()] = true
	}
	for i := range p.Bindings {
		b := &p.Bindings[i]
		if !roles[b.Role] {
			return &saved.FieldError{Path: fmt.Sprintf("bindings[%d].role", i), Why: fmt.Sprintf("roles has no %q", b.Role)}
		}
		for k, s := range b.Subjects {
			if !s.namesOne() {
				return &saved.FieldError{Path: fmt.Sprintf("bindings[%d].subjects[%d]", i, k), Why: `it needs exactly one of group, user and serviceAccount ("namespace/name")`}
			}
		}
	}
	for i := range p.Policies {
		for k, id := range p.Policies[i].Conditions {
			if !slices.ContainsFunc(p.Policies[i].Checks, func(c PolicyCheck) bool { return c.Check == id }) {
				return &saved.FieldError{Path: fmt.Sprintf("policies[%d].conditions[%d]", i, k), Why: fmt.Sprintf("checks has no %q", id)}
			}
		}
	}
	return nil
}

// namesOne reports whether the subject of a Plan's grant is exactly one: a group, a user or an account.
func (s Subject) namesOne() bool {
	if namespace, name, _ := strings.Cut(s.ServiceAccount, "/"); namespace != "" && name != "" {
		return s == Subject{ServiceAccount: s.ServiceAccount}
	}
	return s.ServiceAccount == "" && (s.Group == "") != (s.User == "")
}

// AllowedValues returns the texts that a type may have in a Plan; nil for a type that may have any.
func AllowedValues(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[api.Level]():
		return levels.Names()
	case reflect.TypeFor[pspparse.Severity]():
		return []string{string(pspparse.Error), string(pspparse.Warning)}
	case reflect.TypeFor[Basis]():
		return []string{string(BasisWorkloads), string(BasisPolicies), string(BasisBoth), string(BasisEmpty), string(BasisOverride)}
	case reflect.TypeFor[Action]():
		return []string{
			string(ActionUnchanged), string(ActionAdd), string(ActionChange), string(ActionLoosen), string(ActionWithheld), string(ActionSkip),
		}
	case reflect.TypeFor[inventory.SourceKind]():
		return []string{
			string(inventory.SourceCluster), string(inventory.SourceFiles), string(inventory.SourceFilesAndCluster),
			string(inventory.SourceSnapshot), string(inventory.SourceDemo),
		}
	}
	return nil
}

// checkLevels returns what is wrong with the levels of a read Plan; nil if nothing is.
func (l *PodSecurityLabels) checkLevels() *saved.FieldError {
	for _, l := range []struct{ name, value string }{{"enforce", l.Enforce}, {"audit", l.Audit}, {"warn", l.Warn}} {
		if _, err := api.ParseLevel(l.value); l.value != "" && err != nil {
			return &saved.FieldError{Path: l.name, Why: fmt.Sprintf("%q is not one of privileged, baseline, restricted", l.value)}
		}
	}
	return nil
}

// checkRecommendedLabels returns what is wrong with the recommended labels. The current ones may have any value: they are
// quoted as they stand on the cluster. A version that nothing has reached is one only where it stands there already. It adds to known
// the versions that are right.
func (ns *Namespace) checkRecommendedLabels(serverVersion string, known map[string]bool) *saved.FieldError {
	rec := &ns.RecommendedLabels
	if err := rec.checkLevels(); err != nil {
		return err
	}
	today := labelsFromPolicy(ns.policyFromLabels())
	for _, l := range []struct{ name, value, today string }{
		{"enforceVersion", rec.EnforceVersion, today.EnforceVersion},
		{"auditVersion", rec.AuditVersion, today.AuditVersion},
		{"warnVersion", rec.WarnVersion, today.WarnVersion},
	} {
		if l.value == "" || l.value == l.today || known[l.value] {
			continue
		}
		version, err := api.ParseVersion(l.value)
		if err != nil {
			return &saved.FieldError{Path: l.name, Why: fmt.Sprintf("%q is not a Kubernetes minor such as v1.25, nor latest", l.value)}
		}
		if err := CheckTargetVersion(version, serverVersion); err != nil {
			return &saved.FieldError{Path: l.name, Why: err.Error()}
		}
		known[l.value] = true
	}
	return nil
}
