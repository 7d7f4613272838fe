package evidence

import (
	"context"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// Limits of what is kept of audit logs. They may be of any length, and anybody who may create pods can add to them.
const (
	// maxKeys is how many workloads, uses of policies and refusals are kept each.
	maxKeys = 50_000
	// maxPolicies is how many policies are kept that admitted pods of one workload, and maxLevels how many levels of events.
	maxPolicies = 1000
	maxLevels   = 10
	// maxWritten is how many bare pods are kept as they were sent.
	maxWritten = 20_000
	// maxSeen is how many requests are remembered, so that those that are in several files count once.
	maxSeen = 1 << 20
)

// Log is what audit logs say of the pods that were created, counted.
type Log struct {
	// Summary is of all events, those that create no pods, too.
	Summary auditlog.Summary
	// Created and Refused count the requests to create pods, Levels those by the level of their event.
	Created, Refused int
	Levels           map[string]int
	// ObjectsMissing counts pods of which the log's level, or a limit of its length, shows not both request and answer.
	ObjectsMissing int
	// Uncounted counts requests of which something was not kept, since there are too many different ones.
	Uncounted int

	Workloads map[WorkloadKey]*Workload
	Uses      map[UseKey]*Count
	Refusals  map[RefusalKey]*Refusal

	written     map[types.NamespacedName]writtenPod
	byNamespace *namespaceIndex
	seen        map[uint64]bool
	seed        maphash.Seed
}

// WorkloadKey is the workload of pods in an audit log: the controller that they name, or the bare pod itself.
type WorkloadKey struct{ Namespace, Kind, Name string }

// Workload is what audit logs say of the pods of one workload.
type Workload struct {
	// TemplateHash is that of a ReplicaSet; "" for others.
	TemplateHash string
	// Policies has the pods by the policy that admitted them, "" for none.
	Policies map[string]*Admitted
}

// Admitted is what audit logs say of the pods that one policy admitted.
type Admitted struct {
	Count
	// Changed and Unchanged count the pods of which it is known.
	Changed, Unchanged int
	// Mutations are what the policy set in the last pod that it changed; Various is true where it set other values in others.
	Mutations []psp.MutatedField
	Various   bool
}

// Merge adds what other audit logs say of pods that the same policy admitted.
func (a *Admitted) Merge(b *Admitted) {
	a.Various = a.Various || b.Various || a.Changed > 0 && b.Changed > 0 && !slices.Equal(a.Mutations, b.Mutations)
	if b.Changed > 0 && (a.Changed == 0 || b.Last.After(a.Last)) {
		a.Mutations = b.Mutations
	}
	a.Changed, a.Unchanged = a.Changed+b.Changed, a.Unchanged+b.Unchanged
	a.Count.Merge(b.Count)
}

// UseKey is one way in which a policy was used: by whom, for which account's pod, in which namespace. Groups are joined by line feeds.
type UseKey struct{ Policy, Namespace, Requester, Groups, Account string }

// Count is a number of pods in an audit log, with the first and the last time.
type Count struct {
	Pods        int
	First, Last time.Time
}

// add counts a pod.
func (c *Count) add(at time.Time) {
	if c.Pods++; c.Pods == 1 || at.Before(c.First) {
		c.First = at
	}
	if at.After(c.Last) {
		c.Last = at
	}
}

// Merge adds the pods of another count.
func (c *Count) Merge(d Count) {
	switch {
	case d.Pods == 0:
		return
	case c.Pods == 0:
		*c = d
		return
	}
	if c.Pods += d.Pods; d.First.Before(c.First) {
		c.First = d.First
	}
	if d.Last.After(c.Last) {
		c.Last = d.Last
	}
}

// RefusalKey is who was refused pods, of which workload, by what.
type RefusalKey struct {
	WorkloadKey
	Requester string
	By        Refuser
}

// Refusal is what audit logs say of refused pods.
type Refusal struct {
	Count
	// Message is that of the last one.
	Message string
}

// writtenPod is a bare pod as it was sent.
type writtenPod struct {
	uid types.UID
	pod *corev1.PodTemplateSpec
}

// NewLog returns an empty Log, to which pods of an audit log are added.
func NewLog() *Log {
	return &Log{
		Levels: map[string]int{}, Workloads: map[WorkloadKey]*Workload{}, Uses: map[UseKey]*Count{}, Refusals: map[RefusalKey]*Refusal{},
		written: map[types.NamespacedName]writtenPod{}, seen: map[uint64]bool{}, seed: maphash.MakeSeed(),
	}
}

// Read reads the audit logs that paths name: files, folders, and stdin for "-". It returns an error for the first that cannot be read.
func Read(ctx context.Context, paths []string, stdin io.Reader) (*Log, error) {
	l := NewLog()
	sum, err := auditlog.ReadFiles(ctx, paths, stdin, auditlog.Query[*Pod]{
		Wants: Wants,
		Reduce: func(e *auditlog.Event) (*Pod, bool, error) {
			p, ok := ReadPod(e)
			return p, ok, nil
		},
		Each: l.Add,
	})
	if err != nil {
		return nil, err
	}
	l.Summary = *sum
	return l, nil
}

// Add counts one request to create a pod. One that is in the log again counts once.
func (l *Log) Add(p *Pod) {
	if p.AuditID != "" && len(l.seen) < maxSeen {
		id := maphash.String(l.seed, p.AuditID)
		if l.seen[id] {
			return
		}
		l.seen[id] = true
	}
	if l.Levels[p.Level] > 0 || len(l.Levels) < maxLevels {
		l.Levels[p.Level]++
	}
	l.byNamespace = nil
	if p.Refused {
		l.Refused++
		l.addRefusal(p)
		return
	}
	l.Created++
	if p.Change == ChangeUnknown && p.Policy != "" {
		l.ObjectsMissing++
	}
	if p.Policy != "" {
		key := UseKey{p.Policy, p.Namespace, p.Requester, strings.Join(slices.Sorted(slices.Values(p.Groups)), "\n"), p.Account}
		if use := keep(l, l.Uses, key); use != nil {
			use.add(p.Time)
		}
	}
	l.addToWorkload(p)
	if name := (types.NamespacedName{Namespace: p.Namespace, Name: p.Name}); p.Written != nil && p.UID != "" && (len(l.written) < maxWritten || l.written[name].pod != nil) {
		l.written[name] = writtenPod{types.UID(p.UID), p.Written}
	}
}

// keep returns the value for a key, which it makes if there are not too many; else nil, and the request is uncounted.
func keep[K comparable, V any](l *Log, in map[K]*V, key K) *V {
	v := in[key]
	if v == nil {
		if len(in) == maxKeys {
			l.Uncounted++
			return nil
		}
		v = new(V)
		in[key] = v
	}
	return v
}

// workload returns the key of the workload of a pod in an audit log.
func (p *Pod) workload() WorkloadKey {
	if p.OwnerKind != "" {
		return WorkloadKey{p.Namespace, p.OwnerKind, p.OwnerName}
	}
	return WorkloadKey{p.Namespace, "Pod", p.Name}
}

// addRefusal counts a refused pod.
func (l *Log) addRefusal(p *Pod) {
	if r := keep(l, l.Refusals, RefusalKey{p.workload(), p.Requester, p.RefusedBy}); r != nil {
		if r.Pods == 0 || !p.Time.Before(r.Last) {
			r.Message = p.Refusal
		}
		r.add(p.Time)
	}
}

// addToWorkload counts a pod with its workload. Where that is not known it is left out.
func (l *Log) addToWorkload(p *Pod) {
	if p.OwnerUnknown && p.Name == "" {
		return
	}
	w := keep(l, l.Workloads, p.workload())
	if w == nil {
		return
	}
	if w.Policies == nil {
		w.Policies = map[string]*Admitted{}
	}
	if w.TemplateHash == "" && p.OwnerKind == "ReplicaSet" {
		w.TemplateHash = p.TemplateHash
	}
	a := w.Policies[p.Policy]
	if a == nil {
		if len(w.Policies) == maxPolicies {
			l.Uncounted++
			return
		}
		a = &Admitted{}
		w.Policies[p.Policy] = a
	}
	one := Admitted{Count: Count{1, p.Time, p.Time}}
	switch p.Change {
	case ChangeChanged:
		one.Changed, one.Mutations = 1, p.Mutations
	case ChangeUnchanged:
		one.Unchanged = 1
	}
	a.Merge(&one)
}

// WorkloadsIn returns the workloads of a namespace.
func (l *Log) WorkloadsIn(namespace string) map[WorkloadKey]*Workload {
	return l.index().workloads[namespace]
}

// UsesIn returns the uses of policies in a namespace.
func (l *Log) UsesIn(namespace string) map[UseKey]*Count { return l.index().uses[namespace] }

// RefusalsIn returns the refusals in a namespace.
func (l *Log) RefusalsIn(namespace string) map[RefusalKey]*Refusal {
	return l.index().refusals[namespace]
}

// namespaceIndex is what a Log has, by namespace.
type namespaceIndex struct {
	workloads map[string]map[WorkloadKey]*Workload
	uses      map[string]map[UseKey]*Count
	refusals  map[string]map[RefusalKey]*Refusal
}

// index returns what the Log has by namespace. It is made once, when all is read.
func (l *Log) index() *namespaceIndex {
	if l.byNamespace == nil {
		l.byNamespace = &namespaceIndex{
			groupByNamespace(l.Workloads, func(k WorkloadKey) string { return k.Namespace }),
			groupByNamespace(l.Uses, func(k UseKey) string { return k.Namespace }),
			groupByNamespace(l.Refusals, func(k RefusalKey) string { return k.Namespace }),
		}
	}
	return l.byNamespace
}

// groupByNamespace returns what an audit log says by the namespace in its key.
func groupByNamespace[K comparable, V any](all map[K]*V, namespace func(K) string) map[string]map[K]*V {
	out := map[string]map[K]*V{}
	for k, v := range all {
		ns := namespace(k)
		if out[ns] == nil {
			out[ns] = map[K]*V{}
		}
		out[ns][k] = v
	}
	return out
}

// WrittenPod returns a bare pod as it was sent, by the pod that runs; nil where no log has the request that made it.
func (l *Log) WrittenPod(namespace, name string, uid types.UID) *corev1.PodTemplateSpec {
	if w := l.written[types.NamespacedName{Namespace: namespace, Name: name}]; w.uid == uid {
		return w.pod
	}
	return nil
}
