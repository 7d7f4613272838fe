// Package difference owns what changed between two Plans of a cluster: levels, labels, policies, grants, workloads, what blocks, and
// what was not read, each with its direction and what it means. It takes two Plans and returns Changes; it reads no file, changes no
// Plan, and never takes what was not read for gone.
package difference

import (
	"cmp"
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// KindOfChanges is the kind of the document that Changes are. Their apiVersion is that of a Plan.
const KindOfChanges = "PlanChanges"

// Changes are what is different in a later Plan, with what both were made from. They are sorted: what became looser, new blockers, what
// can be stricter now, what is not known, and the rest; then by namespace.
type Changes struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Before is the earlier Plan and After the later one.
	Before Side `json:"before"`
	After  Side `json:"after"`
	// Cautions say what has to be known before the changes are read: that these are two clusters, and what is not compared. That they
	// are two clusters is the first.
	Cautions []message.Message `json:"cautions,omitempty"`
	// Counts are over Changes.
	Counts  Counts   `json:"counts"`
	Changes []Change `json:"changes"`

	// uses has the namespaces in which a policy may be used, of either Plan.
	uses policyUses
}

// Side is one of two compared Plans: what it was made from, and how much is in it.
type Side struct {
	TargetVersion string           `json:"targetVersion" format:"version"`
	Basis         migrate.Basis    `json:"basis" values:"workloads policies both"`
	Source        inventory.Source `json:"source"`
	Namespaces    int              `json:"namespaces"`
	Policies      int              `json:"policies"`
	Gaps          int              `json:"gaps"`
}

// Counts are the numbers of changes between two Plans by group.
type Counts struct {
	Looser      int `json:"looser"`
	NewBlockers int `json:"newBlockers"`
	Stricter    int `json:"stricter"`
	Unknown     int `json:"unknown"`
	Other       int `json:"other"`
}

// Total returns the number of all changes between two Plans.
func (c Counts) Total() int { return c.Looser + c.NewBlockers + c.Stricter + c.Unknown + c.Other }

// Change is one difference between two Plans.
type Change struct {
	// Group is the place of the change in the list: the worst first.
	Group Group `json:"group" values:"looser new-blocker stricter unknown other"`
	// Kind is what the change is about: the plans as a whole, a namespace, one of its levels or labels, a workload, what of a workload
	// blocks its namespace, a policy, an admission policy that the command generate wrote (replacement), a role or a binding (grant), or
	// a gap.
	Kind Kind `json:"kind" values:"plan namespace level label workload blocker policy replacement role grant gap"`
	// Op says which Plan has it: the later alone (added), the earlier alone (removed), or both (changed). Where the other Plan could not
	// read it, it is neither added nor removed: it is unread-before or unread-now.
	Op Op `json:"op" values:"added removed changed unread-before unread-now"`
	// Direction says whether what was refused is allowed now, or needed (looser), the opposite (stricter), some of each (both), none of
	// it (neither), or that it is not known.
	Direction Direction `json:"direction" values:"looser stricter both neither unknown"`
	// Namespace that it is about; absent for the whole cluster.
	Namespace string `json:"namespace,omitempty"`
	// Object that it is about: "Deployment/cart", "PodSecurityPolicy/apps", "RoleBinding ci/psp", "ClusterRole psp:apps", "ValidatingAdmissionPolicy/psp2pss-shop"; of a gap what
	// could not be read. Absent for a namespace and for the plans.
	Object string `json:"object,omitempty"`
	// Field is what of it changed: "needed", "recommended.enforce", "current.enforce", "spec.hostNetwork"; of a grant its role.
	Field string `json:"field,omitempty"`
	// Before and After are its values; absent where there is none. Those of a policy's field are compact JSON.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Added and Removed are the items of a list: the checks that a workload fails, the subjects of a binding, the policies of a role,
	// the entries of a policy's field.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// NewBlockers are those checks of Added that keep the namespace from the next stricter level and that the workload did not fail.
	NewBlockers []string `json:"newBlockers,omitempty"`
	// Consequence says what changed and what it means, in a sentence that stands alone.
	Consequence message.Message `json:"consequence"`
}

// Kind is what a Change between two Plans is about.
type Kind string

// The kinds of change, in the order in which they are told of one namespace.
const (
	KindPlan        Kind = "plan"
	KindNamespace   Kind = "namespace"
	KindLevel       Kind = "level"
	KindLabel       Kind = "label"
	KindPolicy      Kind = "policy"
	KindReplacement Kind = "replacement"
	KindRole        Kind = "role"
	KindGrant       Kind = "grant"
	KindBlocker     Kind = "blocker"
	KindWorkload    Kind = "workload"
	KindGap         Kind = "gap"
)

// Op says which of two Plans has what a Change is about.
type Op string

// The ops of changes.
const (
	OpAdded        Op = "added"
	OpRemoved      Op = "removed"
	OpChanged      Op = "changed"
	OpUnreadBefore Op = "unread-before"
	OpUnreadNow    Op = "unread-now"
)

// Direction says of a Change between two Plans whether it lets in more or less than before.
type Direction string

// The directions of changes.
const (
	Looser   Direction = "looser"
	Stricter Direction = "stricter"
	Both     Direction = "both"
	Neither  Direction = "neither"
	Unknown  Direction = "unknown"
)

// Group is the part of the list of Changes that one of them is told in.
type Group string

