package rollout

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// rolloutLock is a Lease that exists from the first step of a roll-out until it is finished or taken back, so that no two
// machines roll out at once. It does not expire: a roll-out that was killed looks like one that is slow, and clocks differ.
// Whoever has the journal acquires the lock again; if the journal is lost, the Lease has to be deleted by hand.
type rolloutLock struct {
	client dynamic.Interface
	// holder is the journal's ID and, after a slash, what distinguishes this process from another one with the same journal.
	holder string
}

const (
	// lockNamespace and lockLeaseName name the Lease of the lock.
	lockNamespace = "kube-system"
	lockLeaseName = "psp2pss-rollout"
)

// leaseClient returns the client for the Leases in the namespace of the roll-out's lock.
func leaseClient(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}).Namespace(lockNamespace)
}

// LockedError is the error that another roll-out is under way: the ID of its journal, and since when.
type LockedError struct{ Holder, Since string }

// Error returns which roll-out is under way, and what to do, for people.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another roll-out (journal %s) is under way on this cluster since %s: finish it with 'rollout --resume' or 'rollback' where its journal is; if that is lost, remove the lock with 'kubectl delete lease %s -n %s'",
		e.Holder, e.Since, lockLeaseName, lockNamespace)
}

// acquireLock acquires the lock of roll-outs in the cluster for a journal, again if the journal had it before. It
// returns a *LockedError if another journal has it.
func acquireLock(ctx context.Context, client dynamic.Interface, id string) (*rolloutLock, error) {
	l := &rolloutLock{client: client, holder: id + "/" + rand.Text()}
	lease := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"holderIdentity": l.holder, "acquireTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
	}}}
	lease.SetAPIVersion("coordination.k8s.io/v1")
	lease.SetKind("Lease")
	lease.SetName(lockLeaseName)
	lease.SetLabels(map[string]string{ManagedByLabel: FieldManager})
	_, err := leaseClient(client).Create(ctx, lease, metav1.CreateOptions{FieldManager: FieldManager})
	if err == nil {
		return l, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("taking the lock, lease %s in %s: %w", lockLeaseName, lockNamespace, err)
	}
	there, err := leaseClient(client).Get(ctx, lockLeaseName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("looking who has the lock, lease %s in %s: %w", lockLeaseName, lockNamespace, err)
	}
	holder, _, _ := unstructured.NestedString(there.Object, "spec", "holderIdentity")
	if theirs, _, _ := strings.Cut(holder, "/"); theirs != id {
		since, _, _ := unstructured.NestedString(there.Object, "spec", "acquireTime")
		return nil, &LockedError{theirs, since}
	}
	// The resourceVersion of what was read goes with it: of two that take the lock again one fails.
	_ = unstructured.SetNestedField(there.Object, l.holder, "spec", "holderIdentity")
	if _, err := leaseClient(client).Update(ctx, there, metav1.UpdateOptions{FieldManager: FieldManager}); err != nil {
		return nil, fmt.Errorf("taking the lock again, lease %s in %s: %w", lockLeaseName, lockNamespace, err)
	}
	return l, nil
}

// errLockLost is returned once somebody has taken the lock away.
var errLockLost = errors.New("the lock of this roll-out was taken by another process, or removed: nothing more is written")

// checkHeld returns errLockLost if this process does not hold the lock any more. It is called before every write.
func (l *rolloutLock) checkHeld(ctx context.Context) error {
	if l == nil {
		return nil
	}
	there, err := leaseClient(l.client).Get(ctx, lockLeaseName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return errLockLost
	case err != nil:
		return fmt.Errorf("looking whether the lock is still held: %w", err)
	}
	if holder, _, _ := unstructured.NestedString(there.Object, "spec", "holderIdentity"); holder != l.holder {
		return errLockLost
	}
	return nil
}

// release deletes the Lease of the roll-out from the cluster, if this process still holds the lock.
func (l *rolloutLock) release(ctx context.Context) error {
	if l == nil {
		return nil
	}
	there, err := leaseClient(l.client).Get(ctx, lockLeaseName, metav1.GetOptions{})
	if err == nil {
		holder, _, _ := unstructured.NestedString(there.Object, "spec", "holderIdentity")
		if holder != l.holder {
			return nil
		}
		uid, version := there.GetUID(), there.GetResourceVersion()
		err = leaseClient(l.client).Delete(ctx, lockLeaseName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("giving up the lock, lease %s in %s: %w", lockLeaseName, lockNamespace, err)
	}
	return nil
}
