package places

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// handler is a probe or hook of a container, with the keys that lead to it and a function that returns a container with nothing but
// such a handler.
type handler struct {
	path fieldpath.Path
	http *corev1.HTTPGetAction
	tcp  *corev1.TCPSocketAction
	only func(*corev1.HTTPGetAction, *corev1.TCPSocketAction) corev1.Container
}

// tryHosts tries the hosts that probes and hooks of containers name.
func (f *finder) tryHosts() {
	for _, c := range allContainers(&f.template.Template.Spec) {
		for _, h := range append(probes(c.Container), hooks(c.Container)...) {
			if h.http != nil {
				f.tryOfContainer(c, c.path().Join(h.path).Keys("httpGet", "host"), h.only(h.http, nil))
			}
			if h.tcp != nil {
				f.tryOfContainer(c, c.path().Join(h.path).Keys("tcpSocket", "host"), h.only(nil, h.tcp))
			}
		}
	}
}

// probes returns the probes of a container whose hosts are tried.
func probes(c *corev1.Container) []handler {
	list := []struct {
		key   string
		probe *corev1.Probe
		set   func(*corev1.Container, *corev1.Probe)
	}{
		{"livenessProbe", c.LivenessProbe, func(c *corev1.Container, p *corev1.Probe) { c.LivenessProbe = p }},
		{"readinessProbe", c.ReadinessProbe, func(c *corev1.Container, p *corev1.Probe) { c.ReadinessProbe = p }},
		{"startupProbe", c.StartupProbe, func(c *corev1.Container, p *corev1.Probe) { c.StartupProbe = p }},
	}
	var out []handler
	for _, p := range list {
		actions := podspec.OrEmpty(p.probe).ProbeHandler
		out = append(out, handler{fieldpath.Keys(p.key), actions.HTTPGet, actions.TCPSocket, func(http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) corev1.Container {
			var only corev1.Container
			p.set(&only, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}})
			return only
		}})
	}
	return out
}

// hooks returns the lifecycle hooks of a container whose hosts are tried.
func hooks(c *corev1.Container) []handler {
	lifecycle := podspec.OrEmpty(c.Lifecycle)
	list := []struct {
		key  string
		hook *corev1.LifecycleHandler
		only func(*corev1.LifecycleHandler) *corev1.Lifecycle
	}{
		{"postStart", lifecycle.PostStart, func(h *corev1.LifecycleHandler) *corev1.Lifecycle { return &corev1.Lifecycle{PostStart: h} }},
		{"preStop", lifecycle.PreStop, func(h *corev1.LifecycleHandler) *corev1.Lifecycle { return &corev1.Lifecycle{PreStop: h} }},
	}
	var out []handler
	for _, h := range list {
		actions := podspec.OrEmpty(h.hook)
		out = append(out, handler{fieldpath.Keys("lifecycle", h.key), actions.HTTPGet, actions.TCPSocket, func(http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) corev1.Container {
			return corev1.Container{Lifecycle: h.only(&corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp})}
		}})
	}
	return out
}
