// Package dump owns what is known of the dumps of clusters that other programs write: Velero backups, support bundles, must-gathers
// and the like. It recognises a dump by the names in it and the content of a few marker files, says of every entry whether it is
// read and as what, and in the end what a dump of this kind never holds and what its program failed to collect. It opens nothing,
// reads no object, and knows nothing of how entries are stored.
package dump
