// Package snapshot owns the archive in which an Inventory is kept: what was read of a cluster or of files, reduced to what the
// analysis needs. Write makes one and Read takes it back, so that a plan from it is the plan from what was read. The archive
// never holds a Secret, a ConfigMap or a credential. The package opens no file and decides nothing about what it keeps.
package snapshot
