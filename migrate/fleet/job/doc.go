// Package job owns the manifests with which Kubernetes itself makes the plans of a fleet that is too large for one computer: an Indexed
// Job that runs psp2pss for the contexts of one shard in each index, and a suspended Job that merges what they leave on a volume. It
// takes Options and writes YAML with comments that say how to use it. It reads no kubeconfig, holds no credentials, and talks to no
// cluster: Secrets are named and nothing more.
package job
