package cluster

import (
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// listedKind is one kind of object that is listed from clusters, and the group versions in which servers serve it.
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

// kindSource is one group version in which a server serves a kind, and how its objects are decoded.
type kindSource struct {
	// gv is the group version.
	gv schema.GroupVersion
	// decode decodes its objects.
	decode objectDecoder
	// asJSON asks for JSON: nothing here could read the protobuf of a PodSecurityPolicy.
	asJSON bool
}

// qualifiedResource returns the name of the resource that is listed from clusters, with the API group if it is a custom
// one.
func (k *listedKind) qualifiedResource() string {
	if k.custom == nil {
		return k.resource
	}
	return k.resource + "." + k.custom.Group
}

// podSecurityPoliciesResource is the one resource whose absence is expected.
const podSecurityPoliciesResource = "podsecuritypolicies"

// builtinKinds returns the kinds that are always read from a cluster. The long lists come first, so that the short ones
// are read beside them.
func builtinKinds() []listedKind {
	return append(workloadKinds(), accessControlKinds()...)
}

// ReadRules returns what a ClusterRole must grant to read a cluster without gaps. Besides that, a reading uses only the
// discovery paths that every signed-in user may get.
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

// workloadKinds returns the workload kinds of the inventory's table as they are listed from a cluster: the long lists
// first, and only the versions that have a decoder here.
func workloadKinds() []listedKind {
	type decoders map[string]objectDecoder // by apiVersion
	var kinds []listedKind
	for _, d := range []struct {
		kind string
		decoders
	}{
		{"Pod", decoders{"v1": podDecoder()}},
		{"ReplicaSet", decoders{
			"apps/v1":            controllerDecoder("ReplicaSet", podsOfReplicaSet),
			"apps/v1beta2":       controllerDecoder("ReplicaSet", podsOfReplicaSetV1beta2),
			"extensions/v1beta1": controllerDecoder("ReplicaSet", podsOfReplicaSetExtensions),
		}},
		{"Job", decoders{"batch/v1": controllerDecoder("Job", podsOfJob)}},
		{"Deployment", decoders{
			"apps/v1":            controllerDecoder("Deployment", podsOfDeployment),
			"apps/v1beta2":       controllerDecoder("Deployment", podsOfDeploymentV1beta2),
			"extensions/v1beta1": controllerDecoder("Deployment", podsOfDeploymentExtensions),
		}},
		{"StatefulSet", decoders{
			"apps/v1":      controllerDecoder("StatefulSet", podsOfStatefulSet),
			"apps/v1beta2": controllerDecoder("StatefulSet", podsOfStatefulSetV1beta2),
			"apps/v1beta1": controllerDecoder("StatefulSet", podsOfStatefulSetV1beta1),
		}},
		{"DaemonSet", decoders{
			"apps/v1":            controllerDecoder("DaemonSet", podsOfDaemonSet),
			"apps/v1beta2":       controllerDecoder("DaemonSet", podsOfDaemonSetV1beta2),
			"extensions/v1beta1": controllerDecoder("DaemonSet", podsOfDaemonSetExtensions),
		}},
		{"CronJob", decoders{
			"batch/v1":      controllerDecoder("CronJob", podsOfCronJob),
			"batch/v1beta1": controllerDecoder("CronJob", podsOfCronJobV1beta1),
		}},
		{"ReplicationController", decoders{"v1": controllerDecoder("ReplicationController", podsOfReplicationController)}},
		{"PodTemplate", decoders{"v1": controllerDecoder("PodTemplate", podsOfPodTemplate)}},
	} {
		k, _ := inventory.WorkloadKindOf(d.kind)
		listed := listedKind{resource: k.Resource, listKind: k.Name + "List"}
		for _, version := range k.APIVersions {
			if decode := d.decoders[version]; decode != nil {
				listed.sources = append(listed.sources, kindSource{gv: schema.FromAPIVersionAndKind(version, k.Name).GroupVersion(), decode: decode})
			}
		}
		kinds = append(kinds, listed)
	}
	return kinds
}

// accessControlKinds returns the kinds to list from a cluster that say who may use which policy: accounts, roles,
// bindings, namespaces and PodSecurityPolicies.
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
