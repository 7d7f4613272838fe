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

// releasePage is how many objects that keep a Helm release are asked for at a time: each may have a megabyte.
const releasePage = 20

// keeper is a kind of objects in which Helm keeps releases.
type keeper struct {
	kind
	name string // of the kind
	// labels and fields select the objects.
	labels, fields string
	decode         func([]byte, coding) (kept, error)
}

// kept is an object with the release that it keeps.
type kept struct {
	meta    metav1.ObjectMeta
	payload []byte
}

const releaseKey = "release"

func keepers() []keeper {
	return []keeper{
		{kind{resource: "secrets", list: "SecretList"}, "Secret", "owner=helm", "type=helm.sh/release.v1", keptBy(func(s *corev1.Secret) kept {
			return kept{s.ObjectMeta, s.Data[releaseKey]}
		})},
		{kind{resource: "configmaps", list: "ConfigMapList"}, "ConfigMap", "owner=helm", "", keptBy(keptInMap)},
		// Tiller, the server of Helm 2, has labels of its own.
		{kind{resource: "configmaps", list: "ConfigMapList"}, "ConfigMap", "OWNER=TILLER", "", keptBy(keptInMap)},
	}
}

func keptInMap(m *corev1.ConfigMap) kept { return kept{m.ObjectMeta, []byte(m.Data[releaseKey])} }

func keptBy[T any, P object[T]](find func(P) kept) func([]byte, coding) (kept, error) {
	return func(data []byte, c coding) (kept, error) {
		x, err := decodeAs[T, P](data, c)
		if err != nil {
			return kept{}, err
		}
		return find(x), nil
	}
}

// ReleaseRules are what a ClusterRole must grant for Releases, beside Rules: reading every Secret there is, for RBAC knows no
// types of them. Everything else does without.
func ReleaseRules() []rbacv1.PolicyRule {
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Verbs: []string{"list"}}
	for _, k := range keepers() {
		if !slices.Contains(rule.Resources, k.resource) {
			rule.Resources = append(rule.Resources, k.resource)
		}
	}
	return []rbacv1.PolicyRule{rule}
}

// Releases hands every object in which Helm keeps a release to each, one of them in memory at a time: its kind, its
// metadata and the release as Helm encoded it; with Namespace set, those in that namespace. No other Secret is asked for.
// What may not be listed, or not to the end, is a gap; the error is the context's, or that of a client that cannot be made.
// The Reader's Progress and Refused are not told.
func (r *Reader) Releases(ctx context.Context, each func(kind string, m metav1.ObjectMeta, payload []byte)) ([]inventory.Gap, error) {
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, logr.Discard()))
	defer cancel()
	l, err := r.lister(nil)
	if err != nil {
		return nil, fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", r.Context, err)
	}
	var gaps []inventory.Gap
	failed := map[string]bool{} // once is enough to be told
	for _, k := range keepers() {
		if failed[k.resource] {
			continue
		}
		k.namespace = r.Namespace
		read := &releaseReading{lister: l, keeper: k, bounds: bounds{limits: l.limits}, seen: map[key]bool{}, each: each}
		err := read.all(ctx)
		failed[k.resource] = err != nil
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case isRefused(err):
			gaps = append(gaps, releaseGap((&refusal{resource: k.resource, cause: err}).gap()))
		case err != nil:
			gaps = append(gaps, releaseGap(failedGap(k.resource, len(read.seen), err)))
		}
	}
	return gaps, nil
}

// releaseGap says what is missing where the rest is complete.
func releaseGap(g inventory.Gap) inventory.Gap {
	g.What = "Helm releases in " + g.What
	return g
}

// releaseReading is one kind of keepers on its way. A list that expires is begun again, and what was handed on is not
// handed on again.
type releaseReading struct {
	*lister
	keeper keeper
	bounds bounds
	seen   map[key]bool
	each   func(kind string, m metav1.ObjectMeta, payload []byte)
}

func (r *releaseReading) all(ctx context.Context) error {
	first := query{limit: releasePage, labels: r.keeper.labels, fields: r.keeper.fields}
	q := first
	for restarts := 0; ; {
		next, came, err := r.one(ctx, q)
		switch {
		case q.next != "" && code(err) == http.StatusGone && restarts < maxRestarts:
			restarts++
			q = first
			r.bounds.restart()
		case err != nil:
			return err
		case next == "":
			return nil
		default:
			if err := r.bounds.follow(next, came); err != nil {
				return err
			}
			q = q.after(next)
		}
	}
}

// one reads one page, and hands on what is new in it. It returns what continues it and how many objects it brought.
func (r *releaseReading) one(ctx context.Context, q query) (next string, came int, err error) {
	source := source{gv: corev1.SchemeGroupVersion}
	h := handler{
		meta: func(m metav1.ListMeta) { next = m.Continue },
		item: func(data []byte, c coding) error {
			if err := r.bounds.over(len(data)); err != nil {
				return err
			}
			came++
			k, err := r.keeper.decode(data, c)
			if err != nil {
				return err
			}
			if name := (key{k.meta.Namespace, k.meta.Name}); !r.seen[name] {
				r.seen[name] = true
				r.each(r.keeper.name, k.meta, k.payload)
			}
			return nil
		},
	}
	err = r.attempts(ctx, func() error {
		next, came = "", 0
		p := r.ask(ctx, source, &r.keeper.kind, q)
		return p.read(r.timeout, r.limits.idle, func(body io.Reader) error {
			return readList(body, source.gv.WithKind(r.keeper.list), h)
		})
	})
	return next, came, err
}
