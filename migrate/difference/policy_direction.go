package difference

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

// admitsMore reports whether a policy admits, by one of its fields, pods that another version of it does not admit by that field. Fields
// that only set values in pods admit nothing; the items of lists with patterns are compared as they are written.
func admitsMore(path string, before, after *migrate.Policy) bool {
	if key, is := strings.CutPrefix(path, "metadata.annotations["); is {
		return profilesAdmitMore(strings.TrimSuffix(key, "]"), before.Annotations, after.Annotations)
	}
	b, a := &before.Spec, &after.Spec
	switch strings.TrimPrefix(path, "spec.") {
	case "privileged":
		return a.Privileged && !b.Privileged
	case "hostNetwork":
		return a.HostNetwork && !b.HostNetwork
	case "hostPID":
		return a.HostPID && !b.HostPID
	case "hostIPC":
		return a.HostIPC && !b.HostIPC
	case "readOnlyRootFilesystem":
		return b.ReadOnlyRootFilesystem && !a.ReadOnlyRootFilesystem
	case "allowPrivilegeEscalation":
		return allowsEscalation(a) && !allowsEscalation(b)
	case "seLinux":
		return b.SELinux.Rule == pspparse.MustRunAs && (a.SELinux.Rule != pspparse.MustRunAs || !equalPointers(a.SELinux.SELinuxOptions, b.SELinux.SELinuxOptions))
	case "runAsUser":
		return idsAdmitMore(&b.RunAsUser, &a.RunAsUser)
	case "runAsGroup":
		return idsAdmitMore(b.RunAsGroup, a.RunAsGroup)
	case "supplementalGroups":
		return idsAdmitMore(&b.SupplementalGroups, &a.SupplementalGroups)
	case "fsGroup":
		return idsAdmitMore(&b.FSGroup, &a.FSGroup)
	case "runtimeClass":
		return classesAdmitMore(b.RuntimeClass, a.RuntimeClass)
	}
	return listAdmitsMore(strings.TrimPrefix(path, "spec."), b, a)
}

// listAdmitsMore is admitsMore for the fields of a policy that are lists.
func listAdmitsMore(field string, b, a *pspparse.Spec) bool {
	switch field {
	case "requiredDropCapabilities":
		return len(itemsOnlyIn(b.RequiredDropCapabilities, a.RequiredDropCapabilities)) > 0
	case "forbiddenSysctls":
		return len(itemsOnlyIn(b.ForbiddenSysctls, a.ForbiddenSysctls)) > 0
	case "defaultAddCapabilities":
		return namesAdmitMore(b.DefaultAddCapabilities, a.DefaultAddCapabilities)
	case "allowedCapabilities":
		return namesAdmitMore(b.AllowedCapabilities, a.AllowedCapabilities)
	case "volumes":
		return namesAdmitMore(b.Volumes, a.Volumes)
	case "allowedUnsafeSysctls":
		return namesAdmitMore(b.AllowedUnsafeSysctls, a.AllowedUnsafeSysctls)
	case "allowedProcMountTypes":
		return namesAdmitMore(b.AllowedProcMountTypes, a.AllowedProcMountTypes)
	case "hostPorts":
		return rangesAdmitMore(portRanges(b.HostPorts), portRanges(a.HostPorts))
	case "allowedHostPaths":
		return orAnyAdmitsMore(len(b.AllowedHostPaths), len(a.AllowedHostPaths), func() bool { return pathsAdmitMore(b.AllowedHostPaths, a.AllowedHostPaths) })
	case "allowedFlexVolumes":
		names := func(list []pspparse.AllowedFlexVolume) []string {
			return namesOf(list, func(v pspparse.AllowedFlexVolume) string { return v.Driver })
		}
		return orAnyAdmitsMore(len(b.AllowedFlexVolumes), len(a.AllowedFlexVolumes), func() bool { return namesAdmitMore(names(b.AllowedFlexVolumes), names(a.AllowedFlexVolumes)) })
	case "allowedCSIDrivers":
		names := func(list []pspparse.AllowedCSIDriver) []string {
			return namesOf(list, func(v pspparse.AllowedCSIDriver) string { return v.Name })
		}
		return orAnyAdmitsMore(len(b.AllowedCSIDrivers), len(a.AllowedCSIDrivers), func() bool { return namesAdmitMore(names(b.AllowedCSIDrivers), names(a.AllowedCSIDrivers)) })
	}
	return false
}

// allowsEscalation reports whether a policy lets containers allow privilege escalation, as the API does by default.
func allowsEscalation(s *pspparse.Spec) bool {
	return s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation
}

// equalPointers reports whether two pointers are both nil or point to equal values.
func equalPointers[T comparable](x, y *T) bool {
	if x == nil || y == nil {
		return x == y
	}
	return *x == *y
}

// namesOf returns the names of the items of a list of a policy.
func namesOf[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = name(list[i])
	}
	return out
}

// namesAdmitMore reports whether a policy's list of allowed names has one that the earlier list does not allow; "*" allows every one.
func namesAdmitMore(before, after []string) bool {
	return !slices.Contains(before, "*") && len(itemsOnlyIn(after, before)) > 0
}

// orAnyAdmitsMore is for the lists of a policy that allow everything where they are empty; more compares two that are not.
func orAnyAdmitsMore(before, after int, more func() bool) bool {
	switch {
	case before == 0:
		return false
	case after == 0:
		return true
	}
	return more()
}

// maxPathSegments is up to how many segments of a host path its parents are looked up; a longer one has to be named itself.
const maxPathSegments = 64

// pathsAdmitMore reports whether a policy's host paths have one that is not below an earlier one, or writable where that was read-only.
func pathsAdmitMore(before, after []pspparse.AllowedHostPath) bool {
	writable := map[string]bool{}
	for _, p := range before {
		path := strings.TrimRight(p.PathPrefix, "/")
		writable[path] = writable[path] || !p.ReadOnly
	}
	allowed := func(p pspparse.AllowedHostPath) bool {
		path := strings.TrimRight(p.PathPrefix, "/")
		for range maxPathSegments {
			if w, there := writable[path]; there && (w || p.ReadOnly) {
				return true
			}
			at := strings.LastIndex(path, "/")
			if at < 0 {
				return false
			}
			path = path[:at]
		}
		return false
	}
	return slices.ContainsFunc(after, func(p pspparse.AllowedHostPath) bool { return !allowed(p) })
}

// classesAdmitMore compares the runtime classes that two versions of a policy allow. None stated restricts nothing.
func classesAdmitMore(before, after *pspparse.RuntimeClassStrategy) bool {
	switch {
	case before == nil:
		return false
	case after == nil:
		return !slices.Contains(before.AllowedRuntimeClassNames, "*")
	}
	return namesAdmitMore(before.AllowedRuntimeClassNames, after.AllowedRuntimeClassNames)
}

// profilesAdmitMore compares the profiles that an annotation of two versions of a policy allows: without one, seccomp allows no profile
// and AppArmor every one. Other annotations, those of defaults among them, admit nothing.
func profilesAdmitMore(key string, before, after map[string]string) bool {
	b, wasStated := before[key]
	a, isStated := after[key]
	switch key {
	case pspparse.AppArmorAllowedAnnotation:
		if !wasStated {
			return false
		}
		if !isStated {
			return true
		}
	case pspparse.SeccompAllowedAnnotation:
	default:
		return false
	}
	return namesAdmitMore(profiles(b), profiles(a))
}

// profiles returns the profiles that an annotation of a policy lists.
func profiles(list string) []string {
	if list == "" {
		return nil
	}
	return pspparse.SplitProfiles(list)
}
