package mapping

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

// unusedFields are fields of a policy that no control claims, each with the reason. There is none today.
func unusedFields() map[string]string { return map[string]string{} }

// unansweredChecks are checks of the library that no control answers, each with the reason. There is none today: what
// a policy cannot speak about is answered with U.
func unansweredChecks() map[policy.CheckID]string { return map[policy.CheckID]string{} }

// policyFields are the JSON names of the spec fields, in the order of the type, and the annotations.
func policyFields() []string {
	var names []string
	spec := reflect.TypeFor[pspparse.Spec]()
	for i := range spec.NumField() {
		name, _, _ := strings.Cut(spec.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return append(names, pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation,
		pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation)
}

// TestEveryFieldIsClaimedOnce: no field of a policy may fall between the controls.
func TestEveryFieldIsClaimedOnce(t *testing.T) {
	t.Parallel()
	claims := map[string]int{}
	for _, c := range allControls() {
		for _, field := range c.fields {
			claims[field]++
		}
	}
	for field, reason := range unusedFields() {
		if reason == "" {
			t.Errorf("field %q is listed as unused without a reason", field)
		}
		claims[field]++
	}
	want := map[string]int{}
	for _, field := range policyFields() {
		want[field] = 1
	}
	if len(want) != 28 {
		t.Errorf("a policy has 24 spec fields and 4 annotations, found %d", len(want))
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims per field (-want +got):\n%s", diff)
	}
}

// TestEveryFieldHasConstraints: each field of a policy is in a constraint, and no constraint has a field that policies do not.
func TestEveryFieldHasConstraints(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, c := range oneOfEachConstraint() {
		for _, field := range c.Fields() {
			have[field] = true
		}
	}
	want := map[string]bool{}
	for _, field := range policyFields() {
		want[field] = true
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("fields (-of policies +of constraints):\n%s", diff)
	}
	for _, c := range allControls() {
		if (c.constraints != nil) != (len(c.fields) > 0) {
			t.Errorf("the control of %v has constraints: %t", c.fields, c.constraints != nil)
		}
	}
}

// TestConstraintsAreWhatIsLost: what a policy refuses pods by is lost where nothing is enforced, and no level loses anything of
// which the policy has no constraint.
func TestConstraintsAreWhatIsLost(t *testing.T) {
	t.Parallel()
	lostKinds := map[string]bool{}
	for seed := range uint64(randomPolicies) {
		r := rand.New(rand.NewPCG(seed, 6))
		p := randomPolicy(r.IntN)
		if seed%2 == 0 {
			p = openPolicy()
			for _, other := range []*pspparse.Policy{randomPolicy(r.IntN), closedPolicy()} {
				takeFieldsOf(p, other, func() bool { return r.IntN(5) == 0 })
			}
		}
		v := api.MajorMinorVersion(1, 16+r.IntN(24))
		if len(Assess(p, v).AdmitsNothing) > 0 {
			continue
		}
		constraints := Constraints(p)
		isOf := func(lost LostConstraint) func(Constraint) bool {
			return func(c Constraint) bool { return slices.Contains(c.Fields(), lost.Field) }
		}
		lostWithoutLevel := LostConstraintsAt(p, v, api.LevelPrivileged)
		for _, c := range constraints {
			paths, relativeOnly := c.(HostPaths)
			relativeOnly = relativeOnly && allowsEveryHostPath(paths.Paths) // not said to be lost: nobody mounts relative paths
			lost := slices.ContainsFunc(lostWithoutLevel, func(l LostConstraint) bool { return isOf(l)(c) && l.Class == SecurityLoss })
			if c.Refuses() && !lost && !relativeOnly {
				t.Errorf("seed %d: %#v is not lost without a level", seed, c)
			}
			lostKinds[constraintKind(c)] = lostKinds[constraintKind(c)] || lost
		}
		for _, level := range []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted} {
			for _, lost := range LostConstraintsAt(p, v, level) {
				if lost.Class == SecurityLoss && !slices.ContainsFunc(constraints, isOf(lost)) {
					t.Errorf("seed %d: %s loses %s, of which there is no constraint", seed, level, lost.Field)
				}
			}
		}
	}
	for _, c := range oneOfEachConstraint() {
		if c.Refuses() && !lostKinds[constraintKind(c)] {
			t.Errorf("no policy lost %s", constraintKind(c))
		}
	}
}

// takeFieldsOf sets some fields and annotations of a policy to those of another.
func takeFieldsOf(p, other *pspparse.Policy, some func() bool) {
	into, from := reflect.ValueOf(&p.Spec).Elem(), reflect.ValueOf(other.Spec)
	for i := range into.NumField() {
		if some() {
			into.Field(i).Set(from.Field(i))
		}
	}
	for key, value := range other.Annotations {
		if some() {
			p.Annotations[key] = value
		}
	}
}

func TestSpecOrderIsTheTypesOrder(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(policyFields(), policyFieldOrder()); diff != "" {
		t.Errorf("order of fields (-want +got):\n%s", diff)
	}
}

// TestEveryCheckIsAnsweredOnce: a library version with a new check, a new revision of one, or another override fails
// here, and the mapping has to be thought through again.
func TestEveryCheckIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	type registration struct {
		Level     api.Level
		Since     []string
		Overrides []policy.CheckID
	}
	want := map[policy.CheckID]registration{}
	for _, c := range policy.DefaultChecks() {
		if _, ok := unansweredChecks()[c.ID]; ok {
			continue
		}
		r := registration{Level: c.Level}
		for _, v := range c.Versions {
			r.Since = append(r.Since, v.MinimumVersion.String())
			r.Overrides = append(r.Overrides, v.OverrideCheckIDs...)
		}
		slices.Sort(r.Overrides)
		r.Overrides = slices.Compact(r.Overrides)
		want[c.ID] = r
	}
	got := map[policy.CheckID]registration{}
	for _, control := range allControls() {
		for _, c := range control.checks {
			if _, ok := got[c.id]; ok {
				t.Errorf("check %q is answered twice", c.id)
			}
			r := registration{Level: c.level}
			for _, v := range c.revisions {
				r.Since = append(r.Since, v.String())
			}
			if c.overrides != "" {
				r.Overrides = []policy.CheckID{c.overrides}
			}
			got[c.id] = r
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks (-library +mapping):\n%s", diff)
	}
}

// TestControlsAnswerTheirChecks: each control judges exactly the checks it registers, at every version.
func TestControlsAnswerTheirChecks(t *testing.T) {
	t.Parallel()
	for _, c := range allControls() {
		var want, got []policy.CheckID
		for _, check := range c.checks {
			want = append(want, check.id)
		}
		for _, v := range c.assess(openPolicy(), newestCheckVersion()).checks {
			got = append(got, v.id)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("checks of the control of %v (-want +got):\n%s", c.fields, diff)
		}
	}
}

// TestChecksInForce: an Assessment has exactly the checks that the library runs at its version.
func TestChecksInForce(t *testing.T) {
	t.Parallel()
	for minor := range 41 {
		v := api.MajorMinorVersion(1, minor)
		var want, got []string
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			var ids []string
			for _, c := range policy.DefaultChecks() {
				if c.Level == level && !v.Older(c.Versions[0].MinimumVersion) {
					ids = append(ids, string(c.ID))
				}
			}
			slices.Sort(ids)
			want = append(want, ids...)
		}
		for _, c := range Assess(openPolicy(), v).Checks {
			got = append(got, c.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("checks at %s (-library +assessment):\n%s", v, diff)
		}
	}
}

// TestVersions: "latest", no version and versions from the future are judged at the library's newest.
func TestVersions(t *testing.T) {
	t.Parallel()
	last := api.MajorMinorVersion(1, 0)
	for _, c := range policy.DefaultChecks() {
		if v := c.Versions[len(c.Versions)-1].MinimumVersion; last.Older(v) {
			last = v
		}
	}
	for _, v := range []api.Version{api.LatestVersion(), {}, api.MajorMinorVersion(1, 99), api.MajorMinorVersion(2, 0)} {
		if got := Assess(openPolicy(), v).Version; got != last {
			t.Errorf("Assess at %s was judged at %s, want %s", v, got, last)
		}
	}
	if got := Assess(openPolicy(), api.MajorMinorVersion(1, 24)).Version; got != api.MajorMinorVersion(1, 24) {
		t.Errorf("Assess at v1.24 was judged at %s", got)
	}
}

// TestVolumeTypesAreTheParsersTypes: every type that a policy may list is at one level or another.
func TestVolumeTypesAreTheParsersTypes(t *testing.T) {
	t.Parallel()
	want := slices.DeleteFunc(pspparse.FSTypes(), func(s string) bool { return s == "*" })
	got := pspVolumeTypes()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("volume types (-parser +mapping):\n%s", diff)
	}
}
