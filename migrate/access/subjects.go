package access

import (
	"cmp"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// User names and groups that the API server gives to identities, and the namespace of the control plane.
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

// String returns an RBAC subject for people: "service account web/api", "group ops", "user ann".
func (s Subject) String() string {
	switch s.Kind {
	case ServiceAccountKind:
		return "service account " + s.Namespace + "/" + s.Name
	case GroupKind:
		return "group " + s.Name
	default:
		return "user " + s.Name
	}
}

// compareSubjects orders RBAC subjects by kind, namespace and name.
func compareSubjects(a, b Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// identity is what RBAC compares: a user name or a group. A service account is a user with a long name, so "User
// system:serviceaccount:web:api" and "ServiceAccount web/api" are the same identity.
type identity struct {
	group bool
	name  string
}

// compareIdentities orders RBAC identities: users first, each kind by name.
func compareIdentities(a, b identity) int {
	if a.group != b.group {
		if b.group {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.name, b.name)
}

// resolveSubject resolves a subject of an RBAC binding as RBAC does, exactly and case-sensitively. ok is false if it
// never matches anyone: there is no such identity, or no API server accepts the subject.
func resolveSubject(s rbacv1.Subject, bindingNamespace string) (Subject, identity, bool) {
	if whyNeverMatches(s, bindingNamespace) != "" {
		return Subject{}, identity{}, false
	}
	switch s.Kind {
	case rbacv1.UserKind:
		return Subject{Kind: UserKind, Name: s.Name}, identity{name: s.Name}, true
	case rbacv1.GroupKind:
		return Subject{Kind: GroupKind, Name: s.Name}, identity{group: true, name: s.Name}, true
	default:
		namespace := cmp.Or(s.Namespace, bindingNamespace)
		return Subject{Kind: ServiceAccountKind, Namespace: namespace, Name: s.Name}, identity{name: accountPrefix + namespace + ":" + s.Name}, true
	}
}

// whyNeverMatches says why an RBAC subject matches nobody; "" if it can match somebody.
func whyNeverMatches(s rbacv1.Subject, bindingNamespace string) string {
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
	case !group && classifyGroup(s.Name).kind != externalClass:
		return fmt.Sprintf("subject %s %q is the name of a group: it never matches", s.Kind, s.Name)
	case group && isReservedUserName(s.Name):
		return fmt.Sprintf("subject Group %q is the name of a user: it never matches", s.Name)
	case user || group:
		return ""
	case strings.HasPrefix(s.Name, accountPrefix):
		return fmt.Sprintf("subject ServiceAccount %q is the name of a user, and an account is named by its own name and its namespace: it never matches", s.Name)
	case !isDNSName(s.Name, maxAccountNameLength):
		return fmt.Sprintf("subject ServiceAccount %q has a name that no account can have: it never matches", s.Name)
	case s.Namespace != "" && (!isDNSName(s.Namespace, maxNamespaceNameLength) || strings.Contains(s.Namespace, ".")):
		return fmt.Sprintf("subject ServiceAccount %q has the namespace %q, a name that no namespace can have: it never matches", s.Name, s.Namespace)
	default:
		return ""
	}
}

// isReservedUserName reports whether the API server gives a user name of RBAC to users alone. The name of the
// controller manager is not among them: a certificate may have it as its group.
func isReservedUserName(name string) bool {
	return name == anonymousUser || strings.HasPrefix(name, accountPrefix) || strings.HasPrefix(name, nodePrefix)
}

// The longest names of service accounts and namespaces.
const (
	maxAccountNameLength   = 253
	maxNamespaceNameLength = 63
)

// isDNSName reports whether a grant can name somebody: an API server accepts the name in an RBAC subject for a service
// account or namespace only if it has lower-case letters, digits, '-' and '.', the first and the last no '-' and no '.'.
func isDNSName(name string, longest int) bool {
	inside := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	for i := range len(name) {
		if c := name[i]; !inside(c) && (c != '-' && c != '.' || i == 0 || i == len(name)-1) {
			return false
		}
	}
	return name != "" && len(name) <= longest
}

// apiGroupOf returns the API group of a kind of RBAC subject. The authorizer does not ask for it, since no API server
// accepts a binding with another one; where it is left out, the API server sets it.
func apiGroupOf(kind string) string {
	if kind == rbacv1.ServiceAccountKind {
		return ""
	}
	return rbacv1.GroupName
}

// subjectClassKind classifies RBAC identities by what they do when a pod is created.
type subjectClassKind int

const (
	// externalClass is a user or group from outside the cluster.
	externalClass subjectClassKind = iota
	// everybodyClass is every authenticated or anonymous request, or every service account.
	everybodyClass
	// mastersClass is system:masters, which may do everything, outside RBAC.
	mastersClass
	// accountClass is one service account.
	accountClass
	// namespaceAccountsClass is all service accounts of one namespace.
	namespaceAccountsClass
	// nodesClass is the kubelets, which create no pods but mirror pods.
	nodesClass
	// controllerManagerClass is a controller manager without credentials of its own for each controller.
	controllerManagerClass
)

// subjectClass is the class of an RBAC identity. The namespace is that of service accounts, the name that of a single one.
type subjectClass struct {
	kind            subjectClassKind
	namespace, name string
}

// classifyIdentity returns the class of the user or group of an RBAC subject.
func classifyIdentity(id identity) subjectClass {
	if id.group {
		return classifyGroup(id.name)
	}
	if rest, ok := strings.CutPrefix(id.name, accountPrefix); ok {
		home, name, _ := strings.Cut(rest, ":")
		return subjectClass{kind: accountClass, namespace: home, name: name}
	}
	switch {
	case id.name == controllerManager:
		return subjectClass{kind: controllerManagerClass}
	case id.name == anonymousUser:
		return subjectClass{kind: everybodyClass}
	case strings.HasPrefix(id.name, nodePrefix):
		return subjectClass{kind: nodesClass}
	default:
		return subjectClass{kind: externalClass}
	}
}

// classifyGroup returns the class of the group of an RBAC subject.
func classifyGroup(name string) subjectClass {
	switch name {
	case authenticatedGroup, anonymousGroup, accountsGroup:
		return subjectClass{kind: everybodyClass}
	case mastersGroup:
		return subjectClass{kind: mastersClass}
	case nodesGroup:
		return subjectClass{kind: nodesClass}
	}
	if home, ok := strings.CutPrefix(name, accountsPrefix); ok {
		return subjectClass{kind: namespaceAccountsClass, namespace: home}
	}
	return subjectClass{kind: externalClass}
}

// isForEverybody reports whether a cluster-wide RBAC grant is to every authenticated or anonymous request, or to every
// service account: it says nothing about a namespace.
func (e *subjectGrant) isForEverybody() bool {
	return e.binding.Namespace == "" && classifyIdentity(e.identity).kind == everybodyClass
}

// isAdministrator reports whether an RBAC grant lets others than everybody use every policy everywhere. A service
// account with such a grant is an administrator to every namespace but its own.
func (e *subjectGrant) isAdministrator() bool {
	if e.binding.Namespace != "" || !e.role.granted.anyPolicy() {
		return false
	}
	kind := classifyIdentity(e.identity).kind
	return kind == mastersClass || e.role.granted.everyPolicy && kind != everybodyClass
}
