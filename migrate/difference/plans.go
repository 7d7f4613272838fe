package difference

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// sameStandards reports whether two Plans judge by the same checks: those of one version. The latest that a tool knows is not the same in
// another version of the tool.
func sameStandards(before, after *migrate.Plan) bool {
	if before.TargetVersion != after.TargetVersion {
		return false
	}
	return before.TargetVersion != api.VersionLatest || toolOf(before) == toolOf(after)
}

// toolOf returns the tool that made a Plan, with its version; "" where that is not known.
func toolOf(p *migrate.Plan) string {
	if p.Source.Run == nil {
		return ""
	}
	return p.Source.Run.Tool
}

// cautions returns what has to be known before the changes between two Plans are read: two clusters first, then what is not compared.
func (c *comparison) cautions() []message.Message {
	before, after := c.before.plan, c.after.plan
	var out []message.Message
	b, a := before.Source, after.Source
	switch {
	case b.UID != "" && a.UID != "" && b.UID != a.UID:
		out = append(out, message.New("difference-two-clusters", "before", b.UID, "after", a.UID))
	case (b.UID == "" || a.UID == "") && (b.Kind != a.Kind || b.Name != a.Name || b.Cluster != a.Cluster || b.Server != a.Server):
		out = append(out, message.New("difference-perhaps-two-clusters", "before", b.UID == "", "after", a.UID == ""))
	}
	if b.Run != nil && a.Run != nil && !a.Run.ReadAt.IsZero() && a.Run.ReadAt.Before(b.Run.ReadAt) {
		out = append(out, message.New("difference-backwards"))
	}
	if before.TargetVersion != after.TargetVersion {
		out = append(out, message.New("difference-other-target", "before", before.TargetVersion, "after", after.TargetVersion))
	}
	if before.Basis != after.Basis && c.sameStandards {
		out = append(out, message.New("difference-other-basis", "before", before.Basis, "after", after.Basis))
	}
	if x, y := toolOf(before), toolOf(after); x != "" && y != "" && x != y {
		out = append(out, message.New("difference-other-tool", "before", x, "after", y, "compared", c.sameStandards, "latest", before.TargetVersion == after.TargetVersion && !c.sameStandards))
	}
	if (before.Admission == nil) != (after.Admission == nil) {
		out = append(out, message.New("difference-admission-of-one", "before", before.Admission != nil))
	}
	return out
}

// comparePlans compares what two Plans have as a whole: the target, the basis, the server and its admission configuration.
func (c *comparison) comparePlans() {
	before, after := c.before.plan, c.after.plan
	if before.TargetVersion != after.TargetVersion {
		c.addPlanField("targetVersion", before.TargetVersion, after.TargetVersion, Neither)
	}
	if before.Basis != after.Basis {
		c.addPlanField("basis", string(before.Basis), string(after.Basis), Neither)
	}
	if b, a := before.Source.ServerVersion, after.Source.ServerVersion; b != a && b != "" && a != "" {
		c.addPlanField("source.serverVersion", b, a, Neither)
	}
	if before.Admission == nil || after.Admission == nil {
		return
	}
	if b, a := before.Admission.Defaults.Enforce, after.Admission.Defaults.Enforce; b != a {
		c.addPlanField("admission.defaults.enforce", b, a, levelDirection(knownLevel{api.Level(b), true}, knownLevel{api.Level(a), true}))
	}
	c.addExemptions("admission.runtimeClasses", before.Admission.RuntimeClasses, after.Admission.RuntimeClasses)
	c.addExemptions("admission.usernames", before.Admission.Usernames, after.Admission.Usernames)
}

// addPlanField keeps that a field of the Plans as a whole changed.
func (c *comparison) addPlanField(field, before, after string, d Direction) {
	c.add(Change{
		Kind: KindPlan, Op: OpChanged, Direction: d, Field: field, Before: before, After: after,
		Consequence: planFieldMessage(field, before, after),
	})
}

// planFieldMessage returns the sentence on a changed field of the Plans as a whole.
func planFieldMessage(field, before, after string) message.Message {
	switch field {
	case "targetVersion":
		return message.New("difference-target", "before", before, "after", after)
	case "basis":
		return message.New("difference-basis", "before", before, "after", after)
	case "source.serverVersion":
		return message.New("difference-server", "before", before, "after", after)
	}
	return message.New("difference-default-level", "before", before, "after", after)
}

// addExemptions keeps what is exempt from Pod Security now and was not before, and the other way round.
func (c *comparison) addExemptions(field string, before, after []string) {
	added, removed := itemsOnlyIn(after, before), itemsOnlyIn(before, after)
	if len(added)+len(removed) > 0 {
		c.add(Change{
			Kind: KindPlan, Op: OpChanged, Direction: directionOf(len(added) > 0, len(removed) > 0), Field: field, Added: added, Removed: removed,
			Consequence: message.New("difference-exemptions", "users", field == "admission.usernames", "added", added, "removed", removed),
		})
	}
}