// The groups of changes, in their order.
const (
	GroupLooser     Group = "looser"
	GroupNewBlocker Group = "new-blocker"
	GroupStricter   Group = "stricter"
	GroupUnknown    Group = "unknown"
	GroupOther      Group = "other"
)

// Groups returns the groups of changes between two Plans, in their order.
func Groups() []Group {
	return []Group{GroupLooser, GroupNewBlocker, GroupStricter, GroupUnknown, GroupOther}
}

// comparison is the work of Compare: two Plans, and the changes found so far.
type comparison struct {
	before, after *side
	// sameStandards: both Plans judge by the same checks, so that levels, violations and blockers can be compared.
	sameStandards bool
	// unreadGrants are the namespaces in which a binding of the one Plan is to a role that the other one did not read, by the other one.
	unreadGrants map[*side]map[string]bool
	uses         policyUses
	changes      []Change
}

// Compare returns what changed from one Plan to a later one. It changes neither. What the Plans judge by other standards (another target
// version) is not compared, and a caution says so; nor are recommended levels of another basis.
func Compare(before, after *migrate.Plan) *Changes {
	c := &comparison{before: newSide(before), after: newSide(after), sameStandards: sameStandards(before, after), uses: policyUses{}}
	c.before.ownGaps, c.after.ownGaps = hiddenBy(before, gapsOf(after)), hiddenBy(after, gapsOf(before))
	c.unreadGrants = map[*side]map[string]bool{c.before: c.before.unreadGrants(after), c.after: c.after.unreadGrants(before)}
	c.uses.add(before)
	c.uses.add(after)
	c.comparePlans()
	c.compareNamespaces()
	c.comparePolicies()
	c.compareReplacements()
	c.compareRoles()
	c.compareBindings()
	c.compareGaps()
	out := &Changes{
		APIVersion: migrate.APIVersion, Kind: KindOfChanges, Before: sideOf(before), After: sideOf(after),
		Cautions: c.cautions(), Changes: c.changes, uses: c.uses,
	}
	out.complete()
	return out
}

// complete sets the groups of the changes between two Plans, sorts and counts them.
func (c *Changes) complete() {
	for i := range c.Changes {
		c.Changes[i].Group = c.Changes[i].group()
	}
	slices.SortStableFunc(c.Changes, compareChanges)
	c.Counts = Counts{}
	for i := range c.Changes {
		switch c.Changes[i].Group {
		case GroupLooser:
			c.Counts.Looser++
		case GroupNewBlocker:
			c.Counts.NewBlockers++
		case GroupStricter:
			c.Counts.Stricter++
		case GroupUnknown:
			c.Counts.Unknown++
		default:
			c.Counts.Other++
		}
	}
	if c.Changes == nil {
		c.Changes = []Change{}
	}
}

// group returns the part of the list that a change between two Plans is told in.
func (c *Change) group() Group {
	switch {
	case len(c.NewBlockers) > 0:
		return GroupNewBlocker
	case c.Direction == Looser || c.Direction == Both:
		return GroupLooser
	case c.Direction == Stricter:
		return GroupStricter
	case c.Direction == Unknown:
		return GroupUnknown
	}
	return GroupOther
}

// compareChanges orders the changes between two Plans by group, namespace, kind, object and field.
func compareChanges(x, y Change) int {
	return cmp.Or(
		cmp.Compare(groupPlace(x.Group), groupPlace(y.Group)), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(kindPlace(x.Kind), kindPlace(y.Kind)),
		cmp.Compare(x.Object, y.Object), cmp.Compare(x.Field, y.Field), cmp.Compare(x.Op, y.Op),
	)
}

// groupPlace returns the place of a group of changes among the others.
func groupPlace(g Group) int {
	return slices.Index([]Group{GroupLooser, GroupNewBlocker, GroupStricter, GroupUnknown, GroupOther}, g)
}

// kindPlace returns the place of a kind of change among those of one namespace.
func kindPlace(k Kind) int {
	return slices.Index([]Kind{KindPlan, KindNamespace, KindLevel, KindLabel, KindPolicy, KindReplacement, KindRole, KindGrant, KindBlocker, KindWorkload, KindGap}, k)
}

// sideOf returns what Changes say of one of the two Plans.
func sideOf(p *migrate.Plan) Side {
	return Side{TargetVersion: p.TargetVersion, Basis: p.Basis, Source: p.Source, Namespaces: len(p.Namespaces), Policies: len(p.Policies), Gaps: len(p.Gaps)}
}

// add keeps a change between the two Plans.
func (c *comparison) add(change Change) { c.changes = append(c.changes, change) }

// sortedKeys returns the keys that either of two maps has, sorted, each once.
func sortedKeys[K cmp.Ordered, V any](before, after map[K]V) []K {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// itemsOnlyIn returns the items of a list, sorted and each once, that another list does not have.
func itemsOnlyIn(list, other []string) []string {
	has := make(map[string]bool, len(other))
	for _, item := range other {
		has[item] = true
	}
	var out []string
	for _, item := range list {
		if !has[item] {
			out = append(out, item)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// directionOf returns the direction of a change between two Plans from whether it lets in more and whether it lets in less.
func directionOf(more, less bool) Direction {
	switch {
	case more && less:
		return Both
	case more:
		return Looser
	case less:
		return Stricter
	}
	return Neither
}
