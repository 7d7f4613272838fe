package access

import (
	"cmp"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ServiceAccountNames returns the names of the service accounts of a namespace that exist as objects or that a role binding
// names. It is never nil.
func ServiceAccountNames(inv *inventory.Inventory, namespace string) []string {
	names := []string{}
	for _, a := range inv.ServiceAccounts {
		if a.Namespace == namespace {
			names = append(names, a.Name)
		}
	}
	for i := range inv.Bindings {
		b := &inv.Bindings[i]
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind && !strings.Contains(s.Name, ":") && cmp.Or(s.Namespace, b.Namespace) == namespace {
				names = append(names, s.Name)
			}
		}
	}
	return names
}
