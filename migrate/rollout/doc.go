// Package rollout owns the change of a cluster: the steps that put Pod Security labels on namespaces and let their pods
// past PodSecurityPolicy, or that install a generated set of admission policies, the permissions and the lock that these need, the journal that has each step before it is
// taken, and the rollback. It takes a Plan and a client. A step is a value, so that printing the steps is the dry run.
// It decides no level, and never writes what its journal does not have. Package verify checks what became of it.
package rollout
