package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// checkLabels adds reasons against the upgrade for namespaces without enforce, audit or warn labels.
func (j *upgradeCheck) checkLabels() {
	observe, enforce := Reason{Order: orderObserve}, Reason{Order: orderEnforce}
	var toObserve, toEnforce rolloutStageNamespaces
	var unlabelled []message.Message
	var unread []*migrate.Namespace
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		rec := ns.RecommendedLabels
		if ns.ObjectNotRead && hasValidName(ns) {
			unread = append(unread, ns)
		}
		if ns.ObjectNotRead || hasLabel(ns, api.EnforceLevelLabel) || !hasValidName(ns) || j.isCoveredByDefault(ns) {
			continue
		}
		if rec.Audit != "" && (!hasLabel(ns, api.AuditLevelLabel) || !hasLabel(ns, api.WarnLevelLabel)) {
			observe.Objects = append(observe.Objects, namespaceObject(ns))
			toObserve.add(ns, api.AuditLevelLabel, api.AuditVersionLabel, api.WarnLevelLabel, api.WarnVersionLabel)
		}
		if rec.Enforce == "" {
			unlabelled = append(unlabelled, namespaceObject(ns))
			continue
		}
		enforce.Objects = append(enforce.Objects, namespaceObject(ns))
		toEnforce.add(ns, inventory.PodSecurityLabelKeys()...)
	}
	if len(unlabelled) > 0 {
		j.addNote(unlabelled, message.New("no-enforce-recommended"))
	}
	if n := len(observe.Objects); n > 0 {
		observe.Message = message.New("no-audit-and-warn", "n", n)
		observe.Advice, observe.Commands = j.stageCommands("observe", &toObserve)
		observe.Advice = append(observe.Advice, notCounted(unread, func(rec *migrate.PodSecurityLabels) bool { return rec.Audit != "" })...)
		j.addReason(observe)
	}
	if n := len(enforce.Objects); n > 0 {
		enforce.Message = message.New("no-enforce", "n", n)
		enforce.Advice, enforce.Commands = j.stageCommands("enforce", &toEnforce)
		enforce.Advice = append(enforce.Advice, notCounted(unread, func(rec *migrate.PodSecurityLabels) bool { return rec.Enforce != "" })...)
		j.addReason(enforce)
	}
}

