package migrate_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const pairs = 150

// tries returns how many of n random trials a test makes: all of them, and with -short, which is for the race detector, every seventh.
func tries(n int) int {
	if testing.Short() {
		return n / 7
	}
	return n
}

// facts are what is compared of a plan, each by what it is about.
type facts map[string]string

// labelKeys are the Pod Security labels by their names in a Plan.
var labelKeys = map[string]string{
	"enforce": api.EnforceLevelLabel, "enforceVersion": api.EnforceVersionLabel, "audit": api.AuditLevelLabel,
	"auditVersion": api.AuditVersionLabel, "warn": api.WarnLevelLabel, "warnVersion": api.WarnVersionLabel,
}

func fact(parts ...string) string { return strings.Join(parts, "|") }

// set keeps a fact that is not empty.
func (f facts) set(value string, parts ...string) {
	if value != "" {
		f[fact(parts...)] = value
	}
}

// compared says what of two plans is compared beside what always is.
type compared struct{ standards, recommended, server bool }

func comparedOf(a, b *migrate.Plan) compared {
	c := compared{standards: a.TargetVersion == b.TargetVersion && (a.TargetVersion != "latest" || a.Source.Run.Tool == b.Source.Run.Tool)}
	c.recommended = c.standards && a.Basis == b.Basis
	c.server = a.Source.ServerVersion != "" && b.Source.ServerVersion != ""
	return c
}

// factsOf reads from a plan what is compared, by another way than Compare.
func factsOf(t *testing.T, p *migrate.Plan, c compared) facts {
	t.Helper()
	f := facts{}
	f.set(p.TargetVersion, "plan", "", "", "targetVersion")
	f.set(string(p.Basis), "plan", "", "", "basis")
	if c.server {
		f.set(p.Source.ServerVersion, "plan", "", "", "source.serverVersion")
	}
	for i := range p.Namespaces {
		f.addNamespace(&p.Namespaces[i], c)
	}
	for i := range p.Policies {
		po := &p.Policies[i]
		f.set("there", "policy", po.Name)
		f.addPolicy(t, po.Name, encoded(t, struct {
			Annotations map[string]string `json:"annotations"`
			Spec        pspparse.Spec     `json:"spec"`
		}{po.Annotations, po.Spec}))
		if c.standards {
			f.set(string(po.ClosestLevel), "policy", po.Name, "closestLevel")
		}
	}
	for i := range p.Roles {
		f.set("there", "role", p.Roles[i].Reference())
		f.set(joined(p.Roles[i].Policies), "role", p.Roles[i].Reference(), "policies")
	}
	for i := range p.Bindings {
		b := &p.Bindings[i]
		var subjects []string
		for _, s := range b.Subjects {
			kind, name := s.Kind()
			subjects = append(subjects, kind+" "+name)
		}
		f.set("there", "grant", b.Reference(), b.Role)
		f.set(joined(subjects), "grant", b.Reference(), b.Role, "subjects")
	}
	for i := range p.Gaps {
		f.count(1, "gap", p.Gaps[i].What, p.Gaps[i].ID, p.Gaps[i].Text)
	}
	return f
}

// count adds to a fact that is a number.
func (f facts) count(n int, parts ...string) {
	key := fact(parts...)
	was := 0
	_, _ = fmt.Sscan(f[key], &was)
	delete(f, key)
	if was+n != 0 {
		f[key] = fmt.Sprint(was + n)
	}
}

func (f facts) addNamespace(ns *migrate.Namespace, c compared) {
	f.set("there", "namespace", ns.Name)
	if ns.Terminating {
		f.set("true", "namespace", ns.Name, "terminating")
	}
	for name, key := range labelKeys {
		value, there := ns.LabelValue(key)
		if there && value == "" {
			value = `""`
		}
		f.set(value, "label", ns.Name, "", "current."+name)
		if c.recommended {
			f.set(ns.RecommendedLabels.Get(key), "level", ns.Name, "", "recommended."+name)
		}
	}
	if c.standards {
		f.set(string(ns.NeededLevel), "level", ns.Name, "", "needed")
		f.set(string(ns.AchievableLevel), "level", ns.Name, "", "achievable")
		f.set(string(ns.PermittedLevel), "level", ns.Name, "", "permitted")
	}
	blocking := map[string][]string{}
	for _, b := range ns.Blockers {
		for _, w := range b.Workloads {
			blocking[w.Kind+"/"+w.Name] = append(blocking[w.Kind+"/"+w.Name], b.Check)
		}
	}
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		f.count(1, "workload", ns.Name, w.Kind+"/"+w.Name)
		if c.standards {
			f.set(string(w.Levels.AfterPSP), "workload", ns.Name, w.Kind+"/"+w.Name, "level")
			var checks []string
			for _, v := range w.Violations {
				checks = append(checks, v.Check)
			}
			f.set(joined(checks), "workload", ns.Name, w.Kind+"/"+w.Name, "checks")
			f.set(joined(blocking[w.Kind+"/"+w.Name]), "blocker", ns.Name, w.Kind+"/"+w.Name)
		}
	}
}

