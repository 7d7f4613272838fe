package migrate

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// cautionPodCreators adds to the Plan cautions on service accounts of the namespace that create pods without a
// controller (CI runners, operators) and that may create looser ones today than the recommended level allows. Accounts
// with the same access share one caution.
func (b *planBuilder) cautionPodCreators(ns *Namespace) {
	enforce := api.Level(ns.RecommendedLabels.Enforce)
	if enforce == "" || ns.Exempt {
		return
	}
	var found []*sameAccess
	for _, p := range b.grants.PodCreators(ns.Name) {
		if b.isExemptUser(p.User) {
			ns.Cautions = append(ns.Cautions, message.New("exempt-pod-creator", "account", p.Description))
			continue
		}
		looser, ok := b.looserPoliciesOf(ns.Name, p, enforce)
		if !ok || !b.enforcesStricterThanToday(ns) {
			continue
		}
		at := slices.IndexFunc(found, func(s *sameAccess) bool { return slices.Equal(s.policies, looser) })
		if at < 0 {
			at, found = len(found), append(found, &sameAccess{policies: looser})
		}
		found[at].accounts = append(found[at].accounts, strings.TrimPrefix(p.Description, "service account "))
	}
	for _, s := range found {
		ns.Cautions = append(ns.Cautions, message.New("pod-creators", "accounts", s.accounts, "policies", s.policies, "level", enforce))
	}
}

// sameAccess lists, for a Plan's cautions, service accounts of a namespace that create pods and may use the same
// policies.
type sameAccess struct{ policies, accounts []string }

// enforcesStricterThanToday reports whether the recommended enforce level is stricter than the one that the server enforces
// today.
func (b *planBuilder) enforcesStricterThanToday(ns *Namespace) bool {
	enforce := api.Level(ns.RecommendedLabels.Enforce)
	return enforce != "" && !ns.Exempt && levels.Looser(ns.EffectivePolicyToday().Enforce.Level, enforce)
}

// looserPoliciesOf returns the policies by which a requester may create looser pods in a namespace today than a level allows, and
// false where it may not. There are none where no policy limits the requester at all.
func (b *planBuilder) looserPoliciesOf(namespace string, p access.Principal, enforce api.Level) (policies []string, ok bool) {
	if enforce == api.LevelPrivileged {
		return nil, false
	}
	if len(b.inv.Policies) == 0 || b.pspInactive {
		return nil, true
	}
	for _, u := range b.grants.PoliciesUsableBy(namespace, p) {
		if levels.Looser(b.assessments[u.Policy].Closest, enforce) {
			policies = append(policies, u.Policy)
		}
	}
	return policies, len(policies) > 0
}

// cautionPodCreatorsEverywhere returns one caution for the whole Plan where every service account may create pods in every
// namespace.
func (b *planBuilder) cautionPodCreatorsEverywhere(namespaces []Namespace) []message.Message {
	bindings := b.grants.PodCreationForAllAccounts()
	if len(bindings) == 0 {
		return nil
	}
	var names, policies []string
	same := true
	for i := range namespaces {
		ns := &namespaces[i]
		if !b.enforcesStricterThanToday(ns) {
			continue
		}
		looser, ok := b.looserPoliciesOf(ns.Name, access.ServiceAccountRequester(ns.Name, "default"), api.Level(ns.RecommendedLabels.Enforce))
		if !ok {
			continue
		}
		same = same && (len(names) == 0 || slices.Equal(looser, policies))
		names, policies = append(names, ns.Name), looser
	}
	if len(names) == 0 {
		return nil
	}
	if !same {
		policies = nil
	}
	return []message.Message{message.New("pod-creators-everywhere", "bindings", bindings, "noPolicies", same && len(policies) == 0, "policies", policies, "namespaces", names)}
}
