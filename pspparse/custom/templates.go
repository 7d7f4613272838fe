package custom

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// templateKind is a custom kind of which pods are made.
type templateKind struct {
	KnownResource
	// partial is true where the controller adds to what the object says of its pods, so that the object never states all of
	// them.
	partial bool
}

// parseTemplateKinds returns the custom kinds of one group from names like "rollouts Rollout"; a kind that ends in * is
// cluster-scoped.
func parseTemplateKinds(group, versions string, partial bool, names ...string) []templateKind {
	var out []templateKind
	for _, name := range names {
		plural, kind, _ := strings.Cut(name, " ")
		kind, cluster := strings.CutSuffix(kind, "*")
		out = append(out, templateKind{partial: partial, KnownResource: KnownResource{
			Group: group, Versions: strings.Fields(versions), Name: plural, Kind: kind, Namespaced: !cluster,
		}})
	}
	return out
}

const (
	// wholeTemplates is true where the pod templates of a kind describe all of its pods.
	wholeTemplates = false
	// partialTemplates says that the controller of a kind adds to what its objects say of their pods.
	partialTemplates = true
)

// templateKinds returns the custom kinds that are known to hold pod templates or parts of one: those of a group, or all for
// "".
func templateKinds(of string) []templateKind {
	var out []templateKind
	add := func(group, versions string, partial bool, names ...string) {
		if of == "" || of == group {
			out = append(out, parseTemplateKinds(group, versions, partial, names...)...)
		}
	}
	// argoproj/argo-rollouts: pkg/apis/rollouts/v1alpha1; argoproj/argo-workflows: pkg/apis/workflow/v1alpha1. Workflows
	// gain the executor's containers.
	add("argoproj.io", "v1alpha1", wholeTemplates, "rollouts Rollout", "experiments Experiment", "analysistemplates AnalysisTemplate",
		"clusteranalysistemplates ClusterAnalysisTemplate*", "analysisruns AnalysisRun")
	add("argoproj.io", "v1alpha1", partialTemplates, "workflows Workflow", "workflowtemplates WorkflowTemplate",
		"clusterworkflowtemplates ClusterWorkflowTemplate*", "cronworkflows CronWorkflow")
	// knative/serving: pkg/apis/serving/v1. The queue proxy is added.
	add("serving.knative.dev", "v1", partialTemplates, "services Service", "configurations Configuration", "revisions Revision")
	// tektoncd/pipeline: pkg/apis/pipeline. The entrypoint's containers are added.
	add("tekton.dev", "v1 v1beta1", partialTemplates, "tasks Task", "taskruns TaskRun", "pipelines Pipeline", "pipelineruns PipelineRun")
	add("tekton.dev", "v1beta1", partialTemplates, "clustertasks ClusterTask*")
	// openkruise/kruise-api: apps.
	add("apps.kruise.io", "v1alpha1", wholeTemplates, "clonesets CloneSet", "daemonsets DaemonSet", "broadcastjobs BroadcastJob",
		"advancedcronjobs AdvancedCronJob", "uniteddeployments UnitedDeployment")
	add("apps.kruise.io", "v1beta1 v1alpha1", wholeTemplates, "statefulsets StatefulSet")
	// kubevirt/kubevirt: pkg/virt-controller/services. The object describes a machine, not the pod that runs it.
	add("kubevirt.io", "v1", partialTemplates, "virtualmachines VirtualMachine", "virtualmachineinstances VirtualMachineInstance",
		"virtualmachineinstancereplicasets VirtualMachineInstanceReplicaSet")
	// strimzi/strimzi-kafka-operator: packaging/install/cluster-operator.
	add("core.strimzi.io", "v1 v1beta2", wholeTemplates, "strimzipodsets StrimziPodSet")
	add("kafka.strimzi.io", "v1 v1beta2", partialTemplates, "kafkas Kafka", "kafkaconnects KafkaConnect", "kafkanodepools KafkaNodePool",
		"kafkabridges KafkaBridge", "kafkamirrormakers KafkaMirrorMaker", "kafkamirrormaker2s KafkaMirrorMaker2")
	// prometheus-operator: pkg/apis/monitoring. What is given is merged into the operator's own pods.
	add("monitoring.coreos.com", "v1", partialTemplates, "prometheuses Prometheus", "alertmanagers Alertmanager", "thanosrulers ThanosRuler")
	add("monitoring.coreos.com", "v1alpha1", partialTemplates, "prometheusagents PrometheusAgent")
	// elastic/cloud-on-k8s: pkg/apis.
	add("elasticsearch.k8s.elastic.co", "v1", partialTemplates, "elasticsearches Elasticsearch")
	add("kibana.k8s.elastic.co", "v1", partialTemplates, "kibanas Kibana")
	add("beat.k8s.elastic.co", "v1beta1", partialTemplates, "beats Beat")
	add("agent.k8s.elastic.co", "v1alpha1", partialTemplates, "agents Agent")
	add("logstash.k8s.elastic.co", "v1alpha1", partialTemplates, "logstashes Logstash")
	add("apm.k8s.elastic.co", "v1", partialTemplates, "apmservers ApmServer")
	// kubeflow/spark-operator: api/v1beta2.
	add("sparkoperator.k8s.io", "v1beta2", partialTemplates, "sparkapplications SparkApplication", "scheduledsparkapplications ScheduledSparkApplication")
	// kubeflow: training-operator, trainer, notebook-controller.
	add("kubeflow.org", "v1", wholeTemplates, "pytorchjobs PyTorchJob", "tfjobs TFJob", "xgboostjobs XGBoostJob", "paddlejobs PaddleJob",
		"jaxjobs JAXJob", "notebooks Notebook")
	add("kubeflow.org", "v1 v2beta1", wholeTemplates, "mpijobs MPIJob")
	add("trainer.kubeflow.org", "v1alpha1", wholeTemplates, "trainingruntimes TrainingRuntime", "clustertrainingruntimes ClusterTrainingRuntime*")
	add("trainer.kubeflow.org", "v1alpha1", partialTemplates, "trainjobs TrainJob")
	// kedacore/keda: apis/keda/v1alpha1.
	add("keda.sh", "v1alpha1", wholeTemplates, "scaledjobs ScaledJob")
	// ray-project/kuberay: ray-operator/apis/ray.
	add("ray.io", "v1 v1alpha1", wholeTemplates, "rayclusters RayCluster", "rayjobs RayJob", "rayservices RayService")
	// apache/flink-kubernetes-operator.
	add("flink.apache.org", "v1beta1", partialTemplates, "flinkdeployments FlinkDeployment")
	// actions/actions-runner-controller: apis. The older group adds a privileged Docker sidecar by default.
	add("actions.github.com", "v1alpha1", wholeTemplates, "autoscalingrunnersets AutoscalingRunnerSet", "ephemeralrunnersets EphemeralRunnerSet",
		"ephemeralrunners EphemeralRunner", "autoscalinglisteners AutoscalingListener")
	add("actions.summerwind.dev", "v1alpha1", partialTemplates, "runnerdeployments RunnerDeployment", "runnerreplicasets RunnerReplicaSet",
		"runnersets RunnerSet", "runners Runner")
	// kubernetes-sigs/jobset and lws, volcano-sh/apis, openshift/api.
	add("jobset.x-k8s.io", "v1alpha2", wholeTemplates, "jobsets JobSet")
	add("leaderworkerset.x-k8s.io", "v1", wholeTemplates, "leaderworkersets LeaderWorkerSet")
	add("batch.volcano.sh", "v1alpha1", wholeTemplates, "jobs Job")
	add("apps.openshift.io", "v1", wholeTemplates, "deploymentconfigs DeploymentConfig")
	// crossplane/crossplane: apis/pkg/v1beta1.
	add("pkg.crossplane.io", "v1beta1", partialTemplates, "deploymentruntimeconfigs DeploymentRuntimeConfig*")
	// metallb/metallb-operator: api/v1beta1. It runs the speaker, which wants the host's network.
	add("metallb.io", "v1beta1", partialTemplates, "metallbs MetalLB")
	add("opentelemetry.io", "v1beta1 v1alpha1", partialTemplates, "opentelemetrycollectors OpenTelemetryCollector")
	add("operator.victoriametrics.com", "v1beta1", partialTemplates, "vmagents VMAgent", "vmalerts VMAlert", "vmalertmanagers VMAlertmanager",
		"vmsingles VMSingle", "vmclusters VMCluster", "vmauths VMAuth")
	add("jenkins.io", "v1alpha2", partialTemplates, "jenkins Jenkins")
	add("postgresql.cnpg.io", "v1", partialTemplates, "poolers Pooler", "clusters Cluster")
	return out
}

