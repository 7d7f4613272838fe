package custom

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// FindPodContent describes what an object without a kind has of a pod, or of what decides about pods: "it has containers at
// spec.x". It returns "" if there is nothing.
func FindPodContent(data []byte) string {
	if !mayHoldPod(data) {
		return ""
	}
	tree, why := parseTree(data)
	if why != "" {
		return why
	}
	f := searchTemplates(tree, false)
	switch {
	case f.firstRemainder() != "":
		return f.firstRemainder()
	case isPodTemplate(tree):
		return "it has containers at spec.containers"
	case len(f.templates) > 0:
		return fmt.Sprintf("it has a pod template at %s", f.templates[0].Path)
	}
	return ""
}

// FindLostManifests describes, of a document of no known kind, the whole manifests that a document which is no
// Kubernetes object holds, the namespaces that they belong to and what they can change: a pod template, a policy, a
// role or a binding, by its form, or a whole object. Why is "" if it holds none; anything less is everyday in the files
// of other tools.
func FindLostManifests(data []byte) (why string, namespaces []string, changes inventory.GapPart) {
	if !mayHoldManifest(data) {
		return "", nil, ""
	}
	if hasTooManyValues(data) {
		return "it is too large to be looked through", allNamespaces(), ""
	}
	var tree any
	if err := decodeJSON(data, &tree); err != nil {
		return "", nil, ""
	}
	l := manifestSearch{namespaces: map[string]bool{}, parts: map[inventory.GapPart]bool{}}
	l.walk(tree, "")
	if len(l.found) == 0 {
		return "", nil, ""
	}
	if len(l.parts) == 1 {
		for changes = range l.parts {
		}
	}
	namespaces = slices.Sorted(maps.Keys(l.namespaces))
	if l.everyNamespace || len(l.namespaces) > maxGapNamespaces {
		namespaces = allNamespaces()
	}
	return l.summary(), namespaces, changes
}

// mayHoldManifest reports, from the text of a document without a kind alone, whether it may hold a whole manifest. A
// key with escapes counts, since it may be any.
func mayHoldManifest(data []byte) bool {
	for _, key := range []string{`\u`, `"containers"`, `"supplementalGroups"`, `"roleRef"`, `"verbs"`, `"kind"`, `"kubernetes_`} {
		if bytes.Contains(data, []byte(key)) {
			return true
		}
	}
	return false
}

// manifestSearch searches a document without a kind for whole manifests.
type manifestSearch struct {
	path jsonPath
	// found has one manifest of each description.
	found []foundManifest
	// parts are what the manifests can change.
	parts map[inventory.GapPart]bool
	// namespaces are those that the manifests belong to.
	namespaces map[string]bool
	// everyNamespace is true if the namespace of one is not known.
	everyNamespace bool
}

// foundManifest is the first manifest of its description in a document, and its path.
type foundManifest struct{ what, at string }

// summary describes up to three manifests in a document without a kind. Where the document itself is one, it names no
// path.
func (l *manifestSearch) summary() string {
	const most = 3
	if l.found[0].at == "" {
		return "it looks like " + strings.TrimSuffix(l.found[0].what, " template")
	}
	var list []string
	for _, f := range l.found[:min(most, len(l.found))] {
		list = append(list, f.what+" at "+f.at)
	}
	if len(l.found) > most {
		list = append(list, "and more")
	}
	return "it holds " + strings.Join(list, ", ")
}

// walk searches a value of the document without a kind, which belongs to a namespace as far as its surroundings show.
func (l *manifestSearch) walk(v any, namespace string) {
	if m, ok := v.(map[string]any); ok {
		if in := metadataNamespace(m); inventory.IsDNSLabel(in) {
			namespace = in
		}
		if what, in := terraformResource(m); what != "" {
			for _, namespace := range in {
				l.add(what, namespace)
			}
			return
		}
		if what := wholeManifest(m); what != "" {
			l.add(what, namespace)
			return
		}
	}
	l.path.visitChildren(v, nil, func(value any) { l.walk(value, namespace) })
}

