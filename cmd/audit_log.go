package cmd

import (
	"slices"

	"github.com/spf13/pflag"
)

// auditLogFlag names the audit logs to read.
const auditLogFlag = "audit-log"

// auditLogUsage is the help of that flag.
const auditLogUsage = "audit logs of the API server to read: files or folders (JSON lines, lists, gzip; as clouds wrap them, too), or - for standard input; may be repeated"

// addAuditLogFlag defines the flag of a command that takes audit logs as evidence for the plan that it makes.
func addAuditLogFlag(flags *pflag.FlagSet, source *SourceOptions) {
	flags.StringArrayVar(&source.AuditLogs, auditLogFlag, nil, auditLogUsage)
}

// checkAuditLogs returns a usage error for audit logs beside a saved plan, and for two readers of standard input.
func (o *SourceOptions) checkAuditLogs(flags *pflag.FlagSet) error {
	if resolveFlagConflict(flags, planFlag, auditLogFlag) != nil {
		return savedPlanFlagError(auditLogFlag)
	}
	stdin := 0
	for _, name := range slices.Concat(o.AuditLogs, o.Files) {
		if name == "-" {
			stdin++
		}
	}
	if len(o.AuditLogs) > 0 && stdin > 1 {
		return usagef("standard input can be read once: name a file for all but one")
	}
	return nil
}
