package rollout

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// ClusterID returns what identifies the cluster of a roll-out: the UID of its namespace kube-system. It returns the
// error of getting that namespace.
func ClusterID(ctx context.Context, client dynamic.Interface) (string, error) {
	ns, err := namespaceClient(client).Get(ctx, lockNamespace, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("identifying the cluster by the namespace %s: %w", lockNamespace, err)
	}
	return string(ns.GetUID()), nil
}
