package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Permission is what RBAC has to allow for a roll-out or its rollback: a verb on a resource.
type Permission struct {
	Verb, Group, Resource string
	// Name is that of the one object that it is about, if that is known before.
	Name string
	// Namespaces are those in which it is needed; none means the whole cluster.
	Namespaces []string
	// perNamespace is true for a permission that is needed in every namespace of its stage.
	perNamespace bool
	// alternatives are permissions that, all together, do as well.
	alternatives []Permission
}

// String returns the verb and the resource of a permission for a roll-out, and where it is needed.
func (r Permission) String() string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	if len(r.Namespaces) > 0 {
		text += " (in " + english.First(r.Namespaces, 5) + ")"
	}
	return text
}

// PermissionOptions say for what a roll-out needs permissions. The zero value is the stage observe.
type PermissionOptions struct {
	Stages []Stage
	// Recheck is true if what runs in a namespace is read again before its level is enforced. Verify is true if the roll-out
	// is verified.
	Recheck, Verify bool
}

// StageNames returns the stages of a roll-out with commas between them, as the flag --stage takes them.
func (n PermissionOptions) StageNames() string {
	if len(n.Stages) == 0 {
		return string(StageObserve)
	}
	var names []string
	for _, s := range n.Stages {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}

// MissingPermissionsError says that a user lacks permissions for a roll-out or its rollback.
type MissingPermissionsError struct {
	Missing []Permission
	// Needed is what a role for the whole roll-out has to be made for.
	Needed PermissionOptions
}

// Error names the permissions that a roll-out lacks, a line each.
func (e *MissingPermissionsError) Error() string {
	text := "this user lacks rights that the roll-out or its rollback needs, and it is not begun:"
	for _, r := range e.Missing {
		text += "\n" + r.String()
	}
	return text
}

// CheckPermissions asks the API server whether this user may take all steps, and take them back. It returns a
// *MissingPermissionsError where the server says that he may not, and any other error where the server cannot be asked.
func CheckPermissions(ctx context.Context, client dynamic.Interface, steps []Step, n PermissionOptions) error {
	missing, err := missingPermissions(ctx, client, requiredPermissions(steps, n))
	if err != nil || len(missing) == 0 {
		return err
	}
	n.Stages = slices.DeleteFunc(Stages(), func(s Stage) bool {
		return !slices.ContainsFunc(steps, func(step Step) bool { return step.Stage == s })
	})
	return &MissingPermissionsError{missing, n}
}

// requiredPermissions returns all permissions that steps and their rollback need, each with the namespaces of its stages.
func requiredPermissions(steps []Step, n PermissionOptions) []Permission {
	in, policy := map[Stage][]string{}, ""
	policies := policySetPermissions(steps)
	for i := range steps {
		s := &steps[i]
		if s.Namespace != "" {
			in[s.Stage] = append(in[s.Stage], s.Namespace)
		}
		if s.Create != nil {
			policy = s.Create.Policy
		}
	}
	out := lockPermissions()
	for _, stage := range Stages() {
		if len(in[stage]) == 0 {
			continue
		}
		slices.Sort(in[stage])
		in[stage] = slices.Compact(in[stage])
		for _, right := range n.stagePermissions(stage, policy) {
			if right.perNamespace {
				right.Namespaces = in[stage]
			}
			out = append(out, right)
		}
	}
	return mergePermissions(append(out, policies...))
}

// mergePermissions joins permissions for a roll-out that differ in their namespaces alone.
func mergePermissions(rights []Permission) []Permission {
	var out []Permission
	for _, right := range rights {
		i := slices.IndexFunc(out, func(o Permission) bool { return o.perNamespace == right.perNamespace && o.key() == right.key() })
		if i < 0 {
			out = append(out, right)
			continue
		}
		all := slices.Concat(out[i].Namespaces, right.Namespaces)
		slices.Sort(all)
		out[i].Namespaces = slices.Compact(all)
	}
	return out
}

// key returns the permission for a roll-out without its namespaces, as a key.
func (r Permission) key() [4]string { return [4]string{r.Verb, r.Group, r.Resource, r.Name} }

// lockPermissions returns the permissions on the Lease that locks a roll-out: to acquire, check and release it.
func lockPermissions() []Permission {
	var out []Permission
	for _, verb := range []string{"create", "get", "update", "delete"} {
		r := Permission{Verb: verb, Group: "coordination.k8s.io", Resource: "leases", Name: lockLeaseName, Namespaces: []string{lockNamespace}}
		if verb == "create" {
			r.Name = "" // the server does not know the name of a new object when it decides
		}
		out = append(out, r)
	}
	return out
}

// stagePermissions returns the permissions that the steps of one roll-out stage and their rollback need.
func (n PermissionOptions) stagePermissions(stage Stage, policy string) []Permission {
	var out []Permission
	each := func(group, resource, name string, verbs ...string) {
		for _, verb := range verbs {
			out = append(out, Permission{Verb: verb, Group: group, Resource: resource, Name: name, perNamespace: true})
		}
	}
	each("", "namespaces", "", "get")
	if stage != StageBypass {
		each("", "namespaces", "", "patch")
	}
	switch stage {
	case StageEnforce:
		each(rbacGroup, "rolebindings", BypassName, "get") // no level is taken off while pods come past the policies
	case StageBypass:
		out = append(out, bypassPermissions(policy)...)
		each(rbacGroup, "rolebindings", "", "create")
		each(rbacGroup, "rolebindings", BypassName, "get", "delete")
	default:
	}
	if stage == StageEnforce && n.Recheck || n.Verify {
		for _, k := range ControllerKinds() {
			each(k.Resource.Group, k.Resource.Resource, "", "list")
		}
		each("", "pods", "", "list")
	}
	if n.Verify {
		each("", "events", "", "list")
		each("", "pods", "", "create")
	}
	return out
}

// ControllerKind is a built-in kind that makes pods or holds their template, as a roll-out and its verification read
// it.
type ControllerKind struct {
	Kind     string
	Resource schema.GroupVersionResource
}

// ControllerKinds returns, for a roll-out and its verification, every workload kind of the inventory's table but Pod:
// what makes pods, and PodTemplate.
func ControllerKinds() []ControllerKind {
	var out []ControllerKind
	for _, k := range inventory.WorkloadKinds() {
		if k.Name != "Pod" {
			out = append(out, ControllerKind{k.Name, k.CurrentResource()})
		}
	}
	return out
}

// bypassPermissions returns the permissions on the policy and the role of the roll-out stage bypass. RBAC lets somebody
// create a role only if he may do what the role allows, or may escalate and bind.
func bypassPermissions(policy string) []Permission {
	const policies = "podsecuritypolicies"
	return []Permission{
		{Verb: "create", Group: "policy", Resource: policies},
		{Verb: "get", Group: "policy", Resource: policies, Name: policy},
		{Verb: "delete", Group: "policy", Resource: policies, Name: policy},
		{Verb: "use", Group: "policy", Resource: policies, Name: policy, alternatives: []Permission{
			{Verb: "escalate", Group: rbacGroup, Resource: "clusterroles", Name: BypassName},
			{Verb: "bind", Group: rbacGroup, Resource: "clusterroles", Name: BypassName},
		}},
		{Verb: "create", Group: rbacGroup, Resource: "clusterroles"},
		{Verb: "get", Group: rbacGroup, Resource: "clusterroles", Name: BypassName},
		{Verb: "delete", Group: rbacGroup, Resource: "clusterroles", Name: BypassName},
		{Verb: "list", Group: rbacGroup, Resource: "rolebindings"}, // no policy is deleted that another namespace needs
	}
}

// missingPermissions asks the API server, before a roll-out, which of the permissions this user lacks, and in which
// namespaces. It returns an error if the server cannot be asked.
func missingPermissions(ctx context.Context, client dynamic.Interface, rights []Permission) ([]Permission, error) {
	var missing []Permission
	for _, r := range rights {
		lacks, err := missingPermission(ctx, client, r)
		if err != nil {
			return nil, err
		}
		if lacks != nil {
			missing = append(missing, *lacks)
		}
	}
	return missing, nil
}

// missingPermission returns a permission for a roll-out with the namespaces in which this user lacks it; nil if there
// are none. It asks for the whole cluster first.
func missingPermission(ctx context.Context, client dynamic.Interface, r Permission) (*Permission, error) {
	if r.perNamespace || len(r.Namespaces) == 0 {
		allowed, err := reviewAccess(ctx, client, r, "")
		if err != nil || allowed {
			return nil, err
		}
	}
	if len(r.Namespaces) == 0 {
		for _, or := range r.alternatives {
			if allowed, err := reviewAccess(ctx, client, or, ""); err != nil || !allowed {
				return &r, err
			}
		}
		if len(r.alternatives) > 0 {
			return nil, nil
		}
		return &r, nil
	}
	all := r.Namespaces
	r.Namespaces = nil
	for _, ns := range all {
		allowed, err := reviewAccess(ctx, client, r, ns)
		if err != nil {
			return nil, err
		}
		if !allowed {
			r.Namespaces = append(r.Namespaces, ns)
		}
	}
	if len(r.Namespaces) == 0 {
		return nil, nil
	}
	return &r, nil
}

// reviewAccess asks the API server whether this user has a permission for a roll-out in a namespace. A request about a
// namespace itself counts as one in that namespace.
func reviewAccess(ctx context.Context, client dynamic.Interface, r Permission, namespace string) (bool, error) {
	attributes := map[string]any{"verb": r.Verb, "group": r.Group, "resource": r.Resource, "name": r.Name, "namespace": namespace}
	if namespace != "" && r.Group == "" && r.Resource == "namespaces" {
		attributes["name"] = namespace
	}
	ask := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"resourceAttributes": attributes}}}
	ask.SetAPIVersion("authorization.k8s.io/v1")
	ask.SetKind("SelfSubjectAccessReview")
	var answer *unstructured.Unstructured
	err := RetryTransient(ctx, func() (err error) {
		answer, err = client.Resource(schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}).
			Create(ctx, ask, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("asking the server what this user may do (selfsubjectaccessreviews): %w", err)
	}
	allowed, found, err := unstructured.NestedBool(answer.Object, "status", "allowed")
	if err != nil || !found {
		return false, fmt.Errorf("asking the server what this user may do (selfsubjectaccessreviews): the answer says nothing of it")
	}
	return allowed, nil
}

