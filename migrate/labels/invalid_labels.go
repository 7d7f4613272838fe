package labels

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// IsValidLabel reports whether Pod Security Admission knows the value of one of migrate.LabelKeys.
func IsValidLabel(key, value string) bool { return validLabel(Label{key, value}) }

// ServerValueForInvalid returns the value for which Pod Security Admission takes an invalid value of a label. Writing
// it in place of that changes nothing that the API server does.
func ServerValueForInvalid(key string) string {
	switch {
	case strings.HasSuffix(key, "-version"):
		return "latest"
	case key == api.EnforceLevelLabel:
		return string(api.LevelRestricted)
	}
	return string(api.LevelPrivileged)
}

// KeysRefusedOnUpdate returns the labels for which Pod Security Admission refuses to change a namespace's labels from is
// to will, in the order of migrate.LabelKeys; empty if it does not refuse. The rule is the API server's
// (ValidateNamespace): invalid values have to stay as they are, or to go all at once.
func KeysRefusedOnUpdate(is, will map[string]string) []string {
	_, after := api.PolicyToEvaluate(will, api.Policy{})
	if len(after) == 0 {
		return nil
	}
	if _, before := api.PolicyToEvaluate(is, api.Policy{}); len(before) > 0 && reflect.DeepEqual(before, after) {
		return nil
	}
	return InvalidLabels(will)
}

// InvalidLabels returns the labels whose values Pod Security Admission does not know, in the order of migrate.LabelKeys.
func InvalidLabels(labels map[string]string) []string {
	var keys []string
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, ok := labels[key]; ok && !IsValidLabel(key, value) {
			keys = append(keys, key)
		}
	}
	return keys
}

// labelsToRepair returns the invalid Pod Security labels that have to be written together with others, since the API
// server refuses a write that repairs only some of a namespace's invalid labels. An invalid enforce becomes what the
// server takes it for, so that nothing is enforced that was not; audit and warn, which refuse nothing, become what is
// recommended.
func labelsToRepair(ns *migrate.Namespace, write []Label) []Label {
	is := currentLabels(ns)
	will := maps.Clone(is)
	for _, l := range write {
		will[l.Key] = l.Value
	}
	var out []Label
	for _, key := range KeysRefusedOnUpdate(is, will) {
		repaired := Label{key, ns.RecommendedLabels.Get(key)}
		if isEnforceKey(key) || !validLabel(repaired) {
			repaired.Value = ServerValueForInvalid(key)
		}
		out = append(out, repaired)
	}
	return out
}

// invalidLabelSelector returns the kubectl selector for a namespace whose invalid labels are still those of the plan;
// "" if the stage repairs none beside its own. A script may run again after another stage: then nothing of what that
// wrote is repaired.
func invalidLabelSelector(ns *migrate.Namespace, stage Stage) string {
	if len(labelsToRepair(ns, StageLabels(ns, stage))) == 0 {
		return ""
	}
	is := currentLabels(ns)
	var terms []Label
	for _, key := range InvalidLabels(is) {
		if len(validation.IsValidLabelValue(is[key])) == 0 {
			terms = append(terms, Label{key, is[key]})
		}
	}
	return labelSelector(terms)
}

// currentLabels returns the Pod Security labels of a namespace as they were when the plan was made.
func currentLabels(ns *migrate.Namespace) map[string]string {
	out := map[string]string{}
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, there := ns.LabelValue(key); there {
			out[key] = value
		}
	}
	return out
}

// describeRepairs returns the remark on which Pod Security labels are written only because they are invalid; "" for
// none.
func describeRepairs(ns *migrate.Namespace, stage Stage) string {
	var parts []string
	for _, l := range labelsToRepair(ns, StageLabels(ns, stage)) {
		was, _ := ns.LabelValue(l.Key)
		parts = append(parts, fmt.Sprintf("%s=%s in place of %s, which the server takes for %s", strings.TrimPrefix(l.Key, inventory.PodSecurityLabelPrefix), l.Value, strconv.QuoteToASCII(was), ServerValueForInvalid(l.Key)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "the server refuses a write that repairs only some of the invalid labels, so this is written, too: " + strings.Join(parts, "; ")
}
