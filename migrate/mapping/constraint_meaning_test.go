package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// This file says in Go what the comments of the constraints say in words. It looks at nothing of a policy but its constraints.

// holds reports whether the pod as it is satisfies a constraint of a policy.
func holds(constraint Constraint, pod *corev1.Pod) bool {
	spec, level := &pod.Spec, pod.Spec.SecurityContext
	each := func(ok func(c *corev1.Container, own *corev1.SecurityContext) bool) bool {
		return !slices.ContainsFunc(containersOf(pod), func(c *corev1.Container) bool { return !ok(c, podspec.OrEmpty(c.SecurityContext)) })
	}
	switch c := constraint.(type) {
	case PrivilegedContainers:
		return each(func(_ *corev1.Container, own *corev1.SecurityContext) bool { return !podspec.IsTrue(own.Privileged) })
	case HostNamespace:
		return !map[string]bool{"hostNetwork": spec.HostNetwork, "hostPID": spec.HostPID, "hostIPC": spec.HostIPC}[c.Name]
	case HostPorts:
		return each(func(k *corev1.Container, _ *corev1.SecurityContext) bool {
			return !slices.ContainsFunc(k.Ports, func(port corev1.ContainerPort) bool {
				return port.HostPort != 0 && !slices.ContainsFunc(c.Ranges, func(r pspparse.HostPortRange) bool { return r.Min <= port.HostPort && port.HostPort <= r.Max })
			})
		})
	case VolumeTypes, HostPaths, FlexVolumeDrivers, CSIDrivers:
		return !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return !volumeHolds(c, pod, &v) })
	case SELinuxLabel:
		return level.SELinuxOptions != nil && sameLabel(c, level.SELinuxOptions) && each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			return own.SELinuxOptions == nil || sameLabel(c, own.SELinuxOptions)
		})
	case NonRootUser:
		return each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			user, nonRoot := cmp.Or(own.RunAsUser, level.RunAsUser), cmp.Or(own.RunAsNonRoot, level.RunAsNonRoot)
			return (user != nil || nonRoot != nil) && (user == nil || *user != 0) && !podspec.IsFalse(nonRoot)
		})
	case IDRanges:
		return idsHold(c, pod)
	case ReadOnlyRootFilesystem:
		return each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			return podspec.IsTrue(own.ReadOnlyRootFilesystem)
		})
	case PrivilegeEscalation:
		return !c.Forbidden || each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			return podspec.IsFalse(own.AllowPrivilegeEscalation)
		})
	case Capabilities:
		return c.Any || each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			stated := podspec.OrEmpty(own.Capabilities)
			return len(without(stated.Add, c.Addable)) == 0 && len(missing(c.RequiredDrops, stated.Drop)) == 0
		})
	case ProcMounts:
		return each(func(_ *corev1.Container, own *corev1.SecurityContext) bool {
			return slices.Contains(c.Types, string(*cmp.Or(own.ProcMount, new(corev1.DefaultProcMount))))
		})
	case Sysctls:
		return !slices.ContainsFunc(level.Sysctls, func(s corev1.Sysctl) bool {
			allowed := slices.Contains(SafeSysctls(), s.Name) || matchesPattern(c.AllowedUnsafe, s.Name)
			return !allowed || matchesPattern(c.Forbidden, s.Name)
		})
	case RuntimeClasses:
		return spec.RuntimeClassName == nil || c.Accepts(*spec.RuntimeClassName)
	case Profiles:
		return profilesHold(c, pod)
	}
	panic(fmt.Sprintf("no meaning for %T", constraint))
}

// volumeHolds reports whether a volume of the pod satisfies a constraint of a policy about volumes.
func volumeHolds(constraint Constraint, pod *corev1.Pod, v *corev1.Volume) bool {
	switch c := constraint.(type) {
	case VolumeTypes:
		return slices.Contains(c.Keys, sourcesOf(v)[0]) || c.TokenVolume && v.Projected != nil && isTokenVolume(v.Projected)
	case HostPaths:
		return v.HostPath == nil || hostPathHolds(c, pod, v)
	case FlexVolumeDrivers:
		return v.FlexVolume == nil || slices.Contains(c.Drivers, v.FlexVolume.Driver)
	case CSIDrivers:
		return v.CSI == nil || slices.Contains(c.Drivers, v.CSI.Driver)
	}
	panic(fmt.Sprintf("no meaning for %T", constraint))
}

