package injector

import "strings"

// InjectionAnnotationKeys returns the keys of all annotations by which injectors choose pods, without the * of those that stand
// for many.
func InjectionAnnotationKeys(all []Injector) []string {
	var out []string
	for _, i := range all {
		for _, c := range i.injectionRules {
			if c.locations&(onAnnotation|onNamespaceAnnotation) != 0 {
				out = append(out, strings.TrimSuffix(c.key, "*"))
			}
		}
	}
	return out
}
