package cmd

import (
	"context"
	"errors"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

// printRoleFlag prints the RBAC roles that a command needs.
const printRoleFlag = "print-role"

// readerRules are the RBAC rules that psp2pss role prints for what the tool reads of a cluster.
func readerRules(src *SourceOptions) []rbacv1.PolicyRule {
	if src.SkipCustomResources {
		return cluster.CoreReadRules()
	}
	return cluster.ReadRules()
}

// checkPermissions returns an error where the API server says that this user may not take all roll-out steps, or take them back. Where
// it does not say, a warning is printed.
func (o *rolloutOptions) checkPermissions(ctx context.Context, client dynamic.Interface, steps []rollout.Step) error {
	end := o.streams.showLate("asking the server whether this user may take all steps, and take them back")
	err := rollout.CheckPermissions(ctx, client, steps, rollout.PermissionOptions{Recheck: !o.Decide.AllowPartial, Verify: o.Verify.Asked})
	end()
	var missing *rollout.MissingPermissionsError
	if !errors.As(err, &missing) {
		if err != nil {
			_, _ = fmt.Fprintf(o.streams.ErrOut, "warning: whether this user has all rights for the roll-out and its rollback is not known: %s\n", escape.Terminal(err.Error()))
		}
		return ctx.Err()
	}
	advice := fmt.Sprintf("a role that has them: %s rollout --%s --stage %s", o.deps.ToolName, printRoleFlag, missing.Needed.StageNames())
	if o.Policies != "" {
		advice += fmt.Sprintf(" --%s %s", policiesFlag, escape.Shell(o.Policies))
	}
	if o.Deny {
		advice += " --" + denyFlag
	}
	if missing.Needed.Verify {
		advice += " --verify"
	}
	return errorWithAdvice{err, advice}
}
