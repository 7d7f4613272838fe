package since_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/since"
	"github.com/psp2pss/psp2pss/pspparse"
)

// place returns a place of a finding in a container.
func place(file, container string, index, line int) finding.Place {
	return finding.Place{
		Field:     fmt.Sprintf("spec.containers[%d].securityContext.privileged", index),
		Container: container, Range: finding.Range{File: file, Line: line, Column: 1, EndLine: line, EndColumn: 2},
	}
}

// result returns the result of a check with findings, whose objects are its workloads and are asked for all rules in use here.
func result(findings ...finding.Finding) *finding.Result {
	r := &finding.Result{APIVersion: finding.APIVersion, Kind: finding.Kind, Findings: findings}
	for i := range findings {
		w := finding.Workload{Object: findings[i].Object, Position: pspparse.Position{File: findings[i].Places[0].File, Line: 1}, Passed: []string{"privileged", "hostPorts"}}
		r.Workloads = append(r.Workloads, w)
	}
	finding.Sort(r.Findings)
	return r
}

// fails returns a finding about a pod.
func fails(rule, name string, places ...finding.Place) finding.Finding {
	return finding.Finding{
		Rule: rule, Level: "baseline", Severity: finding.SeverityError, Message: rule,
		Object: finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "web", Name: name}, Places: places,
	}
}

// valued returns a finding about a pod with a place for each value, "" for one without.
func valued(values ...string) finding.Finding {
	var places []finding.Place
	for i, v := range values {
		p := place("a.yaml", "app", i, i+1)
		if v != "" {
			p.Value = json.RawMessage(v)
		}
		places = append(places, p)
	}
	return fails("privileged", "a", places...)
}

// warnedValues returns what valued does, as a warning.
func warnedValues(values ...string) finding.Finding {
	f := valued(values...)
	f.Severity = finding.SeverityWarning
	return f
}

// ignoredValues returns a result with an exception for what valued returns.
func ignoredValues(values ...string) *finding.Result {
	r := result()
	f := valued(values...)
	r.Ignored = []finding.Ignored{{Finding: f}}
	r.Workloads = []finding.Workload{{Object: f.Object, Passed: []string{"privileged"}}}
	return r
}

