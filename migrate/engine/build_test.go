package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespace of a Plan with a recommended enforce level.
func namespace(name, level string) migrate.Namespace {
	return migrate.Namespace{
		Name: name, Complete: true,
		RecommendedLabels: migrate.PodSecurityLabels{Enforce: level, EnforceVersion: "v1.25"},
	}
}

// policy of a Plan that is open but for what edit closes.
func policy(name string, edit func(*pspparse.Spec)) migrate.Policy {
	anyone := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := migrate.Policy{Name: name, Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "*"}, Spec: pspparse.Spec{
		Privileged: true, HostNetwork: true, HostPID: true, HostIPC: true, HostPorts: []pspparse.HostPortRange{{Min: 0, Max: 65535}},
		Volumes: []string{"*"}, AllowedCapabilities: []string{"*"}, SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		RunAsUser: anyone, SupplementalGroups: anyone, FSGroup: anyone, AllowPrivilegeEscalation: new(true),
		AllowedUnsafeSysctls: []string{"*"}, AllowedProcMountTypes: []string{"Default", "Unmasked"},
	}}
	edit(&p.Spec)
	return p
}

// open, unprivileged and readOnly are edits of policies: a label of baseline implies all of the first two, no label implies the last.
func open(*pspparse.Spec)              {}
func unprivileged(s *pspparse.Spec)    { s.Privileged = false }
func readOnly(s *pspparse.Spec)        { s.ReadOnlyRootFilesystem = true }
func onlyUnmasked(s *pspparse.Spec)    { s.AllowedProcMountTypes = []string{"Unmasked"} }
func user(name string) migrate.Subject { return migrate.Subject{User: name} }
func group(name string) migrate.Subject {
	return migrate.Subject{Group: name}
}
func account(name string) migrate.Subject { return migrate.Subject{ServiceAccount: name} }

// grant adds a role for policies and a binding of it, for all namespaces where there is none.
func grant(p *migrate.Plan, namespace string, policies []string, subjects ...migrate.Subject) {
	grantBy(p, namespace, policies, []string{"policy"}, subjects...)
}

// grantBy is grant by rules of API groups.
func grantBy(p *migrate.Plan, namespace string, policies, groups []string, subjects ...migrate.Subject) {
	role := migrate.Role{Name: fmt.Sprint("r", len(p.Roles)), Policies: policies, Rules: []rbacv1.PolicyRule{{
		APIGroups: groups, Resources: []string{"podsecuritypolicies"}, Verbs: []string{"use"}, ResourceNames: policies,
	}}}
	if slices.Equal(policies, []string{migrate.EveryPolicy}) {
		role.Rules[0].ResourceNames = nil
	}
	p.Roles = append(p.Roles, role)
	p.Bindings = append(p.Bindings, migrate.Binding{Namespace: namespace, Name: role.Name, Role: role.Reference(), Subjects: subjects})
}

// ids are the kinds of some remarks, sorted, without the one that every table for named namespaces has.
func ids(remarks []engine.Remark) []string {
	var out []string
	for _, r := range remarks {
		if r.ID != "engine-new-namespaces" {
			out = append(out, r.ID)
		}
	}
	slices.Sort(out)
	return out
}

// summary is a set in a few words: its namespaces, its label, its alternatives with those who may use them.
func summary(sets []engine.Set) []string {
	var out []string
	for _, s := range sets {
		text := strings.Join(s.Namespaces, ",") + " " + string(s.Level) + ":"
		for _, a := range s.Alternatives {
			who := ""
			if a.Everybody {
				who = "(everybody)"
			} else if len(a.Accounts)+len(a.Users)+len(a.Groups) > 0 {
				who = fmt.Sprintf("(%s|%s|%s)", strings.Join(a.Accounts, ","), strings.Join(a.Users, ","), strings.Join(a.Groups, ","))
			}
			text += fmt.Sprintf(" %s%s%d", a.Policy, who, len(a.Constraints))
		}
		out = append(out, text)
	}
	return out
}

