package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Value is what a PodSecurityPolicy states in one field or annotation: whole, and in the types of the field. The zero
// Value stands for a field that the policy does not state.
type Value struct {
	// Rule of a strategy: MustRunAs, MayRunAs, MustRunAsNonRoot or RunAsAny.
	Rule string `json:"rule,omitempty"`
	// Values are the items of a list (capabilities, volume types, sysctls, drivers, profiles, classes), or one value: "true".
	Values []string `json:"values,omitempty"`
	// Ranges of ids or ports, as the policy lists them. Both ends are included.
	Ranges []pspparse.IDRange `json:"ranges,omitempty"`
	// Paths that hostPath volumes may name.
	Paths []pspparse.AllowedHostPath `json:"paths,omitempty"`
	// SELinux is the label that the policy forces on pods.
	SELinux *pspparse.SELinuxOptions `json:"seLinuxOptions,omitempty"`
	// Default is what runtimeClass gives to pods that name no class.
	Default string `json:"default,omitempty"`
	// Empty is true where the policy allows nothing: its list is empty or absent.
	Empty bool `json:"empty,omitempty"`
}

// values returns the Value of a list, or of one value.
func values(items ...string) Value { return Value{Values: items} }

// valueOrAbsent returns the Value of a text, or for "" that of a field which is not stated.
func valueOrAbsent(text string) Value {
	if text == "" {
		return Value{}
	}
	return values(text)
}

// profileListValue returns the Value of an annotation that lists profiles; an empty list counts as not stated.
func profileListValue(list string) Value {
	if list == "" {
		return Value{}
	}
	return values(pspparse.SplitProfiles(list)...)
}

// compactJSON returns what a template has to state as JSON without spaces.
func compactJSON(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // strings, lists and structs of them always encode
	return strings.TrimSuffix(out.String(), "\n")
}

// TemplateText returns a value that a template has to state, given as compact JSON, as YAML would have it on one line:
// true, [ALL], type: RuntimeDefault. What is no JSON is returned as it is.
func TemplateText(compact string) string {
	decoder := json.NewDecoder(strings.NewReader(compact))
	decoder.UseNumber()
	var items []string
	key, list, object := "", false, false
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		switch token {
		case json.Delim('['):
			list = true
			continue
		case json.Delim('{'):
			object = true
			continue
		case json.Delim(']'), json.Delim('}'):
			continue
		}
		text := fmt.Sprint(token)
		if object && key == "" {
			key = text
			continue
		}
		if object {
			text, key = key+": "+text, ""
		}
		items = append(items, text)
	}
	text := strings.Join(items, ", ")
	switch {
	case len(items) == 0:
		return compact
	case list:
		return "[" + text + "]"
	}
	return text
}

// orEmpty returns the Value, or for a field that is not stated one that allows nothing.
func (v Value) orEmpty() Value {
	if v.isZero() {
		return Value{Empty: true}
	}
	return v
}

func (v Value) isZero() bool {
	return v.Rule == "" && v.Default == "" && !v.Empty && v.SELinux == nil &&
		len(v.Values) == 0 && len(v.Ranges) == 0 && len(v.Paths) == 0
}

// Text returns the value of the named field as one line for a reader. With most above 0 a longer list is cut: its first
// most-1 items and the number of the others. Lists of profiles are annotations: they stand as they are written.
func (v Value) Text(field string, most int) string {
	items := v.items()
	switch {
	case v.Empty:
		return "none"
	case strings.Contains(field, "/"):
		return strings.Join(items, ",")
	}
	text := strings.TrimSpace(v.Rule + " " + joinFirst(items, most))
	if v.Default == "" {
		return text
	}
	if text == "" {
		text = "none"
	}
	return text + ", default " + v.Default
}

// items are the parts of the value that a list of it has, as text.
func (v Value) items() []string {
	items := slices.Clone(v.Values)
	for _, r := range v.Ranges {
		items = append(items, rangeText(r))
	}
	for _, path := range v.Paths {
		text := path.PathPrefix
		if path.ReadOnly {
			text += " (read-only)"
		}
		items = append(items, text)
	}
	if v.SELinux != nil {
		items = append(items, formatSELinuxOptions(*v.SELinux))
	}
	return items
}

func rangeText(r pspparse.IDRange) string {
	if r.Min == r.Max {
		return strconv.FormatInt(r.Min, 10)
	}
	return fmt.Sprintf("%d-%d", r.Min, r.Max)
}

// portRangeValue returns the Value of a list of ports.
func portRangeValue(ranges []pspparse.HostPortRange) Value {
	var v Value
	for _, r := range ranges {
		v.Ranges = append(v.Ranges, pspparse.IDRange{Min: int64(r.Min), Max: int64(r.Max)})
	}
	return v
}

// idStrategyValue returns the Value of a strategy: its rule and, where the rule reads them, its ranges.
func idStrategyValue(s pspparse.IDStrategy) Value {
	if s.Rule == pspparse.RunAsAny || s.Rule == pspparse.MustRunAsNonRoot {
		return Value{Rule: s.Rule}
	}
	return Value{Rule: s.Rule, Ranges: s.Ranges}
}

// joinFirst joins names for a sentence. With most above 0 a longer list is cut: its first most-1 names and the number of
// the others.
func joinFirst(names []string, most int) string {
	if most <= 0 || len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-1], ", ") + fmt.Sprintf(" and %d more", len(names)-most+1)
}
