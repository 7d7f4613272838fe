package pspparse

import (
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// addPolicyAdvice adds a Warning for each field of a PodSecurityPolicy that the API server accepts and that does not do
// what it seems to say.
func addPolicyAdvice(p *Policy, found *problemList) {
	a := &policyAdviser{policy: p, problems: found}
	for _, r := range p.unusableReasons() {
		if !r.refusedByAPI {
			a.warn(r.field, r.message("", true))
		}
	}
	a.hostPorts()
	a.incompleteRanges("spec.runAsUser.ranges", len(p.Spec.RunAsUser.Ranges))
	if p.Spec.RunAsGroup != nil {
		a.incompleteRanges("spec.runAsGroup.ranges", len(p.Spec.RunAsGroup.Ranges))
	}
	a.incompleteRanges("spec.supplementalGroups.ranges", len(p.Spec.SupplementalGroups.Ranges))
	a.incompleteRanges("spec.fsGroup.ranges", len(p.Spec.FSGroup.Ranges))
	a.incompleteRanges("spec.hostPorts", len(p.Spec.HostPorts))
	a.capabilities("spec.allowedCapabilities", p.Spec.AllowedCapabilities)
	a.capabilities("spec.defaultAddCapabilities", p.Spec.DefaultAddCapabilities)
	a.capabilities("spec.requiredDropCapabilities", p.Spec.RequiredDropCapabilities)
	a.hostPaths()
}

// policyAdviser adds Warnings to the Problems of one parsed PodSecurityPolicy.
type policyAdviser struct {
	policy   *Policy
	problems *problemList
}

// warn adds a Warning to the Problems of the PodSecurityPolicy that is parsed.
func (a *policyAdviser) warn(field string, msg message.Message) {
	a.problems.add(Problem{Severity: Warning, Field: field, Line: a.policy.Line(field), Message: msg})
}

// hostPorts warns of hostPorts ranges of a PodSecurityPolicy that are inverted or hold no port. The API server takes
// any pair of numbers, and admission compares ports with them as they are.
func (a *policyAdviser) hostPorts() {
	const greatest = 65535
	for i, r := range a.policy.Spec.HostPorts {
		at := indexPath("spec.hostPorts", i)
		switch {
		case r.Min > r.Max:
			a.warn(at, message.New("psp-port-range-inverted"))
		case r.Min > greatest || r.Max < 0:
			a.warn(at, message.New("psp-port-range-empty"))
		case r.Min < 0 || r.Max > greatest:
			a.warn(at, message.New("psp-port-range-beyond"))
		}
	}
}

// incompleteRanges warns of the ranges of a PodSecurityPolicy's field that lack an end. A range without a min begins at
// 0, which is root.
func (a *policyAdviser) incompleteRanges(field string, n int) {
	for i := range n {
		at := indexPath(field, i)
		for _, end := range []string{".min", ".max"} {
			if _, ok := a.policy.Lines[at+end]; !ok {
				a.warn(at+end, message.New("psp-range-end-missing"))
			}
		}
	}
}

// capabilities warns of capabilities of a PodSecurityPolicy in an unusual spelling, since admission compares names
// letter by letter.
func (a *policyAdviser) capabilities(field string, list []string) {
	names := stringSet(list)
	for i, c := range list {
		at := indexPath(field, i)
		usual := strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		switch {
		case c == "":
			a.warn(at, message.New("psp-capability-empty"))
		case c == usual:
		case names[usual]:
			// Both spellings are there: someone knew.
		default:
			a.warn(at, message.New("psp-capability-spelling", "capability", c, "usual", usual))
		}
	}
}

// hostPaths warns of host path prefixes of a PodSecurityPolicy that are relative, since admission compares them as text
// with the pod's path, which is absolute.
func (a *policyAdviser) hostPaths() {
	for i, h := range a.policy.Spec.AllowedHostPaths {
		if p := h.PathPrefix; p != "" && !strings.HasPrefix(p, "/") && !isWindowsPath(p) {
			a.warn(indexPath("spec.allowedHostPaths", i)+".pathPrefix",
				message.New("psp-path-relative", "path", p))
		}
	}
}

// isWindowsPath reports whether a host path prefix of a PodSecurityPolicy is an absolute path of Windows.
func isWindowsPath(p string) bool {
	return strings.HasPrefix(p, `\\`) ||
		len(p) >= 2 && p[1] == ':' && ('a' <= p[0] && p[0] <= 'z' || 'A' <= p[0] && p[0] <= 'Z')
}
