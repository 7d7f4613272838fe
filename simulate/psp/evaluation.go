package psp

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// compiled is a policy in the form that admission asks: its provider (pkg/security/podsecuritypolicy/factory.go).
type compiled struct {
	name  string
	spec  *pspparse.Spec
	fills *Mutation

	seccomp      seccompRule
	appArmor     appArmorRule
	capabilities capabilityRule
	volumes      map[string]bool
	hostPaths    *pathPrefixes
	flexVolumes  map[string]bool
	csiDrivers   map[string]bool
	procMounts   map[string]bool // Default alone if it has none
	hostPorts    spans
	users        spans
	// The groups of the three rules about them.
	groups, fsGroups, supplementalGroups spans
	forbiddenSysctls, allowedSysctls     patterns
}

func compile(p *pspparse.Policy) *compiled {
	s := &p.Spec
	return &compiled{
		name:         p.Name,
		spec:         &p.Spec,
		fills:        MutationOf(p),
		seccomp:      seccompRuleOf(p),
		appArmor:     appArmorRuleOf(p),
		capabilities: capabilityRuleOf(&p.Spec),
		volumes:      setOf(p.Spec.Volumes),
		hostPaths:    pathPrefixesOf(s.AllowedHostPaths),
		flexVolumes:  namesOf(s.AllowedFlexVolumes, func(v pspparse.AllowedFlexVolume) string { return v.Driver }),
		csiDrivers:   namesOf(s.AllowedCSIDrivers, func(v pspparse.AllowedCSIDriver) string { return v.Name }),
		procMounts:   setOf(s.AllowedProcMountTypes),
		hostPorts:    spansOf(s.HostPorts, func(r pspparse.HostPortRange) (int64, int64) { return int64(r.Min), int64(r.Max) }),
		users:        idSpans(&s.RunAsUser),

		groups: idSpans(s.RunAsGroup), fsGroups: idSpans(&s.FSGroup), supplementalGroups: idSpans(&s.SupplementalGroups),
		forbiddenSysctls: patternsOf(s.ForbiddenSysctls), allowedSysctls: patternsOf(s.AllowedUnsafeSysctls),
	}
}

func namesOf[T any](items []T, name func(T) string) map[string]bool {
	if len(items) == 0 {
		return nil
	}
	names := make(map[string]bool, len(items))
	for _, item := range items {
		names[name(item)] = true
	}
	return names
}

func setOf(names []string) map[string]bool {
	return namesOf(names, func(name string) string { return name })
}

// trial is one policy's try at one pod: the pod with what the policy fills in, and what the policy then has against it.
// It copies no more of the pod than it may write, for most policies are asked in vain.
type trial struct {
	policy *compiled
	// pod is as admission sees it, and never written. What may be filled in follows.
	pod              *corev1.Pod
	annotations      map[string]string // the pod's own until written
	security         corev1.PodSecurityContext
	runtimeClassName *string
	containers       []container

	// changed is true if anything was filled in, annotated if an annotation was.
	changed, annotated bool
	refusals           []Refusal
	// most is how many refusals are worded, 0 for all; untold counts the rest.
	most, untold int

	mounts map[string][]mountAt // see mountsOf
	// level is the last SELinux level that was compared, and sameLevel the answer: containers inherit that of their pod.
	level     *string
	sameLevel bool
}

// container is one of any kind.
type container struct {
	*corev1.Container // as admission sees it, and never written
	list              string
	index             int
	// The annotations that are about it.
	seccompKey, appArmorKey string
	// security is the container's own context with what was filled in; it stands for none as well.
	security corev1.SecurityContext
	changed  bool
}

// try is assignSecurityContext: fill in, then validate. The containers are those of the pod. Of the refusals it words as many
// as most says, all for 0: each may be as long as a list of the policy, and a pod may have many. Nothing is left of what was
// tried before.
func (t *trial) try(p *compiled, pod *corev1.Pod, containers []container, most int) {
	*t = trial{
		policy:           p,
		pod:              pod,
		annotations:      pod.Annotations,
		security:         *podspec.OrEmpty(pod.Spec.SecurityContext),
		runtimeClassName: pod.Spec.RuntimeClassName,
		containers:       append(t.containers[:0], containers...),
		most:             most,
	}
	t.fillIn()
	t.validate()
}

// containersOf lists all containers in the order of admission: init, regular, ephemeral.
func containersOf(spec *corev1.PodSpec) []container {
	out := make([]container, 0, len(spec.InitContainers)+len(spec.Containers)+len(spec.EphemeralContainers))
	add := func(list string, index int, c *corev1.Container) {
		out = append(out, container{
			Container: c, list: list, index: index, security: *podspec.OrEmpty(c.SecurityContext),
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

// path names a field of the container.
func (c *container) path(field string) string {
	return fmt.Sprintf("spec.%s[%d].%s", c.list, c.index, field)
}

// annotate writes an annotation.
func (t *trial) annotate(key, value string) {
	if !t.annotated {
		t.annotations = maps.Clone(t.annotations)
	}
	if t.annotations == nil {
		t.annotations = map[string]string{}
	}
	t.annotations[key] = value
	t.annotated, t.changed = true, true
}

// result is the pod with what was filled in; it shares nothing with the pod, nor with the policy.
func (t *trial) result() *corev1.Pod {
	out := t.pod.DeepCopy()
	if t.annotated {
		out.Annotations = t.annotations
	}
	out.Spec.SecurityContext = t.security.DeepCopy()
	if t.runtimeClassName != nil {
		out.Spec.RuntimeClassName = new(*t.runtimeClassName)
	}
	for i, c := range containersOf(&out.Spec) {
		if t.containers[i].changed {
			c.SecurityContext = t.containers[i].security.DeepCopy()
		}
	}
	return out
}
