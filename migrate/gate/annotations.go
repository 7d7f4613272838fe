package gate

import (
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// seccompSyncEnd returns the first release whose API server copies no seccomp annotation of a pod to the field
// seccompProfile.
func seccompSyncEnd() api.Version { return api.MajorMinorVersion(1, 27) }

// checkSeccompAnnotations adds a reason for workloads that rely on a seccomp annotation if the new release does not read it
// any more, and notes for other seccomp and AppArmor annotations.
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
			ID: "seccomp-annotations", Order: orderSeccomp, Objects: bySeccomp,
			Text:     phrases.CountNoun(len(bySeccomp), "workload relies", "workloads rely") + " on a seccomp annotation, which no API server reads from v1.27 on: the profile would silently be gone",
			Advice:   "the field seccompProfile of the template has to say what the annotation says; where no patch can write it, write it into the manifest and make the object again",
			Commands: synced, Stops: stops,
		})
	case len(bySeccomp) > 0:
		j.addNote(bySeccomp, "seccomp annotations without the field: API servers copy them to it up to v1.26, and from v1.27 on ignore them")
	}
	appArmorField := api.MajorMinorVersion(1, 30)
	if len(byAppArmor) > 0 && !j.opts.To.Older(appArmorField) {
		j.addNote(byAppArmor, "AppArmor annotations without the field: deprecated since v1.30 and still copied to the field appArmorProfile, which is there from that release on")
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
