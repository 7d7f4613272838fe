package mapping

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// pspControl is one subject that a PodSecurityPolicy regulates: its fields, the checks of the Pod Security Standards about
// the same subject, and the function that compares the two.
type pspControl struct {
	// fields of the policy that this control is about: spec names and annotation keys. No other control has them.
	fields []string
	// checks of the library that this control is about. No other control has them.
	checks []registeredCheck
	// assess is a pure function of a policy and a minor version. It returns a status for every check of the control, also for
	// one that does not exist at that version.
	assess func(p *pspparse.Policy, v api.Version) controlResult
	// constraints returns what a policy that admission can use demands of pods and writes into them; nil for subjects that policies
	// have no field for.
	constraints func(p *pspparse.Policy) []Constraint
}

// registeredCheck is the registration of one check in the library: its level and versions. A test compares the two.
type registeredCheck struct {
	id    policy.CheckID
	level api.Level
	// revisions has the versions from which a new revision of the check applies, oldest first.
	revisions []api.Version
	// overrides names the baseline check that this one replaces at restricted.
	overrides policy.CheckID
}

// minorVersions returns the versions v1.N at which policies are compared with the standards.
func minorVersions(minor ...int) []api.Version {
	versions := make([]api.Version, 0, len(minor))
	for _, n := range minor {
		versions = append(versions, api.MajorMinorVersion(1, n))
	}
	return versions
}

// existsAt reports whether a version of the standards has the check.
func (c registeredCheck) existsAt(v api.Version) bool {
	return !v.Older(c.revisions[0])
}

// versionAtLeast reports whether the version that a policy is compared with is v1.minor or newer.
func versionAtLeast(v api.Version, minor int) bool {
	return !v.Older(api.MajorMinorVersion(1, minor))
}

// levelsWithoutRestricted returns the levels at v that lack a rule which restricted has from v1.minor on.
func levelsWithoutRestricted(v api.Version, minor int) []api.Level {
	all := levels.LooseToStrict()
	if versionAtLeast(v, minor) {
		return slices.DeleteFunc(all, func(l api.Level) bool { return l == api.LevelRestricted })
	}
	return all
}

// checkTier says whether a check of the standards decides the closest level of a PodSecurityPolicy.
type checkTier int

const (
	// coreTier: explicit grants of host access or root. They decide the closest level.
	coreTier checkTier = iota
	// profileTier: seccomp, AppArmor and SELinux, which most policies leave out. They are conditions.
	profileTier
	// uncoveredTier: policies have no field for it. They are conditions.
	uncoveredTier
)

// controlResult is what one control finds out about one PodSecurityPolicy at one version of the standards.
type controlResult struct {
	checks         []checkStatus
	constraints    []levelConstraint
	templateValues []RequiredTemplateValue
	fields         []FieldExplanation
	// admitsNothing says why this control alone lets no pod be admitted; the zero Message if it does not.
	admitsNothing message.Message
}

// checkStatus is the status of one check of the standards for a PodSecurityPolicy, as a control returns it.
type checkStatus struct {
	id policy.CheckID
	// level is copied from the registration of the check.
	level  api.Level
	status Status
	tier   checkTier
	fields []string
	// values of a list that decide the status.
	values []string
	note   message.Message
	// nearestMiss names what keeps the policy from the check's level.
	nearestMiss message.Message
}

// levelConstraint is a constraint of a PodSecurityPolicy that one level does not have.
type levelConstraint struct {
	level      api.Level
	constraint LostConstraint
	// refuses is true if the policy refuses pods that the level accepts. A constraint that the policy enforces by mutation
	// refuses none.
	refuses bool
}

// recordRefusal adds a constraint by which the PodSecurityPolicy refuses pods that the levels accept.
func (f *controlResult) recordRefusal(field string, value Value, note message.Message, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, Note: note}, true, levels)
}

// recordNewlyAdmitted adds a constraint by which the PodSecurityPolicy refuses pods with these entries of a list, which
// the levels accept.
func (f *controlResult) recordNewlyAdmitted(field string, value Value, entries []string, note message.Message, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, NewlyAdmits: entries, Note: note}, true, levels)
}

// recordForcedRestriction adds a restriction that the PodSecurityPolicy enforces by mutating pods and that the levels
// do not ask for.
func (f *controlResult) recordForcedRestriction(field string, value Value, note message.Message, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, Note: note}, false, levels)
}

// recordSuppliedValue adds a value that the PodSecurityPolicy sets in pods and that the levels neither set nor ask for.
func (f *controlResult) recordSuppliedValue(field string, value Value, note message.Message, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: FunctionalLoss, Note: note}, false, levels)
}

// recordDrift adds a difference between policy and level that exists only because the standard is newer than
// PodSecurityPolicy.
func (f *controlResult) recordDrift(field string, value Value, note message.Message, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: DriftLoss, Note: note}, true, levels)
}

// addConstraint adds one constraint of a PodSecurityPolicy as lost at each of the levels.
func (f *controlResult) addConstraint(lost LostConstraint, refuses bool, levels []api.Level) {
	for _, level := range levels {
		f.constraints = append(f.constraints, levelConstraint{level: level, constraint: lost, refuses: refuses})
	}
}

// requireInTemplate adds a value that templates must state once the PodSecurityPolicy no longer sets it.
func (f *controlResult) requireInTemplate(field, path string, value any, note message.Message) {
	f.templateValues = append(f.templateValues, RequiredTemplateValue{Field: field, Path: path, Value: compactJSON(value), Note: note})
}

// explainStatedField adds the explanation of a field if the PodSecurityPolicy states it.
func (f *controlResult) explainStatedField(p *pspparse.Policy, name string, value Value, meaning message.Message) {
	line, stated := p.Lines[fieldLineKey(name)]
	if !stated && (value.isZero() || slices.Equal(value.Values, []string{"false"})) {
		return
	}
	f.fields = append(f.fields, FieldExplanation{Name: name, Value: value, Line: line, Meaning: meaning})
}

// explainField adds the explanation of a field, also of one that the PodSecurityPolicy leaves out.
func (f *controlResult) explainField(p *pspparse.Policy, name string, value Value, meaning message.Message) {
	f.fields = append(f.fields, FieldExplanation{Name: name, Value: value, Line: p.Lines[fieldLineKey(name)], Meaning: meaning})
}

// fieldLineKey returns the key of a policy's field or annotation in pspparse.Policy.Lines.
func fieldLineKey(name string) string {
	if strings.Contains(name, "/") {
		return "metadata.annotations[" + name + "]"
	}
	return "spec." + name
}

// sortedDifference returns the entries of a policy's list that a level's list does not have, sorted, each once.
func sortedDifference(list []string, without []string) []string {
	known := make(map[string]bool, len(without))
	for _, s := range without {
		known[s] = true
	}
	var out []string
	for _, s := range list {
		if !known[s] {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// compareLostConstraints orders the lost constraints of a PodSecurityPolicy by field, class, value and note.
func compareLostConstraints(a, b LostConstraint) int {
	return cmp.Or(
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Text(a.Field, 0), b.Text(b.Field, 0)),
		message.Compare(a.Note, b.Note),
	)
}
