package harden

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// fix proposes edits for one check of the standards that a template fails. Only checks that ask for a value can be met by
// an edit; those that forbid one have none.
type fix struct {
	check   string
	propose func(*raising) []proposal
}

func fixes() []fix {
	return []fix{
		{"allowPrivilegeEscalation", denyEscalation},
		{"capabilities_restricted", dropAll},
		{"runAsNonRoot", requireNonRoot},
		{"seccompProfile_restricted", giveProfile},
	}
}

// denyEscalation sets allowPrivilegeEscalation: false on each container. API validation refuses it beside privileged: true,
// and beside the capability CAP_SYS_ADMIN in this spelling.
func denyEscalation(s *raising) []proposal {
	if s.windows() {
		return nil
	}
	var out []proposal
	by := s.scale(escalations)
	for _, p := range places(&s.Template.Spec) {
		sc := p.security()
		if podspec.IsFalse(sc.AllowPrivilegeEscalation) || podspec.IsTrue(sc.Privileged) || slices.Contains(podspec.OrEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN") {
			continue
		}
		why := "programs that gain privileges as they start (setuid, file capabilities: sudo, ping) no longer can"
		if sc.AllowPrivilegeEscalation != nil {
			why = "the template asks for true; " + why
		}
		out = append(out, by.weighed(p.on("allowPrivilegeEscalation", false, func(sc *corev1.SecurityContext) {
			sc.AllowPrivilegeEscalation = new(false)
		}), why))
	}
	return out
}

func escalations(_ *corev1.PodSpec, c *corev1.Container) string {
	return compact(podspec.OrEmpty(c.SecurityContext).AllowPrivilegeEscalation)
}

// dropAll adds the word ALL, which the standard wants literally, to what each container drops.
func dropAll(s *raising) []proposal {
	if s.windows() {
		return nil
	}
	var out []proposal
	by := s.scale(dropsAll)
	for _, p := range places(&s.Template.Spec) {
		own := podspec.OrEmpty(p.security().Capabilities)
		if slices.Contains(own.Drop, "ALL") {
			continue
		}
		drop := append(slices.Clone(own.Drop), "ALL")
		why := "it loses the capabilities that the runtime gives by default, and may use one"
		if len(own.Add) > 0 {
			why += fmt.Sprintf("; what it adds stays added: %s", list(own.Add))
		}
		edit := by.weighed(p.on("capabilities.drop", drop, func(sc *corev1.SecurityContext) {
			sc.Capabilities = &corev1.Capabilities{Add: podspec.OrEmpty(sc.Capabilities).Add, Drop: drop}
		}), why)
		if edit.Safety == Test && s.everywhere(p.Name, powerless) {
			edit.Safety, edit.Why = Safe, "it runs as another user than root and cannot gain privileges: it has no capabilities to lose"
		}
		out = append(out, edit)
	}
	return out
}

func dropsAll(_ *corev1.PodSpec, c *corev1.Container) string {
	return compact(slices.Contains(podspec.OrEmpty(podspec.OrEmpty(c.SecurityContext).Capabilities).Drop, "ALL"))
}

// powerless is true for a container whose processes have no effective capabilities and cannot come by any: the kernel
// gives none to a user other than root unless a file does, and no_new_privs has it ignore those of files.
func powerless(spec *corev1.PodSpec, c *corev1.Container) bool {
	user := userOf(spec, c)
	other := user != nil && *user != 0 || user == nil && podspec.IsTrue(nonRootOf(spec, c))
	return other && podspec.IsFalse(podspec.OrEmpty(c.SecurityContext).AllowPrivilegeEscalation)
}

// requireNonRoot sets runAsNonRoot: true at the pod level where no container says otherwise, else where it is missing. A container
// that is to run as user 0 would not start with it, and gets none.
func requireNonRoot(s *raising) []proposal {
	spec := &s.Template.Spec
	var out []proposal
	level := podspec.OrEmpty(spec.SecurityContext).RunAsNonRoot
	inheriting, by := s.inheriting(), s.scale(nonRoots)
	onPods := !podspec.IsTrue(level) && !slices.ContainsFunc(inheriting, inherited.root)
	if onPods && (len(inheriting) > 0 || level != nil) {
		out = append(out, by.weighedNonRoot(onPod("runAsNonRoot", true, func(sc *corev1.PodSecurityContext) {
			sc.RunAsNonRoot = new(true)
		}), inheriting, podspec.IsFalse(level)))
	}
	for _, p := range places(spec) {
		own := p.security().RunAsNonRoot
		inherits := own == nil && (onPods || podspec.IsTrue(level))
		if user := userOf(spec, p.Container); podspec.IsTrue(own) || inherits || user != nil && *user == 0 {
			continue
		}
		out = append(out, by.weighedNonRoot(p.on("runAsNonRoot", true, func(sc *corev1.SecurityContext) {
			sc.RunAsNonRoot = new(true)
		}), []inherited{{spec, p.Container}}, own != nil))
	}
	return out
}

// inherited is a container that takes a value from its pod.
type inherited struct {
	spec *corev1.PodSpec
	*corev1.Container
}

// root is true if it is to run as user 0.
func (c inherited) root() bool {
	user := userOf(c.spec, c.Container)
	return user != nil && *user == 0
}

