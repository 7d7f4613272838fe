package redact

import (
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/generated"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// isKnown reports whether a name of a kind belongs to Kubernetes or to a known provider or program: a redaction keeps it.
func isKnown(kind, name string) bool {
	switch kind {
	case prefixNamespace:
		return name == inventory.AllNamespaces || name == "default" || migrate.IsSystemNamespace(name)
	case prefixPolicy:
		return name == migrate.EveryPolicy || (&pspparse.Policy{Name: name}).Provider() != ""
	case prefixWorkload:
		return slices.Contains(systemWorkloads(), name) || slices.ContainsFunc(injectors(), func(i injector.Injector) bool { return i.IsCNIDaemonSet(name) })
	case prefixAccount:
		return name == "default" || slices.Contains(systemAccounts(), name)
	case prefixRole, prefixBinding:
		return strings.HasPrefix(name, "system:") || strings.HasPrefix(name, "eks:podsecuritypolicy:") ||
			slices.Contains([]string{"cluster-admin", "admin", "edit", "view", "*"}, name)
	case prefixContainer:
		return knownContainers()[name]
	case prefixSet:
		return name == generated.GuardSet
	case prefixClass:
		return slices.Contains([]string{"runc", "gvisor", "kata", "nvidia", "*"}, name)
	}
	return name == "*"
}

// isKnownAnywhere reports whether a name is kept by a redaction as that of something.
func isKnownAnywhere(name string) bool {
	return patch.KnownImage(name) == name && name != "" || slices.ContainsFunc([]string{prefixNamespace, prefixPolicy, prefixWorkload, prefixAccount, prefixRole, prefixContainer, prefixClass}, func(prefix string) bool {
		return isKnown(prefix, name)
	})
}

// systemWorkloads returns the workloads that Kubernetes itself runs, which a redaction keeps.
func systemWorkloads() []string {
	return []string{"kube-proxy", "coredns", "kube-dns", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}
}

// systemAccounts returns the service accounts of Kubernetes' own controllers, which a redaction keeps.
func systemAccounts() []string {
	return []string{
		"replicaset-controller", "daemon-set-controller", "statefulset-controller", "job-controller", "cronjob-controller", "deployment-controller",
		"replication-controller", "coredns", "kube-proxy", "kube-dns", "node-controller", "namespace-controller", "generic-garbage-collector",
		"persistent-volume-binder", "attachdetach-controller", "horizontal-pod-autoscaler", "service-account-controller",
	}
}

// injectors returns the injectors that everybody knows, whose names a redaction keeps.
var injectors = sync.OnceValue(injector.KnownInjectors)

// knownContainers returns the containers that known injectors add to pods, which a redaction keeps.
var knownContainers = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, i := range injectors() {
		for _, name := range i.AllContainerNames() {
			out[name] = true
		}
	}
	return out
})

// volumeTypes returns the volume types of pods, which a redaction keeps.
var volumeTypes = sync.OnceValue(func() []string {
	return []string{
		"*", "azureFile", "azureDisk", "flocker", "flexVolume", "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs",
		"iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "cinder", "cephFS", "downwardAPI", "fc", "configMap", "vsphereVolume", "quobyte",
		"photonPersistentDisk", "projected", "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image", "none", "HostPath", "hostpath",
	}
})

// capabilityNames returns the Linux capabilities, which a redaction keeps.
var capabilityNames = sync.OnceValue(func() []string {
	return strings.Fields(`* ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
		IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID
		SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`)
})

// isCapability reports whether a text is a Linux capability, in any of the spellings that people use.
func isCapability(text string) bool {
	return slices.Contains(capabilityNames(), strings.TrimPrefix(strings.ToUpper(text), "CAP_"))
}

// sysctlPattern matches the kernel parameters, which a redaction keeps.
var sysctlPattern = regexp.MustCompile(`^(net[./](ipv4|ipv6|core|netfilter|unix)([./][a-z0-9_]+)*([./]\*|\*)?|kernel[./][a-z0-9_]+\*?|vm[./][a-z_]+|fs[./]mqueue[./][a-z_]+|(kernel|net|vm|fs)[./]?\*)$`)

// isProfile reports whether a text is a seccomp or AppArmor profile of container runtimes, which a redaction keeps.
func isProfile(text string) bool {
	return slices.Contains([]string{"*", "runtime/default", "docker/default", "unconfined", "RuntimeDefault", "Unconfined", "Localhost", "localhost"}, text)
}

