package labels_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const undoHead = `#!/bin/sh
# Puts back what the script with these labels changes: Pod Security labels for v1.25, stage enforce, from context prod, by psp2pss v0.
# 3 namespaces to put back, 1 not.
# It ends at the first failure and can be run again. Namespaces that somebody changed since are left as they are and named.
# Review every line before you run it.
BEGIN
left=0
undo() {
	name=$1 written=$2 before=$3
	shift 3
	kubectl --context=prod label --overwrite namespace "--field-selector=metadata.name=$name" "--selector=$written" "$@"
	found=$(kubectl --context=prod get namespace --output=name "--field-selector=metadata.name=$name" "--selector=$before")
	if [ -z "$found" ]; then
		echo "$name: left as it is: it is gone, or its labels are neither what the script wrote nor what they were before" >&2
		left=1
	fi
}

`

func TestUndo(t *testing.T) {
	t.Parallel()
	add := func(name string, current migrate.PodSecurityLabels) migrate.Namespace {
		return migrate.Namespace{Name: name, CurrentLabels: current, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd}
	}
	unread, owned, empty := add("unread", migrate.PodSecurityLabels{}), add("owned", migrate.PodSecurityLabels{}), add("empty", migrate.PodSecurityLabels{})
	unread.ObjectNotRead, owned.LabelOwner = true, "Flux"
	empty.Labels = map[string]string{"pod-security.kubernetes.io/enforce": ""}
	empty.RecommendedLabels = six("restricted") // as which the server takes an empty value today
	p := planOf(inventory.Source{Kind: inventory.SourceCluster, Name: "prod"},
		empty, add("hostile", migrate.PodSecurityLabels{EnforceVersion: "$(reboot)"}), owned, unread,
		add("web", migrate.PodSecurityLabels{Enforce: "privileged", EnforceVersion: "v1.25"}), add("done", six("baseline")),
	)
	var got bytes.Buffer
	if err := labels.WriteUndo(&got, p, labels.Options{Tool: "psp2pss v0", Stage: labels.StageEnforce}); err != nil {
		t.Fatal(err)
	}
	const level, version = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version"
	want := strings.Replace(undoHead, "BEGIN\n", begin(t, p.Source), 1) +
		"# empty: " + level + " was \"\", which is invalid and is not put back: it stays restricted\n" +
		"undo empty " + version + "=v1.25 '!" + version + "' " + version + "-\n" +
		"# hostile: " + version + " was \"$(reboot)\", which is invalid and is not put back: it becomes latest, which the server took it for\n" +
		"undo hostile '" + level + "=baseline," + version + "=v1.25' '!" + level + "," + version + "=latest' " + level + "- " + version + "=latest\n" +
		"# unread: not put back, its labels were not read\n" +
		"undo web " + level + "=baseline " + level + "=privileged " + level + "=privileged\n" +
		"\nexit \"$left\"\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// pair writes the script of a plan and the one that takes it back.
func pair(t *testing.T, p *migrate.Plan, stage labels.Stage) (script, undo []byte) {
	t.Helper()
	var a, b bytes.Buffer
	opts := labels.Options{Tool: "psp2pss", Stage: stage}
	if err := labels.WriteCommands(&a, p, opts); err != nil {
		t.Fatal(err)
	}
	if err := labels.WriteUndo(&b, p, opts); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes()
}

// anyPlan has namespaces in every state that a server can hold, and says what is there.
func anyPlan(r *rand.Rand) (*migrate.Plan, map[string]map[string]string) {
	p := planOf(planned())
	there := map[string]map[string]string{}
	for i := range 4 {
		ns := migrate.Namespace{Name: fmt.Sprintf("ns-%d", i), RecommendedLabels: six([]string{"privileged", "baseline", "restricted"}[r.IntN(3)]), Labels: map[string]string{"app": "kept"}}
		for _, key := range inventory.PodSecurityLabelKeys() {
			if values := []string{"", "privileged", "restricted", "v1.25", "Odd_1"}; r.IntN(2) == 0 {
				ns.Labels[key] = values[r.IntN(len(values))]
			}
		}
		get := func(key string) string { return ns.Labels["pod-security.kubernetes.io/"+key] }
		ns.CurrentLabels = migrate.PodSecurityLabels{
			Enforce: get("enforce"), EnforceVersion: get("enforce-version"), Audit: get("audit"),
			AuditVersion: get("audit-version"), Warn: get("warn"), WarnVersion: get("warn-version"),
		}
		if r.IntN(6) == 0 {
			ns.LabelOwner = "Flux"
		}
		there[ns.Name] = maps.Clone(ns.Labels)
		p.Namespaces = append(p.Namespaces, ns)
	}
	return p, there
}

// after is what the namespaces must be once the script has run.
func after(p *migrate.Plan, before map[string]map[string]string, stage labels.Stage) map[string]map[string]string {
	out := map[string]map[string]string{}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		out[ns.Name] = maps.Clone(before[ns.Name])
		if ns.LabelOwner == "" {
			for _, l := range labels.WantedLabels(ns, stage) {
				out[ns.Name][l.Key] = l.Value
			}
		}
	}
	return out
}

