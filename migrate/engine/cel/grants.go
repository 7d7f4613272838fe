package cel

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/engine"
)

// mastersMayUse is true for a sender who may use every policy, whatever RBAC says.
const mastersMayUse = `'system:masters' in request.userInfo.?groups.orValue([])`

// grantChecks returns how many questions to the authorizer it takes at most to learn whether a policy may be used.
func grantChecks(g engine.Grants, p *engine.Policy) int {
	if g == engine.StaticGrants {
		return 0
	}
	checks := len(askedGroups(p))
	if p.ByRequester {
		checks *= 2
	}
	return checks
}

// askedGroups are the API groups by whose rules a policy may be used. A policy that no rule names is asked for by its own group,
// so that a rule that comes later counts.
func askedGroups(p *engine.Policy) []string {
	if len(p.Groups) == 0 {
		return []string{"policy"}
	}
	return p.Groups
}

// mayUse adds the variables that say whether a policy may be used for the pod, and returns the expression that reads the answer.
// Each variable has its own budget, which holds two questions to the authorizer.
func mayUse(v *variables, g engine.Grants, p *engine.Policy, a *engine.Alternative, id string) string {
	if g == engine.StaticGrants {
		return v.add("may_use", id, staticGrants(a))
	}
	account := oneGroupAllows(`authorizer.serviceAccount(request.namespace, variables.account)`, p)
	account = "variables.account != '' && (" + account + ")"
	if !p.ByRequester {
		return v.add("may_use", id, one([]string{account, mastersMayUse}))
	}
	sender := oneGroupAllows(`authorizer`, p)
	if grantChecks(g, p) <= maxExpressionChecks {
		return v.add("may_use", id, one([]string{account, sender}))
	}
	return v.add("may_use", id, one([]string{v.add("account_may_use", id, account), v.add("sender_may_use", id, sender)}))
}

// oneGroupAllows returns the questions to an authorizer whether a policy may be used.
func oneGroupAllows(authorizer string, p *engine.Policy) string {
	var checks []string
	for _, group := range askedGroups(p) {
		checks = append(checks, authorizer+".group("+quote(group)+").resource('podsecuritypolicies').namespace(request.namespace).name("+quote(p.Name)+").check('use').allowed()")
	}
	return strings.Join(checks, " ||\n")
}

// staticGrants returns the expression for the grants that an alternative states. Accounts are those of the pod's namespace, and may
// also send the request.
func staticGrants(a *engine.Alternative) string {
	var parts []string
	switch {
	case a.Everybody:
		parts = append(parts, "variables.account != ''", "'system:serviceaccounts:' + request.namespace in request.userInfo.?groups.orValue([])")
	case len(a.Accounts) > 0:
		accounts := quoteAll(a.Accounts)
		parts = append(parts, "variables.account in "+accounts,
			accounts+".exists(a, request.userInfo.?username.orValue('') == 'system:serviceaccount:' + request.namespace + ':' + a)")
	}
	if len(a.Users) > 0 {
		parts = append(parts, "request.userInfo.?username.orValue('') in "+quoteAll(a.Users))
	}
	if len(a.Groups) > 0 {
		parts = append(parts, "request.userInfo.?groups.orValue([]).exists(g, g in "+quoteAll(a.Groups)+")")
	}
	return one(append(parts, mastersMayUse))
}
