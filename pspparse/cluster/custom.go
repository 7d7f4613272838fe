package cluster

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// customResources names the kinds of package custom together, in what is told of all of them.
const customResources = "custom resources"

// customTable is what package custom knows. Tests have their own.
type customTable struct {
	resources []custom.Resource
	read      func(*inventory.Builder, custom.Object) bool
	// namespace, if set, is the only one whose objects are listed.
	namespace string
}

func knownCustom() customTable { return customTable{resources: custom.Resources(), read: custom.Read} }

// CustomRules are the part of Rules for the kinds of package custom. Most clusters serve few of them; a rule for a kind
// that is not served grants nothing.
func CustomRules() []rbacv1.PolicyRule { return knownCustom().rules() }

func (t customTable) rules() []rbacv1.PolicyRule {
	return groupRules(t.resources, "get", "list")
}

// groupRules grants the verbs on all of the resources, with one rule for each group, in the order of the groups' names.
func groupRules(resources []custom.Resource, verbs ...string) []rbacv1.PolicyRule {
	byGroup := map[string][]string{}
	for _, r := range resources {
		if !slices.Contains(byGroup[r.Group], r.Name) {
			byGroup[r.Group] = append(byGroup[r.Group], r.Name)
		}
	}
	var rules []rbacv1.PolicyRule
	for _, g := range groupNames(resources) {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{g}, Resources: byGroup[g], Verbs: verbs})
	}
	return rules
}

