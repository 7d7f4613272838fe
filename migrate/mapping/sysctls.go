package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
sysctlsControl is about kernel parameters.

PSP fields: spec.forbiddenSysctls is asked first, then the five sysctls of pspSafeSysctls pass, then
spec.allowedUnsafeSysctls; in both lists a trailing * stands for any rest. The kubelet must allow unsafe ones as well,
so a grant may have no effect on a node.
Check: sysctls (baseline, from v1.0; more names from v1.27, v1.29, v1.32 and v1.37).

	baseline    names in baselineSysctls
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func sysctlsControl() pspControl {
	return pspControl{
		fields: []string{"allowedUnsafeSysctls", "forbiddenSysctls"},
		checks: []registeredCheck{{id: "sysctls", level: api.LevelBaseline, revisions: minorVersions(0, 27, 29, 32, 37)}},
		assess: assessSysctls, constraints: sysctlConstraints,
	}
}

// pspSafeSysctls returns the sysctls that every PodSecurityPolicy admits unless it forbids them: also the standard's
// first list.
func pspSafeSysctls() []string {
	return []string{
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	}
}

// baselineSysctls returns the sysctls of policies that baseline accepts at a version.
func baselineSysctls(v api.Version) []string {
	safe := pspSafeSysctls()
	for _, step := range []struct {
		minor int
		names []string
	}{
		{27, []string{"net.ipv4.ip_local_reserved_ports"}},
		{29, []string{
			"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
			"net.ipv4.tcp_keepalive_probes",
		}},
		{32, []string{"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}},
		{37, []string{"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}},
	} {
		if versionAtLeast(v, step.minor) {
			safe = append(safe, step.names...)
		}
	}
	return safe
}

// sysctlPatterns are the sysctl names of a list of a PodSecurityPolicy or of the standards, and its patterns as
// prefixes without the * at their end.
type sysctlPatterns struct {
	names, prefixes map[string]bool
	lengths         []int // of the prefixes
}

// newSysctlPatterns splits a list of sysctls, of a PodSecurityPolicy or of the standards, into names and patterns.
func newSysctlPatterns(list []string) *sysctlPatterns {
	p := &sysctlPatterns{names: map[string]bool{}, prefixes: map[string]bool{}}
	for _, pattern := range list {
		if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
			p.prefixes[prefix] = true
			p.lengths = append(p.lengths, len(prefix))
		} else {
			p.names[pattern] = true
		}
	}
	slices.Sort(p.lengths)
	p.lengths = slices.Compact(p.lengths)
	return p
}

// covers reports whether the list matches every sysctl name that another list's pattern matches; the pattern may be a
// name.
func (p *sysctlPatterns) covers(pattern string) bool {
	name := strings.TrimSuffix(pattern, "*")
	for _, n := range p.lengths {
		if n <= len(name) && p.prefixes[name[:n]] {
			return true
		}
	}
	return p.names[pattern]
}

// assessSysctls compares the sysctl fields of a PodSecurityPolicy with the standards.
func assessSysctls(p *pspparse.Policy, v api.Version) (f controlResult) {
	forbidden := p.Spec.ForbiddenSysctls
	// Grants that forbiddenSysctls takes back grant nothing.
	grants := slices.DeleteFunc(slices.Clone(p.Spec.AllowedUnsafeSysctls), newSysctlPatterns(forbidden).covers)
	f.checks = []checkStatus{sysctlsCheckStatus(grants, v)}
	f.compareSysctls(p, grants, v)
	f.explainStatedField(p, "allowedUnsafeSysctls", listValue(p.Spec.AllowedUnsafeSysctls),
		message.New("field-allowed-sysctls"))
	f.explainStatedField(p, "forbiddenSysctls", listValue(forbidden),
		message.New("field-forbidden-sysctls"))
	return f
}

// sysctlsCheckStatus returns the status of the check sysctls, by the sysctls that a PodSecurityPolicy grants beside the
// safe ones.
func sysctlsCheckStatus(grants []string, v api.Version) checkStatus {
	out := checkStatus{
		id: "sysctls", status: StatusGuaranteed, fields: []string{"allowedUnsafeSysctls", "forbiddenSysctls"},
		note: message.New("sysctls-accepted"),
	}
	if unsafe := sortedDifference(grants, baselineSysctls(v)); len(unsafe) > 0 {
		out.status, out.values, out.nearestMiss = StatusNotEnsured, unsafe, message.New("miss-sysctls", "sysctls", unsafe)
		out.note = message.New("sysctls-unsafe-admitted", "sysctls", unsafe)
	}
	return out
}

// compareSysctls records the sysctls that a PodSecurityPolicy refuses and the levels accept.
func (f *controlResult) compareSysctls(p *pspparse.Policy, grants []string, v api.Version) {
	forbidden, safe := p.Spec.ForbiddenSysctls, baselineSysctls(v)
	if !slices.Contains(grants, "*") {
		f.recordRefusal("allowedUnsafeSysctls", listValue(p.Spec.AllowedUnsafeSysctls).orEmpty(),
			message.New("lost-sysctls"),
			api.LevelPrivileged)
	}
	if len(forbidden) > 0 {
		f.recordRefusal("forbiddenSysctls", listValue(forbidden), message.New("lost-forbidden-sysctls"),
			api.LevelPrivileged)
	}
	var refused, newer []string
	forbids, granted := newSysctlPatterns(forbidden), newSysctlPatterns(grants)
	for _, name := range safe {
		switch {
		case forbids.covers(name):
			refused = append(refused, name)
		case !slices.Contains(pspSafeSysctls(), name) && !granted.covers(name):
			newer = append(newer, name)
		}
	}
	if len(refused) > 0 {
		f.recordNewlyAdmitted("forbiddenSysctls", listValue(forbidden), refused,
			message.New("lost-forbidden-sysctls-of-level", "sysctls", refused),
			levels.WithChecks()...)
	}
	if len(newer) > 0 {
		f.recordDrift("allowedUnsafeSysctls", listValue(newer), message.New("drift-sysctls"),
			levels.WithChecks()...)
	}
}

// sysctlConstraints returns what a policy's two fields about sysctls demand of pods.
func sysctlConstraints(p *pspparse.Policy) []Constraint {
	if slices.Contains(p.Spec.AllowedUnsafeSysctls, "*") && len(p.Spec.ForbiddenSysctls) == 0 {
		return nil
	}
	return []Constraint{Sysctls{AllowedUnsafe: p.Spec.AllowedUnsafeSysctls, Forbidden: p.Spec.ForbiddenSysctls}}
}
