// Package inventory owns what the analysis may see: policies, workloads, RBAC, namespaces, and the gaps, all sorted.
// Readers add objects to a Builder, which reduces every pod to what security looks at as it is read; Build returns one
// Inventory whose content does not depend on the order of the input. It never reads a file or a cluster, and it judges
// nothing.
package inventory