func groupNames(resources []custom.Resource) []string {
	var names []string
	for _, r := range resources {
		names = append(names, r.Group)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// in is the table for a reading of one namespace, or the whole one where none is named. What changes pods everywhere changes
// those of that namespace.
func (t customTable) in(namespace string) customTable {
	if t.namespace = namespace; namespace != "" {
		t.resources = slices.DeleteFunc(slices.Clone(t.resources), func(r custom.Resource) bool { return !r.Namespaced && r.Purpose != custom.ChangesPods })
	}
	return t
}

// customKinds asks the server which kinds of the table it serves, and announces those to the collector. What is not served
// is not told. The error is the context's alone.
func (l *lister) customKinds(ctx context.Context, t customTable) ([]kind, error) {
	if len(t.resources) == 0 {
		return nil, nil
	}
	found, err := l.served(ctx, groupNames(t.resources))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, l.send(ctx, batch{resource: customResources, settled: true, add: gap(customGap(customResources, whyUnknown("/apis", err)))})
	}
	kinds, missing := t.of(found)
	end := batch{resource: customResources, settled: true, add: func(b *inventory.Builder) {
		for _, add := range missing {
			add(b)
		}
	}}
	for _, k := range kinds {
		end.kinds = append(end.kinds, k.name())
	}
	return kinds, l.send(ctx, end)
}

// of are the kinds of the table that are served, and what to tell of each group or kind of which that is not known.
func (t customTable) of(found *served) (kinds []kind, missing []func(*inventory.Builder)) {
	for _, group := range found.groups {
		if err := found.unknown[group]; err != nil {
			missing = append(missing, gap(customGap(customResources+" of "+group, whyUnknown("/apis/"+group, err))))
		}
	}
	for _, r := range t.resources {
		versions := found.versions[schema.GroupResource{Group: r.Group, Resource: r.Name}]
		k := kind{resource: r.Name, custom: &r, list: r.Kind + "List"}
		if r.Namespaced {
			k.namespace = t.namespace
		}
		i := slices.IndexFunc(r.Versions, func(v string) bool { return slices.Contains(versions, v) })
		switch {
		case i >= 0:
			gv := schema.GroupVersion{Group: r.Group, Version: r.Versions[i]}
			k.sources = []source{{gv: gv, decode: t.decoder(gv, r), asJSON: true}}
			kinds = append(kinds, k)
		case len(versions) > 0:
			missing = append(missing, k.missing(customGap(k.name(), fmt.Sprintf(
				"the server serves them in %s, and known here is %s: they were not read; a newer release of this tool may know more",
				clip(strings.Join(versions, ", "), 200), strings.Join(r.Versions, ", ")))))
		}
	}
	return kinds, missing
}

// customGap is for custom resources that were not read: what runs may be missing, and nothing else.
func customGap(what, why string) inventory.Gap {
	return inventory.Gap{What: what, Why: why, Namespaces: []string{inventory.AllNamespaces}, Changes: inventory.Workloads}
}

// missing tells of a list that could not be read: a gap, or a note of a kind of package custom that makes no pods.
func (k *kind) missing(g inventory.Gap) func(*inventory.Builder) {
	switch {
	case k.custom == nil:
		return gap(g)
	case k.custom.Purpose != custom.MakesPods:
		return note(inventory.Note{What: g.What, Why: g.Why})
	}
	g.Changes = inventory.Workloads
	return gap(g)
}

// decoder makes entries for objects of one kind. Items of a list need not repeat its kind.
func (t customTable) decoder(gv schema.GroupVersion, r custom.Resource) decoder {
	return func(data []byte, c coding) (entry, error) {
		if c != inJSON {
			return entry{}, malformed("a custom resource that is not JSON")
		}
		if err := checkWeight(nil, data, c); err != nil {
			return entry{}, err
		}
		var named struct {
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := decodeJSON(data, &named); err != nil {
			return entry{}, err
		}
		m := named.Metadata
		if m.Name == "" {
			return entry{}, malformed("an item has no name")
		}
		o := custom.Object{
			APIVersion: gv.String(), Kind: r.Kind, Namespace: m.Namespace, Name: m.Name, JSON: bytes.Clone(data), Position: live,
		}
		return entry{key: key{m.Namespace, m.Name}, add: func(b *inventory.Builder) {
			if !t.read(b, o) && r.Purpose == custom.MakesPods {
				b.AddGap(unreadGap(o))
			}
		}}, nil
	}
}

// unreadGap is for an object of a kind that makes pods, of which none is found.
func unreadGap(o custom.Object) inventory.Gap {
	name, namespace := o.Name, inventory.AllNamespaces
	if o.Namespace != "" {
		name, namespace = o.Namespace+"/"+o.Name, o.Namespace
	}
	return inventory.Gap{
		What: fmt.Sprintf("%s %q", o.Kind, name), Why: fmt.Sprintf("nothing here reads its version, %s", o.APIVersion), Namespaces: []string{namespace},
		Changes: inventory.Workloads,
	}
}

// offGap is for kinds that were not read because the user said so.
func offGap() inventory.Gap {
	return customGap(customResources, "they were not read (--custom-resources=false), and some kinds of them make pods; leave the flag out to have them read")
}

// refusedCustom is one gap for all kinds that make pods and may not be listed, and one note for the others.
func refusedCustom(refused []*refusal) func(*inventory.Builder) {
	var makers, others []*refusal
	for _, r := range refused {
		if r.custom.Purpose == custom.MakesPods {
			makers = append(makers, r)
		} else {
			others = append(others, r)
		}
	}
	return func(b *inventory.Builder) {
		if len(makers) > 0 {
			b.AddGap(customGap(customResources, whyRefused(makers, "pods are made from them")))
		}
		if len(others) > 0 {
			b.AddNote(inventory.Note{What: customResources, Why: whyRefused(others, purposes(others))})
		}
	}
}

// whyRefused names the kinds, what they do, the server's first answer and what to grant.
func whyRefused(refused []*refusal, does string) string {
	var names, rules []string
	var resources []custom.Resource
	for _, r := range refused {
		names = append(names, r.custom.Name+"."+r.custom.Group)
		resources = append(resources, *r.custom)
	}
	for _, r := range groupRules(resources, "list") {
		rules = append(rules, fmt.Sprintf("{apiGroups: [%q], resources: [%s], verbs: [%q]}", r.APIGroups[0], quoted(r.Resources), r.Verbs[0]))
	}
	return fmt.Sprintf("listing %s %s (%d: %s), and %s; grant the verb list on them, with %s in a ClusterRole: %s",
		strings.Join(names, ", "), refused[0].verb(), code(refused[0].cause), words(refused[0].cause), does,
		ruleWord(len(rules)), strings.Join(rules, ", "))
}

func ruleWord(n int) string {
	if n == 1 {
		return "this rule"
	}
	return "these rules"
}

func quoted(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, ", ")
}

// purposes says what kinds do that make no pods.
func purposes(refused []*refusal) string {
	var does []string
	for _, p := range []struct {
		is   custom.Purpose
		text string
	}{{custom.ChangesPods, "change pods"}, {custom.RefusesPods, "refuse pods"}, {custom.WritesLabels, "write labels of namespaces"}} {
		if slices.ContainsFunc(refused, func(r *refusal) bool { return r.custom.Purpose == p.is }) {
			does = append(does, p.text)
		}
	}
	return "they may " + strings.Join(does, " or ")
}
