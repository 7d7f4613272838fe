package check

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// The sources of a finding.Demand.
const (
	sourceFlag    = "flag"
	sourceLabels  = "labels"
	sourcePlan    = "plan"
	sourceCluster = "cluster"
	// sourceAdmission is the admission configuration of the API servers.
	sourceAdmission = "admission"
)

// labelSource is something in the input of a check that says which Pod Security labels a namespace has.
type labelSource struct {
	labels map[string]string
	// writer names the object that writes the labels; "" for the Namespace itself.
	writer   string
	position pspparse.Position
}

// decision is what a source demands of the pods of a namespace. A nil demand is none: the namespace is exempt, or at privileged.
type decision struct {
	demand *finding.Demand
	known  bool
}

// demandKey is what decides about a demand: the namespace of an object and the file that it is in.
type demandKey struct{ namespace, file string }

// demandList is what is demanded of objects, by version. Objects with the same demands share it.
type demandList struct {
	demands []finding.Demand
	known   bool
}

// demandsOf returns what is demanded of the pods of an object; it is not known where nothing says that.
func (s *reading) demandsOf(r *record) demandList {
	if s.options.Level == "" && s.exempts(r) {
		return demandsNothing()
	}
	key := demandKey{r.object.Namespace, r.position.File}
	if s.options.Level != "" {
		key = demandKey{}
	}
	list, ok := s.demands[key]
	if !ok {
		list = s.newDemandList(s.decide(r))
		s.demands[key] = list
	}
	return list
}

// newDemandList returns what a decision demands at each version that was asked for.
func (s *reading) newDemandList(d decision) demandList {
	list := demandList{demands: []finding.Demand{}, known: d.known}
	if d.demand == nil {
		return list
	}
	if len(s.options.Versions) == 0 {
		list.demands = append(list.demands, *d.demand)
	}
	for _, v := range s.options.Versions {
		one := *d.demand
		one.Version, one.Why = v.String(), one.Why.Without("invalidVersion").Without("newer").Without("newest")
		list.demands = append(list.demands, one)
	}
	return list
}

// decide returns what the first source says that knows of an object: the flag, the labels in the input, the plan, the cluster,
// the defaults of the admission configuration.
func (s *reading) decide(r *record) decision {
	o := &s.options
	if o.Level != "" {
		return newDecision(finding.Demand{Level: string(o.Level), Version: "latest", Source: sourceFlag, Mode: modeEnforce, Why: message.New("check-level-flag", "level", o.Level)})
	}
	if r.object.Namespace == "" {
		return decision{}
	}
	for _, source := range []func(*record) decision{s.fromInput, s.fromPlan, s.fromCluster, s.fromDefaults} {
		if d := source(r); d.known {
			return d
		}
	}
	return decision{}
}

// newDecision returns the decision of a source that demands a level; privileged demands nothing.
func newDecision(d finding.Demand) decision {
	if d.Level == string(api.LevelPrivileged) {
		return decision{known: true}
	}
	return decision{&d, true}
}

// fromInput returns what labels in the input say of the namespace of an object: those of the Namespaces that lie nearest to it, else
// those that other objects write.
func (s *reading) fromInput(r *record) decision {
	for _, written := range []bool{false, true} {
		var nearest []labelSource
		best := -1
		for _, source := range s.labels[r.object.Namespace] {
			if (source.writer != "") != written || modeOf(source.labels) == "" {
				continue
			}
			near := nearness(source.position.File, r.position.File)
			if near > best {
				nearest, best = nil, near
			}
			if near == best {
				nearest = append(nearest, source)
			}
		}
		if len(nearest) > 0 {
			return s.strictest(r.object.Namespace, nearest)
		}
	}
	return decision{}
}

