package migrate

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/access"
)

// PolicyUsage is one way in which the pods of a workload or service account may use a PodSecurityPolicy.
type PolicyUsage struct {
	Policy *Policy
	// Requester asks: "service account web/api", "replicaset-controller, which creates its pods".
	Requester string
	// GrantedAs is what the grant names of them: "itself", "user NAME", "group NAME".
	GrantedAs string
	// FirstGrant is the first grant by which they may, More counts the others.
	FirstGrant  PolicyGrant
	OtherGrants int
}

// podRequester is a user or service account whose grants in a Plan count when a pod is created.
type podRequester struct {
	access.Principal
	// account is the principal as a grant names a service account, "namespace/name".
	account string
}

// PolicyUsagesOfWorkload returns, for each policy that the pods of a workload may use, the requester and the grant: policies by
// name, first as the account that the pods run as, then as what creates them. Accounts that only live pods have are not known
// here.
func (p *Plan) PolicyUsagesOfWorkload(namespace string, w *Workload) []PolicyUsage {
	return p.policyUsages(namespace, podRequestersOf(namespace, w))
}

// PolicyUsagesByControllers returns the policies that the controllers of workloads may use in a namespace and a service account
// may not, not even where it sends the request itself.
func (p *Plan) PolicyUsagesByControllers(namespace, account string, workloads []*Workload) []PolicyUsage {
	own := map[string]bool{}
	self := serviceAccountRequester(namespace, account)
	self.Principal = access.ServiceAccountRequester(namespace, account)
	for _, u := range p.policyUsages(namespace, []podRequester{self}) {
		own[u.Policy.Name] = true
	}
	var makers []podRequester
	for _, w := range workloads {
		for _, a := range podRequestersOf(namespace, w) {
			known := slices.ContainsFunc(makers, func(b podRequester) bool { return a.Description == b.Description })
			if a.account != self.account && !known {
				makers = append(makers, a)
			}
		}
	}
	return slices.DeleteFunc(p.policyUsages(namespace, makers), func(u PolicyUsage) bool { return own[u.Policy.Name] })
}

// serviceAccountRequester returns the service account that pods run as, as one whose grants of policies count for them.
func serviceAccountRequester(namespace, name string) podRequester {
	return podRequester{access.ServiceAccountPrincipal(namespace, name), namespace + "/" + name}
}

// podRequestersOf returns whose grants count for the pods of a workload: the account that they run as, and the controller or
// kubelet that creates them.
func podRequestersOf(namespace string, w *Workload) []podRequester {
	var out []podRequester
	mirror := w.Kind == "Pod" && w.ServiceAccount == ""
	if mirror {
		kubelet := access.NodePrincipal("")
		kubelet.Description = "the kubelet, which creates its mirror pods"
		return append(out, podRequester{Principal: kubelet})
	}
	out = append(out, serviceAccountRequester(namespace, w.ServiceAccount))
	controller, made := access.ControllerPrincipal(w.Kind)
	if !made {
		return append(out, podRequester{Principal: access.AnyRequester()})
	}
	account := "kube-system/" + controller.Description
	controller.Description += ", which creates its pods"
	manager := access.ControllerManagerPrincipal()
	manager.Description += ", where it creates pods under its own name"
	manager.Groups = nil // the controller is in them, too
	return append(out, podRequester{controller, account}, podRequester{Principal: manager})
}

// policyUsages returns the policies that each of the requesters may use in a namespace, policies by name.
func (p *Plan) policyUsages(namespace string, requesters []podRequester) []PolicyUsage {
	var out []PolicyUsage
	theirs := p.WithGrantsTo(func(s Subject) bool {
		return slices.ContainsFunc(requesters, func(r podRequester) bool { return r.grantedAs(s) != "" })
	})
	for i := range p.Policies {
		grants := theirs.GrantsOf(&p.Policies[i])
		for _, who := range requesters {
			u := PolicyUsage{Policy: &p.Policies[i], Requester: who.Description}
			for _, grant := range grants {
				as := who.grantedAs(grant.Subject)
				switch {
				case as == "" || grant.Namespace != "" && grant.Namespace != namespace:
				case u.GrantedAs == "":
					u.GrantedAs, u.FirstGrant = as, grant
				default:
					u.OtherGrants++
				}
			}
			if u.GrantedAs != "" {
				out = append(out, u)
			}
		}
	}
	return out
}

// grantedAs returns, from a Plan's grants, as what (user, account or group) a pod's requester has the grant of a
// subject; "" for another's grant.
func (a *podRequester) grantedAs(s Subject) string {
	switch {
	case s.ServiceAccount != "" && s.ServiceAccount == a.account:
		return "itself"
	case s.User != "" && s.User == a.User:
		return "user " + s.User
	case s.Group != "" && slices.Contains(a.Groups, s.Group):
		return "group " + s.Group
	}
	return ""
}

// AdmissionReason returns a sentence that says why PSP admission picks the policy that it picks for a workload; "" where it
// picks none.
func (w *Workload) AdmissionReason() string {
	switch w.AdmissionMode {
	case "unchanged":
		return fmt.Sprintf("psp/%s admits them: of the policies that take them as they are, the first by name wins", w.AdmittedBy)
	case "changed":
		return fmt.Sprintf("psp/%s admits them: no policy takes them as they are, and of those that take them with what they set the first by name wins", w.AdmittedBy)
	}
	return ""
}
