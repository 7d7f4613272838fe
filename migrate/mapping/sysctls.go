package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Kernel parameters.

PSP fields: spec.forbiddenSysctls is asked first, then the five sysctls of pspSafeSysctls pass, then
spec.allowedUnsafeSysctls; in both lists a trailing * stands for any rest. The kubelet must allow unsafe ones as well,
so a grant may be dead on a given node.
Check: sysctls (baseline, from v1.0; more names from v1.27, v1.29, v1.32 and v1.37).

	baseline    names in safeSysctls
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func sysctls() control {
	return control{
		fields: []string{"allowedUnsafeSysctls", "forbiddenSysctls"},
		checks: []check{{id: "sysctls", level: api.LevelBaseline, since: minors(0, 27, 29, 32, 37)}},
		judge:  judgeSysctls,
	}
}

// pspSafeSysctls are those that every policy admits unless it forbids them: also the standard's first list.
func pspSafeSysctls() []string {
	return []string{
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	}
}

// safeSysctls are those that baseline accepts at v.
func safeSysctls(v api.Version) []string {
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
		if atLeast(v, step.minor) {
			safe = append(safe, step.names...)
		}
	}
	return safe
}

// sysctlPatterns are names and, without the * at their end, prefixes.
type sysctlPatterns struct {
	names, prefixes map[string]bool
	lengths         []int // of the prefixes
}

func sysctlPatternsOf(list []string) *sysctlPatterns {
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

// cover says whether every name that a pattern matches is matched by one of these as well; it may end in * itself.
func (p *sysctlPatterns) cover(pattern string) bool {
	name := strings.TrimSuffix(pattern, "*")
	for _, n := range p.lengths {
		if n <= len(name) && p.prefixes[name[:n]] {
			return true
		}
	}
	return p.names[pattern]
}

func judgeSysctls(p *pspparse.Policy, v api.Version) (f finding) {
	forbidden := p.Spec.ForbiddenSysctls
	// Grants that forbiddenSysctls takes back grant nothing.
	grants := slices.DeleteFunc(slices.Clone(p.Spec.AllowedUnsafeSysctls), sysctlPatternsOf(forbidden).cover)
	f.verdicts = []verdict{sysctlsVerdict(grants, v)}
	f.limitSysctls(p, grants, v)
	f.explain(p, "allowedUnsafeSysctls", names(p.Spec.AllowedUnsafeSysctls),
		"these sysctls are admitted beside the safe five; baseline accepts only its own list")
	f.explain(p, "forbiddenSysctls", names(forbidden),
		"these sysctls are refused, safe ones included; no level knows such a list")
	return f
}

func sysctlsVerdict(grants []string, v api.Version) verdict {
	verdict := verdict{
		id: "sysctls", status: Guaranteed, fields: []string{"allowedUnsafeSysctls", "forbiddenSysctls"},
		note: "only sysctls that baseline accepts at this version are admitted",
	}
	if unsafe := unmet(grants, safeSysctls(v)); len(unsafe) > 0 {
		verdict.status, verdict.miss = NotEnsured, "sysctls ("+names(unsafe)+")"
		verdict.note = "unsafe sysctls are admitted: " + names(unsafe) + " (dead unless the kubelet allows them too)"
	}
	return verdict
}

func (f *finding) limitSysctls(p *pspparse.Policy, grants []string, v api.Version) {
	forbidden, safe := p.Spec.ForbiddenSysctls, safeSysctls(v)
	if value := names(p.Spec.AllowedUnsafeSysctls); !slices.Contains(grants, "*") {
		if value == "" {
			value = "none"
		}
		f.refuse("allowedUnsafeSysctls", value,
			"every sysctl becomes possible where the kubelet allows it; an admission policy can keep the list",
			api.LevelPrivileged)
	}
	if len(forbidden) > 0 {
		f.refuse("forbiddenSysctls", names(forbidden), "the forbidden sysctls become possible; an admission policy can keep the list",
			api.LevelPrivileged)
	}
	var refused, newer []string
	forbids, granted := sysctlPatternsOf(forbidden), sysctlPatternsOf(grants)
	for _, name := range safe {
		switch {
		case forbids.cover(name):
			refused = append(refused, name)
		case !slices.Contains(pspSafeSysctls(), name) && !granted.cover(name):
			newer = append(newer, name)
		}
	}
	if len(refused) > 0 {
		f.refuse("forbiddenSysctls", names(forbidden),
			"the level accepts "+names(refused)+"; an admission policy can go on forbidding them",
			api.LevelBaseline, api.LevelRestricted)
	}
	if len(newer) > 0 {
		f.drift("allowedUnsafeSysctls", names(newer), "newer standards count these sysctls as safe",
			api.LevelBaseline, api.LevelRestricted)
	}
}
