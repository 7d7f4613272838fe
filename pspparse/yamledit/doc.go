// Package yamledit owns places in the text of manifests: it finds the line and the column of a field in a YAML or JSON tree, and
// edits fields in the text of a file while every byte outside the edited lines stays. It takes nodes, texts and edits, and returns
// places, the new text and the edits that it refuses. It knows no kind of Kubernetes, and reads and writes no file.
package yamledit
