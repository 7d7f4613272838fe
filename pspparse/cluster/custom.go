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
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// customResourcesLabel names the kinds of package custom together, in gaps and notes about all of them.
const customResourcesLabel = "custom resources"

// customResourceTable is the table of the custom resources that are read from clusters. Tests have their own.
type customResourceTable struct {
	// resources are the kinds.
	resources []custom.KnownResource
	// read adds an object of one of them to the inventory, and returns false for a version that it does not know.
	read func(inventory.CustomSink, custom.RawObject) bool
	// namespace, if set, is the only one whose objects are listed.
	namespace string
}

// knownCustomResources returns the table of package custom, of what is listed in a cluster.
func knownCustomResources() customResourceTable {
	return customResourceTable{resources: custom.KnownResources(), read: custom.ReadObject}
}

// CustomResourceRules returns the part of ReadRules for custom resources. Most clusters serve few of them; a rule for a kind
// that is not served grants nothing.
func CustomResourceRules() []rbacv1.PolicyRule { return knownCustomResources().readRules() }

// readRules returns the rules of a ClusterRole that may read all resources of the table.
func (t customResourceTable) readRules() []rbacv1.PolicyRule {
	return rulesByAPIGroup(t.resources, "get", "list")
}

// rulesByAPIGroup returns RBAC rules that let the tool read resources of a cluster, one for each API group, in the
// order of the groups' names.
func rulesByAPIGroup(resources []custom.KnownResource, verbs ...string) []rbacv1.PolicyRule {
	byGroup := map[string][]string{}
	for _, r := range resources {
		if !slices.Contains(byGroup[r.Group], r.Name) {
			byGroup[r.Group] = append(byGroup[r.Group], r.Name)
		}
	}
	var rules []rbacv1.PolicyRule
	for _, g := range apiGroupNames(resources) {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{g}, Resources: byGroup[g], Verbs: verbs})
	}
	return rules
}

