package mapping

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

const randomPolicies = 1000

// TestProperties holds for any policy at any version, usable or not.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(randomPolicies) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := randomPolicy(r.IntN)
		v := api.MajorMinorVersion(1, 16+r.IntN(24))
		a := Assess(p, v)
		if diff := cmp.Diff(a, Assess(p, v), cmpopts.EquateComparable(api.Version{})); diff != "" {
			t.Fatalf("seed %d: Assess is not deterministic:\n%s", seed, diff)
		}
		if len(a.AdmitsNothing) > 0 {
			if a.Closest+a.CompliesAsWritten+a.CompliesAfterMutation+a.NoLooserThan != "" || a.LostConstraints != nil || LostConstraintsAt(p, v, api.LevelBaseline) != nil {
				t.Fatalf("seed %d: admits nothing (%v) and yet has levels or losses: %+v", seed, a.AdmitsNothing, a)
			}
			continue
		}
		if api.CompareLevels(a.CompliesAsWritten, a.CompliesAfterMutation) > 0 {
			t.Errorf("seed %d: safe %s is stricter than held %s", seed, a.CompliesAsWritten, a.CompliesAfterMutation)
		}
		if a.CompliesAfterMutation == api.LevelRestricted {
			t.Errorf("seed %d: no policy ensures the fields that restricted wants, yet held is restricted", seed)
		}
		if a.CompliesAfterMutation == api.LevelBaseline && a.CompliesAsWritten != api.LevelBaseline {
			t.Errorf("seed %d: mutation cannot create baseline compliance, yet safe is %s", seed, a.CompliesAsWritten)
		}
		if diff := cmp.Diff(LostConstraintsAt(p, v, a.Closest), a.LostConstraints); diff != "" {
			t.Errorf("seed %d: Lost differs from LostAt(closest):\n%s", seed, diff)
		}
		if (len(a.NearestMiss) == 0) != (a.Closest == api.LevelRestricted) {
			t.Errorf("seed %d: closest is %s and the nearest miss %q", seed, a.Closest, a.NearestMiss)
		}
		if !slices.IsSortedFunc(a.LostConstraints, compareLostConstraints) || !slices.IsSortedFunc(a.Checks, compareChecks) {
			t.Errorf("seed %d: not sorted", seed)
		}
	}
}

// TestOrderOfListsDecidesNothing: which order a policy lists its values in may show in a rendered value, never in a
// level or a status.
func TestOrderOfListsDecidesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomPolicy(r.IntN)
		q := with(p, func(q *pspparse.Policy) {
			s := &q.Spec
			for _, list := range []*[]string{
				&s.AllowedCapabilities, &s.DefaultAddCapabilities, &s.RequiredDropCapabilities, &s.Volumes,
				&s.AllowedUnsafeSysctls, &s.ForbiddenSysctls, &s.AllowedProcMountTypes,
			} {
				*list = slices.Clone(*list)
				slices.Reverse(*list)
			}
		})
		v := api.MajorMinorVersion(1, 25)
		if diff := cmp.Diff(verdictsOf(Assess(p, v)), verdictsOf(Assess(q, v))); diff != "" {
			t.Errorf("seed %d: order of lists matters:\n%s", seed, diff)
		}
	}
}

type outcome struct {
	Closest, Safe, Held, Cover api.Level
	Nothing                    bool
	Status                     map[string]Status
}

func verdictsOf(a Assessment) outcome {
	o := outcome{a.Closest, a.CompliesAsWritten, a.CompliesAfterMutation, a.NoLooserThan, len(a.AdmitsNothing) > 0, map[string]Status{}}
	for _, c := range a.Checks {
		o.Status[c.ID] = c.Status
	}
	return o
}

