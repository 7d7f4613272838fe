package custom

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// isPodTemplate reports whether a JSON object in a custom object is a whole pod template.
func isPodTemplate(m map[string]any) bool {
	spec, _ := m["spec"].(map[string]any)
	return isWholePodSpec(spec)
}

// isAdmittedPod reports whether a JSON object in a custom object is a pod that a server has admitted: then it may hold
// values that a policy set.
func isAdmittedPod(m map[string]any) bool {
	metadata, _ := m["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	spec, _ := m["spec"].(map[string]any)
	_, admitted := annotations["kubernetes.io/psp"]
	_, status := m["status"].(map[string]any)
	return admitted || status || metadata["uid"] != nil || spec["nodeName"] != nil
}

// isWholePodSpec reports whether a JSON object in a custom object is a pod spec whose containers all have a name and an
// image.
func isWholePodSpec(spec map[string]any) bool {
	list, _ := spec["containers"].([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool {
		c, _ := item.(map[string]any)
		name, _ := c["name"].(string)
		image, _ := c["image"].(string)
		return name == "" || image == ""
	})
}

// isEmbeddedObject reports whether a JSON object within a custom object is an object that makes pods or grants
// something, and no mere reference to one.
func isEmbeddedObject(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	_, version := m["apiVersion"].(string)
	_, metadata := m["metadata"].(map[string]any)
	return version && metadata && makesPodsOrGrants(kind)
}

// hasKindAndVersion reports whether a JSON object in a custom object has a kind and an apiVersion.
func hasKindAndVersion(m map[string]any) bool {
	kind, _ := m["kind"].(string)
	version, _ := m["apiVersion"].(string)
	return kind != "" && version != ""
}

// makesPodsOrGrants reports whether the kind of an object within a custom object makes pods, or decides which pods may
// be made.
func makesPodsOrGrants(kind string) bool {
	switch kind {
	case pspparse.PolicyKind, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "List":
		return true
	}
	return makesPods(kind)
}

// makesPods reports whether a kind of Kubernetes, within or beside a custom object, is a pod, or has a pod template.
func makesPods(kind string) bool {
	_, ok := inventory.WorkloadKindOf(kind)
	return ok
}

// partialPodKey returns which part of a pod the value of a custom object's key is, by its form: "containers"; "" if it
// is none.
func partialPodKey(key string, v any) string {
	switch key {
	case "privileged", "hostNetwork", "hostPID", "hostIPC", "host_network", "host_pid", "host_ipc":
		if isBool(v) {
			return key
		}
	case "hostPath", "host_path":
		if isHostPath(v) {
			return key
		}
	case "container":
		if isContainer(v) {
			return "a container"
		}
	case "steps", "sidecars":
		if anyJSONItem(v, isStepContainer) {
			return key
		}
	}
	switch m, _ := v.(map[string]any); {
	case strings.HasSuffix(key, "ontainers"):
		if anyJSONItem(v, isContainer) {
			return "containers"
		}
	case strings.HasSuffix(key, "ecurityContext"), strings.HasSuffix(key, "security_context"):
		if m != nil && isSecurityContext(m) {
			return "a security context"
		}
	case strings.HasSuffix(key, "odTemplate"), strings.HasSuffix(key, "odTemplateSpec"), strings.HasSuffix(key, "podSpec"):
		if len(m) > 0 && !isPodTemplate(m) {
			return "part of a pod template"
		}
	case strings.HasSuffix(strings.ToLower(key), "template"):
		if spec, _ := m["spec"].(map[string]any); resemblesPodSpec(spec) && !isWholePodSpec(spec) {
			return "part of a pod template"
		}
	}
	return ""
}

// isBool reports whether a value in a custom object is a boolean, or the text of one.
func isBool(v any) bool {
	_, ok := v.(bool)
	return ok || v == "true" || v == "false"
}

// isHostPath reports whether a value in a custom object is a host path, or the source of a host path volume.
func isHostPath(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, "/")
	case map[string]any:
		path, _ := v["path"].(string)
		return path != ""
	}
	return false
}

// isContainer reports whether a value in a custom object has a field that containers have and hardly anything else.
func isContainer(v any) bool {
	m, _ := v.(map[string]any)
	_, list := m["command"].([]any)
	if !list {
		_, list = m["args"].([]any)
	}
	if !list {
		_, list = m["volumeMounts"].([]any)
	}
	image, _ := m["image"].(string)
	_, security := m["securityContext"].(map[string]any)
	return list || image != "" || security
}

// isStepContainer reports whether a value in a custom object is a container among steps or sidecars. It is stricter
// than isContainer, since steps are of all sorts.
func isStepContainer(v any) bool {
	m, _ := v.(map[string]any)
	image, _ := m["image"].(string)
	_, security := m["securityContext"].(map[string]any)
	return image != "" || security
}

// isSecurityContext reports whether a JSON object in a custom object is empty, or has a field of a security context.
func isSecurityContext(m map[string]any) bool {
	for key := range m {
		switch key {
		case "run_as_user", "run_as_group", "run_as_non_root", "fs_group", "se_linux_options", "seccomp_profile", "allow_privilege_escalation",
			"read_only_root_filesystem":
			return true
		case "runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy",
			"sysctls", "seLinuxOptions", "seLinuxChangePolicy", "seccompProfile", "appArmorProfile", "windowsOptions", "privileged",
			"allowPrivilegeEscalation", "capabilities", "procMount", "readOnlyRootFilesystem":
			return true
		}
	}
	return len(m) == 0
}

// resemblesPodSpec reports whether a JSON object in a custom object has a field that only pod specs have.
func resemblesPodSpec(spec map[string]any) bool {
	for key, v := range spec {
		switch key {
		case "serviceAccountName", "schedulerName", "runtimeClassName", "dnsPolicy", "restartPolicy", "priorityClassName":
			if _, ok := v.(string); ok {
				return true
			}
		case "tolerations", "imagePullSecrets", "hostAliases", "topologySpreadConstraints":
			if _, ok := v.([]any); ok {
				return true
			}
		case "nodeSelector", "affinity", "securityContext":
			if _, ok := v.(map[string]any); ok {
				return true
			}
		case "containers", "initContainers":
			if anyJSONItem(v, func(item any) bool { _, ok := item.(map[string]any); return ok }) {
				return true
			}
		case "hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken":
			if _, ok := v.(bool); ok {
				return true
			}
		case "volumes":
			if anyJSONItem(v, func(item any) bool { m, _ := item.(map[string]any); return isHostPath(m["hostPath"]) }) {
				return true
			}
		}
	}
	return false
}