// templateResources returns the custom kinds that are known to hold pod templates.
func templateResources() []KnownResource {
	var out []KnownResource
	for _, k := range templateKinds("") {
		out = append(out, k.KnownResource)
	}
	return out
}

// templateKindOf finds a custom kind with pod templates by its group. A version that is not known is read like those that
// are.
func templateKindOf(apiVersion, kind string) (templateKind, bool) {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return templateKind{}, false
	}
	for _, k := range templateKinds(group) {
		if k.Kind == kind {
			return k, true
		}
	}
	return templateKind{}, false
}

// readTemplates adds an object of a kind that is known to hold pod templates, with the templates that it has and with what
// they leave open. It returns false for any other kind.
func readTemplates(sink inventory.CustomSink, o RawObject) bool {
	k, ok := templateKindOf(o.APIVersion, o.Kind)
	if !ok {
		return false
	}
	c := inventory.CustomObject{APIVersion: o.APIVersion, Kind: o.Kind, ClusterScoped: !k.Namespaced, JSON: o.JSON, Position: o.Position}
	if k.Kind == "DeploymentRuntimeConfig" { // Crossplane makes Deployments of it, in its own namespace
		c.OwnerKinds = []string{"ProviderRevision", "FunctionRevision"}
	}
	tree, why := parseTree(o.JSON)
	switch {
	case why != "":
		c.UnevaluatedReason = message.New("object-not-searched", "reason", why)
	case makesNoPods(k.Kind, tree):
		return true
	case k.partial:
		collected := newPartialTemplate(tree)
		part := collected.templates()
		if (k.Group == "tekton.dev" || k.Kind == "Revision") && len(part) > 0 { // pods get the labels and annotations of the object
			part[0].PodMetas = append(part[0].PodMetas, marshalJSON(tree["metadata"]))
		}
		c.Templates, c.References = part, customReferences(tree)
		c.UnevaluatedReason = partialTemplateReason(o, collected.first)
		c.UnreadPatch = collected.unreadPatch
		if hasFinished(tree) {
			c.UnevaluatedReason = message.Message{}
		}
	default:
		f := searchTemplates(tree, k.Kind == "StrimziPodSet")
		c.Templates, c.WorkloadRef, c.References = f.templates, workloadRefOf(tree), customReferences(tree)
		if len(f.templates) == 0 && c.WorkloadRef == (inventory.Owner{}) || f.firstRemainder() != "" {
			c.UnevaluatedReason, c.MayGrant = wholeTemplateReason(o, f), f.affectedPart() != inventory.PartWorkloads
		}
	}
	addCustomObject(sink, o, c)
	return true
}