// describe returns what a result says since an earlier one: new places, what is fixed, notes.
func describe(r *finding.Result) []string {
	var out []string
	for _, f := range r.Findings {
		for _, p := range f.Places {
			text := strings.TrimSpace(fmt.Sprintf("new %s %s %s", f.Object.Name, f.Rule, p.Container))
			if p.PreviousValue != nil {
				text += fmt.Sprintf(", changed from %s to %s", p.PreviousValue, p.Value)
			}
			if p.New || p.PreviousValue != nil {
				out = append(out, text)
			}
		}
		if f.New != slices.ContainsFunc(f.Places, func(p finding.Place) bool { return p.New }) {
			out = append(out, fmt.Sprintf("the finding %s %s is new: %v", f.Object.Name, f.Rule, f.New))
		}
	}
	for _, k := range r.Fixed {
		out = append(out, strings.TrimSpace(fmt.Sprintf("fixed %s %s %s", k.Object.Name, k.Rule, strings.Join(k.Containers, ","))))
	}
	for _, n := range r.Notes {
		out = append(out, "note "+n.What+": "+n.Text)
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	warned := fails("privileged", "a", place("a.yaml", "app", 0, 5))
	warned.Severity = finding.SeverityWarning
	one := fails("privileged", "a", place("a.yaml", "app", 0, 5))
	two := fails("privileged", "a", place("a.yaml", "app", 0, 5), place("a.yaml", "log", 1, 9))
	volume := func(index int) finding.Place {
		return finding.Place{Field: fmt.Sprintf("spec.volumes[%d].hostPath", index), Range: finding.Range{File: "a.yaml", Line: index + 1}}
	}
	notAsked := result()
	notAsked.Workloads = []finding.Workload{{Object: one.Object, Passed: []string{"hostPorts"}}}
	partial := result()
	partial.Workloads = []finding.Workload{{Object: one.Object, Partial: true, Demands: []finding.Demand{{Level: "restricted"}}}}
	met := result()
	met.Workloads = []finding.Workload{{Object: one.Object, Passed: []string{"privileged"}}}
	ignored := result()
	ignored.Ignored = []finding.Ignored{{Finding: one}}
	ignored.Workloads = met.Workloads
	for _, test := range []struct {
		name         string
		earlier, now *finding.Result
		want         []string
	}{
		{"the same", result(one), result(one), nil},
		{"moved to another file and line, behind another container", result(one), result(fails("privileged", "a", place("b.yaml", "app", 3, 50))), nil},
		{"another container", result(one), result(two), []string{"new a privileged log"}},
		{"one container fixed", result(two), result(one), []string{"fixed a privileged log"}},
		{"another check", result(one), result(fails("hostPorts", "a", place("a.yaml", "app", 0, 5))), []string{"new a hostPorts app", "fixed a privileged"}},
		{"another object", result(one), result(fails("privileged", "b", place("a.yaml", "app", 0, 5))), []string{
			"new b privileged app", "note old.json: 1 finding is about objects that were not read now (Pod web/a): they are gone, or their files were not given",
		}},
		{"a volume more", result(fails("hostPathVolumes", "a", volume(0))), result(fails("hostPathVolumes", "a", volume(1), volume(0))), []string{"new a hostPathVolumes"}},
		{"refused where it was warned of", result(warned), result(one), []string{"new a privileged app"}},
		{"warned of where it was refused", result(one), result(warned), nil},
		{"met", result(one), met, []string{"fixed a privileged"}},
		{"met as far as it is written", result(one), partial, []string{"fixed a privileged"}},
		{"no longer asked", result(one), notAsked, []string{"note old.json: 1 finding is about checks that nothing asks for now"}},
		{"ignored now", result(one), ignored, nil},
		{"ignored before", ignored, result(one), []string{"new a privileged app"}},
		{"another value", result(valued(`"NET_RAW"`)), result(valued(`"SYS_ADMIN"`)), []string{`new a privileged app, changed from "NET_RAW" to "SYS_ADMIN"`}},
		{"another value of two, in another order", result(valued("8080", "22")), result(valued("22", "443")), []string{"new a privileged app, changed from 8080 to 443"}},
		{"two other values, and one fewer", result(valued("8080", "22", "1")), result(valued("443", "80")), []string{
			"new a privileged app, changed from 8080 to 443", "new a privileged app, changed from 22 to 80", "fixed a privileged app",
		}},
		{"refused where it was warned of, one value fewer", result(warnedValues("8080", "22")), result(valued("22")), []string{"new a privileged app", "fixed a privileged app"}},
		{"another value, warned of", result(valued("8080")), result(warnedValues("22")), []string{"new a privileged app, changed from 8080 to 22"}},
		{"another value, ignored", result(valued("8080")), ignoredValues("22"), []string{"fixed a privileged"}},
		{"the same value, escaped", result(valued(`"a\u202eb"`)), result(valued("\"a\u202eb\"")), nil},
		{"values in another order, one more", result(valued("8080", "22")), result(valued("22", "443", "8080")), []string{"new a privileged app"}},
		{"one value fewer", result(valued("8080", "22")), result(valued("22")), []string{"fixed a privileged app"}},
		{"no value in the earlier result", result(valued("", "")), result(valued("22", "443")), nil},
		{"no value in the earlier result, one more", result(valued("")), result(valued("22", "443")), []string{"new a privileged app"}},
		{"set where it was missing", result(valued("")), result(valued("true")), nil},
		{"missing where it was set", result(valued("true")), result(valued("")), nil},
		{"a known value and an unknown one", result(valued("", "22")), result(valued("22", "443")), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := clone(test.now)
			since.Compare(now, test.earlier, "old.json")
			if diff := cmp.Diff(test.want, describe(now)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if now.Since != "old.json" {
				t.Errorf("since %q", now.Since)
			}
		})
	}
}

// clone returns a copy of a result that marks of its findings do not change.
func clone(r *finding.Result) *finding.Result {
	out := *r
	out.Findings = slices.Clone(r.Findings)
	for i := range out.Findings {
		out.Findings[i].Places = slices.Clone(out.Findings[i].Places)
	}
	return &out
}

// random returns a result with some of all findings there may be, each in some containers; every object is among its workloads.
func random(r *rand.Rand) *finding.Result {
	out := &finding.Result{}
	for _, name := range []string{"a", "b", "c"} {
		w := finding.Workload{Object: fails("", name).Object}
		for _, rule := range []string{"privileged", "hostPorts", "sysctls"} {
			w.Passed = append(w.Passed, rule) // asked, whether it is found or not
			var places []finding.Place
			for _, i := range r.Perm(4) {
				if r.IntN(2) == 0 {
					p := place(fmt.Sprintf("%d.yaml", r.IntN(3)), fmt.Sprintf("c%d", i), len(places), 1+r.IntN(50))
					p.Value = json.RawMessage(strconv.Itoa(r.IntN(2)))
					places = append(places, p)
				}
			}
			if len(places) > 0 {
				out.Findings = append(out.Findings, fails(rule, name, places...))
			}
		}
		out.Workloads = append(out.Workloads, w)
	}
	r.Shuffle(len(out.Findings), func(i, j int) { out.Findings[i], out.Findings[j] = out.Findings[j], out.Findings[i] })
	finding.Sort(out.Findings)
	return out
}

// placesOf returns the places of a result as object, check, container and value, sorted.
func placesOf(r *finding.Result, include func(*finding.Place) bool) []string {
	var out []string
	for i := range r.Findings {
		for k := range r.Findings[i].Places {
			if p := &r.Findings[i].Places[k]; include(p) {
				out = append(out, r.Findings[i].Object.Name+" "+r.Findings[i].Rule+" "+p.Container+"="+string(p.Value))
			}
		}
	}
	slices.Sort(out)
	return out
}

// withValue returns a container with the value of its place among places that begin with a prefix; one that has it already stays.
func withValue(places []string, prefix, container string) string {
	i := slices.IndexFunc(places, func(s string) bool { return strings.HasPrefix(s, prefix+container+"=") })
	if i < 0 {
		return container
	}
	return strings.TrimPrefix(places[i], prefix)
}

// minus returns the texts of a that are not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// For any two results: nothing is new since a result itself and nothing is fixed, what is new since another one is what that one does
// not have, and what is fixed is what this one does not have.
func TestCompareIsADifference(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(1, 2))
	all := func(*finding.Place) bool { return true }
	for range 500 {
		a, b := random(source), random(source)
		same := clone(a)
		since.Compare(same, a, "old")
		if got := describe(same); got != nil {
			t.Fatalf("since itself: %q", got)
		}
		b = clone(b)
		placesA, placesB := placesOf(a, all), placesOf(b, all)
		since.Compare(b, a, "old")
		got := placesOf(b, func(p *finding.Place) bool { return p.New })
		if diff := cmp.Diff(minus(placesB, placesA), got, cmpEmpty()); diff != "" {
			t.Fatalf("new (-want +got)\n%s", diff)
		}
		var fixed []string
		for _, k := range b.Fixed {
			containers := k.Containers
			if k.Fields == nil { // fixed whole
				for _, text := range placesA {
					if rest, ok := strings.CutPrefix(text, k.Object.Name+" "+k.Rule+" "); ok {
						containers = append(containers, rest)
					}
				}
			}
			for _, c := range containers {
				fixed = append(fixed, k.Object.Name+" "+k.Rule+" "+withValue(placesA, k.Object.Name+" "+k.Rule+" ", c))
			}
		}
		changed := placesOf(b, func(p *finding.Place) bool {
			if p.PreviousValue != nil {
				p.Value = p.PreviousValue
			}
			return p.PreviousValue != nil
		})
		fixed = append(fixed, changed...)
		slices.Sort(fixed)
		if diff := cmp.Diff(minus(placesA, placesB), fixed, cmpEmpty()); diff != "" {
			t.Fatalf("fixed (-want +got)\n%s", diff)
		}
		if len(b.Notes) > 0 {
			t.Fatalf("notes: %v", b.Notes)
		}
	}
}

