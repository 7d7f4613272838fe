package mapping

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

// pspControl is one thing that a policy regulates: the fields that regulate it, the checks of the standards that it
// answers, and the function that judges one policy.
type pspControl struct {
	// fields of the policy that this control claims: spec names and annotation keys. No other control claims them.
	fields []string
	// checks of the library that this control answers, and no other.
	checks []registeredCheck
	// assess is pure and is asked at a concrete version; it answers every check of the control, in force or not.
	assess func(p *pspparse.Policy, v api.Version) controlResult
}

// registeredCheck mirrors what the library registers for one check, so that a test can compare the two.
type registeredCheck struct {
	id    policy.CheckID
	level api.Level
	// revisions has the versions from which a new revision of the check applies, oldest first.
	revisions []api.Version
	// overrides names the baseline check that this one makes redundant at restricted.
	overrides policy.CheckID
}

// minorVersions returns the versions v1.N for each N.
func minorVersions(minor ...int) []api.Version {
	versions := make([]api.Version, 0, len(minor))
	for _, n := range minor {
		versions = append(versions, api.MajorMinorVersion(1, n))
	}
	return versions
}

// existsAt says whether the check exists at v.
func (c registeredCheck) existsAt(v api.Version) bool {
	return !v.Older(c.revisions[0])
}

// versionAtLeast says whether v is v1.minor or newer.
func versionAtLeast(v api.Version, minor int) bool {
	return !v.Older(api.MajorMinorVersion(1, minor))
}

// checkTier decides what a check that is not guaranteed means for the closest level.
type checkTier int

const (
	coreTier      checkTier = iota // explicit grants of host access or root: decide the closest level
	profileTier                    // LSM and seccomp, mostly an omission rather than a decision: conditions
	uncoveredTier                  // the policy cannot speak about it: conditions
)

// controlResult is what one control has to say about one policy at one version.
type controlResult struct {
	checks         []checkStatus
	constraints    []levelConstraint
	templateValues []RequiredTemplateValue
	fields         []FieldExplanation
	// admitsNothing says why this control alone keeps every pod out; "" if it does not.
	admitsNothing string
}

// checkStatus is the status of one check.
type checkStatus struct {
	id policy.CheckID
	// level is filled in from the registration of the check.
	level  api.Level
	status Status
	tier   checkTier
	fields []string
	// values of a list that decide the status; note names the first of them.
	values []string
	note   string
	// nearestMiss names what stands in the way of the check's level, for "would be baseline but for ...".
	nearestMiss string
}

// levelConstraint is one constraint of the policy that one level does not share.
type levelConstraint struct {
	level      api.Level
	constraint LostConstraint
	// refuses: the policy turns away pods that the level accepts, so the level does not cover it. A constraint that the
	// policy brings about by filling in values refuses nobody.
	refuses bool
}

// levelsLooseToStrict has the levels from loose to strict.
func levelsLooseToStrict() []api.Level {
	return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
}

// recordRefusal records that the policy turns away pods that the levels accept.
func (f *controlResult) recordRefusal(field string, value Value, note string, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, Note: note}, true, levels)
}

// recordNewlyAdmitted records that the policy turns away pods with these items, which the levels accept.
func (f *controlResult) recordNewlyAdmitted(field string, value Value, items []string, note string, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, NewlyAdmits: items, Note: note}, true, levels)
}

// recordForcedRestriction records a restriction that the policy brings about by changing pods, and that the levels do not ask for.
func (f *controlResult) recordForcedRestriction(field string, value Value, note string, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: SecurityLoss, Note: note}, false, levels)
}

// recordSuppliedValue records a value that the policy fills in and that the levels neither supply nor demand.
func (f *controlResult) recordSuppliedValue(field string, value Value, note string, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: FunctionalLoss, Note: note}, false, levels)
}

// recordDrift records a difference that is there only because the standard is newer than the policy.
func (f *controlResult) recordDrift(field string, value Value, note string, levels ...api.Level) {
	f.addConstraint(LostConstraint{Field: field, Value: value, Class: DriftLoss, Note: note}, true, levels)
}

func (f *controlResult) addConstraint(lost LostConstraint, refuses bool, levels []api.Level) {
	for _, level := range levels {
		f.constraints = append(f.constraints, levelConstraint{level: level, constraint: lost, refuses: refuses})
	}
}

// requireInTemplate records a value that templates must state once the policy no longer fills it in.
func (f *controlResult) requireInTemplate(field, path, value, note string) {
	f.templateValues = append(f.templateValues, RequiredTemplateValue{Field: field, Path: path, Value: value, Note: note})
}

// explainStatedField describes a field that the policy states; a field that it leaves out is passed over.
func (f *controlResult) explainStatedField(p *pspparse.Policy, name string, value Value, meaning string) {
	line, stated := p.Lines[fieldLineKey(name)]
	if !stated && (value.isZero() || slices.Equal(value.Values, []string{"false"})) {
		return
	}
	f.fields = append(f.fields, FieldExplanation{Name: name, Value: value, Line: line, Meaning: meaning})
}

// explainField describes a field whose absence means something too.
func (f *controlResult) explainField(p *pspparse.Policy, name string, value Value, meaning string) {
	f.fields = append(f.fields, FieldExplanation{Name: name, Value: value, Line: p.Lines[fieldLineKey(name)], Meaning: meaning})
}

// fieldLineKey is the key of a field or annotation in Policy.Lines.
func fieldLineKey(name string) string {
	if strings.Contains(name, "/") {
		return "metadata.annotations[" + name + "]"
	}
	return "spec." + name
}

// sortedDifference is the subset of list that is not in set, sorted and without repeats.
func sortedDifference(list []string, set []string) []string {
	met := make(map[string]bool, len(set))
	for _, s := range set {
		met[s] = true
	}
	var out []string
	for _, s := range list {
		if !met[s] {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxShownNames bounds how many names of a list a sentence repeats.
const maxShownNames = 6

// joinShortened renders a list for a sentence, bounded.
func joinShortened(list []string) string {
	return joinFirst(list, maxShownNames)
}

// joinWithAnd joins phrases as one would say them.
func joinWithAnd(phrases []string) string {
	switch n := len(phrases); n {
	case 0:
		return ""
	case 1:
		return phrases[0]
	default:
		return strings.Join(phrases[:n-1], ", ") + " and " + phrases[n-1]
	}
}

func compareLostConstraints(a, b LostConstraint) int {
	return cmp.Or(
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Value.Text(a.Field, 0), b.Value.Text(b.Field, 0)),
		cmp.Compare(a.Note, b.Note),
	)
}
