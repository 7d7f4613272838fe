package helm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// How Helm 3 and 4 keep releases; see newSecretsObject and newConfigMapsObject in their storage drivers.
const (
	// SecretType is the type of the Secrets.
	SecretType = "helm.sh/release.v1" // #nosec G101 -- no secret, a type of them
	// PayloadKey is where in its data an object keeps the release.
	PayloadKey = "release"

	// Every object that keeps a release has a name that begins so, and this label.
	namePrefix             = "sh.helm.release.v1."
	ownerLabel, ownerValue = "owner", "helm"

	// Tiller, the server of Helm 2, kept its releases with these labels.
	tillerOwnerLabel, tillerOwner, tillerNameLabel = "OWNER", "TILLER", "NAME"
)

// errNoPayload is the error for an object without a release in its data.
var errNoPayload = errors.New("it holds no release: its data may have been taken out where it was copied")

// ReleaseCollector decodes the Secrets and ConfigMaps that store Helm releases, one after the other, and keeps what matters
// of them. The zero value is ready.
type ReleaseCollector struct {
	releases      []Release
	gaps          []inventory.Gap
	helm2Releases map[helm2Release]int // how many revisions
}

// helm2Release names a release of Helm 2, with the kind and namespace of the objects that store it.
type helm2Release struct{ kind, namespace, name string }

// Add decodes a Secret or ConfigMap that stores a revision of a Helm release, of Helm 2 too, and ignores others. The
// payload is that of DecodeRelease. What cannot be decoded becomes a gap.
func (c *ReleaseCollector) Add(kind string, m metav1.ObjectMeta, payload []byte) {
	c.add(kind, &m, payload, pspparse.Position{})
}

// add decodes a stored Helm release as Add does, with a position for gaps.
func (c *ReleaseCollector) add(kind string, m *metav1.ObjectMeta, payload []byte, at pspparse.Position) {
	switch {
	case isHelm2Release(m):
		c.addHelm2Release(kind, m)
		return
	case !isHelm3Release(m):
		return
	}
	if len(payload) == 0 {
		c.addGap(kind, m, errNoPayload.Error(), at)
		return
	}
	r, err := DecodeRelease(payload)
	if err != nil {
		c.addGap(kind, m, err.Error(), at)
		return
	}
	r.Storage = StorageRef{Kind: kind, Namespace: m.Namespace, Name: m.Name, UID: string(m.UID), ResourceVersion: m.ResourceVersion}
	if m.Namespace != "" {
		r.Namespace = m.Namespace
	}
	for _, d := range r.Unreadable {
		what := "document"
		if d.Hook {
			what = "hook"
		}
		c.addGap(kind, m, fmt.Sprintf("%s %d of it cannot be read, and may hold a PodSecurityPolicy", what, d.At), at)
	}
	c.releases = append(c.releases, r)
}

// isHelm3Release reports whether an object stores a release of Helm 3 or 4.
func isHelm3Release(m *metav1.ObjectMeta) bool {
	return m.Labels[ownerLabel] == ownerValue && strings.HasPrefix(m.Name, namePrefix)
}

// isHelm2Release reports whether an object stores a release of Helm 2.
func isHelm2Release(m *metav1.ObjectMeta) bool { return m.Labels[tillerOwnerLabel] == tillerOwner }

// addHelm2Release counts a revision of a release of Helm 2.
func (c *ReleaseCollector) addHelm2Release(kind string, m *metav1.ObjectMeta) {
	if c.helm2Releases == nil {
		c.helm2Releases = map[helm2Release]int{}
	}
	c.helm2Releases[helm2Release{kind, m.Namespace, cmp.Or(m.Labels[tillerNameLabel], m.Name)}]++
}

// helm2Gaps returns a gap for each release of Helm 2: its payload is not decoded.
func (c *ReleaseCollector) helm2Gaps() []inventory.Gap {
	var gaps []inventory.Gap
	for r, revisions := range c.helm2Releases {
		word := "revision"
		if revisions > 1 {
			word = "revisions"
		}
		gaps = append(gaps, inventory.Gap{
			What:       fmt.Sprintf("Helm 2 release %q in %ss of %q (%d %s)", r.name, r.kind, r.namespace, revisions, word),
			Why:        message.New("helm2-release"),
			Namespaces: []string{inventory.AllNamespaces},
		})
	}
	slices.SortFunc(gaps, func(a, b inventory.Gap) int { return cmp.Compare(a.What, b.What) })
	return gaps
}

// AddDocument decodes a Helm release from an object in JSON, as it was read from a file, and ignores objects that store
// none. What cannot be decoded becomes a gap.
func (c *ReleaseCollector) AddDocument(apiVersion, kind string, data []byte, at pspparse.Position) {
	if apiVersion != "v1" || kind != "Secret" && kind != "ConfigMap" {
		return
	}
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(data, &named); err != nil || !isHelm3Release(&named.Metadata) && !isHelm2Release(&named.Metadata) {
		return
	}
	payload, err := storedPayload(kind, data)
	if err != nil {
		c.addGap(kind, &named.Metadata, err.Error(), at)
		return
	}
	c.add(kind, &named.Metadata, payload, at)
}

// errStorageObject is the error for a Secret or ConfigMap that cannot be decoded. It is without its cause, which would quote
// the release.
var errStorageObject = errors.New("its data is not that of such an object")

// storedPayload returns the encoded Helm release in the data of a Secret or ConfigMap in JSON.
func storedPayload(kind string, data []byte) ([]byte, error) {
	if kind == "Secret" {
		var s corev1.Secret
		if err := json.Unmarshal(data, &s); err != nil {
			return nil, errStorageObject
		}
		return s.Data[PayloadKey], nil
	}
	var m corev1.ConfigMap
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, errStorageObject
	}
	return []byte(m.Data[PayloadKey]), nil
}

// addGap adds a gap for an object whose Helm release cannot be read.
func (c *ReleaseCollector) addGap(kind string, m *metav1.ObjectMeta, why string, at pspparse.Position) {
	namespaces := []string{m.Namespace}
	if m.Namespace == "" {
		namespaces = []string{inventory.AllNamespaces}
	}
	c.gaps = append(c.gaps, inventory.Gap{
		What: fmt.Sprintf("Helm release in %s %q", kind, strings.TrimPrefix(m.Namespace+"/"+m.Name, "/")),
		Why:  message.New("helm-release-not-read", "error", why), Position: at, Namespaces: namespaces,
	})
}

// Releases returns the collected Helm revisions in order of namespace, name and revision, and a gap for all that could
// not be read.
func (c *ReleaseCollector) Releases() ([]Release, []inventory.Gap) {
	return sortReleases(c.releases), append(slices.Clone(c.gaps), c.helm2Gaps()...)
}