// cmpEmpty takes a nil list for an empty one.
func cmpEmpty() cmp.Option {
	return cmp.Transformer("empty", func(s []string) string { return strings.Join(s, "\n") })
}

// A plan knows objects and checks.
func TestComparePlan(t *testing.T) {
	t.Parallel()
	workloadOf := func(kind, name string, checks ...string) migrate.Workload {
		e := &migrate.Evaluation{}
		for _, c := range checks {
			e.Violations = append(e.Violations, migrate.Violation{Check: c, Reason: c, Detail: "x"})
		}
		return migrate.Workload{Kind: kind, Name: name, Evaluation: e}
	}
	plan := &migrate.Plan{Namespaces: []migrate.Namespace{
		{Name: "default", Workloads: []migrate.Workload{workloadOf("Pod", "a", "privileged")}},
		{Name: "web", Workloads: []migrate.Workload{workloadOf("Pod", "a", "privileged", "hostPorts"), workloadOf("Job.batch.volcano.sh", "j", "privileged")}},
	}}
	inDefault := fails("privileged", "a", place("a.yaml", "app", 0, 1))
	inDefault.Object.Namespace = ""
	job := fails("privileged", "j", place("a.yaml", "app", 0, 2))
	job.Object.Kind, job.Object.APIVersion = "Job", "batch.volcano.sh/v1alpha1"
	other := fails("privileged", "b", place("a.yaml", "app", 0, 3))
	r := result(inDefault, job, other, fails("sysctls", "a", place("a.yaml", "app", 0, 4)), fails("privileged", "a", place("a.yaml", "app", 0, 5)))
	for i := range r.Workloads {
		r.Workloads[i].Passed = nil
		if r.Workloads[i].Object.Name == "a" && r.Workloads[i].Object.Namespace == "web" {
			r.Workloads[i].Passed = []string{"hostPorts", "hostNamespaces"}
		}
	}
	since.ComparePlan(r, plan, "plan.json")
	want := []string{"new b privileged app", "new a sysctls app", "fixed a hostPorts"}
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if r.Since != "plan.json" || r.Fixed[0].Message != "hostPorts (x)" {
		t.Errorf("since %q, fixed %q", r.Since, r.Fixed[0].Message)
	}
}

