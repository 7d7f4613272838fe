package migrate

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// However a gap is completed, the level that was given with it still holds: what then runs meets it, and where policies
// decide they permit no more.
func TestALevelHoldsHoweverAGapIsCompleted(t *testing.T) {
	t.Parallel()
	given := map[inventory.GapPart]int{}
	for seed := range tries(4 * rounds) {
		r := newRandom(t, seed)
		source, opts := r.source(), r.options()
		opts.Enforce, opts.AllowPartial = "", false
		part := pick(r, inventory.PartGrants, inventory.PartPolicies, inventory.PartWorkloads)
		where := pick(r, "a", inventory.AllNamespaces)
		if part == inventory.PartPolicies {
			where = inventory.AllNamespaces
		}
		objects := r.read(part)
		with := build(t, source, opts, append(slices.Clone(objects), missing(part, where))...)
		for range 4 {
			whole := build(t, source, opts, append(slices.Clone(objects), r.hidden(part, where)...)...)
			for _, ns := range with.Namespaces {
				if ns.RecommendedLabels.Enforce == "" {
					continue
				}
				given[part]++
				now := only(t, whole, ns.Name)
				if opts.Basis != BasisPolicies && levels.Looser(now.NeededLevel, levelOf(ns)) {
					t.Fatalf("seed %d: with a gap in %s namespace %s gets %s; completed it needs %s", seed, part, ns.Name, levelOf(ns), now.NeededLevel)
				}
				if (opts.Basis == BasisPolicies || opts.Basis == BasisBoth || ns.NeededLevel == "") && now.RecommendedLabels.Enforce != "" && levels.Looser(levelOf(now), levelOf(ns)) {
					t.Fatalf("seed %d: with a gap in %s namespace %s gets %s; completed it gets %s", seed, part, ns.Name, levelOf(ns), levelOf(now))
				}
			}
		}
	}
	for _, part := range []inventory.GapPart{inventory.PartGrants, inventory.PartPolicies, inventory.PartWorkloads} {
		if given[part] < 100 && !testing.Short() {
			t.Errorf("with a gap in %s only %d levels were given: this says little", part, given[part])
		}
	}
}

func levelOf(ns Namespace) api.Level { return api.Level(ns.RecommendedLabels.Enforce) }

// read are objects among which all of one part may be missing.
func (r *random) read(part inventory.GapPart) []object {
	var out []object
	for name, spec := range map[string]string{"open": anythingGoes, "base": baselineLike, "tight": restrictedLike, "filling": fillsIn} {
		if part != inventory.PartPolicies || r.IntN(3) == 0 {
			out = append(out, policy(r.t, name, spec))
		}
	}
	for range r.IntN(4) {
		out = append(out, r.grant("", "a", "b"))
	}
	for range r.IntN(4) {
		out = append(out, r.namespace())
	}
	for range 1 + r.IntN(5) {
		out = append(out, r.admitted())
	}
	return out
}

// hidden are objects that a gap may have hidden.
func (r *random) hidden(part inventory.GapPart, where string) []object {
	var out []object
	for range 1 + r.IntN(3) {
		switch part {
		case inventory.PartGrants:
			homes := []string{"", "a", "b"}
			if where != inventory.AllNamespaces {
				homes = []string{where}
			}
			out = append(out, r.grant(homes...), podCreator(pick(r, homes...), account("a/runner")))
		case inventory.PartPolicies:
			name := pick(r, "gone", "lost", "missing")
			out = append(out, policy(r.t, name, pick(r, anythingGoes, baselineLike, restrictedLike, fillsIn, addsCapability, setsUser, noEscalation)), grant(name, pick(r, "", "a", "b"), r.subject()))
			return out // two of one name would be a gap again
		case inventory.PartWorkloads:
			home := r.home()
			if where != inventory.AllNamespaces {
				home = where
			}
			out = append(out, template("StatefulSet", home+"/hidden", r.pod()))
			return out
		}
	}
	return out
}

