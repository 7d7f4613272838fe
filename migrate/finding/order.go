package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
)

// Sort sorts findings as a Result has them: by severity (errors first), file, line, column and rule, then by object and message.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return Compare(&a, &b) })
}

// Compare orders two findings as Sort does. One without a place comes first.
func Compare(a, b *Finding) int {
	var p, q Range
	if len(a.Places) > 0 {
		p = a.Places[0].Range
	}
	if len(b.Places) > 0 {
		q = b.Places[0].Range
	}
	return cmp.Or(
		cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)),
		cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Kind, b.Object.Kind),
		cmp.Compare(a.Object.Name, b.Object.Name), cmp.Compare(a.Message, b.Message),
	)
}

// severityRank returns the place of a finding's severity among all, 0 for the worst.
func severityRank(severity string) int {
	switch severity {
	case SeverityError:
		return 0
	case SeverityWarning:
		return 1
	}
	return 2
}

// fingerprintBytes is how much of a hash is kept as a fingerprint.
const fingerprintBytes = 16

// Fingerprint returns what is the same for the same finding in a later commit, whatever moved in the file: a hash of its rule, its
// object, the file and the containers of its places.
func Fingerprint(f *Finding) string {
	parts := []string{f.Rule, f.Object.APIVersion, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Object.Template}
	var containers []string
	for i := range f.Places {
		containers = append(containers, f.Places[i].Container)
	}
	slices.Sort(containers)
	if len(f.Places) > 0 {
		parts = append(parts, path.Clean(strings.ReplaceAll(f.Places[0].File, `\`, "/")))
	}
	sum := sha256.Sum256([]byte(strings.Join(append(parts, slices.Compact(containers)...), "\x00")))
	return hex.EncodeToString(sum[:fingerprintBytes])
}
