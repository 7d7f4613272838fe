package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// withoutKind judges an object that does not say what it is.
func (s *stream) withoutKind(o *object) {
	at := s.at(o.line)
	if s.isKustomization() {
		s.kustomization(at)
		return
	}
	data := s.toJSON(o)
	if data == nil || o.node == nil && !s.valid(o) {
		return
	}
	switch {
	case o.head.apiVersion == "":
		s.kindless(at)
	case holds(data) != "":
		s.gap(inventory.Gap{
			What: o.what, Why: fmt.Sprintf("it has no kind, and %s: give it its kind", holds(data)),
			Position: at, Namespaces: namespaceOf(o),
		})
	default:
		s.stray()
		s.out.Skip(noKind)
		if s.nameless++; s.nameless <= s.limits.Gaps {
			s.out.AddNote(inventory.Note{What: o.what, Why: fmt.Sprintf("it has the apiVersion %s but no kind: it was passed over, add the kind if it is an object", quote(o.head.apiVersion)), Position: at})
		}
	}
}

func (s *stream) kustomization(at pspparse.Position) {
	s.out.Skip("Kustomization")
	s.told.note("a kustomization is not applied (names, namespaces and patches are those of the files): read the output of kubectl kustomize instead", at, "")
}

// valid tells whether the JSON of an object that nobody decodes is JSON at all.
func (s *stream) valid(o *object) bool {
	err := validJSON(o.data, o.line)
	if err != nil {
		s.brokenObject(o, err)
	}
	return err == nil
}

// unknown judges an object of a kind that is not read: most can hold no pod, policy or grant and are counted.
func (s *stream) unknown(o *object, data []byte) {
	if o.node == nil && !s.valid(o) {
		return
	}
	if s.passed != nil {
		s.passed(o.head.apiVersion, o.head.kind, data, s.at(o.line))
	}
	m := metaOf(o)
	of := custom.Object{APIVersion: o.head.apiVersion, Kind: o.head.kind, Namespace: m.Namespace, Name: m.Name, JSON: data, Position: s.at(o.line)}
	group, _, _ := strings.Cut(o.head.apiVersion, "/")
	switch {
	case custom.Read(s.out, of):
		return
	case group == "kustomize.config.k8s.io" || o.head.kind == "Kustomization" && s.isKustomization():
		s.kustomization(s.at(o.line))
		return
	case group == "security.openshift.io" && o.head.kind == "SecurityContextConstraints":
		s.told.note("SecurityContextConstraints (OpenShift's own admission) are not examined", s.at(o.line), "")
	case custom.Other(s.out, of):
		return
	}
	s.out.Skip(clean(o.head.kind))
}

// holds says where an object of an unknown kind has containers, or another object in it; "" if it has neither.
func holds(data []byte) string {
	escaped := bytes.Contains(data, []byte(`\u`)) // a key might be written in escapes
	if !escaped && !bytes.Contains(data, []byte(`ontainers"`)) && bytes.Count(data, []byte(`"apiVersion"`)) < 2 {
		return ""
	}
	if crowded(data, defaultValues) {
		return "it is too large to be looked through"
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return ""
	}
	return look(tree, "")
}

const defaultValues = 2_000_000

// look walks in the order of keys, so that what it says does not vary.
func look(v any, path string) string {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if found := look(item, fmt.Sprintf("%s[%d]", path, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		if path != "" && isEmbedded(v) {
			return fmt.Sprintf("it holds a %s at %s", clean(fmt.Sprint(v["kind"])), clean(path))
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			if areContainers(key, v[key]) {
				return fmt.Sprintf("it has containers at %s", clean(at))
			}
			if found := look(v[key], at); found != "" {
				return found
			}
		}
	}
	return ""
}

func areContainers(key string, v any) bool {
	if key != "containers" && key != "initContainers" && key != "ephemeralContainers" {
		return false
	}
	list, ok := v.([]any)
	return ok && slices.ContainsFunc(list, func(item any) bool {
		c, ok := item.(map[string]any)
		if !ok {
			return false
		}
		_, name := c["name"].(string)
		_, image := c["image"].(string)
		return name && image
	})
}

// isEmbedded tells an object within another (a template, a bundle) from a mere reference to one.
func isEmbedded(v map[string]any) bool {
	kind, _ := v["kind"].(string)
	_, version := v["apiVersion"].(string)
	_, metadata := v["metadata"].(map[string]any)
	if !version || !metadata {
		return false
	}
	switch kind {
	case pspparse.Kind, "Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob",
		"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "List":
		return true
	}
	return false
}
