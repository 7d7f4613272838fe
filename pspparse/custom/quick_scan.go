package custom

import (
	"bytes"
	"sync"
)

// HoldsNothing reports, from a quick scan of a custom object's text, whether neither ReadObject nor ReadUnknownKind
// would deliver anything of an object. Nobody has to decode it then; most custom resources are such.
func HoldsNothing(group string, data []byte) bool {
	return group != "" && !readableGroups()[group] && !groupDeploysChart(group, "Application") && !mayHoldPod(data)
}

// readableGroups returns the API groups of which a reader knows a kind.
var readableGroups = sync.OnceValue(func() map[string]bool { //nolint:gochecknoglobals // a table that does not change
	groups := map[string]bool{gatekeeperConstraints: true, "pod-security.admission.config.k8s.io": true, "apiserver.config.k8s.io": true}
	for _, r := range KnownResources() {
		groups[r.Group] = true
	}
	return groups
})

// mayHoldPod reports, from the text of a custom object alone, whether it may hold a pod template or a part of one:
// there is none without certain keys with certain values. The text is read once. Keys may be written with escapes,
// which count as such keys.
func mayHoldPod(data []byte) bool {
	if bytes.Contains(data, []byte(`\u`)) {
		return true
	}
	var s keyScan
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], ':')
		if i < 0 {
			return false
		}
		key := bytes.TrimRight(data[at:at+i], " \t\r\n")
		at += i + 1
		end := len(key) - 1
		if end < 1 || key[end] != '"' {
			if keyHasSuffix(key, "containers") {
				return true // a manifest as text
			}
			continue // a colon in a text
		}
		if keyHasSuffix(key, `containers\"`) {
			return true
		}
		key = key[bytes.LastIndexByte(key[:end], '"')+1 : end]
		if s.addKey(key, firstValueByte(data[at:])) {
			return true
		}
	}
}

// firstValueByte returns the first byte of a custom object's value that is no white space; 0 where there is none.
func firstValueByte(data []byte) byte {
	for _, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// keyScan is the state of a quick scan of the keys of one custom object.
type keyScan struct {
	// versions counts the keys "apiVersion".
	versions int
	// hasTemplate is true after a key that ends in "template".
	hasTemplate bool
	// podField is true after a key that only pod specs have.
	podField bool
	// stepsOrContainer is true after "steps", "sidecars" or "container".
	stepsOrContainer bool
	// containerField is true after a key that containers have.
	containerField bool
}

// addKey adds a key of a custom object and the first byte of its value to the scan. It returns true once the object has
// to be searched.
func (s *keyScan) addKey(key []byte, value byte) bool {
	tree := value == '{' || value == '['
	switch string(key) {
	case "apiVersion":
		s.versions++
		return s.versions > 1
	case "privileged", "hostNetwork", "hostPID", "hostIPC", "host_network", "host_pid", "host_ipc":
		return value == 't' || value == 'f' || value == '"'
	case "hostPath", "host_path":
		return value == '{' || value == '"'
	case "container", "steps", "sidecars":
		s.stepsOrContainer = s.stepsOrContainer || tree
	case "image", "command", "args", "volumeMounts":
		s.containerField = true
	case "serviceAccountName", "schedulerName", "runtimeClassName", "dnsPolicy", "restartPolicy", "priorityClassName", "tolerations",
		"imagePullSecrets", "hostAliases", "topologySpreadConstraints", "nodeSelector", "affinity", "automountServiceAccountToken", "volumes":
		s.podField = true
	default:
		switch {
		case !tree:
			return false
		case keyHasSuffix(key, "ecurityContext"), keyHasSuffix(key, "security_context"), keyHasSuffix(key, "ontainers"),
			keyHasSuffix(key, "odTemplate"), keyHasSuffix(key, "odTemplateSpec"), keyHasSuffix(key, "podSpec"):
			return true
		case len(key) >= len("template") && bytes.EqualFold(key[len(key)-len("template"):], []byte("template")):
			s.hasTemplate = true
		}
	}
	return s.stepsOrContainer && s.containerField || s.hasTemplate && s.podField
}

// keyHasSuffix reports whether a key of a custom object ends in a text.
func keyHasSuffix(key []byte, suffix string) bool {
	return len(key) >= len(suffix) && string(key[len(key)-len(suffix):]) == suffix
}
