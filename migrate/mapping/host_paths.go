package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
hostPathsControl is about the paths of the node that a hostPath volume may name.

PSP field: spec.allowedHostPaths; none means every path, writable. It matters only where spec.volumes has hostPath or *.
Check: none. No value makes hostPath acceptable at baseline, so this restriction exists only below it and is lost in
every migration.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostPathsControl() pspControl {
	return pspControl{fields: []string{"allowedHostPaths"}, assess: assessHostPaths, constraints: hostPathConstraints}
}

// assessHostPaths compares spec.allowedHostPaths of a PodSecurityPolicy with the standards.
func assessHostPaths(p *pspparse.Policy, _ api.Version) (f controlResult) {
	value := Value{}
	if len(p.Spec.AllowedHostPaths) > 0 {
		value.Paths = p.Spec.AllowedHostPaths
	}
	meaning := message.New("field-host-paths")
	switch {
	case !allowsVolume(p, "hostPath"):
		meaning = message.New("field-without-volume-type", "type", "hostPath")
	case !allowsEveryHostPath(p.Spec.AllowedHostPaths):
		f.recordRefusal("allowedHostPaths", value,
			message.New("lost-host-paths"), api.LevelPrivileged)
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

// hostPathAccess returns the paths of allowedHostPaths of a PodSecurityPolicy, with a mark on those that are read-only
// unless all are; none where every path may be written to.
func hostPathAccess(paths []pspparse.AllowedHostPath) (texts []string, allReadOnly bool) {
	if allowsEveryHostPath(paths) {
		return nil, false
	}
	allReadOnly = !slices.ContainsFunc(paths, func(path pspparse.AllowedHostPath) bool { return !path.ReadOnly })
	for _, path := range paths {
		path.ReadOnly = path.ReadOnly && !allReadOnly
		texts = append(texts, formatHostPath(path))
	}
	return texts, allReadOnly
}

// hostPathConstraints returns what a policy's allowedHostPaths demand of pods. A writable / refuses relative paths.
func hostPathConstraints(p *pspparse.Policy) []Constraint {
	if !allowsVolume(p, "hostPath") || len(p.Spec.AllowedHostPaths) == 0 {
		return nil
	}
	return []Constraint{HostPaths{Paths: p.Spec.AllowedHostPaths}}
}