// add records a manifest of a namespace in a document without a kind, "" for one that is not known.
func (l *manifestSearch) add(what, namespace string) {
	if !slices.ContainsFunc(l.found, func(f foundManifest) bool { return f.what == what }) {
		l.found = append(l.found, foundManifest{what, l.path.String()})
	}
	l.parts[partOfManifest(what)] = true
	if namespace == "" || what == FoundPolicy {
		l.everyNamespace = true
		return
	}
	l.namespaces[namespace] = true
}

// Descriptions that FindPodsInText returns. Of anything else that it describes, pods are made.
const (
	// FoundPolicy describes a PodSecurityPolicy.
	FoundPolicy = "a " + pspparse.PolicyKind
	// FoundTooMuch describes a document that is too large to be searched.
	FoundTooMuch = "too much to be looked through"
)

// partOfManifest returns what a manifest in a document without a kind can change, by its description.
func partOfManifest(what string) inventory.GapPart {
	what = strings.ToLower(strings.ReplaceAll(what, "_", ""))
	switch {
	case strings.Contains(what, "policy"):
		return inventory.PartPolicies
	case strings.Contains(what, "role"):
		return inventory.PartGrants
	case strings.HasPrefix(what, "a list"):
		return ""
	}
	return inventory.PartWorkloads
}

// wholeManifest describes an object in a document without a kind if it is a whole manifest; "" if it is none.
func wholeManifest(m map[string]any) string {
	kind, _ := m["kind"].(string)
	_, version := m["apiVersion"].(string)
	_, metadata := m["metadata"].(map[string]any)
	_, items := m["items"].([]any)
	spec, _ := m["spec"].(map[string]any)
	switch {
	case version && kind == pspparse.PolicyKind:
		return FoundPolicy
	case version && (metadata && makesPodsOrGrants(kind) || items && (kind == "List" || makesPodsOrGrants(strings.TrimSuffix(kind, "List")))):
		return "a " + kind
	case isWholePodSpec(spec):
		return "a pod template"
	case looksLikePolicy(spec):
		return FoundPolicy
	case metadata && looksLikeBinding(m):
		return "a role binding"
	case metadata && looksLikeRole(m):
		return "a role"
	}
	return ""
}

// terraformResource describes a JSON object if it is a resource of Terraform's provider for Kubernetes, in a state or in
// the output of "terraform show -json". It also returns the namespaces of its instances, "" for one that is not known.
func terraformResource(m map[string]any) (what string, namespaces []string) {
	kind, _ := m["type"].(string)
	instances, _ := m["instances"].([]any)
	if values, ok := m["values"].(map[string]any); ok {
		instances = append(instances, map[string]any{"attributes": values})
	}
	if !isTerraformKind(kind) || len(instances) == 0 {
		return "", nil
	}
	for _, item := range instances {
		instance, _ := item.(map[string]any)
		attributes, _ := instance["attributes"].(map[string]any)
		metadata, _ := attributes["metadata"].([]any)
		namespace := ""
		if len(metadata) == 1 {
			namespace = metadataNamespace(map[string]any{"metadata": metadata[0]})
		}
		if !inventory.IsDNSLabel(namespace) {
			namespace = ""
		}
		namespaces = append(namespaces, namespace)
	}
	return "a " + kind, namespaces
}

// isTerraformKind reports whether a resource type of Terraform makes pods or grants something. The type kubernetes_manifest
// does not count: it has the object itself.
func isTerraformKind(kind string) bool {
	kind, ok := strings.CutPrefix(kind, "kubernetes_")
	if i := strings.LastIndex(kind, "_v"); i > 0 && i+2 < len(kind) && kind[i+2] >= '1' && kind[i+2] <= '9' {
		kind = kind[:i]
	}
	switch kind {
	case "pod_security_policy", "pod", "replication_controller", "deployment", "stateful_set", "daemonset", "daemon_set", "job", "cron_job",
		"role", "cluster_role", "role_binding", "cluster_role_binding":
		return ok
	}
	return false
}

