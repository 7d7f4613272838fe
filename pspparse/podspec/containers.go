package podspec

import (
	corev1 "k8s.io/api/core/v1"
)

// FewContainers is the number of containers up to which a search through a list is quicker than a map.
const FewContainers = 8

// ContainersByName returns the first container of each name in some lists of a pod. It is nil for a single list of at most
// FewContainers, which ContainerNamed searches.
func ContainersByName(lists ...[]corev1.Container) map[string]*corev1.Container {
	if len(lists) == 1 && len(lists[0]) <= FewContainers {
		return nil
	}
	out := map[string]*corev1.Container{}
	for _, list := range lists {
		for i := range list {
			if c := &list[i]; out[c.Name] == nil {
				out[c.Name] = c
			}
		}
	}
	return out
}

// ContainerNamed returns the first container of a name in a list of a pod, nil if there is none. byName is what
// ContainersByName returned for the list.
func ContainerNamed(list []corev1.Container, byName map[string]*corev1.Container, name string) *corev1.Container {
	if byName != nil {
		return byName[name]
	}
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// OrEmpty returns an optional object of a pod spec, or a new empty one where it is absent.
func OrEmpty[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// IsTrue reports whether an optional boolean of a pod spec is set to true.
func IsTrue(b *bool) bool { return b != nil && *b }

// IsFalse reports whether an optional boolean of a pod spec is set to false.
func IsFalse(b *bool) bool { return b != nil && !*b }
