package psp

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// compiledPolicy is a policy in the form that admission asks: its provider (pkg/security/podsecuritypolicy/factory.go).
type compiledPolicy struct {
	name     string
	spec     *pspparse.Spec
	mutation *Mutation

	seccomp      seccompRule
	appArmor     appArmorRule
	capabilities capabilityRule
	volumes      map[string]bool
	hostPaths    *hostPathTree
	flexVolumes  map[string]bool
	csiDrivers   map[string]bool
	procMounts   map[string]bool // Default alone if it has none
	hostPorts    sortedRanges
	runAsUsers   sortedRanges
	// The runAsGroups of the three rules about them.
	runAsGroups, fsGroups, supplementalGroups sortedRanges
	forbiddenSysctls, allowedSysctls          namePatterns
}

func compilePolicy(p *pspparse.Policy) *compiledPolicy {
	s := &p.Spec
	return &compiledPolicy{
		name:         p.Name,
		spec:         &p.Spec,
		mutation:     MutationOf(p),
		seccomp:      newSeccompRule(p),
		appArmor:     newAppArmorRule(p),
		capabilities: newCapabilityRule(&p.Spec),
		volumes:      stringSet(p.Spec.Volumes),
		hostPaths:    newHostPathTree(s.AllowedHostPaths),
		flexVolumes:  nameSet(s.AllowedFlexVolumes, func(v pspparse.AllowedFlexVolume) string { return v.Driver }),
		csiDrivers:   nameSet(s.AllowedCSIDrivers, func(v pspparse.AllowedCSIDriver) string { return v.Name }),
		procMounts:   stringSet(s.AllowedProcMountTypes),
		hostPorts:    sortedRangesOf(s.HostPorts, func(r pspparse.HostPortRange) (int64, int64) { return int64(r.Min), int64(r.Max) }),
		runAsUsers:   sortedIDRanges(&s.RunAsUser),

		runAsGroups: sortedIDRanges(s.RunAsGroup), fsGroups: sortedIDRanges(&s.FSGroup), supplementalGroups: sortedIDRanges(&s.SupplementalGroups),
		forbiddenSysctls: newNamePatterns(s.ForbiddenSysctls), allowedSysctls: newNamePatterns(s.AllowedUnsafeSysctls),
	}
}

func nameSet[T any](items []T, name func(T) string) map[string]bool {
	if len(items) == 0 {
		return nil
	}
	names := make(map[string]bool, len(items))
	for _, item := range items {
		names[name(item)] = true
	}
	return names
}

func stringSet(names []string) map[string]bool {
	return nameSet(names, func(name string) string { return name })
}

// evaluation is one policy's try at one pod: the pod with what the policy fills in, and what the policy then has against it.
// It copies no more of the pod than it may write, for most policies are asked in vain.
type evaluation struct {
	policy *compiledPolicy
	// pod is as admission sees it, and never written. What may be filled in follows.
	pod                *corev1.Pod
	annotations        map[string]string // the pod's own until written
	podSecurityContext corev1.PodSecurityContext
	runtimeClassName   *string
	containers         []podContainer

	// mutated is true if anything was filled in, annotated if an annotation was.
	mutated, annotationsMutated bool
	refusals                    []Refusal
	// maxRefusals is how many refusals are worded, 0 for all; untold counts the rest.
	maxRefusals, omittedRefusals int

	mounts map[string][]volumeMountIndex // see mountsOf
	// lastSELinuxLevel is the last SELinux level that was compared, and sameLevel the answer: containers inherit that of their pod.
	lastSELinuxLevel        *string
	lastSELinuxLevelAllowed bool
}

// podContainer is one of any kind.
type podContainer struct {
	*corev1.Container // as admission sees it, and never written
	list              string
	index             int
	// The annotations that are about it.
	seccompKey, appArmorKey string
	// securityContext is the container's own context with what was filled in; it stands for none as well.
	securityContext corev1.SecurityContext
	mutated         bool
}

// assignSecurityContext is assignSecurityContext: fill in, then validate. The containers are those of the pod. Of the refusals it words as many
// as most says, all for 0: each may be as long as a list of the policy, and a pod may have many. Nothing is left of what was
// tried before.
func (t *evaluation) assignSecurityContext(p *compiledPolicy, pod *corev1.Pod, containers []podContainer, most int) {
	*t = evaluation{
		policy:             p,
		pod:                pod,
		annotations:        pod.Annotations,
		podSecurityContext: *podspec.OrEmpty(pod.Spec.SecurityContext),
		runtimeClassName:   pod.Spec.RuntimeClassName,
		containers:         append(t.containers[:0], containers...),
		maxRefusals:        most,
	}
	t.mutatePod()
	t.validatePod()
}

// allContainers lists all containers in the order of admission: init, regular, ephemeral.
func allContainers(spec *corev1.PodSpec) []podContainer {
	out := make([]podContainer, 0, len(spec.InitContainers)+len(spec.Containers)+len(spec.EphemeralContainers))
	add := func(list string, index int, c *corev1.Container) {
		out = append(out, podContainer{
			Container: c, list: list, index: index, securityContext: *podspec.OrEmpty(c.SecurityContext),
			seccompKey: podspec.SeccompContainerAnnotationPrefix + c.Name, appArmorKey: podspec.AppArmorAnnotationPrefix + c.Name,
		})
	}
	for i := range spec.InitContainers {
		add("initContainers", i, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		add("containers", i, &spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		add("ephemeralContainers", i, (*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return out
}

// fieldPath names a field of the container.
func (c *podContainer) fieldPath(field string) string {
	return fmt.Sprintf("spec.%s[%d].%s", c.list, c.index, field)
}

// setAnnotation writes an annotation.
func (t *evaluation) setAnnotation(key, value string) {
	if !t.annotationsMutated {
		t.annotations = maps.Clone(t.annotations)
	}
	if t.annotations == nil {
		t.annotations = map[string]string{}
	}
	t.annotations[key] = value
	t.annotationsMutated, t.mutated = true, true
}

// mutatedPod is the pod with what was filled in; it shares nothing with the pod, nor with the policy.
func (t *evaluation) mutatedPod() *corev1.Pod {
	out := t.pod.DeepCopy()
	if t.annotationsMutated {
		out.Annotations = t.annotations
	}
	out.Spec.SecurityContext = t.podSecurityContext.DeepCopy()
	if t.runtimeClassName != nil {
		out.Spec.RuntimeClassName = new(*t.runtimeClassName)
	}
	for i, c := range allContainers(&out.Spec) {
		if t.containers[i].mutated {
			c.SecurityContext = t.containers[i].securityContext.DeepCopy()
		}
	}
	return out
}
