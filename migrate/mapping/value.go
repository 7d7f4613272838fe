package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Value is the whole value of one field or annotation of a PodSecurityPolicy, in the types of the field: nothing is shortened.
// The zero Value is a field that the policy does not state.
type Value struct {
	// Rule of an ID, group or SELinux strategy: MustRunAs, MayRunAs, MustRunAsNonRoot, RunAsAny.
	Rule string `json:"rule,omitempty"`
	// Values are the entries of a list (capabilities, volume types, sysctls, drivers, profiles, classes), in the order of the
	// policy; of a boolean ["true"].
	Values []string `json:"values,omitempty"`
	// Ranges of IDs or host ports, in the order of the policy. Both ends are included.
	Ranges []pspparse.IDRange `json:"ranges,omitempty"`
	// Paths that hostPath volumes may name.
	Paths []pspparse.AllowedHostPath `json:"paths,omitempty"`
	// SELinux is the label that the policy demands of pods.
	SELinux *pspparse.SELinuxOptions `json:"seLinuxOptions,omitempty"`
	// Default is the runtime class of pods that name no class.
	Default string `json:"default,omitempty"`
	// Empty is true where the policy allows nothing: its list is empty or absent.
	Empty bool `json:"empty,omitempty"`
}

// isZero reports whether the value is that of a field that the PodSecurityPolicy does not state.
func (v Value) isZero() bool {
	return v.Rule == "" && v.Default == "" && !v.Empty && v.SELinux == nil && len(v.Values) == 0 && len(v.Ranges) == 0 && len(v.Paths) == 0
}

// orEmpty returns the value of a policy's field, or for a field that is not stated the value of a list that allows
// nothing.
func (v Value) orEmpty() Value {
	if v.isZero() {
		return Value{Empty: true}
	}
	return v
}

// Text returns the value of a PodSecurityPolicy's field in one line for people: "MustRunAs 1-65535", "80, 443", "none".
// With most above 0 a longer list is cut: its first most-1 entries and the number of the others. Lists of profiles are
// annotations and stay as they are written. "" for a field that is not stated.
func (v Value) Text(field string, most int) string {
	entries := v.entries()
	switch {
	case v.Empty:
		return "none"
	case strings.Contains(field, "/"):
		return strings.Join(entries, ",")
	}
	text := strings.TrimSpace(v.Rule + " " + joinFirst(entries, most))
	if v.Default == "" {
		return text
	}
	if text == "" {
		text = "none"
	}
	return text + ", default " + v.Default
}

// entries returns the entries of the list in a PodSecurityPolicy's field, as text.
func (v Value) entries() []string {
	entries := slices.Clone(v.Values)
	for _, r := range v.Ranges {
		entries = append(entries, formatRange(r))
	}
	for _, path := range v.Paths {
		entries = append(entries, formatHostPath(path))
	}
	if v.SELinux != nil {
		entries = append(entries, formatSELinuxOptions(*v.SELinux))
	}
	return entries
}

// formatHostPath returns a path that a PodSecurityPolicy allows for people: "/var/log (read-only)".
func formatHostPath(path pspparse.AllowedHostPath) string {
	if path.ReadOnly {
		return path.PathPrefix + " (read-only)"
	}
	return path.PathPrefix
}

// joinFirst joins names of a policy's list for a sentence. With most above 0 a longer list is cut: its first most-1
// names and the number of the others.
func joinFirst(names []string, most int) string {
	if most <= 0 || len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-1], ", ") + fmt.Sprintf(" and %d more", len(names)-most+1)
}

// listValue returns the value of a PodSecurityPolicy's field that is a list of names; zero for an empty list.
func listValue(names []string) Value {
	if len(names) == 0 {
		return Value{}
	}
	return Value{Values: names}
}

// profileListValue returns the value of a PodSecurityPolicy's annotation that lists profiles; zero for an empty list.
func profileListValue(list string) Value {
	if list == "" {
		return Value{}
	}
	return Value{Values: pspparse.SplitProfiles(list)}
}

// textValue returns the value of a PodSecurityPolicy's field that is one text; zero for "".
func textValue(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{Values: []string{text}}
}

// boolValue returns the value of a boolean field of a PodSecurityPolicy.
func boolValue(b bool) Value { return textValue(strconv.FormatBool(b)) }

// strategyValue returns the value of an ID strategy of a PodSecurityPolicy: its rule and, where the rule reads them,
// its ranges.
func strategyValue(s pspparse.IDStrategy) Value {
	if s.Rule == pspparse.RunAsAny || s.Rule == pspparse.MustRunAsNonRoot {
		return Value{Rule: s.Rule}
	}
	return Value{Rule: s.Rule, Ranges: s.Ranges}
}

// compactJSON returns a value that templates have to state after a PodSecurityPolicy as JSON without spaces.
func compactJSON(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // strings, numbers, lists and structs of them always encode
	return strings.TrimSuffix(out.String(), "\n")
}

// TemplateText returns RequiredTemplateValue.Value, a value that templates must state, as YAML in one line: true,
// [ALL], type: RuntimeDefault. A text that is not JSON is returned as it is.
func TemplateText(compact string) string {
	decoder := json.NewDecoder(strings.NewReader(compact))
	decoder.UseNumber()
	var entries []string
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
		entries = append(entries, text)
	}
	text := strings.Join(entries, ", ")
	switch {
	case len(entries) == 0:
		return compact
	case list:
		return "[" + text + "]"
	}
	return text
}