// inheriting are the containers, in the template and beyond it, that say nothing of runAsNonRoot themselves.
func (r *raising) inheriting() []inherited {
	var out []inherited
	for i, pod := range slices.Concat([]*parts{r.template}, r.next) {
		for _, p := range places(pod.spec) {
			known := i > 0 && r.template.named(p.Name) != nil
			if p.security().RunAsNonRoot == nil && !known {
				out = append(out, inherited{pod.spec, p.Container})
			}
		}
	}
	return out
}

// namedUser is why runAsNonRoot: true may keep a container from starting: the kubelet has to know that its user is not 0.
const namedUser = "an image whose USER is root, or a name instead of a number, does not start with it: set runAsUser to the number that " +
	"'id -u' gives in a pod that runs (from v1.31 on also status.containerStatuses[].user.linux.uid)"

// administrator is the same for Windows, where names are all there is.
const administrator = "an image that runs as ContainerAdministrator does not start with it: set windowsOptions.runAsUserName, or USER in the image, to another user"

// weighedNonRoot says of a runAsNonRoot: true that reaches some containers whether they can do with it. That a pod runs with
// it today shows nothing where it runs as a user that is not the template's.
func (s *scale) weighedNonRoot(p proposal, reaches []inherited, denied bool) proposal {
	why := namedUser
	if s.windows() {
		why = administrator
	}
	if denied {
		why = "the template says false; " + why
	}
	p = s.weighed(p, why)
	byNumber := !s.windows() && !slices.ContainsFunc(reaches, func(c inherited) bool { return userOf(c.spec, c.Container) == nil })
	switch {
	case len(reaches) == 0:
		p.Safety, p.Why = Safe, "every container states its own"
	case byNumber:
		p.Safety, p.Why = Safe, "it runs as another user than root, by number"
	case p.Safety == Safe && !s.usersAreWritten:
		p.Safety, p.Why = Test, "its pods run as a user that the template does not state; "+why
	}
	return p
}

func nonRoots(spec *corev1.PodSpec, c *corev1.Container) string {
	return compact(nonRootOf(spec, c))
}

// giveProfile sets a seccomp profile at the pod level where neither pod nor container has one: that of the running pods, else
// RuntimeDefault. An annotation from the time before the field becomes the field; API validation wants the two to agree, so where an annotation asks for
// unconfined nothing is proposed.
func giveProfile(s *raising) []proposal {
	spec := &s.Template.Spec
	if s.windows() || podspec.OrEmpty(spec.SecurityContext).SeccompProfile != nil {
		return nil
	}
	ofPod, podAnnotated, ok := s.annotatedProfile(podspec.SeccompPodAnnotation)
	if !ok {
		return nil
	}
	if running := s.runningProfile(); running != nil && !podAnnotated {
		ofPod = running
	}
	var out []proposal
	inherit, allAnnotated := false, true
	for _, p := range places(spec) {
		if p.security().SeccompProfile != nil {
			continue
		}
		own, annotated, ok := s.annotatedProfile(podspec.SeccompContainerAnnotationPrefix + p.Name)
		if !ok {
			return nil
		}
		if !annotated || podspec.SameSeccompProfile(own, ofPod) {
			inherit, allAnnotated = true, allAnnotated && (annotated || podAnnotated)
			continue
		}
		edit := p.on("seccompProfile", own, func(sc *corev1.SecurityContext) { sc.SeccompProfile = own })
		edit.Safety, edit.Why = Safe, sameAsAnnotation
		out = append(out, edit)
	}
	if !inherit {
		return out
	}
	edit := s.scale(profiles).weighed(onPod("seccompProfile", ofPod, func(sc *corev1.PodSecurityContext) { sc.SeccompProfile = ofPod }),
		"no profile is in force today, and this one refuses system calls that few programs make")
	if edit.Safety == Test && allAnnotated {
		edit.Safety, edit.Why = Safe, sameAsAnnotation
	}
	return append([]proposal{edit}, out...)
}

// runningProfile is the profile that all pods which run today have at the pod level, if restricted would have it.
func (s *TemplateWithPods) runningProfile() *corev1.SeccompProfile {
	var all *corev1.SeccompProfile
	for i, pod := range s.Running {
		p := podspec.OrEmpty(pod.Spec.SecurityContext).SeccompProfile
		if p == nil || p.Type == corev1.SeccompProfileTypeUnconfined || i > 0 && !podspec.SameSeccompProfile(p, all) {
			return nil
		}
		all = p
	}
	return all
}

const sameAsAnnotation = "its annotation asks for it, and servers up to v1.26 write that into the field"

// annotatedProfile is the profile that an annotation of the template asks for, RuntimeDefault where there is none. It is
// not ok where restricted would not have it.
func (s *TemplateWithPods) annotatedProfile(key string) (p *corev1.SeccompProfile, annotated, ok bool) {
	value := s.Template.Annotations[key]
	if value == "" {
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, false, true
	}
	p = podspec.SeccompProfile(value)
	return p, true, p != nil && p.Type != corev1.SeccompProfileTypeUnconfined
}

func profiles(spec *corev1.PodSpec, c *corev1.Container) string {
	if own := podspec.OrEmpty(c.SecurityContext).SeccompProfile; own != nil {
		return compact(own)
	}
	return compact(podspec.OrEmpty(spec.SecurityContext).SeccompProfile)
}
