package access

import (
	"cmp"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Names that the API server gives to identities.
const (
	accountPrefix      = "system:serviceaccount:"
	accountsGroup      = "system:serviceaccounts"
	accountsPrefix     = accountsGroup + ":"
	authenticatedGroup = "system:authenticated"
	anonymousGroup     = "system:unauthenticated"
	anonymousUser      = "system:anonymous"
	mastersGroup       = "system:masters"
	nodesGroup         = "system:nodes"
	nodePrefix         = "system:node:"
	controllerManager  = "system:kube-controller-manager"
	kubeSystem         = "kube-system"
)

// String says it as a reader would: "service account web/api", "group ops".
func (s Subject) String() string {
	switch s.Kind {
	case ServiceAccount:
		return "service account " + s.Namespace + "/" + s.Name
	case Group:
		return "group " + s.Name
	default:
		return "user " + s.Name
	}
}

func compareSubjects(a, b Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// identity is what RBAC compares: a user name or a group. A service account is a user with a long name, so
// "User system:serviceaccount:web:api" and "ServiceAccount web/api" are the same identity.
type identity struct {
	group bool
	name  string
}

func compareIdentities(a, b identity) int {
	if a.group != b.group {
		if b.group {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.name, b.name)
}

// readSubject resolves a subject as RBAC does, exactly and case-sensitively; false means that it never matches anyone: no
// such identity exists, or no API server accepts the subject.
func readSubject(s rbacv1.Subject, bindingNamespace string) (Subject, identity, bool) {
	if neverMatches(s, bindingNamespace) != "" {
		return Subject{}, identity{}, false
	}
	switch s.Kind {
	case rbacv1.UserKind:
		return Subject{Kind: User, Name: s.Name}, identity{name: s.Name}, true
	case rbacv1.GroupKind:
		return Subject{Kind: Group, Name: s.Name}, identity{group: true, name: s.Name}, true
	default:
		namespace := cmp.Or(s.Namespace, bindingNamespace)
		return Subject{Kind: ServiceAccount, Namespace: namespace, Name: s.Name}, identity{name: accountPrefix + namespace + ":" + s.Name}, true
	}
}

// neverMatches says why a subject is nobody; "" if somebody can be it.
func neverMatches(s rbacv1.Subject, bindingNamespace string) string {
	user, group := s.Kind == rbacv1.UserKind, s.Kind == rbacv1.GroupKind
	switch {
	case !user && !group && s.Kind != rbacv1.ServiceAccountKind:
		return fmt.Sprintf("subject %q has the kind %q, none of User, Group and ServiceAccount (case matters): it never matches", s.Name, s.Kind)
	case s.APIGroup != "" && s.APIGroup != apiGroupOf(s.Kind):
		return fmt.Sprintf("subject %s %q has the apiGroup %q, where only %q is accepted: it never matches", s.Kind, s.Name, s.APIGroup, apiGroupOf(s.Kind))
	case s.Kind == rbacv1.ServiceAccountKind && s.Namespace == "" && bindingNamespace == "":
		return fmt.Sprintf("subject ServiceAccount %q has no namespace, which a ClusterRoleBinding cannot supply: it never matches", s.Name)
	case s.Name == "":
		return fmt.Sprintf("subject %s has no name: it never matches", s.Kind)
	case s.Name == "*":
		return fmt.Sprintf(`subject %s "*" is a name like any other, not a wildcard: it never matches`, s.Kind)
	case !group && groupParty(s.Name).kind != person:
		return fmt.Sprintf("subject %s %q is the name of a group: it never matches", s.Kind, s.Name)
	case group && isUserName(s.Name):
		return fmt.Sprintf("subject Group %q is the name of a user: it never matches", s.Name)
	case user || group:
		return ""
	case strings.HasPrefix(s.Name, accountPrefix):
		return fmt.Sprintf("subject ServiceAccount %q is the name of a user, and an account goes by its own name and its namespace: it never matches", s.Name)
	case !isName(s.Name, maxAccount):
		return fmt.Sprintf("subject ServiceAccount %q has a name that no account can have: it never matches", s.Name)
	case s.Namespace != "" && (!isName(s.Namespace, maxNamespace) || strings.Contains(s.Namespace, ".")):
		return fmt.Sprintf("subject ServiceAccount %q has the namespace %q, a name that no namespace can have: it never matches", s.Name, s.Namespace)
	default:
		return ""
	}
}

// isUserName is true for names that the API server gives to users alone. That of the controller manager is not among them: a
// certificate may well have it as its group.
func isUserName(name string) bool {
	return name == anonymousUser || strings.HasPrefix(name, accountPrefix) || strings.HasPrefix(name, nodePrefix)
}

// The longest names.
const (
	maxAccount   = 253
	maxNamespace = 63
)

// isName is true for what an API server can take for the name of an account: lower-case letters, digits, '-' and '.', the first
// and the last no '-' and no '.'.
func isName(name string, longest int) bool {
	inside := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	for i := range len(name) {
		if c := name[i]; !inside(c) && (c != '-' && c != '.' || i == 0 || i == len(name)-1) {
			return false
		}
	}
	return name != "" && len(name) <= longest
}

// apiGroupOf a kind of subject. RBAC does not ask for it, since no API server accepts a binding with another one; left
// out it is filled in.
func apiGroupOf(kind string) string {
	if kind == rbacv1.ServiceAccountKind {
		return ""
	}
	return rbacv1.GroupName
}

// partyKind sorts identities by the part they play when a pod is created.
type partyKind int

const (
	person    partyKind = iota // a user or group from outside the cluster
	everybody                  // every authenticated or anonymous request, or every service account
	masters                    // allowed everything, outside RBAC
	account                    // one service account
	accounts                   // all service accounts of one namespace
	nodes                      // kubelets, which create nothing but mirror pods
	manager                    // a controller manager without per-controller credentials
)

// party is an identity in its part. Home is the namespace of service accounts, name that of a single one.
type party struct {
	kind       partyKind
	home, name string
}

func partyOf(id identity) party {
	if id.group {
		return groupParty(id.name)
	}
	if rest, ok := strings.CutPrefix(id.name, accountPrefix); ok {
		home, name, _ := strings.Cut(rest, ":")
		return party{kind: account, home: home, name: name}
	}
	switch {
	case id.name == controllerManager:
		return party{kind: manager}
	case id.name == anonymousUser:
		return party{kind: everybody}
	case strings.HasPrefix(id.name, nodePrefix):
		return party{kind: nodes}
	default:
		return party{kind: person}
	}
}

func groupParty(name string) party {
	switch name {
	case authenticatedGroup, anonymousGroup, accountsGroup:
		return party{kind: everybody}
	case mastersGroup:
		return party{kind: masters}
	case nodesGroup:
		return party{kind: nodes}
	}
	if home, ok := strings.CutPrefix(name, accountsPrefix); ok {
		return party{kind: accounts, home: home}
	}
	return party{kind: person}
}

// everybody is true for what holds everywhere for every authenticated or anonymous request, or for every service account:
// it says nothing about a namespace.
func (e *edge) everybody() bool { return e.namespace == "" && partyOf(e.id).kind == everybody }

// administrators is true for what lets others than everybody use every policy everywhere. A service account that has such
// a grant is an administrator to every namespace but its own.
func (e *edge) administrators() bool {
	if e.namespace != "" || !e.role.reach.uses() {
		return false
	}
	kind := partyOf(e.id).kind
	return kind == masters || e.role.reach.every && kind != everybody
}