// knownKinds returns the kinds of objects that are no organization's own, which a redaction keeps.
var knownKinds = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, k := range inventory.WorkloadKinds() {
		out[k.Name] = true
	}
	for _, kind := range strings.Fields(`(no kind) AllowedPolicies Binding ComponentStatus ConfigMap Endpoints EndpointSlice Event LimitRange Node PersistentVolume PersistentVolumeClaim
		ResourceQuota Secret SecurityContextConstraints Service ServiceAccount Status ControllerRevision Scale Ingress IngressClass NetworkPolicy PodDisruptionBudget Eviction
		Namespace PodSecurityPolicy Role RoleBinding ClusterRole ClusterRoleBinding CustomResourceDefinition APIService StorageClass CSIDriver CSINode VolumeAttachment
		HorizontalPodAutoscaler VerticalPodAutoscaler PriorityClass RuntimeClass Lease MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy
		ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding CertificateSigningRequest FlowSchema PriorityLevelConfiguration List Kustomization
		Application ApplicationSet AppProject HelmRelease GitRepository HelmRepository Rollout Experiment AnalysisTemplate Workflow WorkflowTemplate ClusterWorkflowTemplate CronWorkflow
		Task TaskRun Pipeline PipelineRun ClusterTask Sensor EventSource Configuration Revision Route SidecarSet Assign AssignMetadata ModifySet ConstraintTemplate Policy ClusterPolicy
		ClusterAdmissionPolicy AdmissionPolicy Certificate Issuer ClusterIssuer ServiceMonitor PodMonitor PrometheusRule Prometheus Alertmanager Gateway VirtualService
		DestinationRule HTTPRoute SealedSecret ExternalSecret Machine MachineDeployment Cluster Bundle ClusterGroup Tenant SubnamespaceAnchor HierarchyConfiguration
		PodSecurityAdmissionConfigurationTemplate PodSecurityPolicyTemplate DeploymentConfig BuildConfig ImageStream Template User Group Plan Journal Pod PodTemplate`) {
		out[kind] = true
	}
	out["(no kind)"] = true
	return out
})

// knownKindsInLowerCase returns the kinds that a redaction keeps, in lower case.
var knownKindsInLowerCase = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for kind := range knownKinds() {
		out[strings.ToLower(kind)] = true
	}
	return out
})

// isKnownKind reports whether a kind, in any case and with or without its API group, is kept by a redaction.
func isKnownKind(kind string) bool {
	name, group, grouped := strings.Cut(kind, ".")
	return (!grouped || isKnownGroup(group)) && knownKindsInLowerCase()[strings.ToLower(name)] || migrate.IsGatekeeperTemplate(kind)
}

// isKnownResource reports whether a resource of an RBAC rule, with the part of it that may follow, is one of Kubernetes.
func isKnownResource(text string) bool {
	const resources = `* pods podsecuritypolicies podsecuritypolicy namespaces serviceaccounts services secrets configmaps nodes deployments daemonsets statefulsets replicasets replicationcontrollers
		jobs cronjobs podtemplates roles rolebindings clusterroles clusterrolebindings events endpoints persistentvolumeclaims persistentvolumes ingresses networkpolicies
		limitranges resourcequotas leases customresourcedefinitions storageclasses users groups userextras tokenreviews subjectaccessreviews poddisruptionbudgets`
	const parts = "* exec log status attach portforward proxy eviction scale finalize binding ephemeralcontainers token"
	name, part, divided := strings.Cut(text, "/")
	return slices.Contains(strings.Fields(resources), strings.ToLower(name)) && (!divided || slices.Contains(strings.Fields(parts), part))
}

// isKnownGroup reports whether an API group belongs to Kubernetes or to a project that everybody can use.
func isKnownGroup(group string) bool {
	for _, known := range []string{
		"k8s.io", "istio.io", "knative.dev", "argoproj.io", "tekton.dev", "gatekeeper.sh", "kyverno.io", "policies.kubewarden.io", "cert-manager.io", "coreos.com", "fluxcd.io",
		"openshift.io", "cattle.io", "kruise.io", "projectcapsule.dev", "keda.sh", "kubeflow.org", "volcano.sh",
	} {
		if above, ok := strings.CutSuffix(group, known); ok && (above == "" || strings.HasSuffix(above, ".")) {
			return true
		}
	}
	return slices.Contains([]string{"", "*", "core", "apps", "batch", "policy", "extensions", "autoscaling"}, group) // the only ones without a dot
}

