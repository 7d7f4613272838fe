package mapping

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Value is the whole value of one field or annotation of a PodSecurityPolicy, as data: nothing is shortened or worded. The
// zero value is an absent field or an empty list.
type Value struct {
	// Rule of an ID, group or SELinux strategy: MustRunAs, MayRunAs, MustRunAsNonRoot, RunAsAny.
	Rule string `json:"rule,omitempty"`
	// Values are the entries of a list of names, profiles or patterns, in the order of the policy; of a boolean ["true"].
	Values []string `json:"values,omitempty"`
	// Ranges of IDs or host ports, in the order of the policy.
	Ranges []Range `json:"ranges,omitempty"`
	// Paths of allowedHostPaths.
	Paths []pspparse.AllowedHostPath `json:"paths,omitempty"`
	// SELinux options of seLinux.
	SELinux *pspparse.SELinuxOptions `json:"seLinuxOptions,omitempty"`
	// SeccompProfile that a template has to state.
	SeccompProfile *corev1.SeccompProfile `json:"seccompProfile,omitempty"`
	// Default is runtimeClass.defaultRuntimeClassName.
	Default string `json:"default,omitempty"`
}

// Range of user IDs, group IDs or host ports, inclusive at both ends. An inverted one is empty, as it is to PSP admission.
type Range struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// IsZero reports whether the value is that of an absent field or an empty list.
func (v Value) IsZero() bool {
	return v.Rule == "" && len(v.Values) == 0 && len(v.Ranges) == 0 && len(v.Paths) == 0 && v.SELinux == nil && v.SeccompProfile == nil && v.Default == ""
}

// CompareValues is a total order of values: 0 for equal ones.
func CompareValues(a, b Value) int {
	return cmp.Or(
		cmp.Compare(a.Rule, b.Rule),
		slices.Compare(a.Values, b.Values),
		slices.CompareFunc(a.Ranges, b.Ranges, func(x, y Range) int { return cmp.Or(cmp.Compare(x.Min, y.Min), cmp.Compare(x.Max, y.Max)) }),
		slices.CompareFunc(a.Paths, b.Paths, compareHostPaths),
		slices.Compare(seLinuxParts(a.SELinux), seLinuxParts(b.SELinux)),
		slices.Compare(seccompParts(a.SeccompProfile), seccompParts(b.SeccompProfile)),
		cmp.Compare(a.Default, b.Default),
	)
}

func compareHostPaths(a, b pspparse.AllowedHostPath) int {
	return cmp.Or(cmp.Compare(a.PathPrefix, b.PathPrefix), cmp.Compare(strconv.FormatBool(a.ReadOnly), strconv.FormatBool(b.ReadOnly)))
}

func seLinuxParts(o *pspparse.SELinuxOptions) []string {
	if o == nil {
		return nil
	}
	return []string{o.User, o.Role, o.Type, o.Level}
}

func seccompParts(p *corev1.SeccompProfile) []string {
	switch {
	case p == nil:
		return nil
	case p.LocalhostProfile == nil:
		return []string{string(p.Type)}
	}
	return []string{string(p.Type), *p.LocalhostProfile}
}

// listValue is the value of a field that is a list of names; zero for an empty list.
func listValue(names []string) Value {
	if len(names) == 0 {
		return Value{}
	}
	return Value{Values: names}
}

// textValue is the value of a field that is one text; zero for "".
func textValue(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{Values: []string{text}}
}

// boolValue is the value of a boolean field.
func boolValue(b bool) Value { return textValue(strconv.FormatBool(b)) }

// strategyValue is the value of an ID strategy: its rule and, where the rule reads them, its ranges.
func strategyValue(s pspparse.IDStrategy) Value {
	v := Value{Rule: s.Rule}
	if s.Rule != pspparse.RunAsAny && s.Rule != pspparse.MustRunAsNonRoot && len(s.Ranges) > 0 {
		v.Ranges = idRanges(s.Ranges)
	}
	return v
}