// notCounted returns the gate's advice on namespaces whose labels were not read: it does not count them, and the plan does where it
// recommends labels of a stage.
func notCounted(unread []*migrate.Namespace, recommends func(*migrate.PodSecurityLabels) bool) Advice {
	var names []string
	for _, ns := range unread {
		if recommends(&ns.RecommendedLabels) {
			names = append(names, ns.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return Advice{message.New("labels-not-counted", "namespaces", names)}
}

// namespaceObject returns a namespace as an object that a reason or note of the gate is about.
func namespaceObject(ns *migrate.Namespace) message.Message {
	return message.New("object-namespace", "namespace", ns.Name)
}

// hasLabel reports whether a namespace of the plan has a Pod Security label, for the gate.
func hasLabel(ns *migrate.Namespace, key string) bool {
	_, there := ns.LabelValue(key)
	return there
}

// rolloutStageNamespaces are the namespaces for which the gate advises one stage of a roll-out of labels, by how: plainly, by
// replacing values that somebody has set, or in the source of the tool that writes them.
type rolloutStageNamespaces struct {
	plain, overwriting []string
	owned              []*migrate.Namespace
}

// add adds a namespace without labels to those of a roll-out stage, by the owner of its labels and by their values.
func (s *rolloutStageNamespaces) add(ns *migrate.Namespace, keys ...string) {
	differs := func(key string) bool {
		today, there := ns.LabelValue(key)
		return there && ns.RecommendedLabels.Get(key) != "" && today != ns.RecommendedLabels.Get(key)
	}
	switch {
	case ns.LabelOwner != "":
		s.owned = append(s.owned, ns)
	case slices.ContainsFunc(keys, differs):
		s.overwriting = append(s.overwriting, ns.Name)
	default:
		s.plain = append(s.plain, ns.Name)
	}
}

// stageCommands returns the commands of the gate's advice that take a stage of a roll-out, and what to know before.
func (j *upgradeCheck) stageCommands(name string, s *rolloutStageNamespaces) (how Advice, commands []string) {
	if len(s.plain) > 0 {
		commands = append(commands, j.rolloutCommand(name, s.plain))
	}
	if len(s.overwriting) > 0 {
		commands = append(commands, j.rolloutCommand(name, s.overwriting)+" --force")
		how = Advice{message.New("force-replaces-labels", "namespaces", s.overwriting)}
	}
	return append(how, j.labelOwnerAdvice(s.owned)...), commands
}

// isCoveredByDefault reports whether, for the gate, the admission configuration says what is enforced in a namespace
// without labels: it is exempt, or gets a level, which checkEnforcedLevels looks at.
func (j *upgradeCheck) isCoveredByDefault(ns *migrate.Namespace) bool {
	if ns.Exempt {
		j.addNote([]message.Message{namespaceObject(ns)}, message.New("exempt-not-checked"))
	}
	return ns.Exempt || ns.EffectivePolicyToday().Enforce.Level != api.LevelPrivileged
}

// rolloutCommand returns the psp2pss rollout command of the gate for one stage in some namespaces.
func (j *upgradeCheck) rolloutCommand(stage string, namespaces []string) string {
	return fmt.Sprintf("%s rollout%s --stage=%s --yes --namespace=%s", j.tool, j.contextFlag, stage, escape.Shell(strings.Join(namespaces, ",")))
}

// checkIneffectiveLabels adds a reason against the upgrade for labels with the prefix of Pod Security that the server
// ignores, or takes for another value. refused are the namespaces that checkEnforcedLevels repairs, together with their
// level.
func (j *upgradeCheck) checkIneffectiveLabels(refused map[string]bool) {
	var owned []*migrate.Namespace
	var left, wait []string
	r := Reason{Message: message.New("labels-without-effect"), Order: orderIgnored}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		if !hasValidName(ns) {
			continue
		}
		var words []string
		skipped := false
		for _, key := range slices.Sorted(maps.Keys(ns.Labels)) {
			if !strings.HasPrefix(key, inventory.PodSecurityLabelPrefix) || isValidLabel(key, ns.Labels[key]) {
				continue
			}
			r.Objects = append(r.Objects, message.New("object-label", "namespace", ns.Name, "label", key, "value", ns.Labels[key]))
			if _, there := refused[ns.Name]; there && slices.Contains(inventory.PodSecurityLabelKeys(), key) {
				skipped = true
				continue
			}
			words = append(words, repairArgument(ns, key))
		}
		switch {
		case ns.LabelOwner != "" && (len(words) > 0 || skipped):
			owned = append(owned, ns)
			continue
		case len(words) > 0:
			r.Commands = append(r.Commands, j.labelCommand(ns, words))
		}
		switch {
		case skipped && refused[ns.Name]:
			left = append(left, ns.Name)
		case skipped:
			wait = append(wait, ns.Name)
		}
	}
	if len(r.Objects) == 0 {
		return
	}
	if len(left) > 0 {
		r.Advice = append(r.Advice, message.New("labels-repaired-with-level", "namespaces", left))
	}
	if len(wait) > 0 {
		r.Advice = append(r.Advice, message.New("labels-wait-for-level", "namespaces", wait))
	}
	r.Advice = append(r.Advice, j.labelOwnerAdvice(owned)...)
	j.addReason(r)
}

// labelCommand returns the gate's kubectl command that writes labels, given as shell words, on a namespace.
func (j *upgradeCheck) labelCommand(ns *migrate.Namespace, words []string) string {
	return fmt.Sprintf("%s label --overwrite namespace %s %s", j.kubectl, escape.Shell(ns.Name), strings.Join(words, " "))
}

// labelOwnerAdvice returns the gate's advice where another tool writes the labels of namespaces.
func (j *upgradeCheck) labelOwnerAdvice(owned []*migrate.Namespace) Advice {
	var out Advice
	var synced, written []string
	for _, ns := range owned {
		if ns.LabelOwner == migrate.OpenShiftLabelSyncer {
			synced = append(synced, ns.Name)
		} else {
			written = append(written, ns.Name+" ("+ns.LabelOwner+")")
		}
	}
	if len(written) > 0 {
		out = append(out, message.New("labels-of-another-tool", "tool", j.tool, "namespaces", written))
	}
	if len(synced) > 0 {
		out = append(out, message.New("opt-out-of-label-syncer",
			"syncer", migrate.OpenShiftLabelSyncer, "namespaces", synced, "label", migrate.OpenShiftSyncOptOutLabel, "tool", j.tool))
	}
	return out
}

// repairArgument returns, for the gate, the shell word for kubectl label that repairs or removes an invalid label.
func repairArgument(ns *migrate.Namespace, key string) string {
	want := repairedLabelValue(ns, key)
	if want == "" {
		return escape.Shell(key + "-")
	}
	return escape.Shell(key + "=" + want)
}

// repairedLabelValue returns the value by which the gate repairs an invalid Pod Security label; "" to remove it. The
// server takes an invalid enforce for restricted: it stays so unless a looser level was asked for. It takes an invalid
// version for the latest: the recommended version replaces it if what runs meets the level at that, too.
func repairedLabelValue(ns *migrate.Namespace, key string) string {
	want := ns.RecommendedLabels.Get(key)
	asked := ns.DecidedBy != nil && ns.DecidedBy.Basis == migrate.BasisOverride
	switch {
	case key == api.EnforceLevelLabel && (!asked || want == ""):
		return string(api.LevelRestricted)
	case key == api.EnforceVersionLabel:
		level := api.Level(ns.RecommendedLabels.Enforce)
		if hasLabel(ns, api.EnforceLevelLabel) {
			level = ns.EffectivePolicyToday().Enforce.Level
		}
		if at, err := api.ParseVersion(want); err != nil || !meetsLevel(neededLevelAt(ns, at), level) {
			return "latest"
		}
	}
	return want
}

// isValidLabel reports, for the gate, whether a label is one of Pod Security with a valid value.
func isValidLabel(key, value string) bool {
	return slices.Contains(inventory.PodSecurityLabelKeys(), key) && labels.IsValidLabel(key, value)
}

// checkEnforcedLevels adds reasons against the upgrade for namespaces whose workloads do not meet the level that they
// enforce, today or after the upgrade. It returns these namespaces, with true if a command writes the level there and
// repairs all invalid labels with it, since the server takes such repairs only together.
func (j *upgradeCheck) checkEnforcedLevels() map[string]bool {
	now := refusedPods{Reason: Reason{
		Message: message.New("refused-by-label"), Order: orderBreaks, Advice: Advice{message.New("loosen-or-patch", "tool", j.tool)},
	}}
	later := refusedPods{Reason: Reason{
		Message: message.New("refused-after-upgrade", "to", &j.opts.To), Order: orderBreaks, Advice: Advice{message.New("pin-or-loosen")},
	}}
	refused := map[string]bool{}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		enforced := ns.EffectivePolicyToday().Enforce
		if enforced.Level == api.LevelPrivileged || !hasValidName(ns) {
			continue
		}
		after := effectiveVersion(enforced.Version, j.opts.To)
		if meetsLevel(neededLevelAt(ns, after), enforced.Level) || areAllExempt(ns, enforced.Level) {
			continue
		}
		r := &now
		if j.server != (api.Version{}) {
			if today := effectiveVersion(enforced.Version, j.server); meetsLevel(neededLevelAt(ns, today), enforced.Level) && today != after {
				r = &later
			}
		}
		refused[ns.Name] = !isEnforceWithheld(ns) && ns.LabelOwner == ""
		j.addRefusedNamespace(r, ns, enforced.Level, after)
	}
	for _, r := range []*refusedPods{&now, &later} {
		if len(r.Objects) > 0 {
			j.addReason(j.reasonForRefusedPods(r))
		}
	}
	return refused
}

// refusedPods collects the gate's Reason about namespaces whose pods Pod Security refuses.
type refusedPods struct {
	Reason
	owned []*migrate.Namespace
	// unknownLevel are namespaces of which not all was read. injectedOnly have no live pod that shows what is refused.
	unknownLevel, injectedOnly []string
}

// addRefusedNamespace adds to a reason of the gate a namespace whose workloads do not meet the level that it enforces
// at a version, and the command that writes the level they need.
func (j *upgradeCheck) addRefusedNamespace(r *refusedPods, ns *migrate.Namespace, level api.Level, at api.Version) {
	r.Objects = append(r.Objects, message.New("object-refused-namespace", "namespace", ns.Name, "level", level, "needed", neededLevelAt(ns, at),
		"looser", isEnforceWithheld(ns), "version", at.String(), "workloads", workloadNamesBelowLevel(ns, level)))
	if by := injectorsBelowLevel(ns, level); len(by) > 0 {
		r.injectedOnly = append(r.injectedOnly, ns.Name+" ("+phrases.JoinFirst(by, 3)+")")
	}
	switch {
	case isEnforceWithheld(ns):
		r.unknownLevel = append(r.unknownLevel, ns.Name)
	case ns.LabelOwner != "":
		r.owned = append(r.owned, ns)
	default:
		want, version := level, j.plan.TargetVersion
		if target, err := api.ParseVersion(version); err != nil || !meetsLevel(neededLevelAt(ns, target), level) {
			want, version = neededLevelAt(ns, at), at.String()
		}
		words := []string{escape.Shell(api.EnforceLevelLabel + "=" + string(want)), escape.Shell(api.EnforceVersionLabel + "=" + version)}
		for _, key := range inventory.PodSecurityLabelKeys()[2:] { // the server takes all repairs in one write, or none
			if value, there := ns.LabelValue(key); there && !isValidLabel(key, value) {
				words = append(words, repairArgument(ns, key))
			}
		}
		r.Commands = append(r.Commands, j.labelCommand(ns, words))
	}
}

// reasonForRefusedPods returns the gate's Reason about pods that a level refuses, with its advice.
func (j *upgradeCheck) reasonForRefusedPods(r *refusedPods) Reason {
	if len(r.Commands) == 0 && len(r.owned) == 0 {
		r.Advice = nil
	}
	if len(r.injectedOnly) > 0 {
		r.Advice = append(r.Advice, message.New("look-at-injected-pod", "namespaces", r.injectedOnly))
	}
	if len(r.unknownLevel) > 0 {
		r.Advice = append(r.Advice, message.New("level-to-set-unknown", "namespaces", r.unknownLevel))
	}
	r.Advice = append(r.Advice, j.labelOwnerAdvice(r.owned)...)
	return r.Reason
}

// isEnforceWithheld reports whether a plan recommends no enforce level to the gate since not all was read: the rest may
// need a looser level.
func isEnforceWithheld(ns *migrate.Namespace) bool {
	return !ns.Complete && ns.Action == migrate.ActionWithheld
}

// injectorsBelowLevel returns, for the gate, the injectors whose containers alone keep workloads of a namespace from a
// level; none if something else does, too.
func injectorsBelowLevel(ns *migrate.Namespace, level api.Level) []string {
	var by []string
	for _, w := range workloadsBelowLevel(ns, level) {
		if w.Exempt != nil {
			continue
		}
		adds := slices.DeleteFunc(slices.Clone(w.Injections), func(one migrate.Injection) bool { return meetsLevel(one.Level, level) })
		if len(adds) == 0 || !meetsLevel(w.Levels.AsWritten, level) {
			return nil
		}
		for _, one := range adds {
			by = append(by, one.Injector)
		}
	}
	slices.Sort(by)
	return slices.Compact(by)
}

// effectiveVersion returns, for the gate, the version of the standards at which a server evaluates a label with version
// v.
func effectiveVersion(v, server api.Version) api.Version {
	if v.Latest() || server.Older(v) {
		return server
	}
	return v
}

// areAllExempt reports whether all workloads of a namespace that do not meet its level are exempt, so that the gate
// counts none.
func areAllExempt(ns *migrate.Namespace, level api.Level) bool {
	return len(workloadsBelowLevel(ns, level)) > 0 && !slices.ContainsFunc(workloadsBelowLevel(ns, level), func(w *migrate.Workload) bool { return w.Exempt == nil })
}

// workloadsBelowLevel returns, for the gate, the workloads of a namespace that do not meet a level at the plan's
// version.
func workloadsBelowLevel(ns *migrate.Namespace, level api.Level) []*migrate.Workload {
	var out []*migrate.Workload
	for i := range ns.Workloads {
		if w := &ns.Workloads[i]; w.Levels.AfterPSP != "" && !meetsLevel(w.Levels.AfterPSP, level) {
			out = append(out, w)
		}
	}
	return out
}

// meetsLevel reports, for the gate, whether a namespace's Pod Security level is no stricter than the one that it needs;
// "" needs nothing.
func meetsLevel(needed, level api.Level) bool {
	return needed == "" || api.CompareLevels(needed, level) >= 0
}

// neededLevelAt returns, for the gate, the level that all workloads of a namespace meet at a version; "" if nothing
// runs, or nothing is known.
func neededLevelAt(ns *migrate.Namespace, v api.Version) api.Level {
	if len(ns.Workloads) == 0 {
		return ""
	}
	for _, span := range ns.LevelByVersion {
		if span.Holds(v) {
			return span.Needed
		}
	}
	return ns.NeededLevel
}

// workloadNamesBelowLevel returns, for a reason of the gate, the workloads of a namespace that do not meet a level at
// the plan's version and are not exempt.
func workloadNamesBelowLevel(ns *migrate.Namespace, level api.Level) []string {
	var out []string
	for _, w := range workloadsBelowLevel(ns, level) {
		if w.Exempt == nil {
			out = append(out, phrases.ObjectName(w.Kind, w.Name))
		}
	}
	return out
}
