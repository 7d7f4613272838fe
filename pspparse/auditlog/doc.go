// Package auditlog reads audit logs of Kubernetes API servers, in every shape in which they are kept: lines of JSON, lists, and what
// managed clouds wrap around each event. It takes files, folders and streams, works with all processors, and hands over events in the
// order of the log. It keeps nothing of a log, decides nothing, and knows no policy and no level.
package auditlog