// looksLikePolicy reports whether an object without a kind is the spec of a PodSecurityPolicy, by the four fields that
// all of them have.
func looksLikePolicy(spec map[string]any) bool {
	for _, key := range []string{"seLinux", "runAsUser", "supplementalGroups", "fsGroup"} {
		m, _ := spec[key].(map[string]any)
		if _, ok := m["rule"].(string); !ok {
			return false
		}
	}
	return true
}

// looksLikeBinding reports whether an object without a kind has the role reference of a role binding.
func looksLikeBinding(m map[string]any) bool {
	ref, _ := m["roleRef"].(map[string]any)
	kind, _ := ref["kind"].(string)
	_, name := ref["name"].(string)
	return name && (kind == "Role" || kind == "ClusterRole")
}

// looksLikeRole reports whether an object without a kind has the rules of a role.
func looksLikeRole(m map[string]any) bool {
	rules, _ := m["rules"].([]any)
	return slices.ContainsFunc(rules, func(rule any) bool {
		r, _ := rule.(map[string]any)
		_, verbs := r["verbs"].([]any)
		_, resources := r["resources"].([]any)
		return verbs && resources
	})
}

// FindPodsInText describes what a document that a ConfigMap carries holds of pods: a whole pod template, an object that
// makes pods, a policy. Where there is nothing, it returns the strings in the document that may hold a manifest of their
// own.
func FindPodsInText(data []byte) (what string, texts []string) {
	var tree any
	if hasTooManyValues(data) {
		return FoundTooMuch, nil
	}
	if decodeJSON(data, &tree) != nil {
		return "", nil
	}
	return findPodsInValue(tree)
}

// findPodsInValue describes what one value of a document in a ConfigMap holds of pods, as FindPodsInText does.
func findPodsInValue(v any) (what string, texts []string) {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "containers") && strings.ContainsAny(v, "\n{") {
			return "", []string{v}
		}
	case map[string]any:
		kind, _ := v["kind"].(string)
		spec, _ := v["spec"].(map[string]any)
		_, version := v["apiVersion"].(string)
		switch {
		case version && kind == pspparse.PolicyKind, looksLikePolicy(spec):
			return FoundPolicy, nil
		case version && spec != nil && makesPods(kind):
			return "a " + kind, nil
		case isWholePodSpec(spec):
			return "a pod template", nil
		}
	}
	for _, item := range jsonChildren(v) {
		what, more := findPodsInValue(item)
		if what != "" {
			return what, nil
		}
		texts = append(texts, more...)
	}
	return "", texts
}

// ForeignToolFile returns, of a document of no known kind, the tool whose file a document is, if it is one of those
// that often lie beside manifests; else "". The name is that of the file, without its folder.
func ForeignToolFile(name string, data []byte) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(name, ".gz")
	stem, _, _ := strings.Cut(name, ".")
	if strings.HasPrefix(stem, "values") || strings.HasSuffix(stem, "values") {
		return "a values file of a Helm chart"
	}
	if name == ".gitlab-ci.yml" {
		return "a CI workflow of GitLab"
	}
	var doc struct {
		Services map[string]map[string]any `json:"services"`
		Jobs     map[string]map[string]any `json:"jobs"`
	}
	if hasTooManyValues(data) || decodeJSON(data, &doc) != nil {
		return ""
	}
	switch {
	case anyHasKey(doc.Services, "image", "build"):
		return "a Compose file"
	case anyHasKey(doc.Jobs, "runs-on", "uses"):
		return "a CI workflow of GitHub"
	}
	return ""
}

// anyHasKey reports, of a document of no known kind, whether one of some objects of a foreign tool's file has one of
// some keys.
func anyHasKey(maps map[string]map[string]any, keys ...string) bool {
	for _, m := range maps {
		for _, key := range keys {
			if _, ok := m[key]; ok {
				return true
			}
		}
	}
	return false
}
