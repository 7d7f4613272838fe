package exceptions

import (
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// AnnotationPrefix is what the keys of annotations begin with that ask for an exception; the ID of the check follows.
const AnnotationPrefix = "psp2pss.dev/allow."

// nearPrefix is what the keys of annotations begin with, in any case, that were probably meant to ask for an exception.
const nearPrefix = "psp2pss.dev/allow"

// FromAnnotations returns the exceptions that the annotations of one object ask for, sorted by key: "psp2pss.dev/allow.privileged"
// with the value "reads the node's log; until=2027-03-31". Whether one holds is for Apply to say. locate returns the range of the
// annotation with a key in the object's file; it is called for no others.
func FromAnnotations(annotations map[string]string, locate func(key string) finding.Range) []finding.Exception {
	var keys []string
	for key := range annotations {
		if len(key) >= len(nearPrefix) && strings.EqualFold(key[:len(nearPrefix)], nearPrefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var out []finding.Exception
	for _, key := range keys {
		rule, ok := strings.CutPrefix(key, AnnotationPrefix)
		if !ok {
			rule = key
		}
		reason, until := splitValue(annotations[key])
		out = append(out, finding.Exception{
			Rule: rule, Reason: reason, Until: until,
			Field: fieldpath.Keys("metadata", "annotations", key).String(), Range: locate(key),
		})
	}
	return out
}

// untilMark matches where the date begins in the value of an annotation that asks for an exception, or what was meant for one.
var untilMark = regexp.MustCompile(`(?i)(^|;)\s*until\b|\buntil\s*=`)

// splitValue returns the reason and the date in the value of an annotation that asks for an exception: "reason; until=DATE". What
// begins like a date and is none is returned as the date, so that no exception lasts for ever by a slip.
func splitValue(value string) (reason, until string) {
	at := untilMark.FindStringIndex(value)
	if at == nil {
		return strings.TrimSpace(value), ""
	}
	reason, rest := strings.Trim(value[:at[0]], "; \t\n"), strings.Trim(value[at[0]:], "; \t\n")
	if date := strings.TrimPrefix(rest, "until="); date != "" {
		return reason, date
	}
	return reason, rest
}
