package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// kind is one kind to list.
type kind struct {
	resource string
	// list is the kind of the answer.
	list string
	// sources are where servers serve it, or once did; the current one first.
	sources []source
}

// source is one group version of a kind, and how its objects enter the inventory.
type source struct {
	gv  schema.GroupVersion
	add adder
	// asJSON reads through the dynamic client: the types of PodSecurityPolicies left k8s.io/api.
	asJSON bool
}

// adder puts one object of a list into the inventory; false means that it is not of the kind that was asked for.
type adder func(*inventory.Builder, runtime.Object) bool

// podSecurityPolicies is the one resource whose absence is expected.
const podSecurityPolicies = "podsecuritypolicies"

// kinds is the table of everything that is read. The long lists come first, so that the short ones run beside them.
func kinds() []kind {
	return append(workloadKinds(), accessKinds()...)
}

// Rules are what a ClusterRole must grant for a reading without gaps, and all that a reading uses besides the discovery
// paths that every signed-in user may get. The extensions group serves nothing since v1.22.
func Rules() []rbacv1.PolicyRule {
	byGroup := map[string][]string{}
	var groups []string
	for _, k := range kinds() {
		for i, s := range k.sources {
			if i > 0 && s.gv.Group == k.sources[i-1].gv.Group {
				continue
			}
			if byGroup[s.gv.Group] == nil {
				groups = append(groups, s.gv.Group)
			}
			byGroup[s.gv.Group] = append(byGroup[s.gv.Group], k.resource)
		}
	}
	rules := make([]rbacv1.PolicyRule, 0, len(groups))
	for _, g := range groups {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{g}, Resources: byGroup[g], Verbs: []string{"get", "list"}})
	}
	return rules
}

func workloadKinds() []kind {
	var (
		core                = corev1.SchemeGroupVersion
		apps, apps2, apps1  = appsv1.SchemeGroupVersion, appsv1beta2.SchemeGroupVersion, appsv1beta1.SchemeGroupVersion
		extensions          = extensionsv1beta1.SchemeGroupVersion
		batch, batchv1beta1 = batchv1.SchemeGroupVersion, batchv1beta1.SchemeGroupVersion
	)
	return []kind{
		{"pods", "PodList", []source{{gv: core, add: as(addPod)}}},
		{"replicasets", "ReplicaSetList", []source{
			{gv: apps, add: controller("ReplicaSet", replicaSet)},
			{gv: apps2, add: controller("ReplicaSet", replicaSetV1beta2)},
			{gv: extensions, add: controller("ReplicaSet", replicaSetExtensions)},
		}},
		{"jobs", "JobList", []source{{gv: batch, add: controller("Job", job)}}},
		{"deployments", "DeploymentList", []source{
			{gv: apps, add: controller("Deployment", deployment)},
			{gv: apps2, add: controller("Deployment", deploymentV1beta2)},
			{gv: extensions, add: controller("Deployment", deploymentExtensions)},
		}},
		{"statefulsets", "StatefulSetList", []source{
			{gv: apps, add: controller("StatefulSet", statefulSet)},
			{gv: apps2, add: controller("StatefulSet", statefulSetV1beta2)},
			{gv: apps1, add: controller("StatefulSet", statefulSetV1beta1)},
		}},
		{"daemonsets", "DaemonSetList", []source{
			{gv: apps, add: controller("DaemonSet", daemonSet)},
			{gv: apps2, add: controller("DaemonSet", daemonSetV1beta2)},
			{gv: extensions, add: controller("DaemonSet", daemonSetExtensions)},
		}},
		{"cronjobs", "CronJobList", []source{
			{gv: batch, add: controller("CronJob", cronJob)},
			{gv: batchv1beta1, add: controller("CronJob", cronJobV1beta1)},
		}},
		{"replicationcontrollers", "ReplicationControllerList", []source{{gv: core, add: controller("ReplicationController", replicationController)}}},
		{"podtemplates", "PodTemplateList", []source{{gv: core, add: controller("PodTemplate", podTemplate)}}},
	}
}

func accessKinds() []kind {
	var (
		core        = corev1.SchemeGroupVersion
		rbac, rbac1 = rbacv1.SchemeGroupVersion, rbacv1beta1.SchemeGroupVersion
		policy      = schema.GroupVersion{Group: "policy", Version: "v1beta1"}
		extensions  = extensionsv1beta1.SchemeGroupVersion
	)
	return []kind{
		{"serviceaccounts", "ServiceAccountList", []source{{gv: core, add: as(addServiceAccount)}}},
		{"rolebindings", "RoleBindingList", []source{{gv: rbac, add: as(addRoleBinding)}, {gv: rbac1, add: as(addRoleBindingV1beta1)}}},
		{"roles", "RoleList", []source{{gv: rbac, add: as(addRole)}, {gv: rbac1, add: as(addRoleV1beta1)}}},
		{"namespaces", "NamespaceList", []source{{gv: core, add: as(addNamespace)}}},
		{"clusterrolebindings", "ClusterRoleBindingList", []source{
			{gv: rbac, add: as(addClusterRoleBinding)}, {gv: rbac1, add: as(addClusterRoleBindingV1beta1)},
		}},
		{"clusterroles", "ClusterRoleList", []source{{gv: rbac, add: as(addClusterRole)}, {gv: rbac1, add: as(addClusterRoleV1beta1)}}},
		{podSecurityPolicies, "PodSecurityPolicyList", []source{
			{gv: policy, add: as(addPolicy), asJSON: true}, {gv: extensions, add: as(addPolicy), asJSON: true},
		}},
	}
}

// newScheme knows exactly the group versions in the table. The scheme of client-go knows every API there is, which
// costs each start time and the binary megabytes.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(
		corev1.AddToScheme, appsv1.AddToScheme, appsv1beta2.AddToScheme, appsv1beta1.AddToScheme,
		extensionsv1beta1.AddToScheme, batchv1.AddToScheme, batchv1beta1.AddToScheme,
		rbacv1.AddToScheme, rbacv1beta1.AddToScheme,
	)
	return scheme, builder.AddToScheme(scheme)
}

// as turns a function over one concrete type into an adder.
func as[T runtime.Object](add func(*inventory.Builder, T)) adder {
	return func(b *inventory.Builder, o runtime.Object) bool {
		x, ok := o.(T)
		if ok {
			add(b, x)
		}
		return ok
	}
}
