// Package pspparse owns the PodSecurityPolicy model, our own faithful copy since the API types left k8s.io/api: its
// fields, their decoding and validation, the Problems found, and what misspelt names were meant for. It takes one
// document (a yaml.v3 node, or JSON) and returns a Policy with API defaults applied, the position of every field, and
// the problems found. It never touches a cluster or a file.
package pspparse
