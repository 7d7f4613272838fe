package migrate

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// checkFieldValues returns an error that names the first field of a saved Plan whose value no plan has: an unknown
// level, basis, action or kind of source, a name that no namespace can have, or a word that a values tag does not list.
// A plan is a file, and anybody may have edited it or written it with another tool. It changes nothing.
func (p *Plan) checkFieldValues() error {
	if err := checkPlanValue(reflect.ValueOf(p).Elem(), fieldRules{}); err != nil {
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
			return err.under("admission.defaults")
		}
	}
	for i := range p.Namespaces {
		if err := p.Namespaces[i].checkRecommendedLabels(p.Source.ServerVersion); err != nil {
			return err.under(fmt.Sprintf("namespaces[%d].recommended", i))
		}
	}
	return nil
}

// checkReferences returns what is wrong with the roles and subjects of bindings, and with the conditions of policies; nil if
// nothing is.
func (p *Plan) checkReferences() *planFieldError {
	roles := make(map[string]bool, len(p.Roles))
	for i := range p.Roles {
		roles[p.Roles[i].Reference()] = true
	}
	for i := range p.Bindings {
		b := &p.Bindings[i]
		if !roles[b.Role] {
			return &planFieldError{fmt.Sprintf("bindings[%d].role", i), fmt.Sprintf("roles has no %q", b.Role)}
		}
		for k, s := range b.Subjects {
			if !s.namesOne() {
				return &planFieldError{fmt.Sprintf("bindings[%d].subjects[%d]", i, k), `it needs exactly one of group, user and serviceAccount ("namespace/name")`}
			}
		}
	}
	for i := range p.Policies {
		for k, id := range p.Policies[i].Conditions {
			if !slices.ContainsFunc(p.Policies[i].Checks, func(c PolicyCheck) bool { return c.Check == id }) {
				return &planFieldError{fmt.Sprintf("policies[%d].conditions[%d]", i, k), fmt.Sprintf("checks has no %q", id)}
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

// fieldRules is what is known of the field of a Plan that holds a value: its tags, and whether it may be absent.
type fieldRules struct {
	values, format string
	optional       bool
}

// planFieldError is the error for a value that no saved Plan has, with the path of the field that holds it.
type planFieldError struct{ path, why string }

// Error returns the path of the field in the saved Plan and what is wrong with its value.
func (e *planFieldError) Error() string { return e.path + ": " + e.why }

// under returns the error about a field of a saved Plan with one more step before its path.
func (e *planFieldError) under(step string) *planFieldError {
	switch {
	case e.path == "":
		return &planFieldError{step, e.why}
	case e.path[0] == '[':
		return &planFieldError{step + e.path, e.why}
	}
	return &planFieldError{step + "." + e.path, e.why}
}

// checkPlanValue returns what is wrong with a value of a saved Plan, or with what it holds; nil if nothing is.
func checkPlanValue(v reflect.Value, f fieldRules) *planFieldError {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return checkPlanValue(v.Elem(), f)
		}
	case reflect.Int:
		if v.Int() < 0 {
			return &planFieldError{"", fmt.Sprintf("%d is negative", v.Int())}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[message.Args]() {
			return checkMessageArgs(v.Interface().(message.Args))
		}
		if v.IsNil() && !f.optional {
			return &planFieldError{"", "the list is missing"}
		}
		for i := range v.Len() {
			if err := checkPlanValue(v.Index(i), fieldRules{values: f.values, format: f.format}); err != nil {
				return err.under("[" + strconv.Itoa(i) + "]")
			}
		}
	case reflect.Struct:
		return checkStructFields(v)
	case reflect.String:
		return checkStringValue(v, f)
	}
	return nil
}

// checkStructFields returns what is wrong with the first bad field of a struct of a saved Plan; nil if nothing is.
func checkStructFields(v reflect.Value) *planFieldError {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, tagged := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if err := checkStructFields(v.Field(i)); err != nil {
				return err
			}
		}
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		about := fieldRules{values: f.Tag.Get("values"), format: f.Tag.Get("format"), optional: tagged && strings.HasPrefix(options, "omit")}
		if err := checkPlanValue(v.Field(i), about); err != nil {
			return err.under(name)
		}
	}
	return nil
}

// checkMessageArgs returns what is wrong with the arguments of a read Plan's message.
func checkMessageArgs(args message.Args) *planFieldError {
	name, err := args.Check()
	if err != nil {
		return &planFieldError{name, err.Error()}
	}
	return nil
}

// checkStringValue returns what is wrong with a text in a read Plan, by the values that its type or its field may have.
func checkStringValue(v reflect.Value, f fieldRules) *planFieldError {
	text := v.String()
	if text == "" && f.optional {
		return nil
	}
	if allowed := allowedFieldValues(v.Type(), f); allowed != nil && !slices.Contains(allowed, text) {
		return &planFieldError{"", fmt.Sprintf("%q is not one of %s", text, strings.Join(allowed, ", "))}
	}
	if rule, known := planFormats()[f.format]; known && !rule.pattern.MatchString(text) {
		return &planFieldError{"", fmt.Sprintf("%q is not %s", text, rule.meaning)}
	}
	return nil
}

// planFormat is what a text of a Plan's field with the tag `format` has to match, and what such a text is.
type planFormat struct {
	pattern *regexp.Regexp
	meaning string
}

// planFormats returns the formats by the word of the tag.
var planFormats = sync.OnceValue(func() map[string]planFormat {
	return map[string]planFormat{
		"version":   {regexp.MustCompile(`^(latest|v1\.(0|[1-9][0-9]*))$`), "a Kubernetes minor such as v1.25, nor latest"},
		"name":      {regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[a-z0-9.-]{0,253}<generated>)$`), "a name that an object can have"},
		"namespace": {regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`), "a name that a namespace can have"},
		"kind":      {regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}(\.[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?)?$`), "a name that a kind can have"},
		"id":        {regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), "the id of a message"},
	}
})

// FieldPatterns returns the regular expressions that texts of a Plan match, by the word of the tag `format` of their field.
func FieldPatterns() map[string]string {
	out := map[string]string{}
	for word, f := range planFormats() {
		out[word] = f.pattern.String()
	}
	return out
}

// allowedFieldValues returns the values that a text field of a Plan may have; nil where any text is allowed.
func allowedFieldValues(t reflect.Type, f fieldRules) []string {
	if f.values != "" {
		return strings.Fields(f.values)
	}
	return AllowedValues(t)
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
func (l *PodSecurityLabels) checkLevels() *planFieldError {
	for _, l := range []struct{ name, value string }{{"enforce", l.Enforce}, {"audit", l.Audit}, {"warn", l.Warn}} {
		if _, err := api.ParseLevel(l.value); l.value != "" && err != nil {
			return &planFieldError{l.name, fmt.Sprintf("%q is not one of privileged, baseline, restricted", l.value)}
		}
	}
	return nil
}

// checkRecommendedLabels returns what is wrong with the recommended labels. The current ones may have any value: they are
// quoted as they stand on the cluster. A version that nothing has reached is one only where it stands there already.
func (ns *Namespace) checkRecommendedLabels(serverVersion string) *planFieldError {
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
		if l.value == "" || l.value == l.today {
			continue
		}
		version, err := api.ParseVersion(l.value)
		if err != nil {
			return &planFieldError{l.name, fmt.Sprintf("%q is not a Kubernetes minor such as v1.25, nor latest", l.value)}
		}
		if err := CheckTargetVersion(version, serverVersion); err != nil {
			return &planFieldError{l.name, err.Error()}
		}
	}
	return nil
}
