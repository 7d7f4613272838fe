package cmd

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// setGuards sets who may loosen the labels that the command generate guards. It returns a usage error for what names nobody, and for
// subjects without guards.
func (f *generateFlags) setGuards(o *generateOptions) error {
	switch {
	case o.Guards == "" && len(f.mayLoosen) > 0:
		return usagef("--%s says who may loosen labels that --%s guards: add --%s=LEVEL", mayLoosenFlag, guardsFlag, guardsFlag)
	case o.Guards == "" && f.rancher:
		return usagef("--%s is for the labels that --%s guards: add --%s=LEVEL", guardsRancherFlag, guardsFlag, guardsFlag)
	}
	o.Rancher = f.rancher
	for _, text := range f.mayLoosen {
		s, ok := parseSubject(text)
		if !ok {
			return usagef("--%s=%q names nobody: give it as user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME", mayLoosenFlag, text)
		}
		o.MayLoosen = append(o.MayLoosen, s)
	}
	return nil
}

// parseSubject reads one value of the flag --may-loosen. It returns false for what names nobody.
func parseSubject(text string) (rbacv1.Subject, bool) {
	kind, name, _ := strings.Cut(text, ":")
	switch kind {
	case "user":
		return rbacv1.Subject{Kind: rbacv1.UserKind, Name: name}, name != ""
	case "group":
		return rbacv1.Subject{Kind: rbacv1.GroupKind, Name: name}, name != ""
	case "serviceaccount":
		namespace, account, _ := strings.Cut(name, "/")
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}, namespace != "" && account != "" && !strings.Contains(account, "/")
	}
	return rbacv1.Subject{}, false
}
