package gate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

const labelPrefix = "pod-security.kubernetes.io/"

// labels finds namespaces without a level, and labels that the server ignores or takes for something else.
func (j *judge) labels() {
	observe := Reason{ID: "no-audit-and-warn", Order: orderObserve}
	enforce := Reason{ID: "no-enforce", Order: orderEnforce}
	var toObserve, toEnforce stage
	var unlabelled []string
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		rec := ns.Recommended
		if ns.Unread || labelled(ns, api.EnforceLevelLabel) || !named(ns) || j.byDefault(ns) {
			continue
		}
		if rec.Audit != "" && (!labelled(ns, api.AuditLevelLabel) || !labelled(ns, api.WarnLevelLabel)) {
			observe.Where = append(observe.Where, ns.Name)
			toObserve.add(ns, api.AuditLevelLabel, api.AuditVersionLabel, api.WarnLevelLabel, api.WarnVersionLabel)
		}
		if rec.Enforce == "" {
			unlabelled = append(unlabelled, ns.Name)
			continue
		}
		enforce.Where = append(enforce.Where, ns.Name)
		toEnforce.add(ns, migrate.LabelKeys()...)
	}
	if len(unlabelled) > 0 {
		j.tell(unlabelled, "no enforce level is recommended, and none is set: the API server's default holds, which is privileged unless it is configured")
	}
	if n := len(observe.Where); n > 0 {
		observe.What = wording.Count(n, "namespace has", "namespaces have") + " no audit and warn labels yet: set them first, and look at what they say"
		observe.How, observe.Clear = j.take("observe", &toObserve)
		j.fail(observe)
	}
	if n := len(enforce.Where); n > 0 {
		enforce.What = wording.Count(n, "namespace has", "namespaces have") + " no enforce label: without policies everything is let in there"
		enforce.How, enforce.Clear = j.take("enforce", &toEnforce)
		j.fail(enforce)
	}
}

func labelled(ns *migrate.Namespace, key string) bool {
	_, there := ns.Standing(key)
	return there
}

// stage sorts namespaces by how they can be labelled: plainly; over a label that somebody else has set to another value;
// at the source of the tool that writes them.
type stage struct {
	plain, over []string
	owned       []*migrate.Namespace
}

func (s *stage) add(ns *migrate.Namespace, keys ...string) {
	differs := func(key string) bool {
		today, there := ns.Standing(key)
		return there && ns.Recommended.Get(key) != "" && today != ns.Recommended.Get(key)
	}
	switch {
	case ns.Owner != "":
		s.owned = append(s.owned, ns)
	case slices.ContainsFunc(keys, differs):
		s.over = append(s.over, ns.Name)
	default:
		s.plain = append(s.plain, ns.Name)
	}
}

// take is how to take a stage.
func (j *judge) take(name string, s *stage) (how string, commands []string) {
	var remarks []string
	if len(s.plain) > 0 {
		commands = append(commands, j.rollout(name, s.plain))
	}
	if len(s.over) > 0 {
		commands = append(commands, j.rollout(name, s.over)+" --force")
		remarks = append(remarks, "--force replaces labels that somebody has set to another value: "+wording.First(s.over, 5))
	}
	return j.atSource(strings.Join(remarks, "; "), s.owned), commands
}

// byDefault is true where the admission configuration says what holds in a namespace without labels: it is exempt, or has a
// level, of which breaks says whether it is met.
func (j *judge) byDefault(ns *migrate.Namespace) bool {
	if ns.Exempt {
		j.tell([]string{ns.Name}, "exempt by the admission configuration: nothing in it is checked")
	}
	return ns.Exempt || ns.Today().Enforce.Level != api.LevelPrivileged
}

func (j *judge) rollout(stage string, namespaces []string) string {
	return fmt.Sprintf("%s rollout%s --stage=%s --yes --namespace=%s", j.tool, j.context, stage, escape.Shell(strings.Join(namespaces, ",")))
}

// ignored finds what under the prefix does not do what it says. In the namespaces that breaks has returned it leaves the labels of
// the admission to that.
func (j *judge) ignored(refused map[string]bool) {
	var owned []*migrate.Namespace
	var left, wait []string
	r := Reason{ID: "labels-without-effect", Order: orderIgnored, What: "labels that the server ignores, or takes for another value than they say"}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		if !named(ns) {
			continue
		}
		var words []string
		skipped := false
		for _, key := range sortedKeys(ns.Labels) {
			if !strings.HasPrefix(key, labelPrefix) || valid(key, ns.Labels[key]) {
				continue
			}
			r.Where = append(r.Where, fmt.Sprintf("%s: %s=%s", ns.Name, key, ns.Labels[key]))
			if _, there := refused[ns.Name]; there && slices.Contains(migrate.LabelKeys(), key) {
				skipped = true
				continue
			}
			words = append(words, repair(ns, key))
		}
		switch {
		case ns.Owner != "" && (len(words) > 0 || skipped):
			owned = append(owned, ns)
			continue
		case len(words) > 0:
			r.Clear = append(r.Clear, j.label(ns, words))
		}
		switch {
		case skipped && refused[ns.Name]:
			left = append(left, ns.Name)
		case skipped:
			wait = append(wait, ns.Name)
		}
	}
	if len(r.Where) == 0 {
		return
	}
	var parts []string
	if len(left) > 0 {
		parts = append(parts, "the labels of "+wording.First(left, 5)+" are repaired together with the level that refuses pods there: see the reason above that names it")
	}
	if len(wait) > 0 {
		parts = append(parts, "the labels of "+wording.First(wait, 5)+" have to be written together with the level, and which one that is could not be told")
	}
	r.How = j.atSource(strings.Join(parts, "; "), owned)
	j.fail(r)
}

