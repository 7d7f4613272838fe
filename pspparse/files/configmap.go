package files

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxConfigMapBytes is more than an API server stores of the data of a ConfigMap.
const maxConfigMapBytes = 1 << 20

// scanConfigMap adds gaps for pod templates and policies in the data of a file's ConfigMap: operators, runners and
// injectors keep templates there. It adds a gap that names the first key with one, and nothing of its content; it
// returns false where there is none.
func (s *documentReader) scanConfigMap(o *manifestObject, data []byte) bool {
	var c struct {
		Data map[string]any `json:"data"`
	}
	if !bytes.Contains(data, []byte(`\u`)) && !mentionsPodFields(data) || json.Unmarshal(data, &c) != nil {
		return false
	}
	first, what, more, changes := "", "", 0, inventory.PartWorkloads
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		text, _ := c.Data[key].(string)
		holds := s.podContentOfText([]byte(text))
		if holds == custom.FoundPolicy || holds == custom.FoundTooMuch {
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
	in := namespacesOfGap(o)
	if nameOfObject(o).Namespace == "" {
		in = []string{corev1.NamespaceDefault}
	}
	s.addGap(inventory.Gap{
		What: s.objectLabel(o), Position: s.position(o.line), Namespaces: in, Affects: changes,
		Why: message.New("configmap-holds-pods", "key", quoteInput(first), "holds", what, "more", more),
	})
	return true
}

// mentionsPodFields reports, in a file's documents, whether a text in a ConfigMap has a word without which it holds no
// pod template and no policy.
func mentionsPodFields(text []byte) bool {
	return bytes.Contains(text, []byte("containers")) || bytes.Contains(text, []byte("PodSecurityPolicy")) ||
		bytes.Contains(text, []byte("supplementalGroups")) || bytes.Contains(text, []byte("privileged"))
}

// podContentOfText returns what a text of YAML documents holds of pods: pod templates, objects that make pods, or
// policies. It returns "" if there is nothing of them.
func (s *documentReader) podContentOfText(text []byte) string {
	if !mentionsPodFields(text) {
		return ""
	}
	if len(text) > maxConfigMapBytes {
		return custom.FoundTooMuch
	}
	for _, doc := range bytes.Split(text, []byte("\n---")) {
		if what := s.podContentOfDocument(doc, true); what != "" {
			return what
		}
	}
	return ""
}

// podContentOfDocument returns what one YAML document holds of pods. With nested it looks through the texts in the
// document, too.
func (s *documentReader) podContentOfDocument(doc []byte, nested bool) string {
	switch {
	case isUnrenderedPodTemplate(doc):
		return "the text of a pod template"
	case isPrivilegedGitLabRunner(doc):
		return "the configuration of a GitLab runner that makes privileged pods"
	}
	doc = bytes.TrimPrefix(doc, []byte("---"))
	root, err := parseYAMLDocument(doc, 1, s.limits)
	if err != nil || root == nil {
		return ""
	}
	data, err := s.nodeToJSON(root, false)
	if err != nil {
		return ""
	}
	what, texts := custom.FindPodsInText(data)
	for i := 0; i < len(texts) && what == "" && nested; i++ {
		what = s.podContentOfDocument([]byte(texts[i]), false)
	}
	return what
}

var (
	// containersKeyLine matches a line of YAML with the key "containers".
	containersKeyLine = regexp.MustCompile(`(?m)^[ \t]*(- )?containers:`)
	// imageKeyLine matches a line of YAML with the key "image".
	imageKeyLine = regexp.MustCompile(`(?m)^[ \t]*(- )?image:`)
)

// isUnrenderedPodTemplate reports whether a text in a file's document is a pod template with {{ }} in it, which is no
// YAML until a program renders it.
func isUnrenderedPodTemplate(text []byte) bool {
	return bytes.Contains(text, []byte("{{")) && containersKeyLine.Match(text) && imageKeyLine.Match(text)
}

// runnerPrivilegedLine matches a line of TOML that makes the pods of a GitLab runner privileged.
var runnerPrivilegedLine = regexp.MustCompile(`(?m)^[ \t]*privileged[ \t]*=[ \t]*true`)

// isPrivilegedGitLabRunner reports whether a text in a file's document is the config.toml of a GitLab runner whose pods
// are privileged.
func isPrivilegedGitLabRunner(text []byte) bool {
	return bytes.Contains(text, []byte("[runners.kubernetes")) && runnerPrivilegedLine.Match(text)
}