// isTokenVolume reports whether a projected volume has no other sources than the token volume of service accounts.
func isTokenVolume(v *corev1.ProjectedVolumeSource) bool {
	for _, s := range v.Sources {
		ok := s.ServiceAccountToken != nil || s.ConfigMap != nil || s.DownwardAPI != nil
		if token := s.ServiceAccountToken; token != nil {
			ok = ok && token.Path == "token" && token.Audience == ""
		}
		if s.ConfigMap != nil {
			ok = ok && s.ConfigMap.Name == "kube-root-ca.crt"
		}
		for _, item := range podspec.OrEmpty(s.DownwardAPI).Items {
			ref := podspec.OrEmpty(item.FieldRef)
			ok = ok && item.Path == "namespace" && ref.FieldPath == "metadata.namespace" && ref.APIVersion == "v1"
		}
		if !ok {
			return false
		}
	}
	return true
}

// hostPathHolds reports whether a policy allows the path of a hostPath volume, and its mounts.
func hostPathHolds(c HostPaths, pod *corev1.Pod, v *corev1.Volume) bool {
	path := strings.TrimSuffix(v.HostPath.Path, "/")
	readable := false
	for _, allowed := range c.Paths {
		prefix := strings.TrimSuffix(allowed.PathPrefix, "/")
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			if !allowed.ReadOnly {
				return true
			}
			readable = true
		}
	}
	return readable && !slices.ContainsFunc(containersOf(pod), func(k *corev1.Container) bool {
		return slices.ContainsFunc(k.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && !m.ReadOnly })
	})
}

// sameLabel reports whether SELinux options of a pod are those of a policy.
func sameLabel(c SELinuxLabel, got *corev1.SELinuxOptions) bool {
	categories := func(level string) (sensitivity string, sorted []string) {
		sensitivity, list, ok := strings.Cut(level, ":")
		if !ok {
			return level, nil
		}
		return sensitivity, slices.Sorted(strings.SplitSeq(list, ","))
	}
	wantSensitivity, want := categories(c.Options.Level)
	gotSensitivity, gotCategories := categories(got.Level)
	return wantSensitivity == gotSensitivity && slices.Equal(want, gotCategories) &&
		c.Options.User == got.User && c.Options.Role == got.Role && c.Options.Type == got.Type
}

// idsHold reports whether the IDs of a pod are in the ranges of a policy.
func idsHold(c IDRanges, pod *corev1.Pod) bool {
	level := pod.Spec.SecurityContext
	var ids []*int64
	switch c.Field {
	case FSGroupField:
		ids = append(ids, level.FSGroup)
	case SupplementalGroupsField:
		for i := range level.SupplementalGroups {
			ids = append(ids, &level.SupplementalGroups[i])
		}
		if len(ids) == 0 {
			ids = append(ids, nil)
		}
	default:
		for _, k := range containersOf(pod) {
			own := podspec.OrEmpty(k.SecurityContext)
			if c.Field == RunAsUserField {
				ids = append(ids, cmp.Or(own.RunAsUser, level.RunAsUser))
			} else {
				ids = append(ids, cmp.Or(own.RunAsGroup, level.RunAsGroup))
			}
		}
	}
	return !slices.ContainsFunc(ids, func(id *int64) bool { return id == nil && !c.Optional || id != nil && !c.Contains(*id) })
}

// without returns the capabilities of a container that are not among those of a policy.
func without(stated []corev1.Capability, allowed []string) []corev1.Capability {
	return slices.DeleteFunc(slices.Clone(stated), func(k corev1.Capability) bool { return slices.Contains(allowed, string(k)) })
}

// missing returns the capabilities of a policy that are not in a container's list.
func missing(wanted []string, stated []corev1.Capability) []corev1.Capability {
	var out []corev1.Capability
	for _, name := range wanted {
		if !slices.Contains(stated, corev1.Capability(name)) {
			out = append(out, corev1.Capability(name))
		}
	}
	return out
}

// matchesPattern reports whether a sysctl matches a pattern of a policy.
func matchesPattern(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return name == pattern || wild && strings.HasPrefix(name, prefix)
	})
}

// profilesHold reports whether a policy accepts the profiles of a pod and its containers.
func profilesHold(c Profiles, pod *corev1.Pod) bool {
	podField := pod.Spec.SecurityContext.SeccompProfile
	podAnnotation := pod.Annotations[podspec.SeccompPodAnnotation]
	if c.Kind == SeccompProfiles && !c.Accepts(cmp.Or(podAnnotation, podspec.SeccompAnnotation(podspec.OrEmpty(podField)))) {
		return false
	}
	return !slices.ContainsFunc(containersOf(pod), func(k *corev1.Container) bool {
		if c.Kind == AppArmorProfiles {
			return !c.Accepts(pod.Annotations[podspec.AppArmorAnnotationPrefix+k.Name])
		}
		annotation, annotated := pod.Annotations[podspec.SeccompContainerAnnotationPrefix+k.Name]
		switch own := podspec.OrEmpty(k.SecurityContext).SeccompProfile; {
		case own != nil:
			return !c.Accepts(podspec.SeccompAnnotation(own))
		case annotated:
			return !c.Accepts(annotation)
		case podField != nil:
			return !c.Accepts(podspec.SeccompAnnotation(podspec.OrEmpty(podField)))
		}
		return !c.Accepts(podAnnotation)
	})
}

