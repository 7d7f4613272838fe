package engine

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// User names and groups that the API server gives to identities.
const (
	accountPrefix      = "system:serviceaccount:"
	accountsGroup      = "system:serviceaccounts"
	authenticatedGroup = "system:authenticated"
	mastersGroup       = "system:masters"
	nodesGroup         = "system:nodes"
	nodePrefix         = "system:node:"
	kubeSystem         = "kube-system"
)

// grantee is whom a grant lets use a policy, as seen from a namespace.
type grantee struct {
	kind granteeKind
	// name of the account in its namespace, of the user or of the group; "" for the service accounts of the namespace as a group.
	name string
}

// granteeKind is what a grantee is to the pods of a namespace.
type granteeKind byte

const (
	// everybody: all service accounts of the namespace, or whoever sends a request.
	everybody granteeKind = 'e'
	// controllers: one of those that create the pods of workloads.
	controllers granteeKind = 'c'
	// account of the namespace.
	account granteeKind = 'a'
	// userSender and groupSender create pods themselves: people, and service accounts of other namespaces.
	userSender  granteeKind = 'u'
	groupSender granteeKind = 'g'
	// nodeUser and nodeGroup are kubelets: they create no pods but mirror pods.
	nodeUser  granteeKind = 'n'
	nodeGroup granteeKind = 'm'
)

// granteeIn returns what the subject of a grant is to the pods of a namespace.
func granteeIn(s migrate.Subject, namespace string) grantee {
	home, name, isAccount := strings.Cut(s.ServiceAccount, "/")
	if rest, found := strings.CutPrefix(s.User, accountPrefix); found {
		home, name, isAccount = strings.Cut(rest, ":")
	}
	switch {
	case isAccount && home == namespace:
		return grantee{account, name}
	case isAccount && home == kubeSystem && slices.ContainsFunc(inventory.WorkloadKinds(), func(k inventory.WorkloadKind) bool { return k.Controller == name }):
		return grantee{controllers, accountPrefix + home + ":" + name}
	case isAccount:
		return grantee{userSender, accountPrefix + home + ":" + name}
	case s.User == access.ControllerManagerPrincipal().User:
		return grantee{controllers, s.User}
	case strings.HasPrefix(s.User, nodePrefix):
		return grantee{nodeUser, s.User}
	case s.User != "":
		return grantee{userSender, s.User}
	case s.Group == accountsGroup+":"+namespace:
		return grantee{kind: everybody}
	case s.Group == authenticatedGroup, s.Group == accountsGroup:
		return grantee{everybody, s.Group}
	case s.Group == accountsGroup+":"+kubeSystem:
		return grantee{controllers, s.Group}
	case s.Group == nodesGroup:
		return grantee{nodeGroup, s.Group}
	}
	return grantee{groupSender, s.Group}
}

// homeOf returns the namespace from which the subject of a grant looks different than from all others; "" if there is none.
func homeOf(s migrate.Subject) string {
	home, _, isAccount := strings.Cut(s.ServiceAccount, "/")
	if rest, found := strings.CutPrefix(s.User, accountPrefix); found {
		home, _, isAccount = strings.Cut(rest, ":")
	}
	if group, found := strings.CutPrefix(s.Group, accountsGroup+":"); found {
		home, isAccount = group, true
	}
	if !isAccount {
		return ""
	}
	return home
}

// users are who may use one policy in a namespace. Of everybody and of controllers, the lists have who sends requests: pods without an
// account, which kubelets mirror, are admitted only by the grants of their sender.
type users struct {
	everybody, controllers  bool
	accounts, users, groups []string
	// onlyNodes: none but kubelets may, for mirror pods.
	onlyNodes bool
}

// usersOf returns who may use a policy, from the grantees of its grants.
func usersOf(all []grantee) *users {
	out := &users{onlyNodes: true}
	for _, g := range all {
		switch g.kind {
		case everybody:
			out.everybody = true
			if g.name != "" {
				out.groups = append(out.groups, g.name)
			}
		case controllers:
			out.controllers = true
			if strings.HasPrefix(g.name, accountsGroup+":") {
				out.groups = append(out.groups, g.name)
			} else {
				out.users = append(out.users, g.name)
			}
		case account:
			out.accounts = append(out.accounts, g.name)
		case userSender, nodeUser:
			out.users = append(out.users, g.name)
		case groupSender, nodeGroup:
			out.groups = append(out.groups, g.name)
		}
		out.onlyNodes = out.onlyNodes && (g.kind == nodeUser || g.kind == nodeGroup)
	}
	for _, list := range []*[]string{&out.accounts, &out.users, &out.groups} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return out
}
