package psp

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// compiledPolicy is a PodSecurityPolicy prepared for fast evaluation: its lists are sets, trees and sorted ranges. It
// stands for the provider of upstream (pkg/security/podsecuritypolicy/factory.go).
type compiledPolicy struct {
	name     string
	order    int
	spec     *pspparse.Spec
	mutation *Mutation

	seccomp                                   seccompRule
	appArmor                                  appArmorRule
	capabilities                              capabilityRule
	volumes                                   map[string]bool
	hostPaths                                 *hostPathTree
	flexVolumes                               map[string]bool
	csiDrivers                                map[string]bool
	procMounts                                map[string]bool // Default alone if it has none
	hostPorts                                 sortedRanges
	runAsUsers                                sortedRanges
	runAsGroups, fsGroups, supplementalGroups sortedRanges
	forbiddenSysctls, allowedSysctls          namePatterns
}

// compilePolicy prepares a PodSecurityPolicy for evaluation.
func compilePolicy(p *pspparse.Policy) *compiledPolicy {
	s := &p.Spec
	return &compiledPolicy{
		name:         p.Name,
		order:        p.Order,
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

// nameSet returns the set of the names of items in a PodSecurityPolicy's list, nil for no items.
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

// stringSet returns the set of the strings in a PodSecurityPolicy's list, nil for none.
func stringSet(names []string) map[string]bool {
	return nameSet(names, func(name string) string { return name })
}

// policyEvaluation is one PodSecurityPolicy applied to one pod: the pod with the policy's mutation, and the policy's refusals. It
// copies no more of the pod than it may write, for most policies refuse.
type policyEvaluation struct {
	policy *compiledPolicy
	// pod is the pod as admission gets it; it is never written into. The fields that follow hold what may be mutated.
	pod                *corev1.Pod
	annotations        map[string]string // the pod's own map until an annotation is written
	podSecurityContext corev1.PodSecurityContext
	runtimeClassName   *string
	containers         []podContainer

	// mutated is true if the policy wrote anything, annotationsMutated if it wrote an annotation.
	mutated, annotationsMutated bool
	refusals                    []Refusal
	// maxRefusals is the number of refusals that get a text, 0 for all; omittedRefusals counts the others.
	maxRefusals, omittedRefusals int

	mounts map[string][]volumeMountIndex // by volume, see volumeMountsOf
	// lastSELinuxLevel is the SELinux level that was compared last, and lastSELinuxLevelAllowed the result: most containers
	// have that of their pod.
	lastSELinuxLevel        *string
	lastSELinuxLevelAllowed bool
}

// podContainer is an init, regular or ephemeral container of a pod with the security context that a policy may mutate.
type podContainer struct {
	*corev1.Container // as admission gets it; never written into
	list              string
	index             int
	// seccompKey and appArmorKey are the keys of the container's annotations.
	seccompKey, appArmorKey string
	// securityContext is the container's own security context with the mutation; it is empty where the container has none.
	securityContext corev1.SecurityContext
	mutated         bool
}

// assignSecurityContext applies a PodSecurityPolicy to a pod: it mutates, then validates. It has upstream's name. The
// containers are those of the pod. At most maxRefusals refusals get a text, 0 for all: each may be as long as a list of the
// policy, and a pod may have many. An earlier evaluation is overwritten.
func (e *policyEvaluation) assignSecurityContext(p *compiledPolicy, pod *corev1.Pod, containers []podContainer, most int) {
	*e = policyEvaluation{
		policy:             p,
		pod:                pod,
		annotations:        pod.Annotations,
		podSecurityContext: *podspec.OrEmpty(pod.Spec.SecurityContext),
		runtimeClassName:   pod.Spec.RuntimeClassName,
		containers:         append(e.containers[:0], containers...),
		maxRefusals:        most,
	}
	e.mutatePod()
	e.validatePod()
}

// allContainers returns all containers of a pod in the order of PSP admission: init, regular, ephemeral.
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

// fieldPath returns the path, for a refusal, of a field of the container from the pod's root, such as
// "spec.containers[0].securityContext".
func (c *podContainer) fieldPath(field string) string {
	return fmt.Sprintf("spec.%s[%d].%s", c.list, c.index, field)
}

// setAnnotation writes an annotation of the pod that the PodSecurityPolicy mutates.
func (e *policyEvaluation) setAnnotation(key, value string) {
	if !e.annotationsMutated {
		e.annotations = maps.Clone(e.annotations)
	}
	if e.annotations == nil {
		e.annotations = map[string]string{}
	}
	e.annotations[key] = value
	e.annotationsMutated, e.mutated = true, true
}

// mutatedPod returns a copy of the pod with what the PodSecurityPolicy wrote; it shares nothing with pod or policy.
func (e *policyEvaluation) mutatedPod() *corev1.Pod {
	out := e.pod.DeepCopy()
	if e.annotationsMutated {
		out.Annotations = e.annotations
	}
	out.Spec.SecurityContext = e.podSecurityContext.DeepCopy()
	if e.runtimeClassName != nil {
		out.Spec.RuntimeClassName = new(*e.runtimeClassName)
	}
	for i, c := range allContainers(&out.Spec) {
		if e.containers[i].mutated {
			c.SecurityContext = e.containers[i].securityContext.DeepCopy()
		}
	}
	return out
}
