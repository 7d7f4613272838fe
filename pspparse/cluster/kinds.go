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
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/custom"
)

// kind is one kind to list.
type kind struct {
	resource string
	// custom, if set, has the kind from the table of package custom; discovery has said then that the server serves it.
	custom *custom.Resource
	// namespace, if set, is the only one whose objects are listed.
	namespace string
	// list is the kind of the answer.
	list string
	// sources are where servers serve it, or once did; the current one first.
	sources []source
}

// source is one group version of a kind, and how its objects are read.
type source struct {
	gv     schema.GroupVersion
	decode decoder
	// asJSON asks for JSON: nothing here could read the protobuf of a PodSecurityPolicy.
	asJSON bool
}

// name tells the kind from all others.
func (k *kind) name() string {
	if k.custom == nil {
		return k.resource
	}
	return k.resource + "." + k.custom.Group
}

// podSecurityPolicies is the one resource whose absence is expected.
const podSecurityPolicies = "podsecuritypolicies"

// kinds is the table of what is always read. The long lists come first, so that the short ones run beside them.
func kinds() []kind {
	return append(workloadKinds(), accessKinds()...)
}

// Rules are what a ClusterRole must grant for a reading without gaps, and all that a reading uses besides the discovery
// paths that every signed-in user may get.
func Rules() []rbacv1.PolicyRule { return append(CoreRules(), CustomRules()...) }

// CoreRules are the part of Rules for the kinds that are always read. The extensions group serves nothing since v1.22.
func CoreRules() []rbacv1.PolicyRule {
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
		{resource: "pods", list: "PodList", sources: []source{{gv: core, decode: of(addPod)}}},
		{resource: "replicasets", list: "ReplicaSetList", sources: []source{
			{gv: apps, decode: controller("ReplicaSet", replicaSet)},
			{gv: apps2, decode: controller("ReplicaSet", replicaSetV1beta2)},
			{gv: extensions, decode: controller("ReplicaSet", replicaSetExtensions)},
		}},
		{resource: "jobs", list: "JobList", sources: []source{{gv: batch, decode: controller("Job", job)}}},
		{resource: "deployments", list: "DeploymentList", sources: []source{
			{gv: apps, decode: controller("Deployment", deployment)},
			{gv: apps2, decode: controller("Deployment", deploymentV1beta2)},
			{gv: extensions, decode: controller("Deployment", deploymentExtensions)},
		}},
		{resource: "statefulsets", list: "StatefulSetList", sources: []source{
			{gv: apps, decode: controller("StatefulSet", statefulSet)},
			{gv: apps2, decode: controller("StatefulSet", statefulSetV1beta2)},
			{gv: apps1, decode: controller("StatefulSet", statefulSetV1beta1)},
		}},
		{resource: "daemonsets", list: "DaemonSetList", sources: []source{
			{gv: apps, decode: controller("DaemonSet", daemonSet)},
			{gv: apps2, decode: controller("DaemonSet", daemonSetV1beta2)},
			{gv: extensions, decode: controller("DaemonSet", daemonSetExtensions)},
		}},
		{resource: "cronjobs", list: "CronJobList", sources: []source{
			{gv: batch, decode: controller("CronJob", cronJob)},
			{gv: batchv1beta1, decode: controller("CronJob", cronJobV1beta1)},
		}},
		{resource: "replicationcontrollers", list: "ReplicationControllerList", sources: []source{{gv: core, decode: controller("ReplicationController", replicationController)}}},
		{resource: "podtemplates", list: "PodTemplateList", sources: []source{{gv: core, decode: controller("PodTemplate", podTemplate)}}},
	}
}

func accessKinds() []kind {
	var (
		core        = corev1.SchemeGroupVersion
		rbac, rbac1 = rbacv1.SchemeGroupVersion, rbacv1beta1.SchemeGroupVersion
		policies    = schema.GroupVersion{Group: "policy", Version: "v1beta1"}
		extensions  = extensionsv1beta1.SchemeGroupVersion
	)
	return []kind{
		{resource: "serviceaccounts", list: "ServiceAccountList", sources: []source{{gv: core, decode: of(addServiceAccount)}}},
		{resource: "rolebindings", list: "RoleBindingList", sources: []source{{gv: rbac, decode: of(addRoleBinding)}, {gv: rbac1, decode: of(addRoleBindingV1beta1)}}},
		{resource: "roles", list: "RoleList", sources: []source{{gv: rbac, decode: of(addRole)}, {gv: rbac1, decode: of(addRoleV1beta1)}}},
		{resource: "namespaces", list: "NamespaceList", sources: []source{{gv: core, decode: of(addNamespace)}}},
		{resource: "clusterrolebindings", list: "ClusterRoleBindingList", sources: []source{
			{gv: rbac, decode: of(addClusterRoleBinding)}, {gv: rbac1, decode: of(addClusterRoleBindingV1beta1)},
		}},
		{resource: "clusterroles", list: "ClusterRoleList", sources: []source{{gv: rbac, decode: of(addClusterRole)}, {gv: rbac1, decode: of(addClusterRoleV1beta1)}}},
		{resource: podSecurityPolicies, list: "PodSecurityPolicyList", sources: []source{
			{gv: policies, decode: policy(policies), asJSON: true}, {gv: extensions, decode: policy(extensions), asJSON: true},
		}},
	}
}
