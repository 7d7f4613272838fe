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
	j.ignored()
}

func labelled(ns *migrate.Namespace, key string) bool {
	_, there := ns.Standing(key)
	return there
}

// stage sorts namespaces by how they can be labelled: plainly; over a label that somebody else has set to another value;
// at the source of the tool that writes them.
type stage struct{ plain, over, owned []string }

func (s *stage) add(ns *migrate.Namespace, keys ...string) {
	differs := func(key string) bool {
		today, there := ns.Standing(key)
		return there && ns.Recommended.Get(key) != "" && today != ns.Recommended.Get(key)
	}
	switch {
	case ns.Owner != "":
		s.owned = append(s.owned, ns.Name+" ("+ns.Owner+")")
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
		remarks = append(remarks, "--force replaces labels that somebody has set to another value: "+strings.Join(s.over, ", "))
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

// ignored finds what under the prefix does not do what it says.
func (j *judge) ignored() {
	var owned []string
	r := Reason{ID: "labels-without-effect", Order: orderIgnored, What: "labels that the server ignores, or takes for another value than they say"}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		if !named(ns) {
			continue
		}
		var words []string
		for _, key := range sortedKeys(ns.Labels) {
			if !strings.HasPrefix(key, labelPrefix) || valid(key, ns.Labels[key]) {
				continue
			}
			r.Where = append(r.Where, fmt.Sprintf("%s: %s=%s", ns.Name, key, ns.Labels[key]))
			if want := repaired(ns, key); want != "" {
				words = append(words, escape.Shell(key+"="+want))
			} else {
				words = append(words, escape.Shell(key+"-"))
			}
		}
		switch {
		case len(words) > 0 && ns.Owner != "":
			owned = append(owned, ns.Name+" ("+ns.Owner+")")
		case len(words) > 0:
			r.Clear = append(r.Clear, fmt.Sprintf("%s label --overwrite namespace %s %s", j.kubectl, escape.Shell(ns.Name), strings.Join(words, " ")))
		}
	}
	if len(r.Where) > 0 {
		r.How = j.atSource(r.How, owned)
		j.fail(r)
	}
}

// atSource adds to what is to be done that some labels belong into the source of another tool.
func (j *judge) atSource(how string, owned []string) string {
	if len(owned) == 0 {
		return how
	}
	if how != "" {
		how += "; "
	}
	return how + "where another tool writes the labels they belong into its source ('" + j.tool + " labels -o manifest'): " + strings.Join(owned, ", ")
}

// repaired is what an invalid label becomes, "" for one that goes. An invalid enforce is restricted for the server: without a
// looser level that was asked for it stays so.
func repaired(ns *migrate.Namespace, key string) string {
	want := ns.Recommended.Get(key)
	asked := ns.DecidedBy != nil && ns.DecidedBy.Basis == migrate.BasisOverride
	switch {
	case key == api.EnforceLevelLabel && (!asked || want == ""):
		return string(api.LevelRestricted)
	case key == api.EnforceVersionLabel && want == "":
		return "latest"
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

// breaks finds enforce labels that what runs does not meet: today already, or once the server is To.
func (j *judge) breaks() {
	now := Reason{ID: "refused-by-label", Order: orderBreaks, What: "pods that could not be made again under the level of their namespace", How: "this sets the label to what runs; to keep it instead, see '" + j.tool + " patch --raise'"}
	owned := map[*Reason][]string{}
	later := Reason{ID: "refused-after-upgrade", Order: orderBreaks, What: "pods that " + j.opts.To.String() + " would refuse under a level that lets them in today", How: "the level follows the server's own version: pin it, or loosen it"}
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		enforced := ns.Today().Enforce
		level := enforced.Level
		if level == api.LevelPrivileged || !named(ns) {
			continue
		}
		after := effective(enforced.Version, j.opts.To)
		if met(neededAt(ns, after), level) || exempted(ns, level) {
			continue
		}
		r, at := &now, after
		if j.server != (api.Version{}) {
			if today := effective(enforced.Version, j.server); met(neededAt(ns, today), level) && today != after {
				r = &later
			}
		}
		want, version := level, j.plan.TargetVersion
		if target, err := api.ParseVersion(version); err != nil || !met(neededAt(ns, target), level) {
			want, version = neededAt(ns, at), at.String()
		}
		r.Where = append(r.Where, fmt.Sprintf("%s: %s is enforced, and %s is needed at %s (%s)", ns.Name, level, neededAt(ns, after), after, strings.Join(offenders(ns, level), ", ")))
		if ns.Owner != "" {
			owned[r] = append(owned[r], ns.Name+" ("+ns.Owner+")")
			continue
		}
		words := []string{escape.Shell(api.EnforceLevelLabel + "=" + string(want)), escape.Shell(api.EnforceVersionLabel + "=" + version)}
		for _, key := range migrate.LabelKeys()[2:] { // the server takes all repairs in one write, or none
			if value, there := ns.Labels[key]; there && !valid(key, value) {
				words = append(words, escape.Shell(key+"="+repaired(ns, key)))
			}
		}
		r.Clear = append(r.Clear, fmt.Sprintf("%s label --overwrite namespace %s %s", j.kubectl, escape.Shell(ns.Name), strings.Join(words, " ")))
	}
	for _, r := range []*Reason{&now, &later} {
		if len(r.Where) > 0 {
			r.How = j.atSource(r.How, owned[r])
			j.fail(*r)
		}
	}
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
