// Package pspparse owns the PodSecurityPolicy model: the API types left k8s.io/api, so this is our own faithful copy of
// their meaning. It takes one document (a yaml.v3 node, or JSON) and returns a Policy with API defaults applied, the
// position of every field, and the problems found. It never touches a cluster or a file.
package pspparse
