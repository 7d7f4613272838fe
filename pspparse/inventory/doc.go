// Package inventory owns what the analysis may see: policies, workloads with the shapes of their pods, RBAC,
// namespaces, webhooks, flags of API servers, and the gaps, decoded, each once and sorted. Readers deliver objects to a
// Sink; a Builder, the Sink that is used, reduces every pod to its Shape as it is read, and Build returns one Inventory
// whose content does not depend on the order of the input. The package never reads a file or a cluster, and it
// evaluates no policy and no standard.
package inventory