// makesNoPods reports whether a custom object makes no pods although others of its kind do.
func makesNoPods(kind string, tree map[string]any) bool {
	spec, _ := tree["spec"].(map[string]any)
	switch kind {
	case "OpenTelemetryCollector":
		return spec["mode"] == "sidecar" // it is added to other pods
	case "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun":
		metrics, ok := spec["metrics"].([]any)
		return ok && !slices.ContainsFunc(metrics, func(v any) bool {
			metric, _ := v.(map[string]any)
			provider, ok := metric["provider"].(map[string]any)
			return !ok || provider["job"] != nil
		})
	}
	return false
}

// addCustomObject delivers a custom object. Where its templates cannot be decoded, it is delivered without them, or else
// becomes a gap.
func addCustomObject(sink inventory.CustomSink, o RawObject, c inventory.CustomObject) {
	err := sink.AddCustomObject(c)
	if err == nil {
		return
	}
	c.Templates = nil
	c.UnevaluatedReason = message.New("template-invalid", "error", err, "advice", unevaluatedAdvice(o))
	if sink.AddCustomObject(c) != nil {
		sink.AddGap(inventory.Gap{What: customObjectText(o), Why: message.New("object-invalid", "error", err), Position: o.Position, Namespaces: gapNamespaces(o)})
	}
}

