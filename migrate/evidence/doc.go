// Package evidence owns what audit logs say of the pods that were created: who asked, which PodSecurityPolicy admitted each, and what
// it changed in it. It takes the events of package auditlog, keeps counts and no requests, and decides nothing about levels.
package evidence
