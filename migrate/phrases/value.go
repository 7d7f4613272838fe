package phrases

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// maxShownEntries bounds how many entries of a list a line of text repeats.
const maxShownEntries = 6

// Value is the value of a field of a PodSecurityPolicy in one line, long lists shortened: "MustRunAs 1-65535", "80, 443". ""
// for an absent field and an empty list.
func Value(v mapping.Value) string {
	entries := append([]string{}, v.Values...)
	for _, r := range v.Ranges {
		if r.Min == r.Max {
			entries = append(entries, fmt.Sprint(r.Min))
			continue
		}
		entries = append(entries, fmt.Sprintf("%d-%d", r.Min, r.Max))
	}
	for _, p := range v.Paths {
		text := p.PathPrefix
		if p.ReadOnly {
			text += " (read-only)"
		}
		entries = append(entries, text)
	}
	entries = append(entries, seLinuxEntries(v)...)
	entries = append(entries, seccompEntries(v)...)
	text := strings.Join(entries, ", ")
	if len(entries) > maxShownEntries {
		text = JoinFirst(entries, maxShownEntries-1)
	}
	if v.Default != "" {
		text = strings.TrimPrefix(text+", default "+v.Default, ", ")
	}
	return strings.TrimSpace(v.Rule + " " + text)
}

// seLinuxEntries are the parts of an SELinux label that are set.
func seLinuxEntries(v mapping.Value) []string {
	if v.SELinux == nil {
		return nil
	}
	var out []string
	for _, part := range [][2]string{{"user", v.SELinux.User}, {"role", v.SELinux.Role}, {"type", v.SELinux.Type}, {"level", v.SELinux.Level}} {
		if part[1] != "" {
			out = append(out, part[0]+": "+part[1])
		}
	}
	if len(out) == 0 {
		return []string{"no label"}
	}
	return out
}

// seccompEntries are the parts of a seccomp profile as a template states them.
func seccompEntries(v mapping.Value) []string {
	if v.SeccompProfile == nil {
		return nil
	}
	out := []string{"type: " + string(v.SeccompProfile.Type)}
	if v.SeccompProfile.LocalhostProfile != nil {
		out = append(out, "localhostProfile: "+*v.SeccompProfile.LocalhostProfile)
	}
	return out
}