// label returns the command that writes words, which are quoted, on a namespace.
func (j *judge) label(ns *migrate.Namespace, words []string) string {
	return fmt.Sprintf("%s label --overwrite namespace %s %s", j.kubectl, escape.Shell(ns.Name), strings.Join(words, " "))
}

// atSource adds to what is to be done where another tool writes the labels of namespaces.
func (j *judge) atSource(how string, owned []*migrate.Namespace) string {
	var parts, synced, written []string
	if how != "" {
		parts = append(parts, how)
	}
	for _, ns := range owned {
		if ns.Owner == migrate.OpenShiftSyncer {
			synced = append(synced, ns.Name)
		} else {
			written = append(written, ns.Name+" ("+ns.Owner+")")
		}
	}
	if len(written) > 0 {
		parts = append(parts, "where another tool writes the labels, put them into its source ('"+j.tool+" labels -o manifest'): "+wording.First(written, 5))
	}
	if len(synced) > 0 {
		parts = append(parts, migrate.OpenShiftSyncer+" sets the labels of "+wording.First(synced, 5)+": to set them yourself, give the namespace the label "+
			migrate.OpenShiftOptOut+"=false first, then write them ('"+j.tool+" labels')")
	}
	return strings.Join(parts, "; ")
}

// repair returns the quoted word that makes an invalid label valid, or takes it away.
func repair(ns *migrate.Namespace, key string) string {
	want := repaired(ns, key)
	if want == "" {
		return escape.Shell(key + "-")
	}
	return escape.Shell(key + "=" + want)
}

// repaired is what an invalid label becomes, "" for one that goes. An invalid enforce is restricted for the server: without a
// looser level that was asked for it stays so. An invalid version of it is the latest: the recommended one takes its place where
// what runs meets the level at that, too.
func repaired(ns *migrate.Namespace, key string) string {
	want := ns.Recommended.Get(key)
	asked := ns.DecidedBy != nil && ns.DecidedBy.Basis == migrate.BasisOverride
	switch {
	case key == api.EnforceLevelLabel && (!asked || want == ""):
		return string(api.LevelRestricted)
	case key == api.EnforceVersionLabel:
		level := api.Level(ns.Recommended.Enforce)
		if labelled(ns, api.EnforceLevelLabel) {
			level = ns.Today().Enforce.Level
		}
		if at, err := api.ParseVersion(want); err != nil || !met(neededAt(ns, at), level) {
			return "latest"
		}
	}
	return want
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func valid(key, value string) bool {
	var err error
	switch key {
	case api.EnforceLevelLabel, api.AuditLevelLabel, api.WarnLevelLabel:
		_, err = api.ParseLevel(value)
	case api.EnforceVersionLabel, api.AuditVersionLabel, api.WarnVersionLabel:
		_, err = api.ParseVersion(value)
	default:
		return false
	}
	return err == nil
}

// breaks finds enforce labels that what runs does not meet: today already, or once the server is To. It returns the namespaces
// that have such a label, by name: true where it writes the level. What it writes there are all repairs that the server takes
// only together.
func (j *judge) breaks() map[string]bool {
	now := refusal{Reason: Reason{
		ID: "refused-by-label", Order: orderBreaks, What: "pods that could not be made again under the level of their namespace",
		How: "this sets the label to what runs; to keep it instead, see '" + j.tool + " patch --raise'",
	}}
	later := refusal{Reason: Reason{
		ID: "refused-after-upgrade", Order: orderBreaks, What: "pods that " + j.opts.To.String() + " would refuse under a level that lets them in today",
		How: "the level follows the server's own version: pin it, or loosen it",
	}}
	refused := map[string]bool{}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		enforced := ns.Today().Enforce
		if enforced.Level == api.LevelPrivileged || !named(ns) {
			continue
		}
		after := effective(enforced.Version, j.opts.To)
		if met(neededAt(ns, after), enforced.Level) || exempted(ns, enforced.Level) {
			continue
		}
		r := &now
		if j.server != (api.Version{}) {
			if today := effective(enforced.Version, j.server); met(neededAt(ns, today), enforced.Level) && today != after {
				r = &later
			}
		}
		refused[ns.Name] = !withheld(ns) && ns.Owner == ""
		j.refuse(r, ns, enforced.Level, after)
	}
	for _, r := range []*refusal{&now, &later} {
		if len(r.Where) > 0 {
			j.fail(j.settle(r))
		}
	}
	return refused
}

