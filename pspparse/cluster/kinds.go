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

// listedKind is one kind of object that is listed, and where servers serve it.
type listedKind struct {
	// resource is the name in the path of the list.
	resource string
	// custom, if set, has the kind from the table of package custom; discovery has said then that the server serves it.
	custom *custom.KnownResource
	// namespace, if set, is the only one whose objects are listed.
	namespace string
	// listKind is the kind of the answer.
	listKind string
	// sources are the group versions in which servers serve it, or once did; the current one first.
	sources []kindSource
}

// kindSource is one group version in which a kind is served, and how its objects are decoded.
type kindSource struct {
	// gv is the group version.
	gv schema.GroupVersion
	// decode decodes its objects.
	decode objectDecoder
	// asJSON asks for JSON: nothing here could read the protobuf of a PodSecurityPolicy.
	asJSON bool
}

// qualifiedResource returns the name of the kind's resource, with the API group if it is a custom one.
func (k *listedKind) qualifiedResource() string {
	if k.custom == nil {
		return k.resource
	}
	return k.resource + "." + k.custom.Group
}

// podSecurityPoliciesResource is the one resource whose absence is expected.
const podSecurityPoliciesResource = "podsecuritypolicies"

// builtinKinds returns the kinds that are always read. The long lists come first, so that the short ones are read beside them.
func builtinKinds() []listedKind {
	return append(workloadKinds(), accessControlKinds()...)
}

// ReadRules returns what a ClusterRole must grant for a reading without gaps. Besides that, a reading uses only the discovery
// paths that every signed-in user may get.
func ReadRules() []rbacv1.PolicyRule { return append(CoreReadRules(), CustomResourceRules()...) }

// CoreReadRules returns the part of ReadRules for the kinds that are always read. The extensions group serves nothing since
// v1.22.
func CoreReadRules() []rbacv1.PolicyRule {
	byGroup := map[string][]string{}
	var groups []string
	for _, k := range builtinKinds() {
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

// workloadKinds returns the kinds that are pods or make them, with all group versions that ever served them.
func workloadKinds() []listedKind {
	var (
		core                = corev1.SchemeGroupVersion
		apps, apps2, apps1  = appsv1.SchemeGroupVersion, appsv1beta2.SchemeGroupVersion, appsv1beta1.SchemeGroupVersion
		extensions          = extensionsv1beta1.SchemeGroupVersion
		batch, batchv1beta1 = batchv1.SchemeGroupVersion, batchv1beta1.SchemeGroupVersion
	)
	return []listedKind{
		{resource: "pods", listKind: "PodList", sources: []kindSource{{gv: core, decode: podDecoder()}}},
		{resource: "replicasets", listKind: "ReplicaSetList", sources: []kindSource{
			{gv: apps, decode: controllerDecoder("ReplicaSet", podsOfReplicaSet)},
			{gv: apps2, decode: controllerDecoder("ReplicaSet", podsOfReplicaSetV1beta2)},
			{gv: extensions, decode: controllerDecoder("ReplicaSet", podsOfReplicaSetExtensions)},
		}},
		{resource: "jobs", listKind: "JobList", sources: []kindSource{{gv: batch, decode: controllerDecoder("Job", podsOfJob)}}},
		{resource: "deployments", listKind: "DeploymentList", sources: []kindSource{
			{gv: apps, decode: controllerDecoder("Deployment", podsOfDeployment)},
			{gv: apps2, decode: controllerDecoder("Deployment", podsOfDeploymentV1beta2)},
			{gv: extensions, decode: controllerDecoder("Deployment", podsOfDeploymentExtensions)},
		}},
		{resource: "statefulsets", listKind: "StatefulSetList", sources: []kindSource{
			{gv: apps, decode: controllerDecoder("StatefulSet", podsOfStatefulSet)},
			{gv: apps2, decode: controllerDecoder("StatefulSet", podsOfStatefulSetV1beta2)},
			{gv: apps1, decode: controllerDecoder("StatefulSet", podsOfStatefulSetV1beta1)},
		}},
		{resource: "daemonsets", listKind: "DaemonSetList", sources: []kindSource{
			{gv: apps, decode: controllerDecoder("DaemonSet", podsOfDaemonSet)},
			{gv: apps2, decode: controllerDecoder("DaemonSet", podsOfDaemonSetV1beta2)},
			{gv: extensions, decode: controllerDecoder("DaemonSet", podsOfDaemonSetExtensions)},
		}},
		{resource: "cronjobs", listKind: "CronJobList", sources: []kindSource{
			{gv: batch, decode: controllerDecoder("CronJob", podsOfCronJob)},
			{gv: batchv1beta1, decode: controllerDecoder("CronJob", podsOfCronJobV1beta1)},
		}},
		{resource: "replicationcontrollers", listKind: "ReplicationControllerList", sources: []kindSource{{gv: core, decode: controllerDecoder("ReplicationController", podsOfReplicationController)}}},
		{resource: "podtemplates", listKind: "PodTemplateList", sources: []kindSource{{gv: core, decode: controllerDecoder("PodTemplate", podsOfPodTemplate)}}},
	}
}

// accessControlKinds returns the kinds that say who may use which policy: accounts, roles, bindings, namespaces and
// PodSecurityPolicies.
func accessControlKinds() []listedKind {
	var (
		core        = corev1.SchemeGroupVersion
		rbac, rbac1 = rbacv1.SchemeGroupVersion, rbacv1beta1.SchemeGroupVersion
		policies    = schema.GroupVersion{Group: "policy", Version: "v1beta1"}
		extensions  = extensionsv1beta1.SchemeGroupVersion
	)
	return []listedKind{
		{resource: "serviceaccounts", listKind: "ServiceAccountList", sources: []kindSource{{gv: core, decode: decoderFor(addServiceAccount)}}},
		{resource: "rolebindings", listKind: "RoleBindingList", sources: []kindSource{{gv: rbac, decode: decoderFor(addRoleBinding)}, {gv: rbac1, decode: decoderFor(addRoleBindingV1beta1)}}},
		{resource: "roles", listKind: "RoleList", sources: []kindSource{{gv: rbac, decode: decoderFor(addRole)}, {gv: rbac1, decode: decoderFor(addRoleV1beta1)}}},
		{resource: "namespaces", listKind: "NamespaceList", sources: []kindSource{{gv: core, decode: decoderFor(addNamespace)}}},
		{resource: "clusterrolebindings", listKind: "ClusterRoleBindingList", sources: []kindSource{
			{gv: rbac, decode: decoderFor(addClusterRoleBinding)}, {gv: rbac1, decode: decoderFor(addClusterRoleBindingV1beta1)},
		}},
		{resource: "clusterroles", listKind: "ClusterRoleList", sources: []kindSource{{gv: rbac, decode: decoderFor(addClusterRole)}, {gv: rbac1, decode: decoderFor(addClusterRoleV1beta1)}}},
		{resource: podSecurityPoliciesResource, listKind: "PodSecurityPolicyList", sources: []kindSource{
			{gv: policies, decode: podSecurityPolicyDecoder(policies), asJSON: true}, {gv: extensions, decode: podSecurityPolicyDecoder(extensions), asJSON: true},
		}},
	}
}
