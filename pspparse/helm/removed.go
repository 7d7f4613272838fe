package helm

import (
	"slices"
	"strings"
)

// removedAPI is some kinds of an API version in Helm releases that API servers do not serve any more from v1.minor on.
type removedAPI struct {
	apiVersion string
	minor      int
	kinds      string
}

// removedAPIs returns the API versions of built-in kinds that are removed at some release. A test compares them with what
// k8s.io/api says of its types (APILifecycleRemoved). PodSecurityPolicies are not among them: Release.Policies has those.
func removedAPIs() []removedAPI {
	return append(removedAPIsWithoutTypes(), []removedAPI{
		{"admissionregistration.k8s.io/v1alpha1", 32, "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"},
		{"admissionregistration.k8s.io/v1alpha1", 38, "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"},
		{"admissionregistration.k8s.io/v1beta1", 22, "MutatingWebhookConfiguration ValidatingWebhookConfiguration"},
		{"admissionregistration.k8s.io/v1beta1", 34, "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"},
		{"admissionregistration.k8s.io/v1beta1", 40, "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"},
		{"apps/v1beta1", 16, "ControllerRevision Deployment DeploymentRollback Scale StatefulSet"},
		{"apps/v1beta2", 16, "ControllerRevision DaemonSet Deployment ReplicaSet Scale StatefulSet"},
		{"authentication.k8s.io/v1alpha1", 32, "SelfSubjectReview"},
		{"authentication.k8s.io/v1beta1", 22, "TokenReview"},
		{"authentication.k8s.io/v1beta1", 33, "SelfSubjectReview"},
		{"authorization.k8s.io/v1beta1", 22, "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"},
		{"batch/v1beta1", 25, "CronJob"},
		{"certificates.k8s.io/v1alpha1", 37, "ClusterTrustBundle"},
		{"certificates.k8s.io/v1beta1", 22, "CertificateSigningRequest"},
		{"certificates.k8s.io/v1beta1", 40, "ClusterTrustBundle PodCertificateRequest"},
		{"coordination.k8s.io/v1alpha2", 38, "LeaseCandidate"},
		{"coordination.k8s.io/v1beta1", 22, "Lease"},
		{"coordination.k8s.io/v1beta1", 39, "LeaseCandidate"},
		{"discovery.k8s.io/v1beta1", 25, "EndpointSlice"},
		{"events.k8s.io/v1beta1", 25, "Event"},
		{"extensions/v1beta1", 16, "DaemonSet Deployment DeploymentRollback NetworkPolicy ReplicaSet Scale"},
		{"extensions/v1beta1", 22, "Ingress"},
		{"flowcontrol.apiserver.k8s.io/v1beta1", 26, "FlowSchema PriorityLevelConfiguration"},
		{"flowcontrol.apiserver.k8s.io/v1beta2", 29, "FlowSchema PriorityLevelConfiguration"},
		{"flowcontrol.apiserver.k8s.io/v1beta3", 32, "FlowSchema PriorityLevelConfiguration"},
		{"lifecycle.k8s.io/v1alpha1", 43, "Eviction EvictionRequest"},
		{"networking.k8s.io/v1beta1", 22, "Ingress IngressClass"},
		{"networking.k8s.io/v1beta1", 37, "IPAddress ServiceCIDR"},
		{"node.k8s.io/v1beta1", 25, "RuntimeClass"},
		{"policy/v1beta1", 25, "Eviction PodDisruptionBudget"},
		{"rbac.authorization.k8s.io/v1beta1", 22, "ClusterRole ClusterRoleBinding Role RoleBinding"},
		{"resource.k8s.io/v1alpha3", 39, "DeviceTaintRule"},
		{"resource.k8s.io/v1alpha3", 42, "ResourcePoolStatusRequest"},
		{"resource.k8s.io/v1beta1", 38, "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"},
		{"resource.k8s.io/v1beta2", 39, "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"},
		{"resource.k8s.io/v1beta2", 42, "DeviceTaintRule"},
		{"scheduling.k8s.io/v1beta1", 22, "PriorityClass"},
		{"scheduling.k8s.io/v1beta1", 43, "PodGroup Workload"},
		{"storage.k8s.io/v1alpha1", 24, "CSIStorageCapacity VolumeAttachment"},
		{"storage.k8s.io/v1alpha1", 35, "VolumeAttributesClass"},
		{"storage.k8s.io/v1beta1", 22, "CSIDriver CSINode StorageClass VolumeAttachment"},
		{"storage.k8s.io/v1beta1", 27, "CSIStorageCapacity"},
		{"storage.k8s.io/v1beta1", 37, "VolumeAttributesClass"},
		{"storagemigration.k8s.io/v1beta1", 40, "StorageVersionMigration"},
	}...)
}

// removedAPIsWithoutTypes returns the removed API versions, which fail a Helm release, of which k8s.io/api has no
// types. The source is the Deprecated API Migration Guide,
// https://kubernetes.io/docs/reference/using-api/deprecation-guide/, under the release named here.
func removedAPIsWithoutTypes() []removedAPI {
	return []removedAPI{
		{"apiextensions.k8s.io/v1beta1", 22, "CustomResourceDefinition"},
		{"apiregistration.k8s.io/v1beta1", 22, "APIService"},
		{"autoscaling/v2beta1", 25, "HorizontalPodAutoscaler"},
		{"autoscaling/v2beta2", 26, "HorizontalPodAutoscaler"},
	}
}

// removedIn returns the minor of the first Kubernetes release v1.minor that does not serve a kind in an API version; 0
// if none is known.
func removedIn(apiVersion, kind string) int {
	for _, r := range removedAPIs() {
		if r.apiVersion == apiVersion && slices.Contains(strings.Fields(r.kinds), kind) {
			return r.minor
		}
	}
	return 0
}

// mentionsRemovedAPI returns false for a Helm document that does not need to be parsed: it has no removed apiVersion,
// and no escape in which it could have one.
func mentionsRemovedAPI(text string, removed map[string]bool) bool {
	for _, escape := range []string{`\u`, `\U`, `\x`} {
		if strings.Contains(text, escape) {
			return true // it may be written in escapes
		}
	}
	for {
		_, rest, found := strings.Cut(text, "apiVersion")
		if !found {
			return false
		}
		value := strings.TrimLeft(rest, "\"' \t:")
		if end := strings.IndexAny(value, "\"' \t\r\n,}#"); end >= 0 {
			value = value[:end]
		}
		if removed[value] {
			return true
		}
		text = rest
	}
}

// findRemovedObjects sets the objects of a Helm release in removed API versions. It has its own limit of parsed values:
// a document beyond it is ignored, and policies are found all the same.
func (r *Release) findRemovedObjects(sources []releaseText) {
	versions := map[string]bool{}
	for _, removal := range removedAPIs() {
		versions[removal.apiVersion] = true
	}
	parser := newManifestParser()
	for i := range sources {
		source := &sources[i]
		if !mentionsRemovedAPI(source.text, versions) {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			continue
		}
		for _, o := range whole.listItems() {
			if minor := removedIn(o.APIVersion, o.Kind); minor > 0 {
				d := source.document(&o, false)
				d.RemovedIn = minor
				r.Removed = append(r.Removed, d)
			}
		}
	}
}