// refusal is a Reason of breaks in the making.
type refusal struct {
	Reason
	owned []*migrate.Namespace
	// untold are namespaces of which not all was read; foreseen have no live pod that shows what is refused.
	untold, foreseen []string
}

// refuse adds a namespace that enforces a level which what runs does not meet at a version.
func (j *judge) refuse(r *refusal, ns *migrate.Namespace, level api.Level, at api.Version) {
	needed := string(neededAt(ns, at))
	if withheld(ns) {
		needed += " or a looser level"
	}
	r.Where = append(r.Where, fmt.Sprintf("%s: %s is enforced, and %s is needed at %s (%s)", ns.Name, level, needed, at, strings.Join(offenders(ns, level), ", ")))
	if by := foreseen(ns, level); len(by) > 0 {
		r.foreseen = append(r.foreseen, ns.Name+" ("+wording.First(by, 3)+")")
	}
	switch {
	case withheld(ns):
		r.untold = append(r.untold, ns.Name)
	case ns.Owner != "":
		r.owned = append(r.owned, ns)
	default:
		want, version := level, j.plan.TargetVersion
		if target, err := api.ParseVersion(version); err != nil || !met(neededAt(ns, target), level) {
			want, version = neededAt(ns, at), at.String()
		}
		words := []string{escape.Shell(api.EnforceLevelLabel + "=" + string(want)), escape.Shell(api.EnforceVersionLabel + "=" + version)}
		for _, key := range migrate.LabelKeys()[2:] { // the server takes all repairs in one write, or none
			if value, there := ns.Standing(key); there && !valid(key, value) {
				words = append(words, repair(ns, key))
			}
		}
		r.Clear = append(r.Clear, j.label(ns, words))
	}
}

// settle returns the Reason with what there is to know before its commands are run.
func (j *judge) settle(r *refusal) Reason {
	var parts []string
	if len(r.Clear) > 0 || len(r.owned) > 0 {
		parts = append(parts, r.How)
	}
	if len(r.foreseen) > 0 {
		parts = append(parts, "no live pod shows what is refused, it is only taken to be added to new pods: look at one first in "+wording.First(r.foreseen, 5))
	}
	if len(r.untold) > 0 {
		parts = append(parts, "which level to set could not be told where not all was read (see the gaps of the plan): "+wording.First(r.untold, 5))
	}
	r.How = j.atSource(strings.Join(parts, "; "), r.owned)
	return r.Reason
}

// withheld is true where no enforce is recommended since not all was read: what was not may need a looser level.
func withheld(ns *migrate.Namespace) bool { return !ns.Complete && ns.Action == migrate.ActionWithheld }

// foreseen returns what is taken to be added to pods and alone makes them need a looser level than this; nothing where
// something else is below it, too.
func foreseen(ns *migrate.Namespace, level api.Level) []string {
	var by []string
	for _, w := range below(ns, level) {
		if w.Exempt != nil {
			continue
		}
		adds := slices.DeleteFunc(slices.Clone(w.Injections), func(one migrate.Injection) bool { return met(one.Level, level) })
		if len(adds) == 0 || !met(w.Level.AsWritten, level) {
			return nil
		}
		for _, one := range adds {
			by = append(by, one.By)
		}
	}
	slices.Sort(by)
	return slices.Compact(by)
}

// effective is the version at which a server judges that goes by v.
func effective(v, server api.Version) api.Version {
	if v.Latest() || server.Older(v) {
		return server
	}
	return v
}

// exempted is true if something is below a level, and all that is has an exemption.
func exempted(ns *migrate.Namespace, level api.Level) bool {
	return len(below(ns, level)) > 0 && !slices.ContainsFunc(below(ns, level), func(w *migrate.Workload) bool { return w.Exempt == nil })
}

// below are the workloads below a level at the plan's version.
func below(ns *migrate.Namespace, level api.Level) []*migrate.Workload {
	var out []*migrate.Workload
	for i := range ns.Workloads {
		if w := &ns.Workloads[i]; w.Level.DayAfter != "" && !met(w.Level.DayAfter, level) {
			out = append(out, w)
		}
	}
	return out
}

func met(needed, level api.Level) bool {
	return needed == "" || api.CompareLevels(needed, level) >= 0
}

// neededAt is the level that everything meets at a version; "" where nothing runs, or nothing is known.
func neededAt(ns *migrate.Namespace, v api.Version) api.Level {
	if len(ns.Workloads) == 0 {
		return ""
	}
	for _, at := range ns.Versions {
		if at.Version == v.String() {
			return at.Needed
		}
	}
	return ns.Needed
}

// offenders are the workloads below a level at the plan's version that are not exempt; at another version it may be a check
// that is not told.
func offenders(ns *migrate.Namespace, level api.Level) []string {
	var out []string
	for _, w := range below(ns, level) {
		if w.Exempt == nil {
			out = append(out, wording.Ref(w.Kind, w.Name))
		}
	}
	if len(out) == 0 {
		return []string{"by a check of another version than the plan's"}
	}
	return out
}
