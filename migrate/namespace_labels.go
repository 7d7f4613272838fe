package migrate

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// readPodSecurityLabels reads the six labels of a Plan's namespace as they stand and says what is wrong with them: the
// server ignores keys it does not know, and takes an invalid enforce level for restricted, an invalid audit or warn
// level for privileged, an invalid version for latest (k8s.io/pod-security-admission/api, PolicyToEvaluate).
func readPodSecurityLabels(labels map[string]string) (PodSecurityLabels, []message.Message) {
	var cur PodSecurityLabels
	var cautions, otherKeys, misspelt []message.Message // which kind is first must not depend on the names of labels
	for _, key := range sortedKeys(labels) {
		if !strings.HasPrefix(key, inventory.PodSecurityLabelPrefix) {
			if near := misspeltLabelKey(key); near != "" {
				misspelt = append(misspelt, message.New("label-key-misspelt", "key", key, "meant", near))
			}
			continue
		}
		value := labels[key]
		switch key {
		case api.EnforceLevelLabel, api.AuditLevelLabel, api.WarnLevelLabel:
			if _, err := api.ParseLevel(value); err != nil {
				taken := api.LevelPrivileged
				if key == api.EnforceLevelLabel {
					taken = api.LevelRestricted
				}
				cautions = append(cautions, message.New("label-value-invalid", "key", key, "value", value, "taken", taken))
			}
		case api.EnforceVersionLabel, api.AuditVersionLabel, api.WarnVersionLabel:
			if _, err := api.ParseVersion(value); err != nil {
				cautions = append(cautions, message.New("label-value-invalid", "key", key, "value", value, "taken", "latest"))
			}
		default:
			otherKeys = append(otherKeys, message.New("label-key-unknown", "key", key, "meant", suggestLabelKey(key)))
			continue
		}
		cur.setLabel(key, value)
	}
	return cur, slices.Concat(cautions, otherKeys, misspelt)
}

// field returns where the value of a Plan's label is; nil for a key that is none of inventory.PodSecurityLabelKeys.
func (l *PodSecurityLabels) field(key string) *string {
	switch key {
	case api.EnforceLevelLabel:
		return &l.Enforce
	case api.EnforceVersionLabel:
		return &l.EnforceVersion
	case api.AuditLevelLabel:
		return &l.Audit
	case api.AuditVersionLabel:
		return &l.AuditVersion
	case api.WarnLevelLabel:
		return &l.Warn
	case api.WarnVersionLabel:
		return &l.WarnVersion
	}
	return nil
}

// setLabel sets the value of a Plan's label; any other key changes nothing.
func (l *PodSecurityLabels) setLabel(key, value string) {
	if field := l.field(key); field != nil {
		*field = value
	}
}

// Get returns, of a Plan's labels, the value of one of inventory.PodSecurityLabelKeys, "" if it is absent.
func (l PodSecurityLabels) Get(key string) string {
	if value := l.field(key); value != nil {
		return *value
	}
	return ""
}

// misspeltLabelKey returns, for a Plan's cautions, the Pod Security label key that a namespace label's key is a
// misspelling of, or means; "" for none.
func misspeltLabelKey(key string) string {
	if meant := inventory.MeantPodSecurityLabel(key); meant != "" {
		return meant
	}
	prefix, name, ok := strings.Cut(key, "/")
	if !ok || prefix+"/" == inventory.PodSecurityLabelPrefix || pspparse.EditDistance(prefix+"/", inventory.PodSecurityLabelPrefix) > 3 {
		return ""
	}
	if slices.Contains(inventory.PodSecurityLabelKeys(), inventory.PodSecurityLabelPrefix+name) {
		return inventory.PodSecurityLabelPrefix + name
	}
	return ""
}

// suggestLabelKey returns, for a Plan's cautions, the label of Pod Security that a key is almost; "" if there is none.
func suggestLabelKey(key string) string {
	for _, known := range inventory.PodSecurityLabelKeys() {
		if pspparse.EditDistance(key, known) <= 2 {
			return known
		}
	}
	return ""
}

// sortedKeys returns the keys of the labels or annotations of a Plan's namespace, sorted.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
