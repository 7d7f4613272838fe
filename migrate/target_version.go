package migrate

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// TargetVersionError is the error for a target version of the Plan that neither the standards known here nor the server
// that was read have reached.
type TargetVersionError struct {
	Target api.Version
	// Newest is the newest version that may be asked for, the server's if Server is set.
	Newest api.Version
	Server bool
}

// Error returns the Plan's target version and the newest one that can be asked for.
func (e *TargetVersionError) Error() string {
	if e.Server {
		return fmt.Sprintf("the target version %s is newer than the server that was read: ask for %s at most, or for latest", e.Target, e.Newest)
	}
	return fmt.Sprintf("the target version %s is newer than the standards known here: ask for %s at most, or for latest", e.Target, e.Newest)
}

// CheckTargetVersion returns a TargetVersionError for a Plan's target version that is newer than both the standards
// known here and the server's version, which is "" where no server was read. A server that is newer than the standards
// known here is a caution of the plan, no error.
func CheckTargetVersion(target api.Version, serverVersion string) error {
	e := &TargetVersionError{Target: target, Newest: pss.NewestVersion()}
	if server, known := parseServerMinor(serverVersion); known && e.Newest.Older(server) {
		e.Newest, e.Server = server, true
	}
	if target.Latest() || !e.Newest.Older(target) {
		return nil
	}
	return e
}

// OldTargetCaution returns the caution on what the restricted level of a version before v1.25 lacks; nil for v1.25 and
// later ones.
func OldTargetCaution(target api.Version) []message.Message {
	if target.Latest() || !target.Older(FirstVersionWithoutPSP()) {
		return nil
	}
	lacking := pss.MissingChecks(target, FirstVersionWithoutPSP())
	if len(lacking) == 0 {
		return nil
	}
	parts := make([]string, len(lacking))
	for i, l := range lacking {
		parts[i] = fmt.Sprintf("%s (from %s on)", l.Check, l.Since)
		if l.Requirement != "" {
			parts[i] = fmt.Sprintf("%s (%s, from %s on)", l.Requirement, l.Check, l.Since)
		}
	}
	return []message.Message{message.New("target-lacks-checks", "target", target, "version", FirstVersionWithoutPSP(), "checks", parts)}
}

// explainOldTarget adds a reason on what a namespace needs at v1.25 where the target is older than that.
func (b *planBuilder) explainOldTarget(ns *Namespace, workloads []inventory.Workload) {
	if len(workloads) == 0 || b.target.Latest() || !b.target.Older(FirstVersionWithoutPSP()) {
		return
	}
	var was, is api.Level
	for i := range workloads {
		was = levels.LeastStrict(was, b.evaluator.AfterPSP(&workloads[i], b.target).Level)
		is = levels.LeastStrict(is, b.evaluator.AfterPSP(&workloads[i], FirstVersionWithoutPSP()).Level)
	}
	if was == is {
		ns.Reasons = append(ns.Reasons, message.New("level-same-at-first-version", "version", FirstVersionWithoutPSP(), "level", is))
		return
	}
	b.explainLevelChange(ns, workloads, b.target, FirstVersionWithoutPSP(), was, is)
}
