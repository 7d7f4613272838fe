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

	// Tiller, the server of Helm 2, kept its releases with these labels.
	tillerOwnerLabel, tillerOwner, tillerNameLabel = "OWNER", "TILLER", "NAME"
)

var errEmpty = errors.New("it holds no release: its data may have been taken out where it was copied")

// Collector decodes one object after another and keeps what matters of them. The zero value is ready.
type Collector struct {
	releases []Release
	gaps     []inventory.Gap
	tiller   map[tillerRelease]int // how many revisions
}

// tillerRelease names a release of Helm 2, by where Tiller keeps it.
type tillerRelease struct{ kind, namespace, name string }

// Add takes an object that keeps a release, of Helm 2 too; others are passed over. The payload is Decode's.
func (c *Collector) Add(kind string, m metav1.ObjectMeta, payload []byte) {
	c.add(kind, &m, payload, pspparse.Position{})
}

func (c *Collector) add(kind string, m *metav1.ObjectMeta, payload []byte, at pspparse.Position) {
	switch {
	case isTillers(m):
		c.addTillers(kind, m)
		return
	case !isRelease(m):
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

func isTillers(m *metav1.ObjectMeta) bool { return m.Labels[tillerOwnerLabel] == tillerOwner }

func (c *Collector) addTillers(kind string, m *metav1.ObjectMeta) {
	if c.tiller == nil {
		c.tiller = map[tillerRelease]int{}
	}
	c.tiller[tillerRelease{kind, m.Namespace, cmp.Or(m.Labels[tillerNameLabel], m.Name)}]++
}

// tillers are the gaps of the releases of Helm 2. Their payload is another one, and is not read.
func (c *Collector) tillers() []inventory.Gap {
	var gaps []inventory.Gap
	for r, revisions := range c.tiller {
		word := "revision"
		if revisions > 1 {
			word = "revisions"
		}
		gaps = append(gaps, inventory.Gap{
			What:       fmt.Sprintf("Helm 2 release %q in %ss of %q (%d %s)", r.name, r.kind, r.namespace, revisions, word),
			Why:        "releases of Helm 2 are not decoded, and this one may hold a PodSecurityPolicy; move it to Helm 3 (helm 2to3 convert), or delete these objects if nobody uses Helm 2 any more",
			Namespaces: []string{inventory.AllNamespaces},
		})
	}
	slices.SortFunc(gaps, func(a, b inventory.Gap) int { return cmp.Compare(a.What, b.What) })
	return gaps
}

// AddDocument takes an object in JSON, such as files holds; those of other kinds, too, which it passes over.
func (c *Collector) AddDocument(apiVersion, kind string, data []byte, at pspparse.Position) {
	if apiVersion != "v1" || kind != "Secret" && kind != "ConfigMap" {
		return
	}
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(data, &named); err != nil || !isRelease(&named.Metadata) && !isTillers(&named.Metadata) {
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
func (c *Collector) Releases() ([]Release, []inventory.Gap) {
	return sorted(c.releases), append(slices.Clone(c.gaps), c.tillers()...)
}
