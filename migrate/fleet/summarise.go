package fleet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// Of returns the Fleet of one cluster.
func Of(c Cluster) *Fleet {
	return &Fleet{APIVersion: migrate.APIVersion, Kind: Kind, Clusters: []Cluster{c}}
}

// Unread returns the entry in a Fleet of a cluster that could not be read, and why.
func Unread(name, why string) Cluster {
	return Cluster{
		Name: name, Error: why, Reasons: []GateItem{}, Questions: []GateItem{}, Namespaces: []Namespace{}, Policies: []Policy{}, Fixes: []Fix{},
		Blockers: []handover.BlockerCount{}, Lost: []Loss{}, Unseen: []string{},
	}
}

// Summarise returns what a Fleet keeps of a cluster, from its whole Plan and the answer of the gate on it. The name is used where the
// Plan has none.
func Summarise(name string, plan *migrate.Plan, answer *gate.Result) (Cluster, error) {
	cover, screen, overview := handover.FirstScreen(plan, answer)
	c := Unread(cmp.Or(plan.Source.Name, name), "")
	c.UID, c.Source, c.Redacted = plan.Source.UID, cover.Source, plan.Source.Redacted
	c.ServerVersion, c.TargetVersion, c.ReadAt = plan.Source.ServerVersion, plan.TargetVersion, cover.ReadAt
	c.Status, c.Verdict = screen.Verdict.Status, screen.Verdict.Text
	c.Workloads, c.Refusing, c.Blockers = screen.Workloads, screen.Refusing, screen.Blockers
	c.Gaps, c.Unseen = len(plan.Gaps), screen.Unseen
	for i := range answer.Reasons {
		c.Reasons = append(c.Reasons, GateItem{answer.Reasons[i].ID, answer.Reasons[i].Text})
	}
	for i := range answer.Unknown {
		c.Questions = append(c.Questions, GateItem{answer.Unknown[i].ID, answer.Unknown[i].Text})
	}
	c.Namespaces = make([]Namespace, 0, len(overview.Namespaces)) // exactly: it stays as long as the Fleet
	for i := range overview.Namespaces {
		line := &overview.Namespaces[i]
		c.Namespaces = append(c.Namespaces, Namespace{line.Name, line.Today, line.Recommended, line.WithPatches})
	}
	slices.SortFunc(c.Namespaces, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	for i := range plan.Policies {
		content, err := contentOf(&plan.Policies[i])
		if err != nil {
			return Cluster{}, err
		}
		c.Policies = append(c.Policies, Policy{plan.Policies[i].Name, content, string(plan.Policies[i].ClosestLevel)})
	}
	c.Fixes = fixesOf(plan, overview)
	c.Lost = lossesOf(plan)
	return c, nil
}

// contentOf returns a digest of the spec of a Plan's policy and of its annotations on seccomp and AppArmor, which admission reads.
func contentOf(p *migrate.Policy) (string, error) {
	read := map[string]string{}
	for key, value := range p.Annotations {
		if strings.HasPrefix(key, "seccomp.security.alpha.kubernetes.io/") || strings.HasPrefix(key, "apparmor.security.beta.kubernetes.io/") {
			read[key] = value
		}
	}
	text, err := json.Marshal([]any{p.Spec, read})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6]), nil
}

// fixKey is what workloads have in common that one Fix of a Fleet is about. Images are joined by spaces.
type fixKey struct{ kind, name, images, chart string }

// key returns which workloads a Fix of a Fleet is about.
func (f *Fix) key() fixKey { return fixKey{f.Kind, f.Name, strings.Join(f.Images, " "), f.Chart} }

// compare orders what fixes are about.
func (k fixKey) compare(l fixKey) int {
	return cmp.Or(cmp.Compare(k.kind, l.kind), cmp.Compare(k.name, l.name), cmp.Compare(k.images, l.images), cmp.Compare(k.chart, l.chart))
}

