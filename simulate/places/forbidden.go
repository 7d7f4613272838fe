package places

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// forbidding is a check that forbids values, with the function that tries the fields of a pod template in which they can be.
type forbidding struct {
	check string
	find  func(*finder)
}

// forbiddenFields returns the checks that forbid values in a pod template, with their fields.
func forbiddenFields() []forbidding {
	return []forbidding{
		{"appArmorProfile", (*finder).tryAppArmorProfiles},
		{"capabilities_baseline", (*finder).tryAddedCapabilities},
		{"capabilities_restricted", (*finder).tryAddedCapabilities},
		{"hostNamespaces", (*finder).tryHostNamespaces},
		{"hostPathVolumes", (*finder).tryVolumes},
		{"hostPorts", (*finder).tryHostPorts},
		{"hostProbesAndHostLifecycle", (*finder).tryHosts},
		{"privileged", (*finder).tryPrivileged},
		{"procMount", (*finder).tryProcMounts},
		{"procMount_restricted", (*finder).tryProcMounts},
		{"restrictedVolumes", (*finder).tryVolumes},
		{"runAsUser", (*finder).tryUsers},
		{"seLinuxOptions", (*finder).trySELinuxOptions},
		{"seccompProfile_baseline", (*finder).trySeccompProfiles},
		{"sysctls", (*finder).trySysctls},
		{"windowsHostProcess", (*finder).tryHostProcesses},
	}
}

// try adds a field of a pod template to the places, to be taken out, if a pod that has only this field fails the check.
func (f *finder) try(p Place, list string, pod *inventory.Shape) {
	if f.fails(pod) {
		p.Edit = &Edit{Remove: true, Safety: SafetyDecide, Why: f.advice(list)}
		f.found = append(f.found, p)
	}
}

// tryOfPod tries a field of the pod itself, which write sets in a pod without it.
func (f *finder) tryOfPod(path fieldpath.Path, write func(*corev1.PodSpec)) {
	pod := f.emptyPod()
	write(&pod.Spec)
	f.try(Place{Path: path}, "", pod)
}

// tryOfContainer tries a field of a container, given a container that has only this field.
func (f *finder) tryOfContainer(c listedContainer, path fieldpath.Path, only corev1.Container) {
	f.try(Place{Path: path, Container: c.Name}, c.list, c.reducedTo(f.emptyPod(), only))
}

// tryInSecurityContexts tries a field of the security contexts of all containers. only returns one that has nothing but this field; nil
// where it is not set.
func (f *finder) tryInSecurityContexts(only func(*corev1.SecurityContext) *corev1.SecurityContext, keys ...string) {
	for _, c := range allContainers(&f.template.Template.Spec) {
		if c.SecurityContext == nil {
			continue
		}
		if sc := only(c.SecurityContext); sc != nil {
			f.tryOfContainer(c, c.path("securityContext").Keys(keys...), corev1.Container{SecurityContext: sc})
		}
	}
}

// tryOfPodSecurity tries a field of the pod's security context, given one that has only this field.
func (f *finder) tryOfPodSecurity(path fieldpath.Path, only *corev1.PodSecurityContext) {
	f.tryOfPod(fieldpath.Keys("spec", "securityContext").Join(path), func(spec *corev1.PodSpec) { spec.SecurityContext = only })
}

// podSecurity returns the security context of the template's pod, an empty one if it has none.
func (f *finder) podSecurity() *corev1.PodSecurityContext {
	return podspec.OrEmpty(f.template.Template.Spec.SecurityContext)
}

// tryHostNamespaces tries the namespaces of the node that a pod can share.
func (f *finder) tryHostNamespaces() {
	spec := &f.template.Template.Spec
	f.tryOfPod(fieldpath.Keys("spec", "hostNetwork"), func(s *corev1.PodSpec) { s.HostNetwork = spec.HostNetwork })
	f.tryOfPod(fieldpath.Keys("spec", "hostPID"), func(s *corev1.PodSpec) { s.HostPID = spec.HostPID })
	f.tryOfPod(fieldpath.Keys("spec", "hostIPC"), func(s *corev1.PodSpec) { s.HostIPC = spec.HostIPC })
}

// tryHostPorts tries the ports of containers. In the network of the node API servers make each port one of the node, so that
// leaving out hostPort alone meets nothing.
func (f *finder) tryHostPorts() {
	for _, c := range allContainers(&f.template.Template.Spec) {
		for i := range c.Ports {
			f.tryOfContainer(c, c.path("ports").Item(i).Keys("hostPort"), corev1.Container{Ports: c.Ports[i : i+1]})
		}
	}
	if len(f.found) > 0 && f.template.Template.Spec.HostNetwork {
		network := Place{Path: fieldpath.Keys("spec", "hostNetwork"), Edit: &Edit{Remove: true, Safety: SafetyDecide, Why: f.advice("")}}
		f.found = append([]Place{network}, f.found...)
	}
}

// tryVolumes tries the sources of volumes. A volume whose source is taken out becomes an emptyDir.
func (f *finder) tryVolumes() {
	spec := &f.template.Template.Spec
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		whole := f.emptyPod()
		whole.Spec.Volumes = spec.Volumes[i : i+1]
		if !f.fails(whole) {
			continue
		}
		for name, source := range volumeSources(v) {
			pod := f.emptyPod()
			pod.Spec.Volumes = []corev1.Volume{{Name: v.Name, VolumeSource: source}}
			f.try(Place{Path: fieldpath.Keys("spec", "volumes").Item(i).Keys(name)}, "", pod)
		}
	}
}