// fill writes into the pod what the policy writes by a constraint, and reports whether that is anything.
func fill(constraint Constraint, pod *corev1.Pod) (wrote bool) {
	level := pod.Spec.SecurityContext
	each := func(write func(own *corev1.SecurityContext) bool) {
		for _, k := range containersOf(pod) {
			if own := podspec.OrEmpty(k.SecurityContext); write(own) {
				k.SecurityContext, wrote = own, true
			}
		}
	}
	switch c := constraint.(type) {
	case SELinuxLabel:
		o := c.Options
		return set(&level.SELinuxOptions, &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level})
	case NonRootUser:
		each(func(own *corev1.SecurityContext) bool {
			return cmp.Or(own.RunAsUser, level.RunAsUser) == nil && level.RunAsNonRoot == nil && set(&own.RunAsNonRoot, new(true))
		})
	case IDRanges:
		switch {
		case c.Optional:
		case c.Field == FSGroupField:
			return set(&level.FSGroup, &c.Default)
		case c.Field == SupplementalGroupsField && level.SupplementalGroups == nil:
			level.SupplementalGroups = []int64{c.Default}
			return true
		case c.Field == RunAsUserField && level.RunAsUser == nil:
			each(func(own *corev1.SecurityContext) bool { return set(&own.RunAsUser, &c.Default) })
		case c.Field == RunAsGroupField && level.RunAsGroup == nil:
			each(func(own *corev1.SecurityContext) bool { return set(&own.RunAsGroup, &c.Default) })
		}
	case ReadOnlyRootFilesystem:
		each(func(own *corev1.SecurityContext) bool { return set(&own.ReadOnlyRootFilesystem, new(true)) })
	case PrivilegeEscalation:
		each(func(own *corev1.SecurityContext) bool { return set(&own.AllowPrivilegeEscalation, c.Default) })
	case Capabilities:
		each(func(own *corev1.SecurityContext) bool { return fillCapabilities(c, own) })
	case RuntimeClasses:
		return set(&pod.Spec.RuntimeClassName, c.Default)
	case Profiles:
		return fillProfiles(c, pod)
	}
	return wrote
}

// set writes a policy's value into a field that the pod leaves unset, and reports whether it did.
func set[T any](field **T, value *T) bool {
	if *field != nil || value == nil {
		return false
	}
	*field = new(*value)
	return true
}

// fillCapabilities writes a policy's capabilities into a container.
func fillCapabilities(c Capabilities, own *corev1.SecurityContext) bool {
	stated := podspec.OrEmpty(own.Capabilities)
	add := without(missing(c.DefaultAdds, stated.Add), names(stated.Drop))
	drop := missing(c.RequiredDrops, stated.Drop)
	if len(add)+len(drop) == 0 {
		return false
	}
	sorted := func(lists ...[]corev1.Capability) []corev1.Capability {
		return slices.Compact(slices.Sorted(slices.Values(slices.Concat(lists...))))
	}
	own.Capabilities = &corev1.Capabilities{Add: sorted(stated.Add, add), Drop: sorted(stated.Drop, drop)}
	return true
}

// names returns the capabilities of a container as a policy has them.
func names(stated []corev1.Capability) []string {
	var out []string
	for _, k := range stated {
		out = append(out, string(k))
	}
	return out
}

// fillProfiles writes a policy's default profile into the annotations of a pod.
func fillProfiles(c Profiles, pod *corev1.Pod) (wrote bool) {
	if c.Default == "" {
		return false
	}
	if c.Kind == SeccompProfiles {
		if pod.Annotations[podspec.SeccompPodAnnotation] != "" || pod.Spec.SecurityContext.SeccompProfile != nil {
			return false
		}
		setAnnotation(pod, podspec.SeccompPodAnnotation, c.Default)
		return true
	}
	for _, k := range containersOf(pod) {
		if key := podspec.AppArmorAnnotationPrefix + k.Name; pod.Annotations[key] == "" {
			setAnnotation(pod, key, c.Default)
			wrote = true
		}
	}
	return wrote
}