// apiGroupNames returns the API groups of the resources to read from a cluster, sorted, each once.
func apiGroupNames(resources []custom.KnownResource) []string {
	var names []string
	for _, r := range resources {
		names = append(names, r.Group)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// forNamespace returns the table for a reading of one namespace, or the whole one where none is named. What changes pods in
// every namespace changes those of that one.
func (t customResourceTable) forNamespace(namespace string) customResourceTable {
	if t.namespace = namespace; namespace != "" {
		t.resources = slices.DeleteFunc(slices.Clone(t.resources), func(r custom.KnownResource) bool { return !r.Namespaced && r.Purpose != custom.ChangesPods })
	}
	return t
}

// servedCustomKinds asks the API server which custom kinds of the table it serves, and makes the collector count those.
// Only the end of ctx is an error; what could not be found out is a gap.
func (l *clusterLister) servedCustomKinds(ctx context.Context, t customResourceTable) ([]listedKind, error) {
	if len(t.resources) == 0 {
		return nil, nil
	}
	found, err := l.discoverGroups(ctx, apiGroupNames(t.resources))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, l.sendBatch(ctx, inventoryBatch{resource: customResourcesLabel, done: true, addToInventory: reportGap(customResourceGap(customResourcesLabel, message.New("group-unknown", "reason", discoveryFailedReason("/apis", err))))})
	}
	kinds, missing := t.servedKinds(found)
	end := inventoryBatch{resource: customResourcesLabel, done: true, addToInventory: func(b inventory.Sink) {
		for _, add := range missing {
			add(b)
		}
	}}
	for _, k := range kinds {
		end.moreKinds = append(end.moreKinds, k.qualifiedResource())
	}
	return kinds, l.sendBatch(ctx, end)
}

// servedKinds returns the custom kinds of the table that the API server serves, and the gaps and notes for each group
// or kind of which that is not known.
func (t customResourceTable) servedKinds(found *servedResources) (kinds []listedKind, missing []func(inventory.Sink)) {
	for _, group := range found.groups {
		if err := found.groupErrors[group]; err != nil {
			missing = append(missing, reportGap(customResourceGap(customResourcesLabel+" of "+group, message.New("group-unknown", "reason", discoveryFailedReason("/apis/"+group, err)))))
		}
	}
	for _, r := range t.resources {
		versions := found.versions[schema.GroupResource{Group: r.Group, Resource: r.Name}]
		k := listedKind{resource: r.Name, custom: &r, listKind: r.Kind + "List"}
		if r.Namespaced {
			k.namespace = t.namespace
		}
		i := slices.IndexFunc(r.Versions, func(v string) bool { return slices.Contains(versions, v) })
		switch {
		case i >= 0:
			gv := schema.GroupVersion{Group: r.Group, Version: r.Versions[i]}
			k.sources = []kindSource{{gv: gv, decode: t.decoderFor(gv, r), asJSON: true}}
			kinds = append(kinds, k)
		case len(versions) > 0:
			missing = append(missing, k.reportMissing(customResourceGap(k.qualifiedResource(), message.New("version-not-served", "served", shortenServerText(strings.Join(versions, ", "), 200), "known", r.Versions))))
		}
	}
	return kinds, missing
}

// customResourceGap returns the gap for custom resources that were not read: workloads may be missing, and nothing else.
func customResourceGap(what string, why message.Message) inventory.Gap {
	return inventory.Gap{What: what, Why: why, Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartWorkloads}
}

// reportMissing returns a function that adds the gap of a cluster's list that could not be read, or a note for a custom
// resource that makes no pods.
func (k *listedKind) reportMissing(g inventory.Gap) func(inventory.Sink) {
	switch {
	case k.custom == nil:
		return reportGap(g)
	case k.custom.Purpose != custom.MakesPods:
		return reportNote(inventory.Note{What: g.What, Why: g.Why})
	}
	g.Affects = inventory.PartWorkloads
	return reportGap(g)
}

// decoderFor returns a decoder of the custom resources of one kind that the cluster lists. Items of a list need not
// repeat its kind.
func (t customResourceTable) decoderFor(gv schema.GroupVersion, r custom.KnownResource) objectDecoder {
	return func(data []byte, c objectEncoding) (decodedObject, error) {
		if c != jsonEncoding {
			return decodedObject{}, malformedAnswerError("a custom resource that is not JSON")
		}
		if err := checkDecodedSize(nil, data, c); err != nil {
			return decodedObject{}, err
		}
		var named struct {
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := decodeJSON(data, &named); err != nil {
			return decodedObject{}, err
		}
		m := named.Metadata
		if m.Name == "" {
			return decodedObject{}, malformedAnswerError("an item has no name")
		}
		o := custom.RawObject{
			APIVersion: gv.String(), Kind: r.Kind, Namespace: m.Namespace, Name: m.Name, JSON: bytes.Clone(data), Position: noPosition,
		}
		return decodedObject{key: objectKey{m.Namespace, m.Name}, add: func(b inventory.Sink) {
			if !t.read(b, o) && r.Purpose == custom.MakesPods {
				b.AddGap(unreadVersionGap(o))
			}
		}}, nil
	}
}

// unreadVersionGap returns the gap for an object of a cluster, of a kind that makes pods, in a version that nothing
// here reads.
func unreadVersionGap(o custom.RawObject) inventory.Gap {
	name, namespace := o.Name, inventory.AllNamespaces
	if o.Namespace != "" {
		name, namespace = o.Namespace+"/"+o.Name, o.Namespace
	}
	return inventory.Gap{
		What: fmt.Sprintf("%s %q", o.Kind, name), Why: message.New("custom-version-unknown", "version", o.APIVersion), Namespaces: []string{namespace},
		Affects: inventory.PartWorkloads,
	}
}

// customResourcesOffGap returns the gap for custom resources that a flag keeps from being read from the cluster.
func customResourcesOffGap() inventory.Gap {
	return customResourceGap(customResourcesLabel, message.New("custom-resources-left-out"))
}

// reportForbiddenCustomResources returns a function that adds one gap for all custom resources that make pods and may not be
// listed, and one note for the others.
func reportForbiddenCustomResources(refused []*forbiddenList) func(inventory.Sink) {
	var makers, others []*forbiddenList
	for _, r := range refused {
		if r.custom.Purpose == custom.MakesPods {
			makers = append(makers, r)
		} else {
			others = append(others, r)
		}
	}
	return func(b inventory.Sink) {
		if len(makers) > 0 {
			b.AddGap(customResourceGap(customResourcesLabel, forbiddenReason(makers, "pods are made from them")))
		}
		if len(others) > 0 {
			b.AddNote(inventory.Note{What: customResourcesLabel, Why: forbiddenReason(others, customPurposesText(others))})
		}
	}
}

// forbiddenReason returns the reason of a gap: the custom kinds that a server does not let us list, what they do, the
// server's first answer and the rules to grant.
func forbiddenReason(refused []*forbiddenList, does string) message.Message {
	var names, rules []string
	var resources []custom.KnownResource
	for _, r := range refused {
		names = append(names, r.custom.Name+"."+r.custom.Group)
		resources = append(resources, *r.custom)
	}
	for _, r := range rulesByAPIGroup(resources, "list") {
		rules = append(rules, fmt.Sprintf("{apiGroups: [%q], resources: [%s], verbs: [%q]}", r.APIGroups[0], english.Quoted(r.Resources), r.Verbs[0]))
	}
	first := refused[0]
	return message.New("custom-lists-forbidden", "resources", names, "outcome", first.statusText(), "code", httpStatus(first.cause), "error", serverErrorText(first.cause), "effect", does, "rules", rules)
}

// customPurposesText says what custom resources do that make no pods.
func customPurposesText(refused []*forbiddenList) string {
	var does []string
	for _, p := range []struct {
		is   custom.ResourcePurpose
		text string
	}{{custom.ChangesPods, "change pods"}, {custom.RefusesPods, "refuse pods"}, {custom.WritesLabels, "write labels of namespaces"}} {
		if slices.ContainsFunc(refused, func(r *forbiddenList) bool { return r.custom.Purpose == p.is }) {
			does = append(does, p.text)
		}
	}
	return "they may " + strings.Join(does, " or ")
}
