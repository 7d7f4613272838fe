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

var errNoPayload = errors.New("it holds no release: its data may have been taken out where it was copied")

// ReleaseCollector decodes one object after another and keeps what matters of them. The zero value is ready.
type ReleaseCollector struct {
	releases      []Release
	gaps          []inventory.Gap
	helm2Releases map[helm2Release]int // how many revisions
}

// helm2Release names a release of Helm 2, by where Tiller keeps it.
type helm2Release struct{ kind, namespace, name string }

// Add takes an object that keeps a release, of Helm 2 too; others are passed over. The payload is Decode's.
func (c *ReleaseCollector) Add(kind string, m metav1.ObjectMeta, payload []byte) {
	c.add(kind, &m, payload, pspparse.Position{})
}

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

func isHelm3Release(m *metav1.ObjectMeta) bool {
	return m.Labels[ownerLabel] == ownerValue && strings.HasPrefix(m.Name, namePrefix)
}

func isHelm2Release(m *metav1.ObjectMeta) bool { return m.Labels[tillerOwnerLabel] == tillerOwner }

func (c *ReleaseCollector) addHelm2Release(kind string, m *metav1.ObjectMeta) {
	if c.helm2Releases == nil {
		c.helm2Releases = map[helm2Release]int{}
	}
	c.helm2Releases[helm2Release{kind, m.Namespace, cmp.Or(m.Labels[tillerNameLabel], m.Name)}]++
}

// helm2Gaps are the gaps of the releases of Helm 2. Their payload is another one, and is not read.
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

// AddDocument takes an object in JSON, such as files holds; those of other kinds, too, which it passes over.
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

var errStorageObject = errors.New("its data is not that of such an object")

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

// Releases are the revisions in order of namespace, name and revision, and what could not be read.
func (c *ReleaseCollector) Releases() ([]Release, []inventory.Gap) {
	return sortReleases(c.releases), append(slices.Clone(c.gaps), c.helm2Gaps()...)
}
