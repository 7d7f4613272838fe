package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Which paths of the node a hostPath volume may name.

PSP field: spec.allowedHostPaths; none means every path, writable. It matters only where spec.volumes has hostPath or *.
Check: none. No value makes hostPath acceptable at baseline, so this restriction exists only below it and is lost in
every migration.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostPathsControl() pspControl {
	return pspControl{fields: []string{"allowedHostPaths"}, assess: assessHostPaths}
}

func assessHostPaths(p *pspparse.Policy, _ api.Version) (f controlResult) {
	value := Value{Paths: p.Spec.AllowedHostPaths}
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

// allowsEveryHostPath says whether the list restricts nothing: it is empty, or its "/" is writable.
func allowsEveryHostPath(paths []pspparse.AllowedHostPath) bool {
	for _, path := range paths {
		if path.PathPrefix == "/" && !path.ReadOnly {
			return true
		}
	}
	return len(paths) == 0
}

// hostPathNearestMiss names what hostPath access a policy gives, for the nearest miss.
func hostPathNearestMiss(paths []pspparse.AllowedHostPath) string {
	if allowsEveryHostPath(paths) {
		return "hostPath (any path, writable)"
	}
	var prefixes []string
	readOnly := true
	for _, path := range paths {
		prefixes = append(prefixes, path.PathPrefix)
		readOnly = readOnly && path.ReadOnly
	}
	if readOnly {
		return "hostPath (read-only, " + joinShortened(prefixes) + ")"
	}
	return "hostPath (" + Value{Paths: paths}.Text("allowedHostPaths", maxShownNames) + ")"
}
