package migrate

import "github.com/psp2pss/psp2pss/pspparse/message"

// skipTerminatingNamespace sets in the Plan that nothing is recommended for a namespace that is being deleted, and
// returns whether it is one. A later namespace of that name is another one, without its labels.
func skipTerminatingNamespace(ns *Namespace) bool {
	if ns.Terminating {
		ns.Action = ActionSkip
		ns.Blockers, ns.LevelWithout = nil, nil
		ns.Cautions = append(ns.Cautions, message.New("terminating"))
	}
	return ns.Terminating
}