// fixesOf returns what is to be done about the workloads of a Plan outside of the namespaces of Kubernetes itself: templates have to
// state what policies set, and checks that keep a namespace from its next level have to be met.
func fixesOf(plan *migrate.Plan, overview *report.Overview) []Fix {
	byKey := map[fixKey]*fixCount{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		if migrate.IsSystemNamespace(ns.Name) {
			continue
		}
		checks := map[migrate.WorkloadRef][]string{}
		for _, b := range ns.Blockers {
			for _, ref := range b.Workloads {
				checks[ref] = append(checks[ref], b.Check)
			}
		}
		for j := range ns.Workloads {
			w := &ns.Workloads[j]
			patched := patch.WorkloadRef{Namespace: ns.Name, Kind: w.Kind, Name: w.Name}
			template, failed := overview.Patched[patched] || overview.ByHand[patched] > 0, checks[migrate.WorkloadRef{Kind: w.Kind, Name: w.Name}]
			if !template && len(failed) == 0 {
				continue
			}
			images := imagesOf(w)
			key := fixKey{w.Kind, w.Name, strings.Join(images, " "), chartOf(w)}
			f := byKey[key]
			if f == nil {
				f = &fixCount{Fix: Fix{Kind: key.kind, Name: key.name, Images: images, Chart: key.chart}, namespaces: map[string]bool{}, checks: map[string]bool{}}
				byKey[key] = f
			}
			f.Workloads++
			f.Template = f.Template || template
			f.namespaces[ns.Name] = true
			for _, check := range failed {
				f.checks[check] = true
			}
		}
	}
	fixes, shared := make([]Fix, 0, len(byKey)), sharedLists{} // exactly, as well
	for _, f := range byKey {
		f.Images, f.Checks, f.Namespaces = shared.of(f.Images), shared.of(sortedKeys(f.checks)), len(f.namespaces)
		fixes = append(fixes, f.Fix)
	}
	slices.SortFunc(fixes, func(a, b Fix) int { return a.key().compare(b.key()) })
	return fixes
}

// sharedLists has lists of the fixes of one cluster by what they hold: a Fleet has most of them hundreds of times.
type sharedLists map[string][]string

// of returns a list that is equal to one of a cluster's fixes, the same for all that are equal.
func (s sharedLists) of(list []string) []string {
	key := strings.Join(list, "\x00")
	known := s[key]
	if known == nil {
		known = slices.Clip(list)
		s[key] = known
	}
	return known
}

// fixCount collects the workloads of one Fix.
type fixCount struct {
	Fix
	namespaces, checks map[string]bool
}

// imagesOf returns the images of a Plan's workload without tag and digest, each once and sorted, as far as its template was kept.
func imagesOf(w *migrate.Workload) []string {
	images := map[string]bool{}
	if w.Template != nil {
		for _, c := range w.Template.Containers {
			if c.Image != "" && !c.Injected {
				images[c.Image] = true
			}
		}
	}
	return sortedKeys(images)
}

// chartOf returns the name of the Helm chart of a Plan's workload without its version: "grafana" for "grafana-6.58.7".
func chartOf(w *migrate.Workload) string {
	if w.ManagedBy == nil {
		return ""
	}
	chart := w.ManagedBy.Chart
	for i := 0; i+1 < len(chart); i++ {
		if chart[i] == '-' && chart[i+1] >= '0' && chart[i+1] <= '9' {
			return chart[:i]
		}
	}
	return chart
}

// lossesOf returns the fields of policies that the recommended levels of a Plan do not keep, by class, the worst first.
func lossesOf(plan *migrate.Plan) []Loss {
	losses := []Loss{}
	for _, class := range []mapping.LossClass{mapping.SecurityLoss, mapping.FunctionalLoss} {
		fields, namespaces := map[string]bool{}, 0
		for i := range plan.Namespaces {
			if lostFields(plan.Namespaces[i].Lost, class, fields) {
				namespaces++
			}
		}
		losses = append(losses, Loss{string(class), sortedKeys(fields), namespaces})
	}
	fields := map[string]bool{}
	lostFields(plan.StandardsDrift, mapping.DriftLoss, fields)
	return append(losses, Loss{string(mapping.DriftLoss), sortedKeys(fields), 0})
}

// sortedKeys returns the keys of a set in order; an empty list where there are none.
func sortedKeys(set map[string]bool) []string {
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(set))))
}

// lostFields adds the fields of lost constraints of one class to a set, and says whether there are any.
func lostFields(lost []migrate.LostConstraint, class mapping.LossClass, fields map[string]bool) bool {
	found := false
	for i := range lost {
		if lost[i].Class == class {
			fields[lost[i].Field], found = true, true
		}
	}
	return found
}
