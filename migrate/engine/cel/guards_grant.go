package cel

import (
	"fmt"
	"strings"
	"unicode"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// looseningRole returns the ClusterRole whose rule lets its subjects loosen the labels of namespaces.
func looseningRole() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
		ObjectMeta: guardMeta(looseningRoleName),
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{looseningGroup}, Resources: []string{looseningResource}, Verbs: []string{looseningVerb}}},
	}
}

// looseningBinding returns the ClusterRoleBinding that gives the subjects looseningRole.
func looseningBinding(subjects []rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	out := &rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
		ObjectMeta: guardMeta(looseningRoleName),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: looseningRoleName},
	}
	for _, s := range subjects {
		s.APIGroup = ""
		if s.Kind != rbacv1.ServiceAccountKind {
			s.APIGroup = rbacv1.GroupName
		}
		out.Subjects = append(out.Subjects, s)
	}
	return out
}

// checkSubject returns an error for a subject that no ClusterRoleBinding can name.
func checkSubject(s rbacv1.Subject) error {
	switch {
	case s.Name == "":
		return fmt.Errorf("a %s that may loosen labels has no name", s.Kind)
	case s.Kind == rbacv1.ServiceAccountKind && s.Namespace == "":
		return fmt.Errorf("the service account %q that may loosen labels has no namespace", s.Name)
	case s.Kind != rbacv1.ServiceAccountKind && s.Namespace != "":
		return fmt.Errorf("the %s %q that may loosen labels has a namespace", s.Kind, s.Name)
	case s.Kind != rbacv1.UserKind && s.Kind != rbacv1.GroupKind && s.Kind != rbacv1.ServiceAccountKind:
		return fmt.Errorf("%q, which may loosen labels, is of kind %q: User, Group and ServiceAccount can be bound", s.Name, s.Kind)
	}
	return nil
}

// mayLoosen returns a CEL boolean: the sender of the request may loosen the labels of the namespace. The grant counts for the whole
// cluster only: in a namespace, its own administrators could give it to themselves.
func mayLoosen(rancher bool) string {
	ours := "authorizer.group(" + quote(looseningGroup) + ").resource(" + quote(looseningResource) + ").name(variables.name).check(" + quote(looseningVerb) + ").allowed()"
	if !rancher {
		return ours
	}
	// As Rancher's webhook asks, without a name: rancher/webhook, pkg/resources/core/v1/namespace/psalabels.go.
	return ours + " || authorizer.group('management.cattle.io').resource('projects').check('updatepsa').allowed()"
}

// whoMayLoosen says in a sentence, to somebody who may not loosen the labels of a namespace, who may.
func whoMayLoosen(subjects []rbacv1.Subject, rancher bool) string {
	const most = 5
	var names []string
	for _, s := range subjects {
		s.Name, s.Namespace = onOneLine(s.Name), onOneLine(s.Namespace)
		switch s.Kind {
		case rbacv1.UserKind:
			names = append(names, "user "+s.Name)
		case rbacv1.GroupKind:
			names = append(names, "group "+s.Name)
		default:
			names = append(names, "service account "+s.Namespace+"/"+s.Name)
		}
		if len(names) == most && len(subjects) > most {
			names = append(names, fmt.Sprintf("%d more", len(subjects)-most))
			break
		}
	}
	if len(names) == 0 {
		names = []string{"cluster administrators"}
	}
	if rancher {
		names = append(names, "and in Rancher whoever has the verb updatepsa on projects")
	}
	return "That takes the verb " + looseningVerb + " on " + looseningResource + "." + looseningGroup + ", as these have it: " + strings.Join(names, ", ")
}

// onOneLine returns the name of a subject without what would break the line: API servers refuse a message of several lines.
func onOneLine(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return ' '
		}
		return r
	}, name)
}
