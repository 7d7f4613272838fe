package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
hostPathsControl is about the paths of the node that a hostPath volume may name.

PSP field: spec.allowedHostPaths; none means every path, writable. It matters only where spec.volumes has hostPath or *.
Check: none. No value makes hostPath acceptable at baseline, so this restriction exists only below it and is lost in
every migration.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostPathsControl() pspControl {
	return pspControl{fields: []string{"allowedHostPaths"}, assess: assessHostPaths}
}

// assessHostPaths compares spec.allowedHostPaths of a PodSecurityPolicy with the standards.
func assessHostPaths(p *pspparse.Policy, _ api.Version) (f controlResult) {
	value := Value{}
	if len(p.Spec.AllowedHostPaths) > 0 {
		value.Paths = p.Spec.AllowedHostPaths
	}
	meaning := "hostPath volumes may name these paths only; no level knows such a list"
	switch {
	case !allowsVolume(p, "hostPath"):
		meaning = "without effect: volumes does not allow hostPath"
	case !allowsEveryHostPath(p.Spec.AllowedHostPaths):
		f.recordRefusal("allowedHostPaths", value,
			"every path of the node becomes mountable and writable; an admission policy can keep the list", api.LevelPrivileged)
	}
	f.explainStatedField(p, "allowedHostPaths", value, meaning)
	return f
}

// allowsEveryHostPath reports whether allowedHostPaths of a PodSecurityPolicy restricts nothing: it is empty, or its
// "/" is writable.
func allowsEveryHostPath(paths []pspparse.AllowedHostPath) bool {
	for _, path := range paths {
		if path.PathPrefix == "/" && !path.ReadOnly {
			return true
		}
	}
	return len(paths) == 0
}

// hostPathNearestMiss returns the hostPath access that a PodSecurityPolicy gives, for NearestMiss.
func hostPathNearestMiss(paths []pspparse.AllowedHostPath) string {
	if allowsEveryHostPath(paths) {
		return "hostPath (any path, writable)"
	}
	var prefixes, texts []string
	allReadOnly := true
	for _, path := range paths {
		text := path.PathPrefix
		if path.ReadOnly {
			text += " (read-only)"
		}
		prefixes, texts = append(prefixes, path.PathPrefix), append(texts, text)
		allReadOnly = allReadOnly && path.ReadOnly
	}
	if allReadOnly {
		return "hostPath (read-only, " + joinNames(prefixes) + ")"
	}
	return "hostPath (" + joinNames(texts) + ")"
}
