package mapping

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

// control is one thing that a policy regulates: the fields that regulate it, the checks of the standards that it
// answers, and the function that judges one policy.
type control struct {
	// fields of the policy that this control claims: spec names and annotation keys. No other control claims them.
	fields []string
	// checks of the library that this control answers, and no other.
	checks []check
	// judge is pure and is asked at a concrete version; it answers every check of the control, in force or not.
	judge func(p *pspparse.Policy, v api.Version) finding
}

// check mirrors what the library registers for one check, so that a test can compare the two.
type check struct {
	id    policy.CheckID
	level api.Level
	// since has the versions from which a new revision of the check applies, oldest first.
	since []api.Version
	// overrides names the baseline check that this one makes redundant at restricted.
	overrides policy.CheckID
}

// minors returns the versions v1.N for each N.
func minors(minor ...int) []api.Version {
	versions := make([]api.Version, 0, len(minor))
	for _, n := range minor {
		versions = append(versions, api.MajorMinorVersion(1, n))
	}
	return versions
}

// inForce says whether the check exists at v.
func (c check) inForce(v api.Version) bool {
	return !v.Older(c.since[0])
}

// atLeast says whether v is v1.minor or newer.
func atLeast(v api.Version, minor int) bool {
	return !v.Older(api.MajorMinorVersion(1, minor))
}

// tier decides what a check that is not guaranteed means for the closest level.
type tier int

const (
	core      tier = iota // explicit grants of host access or root: decide the closest level
	profile               // LSM and seccomp, mostly an omission rather than a decision: conditions
	uncovered             // the policy cannot speak about it: conditions
)

// finding is what one control has to say about one policy at one version.
type finding struct {
	verdicts []verdict
	limits   []limit
	fills    []WriteDown
	fields   []Field
	// never says why this control alone keeps every pod out; "" if it does not.
	never string
}

// verdict is the status of one check.
type verdict struct {
	id policy.CheckID
	// level is filled in from the registration of the check.
	level  api.Level
	status Status
	tier   tier
	fields []string
	note   string
	// miss names what stands in the way of the check's level, for "would be baseline but for ...".
	miss string
}

// limit is one constraint of the policy that one level does not share.
type limit struct {
	level api.Level
	lost  Lost
	// refuses: the policy turns away pods that the level accepts, so the level does not cover it. A constraint that the
	// policy brings about by filling in values refuses nobody.
	refuses bool
}

// strictness has the levels from loose to strict.
func strictness() []api.Level {
	return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
}

// refuse records that the policy turns away pods that the levels accept.
func (f *finding) refuse(field, value, note string, levels ...api.Level) {
	f.limit(Lost{Field: field, Value: value, Class: Security, Note: note}, true, levels)
}

// force records a restriction that the policy brings about by changing pods, and that the levels do not ask for.
func (f *finding) force(field, value, note string, levels ...api.Level) {
	f.limit(Lost{Field: field, Value: value, Class: Security, Note: note}, false, levels)
}

// supply records a value that the policy fills in and that the levels neither supply nor demand.
func (f *finding) supply(field, value, note string, levels ...api.Level) {
	f.limit(Lost{Field: field, Value: value, Class: Functional, Note: note}, false, levels)
}

// drift records a difference that is there only because the standard is newer than the policy.
func (f *finding) drift(field, value, note string, levels ...api.Level) {
	f.limit(Lost{Field: field, Value: value, Class: Drift, Note: note}, true, levels)
}

func (f *finding) limit(lost Lost, refuses bool, levels []api.Level) {
	for _, level := range levels {
		f.limits = append(f.limits, limit{level: level, lost: lost, refuses: refuses})
	}
}

// fill records a value that templates must state once the policy no longer fills it in.
func (f *finding) fill(field, path, value, note string) {
	f.fills = append(f.fills, WriteDown{Field: field, Path: path, Value: value, Note: note})
}

// explain describes a field that the policy states; a field that it leaves out is passed over.
func (f *finding) explain(p *pspparse.Policy, name, value, meaning string) {
	line, stated := p.Lines[linePath(name)]
	if !stated && (value == "" || value == "false") {
		return
	}
	f.fields = append(f.fields, Field{Name: name, Value: value, Line: line, Meaning: meaning})
}

// explainAlways describes a field whose absence means something too.
func (f *finding) explainAlways(p *pspparse.Policy, name, value, meaning string) {
	f.fields = append(f.fields, Field{Name: name, Value: value, Line: p.Lines[linePath(name)], Meaning: meaning})
}

// linePath is the key of a field or annotation in Policy.Lines.
func linePath(name string) string {
	if strings.Contains(name, "/") {
		return "metadata.annotations[" + name + "]"
	}
	return "spec." + name
}

// unmet is the subset of list that is not in set, sorted and without repeats.
func unmet(list []string, set []string) []string {
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

// shownNames bounds how many names of a list a sentence repeats.
const shownNames = 6

// names renders a list for a sentence, bounded.
func names(list []string) string {
	if len(list) <= shownNames {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:shownNames-1], ", ") + " and " + count(len(list)-shownNames+1, "more")
}

// sentence joins phrases as one would say them.
func sentence(phrases []string) string {
	switch n := len(phrases); n {
	case 0:
		return ""
	case 1:
		return phrases[0]
	default:
		return strings.Join(phrases[:n-1], ", ") + " and " + phrases[n-1]
	}
}

func compareLost(a, b Lost) int {
	return cmp.Or(
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Value, b.Value),
		cmp.Compare(a.Note, b.Note),
	)
}