// Scripts of any plan, in each shell, at each stage: run twice, cut off at each call of kubectl and run again, and taken
// back from each cut by an undoing that is itself cut off at each call.
func TestScriptsGoOnAndBack(t *testing.T) {
	t.Parallel()
	stages := []labels.Stage{labels.StageAll, labels.StageObserve, labels.StageEnforce}
	for i, shell := range shells(t) {
		for j, stage := range stages {
			seed := uint64(10*i + j)
			t.Run(fmt.Sprintf("%s stage %q seed %d", strings.Join(shell, " "), stage, seed), func(t *testing.T) {
				t.Parallel()
				p, before := anyPlan(rand.New(rand.NewPCG(seed, 0)))
				script, undo := pair(t, p, stage)
				want := after(p, before, stage)
				back := undone(want, before, stage)
				c := newCluster(t, shell, before)
				c.expect(script, 0, want)
				c.expect(script, 0, want)
				calls := c.state().Calls
				if calls == 0 {
					t.Fatal("the script does nothing")
				}
				for cut := 1; cut <= calls; cut++ {
					c.put(before)
					if code, _ := c.run(script, cut); code == 0 || c.state().Calls != cut {
						t.Fatalf("cut off at call %d: exit code %d after %d calls", cut, code, c.state().Calls)
					}
					part := c.state()
					c.expect(script, 0, want)
					c.save(part)
					c.expect(undo, 0, backFrom(part.Namespaces, before, back))
				}
				c.undoInParts(undo, want, back)
			})
		}
	}
}

// undone is what the namespaces must be once what the script did is taken back: as they were, but that what was invalid
// is what the server took it for, and stays repaired where it belongs to another stage.
func undone(want, before map[string]map[string]string, stage labels.Stage) map[string]map[string]string {
	out := map[string]map[string]string{}
	for name, set := range want {
		out[name] = maps.Clone(before[name])
		for _, key := range labels.InvalidLabels(before[name]) {
			own := stage == labels.StageAll || strings.Contains(key, "/enforce") == (stage == labels.StageEnforce)
			if written := set[key]; written != before[name][key] && own {
				out[name][key] = labels.ServerValueForInvalid(key)
			} else {
				out[name][key] = written
			}
		}
	}
	return out
}

// backFrom are namespaces as an undoing leaves them of which the script has reached only some.
func backFrom(part, before, back map[string]map[string]string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for name, set := range part {
		if out[name] = before[name]; !maps.Equal(set, before[name]) {
			out[name] = back[name]
		}
	}
	return out
}

func (c *cluster) undoInParts(undo []byte, want, before map[string]map[string]string) {
	c.t.Helper()
	c.put(want)
	c.expect(undo, 0, before)
	c.expect(undo, 0, before)
	for cut := c.state().Calls; cut > 0; cut-- {
		c.put(want)
		if code, _ := c.run(undo, cut); code == 0 || c.state().Calls != cut {
			c.t.Fatalf("the undoing cut off at call %d: exit code %d after %d calls", cut, code, c.state().Calls)
		}
		c.expect(undo, 0, before)
	}
}

// expect runs a script to its end.
func (c *cluster) expect(script []byte, code int, want map[string]map[string]string) {
	c.t.Helper()
	got, said := c.run(script, 0)
	if diff := cmp.Diff(want, c.state().Namespaces); diff != "" || got != code {
		c.t.Fatalf("exit code %d, want %d (-want +got):\n%s\n%s", got, code, diff, said)
	}
}

func TestUndoLeavesWhatOthersChanged(t *testing.T) {
	t.Parallel()
	p := planOf(planned())
	before := map[string]map[string]string{}
	for _, name := range []string{"changed", "gone", "web"} {
		p.Namespaces = append(p.Namespaces, migrate.Namespace{Name: name, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd})
		before[name] = map[string]string{}
	}
	script, undo := pair(t, p, labels.StageAll)
	c := newCluster(t, shells(t)[0], before)
	want := after(p, before, labels.StageAll)
	c.expect(script, 0, want)
	want["changed"]["pod-security.kubernetes.io/warn"] = "baseline"
	delete(want, "gone")
	c.put(want)
	want["web"] = map[string]string{}
	code, said := c.run(undo, 0)
	const left = ": left as it is: it is gone, or its labels are neither what the script wrote nor what they were before\n"
	if diff := cmp.Diff([]any{1, "changed" + left + "gone" + left, want}, []any{code, said, c.state().Namespaces}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of a namespace whose labels were not read nothing is overwritten, and what is there already stops no second run.
func TestUnreadNamespaces(t *testing.T) {
	t.Parallel()
	p := planOf(planned(), migrate.Namespace{Name: "web", ObjectNotRead: true, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd})
	script, undo := pair(t, p, labels.StageAll)
	none := map[string]map[string]string{"web": {}}
	c := newCluster(t, shells(t)[0], none)
	want := after(p, none, labels.StageAll)
	c.expect(script, 0, want)
	c.expect(script, 0, want)
	c.expect(undo, 0, want)
	other := map[string]map[string]string{"web": {"pod-security.kubernetes.io/warn": "privileged"}}
	c.put(other)
	c.expect(script, 1, other)
}
