// Package message owns the sentences of results: reasons, cautions, gaps, notes and findings. It makes each from an id of its
// table and named arguments, so that programs read the id and the arguments and people read the text. It knows no policy, no
// level and no object of Kubernetes, and reads and writes nothing.
package message
