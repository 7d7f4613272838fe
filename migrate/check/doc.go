// Package check answers the question of "psp2pss check": which fields of the manifests in files keep their pods from the level that
// is demanded of them. It takes a reader of files and what may demand a level (a flag, a plan, the labels of a cluster's namespaces),
// and returns a finding.Result. Every object is judged by itself, as an API server would; nothing is merged, guessed or written.
package check