// isKnownKey reports whether the key of a label or annotation belongs to Kubernetes or to a known program.
func isKnownKey(key string) bool {
	domain, _, prefixed := strings.Cut(key, "/")
	if !prefixed {
		return slices.Contains([]string{"app", "name", "istio-injection", "control-plane", "team", "env", "tier", "environment"}, key)
	}
	for _, known := range []string{"kubernetes.io", "k8s.io", "kubernets.io", "x-k8s.io", "openshift.io", "cattle.io", "gatekeeper.sh", "kyverno.io", "argoproj.io", "fluxcd.io", "helm.sh", "goldilocks.fairwinds.com"} {
		if above, ok := strings.CutSuffix(domain, known); ok && (above == "" || strings.HasSuffix(above, ".")) {
			return true
		}
	}
	return inventory.IsInjectorAnnotation(key)
}

// plainValue matches a number, a yes or no, or a version, which a redaction keeps as the value of a label.
var plainValue = regexp.MustCompile(`^(true|false|yes|no|on|off|enabled|disabled|-?[0-9]{1,10}|v?1\.[0-9]{1,2}|latest)$`)

// isPlainValue reports whether the value of a label says nothing of whose it is.
func isPlainValue(value string) bool {
	return plainValue.MatchString(value) || slices.Contains(levels.Names(), value)
}

// isAddress reports whether a text is an IP address or a network, with or without a port.
func isAddress(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(text)
	return err == nil
}

// wordPattern matches the words of a sentence.
var wordPattern = regexp.MustCompile(`[A-Za-z]+`)

// vocabulary returns the words of this tool's own sentences and of those of Pod Security admission, in lower case: outside of
// quotation marks they are no names.
var vocabulary = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, k := range message.Table() {
		for _, word := range wordPattern.FindAllString(k.Format, -1) {
			out[strings.ToLower(word)] = true
		}
	}
	addFieldNames(reflect.TypeFor[pspparse.Policy](), out, map[reflect.Type]bool{})
	addFieldNames(reflect.TypeFor[corev1.PodTemplateSpec](), out, map[reflect.Type]bool{})
	for _, i := range injector.KnownInjectors() {
		out[strings.ToLower(i.Name)] = true
	}
	for _, text := range []string{moreWords, standardsWords} {
		for _, word := range wordPattern.FindAllString(text, -1) {
			out[strings.ToLower(word)] = true
		}
	}
	return out
})

// addFieldNames adds the names that the fields of a type of Kubernetes have in JSON to the words that are no names.
func addFieldNames(of reflect.Type, words map[string]bool, seen map[reflect.Type]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] {
		return
	}
	seen[of] = true
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		words[strings.ToLower(name)] = true
		addFieldNames(of.Field(i).Type, words, seen)
	}
}

// standardsWords are the words of the violations that Pod Security admission finds.
const standardsWords = `allowPrivilegeEscalation apparmor container containers annotation annotations pod pods must not set to include add added drop securityContext capabilities
	privileged uses use hostPort hostPorts hostNetwork hostPID hostIPC host namespaces hostPath volumes volume forbidden sysctls sysctl runAsNonRoot runAsUser unrestricted non default
	procMount seLinuxOptions types type user role may be restricted seccompProfile seccomp profile windowsOptions hostProcess true false and or in unconfined unset
	initContainers ephemeralContainers probe lifecycle livenessProbe readinessProbe startupProbe postStart preStop httpGet tcpSocket UnconfinedRuntimeDefault RuntimeDefault Localhost
	spec metadata template fsGroup runAsGroup supplementalGroups readOnlyRootFilesystem invalid value capability allowed is are no value required supported values
	MustRunAs MustRunAsNonRoot MayRunAs RunAsAny AllowedHostPaths FlexVolume driver pathPrefix ranges range rule group id uid jobTemplate`

// moreWords are those of texts within the sentences, which no table has.
const moreWords = `application helm argo cd flux terraform hnc capsule fleet kustomize chart release rendered manifest its defaults taken with without plugin label annotation of the namespace
	selects them all everybody everywhere kind kinds document file files object objects name names yaml json reads as boolean number string write quote it looks like holds security context rule
	gzip data damaged valid expected did find found line lines column key given twice counts depends reader remove one cut off input middle ends value nul byte utf utf-8 utf-16
	encrypted binary convert decrypt first else leave out limit levels nested too deeply many values split aliases connection refused timeout certificate unknown authority denied resource
	forbidden cannot list api group cluster scope at by on for from at into between other any only whose who what which where when if then so but also more than less up down over under
	compose values chart template rendered before applied an a to be been was were has have had does do did can could will would should must may might not no nor yes
	subject starting ending within create get watch patch update delete deletecollection impersonate bind escalate unlock powershell get-content set-content encoding git-crypt ytt sidecar
	volumes steps webhook webhooks rule first tenant group mutating validating admission injector selects match matches never user service account case matters own
	keep them read makes too dump both names numbers spaces tab stands begin indent text missing give must string boolean integer list map mapping sequence scalar`