// volumeSources calls yield for each source that a volume has, with its JSON name and a source that has nothing else.
func volumeSources(v *corev1.Volume) func(yield func(string, corev1.VolumeSource) bool) {
	return func(yield func(string, corev1.VolumeSource) bool) {
		all := reflect.ValueOf(&v.VolumeSource).Elem()
		for i := range all.NumField() {
			if all.Field(i).IsNil() {
				continue
			}
			var only corev1.VolumeSource
			reflect.ValueOf(&only).Elem().Field(i).Set(all.Field(i))
			name, _, _ := strings.Cut(all.Type().Field(i).Tag.Get("json"), ",")
			if !yield(name, only) {
				return
			}
		}
	}
}

// tryPrivileged tries privileged of each container.
func (f *finder) tryPrivileged() {
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{Privileged: sc.Privileged}
	}, "privileged")
}

// tryProcMounts tries procMount of each container.
func (f *finder) tryProcMounts() {
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{ProcMount: sc.ProcMount}
	}, "procMount")
}

// tryAddedCapabilities tries each capability that a container adds, in a container that drops all, as a check may ask.
func (f *finder) tryAddedCapabilities() {
	for _, c := range allContainers(&f.template.Template.Spec) {
		added := podspec.OrEmpty(podspec.OrEmpty(c.SecurityContext).Capabilities).Add
		for i := range added {
			f.tryOfContainer(c, c.path("securityContext", "capabilities", "add").Item(i), corev1.Container{SecurityContext: &corev1.SecurityContext{
				Capabilities: &corev1.Capabilities{Add: added[i : i+1], Drop: []corev1.Capability{"ALL"}},
			}})
		}
	}
}

// tryUsers tries runAsUser of the pod and of each container.
func (f *finder) tryUsers() {
	f.tryOfPodSecurity(fieldpath.Keys("runAsUser"), &corev1.PodSecurityContext{RunAsUser: f.podSecurity().RunAsUser})
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{RunAsUser: sc.RunAsUser}
	}, "runAsUser")
}

// trySELinuxOptions tries the SELinux options of the pod and of each container one by one.
func (f *finder) trySELinuxOptions() {
	options := []struct {
		name string
		only func(*corev1.SELinuxOptions) *corev1.SELinuxOptions
	}{
		{"user", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{User: o.User} }},
		{"role", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{Role: o.Role} }},
		{"type", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{Type: o.Type} }},
		{"level", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{Level: o.Level} }},
	}
	for _, o := range options {
		if of := f.podSecurity().SELinuxOptions; of != nil {
			f.tryOfPodSecurity(fieldpath.Keys("seLinuxOptions", o.name), &corev1.PodSecurityContext{SELinuxOptions: o.only(of)})
		}
		f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
			if sc.SELinuxOptions == nil {
				return nil
			}
			return &corev1.SecurityContext{SELinuxOptions: o.only(sc.SELinuxOptions)}
		}, "seLinuxOptions", o.name)
	}
}

// trySysctls tries each sysctl of the pod.
func (f *finder) trySysctls() {
	all := f.podSecurity().Sysctls
	for i := range all {
		f.tryOfPodSecurity(fieldpath.Keys("sysctls").Item(i), &corev1.PodSecurityContext{Sysctls: all[i : i+1]})
	}
}

// tryHostProcesses tries hostProcess of the pod and of each container.
func (f *finder) tryHostProcesses() {
	f.tryOfPodSecurity(fieldpath.Keys("windowsOptions", "hostProcess"), &corev1.PodSecurityContext{WindowsOptions: f.podSecurity().WindowsOptions})
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{WindowsOptions: sc.WindowsOptions}
	}, "windowsOptions", "hostProcess")
}

// tryAppArmorProfiles tries the AppArmor profiles of the pod and of each container, by annotation and by field.
func (f *finder) tryAppArmorProfiles() {
	f.tryAnnotations()
	f.tryOfPodSecurity(fieldpath.Keys("appArmorProfile"), &corev1.PodSecurityContext{AppArmorProfile: f.podSecurity().AppArmorProfile})
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{AppArmorProfile: sc.AppArmorProfile}
	}, "appArmorProfile")
}

// trySeccompProfiles tries the seccomp profiles of the pod and of each container, by annotation and by field.
func (f *finder) trySeccompProfiles() {
	f.tryAnnotations()
	f.tryOfPodSecurity(fieldpath.Keys("seccompProfile"), &corev1.PodSecurityContext{SeccompProfile: f.podSecurity().SeccompProfile})
	f.tryInSecurityContexts(func(sc *corev1.SecurityContext) *corev1.SecurityContext {
		return &corev1.SecurityContext{SeccompProfile: sc.SeccompProfile}
	}, "seccompProfile")
}

// tryAnnotations tries each annotation of the pod, beside containers of the name that it has behind its slash.
func (f *finder) tryAnnotations() {
	t := f.template.Template
	if len(t.Annotations) == 0 {
		return
	}
	named := map[string]map[string]listedContainer{} // by name and list
	for _, c := range allContainers(&t.Spec) {
		if named[c.Name] == nil {
			named[c.Name] = map[string]listedContainer{}
		}
		named[c.Name][c.list] = c
	}
	for _, key := range slices.Sorted(maps.Keys(t.Annotations)) {
		pod := f.emptyPod()
		pod.Annotations = map[string]string{key: t.Annotations[key]}
		_, name, _ := strings.Cut(key, "/")
		for _, c := range named[name] {
			pod = c.reducedTo(pod, corev1.Container{})
		}
		f.try(Place{Path: fieldpath.Keys("metadata", "annotations", key)}, "", pod)
	}
}