// TestDelta has what becomes of grants and labels, one situation each.
func TestDelta(t *testing.T) {
	t.Parallel()
	everyone := group("system:serviceaccounts")
	controllers := account("kube-system/replicaset-controller")
	for name, c := range map[string]struct {
		policies         []migrate.Policy
		namespaces       []migrate.Namespace
		grants           func(*migrate.Plan)
		opts             engine.Options
		sets             []string
		grantsAre        engine.Grants
		nothing, leftOut []string
	}{
		"equal alternatives are one set, and every policy is asked about": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", unprivileged)},
			namespaces: []migrate.Namespace{namespace("one", "baseline"), namespace("two", "baseline"), namespace("three", "privileged")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a"}, everyone) },
			sets:       []string{"one,two baseline: a1 b0", "three privileged: a1 b1"},
		},
		"those come first that most accounts may use": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants: func(p *migrate.Plan) {
				grant(p, "one", []string{"a"}, account("one/x"))
				grant(p, "one", []string{"b"}, account("one/x"), account("one/y"))
			},
			sets: []string{"one baseline: b1 a1"},
		},
		"nothing to add where all may use a policy that the label implies": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", unprivileged)},
			namespaces: []migrate.Namespace{namespace("one", "baseline"), namespace("two", "privileged")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a", "b"}, group("system:authenticated")) },
			sets:       []string{"two privileged: a1 b1"}, nothing: []string{"engine-nothing-to-add"},
		},
		"one account may use such a policy: the others are held": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", unprivileged)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants: func(p *migrate.Plan) {
				grant(p, "", []string{"a"}, everyone)
				grant(p, "one", []string{"b"}, account("one/ci"))
			},
			opts: engine.Options{Grants: engine.StaticGrants},
			sets: []string{"one baseline: a(everybody)1 b(ci||system:masters)0"}, leftOut: []string{"engine-administrators"},
		},
		"static grants: accounts of elsewhere send, administrators may all": {
			policies:   []migrate.Policy{policy("a", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline"), namespace("two", "baseline")},
			grants: func(p *migrate.Plan) {
				grant(p, "one", []string{"a"}, account("one/x"), account("ops/y"), user("ann"), user("system:serviceaccount:one:z"), group("dev"))
				grant(p, "two", []string{"a"}, group("system:serviceaccounts:two"))
				grant(p, "", []string{migrate.EveryPolicy}, user("root"))
				p.ClusterAdministrators = []migrate.PolicyGrant{{Subject: user("root"), Binding: p.Bindings[len(p.Bindings)-1].Reference()}}
			},
			opts:    engine.Options{Grants: engine.StaticGrants},
			sets:    []string{"one baseline: a(x,z|ann,root,system:serviceaccount:ops:y|dev,system:masters)1", "two baseline: a(everybody)1"},
			leftOut: []string{"engine-administrators"},
		},
		"controllers count for all where grants are written down": {
			policies:   []migrate.Policy{policy("a", unprivileged), policy("b", readOnly)},
			namespaces: []migrate.Namespace{withBarePod(namespace("one", "privileged")), namespace("two", "privileged")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a"}, controllers) },
			opts:       engine.Options{Grants: engine.StaticGrants},
			sets:       []string{"one,two privileged: a(everybody)1"}, leftOut: []string{"engine-administrators", "engine-controllers-for-all"},
		},
		"and not where the server is asked": {
			policies:   []migrate.Policy{policy("a", unprivileged)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a"}, controllers) },
			sets:       []string{"one baseline: a0"},
		},
		"nobody may use a policy": {
			policies:   []migrate.Policy{policy("a", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline"), namespace("two", "baseline")},
			grants: func(p *migrate.Plan) {
				grant(p, "two", []string{"a"}, everyone)
				grant(p, "one", []string{"a"}, group("system:nodes"), user("system:node:n1"))
			},
			sets: []string{"two baseline: a1"}, leftOut: []string{"engine-nobody-may-use"},
		},
		"nobody may use a policy, and all is to be refused": {
			policies:   []migrate.Policy{policy("a", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(*migrate.Plan) {},
			opts:       engine.Options{RefuseAll: true, Grants: engine.StaticGrants},
			sets:       []string{"one baseline: a(||system:masters)1"}, leftOut: []string{"engine-administrators", "engine-refuses-all"},
		},
		"nobody may use more policies than can be asked about, and all is to be refused": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", readOnly), policy("c", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(*migrate.Plan) {},
			opts:       engine.Options{RefuseAll: true, MaxAsked: 2},
			sets:       []string{"one baseline: a1 b1"}, leftOut: []string{"engine-administrators", "engine-grants-of-usable", "engine-refuses-all"},
		},
		"a policy that demands what the level forbids": {
			policies:   []migrate.Policy{withImpossible(policy("a", onlyUnmasked), api.LevelBaseline)},
			namespaces: []migrate.Namespace{namespace("one", "restricted"), namespace("two", "privileged")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a"}, everyone) },
			sets:       []string{"two privileged: a1"}, leftOut: []string{"engine-contrary-to-level"},
		},
		"exempt, being deleted, withheld, part of the cluster": {
			policies: []migrate.Policy{policy("a", readOnly), policy("b", unprivileged)},
			namespaces: []migrate.Namespace{
				with(namespace("exempt", "restricted"), func(n *migrate.Namespace) { n.Exempt = true }),
				with(namespace("gone", "baseline"), func(n *migrate.Namespace) { n.Terminating = true }),
				with(namespace("kube-system", "privileged"), func(n *migrate.Namespace) { n.System = true }),
				with(namespace("withheld", ""), func(n *migrate.Namespace) {
					n.Complete, n.CurrentLabels = false, migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25"}
				}),
			},
			grants:  func(p *migrate.Plan) { grant(p, "", []string{"a"}, everyone) },
			sets:    []string{"exempt privileged: a1 b1", "withheld baseline: a1 b0"},
			nothing: []string{"engine-terminating"}, leftOut: []string{"engine-exempt-namespaces", "engine-level-of-today", "engine-not-all-read", "engine-system-namespaces"},
		},
		"more policies than can be asked about: those that are usable": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", readOnly), policy("c", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline"), namespace("two", "baseline")},
			grants: func(p *migrate.Plan) {
				grant(p, "one", []string{"a", "b"}, everyone)
				grant(p, "two", []string{"c"}, everyone)
			},
			opts: engine.Options{MaxAsked: 2},
			sets: []string{"one baseline: a1 b1", "two baseline: c1"}, leftOut: []string{"engine-administrators", "engine-grants-of-usable"},
		},
		"more usable policies than can be asked about": {
			policies:   []migrate.Policy{policy("a", readOnly), policy("b", readOnly), policy("c", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(p *migrate.Plan) { grant(p, "one", []string{"a", "b", "c"}, everyone) },
			opts:       engine.Options{MaxAsked: 2}, grantsAre: engine.StaticGrants,
			sets: []string{"one baseline: a(everybody)1 b(everybody)1 c(everybody)1"}, leftOut: []string{"engine-administrators", "engine-grants-static"},
		},
		"policies that admit nothing are no alternatives": {
			policies:   []migrate.Policy{admitsNothing(policy("a", open)), policy("b", readOnly)},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a", "b"}, everyone) },
			sets:       []string{"one baseline: b1"}, leftOut: []string{"engine-policy-admits-nothing"},
		},
		"none admits anything": {
			policies:   []migrate.Policy{admitsNothing(policy("a", open))},
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(p *migrate.Plan) { grant(p, "", []string{"a"}, everyone) },
			nothing:    []string{"engine-no-usable-policies"}, leftOut: []string{"engine-policy-admits-nothing"},
		},
		"no policies": {
			namespaces: []migrate.Namespace{namespace("one", "baseline")},
			grants:     func(*migrate.Plan) {},
			nothing:    []string{"engine-no-policies"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &migrate.Plan{TargetVersion: "v1.25", Policies: c.policies, Namespaces: c.namespaces}
			c.grants(p)
			c.opts.Mode = engine.Delta
			table := build(t, p, c.opts)
			got := summary(table.Sets)
			slices.Sort(got)
			slices.Sort(c.sets)
			if diff := cmp.Diff(c.sets, got); diff != "" {
				t.Errorf("sets (-want +got):\n%s", diff)
			}
			if c.grantsAre != "" && table.Grants != c.grantsAre {
				t.Errorf("grants are %s, want %s", table.Grants, c.grantsAre)
			}
			if diff := cmp.Diff(c.nothing, ids(table.Nothing)); diff != "" {
				t.Errorf("nothing (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.leftOut, ids(table.LeftOut)); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

// with is a namespace with a change.
func with(n migrate.Namespace, edit func(*migrate.Namespace)) migrate.Namespace {
	edit(&n)
	return n
}

// withBarePod is a namespace with a pod that no controller has made.
func withBarePod(n migrate.Namespace) migrate.Namespace {
	n.Workloads = []migrate.Workload{{Kind: "Pod", Name: "bare", ServiceAccount: "default", Evaluation: &migrate.Evaluation{}}}
	return n
}

// withImpossible is a policy that no pod can satisfy beside a level.
func withImpossible(p migrate.Policy, level api.Level) migrate.Policy {
	p.Checks = []migrate.PolicyCheck{{Check: "procMount", Level: level, Status: mapping.StatusImpossible, Fields: []string{"allowedProcMountTypes"}}}
	return p
}

// admitsNothing is a policy that cannot be used.
func admitsNothing(p migrate.Policy) migrate.Policy {
	p.AdmitsNothing, p.AdmitsNothingWhy = true, []message.Message{message.New("psp-ranges-missing", "field", "runAsUser", "rule", "MustRunAs")}
	return p
}

// TestContinuity has for which namespaces the policies are kept, by name.
func TestContinuity(t *testing.T) {
	t.Parallel()
	everyone := group("system:serviceaccounts")
	plan := func() *migrate.Plan {
		system := namespace("kube-system", "privileged")
		system.System = true
		p := &migrate.Plan{
			TargetVersion: "v1.25", Policies: []migrate.Policy{policy("a", open), policy("b", readOnly), admitsNothing(policy("c", open))},
			Namespaces: []migrate.Namespace{system, namespace("one", "baseline"), namespace("two", "baseline")},
		}
		grant(p, "one", []string{"a"}, account("one/x"))
		return p
	}
	for name, c := range map[string]struct {
		edit   func(*migrate.Plan)
		opts   engine.Options
		sets   []string
		except []string
	}{
		"all but those in which nobody may use one": {
			sets: []string{" : a0 b1"}, except: []string{"kube-node-lease", "kube-public", "kube-system", "two"},
		},
		"all": {
			edit: func(p *migrate.Plan) { grant(p, "", []string{"b"}, everyone) },
			sets: []string{" : a0 b1"}, except: []string{"kube-node-lease", "kube-public", "kube-system"},
		},
		"with system namespaces": {
			edit: func(p *migrate.Plan) { grant(p, "", []string{"b"}, everyone) }, opts: engine.Options{IncludeSystem: true},
			sets: []string{" : a0 b1"},
		},
		"those of a scope": {
			edit: func(p *migrate.Plan) { grant(p, "", []string{"b"}, everyone); p.NamespacesLeftOut = 1 },
			sets: []string{"one,two : a0 b1"},
		},
		"a scope of system namespaces": {
			edit: func(p *migrate.Plan) {
				grant(p, "", []string{"b"}, everyone)
				p.Namespaces, p.NamespacesLeftOut = p.Namespaces[:1], 2
			},
			sets: []string{"kube-system : a0 b1"},
		},
		"grants that are written down": {
			edit: func(p *migrate.Plan) { grant(p, "", []string{"b"}, everyone) }, opts: engine.Options{Grants: engine.StaticGrants},
			sets:   []string{" : b(everybody)1", "one : a(x||system:masters)0 b(everybody)1"},
			except: []string{"kube-node-lease", "kube-public", "kube-system", "one"},
		},
		"no grants at all": {edit: func(p *migrate.Plan) { p.Bindings = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plan()
			if c.edit != nil {
				c.edit(p)
			}
			c.opts.Mode = engine.Continuity
			table := build(t, p, c.opts)
			got := summary(table.Sets)
			slices.Sort(got)
			if diff := cmp.Diff(c.sets, got); diff != "" {
				t.Errorf("sets (-want +got):\n%s", diff)
			}
			var except []string
			for _, s := range table.Sets {
				except = append(except, s.Except...)
			}
			if diff := cmp.Diff(c.except, except); diff != "" {
				t.Errorf("except (-want +got):\n%s", diff)
			}
			if len(table.Sets) == 0 && !slices.Contains(ids(table.LeftOut), "engine-no-grants") {
				t.Errorf("no set and no word of it: %v", ids(table.LeftOut))
			}
		})
	}
}

// TestAPIGroups: a policy is asked about in the API groups of the rules that let use it.
func TestAPIGroups(t *testing.T) {
	t.Parallel()
	p := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{namespace("one", "baseline")}}
	want := map[string][]string{}
	for name, c := range map[string]struct {
		rules [][]string
		want  []string
	}{
		"both-in-one-rule": {[][]string{{"extensions", "policy"}}, []string{"policy"}},
		"both-in-two":      {[][]string{{"extensions"}, {"policy"}}, []string{"extensions", "policy"}},
		"extensions":       {[][]string{{"extensions"}}, []string{"extensions"}},
		"every":            {[][]string{{"*"}}, []string{"policy"}},
		"policy":           {[][]string{{"policy"}}, []string{"policy"}},
		"nobody":           {nil, []string{"policy"}},
	} {
		p.Policies = append(p.Policies, policy(name, readOnly))
		for _, groups := range c.rules {
			grantBy(p, "", []string{name}, groups, group("system:serviceaccounts"))
		}
		want[name] = c.want
	}
	got := map[string][]string{}
	for _, po := range build(t, p, engine.Options{Mode: engine.Continuity}).Policies {
		got[po.Name] = po.Groups
		if !po.ByRequester {
			t.Errorf("%s: members of system:masters may use every policy", po.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWrongOptions are refused.
func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []engine.Options{{}, {Mode: "all"}, {Mode: engine.Delta, Grants: "some"}, {Mode: engine.Delta, Version: "25"}} {
		if _, err := engine.Build(&migrate.Plan{TargetVersion: "v1.25"}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// TestTooManyAsked: dynamic grants that are asked for are there, or refused with the numbers; those that nobody has asked for give way.
func TestTooManyAsked(t *testing.T) {
	t.Parallel()
	p := &migrate.Plan{
		TargetVersion: "v1.25", Namespaces: []migrate.Namespace{namespace("one", "baseline")},
		Policies: []migrate.Policy{policy("a", readOnly), policy("b", readOnly), policy("c", readOnly)},
	}
	grant(p, "one", []string{"a", "b", "c"}, group("system:serviceaccounts"))
	for _, mode := range []engine.Mode{engine.Delta, engine.Continuity} {
		for _, most := range []int{2, 3} {
			table, err := engine.Build(p, engine.Options{Mode: mode, MaxAsked: most, Grants: engine.DynamicGrants})
			var tooMany *engine.TooManyAskedError
			switch {
			case most == 3 && (err != nil || table.Grants != engine.DynamicGrants):
				t.Errorf("%s, %d: %v", mode, most, err)
			case most == 2 && (!errors.As(err, &tooMany) || *tooMany != engine.TooManyAskedError{Policies: 3, Limit: 2}):
				t.Errorf("%s, %d: %v", mode, most, err)
			}
			wants := map[int]engine.Grants{2: engine.StaticGrants, 3: engine.DynamicGrants}
			if table, err = engine.Build(p, engine.Options{Mode: mode, MaxAsked: most}); err != nil || table.Grants != wants[most] {
				t.Errorf("%s, %d, by default: %v", mode, most, err)
			}
		}
	}
}

// TestAnyPlan has what holds for random policies, grants and namespaces: sets are disjoint and have one name each, no namespace is lost
// without a word, nothing depends on the order of bindings.
func TestAnyPlan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := &migrate.Plan{TargetVersion: "v1.25"}
		var names []string
		for i := range 1 + r.IntN(5) {
			names = append(names, fmt.Sprint("p", i))
			p.Policies = append(p.Policies, policy(names[i], []func(*pspparse.Spec){open, unprivileged, readOnly}[r.IntN(3)]))
		}
		subjects := []migrate.Subject{
			group("system:serviceaccounts"), group("system:serviceaccounts:n1"), account("n0/a"), account("n1/a"), user("ann"), group("dev"),
			account("kube-system/job-controller"), group("system:nodes"), group("system:authenticated"),
		}
		for i := range 1 + r.IntN(6) {
			n := namespace(fmt.Sprint("n", i), []string{"", "privileged", "baseline", "restricted"}[r.IntN(4)])
			n.System, n.Terminating, n.Exempt = r.IntN(8) == 0, r.IntN(8) == 0, r.IntN(8) == 0
			p.Namespaces = append(p.Namespaces, n)
		}
		for range r.IntN(8) {
			grant(p, []string{"", "n0", "n1", "n2"}[r.IntN(4)], names[:1+r.IntN(len(names))], subjects[r.IntN(len(subjects))])
		}
		for _, mode := range []engine.Mode{engine.Delta, engine.Continuity, engine.RestrictedButFor} {
			o := engine.Options{Mode: mode, MaxAsked: r.IntN(5), Grants: []engine.Grants{"", engine.StaticGrants}[r.IntN(2)]}
			table := build(t, p, o)
			first := shown(t, table)
			wantWhole(t, fmt.Sprintf("seed %d, %s", seed, mode), p, table)
			slices.Reverse(p.Bindings)
			if again := shown(t, build(t, p, o)); string(first) != string(again) {
				t.Fatalf("seed %d, %s: it depends on the order of bindings:\n%s", seed, mode, cmp.Diff(string(first), string(again)))
			}
		}
	}
}

// wantWhole checks that every namespace of a plan is in one set of a table, or in a remark, and that sets have names of their own.
func wantWhole(t *testing.T, what string, p *migrate.Plan, table *engine.Table) {
	t.Helper()
	in, names := map[string]int{}, map[string]bool{}
	for _, s := range table.Sets {
		if s.Name == "" || names[s.Name] {
			t.Errorf("%s: a set has the name %q", what, s.Name)
		}
		names[s.Name] = true
		for _, n := range s.Namespaces {
			in[n]++
		}
		for i := range p.Namespaces {
			if n := p.Namespaces[i].Name; len(s.Namespaces) == 0 && !slices.Contains(s.Except, n) {
				in[n]++
			}
		}
	}
	said := map[string]bool{}
	for _, r := range slices.Concat(table.Nothing, table.LeftOut) {
		for _, n := range r.Namespaces {
			said[n] = true
		}
	}
	silent := slices.Contains(ids(table.LeftOut), "engine-no-grants")
	for i := range p.Namespaces {
		n := p.Namespaces[i].Name
		if in[n] > 1 || in[n] == 0 && !said[n] && !silent {
			t.Errorf("%s: %s is in %d sets, and said: %t", what, n, in[n], said[n])
		}
	}
}

// TestExemptPods: what the admission configuration exempts is said in full.
func TestExemptPods(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]migrate.Admission{
		"the pods of ann are exempt from Pod Security: what the label forbids is open for them":                               {Usernames: []string{"ann"}},
		"the pods of runtime class kata are exempt from Pod Security: what the label forbids is open for them":                {RuntimeClasses: []string{"kata"}},
		"the pods of runtime class gv, kata and of ann are exempt from Pod Security: what the label forbids is open for them": {RuntimeClasses: []string{"gv", "kata"}, Usernames: []string{"ann"}},
	} {
		p := &migrate.Plan{TargetVersion: "v1.25", Admission: &a, Policies: []migrate.Policy{policy("a", readOnly)}, Namespaces: []migrate.Namespace{namespace("one", "baseline")}}
		grant(p, "", []string{"a"}, group("system:serviceaccounts"))
		got := build(t, p, engine.Options{Mode: engine.Delta}).LeftOut
		if len(got) != 2 || got[0].Text != want || got[1].ID != "engine-new-namespaces" {
			t.Errorf("got %v, want %q", got, want)
		}
	}
}
