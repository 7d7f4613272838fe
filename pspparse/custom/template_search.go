package custom

import (
	"cmp"
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// searchResult is what a search through an object has come upon.
type searchResult struct {
	// templates are whole pod templates.
	templates []inventory.CustomTemplate
	// omitted is how many were not kept.
	omitted int
	// innerObjects are whole objects within the object that may make pods or grant something.
	innerObjects []innerObject
	// partialPod says the first of what belongs to a pod without being a whole template: "it has containers at spec.x".
	partialPod string
}

// innerObject is an object within another.
type innerObject struct {
	path, kind, namespace string
}

// firstRemainder says the first of what is no whole pod template; "" if there is nothing.
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

// maxTemplates of one object are kept.
const maxTemplates = 1000

// templateSearcher walks through one object, in the order of keys, so that what it says does not vary.
type templateSearcher struct {
	searchResult
	// podsAreTemplates: whole Pods within the object are its templates.
	podsAreTemplates bool
	path             jsonPath
	// namespace is that of what is searched.
	namespace string
}

// searchTemplates looks for pod templates in an object of a kind that may make pods.
func searchTemplates(tree map[string]any, pods bool) searchResult {
	s := templateSearcher{podsAreTemplates: pods, namespace: metadataNamespace(tree)}
	s.searchObject(tree)
	return s.searchResult
}

// searchObject looks at one object within the whole one, or at that.
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

// skips tells whether a key of an object is not searched: it says nothing of pods, or its value is a part of a pod, which is
// noted.
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

// searchValue searches a value within the object.
func (s *templateSearcher) searchValue(v any) {
	if m, ok := v.(map[string]any); ok {
		s.searchObject(m)
		return
	}
	s.path.visitChildren(v, nil, s.searchValue)
}

// searchOtherNamespace looks at an object of another namespace: nothing of it is judged in the one of what holds it.
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

func (s *templateSearcher) addTemplate(m map[string]any) {
	if len(s.templates) == maxTemplates {
		s.omitted++
		return
	}
	s.templates = append(s.templates, inventory.CustomTemplate{Path: s.path.String(), JSON: marshalJSON(map[string]any{"metadata": m["metadata"], "spec": m["spec"]})})
}
