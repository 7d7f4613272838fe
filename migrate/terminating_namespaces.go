package migrate

// terminatingCaution is why a namespace that is being deleted is left alone. It never comes back: what may come later is
// another namespace of that name, without its labels.
const terminatingCaution = "being deleted (terminating): nothing can be created here any more, and nothing is recommended"

// skipTerminatingNamespace decides for a namespace that is being deleted, and returns whether it is one.
func skipTerminatingNamespace(ns *Namespace) bool {
	if ns.Terminating {
		ns.Action = ActionSkip
		ns.Blockers, ns.LevelWithout = nil, nil
		ns.Cautions = append(ns.Cautions, terminatingCaution)
	}
	return ns.Terminating
}
