// Package helm owns Helm releases as Helm keeps them: what of a stored revision lets an upgrade or a rollback fail once the
// server serves no PodSecurityPolicies, and the same revision without it. It takes the metadata and payload of Secrets and
// ConfigMaps and returns Releases and Histories, or a new payload. It keeps and reports nothing else of a release, in errors
// least of all, for its values hold passwords; it reads no cluster and writes nothing.
package helm
