package custom

import (
	"cmp"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// searchResult is what a search for pod templates found in a custom object.
type searchResult struct {
	// templates are whole pod templates.
	templates []inventory.CustomTemplate
	// omitted is the number of templates beyond maxTemplates.
	omitted int
	// innerObjects are whole objects within the object that may make pods or grant something.
	innerObjects []innerObject
	// partialPod describes the first part of a pod that is no whole template: "it has containers at spec.x".
	partialPod string
}

// innerObject is an object within a custom object.
type innerObject struct {
	path, kind, namespace string
}

// firstRemainder describes the first find in a custom object that is no whole pod template; "" if there is none.
func (f *searchResult) firstRemainder() string {
	switch {
	case f.partialPod != "":
		return f.partialPod
	case len(f.innerObjects) > 0:
		return fmt.Sprintf("it holds a %s at %s", escapeText(f.innerObjects[0].kind), f.innerObjects[0].path)
	case f.omitted > 0:
		return fmt.Sprintf("it has more than %d pod templates (%d)", maxTemplates, maxTemplates+f.omitted)
	}
	return ""
}

// maxTemplates is how many pod templates of one object are kept.
const maxTemplates = 1000

// templateSearcher searches one custom object for pod templates, in the order of its keys, so that results do not vary.
type templateSearcher struct {
	searchResult
	// podsAreTemplates is true where whole Pods within the object are its templates.
	podsAreTemplates bool
	path             jsonPath
	// namespace is that of the object, or of the inner object that is searched.
	namespace string
}

// searchTemplates searches a custom object of a kind that may make pods for pod templates. Pods says that whole Pods
// within it are templates.
func searchTemplates(tree map[string]any, pods bool) searchResult {
	s := templateSearcher{podsAreTemplates: pods, namespace: metadataNamespace(tree)}
	s.searchObject(tree)
	return s.searchResult
}

// searchObject searches the custom object itself, or an object within it, for pod templates.
func (s *templateSearcher) searchObject(m map[string]any) {
	root := s.path.isRoot()
	if in := metadataNamespace(m); !root && in != "" && in != s.namespace && hasKindAndVersion(m) {
		s.searchOtherNamespace(m, in)
		return
	}
	if !root && isEmbeddedObject(m) && !(s.podsAreTemplates && m["kind"] == "Pod") {
		kind, _ := m["kind"].(string)
		in := innerObject{kind: kind, namespace: metadataNamespace(m)}
		if len(s.innerObjects) == 0 {
			in.path = s.path.String()
		}
		s.innerObjects = append(s.innerObjects, in)
		return
	}
	if !root && isPodTemplate(m) {
		if isAdmittedPod(m) {
			s.innerObjects = append(s.innerObjects, innerObject{path: s.path.String(), kind: "Pod", namespace: metadataNamespace(m)})
			return
		}
		s.addTemplate(m)
		return
	}
	s.path.visitChildren(m, s.skips, s.searchValue)
}

// skips reports whether the value of a custom object's key is not searched for pod templates: it says nothing of pods,
// or it is a part of a pod, which is noted.
func (s *templateSearcher) skips(key string, v any) bool {
	if s.path.saysNothing(key) {
		return true
	}
	what := partialPodKey(key, v)
	if what != "" && s.partialPod == "" {
		s.partialPod = fmt.Sprintf("it has %s at %s", what, s.path.of(key))
	}
	return what != ""
}

// searchValue searches a value within the custom object for pod templates.
func (s *templateSearcher) searchValue(v any) {
	if m, ok := v.(map[string]any); ok {
		s.searchObject(m)
		return
	}
	s.path.visitChildren(v, nil, s.searchValue)
}

// searchOtherNamespace searches an object of another namespace within the custom object. What it finds is reported as
// inner objects, since nothing of it belongs into the namespace of the outer object.
func (s *templateSearcher) searchOtherNamespace(m map[string]any, namespace string) {
	inner := templateSearcher{podsAreTemplates: s.podsAreTemplates, path: s.path, namespace: namespace}
	inner.searchObject(m)
	if len(inner.templates) == 0 && inner.firstRemainder() == "" {
		return
	}
	kind, _ := m["kind"].(string)
	s.innerObjects = append(s.innerObjects, innerObject{path: s.path.String(), kind: kind, namespace: namespace})
	for _, in := range inner.innerObjects {
		in.namespace = cmp.Or(in.namespace, namespace)
		s.innerObjects = append(s.innerObjects, in)
	}
}

// addTemplate keeps a pod template of the custom object, up to maxTemplates.
func (s *templateSearcher) addTemplate(m map[string]any) {
	if len(s.templates) == maxTemplates {
		s.omitted++
		return
	}
	s.templates = append(s.templates, inventory.CustomTemplate{Path: s.path.String(), JSON: marshalJSON(map[string]any{"metadata": m["metadata"], "spec": m["spec"]})})
}