// addPolicy adds the fields of a policy that is written as JSON.
func (f facts) addPolicy(t *testing.T, name string, data []byte) {
	t.Helper()
	var stated struct {
		Annotations map[string]string
		Spec        map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &stated); err != nil {
		t.Fatal(err)
	}
	for key, value := range stated.Annotations {
		f.set(string(encoded(t, value)), "policy", name, "metadata.annotations["+key+"]")
	}
	for key, value := range stated.Spec {
		f.set(string(value), "policy", name, "spec."+key)
	}
}

// encoded is a value as JSON that keeps < > and & as they are.
func encoded(t *testing.T, value any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// joined is a list as a set.
func joined(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

// apply changes facts as the changes say.
func (f facts) apply(t *testing.T, c *difference.Change) {
	t.Helper()
	gone := c.Op == difference.OpRemoved || c.Op == difference.OpUnreadNow
	came := c.Op == difference.OpAdded || c.Op == difference.OpUnreadBefore
	existence := func(parts ...string) {
		if gone {
			delete(f, fact(parts...))
		} else if came {
			f[fact(parts...)] = "there"
		}
	}
	value := func(before, after string, parts ...string) {
		if f[fact(parts...)] != before {
			t.Errorf("%+v: the fact %q is %q", c, fact(parts...), f[fact(parts...)])
		}
		delete(f, fact(parts...))
		f.set(after, parts...)
	}
	list := func(parts ...string) {
		items := itemsOf(f[fact(parts...)])
		items = slices.DeleteFunc(items, func(item string) bool { return slices.Contains(c.Removed, item) })
		delete(f, fact(parts...))
		f.set(joined(append(items, c.Added...)), parts...)
	}
	policy := strings.TrimPrefix(c.Object, "PodSecurityPolicy/")
	switch c.Kind {
	case difference.KindPlan, difference.KindLevel, difference.KindLabel:
		value(c.Before, c.After, string(c.Kind), c.Namespace, c.Object, c.Field)
	case difference.KindNamespace:
		existence("namespace", c.Namespace)
		value(c.Before, c.After, "namespace", c.Namespace, "terminating")
	case difference.KindWorkload:
		f.count(map[bool]int{true: 1}[came]-map[bool]int{true: 1}[gone], "workload", c.Namespace, c.Object)
		value(c.Before, c.After, "workload", c.Namespace, c.Object, "level")
		list("workload", c.Namespace, c.Object, "checks")
	case difference.KindBlocker:
		list("blocker", c.Namespace, c.Object)
	case difference.KindPolicy:
		existence("policy", policy)
		switch {
		case gone:
			maps.DeleteFunc(f, func(key, _ string) bool { return strings.HasPrefix(key, fact("policy", policy, "")) })
		case came:
			f.addPolicy(t, policy, []byte(c.After))
		default:
			value(c.Before, c.After, "policy", policy, c.Field)
		}
	case difference.KindRole:
		existence("role", c.Object)
		list("role", c.Object, "policies")
	case difference.KindGrant:
		existence("grant", c.Object, c.Field)
		list("grant", c.Object, c.Field, "subjects")
	case difference.KindGap:
		f.count(map[bool]int{true: 1, false: -1}[came], "gap", c.Object, c.Field, c.After+c.Before)
	}
}

// itemsOf is a set as a list.
func itemsOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// withoutLevels leaves out of facts what a change does not have of a policy that only one plan has: its closest level.
func (f facts) withoutLevels(other *migrate.Plan) facts {
	has := map[string]bool{}
	for i := range other.Policies {
		has[other.Policies[i].Name] = true
	}
	maps.DeleteFunc(f, func(key, _ string) bool {
		name, is := strings.CutSuffix(strings.TrimPrefix(key, "policy|"), "|closestLevel")
		return is && !has[name]
	})
	return f
}

// Nothing changed between a plan and itself, nor itself as it is saved.
func TestNothingChangedSinceThePlanItself(t *testing.T) {
	t.Parallel()
	for seed := range tries(pairs) {
		a, _ := migrate.RandomPlans(t, seed)
		saved, err := migrate.ReadPlan(bytes.NewReader(encoded(t, a)))
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]*migrate.Plan{{a, a}, {a, saved}, {saved, a}} {
			if c := difference.Compare(pair[0], pair[1]); len(c.Changes)+len(c.Cautions) > 0 {
				t.Fatalf("seed %d: %+v", seed, c)
			}
		}
	}
}

// The changes from a plan to another, applied to what the first says, make what the second says.
func TestChangesLeadFromOnePlanToTheOther(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range tries(pairs) {
		a, b := migrate.RandomPlans(t, seed)
		which := comparedOf(a, b)
		got, want := factsOf(t, a, which).withoutLevels(b), factsOf(t, b, which).withoutLevels(a)
		c := difference.Compare(a, b)
		for i := range c.Changes {
			got.apply(t, &c.Changes[i])
			seen[fmt.Sprint(c.Changes[i].Kind, " ", c.Changes[i].Op)], seen[string(c.Changes[i].Direction)] = true, true
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
	t.Logf("seen: %v", slices.Sorted(maps.Keys(seen)))
	for _, want := range []string{
		"namespace added", "namespace removed", "namespace unread-before", "namespace unread-now", "level changed", "label changed", "label unread-now", "policy changed", "policy removed", "workload added", "workload removed",
		"workload changed", "workload unread-before", "workload unread-now", "blocker changed", "role changed", "role added", "role removed", "grant added", "grant removed", "grant unread-before",
		"gap added", "gap removed", "plan changed", "looser", "stricter", "both", "neither", "unknown",
	} {
		if !seen[want] && !testing.Short() {
			t.Errorf("no pair of plans has %q: the generator does too little", want)
		}
	}
}

// Backwards, what became looser became stricter, and what came went.
func TestChangesBackwardsAreTheirMirrorImage(t *testing.T) {
	t.Parallel()
	directions := map[difference.Direction]difference.Direction{difference.Looser: difference.Stricter, difference.Stricter: difference.Looser}
	ops := map[difference.Op]difference.Op{
		difference.OpAdded: difference.OpRemoved, difference.OpRemoved: difference.OpAdded,
		difference.OpUnreadNow: difference.OpUnreadBefore, difference.OpUnreadBefore: difference.OpUnreadNow,
	}
	bare := func(changes []difference.Change, mirrored bool) []string {
		var out []string
		for _, c := range changes {
			if mirrored {
				c.Direction, c.Op = cmp.Or(directions[c.Direction], c.Direction), cmp.Or(ops[c.Op], c.Op)
				c.Before, c.After, c.Added, c.Removed = c.After, c.Before, c.Removed, c.Added
			}
			out = append(out, fmt.Sprint(c.Kind, c.Op, c.Direction, c.Namespace, c.Object, c.Field, c.Before, c.After, c.Added, c.Removed))
		}
		slices.Sort(out)
		return out
	}
	for seed := range tries(pairs) {
		a, b := migrate.RandomPlans(t, seed)
		there, back := difference.Compare(a, b), difference.Compare(b, a)
		if diff := gocmp.Diff(bare(there.Changes, false), bare(back.Changes, true)); diff != "" {
			t.Fatalf("seed %d (-there +back):\n%s", seed, diff)
		}
	}
}

// The same plans have the same changes, in the same order, and comparing changes neither.
func TestChangesAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	for seed := range tries(pairs / 4) {
		a, b := migrate.RandomPlans(t, seed)
		beforeA, beforeB := encoded(t, a), encoded(t, b)
		want := encoded(t, difference.Compare(a, b))
		for range 3 {
			if got := encoded(t, difference.Compare(a, b)); !bytes.Equal(want, got) {
				t.Fatalf("seed %d: other bytes: %s", seed, gocmp.Diff(string(want), string(got)))
			}
		}
		if !bytes.Equal(beforeA, encoded(t, a)) || !bytes.Equal(beforeB, encoded(t, b)) {
			t.Fatalf("seed %d: comparing changed a plan", seed)
		}
	}
}

// What a gap may hide is never called gone or new, and never looser or stricter.
func TestWhatWasNotReadIsNotGone(t *testing.T) {
	t.Parallel()
	for seed := range tries(pairs) {
		a, b := migrate.RandomPlans(t, seed)
		hides := func(p *migrate.Plan, namespace string, parts ...string) bool {
			return slices.ContainsFunc(p.Gaps, func(g migrate.Gap) bool {
				return (g.Changes == "" || slices.Contains(parts, g.Changes)) && (slices.Contains(g.Affects, namespace) || slices.Contains(g.Affects, inventory.AllNamespaces))
			})
		}
		parts := map[difference.Kind][]string{difference.KindWorkload: {"workloads"}, difference.KindGrant: {"grants"}, difference.KindRole: {"grants"}, difference.KindLabel: {"labels"}}
		runsIn := func(p *migrate.Plan, namespace, object string) bool {
			return slices.ContainsFunc(p.Namespaces, func(ns migrate.Namespace) bool {
				return ns.Name == namespace && slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool { return w.Kind+"/"+w.Name == object })
			})
		}
		for _, c := range difference.Compare(a, b).Changes {
			if parts[c.Kind] != nil && (c.Op == difference.OpRemoved && hides(b, c.Namespace, parts[c.Kind]...) || c.Op == difference.OpAdded && hides(a, c.Namespace, parts[c.Kind]...)) {
				t.Fatalf("seed %d: a gap may hide it: %+v", seed, c)
			}
			if c.Kind == difference.KindBlocker && len(c.NewBlockers) > 0 && hides(a, c.Namespace, "workloads") && !runsIn(a, c.Namespace, c.Object) {
				t.Fatalf("seed %d: a gap may hide that it blocked before: %+v", seed, c)
			}
		}
	}
}
