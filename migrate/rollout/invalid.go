package rollout

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// unfitLabels are the labels for which Pod Security admission refuses to change a namespace's labels from is to will, empty
// if it does not. The rule is the server's: invalid values have to stay as they are, or to go all at once.
func unfitLabels(is, will map[string]string) []string {
	_, before := api.PolicyToEvaluate(is, api.Policy{})
	_, after := api.PolicyToEvaluate(will, api.Policy{})
	if len(after) == 0 || len(before) > 0 && reflect.DeepEqual(before, after) {
		return nil
	}
	var keys []string
	for _, key := range podSecurityKeys() {
		if value, ok := will[key]; ok && !validValue(key, value) {
			keys = append(keys, key)
		}
	}
	return keys
}

// podSecurityKeys are the labels that Pod Security admission reads, a level before its version.
func podSecurityKeys() []string {
	return []string{
		api.EnforceLevelLabel, api.EnforceVersionLabel, api.AuditLevelLabel, api.AuditVersionLabel, api.WarnLevelLabel, api.WarnVersionLabel,
	}
}

func validValue(key, value string) bool {
	var err error
	if strings.HasSuffix(key, "-version") {
		_, err = api.ParseVersion(value)
	} else {
		_, err = api.ParseLevel(value)
	}
	return err == nil
}

// repairable refuses a step that would leave an invalid label of another stage while it repairs its own: the server takes
// all repairs in one write, or none. The command that is told changes nothing that the server enforces: its values are those
// that the server takes the invalid ones for.
func (r *Runner) repairable(s *Step, is map[string]string) error {
	if len(unfitLabels(is, s.after(is))) == 0 {
		return nil
	}
	var names, words []string
	for _, key := range podSecurityKeys() {
		if value, ok := is[key]; ok && !validValue(key, value) {
			names = append(names, fmt.Sprintf("%s (%q)", strings.TrimPrefix(key, labelPrefix), value))
			words = append(words, key+"="+takenFor(key))
		}
	}
	if len(names) < 2 {
		return nil // the step itself would add an invalid value: the server says so
	}
	last, all := len(names)-1, "all"
	if last == 1 {
		all = "both"
	}
	return refuse("%s and %s are %s invalid, and the server takes no write that leaves one of them: repair them in one write: %s label namespace %s --overwrite %s (the values that the server takes them for today), then begin a new roll-out, of a new plan, with --force",
		strings.Join(names[:last], ", "), names[last], all, cmp.Or(r.Kubectl, "kubectl"), s.Namespace, strings.Join(words, " "))
}

const labelPrefix = "pod-security.kubernetes.io/"

// takenFor is the value for which Pod Security admission takes an invalid one.
func takenFor(key string) string {
	switch {
	case strings.HasSuffix(key, "-version"):
		return "latest"
	case key == api.EnforceLevelLabel:
		return string(api.LevelRestricted)
	}
	return string(api.LevelPrivileged)
}

// Unrestorable are the labels of a step that a rollback cannot put back as they are found: the server has such values from
// before it looked at them, and takes none any more.
func (s *Step) Unrestorable() []Change {
	return slices.DeleteFunc(slices.Clone(s.Labels), func(c Change) bool {
		return c.Before == nil || validValue(c.Key, *c.Before)
	})
}
