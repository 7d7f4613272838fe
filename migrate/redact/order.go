package redact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// arrange sorts a plan by its names as migrate.Build sorts one, and makes anew what depends on the order and on the names. A plan of
// Build stays as it is; so order says nothing of the names that a redacted plan had.
func arrange(p *migrate.Plan) {
	slices.SortStableFunc(p.Policies, func(x, y migrate.Policy) int { return cmp.Compare(x.Name, y.Name) })
	for i := range p.Policies {
		arrangePolicy(&p.Policies[i])
	}
	arrangeGrants(p)
	slices.SortStableFunc(p.APIServers, func(x, y inventory.APIServer) int { return cmp.Compare(x.Pod, y.Pod) })
	slices.SortStableFunc(p.GeneratedPolicies, func(x, y inventory.GeneratedPolicy) int {
		return cmp.Or(cmp.Compare(x.Set, y.Set), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(p.Namespaces, func(x, y migrate.Namespace) int { return cmp.Compare(x.Name, y.Name) })
	for _, e := range p.Evaluations {
		arrangeEvaluation(e)
	}
	for _, s := range p.LostSets {
		arrangeLosses(s.Constraints)
	}
	for i := range p.Namespaces {
		arrangeNamespace(&p.Namespaces[i])
	}
	arrangeLosses(p.StandardsDrift)
	slices.SortStableFunc(p.LabelWriters, compareLabelWriters)
	slices.SortStableFunc(p.Gaps, func(x, y migrate.Gap) int {
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.What, y.What), message.Compare(x.Message, y.Message))
	})
	for i := range p.Gaps {
		slices.Sort(p.Gaps[i].Affects)
	}
	p.ArrangeRemarks()
	arrangeEvidence(p.AuditEvidence)
	if p.Admission != nil {
		p.Admission.Arrange()
	}
	slices.SortStableFunc(p.SkippedKinds, func(x, y inventory.KindCount) int { return cmp.Compare(x.Kind, y.Kind) })
	p.RecountBlockingViolations()
	p.IndexShared()
}

// arrangeEvidence sorts what the plan has of audit logs by name.
func arrangeEvidence(e *migrate.AuditEvidence) {
	if e == nil {
		return
	}
	slices.SortStableFunc(e.Policies, func(x, y migrate.PolicyAtWork) int { return cmp.Compare(x.Policy, y.Policy) })
	for i := range e.Policies {
		slices.Sort(e.Policies[i].Unexplained)
		slices.SortStableFunc(e.Policies[i].Unused, compareSubjects)
	}
}

// arrangePolicy sorts what a policy of the plan has by name.
func arrangePolicy(po *migrate.Policy) {
	slices.SortStableFunc(po.Lost, func(x, y migrate.LostConstraint) int {
		return cmp.Or(cmp.Compare(x.Field, y.Field), cmp.Compare(x.Class, y.Class), cmp.Compare(x.Text(x.Field, 0), y.Text(y.Field, 0)), message.Compare(x.Note, y.Note))
	})
}

// arrangeGrants sorts the roles, the bindings and those who have them in the plan.
func arrangeGrants(p *migrate.Plan) {
	slices.SortStableFunc(p.Roles, func(x, y migrate.Role) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	for i := range p.Roles {
		slices.Sort(p.Roles[i].Policies)
	}
	slices.SortStableFunc(p.Bindings, func(x, y migrate.Binding) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	for i := range p.Bindings {
		slices.SortStableFunc(p.Bindings[i].Subjects, compareSubjects)
	}
	slices.SortStableFunc(p.NamespaceWriters, func(x, y migrate.NamespaceWriter) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), compareSubjects(x.Subject, y.Subject), cmp.Compare(x.Binding, y.Binding))
	})
	slices.SortStableFunc(p.ClusterAdministrators, func(x, y migrate.PolicyGrant) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), compareSubjects(x.Subject, y.Subject), cmp.Compare(x.Binding, y.Binding), cmp.Compare(x.Role, y.Role))
	})
	for i := range p.IneffectiveGrants {
		arrangeFinding(&p.IneffectiveGrants[i])
	}
	slices.SortStableFunc(p.IneffectiveGrants, func(x, y migrate.IneffectiveGrant) int {
		return cmp.Or(cmp.Compare(x.Subject, y.Subject), message.Compare(x.Message, y.Message))
	})
}