// unevaluatedAdvice returns the advice about pods of a custom object that were not read.
func unevaluatedAdvice(o RawObject) string {
	if o.Position.File == "" { // of a cluster, whose pods were read
		return "none of its pods is there now: have it make one, or accept this with --allow-partial"
	}
	return "read the pods that it makes, too (-f of a dump, or --context)"
}

// partialTemplateReason returns the reason of a gap: a custom kind never states all of its pods. At is the path of the
// first piece of a pod that it does state.
func partialTemplateReason(o RawObject, at string) message.Message {
	return message.New("template-partial", "injected", o.Kind == "SidecarSet", "apiVersion", escapeText(o.APIVersion), "path", at, "advice", unevaluatedAdvice(o))
}

// wholeTemplateReason returns the reason of a gap on the pods of a custom kind with whole templates, after a search
// that did not find all of them.
func wholeTemplateReason(o RawObject, f searchResult) message.Message {
	return message.New("template-missing", "apiVersion", escapeText(o.APIVersion), "remainder", f.firstRemainder(), "advice", unevaluatedAdvice(o))
}

// workloadRefOf returns the workload whose pod template a Rollout uses; zero if it has its own.
func workloadRefOf(tree map[string]any) inventory.Owner {
	spec, _ := tree["spec"].(map[string]any)
	ref, _ := spec["workloadRef"].(map[string]any)
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	if kind == "" || name == "" {
		return inventory.Owner{}
	}
	return inventory.Owner{Kind: kind, Name: name}
}

// customReferences returns the custom objects from which a custom object makes its pods.
func customReferences(tree map[string]any) []inventory.CustomReference {
	var out []inventory.CustomReference
	var walk func(v any)
	walk = func(v any) {
		if m, ok := v.(map[string]any); ok {
			out = append(out, referencesOf(m)...)
		}
		for _, item := range jsonChildren(v) {
			walk(item)
		}
	}
	walk(tree["spec"])
	return out
}

// referencesOf returns what the fields of one object within a custom object refer to.
func referencesOf(m map[string]any) []inventory.CustomReference {
	var out []inventory.CustomReference
	for _, ref := range []struct{ key, kind string }{
		{"taskRef", "Task"}, {"pipelineRef", "Pipeline"}, {"workflowTemplateRef", "WorkflowTemplate"}, {"templateRef", "WorkflowTemplate"}, {"runtimeRef", "TrainingRuntime"},
	} {
		target, _ := m[ref.key].(map[string]any)
		kind, _ := target["kind"].(string)
		cluster := kind == "Cluster"+ref.kind || target["clusterScope"] == true || kind == "" && ref.key == "runtimeRef"
		if name, _ := target["name"].(string); name != "" && (kind == "" || kind == ref.kind || cluster) {
			out = append(out, newCustomReference(ref.kind, name, cluster))
		}
	}
	if name, _ := m["templateName"].(string); name != "" { // of a Rollout or an Experiment
		analysis := newCustomReference("AnalysisTemplate", name, m["clusterScope"] == true)
		analysis.SeparatePods = true
		out = append(out, analysis)
	}
	return out
}

// newCustomReference returns a reference to a custom object of a kind, or of its cluster-scoped variant.
func newCustomReference(kind, name string, cluster bool) inventory.CustomReference {
	if cluster {
		kind = "Cluster" + kind
	}
	return inventory.CustomReference{Owner: inventory.Owner{Kind: kind, Name: name}, ClusterScoped: cluster}
}

// hasFinished reports whether a custom object has run to its end and makes no more pods.
func hasFinished(tree map[string]any) bool {
	status, _ := tree["status"].(map[string]any)
	for _, key := range []string{"completionTime", "finishedAt", "terminationTime"} {
		if at, ok := status[key].(string); ok && at != "" {
			return true
		}
	}
	return false
}
