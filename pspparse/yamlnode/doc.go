// Package yamlnode reads YAML and JSON values as kubectl does: scalars by YAML 1.1, mappings with their merge keys, and how
// large a document is once its aliases are written out. It takes yaml.v3 nodes or JSON text and returns nodes, entries and
// scalars, with their lines. It knows no object of Kubernetes, and reads and writes no file.
package yamlnode
