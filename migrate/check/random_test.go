package check

import (
	"fmt"
	"math/rand/v2"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// randomPodSpec returns a pod spec in which every field that a check of the standards reads is absent, compliant or refused at random.
func randomPodSpec(r *rand.Rand) corev1.PodSpec {
	spec := corev1.PodSpec{HostNetwork: r.IntN(6) == 0, HostPID: r.IntN(8) == 0, HostIPC: r.IntN(8) == 0}
	if r.IntN(2) == 0 {
		spec.SecurityContext = &corev1.PodSecurityContext{
			RunAsNonRoot: maybe(r, true, true, false), RunAsUser: maybe[int64](r, 0, 1000), SeccompProfile: randomSeccomp(r),
			SELinuxOptions: randomSELinux(r), AppArmorProfile: randomAppArmor(r),
		}
		if r.IntN(4) == 0 {
			spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.shm_rmid_forced", Value: "1"}, {Name: "kernel.msgmax", Value: "1"}}
		}
	}
	for i := range 1 + r.IntN(2) {
		spec.Containers = append(spec.Containers, randomContainer(r, fmt.Sprint("app-", i)))
	}
	for i := range r.IntN(2) {
		spec.InitContainers = append(spec.InitContainers, randomContainer(r, fmt.Sprint("init-", i)))
	}
	if r.IntN(3) == 0 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	}
	if r.IntN(4) == 0 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}})
	}
	if r.IntN(6) == 0 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "nfs", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "a", Path: "/b"}}})
	}
	return spec
}

// randomContainer returns a container for randomPodSpec.
func randomContainer(r *rand.Rand, name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example/app"}
	for i := range r.IntN(3) {
		p := corev1.ContainerPort{ContainerPort: int32(80 + i)}
		if r.IntN(5) == 0 {
			p.HostPort = p.ContainerPort
		}
		c.Ports = append(c.Ports, p)
	}
	if r.IntN(8) == 0 {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
	}
	if r.IntN(8) == 0 {
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1", Path: "/"}}}
	}
	if r.IntN(4) == 0 {
		return c
	}
	c.SecurityContext = &corev1.SecurityContext{
		Privileged: maybe(r, false, false, true), AllowPrivilegeEscalation: maybe(r, false, false, true), RunAsNonRoot: maybe(r, true, true, false),
		RunAsUser: maybe[int64](r, 0, 1000), SeccompProfile: randomSeccomp(r), SELinuxOptions: randomSELinux(r), AppArmorProfile: randomAppArmor(r),
		ProcMount: maybe(r, corev1.DefaultProcMount, corev1.UnmaskedProcMount),
	}
	if r.IntN(2) == 0 {
		c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
		if r.IntN(3) == 0 {
			c.SecurityContext.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE", "SYS_ADMIN"}[:1+r.IntN(2)]
		}
	}
	return c
}

// maybe returns nothing, or one of some values.
func maybe[T any](r *rand.Rand, values ...T) *T {
	if r.IntN(2) == 0 {
		return nil
	}
	v := values[r.IntN(len(values))]
	return &v
}

// randomSeccomp returns a seccomp profile, or none.
func randomSeccomp(r *rand.Rand) *corev1.SeccompProfile {
	t := maybe(r, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined)
	if t == nil {
		return nil
	}
	return &corev1.SeccompProfile{Type: *t}
}

// randomSELinux returns SELinux options, or none.
func randomSELinux(r *rand.Rand) *corev1.SELinuxOptions {
	if r.IntN(6) > 0 {
		return nil
	}
	return &corev1.SELinuxOptions{Type: []string{"container_t", "spc_t"}[r.IntN(2)], User: []string{"", "root"}[r.IntN(2)]}
}

// randomAppArmor returns an AppArmor profile, or none.
func randomAppArmor(r *rand.Rand) *corev1.AppArmorProfile {
	if r.IntN(6) > 0 {
		return nil
	}
	return &corev1.AppArmorProfile{Type: []corev1.AppArmorProfileType{corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined}[r.IntN(2)]}
}

// randomPod returns a Pod with a random spec.
func randomPod(seed uint64) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("pod-", seed), Namespace: "shop"},
		Spec: randomPodSpec(rand.New(rand.NewPCG(seed, 1))),
	}
}

// randomDeployment returns a Deployment with a random pod template.
func randomDeployment(seed uint64) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("web-", seed), Namespace: "shop"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: randomPodSpec(rand.New(rand.NewPCG(seed, 2)))},
		},
	}
}