// strictest returns what the strictest of several sources of labels demands of a namespace; the first by position of equal ones.
// Where they differ, that is noted.
func (s *reading) strictest(namespace string, sources []labelSource) decision {
	slices.SortFunc(sources, func(a, b labelSource) int { return comparePositions(a.position, b.position) })
	var best decision
	var bestSource labelSource
	all := make([]decision, len(sources))
	for i, source := range sources {
		d := s.fromNamespace(namespace, sourceLabels, source.labels, func(key, value string, invalid bool) message.Message {
			return message.New("check-level-labels", "namespace", namespace, "key", key, "value", value, "invalid", invalid, "writer", source.writer)
		})
		if d.demand != nil {
			d.demand.Position = source.position
		}
		if !best.known || d.demand != nil && (best.demand == nil || stricter(d.demand, best.demand)) {
			best, bestSource = d, source
		}
		all[i] = d
	}
	for i, d := range all {
		if demandText(d) != demandText(best) {
			s.noteDifference(namespace, bestSource, sources[i], demandText(best), demandText(d))
			break
		}
	}
	return best
}

// demandText returns what a source of labels demands as "enforce=baseline:latest".
func demandText(d decision) string {
	if d.demand == nil {
		return "no level"
	}
	return d.demand.Mode + "=" + d.demand.Level + ":" + d.demand.Version
}

// noteDifference notes, once, that two sources of the labels of a namespace ask for different levels.
func (s *reading) noteDifference(namespace string, used, other labelSource, usedText, otherText string) {
	if pair := [2]pspparse.Position{used.position, other.position}; !s.differences[pair] {
		s.differences[pair] = true
		s.notes = append(s.notes, inventory.Note{What: inventory.ObjectText("Namespace", "", namespace), Position: used.position, Why: message.New("check-labels-differ",
			"used", usedText, "usedAt", positionText(used.position), "other", otherText, "otherAt", positionText(other.position))})
	}
}

// positionText returns a position as FILE:LINE for a message.
func positionText(at pspparse.Position) string {
	return english.EscapeInput(at.File) + ":" + strconv.Itoa(at.Line)
}

// stricter reports whether a demand asks for more than another: in a mode that refuses more, or the same with a stricter level.
func stricter(a, b *finding.Demand) bool {
	modes := []string{modeEnforce, modeWarn, modeAudit}
	order := cmp.Or(cmp.Compare(slices.Index(modes, a.Mode), slices.Index(modes, b.Mode)), cmp.Compare(levels.Rank(api.Level(b.Level)), levels.Rank(api.Level(a.Level))))
	return order < 0
}

// nearness returns how many folders two files have in common; one that is the other is nearest of all.
func nearness(a, b string) int {
	if a == b {
		return 1 << 20
	}
	return commonFolders(strings.Split(path.Dir(slashed(a)), "/"), strings.Split(path.Dir(slashed(b)), "/"))
}