// A plan's sentence about a check names containers, values and volumes: a place with others is new.
func TestComparePlanReadsSentences(t *testing.T) {
	t.Parallel()
	at := func(container, field, value string) finding.Place {
		return finding.Place{Container: container, Field: field, Value: json.RawMessage(value)}
	}
	for _, test := range []struct {
		name, rule, detail string
		places             []finding.Place
		want               []bool
	}{
		{
			"containers", "privileged", `container "a" must not set securityContext.privileged=true`,
			[]finding.Place{at("a", "f", "true"), at("b", "f", "true"), at("", "f", "true")},
			[]bool{false, true, false},
		},
		{"only of the pod", "runAsUser", "pod must not set runAsUser=0", []finding.Place{at("a", "f", "0")}, []bool{false}},
		{
			"capabilities", "capabilities_baseline", `container "a" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add`,
			[]finding.Place{at("a", "f", `"NET_RAW"`), at("a", "f", `"SYS_ADMIN"`), at("a", "f", `"NET"`)},
			[]bool{false, true, true},
		},
		{
			"nothing is dropped", "capabilities_restricted", `container "a" must set securityContext.capabilities.drop=["ALL"]`,
			[]finding.Place{{Container: "a", Missing: true}},
			[]bool{false},
		},
		{
			"host ports", "hostPorts", `container "a" uses hostPorts 80, 8080`,
			[]finding.Place{at("a", "f", "80"), at("a", "f", "8080"), at("a", "f", "22"), at("", "spec.hostNetwork", "true")},
			[]bool{false, false, true, false},
		},
		{"sysctls", "sysctls", "kernel.msgmax, kernel.sem", []finding.Place{at("", "f", `"kernel.sem"`), at("", "f", `"kernel.shmmax"`)}, []bool{false, true}},
		{
			"SELinux", "seLinuxOptions", `container "a" set forbidden securityContext.seLinuxOptions: type "a_t"; user may not be set`,
			[]finding.Place{at("a", "x.type", `"a_t"`), at("a", "x.type", `"b_t"`), at("a", "x.user", `"u"`)},
			[]bool{false, true, false},
		},
		{"hostPath volumes", "hostPathVolumes", `volumes "v", "w"`, []finding.Place{at("", "f", `"/a"`), at("", "f", `"/b"`), at("", "f", `"/c"`)}, []bool{false, false, true}},
		{"volumes", "restrictedVolumes", `volume "v" uses restricted volume type "hostPath"`, []finding.Place{at("", "f", `"/a"`), at("", "f", `"/b"`)}, []bool{false, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plan := &migrate.Plan{Namespaces: []migrate.Namespace{{Name: "web", Workloads: []migrate.Workload{
				{Kind: "Pod", Name: "w", Evaluation: &migrate.Evaluation{Violations: []migrate.Violation{{Check: test.rule, Reason: test.rule, Detail: test.detail}}}},
			}}}}
			r := result(fails(test.rule, "w", test.places...))
			since.ComparePlan(r, plan, "plan.json")
			var got []bool
			for _, p := range r.Findings[0].Places {
				got = append(got, p.New)
			}
			if !slices.Equal(got, test.want) || r.Findings[0].New != slices.Contains(test.want, true) {
				t.Errorf("places new %v, want %v; finding new %v", got, test.want, r.Findings[0].New)
			}
		})
	}
}
