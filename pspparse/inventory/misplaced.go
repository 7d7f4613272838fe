package inventory

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// MisplacedKey is a key of Pod Security, or one that is meant to be, where it has no effect: on a workload or in its pod
// template. Pod Security reads the labels of namespaces alone.
type MisplacedKey struct {
	Namespace string
	// Key and Value are as written, a long value cut to a length. MeantLabel is the label that is meant.
	Key, Value, MeantLabel string
	// Annotation is true for an annotation, false for a label.
	Annotation bool
	// Kind, Name and Position are those of one object that has the key: one that nothing made, if there is one.
	Kind, Name string
	// Template is true where the pod template of the object has the key.
	Template bool
	Position pspparse.Position
	// MoreOmitted is true for the last key of a namespace that has too many of them to be kept.
	MoreOmitted bool

	// owned is true for an object that another one made.
	owned bool
}

// maxMisplacedKeys is how many keys are kept of one namespace. There are six labels.
const maxMisplacedKeys = 20

// MeantPodSecurityLabel returns, for an inventory, the label of Pod Security that a key is, or seems to be meant for:
// its prefix may be another one with the same words, as pod-security.k8s.io or podsecurity.kubernetes.io. It returns ""
// for any other key.
func MeantPodSecurityLabel(key string) string {
	prefix, name, ok := strings.Cut(key, "/")
	if !ok || len(prefix) > 100 || len(name) > 30 {
		return ""
	}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		rest, ok := strings.CutPrefix(strings.ToLower(name), mode)
		switch {
		case !ok:
			continue
		case !resemblesPodSecurityPrefix(prefix):
			return ""
		case strings.Contains(rest, "version"):
			return PodSecurityLabelPrefix + mode + "-version"
		}
		return PodSecurityLabelPrefix + mode
	}
	return ""
}

// resemblesPodSecurityPrefix reports whether the prefix of a key on an inventory's object has the words of the prefix
// of Pod Security labels.
func resemblesPodSecurityPrefix(prefix string) bool {
	words := strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(prefix))
	if !strings.Contains(words, "kubernetes") && !strings.Contains(words, "k8s") {
		return false
	}
	for _, start := range []string{"podsecurity", "psa", "pss", "security"} {
		if strings.HasPrefix(words, start) {
			return true
		}
	}
	return false
}

// mayHavePodSecurityKey reports, from its text alone, whether an object for the inventory may have a key that
// MeantPodSecurityLabel knows.
func mayHavePodSecurityKey(data []byte) bool {
	for {
		slash := bytes.IndexByte(data, '/')
		if slash < 0 {
			return false
		}
		data = data[slash+1:]
		for _, mode := range [...]string{"enforce", "audit", "warn"} {
			if len(data) >= len(mode) && string(data[:len(mode)]) == mode {
				return true
			}
		}
	}
}

// addMisplacedKeys adds to the inventory the keys of Pod Security among the labels and annotations of an object, or of
// its pod template.
func (b *Builder) addMisplacedKeys(on MisplacedKey, labels, annotations map[string]string) {
	for key, value := range labels {
		b.addMisplacedKey(on, key, value, false)
	}
	for key, value := range annotations {
		b.addMisplacedKey(on, key, value, true)
	}
}

// addMisplacedKey adds to the inventory a label or annotation of an object if it is a key of Pod Security.
func (b *Builder) addMisplacedKey(on MisplacedKey, key, value string, annotation bool) {
	if on.MeantLabel = MeantPodSecurityLabel(key); on.MeantLabel == "" {
		return
	}
	on.Key, on.Value, on.Annotation = strings.Clone(key), strings.ToValidUTF8(strings.Clone(value[:min(len(value), 63)]), ""), annotation
	found := b.misplacedKeys[on.Namespace]
	i, there := slices.BinarySearchFunc(found, on, func(a, b MisplacedKey) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), compareBools(a.Annotation, b.Annotation))
	})
	switch {
	case there && compareMisplacedKeys(&on, &found[i]) < 0:
		on.MoreOmitted = found[i].MoreOmitted
		found[i] = on
	case !there:
		found = slices.Insert(found, i, on)
	}
	if len(found) > maxMisplacedKeys {
		found = found[:maxMisplacedKeys]
		found[maxMisplacedKeys-1].MoreOmitted = true
	}
	if b.misplacedKeys == nil {
		b.misplacedKeys = map[string][]MisplacedKey{}
	}
	b.misplacedKeys[on.Namespace] = found
}

// compareMisplacedKeys orders objects that have the same misplaced Pod Security key: first what nothing made, and a pod
// template after its object.
func compareMisplacedKeys(a, b *MisplacedKey) int {
	return cmp.Or(compareBools(a.owned, b.owned), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
		compareBools(a.Template, b.Template), comparePositions(a.Position, b.Position), cmp.Compare(a.Value, b.Value))
}

// sortedMisplacedKeys returns the inventory's misplaced Pod Security keys by namespace and key.
func (b *Builder) sortedMisplacedKeys() []MisplacedKey {
	var out []MisplacedKey
	for _, found := range b.misplacedKeys {
		more := false
		for i := range found {
			more = more || found[i].MoreOmitted
			found[i].MoreOmitted = more && i == len(found)-1
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b MisplacedKey) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Key, b.Key), compareBools(a.Annotation, b.Annotation))
	})
	return out
}