// RBACRules returns the permissions of a roll-out and its rollback as rules of RBAC: those for the cluster, or for each
// namespace, and those for the namespace of the lock. What the rules in reads allow already is left out.
func RBACRules(n PermissionOptions, reads []rbacv1.PolicyRule) (everywhere, lock []rbacv1.PolicyRule, lockedIn string) {
	var rights []Permission
	for _, stage := range n.orderedStages() {
		rights = append(rights, n.stagePermissions(stage, bypassPolicyName(nil))...)
	}
	// These only add to what is reported: which controllers lack pods before the first step, and what changed a label.
	rights = append(rights, Permission{Verb: "list", Resource: "events"})
	for _, resource := range []string{"mutatingwebhookconfigurations", "mutatingadmissionpolicies"} {
		rights = append(rights, Permission{Verb: "list", Group: "admissionregistration.k8s.io", Resource: resource})
	}
	rights = slices.DeleteFunc(rights, func(r Permission) bool {
		return slices.ContainsFunc(reads, func(rule rbacv1.PolicyRule) bool {
			return slices.Contains(rule.Verbs, r.Verb) && slices.Contains(rule.APIGroups, r.Group) && slices.Contains(rule.Resources, r.Resource)
		})
	})
	return policyRules(rights), policyRules(lockPermissions()), lockNamespace
}

// orderedStages returns the roll-out stages to ask permissions for, in their safe order.
func (n PermissionOptions) orderedStages() []Stage {
	return StepOptions{Stages: n.Stages}.orderedStages()
}

// policyRules converts permissions for a roll-out to rules of RBAC, one for all verbs on one kind of object.
func policyRules(rights []Permission) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, r := range rights {
		rule := rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.Resource}, Verbs: []string{r.Verb}}
		if r.Name != "" {
			rule.ResourceNames = []string{r.Name}
		}
		i := slices.IndexFunc(out, func(o rbacv1.PolicyRule) bool {
			return o.APIGroups[0] == r.Group && o.Resources[0] == r.Resource && slices.Equal(o.ResourceNames, rule.ResourceNames)
		})
		switch {
		case i < 0:
			out = append(out, rule)
		case !slices.Contains(out[i].Verbs, r.Verb):
			out[i].Verbs = append(out[i].Verbs, r.Verb)
		}
	}
	return out
}