// arrangeFinding sorts the objects of which one thing is said; the first of them is the finding's own.
func arrangeFinding(f *migrate.IneffectiveGrant) {
	all := append([]migrate.GrantingObject{{Subject: f.Subject, Position: f.Position}}, f.Others...)
	slices.SortStableFunc(all, func(x, y migrate.GrantingObject) int { return cmp.Compare(x.Subject, y.Subject) })
	f.Subject, f.Position = all[0].Subject, all[0].Position
	copy(f.Others, all[1:])
}

// compareSubjects orders the subjects of grants by kind, then accounts by their namespace, then by name.
func compareSubjects(x, y migrate.Subject) int {
	kindX, nameX := x.Kind()
	kindY, nameY := y.Kind()
	homeX, _, _ := strings.Cut(x.ServiceAccount, "/")
	homeY, _, _ := strings.Cut(y.ServiceAccount, "/")
	return cmp.Or(cmp.Compare(kindX, kindY), cmp.Compare(homeX, homeY), cmp.Compare(nameX, nameY))
}

// arrangeNamespace sorts what a namespace of the plan has by name.
func arrangeNamespace(ns *migrate.Namespace) {
	slices.SortStableFunc(ns.Workloads, func(x, y migrate.Workload) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Logged != nil {
			slices.SortStableFunc(w.Logged.Policies, func(x, y migrate.LoggedPolicies) int { return cmp.Compare(x.Policy, y.Policy) })
		}
		slices.SortStableFunc(w.DebuggedPods, func(x, y migrate.DebuggedPod) int { return cmp.Compare(x.Pod, y.Pod) })
		slices.SortStableFunc(w.AdmissionDrift, func(x, y migrate.AdmissionDrift) int { return cmp.Compare(x.Example, y.Example) })
	}
	ns.ArrangeDecision()
	slices.SortStableFunc(ns.PodRequesters, func(x, y migrate.PodRequester) int { return cmp.Compare(x.User, y.User) })
	for i := range ns.PodRequesters {
		slices.Sort(ns.PodRequesters[i].Policies)
	}
	slices.SortStableFunc(ns.RefusedPods, migrate.CompareRefusedPods)
	slices.Sort(ns.PermittedBy)
	slices.Sort(ns.ObservedPolicies)
	slices.SortStableFunc(ns.ExcludedPolicies, func(x, y migrate.ExcludedPolicy) int { return cmp.Compare(x.Policy, y.Policy) })
	slices.SortStableFunc(ns.LabelWriters, compareLabelWriters)
	slices.SortStableFunc(ns.AlsoRefusedBy, compareRules)
	slices.SortStableFunc(ns.UnseenWorkloads, compareRefs)
	slices.SortStableFunc(ns.Blockers, func(x, y migrate.Blocker) int {
		return cmp.Or(cmp.Compare(levels.Rank(x.Level), levels.Rank(y.Level)), cmp.Compare(x.Check, y.Check), cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Detail, y.Detail))
	})
	for i := range ns.Blockers {
		slices.SortStableFunc(ns.Blockers[i].Workloads, compareRefs)
	}
	arrangeLevelWithout(ns)
}

// arrangeLevelWithout sorts the workloads without which a namespace of the plan would have a stricter level: each list has those of the
// one before, and more. The sentences about them have the same lists.
func arrangeLevelWithout(ns *migrate.Namespace) {
	const id, argument = "level-without-workloads", "workloads"
	before := 0
	for i := range ns.LevelWithout {
		all := ns.LevelWithout[i].Workloads
		if i > 0 {
			copy(all, ns.LevelWithout[i-1].Workloads)
		}
		slices.SortStableFunc(all[min(before, len(all)):], compareRefs)
		before = len(all)
	}
	next := 0
	for i, m := range ns.Reasons {
		if m.ID != id || next == len(ns.LevelWithout) {
			continue
		}
		var names []string
		for _, w := range ns.LevelWithout[next].Workloads {
			names = append(names, strings.ToLower(w.Kind)+"/"+w.Name)
		}
		ns.Reasons[i] = m.Without(argument).With(argument, names)
		next++
	}
}

