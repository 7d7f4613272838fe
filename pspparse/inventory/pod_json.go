package inventory

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
)

// podSpecJSON is the part of a pod spec that ReducePod and TemplateMeta read. The JSON decoder skips whatever has no
// field here, which makes reading a dump twice as fast. A test reads random pods both ways.
type podSpecJSON struct {
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
	InitContainers               []containerJSON            `json:"initContainers"`
	Containers                   []containerJSON            `json:"containers"`
	EphemeralContainers          []containerJSON            `json:"ephemeralContainers"`
}

// containerJSON is the part of a container that an inventory reads from a pod's JSON.
type containerJSON struct {
	Name            string                  `json:"name"`
	Image           string                  `json:"image"`
	SecurityContext *corev1.SecurityContext `json:"securityContext"`
	LivenessProbe   *probeHandlerJSON       `json:"livenessProbe"`
	ReadinessProbe  *probeHandlerJSON       `json:"readinessProbe"`
	StartupProbe    *probeHandlerJSON       `json:"startupProbe"`
	Lifecycle       *struct {
		PostStart *probeHandlerJSON `json:"postStart"`
		PreStop   *probeHandlerJSON `json:"preStop"`
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

// probeHandlerJSON is the part of a probe or lifecycle handler that an inventory reads from a pod's JSON.
type probeHandlerJSON struct {
	HTTPGet   *hostJSON `json:"httpGet"`
	TCPSocket *hostJSON `json:"tcpSocket"`
}

// hostJSON is an action of a probe or lifecycle handler, of which an inventory reads only the host from a pod's JSON.
type hostJSON struct {
	Host string `json:"host"`
}

// podTemplateJSON is the part of a pod template that is read from JSON.
type podTemplateJSON struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec podSpecJSON `json:"spec"`
}

// toPodTemplate converts the pod template that was read from JSON to the API's type; nil for nil.
func (d *podTemplateJSON) toPodTemplate() *corev1.PodTemplateSpec {
	if d == nil {
		return nil
	}
	t := &corev1.PodTemplateSpec{Spec: *d.Spec.toPodSpec()}
	t.Labels, t.Annotations = d.Metadata.Labels, d.Metadata.Annotations
	return t
}

// ReadPodTemplate returns the pod template in a JSON text with what ReducePod reads of it, and its labels and annotations. As the decoders
// of this package do, it passes over what no rule of the standards looks at, right or wrong. It fails where what a rule reads has another
// type.
func ReadPodTemplate(data []byte) (*corev1.PodTemplateSpec, error) {
	var t podTemplateJSON
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &t); err != nil {
		return nil, err
	}
	return t.toPodTemplate(), nil
}

// maxContainers is more than any pod has: in etcd, which keeps 1.5 MiB of an object, a container with a name, an image and
// the API defaults takes more than 60 bytes.
const maxContainers = 25_000

// maxUnnamed is how many containers and volumes may lack the name that an API server asks for, as in a patch.
const maxUnnamed = 10

// checkSize returns an error for a pod that no API server stores: each container costs far more memory than its text.
func (d *podSpecJSON) checkSize() error {
	n, unnamed := 0, 0
	for _, list := range [][]containerJSON{d.InitContainers, d.Containers, d.EphemeralContainers} {
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

// toPodSpec converts the pod spec that was read from JSON to the API's type, with what was read and nothing else.
func (d *podSpecJSON) toPodSpec() *corev1.PodSpec {
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
		InitContainers:               toContainers(d.InitContainers),
		Containers:                   toContainers(d.Containers),
	}
	for _, c := range toContainers(d.EphemeralContainers) {
		s.EphemeralContainers = append(s.EphemeralContainers,
			corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)})
	}
	return s
}

// toContainers converts containers that an inventory read from a pod's JSON to the API's type.
func toContainers(docs []containerJSON) []corev1.Container {
	if len(docs) == 0 {
		return nil
	}
	out := make([]corev1.Container, len(docs))
	for i := range docs {
		docs[i].copyTo(&out[i])
	}
	return out
}

// copyTo sets in a container of the API's type what an inventory reads from a pod's JSON.
func (d *containerJSON) copyTo(c *corev1.Container) {
	c.Name = d.Name
	c.Image = d.Image
	c.SecurityContext = d.SecurityContext
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = d.LivenessProbe.toProbe(), d.ReadinessProbe.toProbe(), d.StartupProbe.toProbe()
	if d.Lifecycle != nil {
		c.Lifecycle = &corev1.Lifecycle{PostStart: d.Lifecycle.PostStart.toLifecycleHandler(), PreStop: d.Lifecycle.PreStop.toLifecycleHandler()}
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

// hosts returns, for a pod's shape, the actions of a probe or lifecycle handler that name a host; nearly none do.
func (d *probeHandlerJSON) hosts() (http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
	if d != nil && d.HTTPGet != nil && d.HTTPGet.Host != "" {
		http = &corev1.HTTPGetAction{Host: d.HTTPGet.Host}
	}
	if d != nil && d.TCPSocket != nil && d.TCPSocket.Host != "" {
		tcp = &corev1.TCPSocketAction{Host: d.TCPSocket.Host}
	}
	return http, tcp
}

// toProbe converts a probe that an inventory read from a pod's JSON to the API's type; nil if it names no host.
func (d *probeHandlerJSON) toProbe() *corev1.Probe {
	http, tcp := d.hosts()
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}}
}

// toLifecycleHandler converts a lifecycle handler that an inventory read from a pod's JSON to the API's type; nil if it
// names no host.
func (d *probeHandlerJSON) toLifecycleHandler() *corev1.LifecycleHandler {
	http, tcp := d.hosts()
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp}
}
