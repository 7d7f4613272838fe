package custom

import (
	"bytes"
	"sync"
)

// HoldsNothing is true for an object that Read and Other add nothing of, as far as a quick look at its text tells: nobody has to decode
// it. Most custom resources are such.
func HoldsNothing(group string, data []byte) bool {
	return group != "" && !readableGroups()[group] && !groupDeploysChart(group, "Application") && !mayHoldPod(data)
}

// readableGroups are the groups of which a reader knows a kind.
var readableGroups = sync.OnceValue(func() map[string]bool { //nolint:gochecknoglobals // a table that does not change
	groups := map[string]bool{gatekeeperConstraints: true, "pod-security.admission.config.k8s.io": true, "apiserver.config.k8s.io": true}
	for _, r := range KnownResources() {
		groups[r.Group] = true
	}
	return groups
})

// mayHoldPod is a quick look at the text, once from its start to its end: without certain keys, whose values begin as theirs
// do, there is nothing to find. A key might be written in escapes.
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

// firstValueByte is the first byte of a value, 0 where there is none.
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

// keyScan is what was seen of an object so far.
type keyScan struct {
	versions         int
	hasTemplate      bool
	podField         bool
	stepsOrContainer bool
	containerField   bool
}

// addKey notes a key and how its value begins; true if an object that has it is to be looked through.
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

func keyHasSuffix(key []byte, suffix string) bool {
	return len(key) >= len(suffix) && string(key[len(key)-len(suffix):]) == suffix
}
