package cmd

import (
	"context"
	"fmt"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// thisClusterFlag says that a saved plan which names no cluster is meant for the one that is written to.
const thisClusterFlag = "this-cluster"

// checkClusterOfPlan returns, for a command that writes, the UID of the cluster that the client reaches, under the
// context of the given name. A saved plan of the demo, or of another cluster, is an error. It only gets the namespace
// kube-system.
func checkClusterOfPlan(ctx context.Context, client dynamic.Interface, plan *migrate.Plan, src SourceOptions, name string) (string, error) {
	if err := refuseDemoPlan(plan, src); err != nil {
		return "", err
	}
	id, err := rollout.ClusterID(ctx, client)
	if err != nil {
		return "", err
	}
	if planned := plan.Source.UID; planned != "" && planned != id {
		was := ""
		if plan.Source.Name != "" && plan.Source.Origin() != inventory.SourceFiles {
			was = fmt.Sprintf(" (context %q, server %s)", plan.Source.Name, plan.Source.ServerVersion)
		}
		return "", fmt.Errorf("the plan%s is of another cluster%s than that of context %q: the UID of its namespace kube-system is %s, and here it is %s; choose the right cluster with --%s or --%s, or make a plan of this one",
			quotedPlanName(src.Plan), was, name, planned, id, kubeconfigFlag, contextFlag)
	}
	return id, nil
}

// refuseDemoPlan returns the usage error for a saved Plan of the demo where a cluster is meant.
func refuseDemoPlan(plan *migrate.Plan, src SourceOptions) error {
	if src.Plan == "" || plan.Source.Origin() != inventory.SourceDemo {
		return nil
	}
	return usagef("the plan %q is of the built-in demo cluster, which no command reaches: make a plan of the cluster with 'plan -o json=plan.json'", src.Plan)
}

// quotedPlanName returns the quoted file name of the Plan of --plan for a message; "" for a Plan that was not saved.
func quotedPlanName(plan string) string {
	if plan == "" {
		return ""
	}
	return fmt.Sprintf(" %q", plan)
}

// requireClusterOfPlan returns the usage error for a saved Plan that does not name its cluster, unless --this-cluster
// is given.
func (o *rolloutOptions) requireClusterOfPlan(plan *migrate.Plan) error {
	if err := refuseDemoPlan(plan, o.Source); err != nil {
		return err
	}
	if o.Source.Plan == "" || plan.Source.UID != "" || o.ThisCluster {
		return nil
	}
	why := "it was made from files"
	if plan.Source.Origin() != inventory.SourceFiles {
		why = "it has no UID of kube-system (that was not known when it was made, or it is of an earlier version)"
	}
	return usagef("the plan %q does not name its cluster, since %s: make the plan of this cluster, or add --%s if it is meant for this one", o.Source.Plan, why, thisClusterFlag)
}
