// Package archive owns the walk through tar and zip archives, packed with gzip or zstd or not, as a stream: it hands out one entry
// after the other and never unpacks one to a place. Names are labels. Every limit is counted on what is read, and not on what headers
// say. It knows nothing of Kubernetes, and writes nothing but one bounded temporary file for a zip that cannot be sought in.
package archive
