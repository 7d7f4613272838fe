package rollout

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// ClusterID tells a cluster from every other: it is the UID of kube-system, which lives as long as the cluster.
func ClusterID(ctx context.Context, client dynamic.Interface) (string, error) {
	ns, err := namespaceClient(client).Get(ctx, lockNamespace, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("telling which cluster this is, by the namespace %s: %w", lockNamespace, err)
	}
	return string(ns.GetUID()), nil
}
