package inventory

import "k8s.io/apimachinery/pkg/runtime/schema"

// WorkloadKind describes one kind of Kubernetes' own API that is a pod or holds a pod template. Everything that treats
// workload kinds alike reads the table of WorkloadKinds; a new kind is one more row there.
type WorkloadKind struct {
	// Name is the kind of one object, Resource its plural in URLs, ShortName what kubectl takes for both; "" for none.
	Name, Resource, ShortName string
	// APIVersions are all under which API servers serve the kind or once did, the current one first. The objects of all of
	// them are read as the current one.
	APIVersions []string
	// TemplatePath names the fields that lead to the pod template; nil for a Pod.
	TemplatePath []string
	// ReplicasField is the field of spec that says how many pods an object asks for; "" for a kind that asks for no number.
	ReplicasField string
	// CountsPods is true for a kind without ReplicasField whose number of pods is that of the pods it has.
	CountsPods bool
	// ParentKind is the kind whose objects make objects of this one from their own pod template; "" for none.
	ParentKind string
	// Controller is the service account in kube-system of the controller that creates the pods; "" for a Pod and a PodTemplate.
	Controller string
	// ClaimVolumes is true where the controller adds a volume to the pods for each of spec.volumeClaimTemplates.
	ClaimVolumes bool
	// FixedTemplate is true where the API server refuses a change of the pod template of an existing object.
	FixedTemplate bool

	// isNameSuffix reports whether a text can be what ParentKind's controller adds to its own name, after a dash.
	isNameSuffix func(string) bool
}

// workloadKinds is the table of all workload kinds.
var workloadKinds = func() []WorkloadKind {
	const (
		replicaSetController = "replicaset-controller"
		jobController        = "job-controller"
	)
	template := []string{"spec", "template"}
	jobTemplate := append([]string{"spec", "jobTemplate"}, template...)
	return []WorkloadKind{
		{Name: "Pod", Resource: "pods", ShortName: "po", APIVersions: []string{"v1"}, FixedTemplate: true},
		{Name: "Deployment", Resource: "deployments", ShortName: "deploy", APIVersions: []string{"apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"}, TemplatePath: template, ReplicasField: replicasField, Controller: replicaSetController},
		{Name: "ReplicaSet", Resource: "replicasets", ShortName: "rs", APIVersions: []string{"apps/v1", "apps/v1beta2", "extensions/v1beta1"}, TemplatePath: template, ReplicasField: replicasField, ParentKind: "Deployment", isNameSuffix: isTemplateHash, Controller: replicaSetController},
		{Name: "ReplicationController", Resource: "replicationcontrollers", ShortName: "rc", APIVersions: []string{"v1"}, TemplatePath: template, ReplicasField: replicasField, Controller: "replication-controller"},
		{Name: "StatefulSet", Resource: "statefulsets", ShortName: "sts", APIVersions: []string{"apps/v1", "apps/v1beta2", "apps/v1beta1"}, TemplatePath: template, ReplicasField: replicasField, ClaimVolumes: true, Controller: "statefulset-controller"},
		{Name: "DaemonSet", Resource: "daemonsets", ShortName: "ds", APIVersions: []string{"apps/v1", "apps/v1beta2", "extensions/v1beta1"}, TemplatePath: template, CountsPods: true, Controller: "daemon-set-controller"},
		{Name: "Job", Resource: "jobs", APIVersions: []string{"batch/v1"}, TemplatePath: template, FixedTemplate: true, ReplicasField: parallelismField, ParentKind: "CronJob", isNameSuffix: isScheduledTime, Controller: jobController},
		{Name: "CronJob", Resource: "cronjobs", ShortName: "cj", APIVersions: []string{"batch/v1", "batch/v1beta1", "batch/v2alpha1"}, TemplatePath: jobTemplate, CountsPods: true, Controller: jobController},
		{Name: "PodTemplate", Resource: "podtemplates", APIVersions: []string{"v1"}, TemplatePath: []string{"template"}},
	}
}()

// replicasField and parallelismField are the fields of spec by which objects ask for pods. A Job asks for none while it is
// suspended.
const (
	replicasField    = "replicas"
	parallelismField = "parallelism"
)

// WorkloadKinds returns the table of all workload kinds, which must not be changed.
func WorkloadKinds() []WorkloadKind { return workloadKinds }

// CurrentResource returns the resource of the kind under its current apiVersion.
func (k *WorkloadKind) CurrentResource() schema.GroupVersionResource {
	return schema.FromAPIVersionAndKind(k.APIVersions[0], k.Name).GroupVersion().WithResource(k.Resource)
}

// WorkloadKindOf finds a workload kind by its name; false for a kind that is not in the table.
func WorkloadKindOf(name string) (WorkloadKind, bool) {
	if k := workloadKind(name); k != nil {
		return *k, true
	}
	return WorkloadKind{}, false
}

// workloadKind finds the row of the table of workload kinds with a name; nil for none.
func workloadKind(name string) *WorkloadKind {
	for i := range workloadKinds {
		if workloadKinds[i].Name == name {
			return &workloadKinds[i]
		}
	}
	return nil
}

// isTemplateHash reports whether a text can be the hash of a pod template that a Deployment gives the names of its ReplicaSets.
func isTemplateHash(suffix string) bool {
	return allBytes(suffix, func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' })
}

// isScheduledTime reports, to merge workloads of an inventory, whether a text can be the time that a CronJob gives the
// names of its Jobs.
func isScheduledTime(suffix string) bool { return allBytes(suffix, isDigit) }