// loosenings each admit all that the policy admitted, and change nothing more in pods than it did.
func loosenings() map[string]func(*pspparse.Policy) {
	anyID := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	return map[string]func(*pspparse.Policy){
		"privileged":  func(p *pspparse.Policy) { p.Spec.Privileged = true },
		"hostNetwork": func(p *pspparse.Policy) { p.Spec.HostNetwork = true },
		"hostPID":     func(p *pspparse.Policy) { p.Spec.HostPID = true },
		"hostIPC":     func(p *pspparse.Policy) { p.Spec.HostIPC = true },
		"one more port": func(p *pspparse.Policy) {
			p.Spec.HostPorts = append(p.Spec.HostPorts, pspparse.HostPortRange{Min: 80, Max: 80})
		},
		"NET_RAW": func(p *pspparse.Policy) { p.Spec.AllowedCapabilities = append(p.Spec.AllowedCapabilities, "NET_RAW") },
		"NET_BIND_SERVICE": func(p *pspparse.Policy) {
			p.Spec.AllowedCapabilities = append(p.Spec.AllowedCapabilities, "NET_BIND_SERVICE")
		},
		"SYS_ADMIN":        func(p *pspparse.Policy) { p.Spec.AllowedCapabilities = append(p.Spec.AllowedCapabilities, "SYS_ADMIN") },
		"every capability": func(p *pspparse.Policy) { p.Spec.AllowedCapabilities = append(p.Spec.AllowedCapabilities, "*") },
		"no drops":         func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = nil },
		"emptyDir":         func(p *pspparse.Policy) { p.Spec.Volumes = append(p.Spec.Volumes, "emptyDir") },
		"nfs":              func(p *pspparse.Policy) { p.Spec.Volumes = append(p.Spec.Volumes, "nfs") },
		"hostPath":         func(p *pspparse.Policy) { p.Spec.Volumes = append(p.Spec.Volumes, "hostPath") },
		"every volume":     func(p *pspparse.Policy) { p.Spec.Volumes = append(p.Spec.Volumes, "*") },
		"any host path":    func(p *pspparse.Policy) { p.Spec.AllowedHostPaths = nil },
		"any flexVolume":   func(p *pspparse.Policy) { p.Spec.AllowedFlexVolumes = nil },
		"any CSI driver":   func(p *pspparse.Policy) { p.Spec.AllowedCSIDrivers = nil },
		"any SELinux":      func(p *pspparse.Policy) { p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny} },
		"any user":         func(p *pspparse.Policy) { p.Spec.RunAsUser = anyID },
		"any group":        func(p *pspparse.Policy) { p.Spec.RunAsGroup = nil },
		"any fsGroup":      func(p *pspparse.Policy) { p.Spec.FSGroup = anyID },
		"any supplemental": func(p *pspparse.Policy) { p.Spec.SupplementalGroups = anyID },
		"writable root":    func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = false },
		"escalation":       func(p *pspparse.Policy) { yes := true; p.Spec.AllowPrivilegeEscalation = &yes },
		"escalation unset": func(p *pspparse.Policy) { p.Spec.AllowPrivilegeEscalation = nil },
		"one more sysctl": func(p *pspparse.Policy) {
			p.Spec.AllowedUnsafeSysctls = append(p.Spec.AllowedUnsafeSysctls, "net.core.somaxconn")
		},
		"every sysctl":       func(p *pspparse.Policy) { p.Spec.AllowedUnsafeSysctls = append(p.Spec.AllowedUnsafeSysctls, "*") },
		"nothing forbidden":  func(p *pspparse.Policy) { p.Spec.ForbiddenSysctls = nil },
		"every /proc":        func(p *pspparse.Policy) { p.Spec.AllowedProcMountTypes = []string{"Default", "Unmasked"} },
		"any runtime class":  func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
		"any seccomp":        func(p *pspparse.Policy) { p.Annotations[pspparse.SeccompAllowedAnnotation] = "*" },
		"AppArmor undecided": func(p *pspparse.Policy) { delete(p.Annotations, pspparse.AppArmorAllowedAnnotation) },
	}
}

// TestLooseningNeverTightens: a looser policy never gets a stricter level, nor a better status on any check, and never
// stops admitting something.
func TestLooseningNeverTightens(t *testing.T) {
	t.Parallel()
	// From best to worst. X and N are not compared: a contradiction that is lifted is no gain in safety.
	rank := map[Status]int{StatusGuaranteed: 0, StatusByMutation: 1, StatusInEffect: 2, StatusNotEnsured: 3, StatusImpossible: 3, StatusUnknown: 4}
	for seed := range uint64(randomPolicies / 10) {
		r := rand.New(rand.NewPCG(seed, 3))
		before := randomPolicy(r.IntN)
		if seed%2 == 0 {
			before = closedPolicy()
		}
		v := api.MajorMinorVersion(1, 22+r.IntN(16))
		a := Assess(before, v)
		if len(a.AdmitsNothing) > 0 {
			continue
		}
		for name, loosen := range loosenings() {
			b := Assess(with(before, loosen), v)
			if len(b.AdmitsNothing) > 0 {
				t.Errorf("seed %d, %s: a looser policy admits nothing: %v", seed, name, b.AdmitsNothing)
				continue
			}
			for what, bounds := range map[string][2]api.Level{
				"closest": {a.Closest, b.Closest}, "safe": {a.CompliesAsWritten, b.CompliesAsWritten}, "held": {a.CompliesAfterMutation, b.CompliesAfterMutation},
			} {
				if api.CompareLevels(bounds[1], bounds[0]) > 0 {
					t.Errorf("seed %d, %s at %s: %s went from %s to %s", seed, name, v, what, bounds[0], bounds[1])
				}
			}
			if covers(b.NoLooserThan) < covers(a.NoLooserThan) {
				t.Errorf("seed %d, %s at %s: cover went from %s to %s", seed, name, v, a.NoLooserThan, b.NoLooserThan)
			}
			for i, c := range a.Checks {
				if rank[b.Checks[i].Status] < rank[c.Status] {
					t.Errorf("seed %d, %s at %s: %s went from %s to %s", seed, name, v, c.ID, c.Status, b.Checks[i].Status)
				}
			}
		}
	}
}

// covers ranks covers by how much the policy admits.
func covers(level api.Level) int {
	return slices.Index([]api.Level{LevelNone, api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged}, level)
}
