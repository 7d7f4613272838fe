package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// How Helm 3 and 4 keep releases; see newSecretsObject and newConfigMapsObject in their storage drivers.
const (
	// SecretType is the type of the Secrets.
	SecretType = "helm.sh/release.v1" // #nosec G101 -- no secret, a type of them
	// Key is where in its data an object keeps the release.
	Key = "release"

	// Every object that keeps a release has a name that begins so, and this label.
	namePrefix        = "sh.helm.release.v1."
	ownerLabel, owner = "owner", "helm"
)

var errEmpty = errors.New("it holds no release: its data may have been taken out where it was copied")

// Collector decodes one object after another and keeps what matters of them. The zero value is ready.
type Collector struct {
	releases []Release
	gaps     []inventory.Gap
}

// Add takes an object that keeps a release; others are passed over. The payload is Decode's.
func (c *Collector) Add(kind string, m metav1.ObjectMeta, payload []byte) {
	c.add(kind, &m, payload, pspparse.Position{})
}

func (c *Collector) add(kind string, m *metav1.ObjectMeta, payload []byte, at pspparse.Position) {
	if !isRelease(m) {
		return
	}
	if len(payload) == 0 {
		c.gap(kind, m, errEmpty.Error(), at)
		return
	}
	r, err := Decode(payload)
	if err != nil {
		c.gap(kind, m, err.Error(), at)
		return
	}
	r.Stored = Ref{Kind: kind, Namespace: m.Namespace, Name: m.Name, UID: string(m.UID), ResourceVersion: m.ResourceVersion}
	if m.Namespace != "" {
		r.Namespace = m.Namespace
	}
	for _, d := range r.Unread {
		what := "document"
		if d.Hook {
			what = "hook"
		}
		c.gap(kind, m, fmt.Sprintf("%s %d of it cannot be read, and may hold a PodSecurityPolicy", what, d.At), at)
	}
	c.releases = append(c.releases, r)
}

func isRelease(m *metav1.ObjectMeta) bool {
	return m.Labels[ownerLabel] == owner && strings.HasPrefix(m.Name, namePrefix)
}

// AddDocument takes an object in JSON, such as files holds; those of other kinds, too, which it passes over.
func (c *Collector) AddDocument(apiVersion, kind string, data []byte, at pspparse.Position) {
	if apiVersion != "v1" || kind != "Secret" && kind != "ConfigMap" {
		return
	}
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(data, &named); err != nil || !isRelease(&named.Metadata) {
		return
	}
	payload, err := payloadOf(kind, data)
	if err != nil {
		c.gap(kind, &named.Metadata, err.Error(), at)
		return
	}
	c.add(kind, &named.Metadata, payload, at)
}

var errObject = errors.New("its data is not that of such an object")

func payloadOf(kind string, data []byte) ([]byte, error) {
	if kind == "Secret" {
		var s corev1.Secret
		if err := json.Unmarshal(data, &s); err != nil {
			return nil, errObject
		}
		return s.Data[Key], nil
	}
	var m corev1.ConfigMap
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, errObject
	}
	return []byte(m.Data[Key]), nil
}

func (c *Collector) gap(kind string, m *metav1.ObjectMeta, why string, at pspparse.Position) {
	namespaces := []string{m.Namespace}
	if m.Namespace == "" {
		namespaces = []string{inventory.AllNamespaces}
	}
	c.gaps = append(c.gaps, inventory.Gap{
		What: fmt.Sprintf("Helm release in %s %q", kind, strings.TrimPrefix(m.Namespace+"/"+m.Name, "/")),
		Why:  why + "; look at it with helm history and helm get manifest", Position: at, Namespaces: namespaces,
	})
}

// Releases are the revisions in order of namespace, name and revision, and what could not be read.
func (c *Collector) Releases() ([]Release, []inventory.Gap) { return sorted(c.releases), c.gaps }
