package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// maxConfigMap is more than an API server stores of the data of a ConfigMap.
const maxConfigMap = 1 << 20

// configMap looks through the data of a ConfigMap for what makes pods when somebody applies it: operators, runners and
// injectors keep pod templates there. It adds a gap that names the key, and nothing of its content; it returns false if there
// is no reason for one.
func (s *stream) configMap(o *object, data []byte) bool {
	var c struct {
		Data map[string]any `json:"data"`
	}
	if !bytes.Contains(data, []byte(`\u`)) && !mayHoldPods(data) || json.Unmarshal(data, &c) != nil {
		return false
	}
	first, what, more, changes := "", "", 0, inventory.Workloads
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		text, _ := c.Data[key].(string)
		holds := s.podsIn([]byte(text))
		if holds == custom.APolicy || holds == custom.TooMuch {
			changes = "" // a role may lie beside it
		}
		switch {
		case holds == "":
		case what == "":
			first, what = key, holds
		default:
			more++
		}
	}
	if what == "" {
		return false
	}
	others := ""
	if more > 0 {
		others = fmt.Sprintf(", and so on in %s", plural(more, "more key", "more keys"))
	}
	in := namespaceOf(o)
	if metaOf(o).Namespace == "" {
		in = []string{corev1.NamespaceDefault}
	}
	s.gap(inventory.Gap{
		What: s.label(o), Position: s.at(o.line), Namespaces: in, Changes: changes,
		Why: fmt.Sprintf("its key %s holds %s%s: what is made of it is not judged here; read the pods that are made of it, and accept this with --allow-partial", quote(first), what, others),
	})
	return true
}

// mayHoldPods is a quick look at a text: without any of these words there is nothing to find.
func mayHoldPods(text []byte) bool {
	return bytes.Contains(text, []byte("containers")) || bytes.Contains(text, []byte("PodSecurityPolicy")) ||
		bytes.Contains(text, []byte("supplementalGroups")) || bytes.Contains(text, []byte("privileged"))
}

// podsIn says what of pods a text holds: whole pod templates, objects that make pods, policies. It is "" if it holds none.
func (s *stream) podsIn(text []byte) string {
	if !mayHoldPods(text) {
		return ""
	}
	if len(text) > maxConfigMap {
		return custom.TooMuch
	}
	for _, doc := range bytes.Split(text, []byte("\n---")) {
		if what := s.podsInDocument(doc, true); what != "" {
			return what
		}
	}
	return ""
}

// podsInDocument looks through one document, and through the texts in it.
func (s *stream) podsInDocument(doc []byte, nested bool) string {
	switch {
	case isPodText(doc):
		return "the text of a pod template"
	case isPrivilegedRunner(doc):
		return "the configuration of a GitLab runner that makes privileged pods"
	}
	doc = bytes.TrimPrefix(doc, []byte("---"))
	root, err := parseYAML(doc, 1, s.limits)
	if err != nil || root == nil {
		return ""
	}
	data, err := s.convert(root, false)
	if err != nil {
		return ""
	}
	what, texts := custom.PodsIn(data)
	for i := 0; i < len(texts) && what == "" && nested; i++ {
		what = s.podsInDocument([]byte(texts[i]), false)
	}
	return what
}

var (
	containersLine = regexp.MustCompile(`(?m)^[ \t]*(- )?containers:`)
	imageLine      = regexp.MustCompile(`(?m)^[ \t]*(- )?image:`)
)

// isPodText tells a pod template that a program has to fill in before it is YAML.
func isPodText(text []byte) bool {
	return bytes.Contains(text, []byte("{{")) && containersLine.Match(text) && imageLine.Match(text)
}

var privileged = regexp.MustCompile(`(?m)^[ \t]*privileged[ \t]*=[ \t]*true`)

// isPrivilegedRunner tells the config.toml of a GitLab runner with the Kubernetes executor.
func isPrivilegedRunner(text []byte) bool {
	return bytes.Contains(text, []byte("[runners.kubernetes")) && privileged.Match(text)
}