// commonFolders returns how many folders two paths begin with alike.
func commonFolders(a, b []string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// slashed returns the path of a file with slashes, without steps that lead nowhere.
func slashed(file string) string { return path.Clean(strings.ReplaceAll(file, "\\", "/")) }

// The modes of Pod Security labels.
const (
	modeEnforce = "enforce"
	modeWarn    = "warn"
	modeAudit   = "audit"
)

// modeOf returns the mode of labels that demands something: the first of enforce, warn and audit that has a stricter level than
// privileged, as an API server reads it; else the first that has a level, "" for none.
func modeOf(labels map[string]string) string {
	first := ""
	for _, mode := range []string{modeEnforce, modeWarn, modeAudit} {
		text, ok := labels[levelLabel(mode)]
		if !ok {
			continue
		}
		if level, _ := levelOf(mode, text); level != api.LevelPrivileged {
			return mode
		}
		if first == "" {
			first = mode
		}
	}
	return first
}

// levelOf returns the level that an API server reads in a label of a mode: an invalid one of enforce is restricted, one of another
// mode privileged. Valid is false for such a one.
func levelOf(mode, text string) (level api.Level, valid bool) {
	level, err := api.ParseLevel(text)
	switch {
	case err == nil:
		return level, true
	case mode == modeEnforce:
		return api.LevelRestricted, false
	}
	return api.LevelPrivileged, false
}

// levelLabel returns the key of the label with the level of a mode.
func levelLabel(mode string) string { return "pod-security.kubernetes.io/" + mode }

// fromLabels returns what Pod Security labels demand, as an API server reads them: an invalid version is the latest. Why words where
// the label stands.
func fromLabels(labels map[string]string, why func(key, value string, invalid bool) message.Message) decision {
	mode := modeOf(labels)
	if mode == "" {
		return decision{}
	}
	key := levelLabel(mode)
	level, valid := levelOf(mode, labels[key])
	version, reason := "latest", why(key, labels[key], !valid)
	if text, ok := labels[key+"-version"]; ok {
		switch v, err := api.ParseVersion(text); {
		case err != nil:
			reason = reason.With("invalidVersion", text)
		default:
			version = v.String()
			if newest := pss.NewestVersion(); !v.Latest() && newest.Older(v) {
				reason = reason.With("newest", newest.String()).With("newer", version)
			}
		}
	}
	return newDecision(finding.Demand{Level: string(level), Version: version, Mode: mode, Why: reason})
}

// fromPlan returns what the plan recommends for the namespace of an object.
func (s *reading) fromPlan(r *record) decision {
	if s.options.Plan == nil {
		return decision{}
	}
	i := slices.IndexFunc(s.options.Plan.Namespaces, func(ns migrate.Namespace) bool { return ns.Name == r.object.Namespace })
	if i < 0 {
		return decision{}
	}
	ns := &s.options.Plan.Namespaces[i]
	if ns.Exempt {
		return decision{known: true}
	}
	labels := map[string]string{}
	for _, mode := range []string{modeEnforce, modeWarn, modeAudit} {
		if len(labels) > 0 { // the level to warn of is what a plan works towards, and not what it recommends to hold
			break
		}
		for _, key := range []string{levelLabel(mode), levelLabel(mode) + "-version"} {
			if value := ns.RecommendedLabels.Get(key); value != "" {
				labels[key] = value
			}
		}
	}
	d := fromLabels(labels, func(key, value string, _ bool) message.Message {
		return message.New("check-level-plan", "plan", s.options.PlanName, "namespace", ns.Name, "key", key, "value", value)
	})
	if d.demand != nil {
		d.demand.Source = sourcePlan
	}
	return d
}

// fromCluster returns what the labels of the namespace of an object demand on the live cluster. Its "latest" is the version of the
// server, as far as that is known.
func (s *reading) fromCluster(r *record) decision {
	c := s.options.Cluster
	if c == nil {
		return decision{}
	}
	for i := range c.Namespaces {
		if c.Namespaces[i].Name != r.object.Namespace {
			continue
		}
		if modeOf(c.Namespaces[i].Labels) == "" {
			return decision{}
		}
		d := s.fromNamespace(r.object.Namespace, sourceCluster, c.Namespaces[i].Labels, func(key, value string, invalid bool) message.Message {
			return message.New("check-level-cluster", "cluster", c.Name, "namespace", r.object.Namespace, "key", key, "value", value, "invalid", invalid)
		})
		if d.demand != nil {
			d.demand.Version = onServer(d.demand.Version, c.ServerVersion)
		}
		return d
	}
	return decision{}
}

// onServer returns the version of the standards that a server applies where a label asks for one: its own for "latest" and for a newer
// one. A server that is newer than the standards known here has them as far as they are.
func onServer(asked, gitVersion string) string {
	server, ok := serverMinor(gitVersion)
	if newest := pss.NewestVersion(); !ok || newest.Older(server) {
		return asked
	}
	if v, err := api.ParseVersion(asked); err == nil && !server.Older(v) {
		return asked
	}
	return server.String()
}

// serverMinor returns the version of the standards that an API server of a gitVersion applies.
func serverMinor(gitVersion string) (api.Version, bool) {
	parts := strings.SplitN(gitVersion, ".", 3)
	if len(parts) < 2 {
		return api.Version{}, false
	}
	v, err := api.ParseVersion(parts[0] + "." + strings.TrimRight(parts[1], "+"))
	return v, err == nil
}

// comparePositions orders positions by file and line.
func comparePositions(a, b pspparse.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}