// arrangeEvaluation sorts what an evaluation of the plan has by name.
func arrangeEvaluation(e *migrate.Evaluation) {
	slices.Sort(e.UsablePolicies)
	slices.Sort(e.ObservedPolicies)
	slices.SortStableFunc(e.Refused, func(x, y message.Message) int {
		policyX, _ := x.Args.Get("policy").(string)
		policyY, _ := y.Args.Get("policy").(string)
		if policyX == "" || policyY == "" { // the number of the others is the last
			return cmp.Compare(policyY, policyX)
		}
		return cmp.Compare(policyX, policyY)
	})
}

// arrangeLosses sorts what namespaces or policies lose, in the order of the plan's lists of it.
func arrangeLosses(all []migrate.LostConstraint) {
	for i := range all {
		slices.Sort(all[i].Policies)
		slices.SortStableFunc(all[i].MayBeCoveredBy, compareRules)
	}
	slices.SortStableFunc(all, func(x, y migrate.LostConstraint) int {
		return cmp.Or(cmp.Compare(x.Class, y.Class), cmp.Compare(x.Field, y.Field), cmp.Compare(x.Text(x.Field, 0), y.Text(y.Field, 0)),
			message.Compare(x.Note, y.Note), slices.Compare(x.NewlyAdmits, y.NewlyAdmits))
	})
}

// compareRefs orders workloads by kind and name.
func compareRefs(x, y migrate.WorkloadRef) int {
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
}

// compareLabelWriters orders the objects that write labels.
func compareLabelWriters(x, y inventory.LabelWriter) int {
	return cmp.Or(cmp.Compare(x.Object, y.Object), cmp.Compare(x.Path, y.Path))
}

// comparePositions orders positions by file, then line.
func comparePositions(x, y pspparse.Position) int {
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
}

// compareRules orders the rules that refuse pods, such as `ClusterPolicy "name" (rule "x")`, by kind, namespace and name.
func compareRules(x, y string) int {
	kindX, namespaceX, nameX := ruleParts(x)
	kindY, namespaceY, nameY := ruleParts(y)
	return cmp.Or(cmp.Compare(kindX, kindY), cmp.Compare(namespaceX, namespaceY), cmp.Compare(nameX, nameY))
}

// ruleParts returns the kind, the namespace and the name in the text of a rule that refuses pods.
func ruleParts(text string) (kind, namespace, name string) {
	kind, rest, _ := strings.Cut(text, ` "`)
	rest, _, _ = strings.Cut(rest, `"`)
	if namespace, name, ok := strings.Cut(rest, "/"); ok {
		return kind, namespace, name
	}
	return kind, "", rest
}

// arrangeList sorts a list in an argument of a message of the plan whose class says that it is one of names: those that stand together
// with the same kind before them, as in "deployment/a", "deployment/b".
func arrangeList(c class, list []string) {
	separator := ""
	switch c {
	case namespace, policy, account:
	case workloadRef:
		separator = "/"
	case reference:
		separator = " "
	default:
		return
	}
	if c == workloadRef && slices.ContainsFunc(list, func(item string) bool { return strings.HasSuffix(item, ")") }) {
		return // pods with their owners stand in the order of these
	}
	kindOf := func(item string) string {
		if separator == "" {
			return ""
		}
		kind, _, _ := strings.Cut(item, separator)
		return kind
	}
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && kindOf(list[end]) == kindOf(list[start]) {
			end++
		}
		slices.Sort(list[start:end])
		start = end
	}
}

// Arrange sorts a plan that was built from a redacted inventory as Plan sorts one: Build tries policies in the order of their real names.
func Arrange(p *migrate.Plan) { arrange(p) }
