package gate

import (
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// seccompSyncEnd returns, for the gate, the first release whose API server copies no seccomp annotation of a pod to the
// field seccompProfile.
func seccompSyncEnd() api.Version { return api.MajorMinorVersion(1, 27) }

// checkSeccompAnnotations adds a reason against the upgrade for workloads that rely on a seccomp annotation if the new
// release does not read it any more, and notes for other seccomp and AppArmor annotations.
func (j *upgradeCheck) checkSeccompAnnotations() {
	ends := !j.opts.To.Older(seccompSyncEnd())
	synced := j.seccompPatchCommands()
	var stops []int
	if len(synced) > 0 {
		stops = stopBeforeScript()
	}
	bySeccomp := workloadsThat(j.plan, func(w *migrate.Workload) bool { return w.SeccompByAnnotation })
	byAppArmor := workloadsThat(j.plan, func(w *migrate.Workload) bool { return w.AppArmorByAnnotation })
	switch {
	case len(bySeccomp) > 0 && ends:
		j.addReason(Reason{
			Message: message.New("seccomp-annotations", "n", len(bySeccomp)), Order: orderSeccomp, Objects: bySeccomp,
			Advice:   Advice{message.New("write-seccomp-profile")},
			Commands: synced, Stops: stops,
		})
	case len(bySeccomp) > 0:
		j.addNote(bySeccomp, message.New("seccomp-annotations-copied"))
	}
	appArmorField := api.MajorMinorVersion(1, 30)
	if len(byAppArmor) > 0 && !j.opts.To.Older(appArmorField) {
		j.addNote(byAppArmor, message.New("apparmor-annotations-copied"))
	}
}

// seccompPatchCommands returns the commands of the gate that write seccompProfile fields into the templates that can be
// patched.
func (j *upgradeCheck) seccompPatchCommands() []string {
	var arguments []string
	for i := range j.plan.Namespaces {
		ns := &j.plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			if hasValidName(ns) && w.Owner == nil && isPatchableKind(w.Kind) && countPolicyMutations(w) < len(w.Mutations) {
				arguments = append(arguments, escape.Shell(ns.Name+"/"+strings.ToLower(w.Kind)+"/"+w.Name))
			}
		}
	}
	if len(arguments) == 0 {
		return nil
	}
	return j.patchCommands("seccomp.sh", arguments)
}
