package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// helmReleasePageSize is how many objects that keep a Helm release are asked for at a time: each may have a megabyte.
const helmReleasePageSize = 20

// helmStorageKind is a kind of object in which Helm keeps releases in a cluster: Secrets or ConfigMaps.
type helmStorageKind struct {
	listedKind
	// name is the kind in what is handed on.
	name string
	// labels and fields select the objects.
	labels, fields string
	// decode decodes an object and finds the release in it.
	decode func([]byte, objectEncoding) (storedHelmRelease, error)
}

// storedHelmRelease is the metadata of an object listed in a cluster in which Helm keeps a release, and the release in
// it.
type storedHelmRelease struct {
	// meta is the metadata of the object.
	meta metav1.ObjectMeta
	// payload is the release as Helm encoded it.
	payload []byte
}

// helmReleaseDataKey is the key of the release in the data of its Secret or ConfigMap.
const helmReleaseDataKey = "release"

// helmStorageKinds returns the kinds of object to list in a cluster in which versions 2 and 3 of Helm keep releases.
func helmStorageKinds() []helmStorageKind {
	return []helmStorageKind{
		{listedKind{resource: "secrets", listKind: "SecretList"}, "Secret", "owner=helm", "type=helm.sh/release.v1", helmReleaseDecoder(func(s *corev1.Secret) storedHelmRelease {
			return storedHelmRelease{s.ObjectMeta, s.Data[helmReleaseDataKey]}
		})},
		{listedKind{resource: "configmaps", listKind: "ConfigMapList"}, "ConfigMap", "owner=helm", "", helmReleaseDecoder(releaseInConfigMap)},
		// Tiller, the server of Helm 2, has labels of its own.
		{listedKind{resource: "configmaps", listKind: "ConfigMapList"}, "ConfigMap", "OWNER=TILLER", "", helmReleaseDecoder(releaseInConfigMap)},
	}
}

// releaseInConfigMap returns the Helm release in a ConfigMap of the cluster.
func releaseInConfigMap(m *corev1.ConfigMap) storedHelmRelease {
	return storedHelmRelease{m.ObjectMeta, []byte(m.Data[helmReleaseDataKey])}
}

// helmReleaseDecoder returns a decoder of a server's lists of one API type in which Helm keeps releases.
func helmReleaseDecoder[T any, P protobufObject[T]](find func(P) storedHelmRelease) func([]byte, objectEncoding) (storedHelmRelease, error) {
	return func(data []byte, c objectEncoding) (storedHelmRelease, error) {
		x := P(new(T))
		if err := decodeObject(data, c, nil, x); err != nil {
			return storedHelmRelease{}, err
		}
		return find(x), nil
	}
}

// HelmReleaseRules returns what a ClusterRole must grant for HelmReleases, beside ReadRules: listing every Secret, for RBAC
// knows no types of them. Nothing else needs it.
func HelmReleaseRules() []rbacv1.PolicyRule {
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Verbs: []string{"list"}}
	for _, k := range helmStorageKinds() {
		if !slices.Contains(rule.Resources, k.resource) {
			rule.Resources = append(rule.Resources, k.resource)
		}
	}
	return []rbacv1.PolicyRule{rule}
}

// HelmReleases hands every object of a cluster in which Helm keeps a release to each, one of them in memory at a time:
// its kind, its metadata and the release as Helm encoded it; with Namespace set, those of that namespace. It asks for
// no other Secret. What may not be listed, or not to the end, is a gap; the error is that of the context, or of a
// client that cannot be made. It does not call Progress or OnForbidden.
func (r *Reader) HelmReleases(ctx context.Context, each func(kind string, m metav1.ObjectMeta, payload []byte)) ([]inventory.Gap, error) {
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, logr.Discard()))
	defer cancel()
	l, err := r.newClusterLister(nil)
	if err != nil {
		return nil, fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", r.Context, err)
	}
	var gaps []inventory.Gap
	failed := map[string]bool{} // one gap is enough
	for _, k := range helmStorageKinds() {
		if failed[k.resource] {
			continue
		}
		k.namespace = r.Namespace
		read := &helmReleaseReading{clusterLister: l, storage: k, bounds: listBounds{limits: l.limits}, seenKeys: newKeySet(), handle: each}
		err := read.readPages(ctx)
		failed[k.resource] = err != nil
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case isForbidden(err):
			gaps = append(gaps, helmReleaseGap((&forbiddenList{resource: k.resource, cause: err}).gap()))
		case err != nil:
			gaps = append(gaps, helmReleaseGap(failedListGap(k.resource, read.seenKeys.size(), err)))
		}
	}
	return gaps, nil
}

// helmReleaseGap returns the gap that Helm releases of the cluster were not read.
func helmReleaseGap(g inventory.Gap) inventory.Gap {
	g.What = "Helm releases in " + g.What
	return g
}

// helmReleaseReading reads from the cluster the Helm releases in one kind of object. A list that expires is read again
// from the start, and no object is handed on twice.
type helmReleaseReading struct {
	*clusterLister
	// storage is the kind that is read.
	storage helmStorageKind
	// bounds end a list that does not end.
	bounds listBounds
	// seenKeys are the objects that were handed on.
	seenKeys keySet
	// handle receives each object.
	handle func(kind string, m metav1.ObjectMeta, payload []byte)
}

// readPages reads the cluster's list of Helm releases page by page.
func (r *helmReleaseReading) readPages(ctx context.Context) error {
	first := listQuery{limit: helmReleasePageSize, labels: r.storage.labels, fields: r.storage.fields}
	q := first
	for restarts := 0; ; {
		next, came, err := r.readPage(ctx, q)
		switch {
		case q.continueToken != "" && httpStatus(err) == http.StatusGone && restarts < maxListRestarts:
			restarts++
			q = first
			r.bounds.resetCounts()
		case err != nil:
			return err
		case next == "":
			return nil
		default:
			if err := r.bounds.countPage(next, came); err != nil {
				return err
			}
			q = q.nextPage(next)
		}
	}
}

// readPage reads one page of the cluster's list of Helm releases, and hands on what is new in it. It returns the
// continue token and how many objects came.
func (r *helmReleaseReading) readPage(ctx context.Context, q listQuery) (next string, came int, err error) {
	source := kindSource{gv: corev1.SchemeGroupVersion}
	h := listHandler{
		meta: func(m metav1.ListMeta) { next = m.Continue },
		item: func(data []byte, c objectEncoding) error {
			if err := r.bounds.countObject(len(data)); err != nil {
				return err
			}
			came++
			k, err := r.storage.decode(data, c)
			if err != nil {
				return err
			}
			if r.seenKeys.add(objectKey{k.meta.Namespace, k.meta.Name}) {
				r.handle(r.storage.name, k.meta, k.payload)
			}
			return nil
		},
	}
	err = r.retryRequest(ctx, func() error {
		next, came = "", 0
		p := r.startRequest(ctx, source, &r.storage.listedKind, q)
		return p.readBody(r.timeout, r.limits.idleTime, func(body io.Reader) error {
			return decodeList(body, source.gv.WithKind(r.storage.listKind), h)
		})
	})
	return next, came, err
}