func (r *random) grant(homes ...string) object {
	return grant(pick(r, "open", "base", "tight", "filling", ""), pick(r, homes...), r.subject())
}

// admitted are workloads, and live pods that one of the policies, read or hidden, has filled in.
func (r *random) admitted() object {
	if r.IntN(3) == 0 {
		return r.workload()
	}
	spec := r.pod()
	filled := corev1.Container{Name: "sidecar", Image: "s"}
	if r.IntN(2) == 0 {
		filled.SecurityContext = hardened().Containers[0].SecurityContext.DeepCopy()
	}
	if r.IntN(3) == 0 {
		spec.Containers = append(spec.Containers, filled)
	}
	for i := range spec.Containers {
		r.fill(&spec, &spec.Containers[i])
	}
	return running("a/"+pick(r, "p", "q", "s"), pick(r, "gone", "lost", "tight", "filling", "missing"), spec)
}

// fill writes what a policy may have written.
func (r *random) fill(spec *corev1.PodSpec, c *corev1.Container) {
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	s := c.SecurityContext
	switch r.IntN(7) {
	case 0:
		s.RunAsNonRoot = new(true)
	case 1:
		s.RunAsUser = new(int64(r.IntN(2)))
	case 2:
		s.AllowPrivilegeEscalation = new(r.IntN(2) == 0)
	case 3:
		s.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	case 4:
		s.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_BIND_SERVICE"}}
	case 5:
		spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
}

const (
	fillsIn = `
  requiredDropCapabilities: [ALL]
  defaultAddCapabilities: [NET_BIND_SERVICE]
  allowedCapabilities: [NET_BIND_SERVICE]
  allowPrivilegeEscalation: false
  volumes: ['*']
  runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
  fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
`
	addsCapability = `
  defaultAddCapabilities: [SYS_ADMIN]
  volumes: ['*']
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
	setsUser = `
  volumes: ['*']
  runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
	noEscalation = `
  defaultAllowPrivilegeEscalation: false
  volumes: ['*']
  runAsUser: {rule: MustRunAsNonRoot}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
)

// Whichever of two readings of a workload is the right one, the level that was given with both still holds.
func TestALevelHoldsWhicheverReadingIsRight(t *testing.T) {
	t.Parallel()
	same, differing := 0, 0
	for seed := range tries(3 * rounds) {
		r := newRandom(t, seed)
		source, opts := r.source(), r.options()
		opts.Enforce, opts.AllowPartial = "", false
		objects := append(r.read(inventory.PartWorkloads), running("a/w-1", pick(r, "", "tight", "filling"), r.pod()))
		pod := func() object {
			kind, spec := "Deployment", r.pod()
			r.fill(&spec, &spec.Containers[0])
			if seed%2 == 0 {
				return running("a/one", pick(r, "", "tight", "gone"), spec)
			}
			return template(kind, "a/one", spec)
		}
		readings := []object{pod(), pod()}
		both := r.buildAlike(source, opts, append(slices.Clone(objects), readings...)...)
		ns := only(t, both, "a")
		if len(both.Gaps) > 0 {
			differing++
		} else {
			same++
		}
		for _, one := range readings {
			now := only(t, r.buildAlike(source, opts, append(slices.Clone(objects), one)...), "a")
			if opts.Basis != BasisPolicies && levels.Looser(now.NeededLevel, levelOf(ns)) {
				t.Fatalf("seed %d: with both readings the namespace gets %s; with one it needs %s", seed, levelOf(ns), now.NeededLevel)
			}
		}
	}
	if (same < 20 || differing < 20) && !testing.Short() {
		t.Errorf("%d times both readings were the same, %d times not: this says little", same, differing)
	}
}

// buildAlike is build for a Builder that compares readings.
func (r *random) buildAlike(source inventory.Source, opts Options, objects ...object) *Plan {
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	for _, add := range objects {
		add(b)
	}
	p, err := Build(b.Build(source), opts)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}
