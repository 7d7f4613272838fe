// Package redact owns the pseudonyms of a plan that is handed to strangers: it takes a Plan and a Key and returns the plan with
// every name that an organization has chosen replaced, and takes any text back to the names. Names of Kubernetes and of known
// providers stay. What the plan decides stays, too. It reads and writes no files.
package redact
