package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
)

// cautionPodCreators warns of accounts of the namespace that can make pods on their own (runners, build agents, workflow
// engines) and are held to less than the level today: what they will create cannot be seen in advance. Accounts that are held
// to the same are told in one caution.
func (b *planBuilder) cautionPodCreators(ns *Namespace) {
	enforce := api.Level(ns.RecommendedLabels.Enforce)
	if enforce == "" || ns.Exempt {
		return
	}
	var order []string
	accounts := map[string][]string{}
	for _, p := range b.grants.PodCreators(ns.Name) {
		if b.isExemptUser(p.User) {
			ns.Cautions = append(ns.Cautions, p.Description+" can create pods on its own here and is exempt by the admission configuration: no label refuses what it creates")
			continue
		}
		why := b.looserAccessOf(ns.Name, p, enforce)
		if why == "" || !b.enforcesStricterThanToday(ns) {
			continue
		}
		if accounts[why] == nil {
			order = append(order, why)
		}
		accounts[why] = append(accounts[why], strings.TrimPrefix(p.Description, "service account "))
	}
	for _, why := range order {
		names := accounts[why]
		text := fmt.Sprintf("service account %s can create pods on its own here and %s: what it creates may be refused by enforce=%s", names[0], why, enforce)
		if len(names) > 1 {
			text = fmt.Sprintf("service accounts %s can create pods on their own here and %s: what they create may be refused by enforce=%s", joinFirst(names, 3), why, enforce)
		}
		ns.Cautions = append(ns.Cautions, text)
	}
}

// enforcesStricterThanToday is true where the recommended level refuses what is not refused by the labels of today.
func (b *planBuilder) enforcesStricterThanToday(ns *Namespace) bool {
	enforce := api.Level(ns.RecommendedLabels.Enforce)
	return enforce != "" && !ns.Exempt && isLooserLevel(ns.EffectivePolicyToday().Enforce.Level, enforce)
}

// looserAccessOf says what lets somebody create looser pods in a namespace today than a level does; "" if nothing does.
func (b *planBuilder) looserAccessOf(namespace string, p access.Principal, enforce api.Level) string {
	if enforce == api.LevelPrivileged {
		return ""
	}
	if len(b.inv.Policies) == 0 || b.pspInactive {
		return "no policy limits that today"
	}
	var loose []string
	for _, u := range b.grants.PoliciesUsableBy(namespace, p) {
		if isLooserLevel(b.assessments[u.Policy].Closest, enforce) {
			loose = append(loose, u.Policy)
		}
	}
	if len(loose) == 0 {
		return ""
	}
	return fmt.Sprintf("may use looser policies (%s)", joinFirst(loose, maxPoliciesListed))
}

// cautionPodCreatorsEverywhere warns once, for the whole plan, where every service account can create pods everywhere.
func (b *planBuilder) cautionPodCreatorsEverywhere(namespaces []Namespace) []string {
	bindings := b.grants.PodCreationForAllAccounts()
	if len(bindings) == 0 {
		return nil
	}
	var names, whys []string
	for i := range namespaces {
		ns := &namespaces[i]
		if !b.enforcesStricterThanToday(ns) {
			continue
		}
		if why := b.looserAccessOf(ns.Name, access.ServiceAccountRequester(ns.Name, "default"), api.Level(ns.RecommendedLabels.Enforce)); why != "" {
			names = append(names, ns.Name)
			if !slices.Contains(whys, why) {
				whys = append(whys, why)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	why := "may use looser policies"
	if len(whys) == 1 {
		why = whys[0]
	}
	return []string{fmt.Sprintf("every service account can create pods on its own in every namespace (%s) and %s: what they create in %s (%s) may be refused by the recommended level",
		joinFirst(bindings, 3), why, countNoun(len(names), "namespace", "namespaces"), joinFirst(names, 3))}
}
