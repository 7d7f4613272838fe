// Package rollout owns what changes a cluster: the steps that put labels on namespaces and let their pods past the
// policies, the journal that each step enters before it is taken, and the way back. It takes a Plan and a client; a step
// is a value, so that printing the steps is the dry run. Verify looks at what became of it; CleanHelm takes policies out of
// stored Helm releases. It decides no level, and never writes what its journal, or a backup, does not hold.
package rollout
