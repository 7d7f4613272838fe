// Package labels owns what a Plan means for the Pod Security labels of namespaces: which of them a stage writes, and
// how that is said in kubectl commands for a POSIX shell and their undoing, Namespace manifests, a kustomize component
// or Terraform resources. It takes a Plan, which may come from a file that anybody has written, and lets nothing out of
// it reach any of these that is not a valid name or value. It never talks to a cluster and decides no level.
package labels

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Options are the options of the functions that write Pod Security labels.
type Options struct {
	// Tool is named in the header of what is written, with its version.
	Tool string
	// Stage is what is written; all at once by default.
	Stage Stage
}

// ChangesLabels reports whether the recommendation would change a Pod Security label of a namespace.
func ChangesLabels(ns *migrate.Namespace) bool { return len(ChangedLabels(ns, StageAll)) > 0 }

// LoosensLevel reports whether the label of a recommended level, or its version, is less strict than the one in effect
// today. An enforce label is loosened by a command only where the caller asked for that level.
func LoosensLevel(ns *migrate.Namespace) bool {
	today, rec := ns.EffectivePolicyToday(), ns.RecommendedLabels
	return ns.Action == migrate.ActionLoosen || isLooser(rec.Enforce, today.Enforce) || isLooser(rec.Audit, today.Audit) || isLooser(rec.Warn, today.Warn)
}

// isLooser reports whether the label that a namespace is to get is less strict than today's.
func isLooser(recommended string, today api.LevelVersion) bool {
	return levels.Looser(api.Level(recommended), today.Level)
}

// Label is one Pod Security label that a stage writes on a namespace, with its value.
type Label struct{ Key, Value string }

// WantedLabels returns the labels that a stage writes to a namespace, in the order of migrate.LabelKeys: all that are
// recommended, without an enforce that would loosen today's and was not asked for, and those that have to be repaired in
// the same write.
func WantedLabels(ns *migrate.Namespace, stage Stage) []Label {
	write := StageLabels(ns, stage)
	also := labelsToRepair(ns, write)
	if len(also) == 0 {
		return write
	}
	var out []Label
	for _, key := range inventory.PodSecurityLabelKeys() {
		for _, l := range slices.Concat(write, also) {
			if l.Key == key {
				out = append(out, l)
			}
		}
	}
	return out
}

// StageLabels returns the wanted Pod Security labels of a namespace that belong to the stage.
func StageLabels(ns *migrate.Namespace, stage Stage) []Label {
	var out []Label
	for _, key := range inventory.PodSecurityLabelKeys() {
		value := ns.RecommendedLabels.Get(key)
		if value != "" && stage.includes(key) && (!isEnforceKey(key) || !WithholdsLoosening(ns)) {
			out = append(out, Label{key, value})
		}
	}
	return out
}

// ChangedLabels returns the wanted Pod Security labels that differ from those that the namespace has.
func ChangedLabels(ns *migrate.Namespace, stage Stage) []Label {
	return changedOf(ns, WantedLabels(ns, stage))
}

// changedOf returns those of the wanted Pod Security labels that differ from those that the namespace has.
func changedOf(ns *migrate.Namespace, wanted []Label) []Label {
	var out []Label
	for _, l := range wanted {
		if value, there := ns.LabelValue(l.Key); !there || value != l.Value {
			out = append(out, l)
		}
	}
	return out
}

// WithholdsLoosening reports whether the enforce label is not written since the recommended level of a namespace is
// looser than today's and nobody asked for it.
func WithholdsLoosening(ns *migrate.Namespace) bool {
	asked := ns.DecidedBy != nil && ns.DecidedBy.Basis == migrate.BasisOverride
	return !asked && (ns.Action == migrate.ActionLoosen || isLooser(ns.RecommendedLabels.Enforce, ns.EffectivePolicyToday().Enforce))
}

// isEnforceKey reports whether a label key is one of enforce and enforce-version.
func isEnforceKey(key string) bool {
	return key == api.EnforceLevelLabel || key == api.EnforceVersionLabel
}

// WhyRefused returns why no Pod Security labels may be written for a namespace; a zero message if it is sound. A Plan may come from
// a file, so its names and values are checked again. It is the same at every stage.
func WhyRefused(ns *migrate.Namespace) message.Message {
	if len(validation.IsDNS1123Label(ns.Name)) > 0 {
		return message.New("labels-refused-name")
	}
	for _, l := range WantedLabels(ns, StageAll) {
		if !validLabel(l) {
			return message.New("labels-refused-value", "label", l.Key, "value", l.Value)
		}
	}
	return message.Message{}
}

// validLabel reports whether Pod Security Admission knows the value of a label.
func validLabel(l Label) bool {
	var err error
	switch l.Key {
	case api.EnforceLevelLabel, api.AuditLevelLabel, api.WarnLevelLabel:
		_, err = api.ParseLevel(l.Value)
	default:
		_, err = api.ParseVersion(l.Value)
	}
	return err == nil
}
