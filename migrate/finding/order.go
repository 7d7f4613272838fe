package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
		cmp.Compare(SeverityRank(a.Severity), SeverityRank(b.Severity)),
		cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Kind, b.Object.Kind),
		cmp.Compare(a.Object.Name, b.Object.Name), cmp.Compare(a.Message, b.Message),
	)
}

// SeverityRank returns the place of a finding's severity among all, 0 for the worst. One that is unknown is the least.
func SeverityRank(severity string) int {
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

// SetFingerprints gives each finding what is the same for it in a later commit, whatever moved in the file: a hash of its rule, its
// object, the file and the containers of its places. Findings that are alike in all of these are counted, in their order.
func SetFingerprints(findings []Finding) {
	seen := map[[sha256.Size]byte]int{} // by the hash of what is alike, which is shorter
	var text []byte
	for i := range findings {
		f := &findings[i]
		var containers []string
		file := ""
		for k := range f.Places {
			file = cmp.Or(file, path.Clean(strings.ReplaceAll(f.Places[k].File, `\`, "/")))
			if c := f.Places[k].Container; c != "" {
				containers = append(containers, c)
			}
		}
		slices.Sort(containers)
		text = fmt.Appendf(text[:0], "%q", append([]string{f.Rule, file, f.Object.Template, f.Object.Kind, f.Object.Namespace, f.Object.Name}, slices.Compact(containers)...))
		key := sha256.Sum256(text)
		sum := sha256.Sum256(fmt.Appendf(text, "#%d", seen[key]))
		seen[key]++
		f.Fingerprint = hex.EncodeToString(sum[:fingerprintBytes])
	}
}
