// Package message owns the table of the sentences of results (reasons, cautions, gaps, notes, findings) and the formats
// that make each from an id and named arguments, so that programs read the id and the arguments and people read the
// text. It knows no policy, no level and no object of Kubernetes, and reads and writes nothing.
package message
