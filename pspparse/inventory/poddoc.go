package inventory

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// podDoc is the part of a pod spec that Reduce and Origin look at, for reading JSON: whatever has no field here is skipped by the
// decoder, which makes reading a dump twice as fast. A test reads random pods both ways.
type podDoc struct {
	HostNetwork                  bool                       `json:"hostNetwork"`
	HostPID                      bool                       `json:"hostPID"`
	HostIPC                      bool                       `json:"hostIPC"`
	HostUsers                    *bool                      `json:"hostUsers"`
	RuntimeClassName             *string                    `json:"runtimeClassName"`
	AutomountServiceAccountToken *bool                      `json:"automountServiceAccountToken"`
	NodeSelector                 map[string]string          `json:"nodeSelector"`
	ServiceAccountName           string                     `json:"serviceAccountName"`
	DeprecatedServiceAccount     string                     `json:"serviceAccount"`
	OS                           *corev1.PodOS              `json:"os"`
	SecurityContext              *corev1.PodSecurityContext `json:"securityContext"`
	Volumes                      []corev1.Volume            `json:"volumes"`
	InitContainers               []containerDoc             `json:"initContainers"`
	Containers                   []containerDoc             `json:"containers"`
	EphemeralContainers          []containerDoc             `json:"ephemeralContainers"`
}

type containerDoc struct {
	Name            string                  `json:"name"`
	Image           string                  `json:"image"`
	SecurityContext *corev1.SecurityContext `json:"securityContext"`
	LivenessProbe   *handlerDoc             `json:"livenessProbe"`
	ReadinessProbe  *handlerDoc             `json:"readinessProbe"`
	StartupProbe    *handlerDoc             `json:"startupProbe"`
	Lifecycle       *struct {
		PostStart *handlerDoc `json:"postStart"`
		PreStop   *handlerDoc `json:"preStop"`
	} `json:"lifecycle"`
	Ports []struct {
		HostPort      int32 `json:"hostPort"`
		ContainerPort int32 `json:"containerPort"`
	} `json:"ports"`
	VolumeMounts []struct {
		Name      string `json:"name"`
		ReadOnly  bool   `json:"readOnly"`
		MountPath string `json:"mountPath"`
	} `json:"volumeMounts"`
}

// handlerDoc serves probes and lifecycle handlers: only the host matters.
type handlerDoc struct {
	HTTPGet   *hostDoc `json:"httpGet"`
	TCPSocket *hostDoc `json:"tcpSocket"`
}

type hostDoc struct {
	Host string `json:"host"`
}

// templateDoc is a pod template.
type templateDoc struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec podDoc `json:"spec"`
}

// template returns the document as the API's type, nil for nil.
func (d *templateDoc) template() *corev1.PodTemplateSpec {
	if d == nil {
		return nil
	}
	t := &corev1.PodTemplateSpec{Spec: *d.Spec.spec()}
	t.Labels, t.Annotations = d.Metadata.Labels, d.Metadata.Annotations
	return t
}

// maxContainers is more than any pod has: in etcd, which keeps 1.5 MiB of an object, a container with a name, an image and the
// API defaults takes more than 60 bytes.
const maxContainers = 25_000

// maxUnnamed containers and volumes may lack the name that an API server asks for, as in a patch.
const maxUnnamed = 10

// check refuses a pod that no API server stores: each container costs far more than its text.
func (d *podDoc) check() error {
	n, unnamed := 0, 0
	for _, list := range [][]containerDoc{d.InitContainers, d.Containers, d.EphemeralContainers} {
		n += len(list)
		for i := range list {
			if list[i].Name == "" {
				unnamed++
			}
		}
	}
	if n > maxContainers {
		return fmt.Errorf("it has %d containers, more than %d, which no API server stores: leave it out", n, maxContainers)
	}
	for i := range d.Volumes {
		if d.Volumes[i].Name == "" {
			unnamed++
		}
	}
	if unnamed > maxUnnamed {
		return fmt.Errorf("%d of its containers and volumes have no name, more than %d, which no API server stores: leave it out", unnamed, maxUnnamed)
	}
	return nil
}

// spec returns the document as the API's type, with what was read and nothing else.
func (d *podDoc) spec() *corev1.PodSpec {
	s := &corev1.PodSpec{
		HostNetwork:                  d.HostNetwork,
		HostPID:                      d.HostPID,
		HostIPC:                      d.HostIPC,
		HostUsers:                    d.HostUsers,
		RuntimeClassName:             d.RuntimeClassName,
		AutomountServiceAccountToken: d.AutomountServiceAccountToken,
		NodeSelector:                 d.NodeSelector,
		ServiceAccountName:           d.ServiceAccountName,
		DeprecatedServiceAccount:     d.DeprecatedServiceAccount,
		OS:                           d.OS,
		SecurityContext:              d.SecurityContext,
		Volumes:                      d.Volumes,
		InitContainers:               containers(d.InitContainers),
		Containers:                   containers(d.Containers),
	}
	for _, c := range containers(d.EphemeralContainers) {
		s.EphemeralContainers = append(s.EphemeralContainers,
			corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)})
	}
	return s
}

func containers(docs []containerDoc) []corev1.Container {
	if len(docs) == 0 {
		return nil
	}
	out := make([]corev1.Container, len(docs))
	for i := range docs {
		docs[i].container(&out[i])
	}
	return out
}

func (d *containerDoc) container(c *corev1.Container) {
	c.Name = d.Name
	c.Image = d.Image
	c.SecurityContext = d.SecurityContext
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = d.LivenessProbe.probe(), d.ReadinessProbe.probe(), d.StartupProbe.probe()
	if d.Lifecycle != nil {
		c.Lifecycle = &corev1.Lifecycle{PostStart: d.Lifecycle.PostStart.handler(), PreStop: d.Lifecycle.PreStop.handler()}
	}
	c.Ports = slices.Grow(c.Ports, len(d.Ports))
	for _, p := range d.Ports {
		c.Ports = append(c.Ports, corev1.ContainerPort{HostPort: p.HostPort, ContainerPort: p.ContainerPort})
	}
	c.VolumeMounts = slices.Grow(c.VolumeMounts, len(d.VolumeMounts))
	for _, m := range d.VolumeMounts {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: m.Name, ReadOnly: m.ReadOnly, MountPath: m.MountPath})
	}
}

// hosts leaves out what names no host: nearly all.
func (d *handlerDoc) hosts() (http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
	if d != nil && d.HTTPGet != nil && d.HTTPGet.Host != "" {
		http = &corev1.HTTPGetAction{Host: d.HTTPGet.Host}
	}
	if d != nil && d.TCPSocket != nil && d.TCPSocket.Host != "" {
		tcp = &corev1.TCPSocketAction{Host: d.TCPSocket.Host}
	}
	return http, tcp
}

func (d *handlerDoc) probe() *corev1.Probe {
	http, tcp := d.hosts()
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}}
}

func (d *handlerDoc) handler() *corev1.LifecycleHandler {
	http, tcp := d.hosts()
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp}
}
