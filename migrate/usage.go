package migrate

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/access"
)

// Usage is one way in which pods come to be admitted by a policy.
type Usage struct {
	Policy *Policy
	// Who asks: "service account web/api", "replicaset-controller, which creates its pods".
	Who string
	// As is what the grant names of them: "itself", "user NAME", "group NAME".
	As string
	// Use is the first grant by which they may, More counts the others.
	Use  Use
	More int
}

// asker is somebody whose grants count for a pod.
type asker struct {
	access.Principal
	// account is the principal as a grant names a service account, "namespace/name".
	account string
}

// UsagesOf returns for each policy that the pods of a workload may use as whom and by what, policies by name; first as the
// account that they run as, then as what creates them. Accounts that only live pods have are not known here.
func (p *Plan) UsagesOf(namespace string, w *Workload) []Usage {
	return p.usages(namespace, askersOf(namespace, w))
}

// UsagesByMakers returns the policies that what creates the pods of workloads may use in the namespace and a service account
// may not, not even where it sends the request.
func (p *Plan) UsagesByMakers(namespace, account string, workloads []*Workload) []Usage {
	own := map[string]bool{}
	self := accountAsker(namespace, account)
	self.Principal = access.ServiceAccountRequester(namespace, account)
	for _, u := range p.usages(namespace, []asker{self}) {
		own[u.Policy.Name] = true
	}
	var makers []asker
	for _, w := range workloads {
		for _, a := range askersOf(namespace, w) {
			known := slices.ContainsFunc(makers, func(b asker) bool { return a.What == b.What })
			if a.account != self.account && !known {
				makers = append(makers, a)
			}
		}
	}
	return slices.DeleteFunc(p.usages(namespace, makers), func(u Usage) bool { return own[u.Policy.Name] })
}

func accountAsker(namespace, name string) asker {
	return asker{access.ServiceAccountPrincipal(namespace, name), namespace + "/" + name}
}

// askersOf are the account that the pods of a workload run as, and what creates them.
func askersOf(namespace string, w *Workload) []asker {
	var out []asker
	mirror := w.Kind == "Pod" && w.ServiceAccount == ""
	if mirror {
		kubelet := access.NodePrincipal("")
		kubelet.What = "the kubelet, which creates its mirror pods"
		return append(out, asker{Principal: kubelet})
	}
	out = append(out, accountAsker(namespace, w.ServiceAccount))
	controller, made := access.ControllerPrincipal(w.Kind)
	if !made {
		return append(out, asker{Principal: access.AnyRequester()})
	}
	account := "kube-system/" + controller.What
	controller.What += ", which creates its pods"
	manager := access.ControllerManagerPrincipal()
	manager.What += ", where it creates pods under its own name"
	manager.Groups = nil // the controller is in them, too
	return append(out, asker{controller, account}, asker{Principal: manager})
}

func (p *Plan) usages(namespace string, askers []asker) []Usage {
	var out []Usage
	for i := range p.Policies {
		uses := p.Uses(&p.Policies[i])
		for _, who := range askers {
			u := Usage{Policy: &p.Policies[i], Who: who.What}
			for _, use := range uses {
				as := who.holds(use)
				switch {
				case as == "" || use.Namespace != "" && use.Namespace != namespace:
				case u.As == "":
					u.As, u.Use = as, use
				default:
					u.More++
				}
			}
			if u.As != "" {
				out = append(out, u)
			}
		}
	}
	return out
}

// holds says as what somebody has a grant; "" for a grant to others.
func (a *asker) holds(use Use) string {
	switch {
	case use.ServiceAccount != "" && use.ServiceAccount == a.account:
		return "itself"
	case use.User != "" && use.User == a.User:
		return "user " + use.User
	case use.Group != "" && slices.Contains(a.Groups, use.Group):
		return "group " + use.Group
	}
	return ""
}

// AdmittedBecause says in a sentence why PSP admission takes the policy that it takes for a workload; "" where it takes none.
func (w *Workload) AdmittedBecause() string {
	switch w.AdmittedAs {
	case "unchanged":
		return fmt.Sprintf("psp/%s admits them: of the policies that take them as they are, the first by name wins", w.AdmittedBy)
	case "changed":
		return fmt.Sprintf("psp/%s admits them: no policy takes them as they are, and of those that take them with what they fill in the first by name wins", w.AdmittedBy)
	}
	return ""
}
