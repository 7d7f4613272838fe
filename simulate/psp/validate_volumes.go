package psp

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// validateVolumes adds refusals for the volumes that the PodSecurityPolicy does not allow, by type, then by path or
// driver. It is validatePodVolumes of upstream. A volume whose type is refused is checked no further.
func (e *policyEvaluation) validateVolumes() {
	for i := range e.pod.Spec.Volumes {
		v := &e.pod.Spec.Volumes[i]
		field := fmt.Sprintf("spec.volumes[%d]", i)
		kind := pspVolumeType(&v.VolumeSource)
		if !e.allowsVolume(kind, v) {
			e.addInvalidValue(field, quotedValue(kind), kind+" volumes are not allowed to be used")
			continue
		}
		switch kind {
		case "hostPath":
			e.validateHostPath(field, v)
		case "flexVolume":
			if allowed := e.policy.flexVolumes; len(allowed) > 0 && !allowed[v.FlexVolume.Driver] {
				e.addInvalidValue(field+".driver", quotedValue(v.FlexVolume.Driver), "Flexvolume driver is not allowed to be used")
			}
		case "csi":
			if allowed := e.policy.csiDrivers; len(allowed) > 0 && !allowed[v.CSI.Driver] {
				e.addInvalidValue(field+".csi.driver", quotedValue(v.CSI.Driver), "Inline CSI driver is not allowed to be used")
			}
		}
	}
}

// allowsVolume reports whether the PodSecurityPolicy allows the type of a volume. A policy that allows secrets allows
// the token volume of service accounts.
func (e *policyEvaluation) allowsVolume(kind string, v *corev1.Volume) bool {
	allowed := e.policy.volumes
	return allowed["*"] || allowed[kind] || kind == "projected" && allowed["secret"] && isServiceAccountTokenVolume(v.Projected)
}

// isServiceAccountTokenVolume reports whether, to PSP admission, a projected volume has no other sources than those of
// the token volume. It is IsOnlyServiceAccountTokenSources of upstream: the sources may be there in part or not at all.
func isServiceAccountTokenVolume(v *corev1.ProjectedVolumeSource) bool {
	for i := range v.Sources {
		s := &v.Sources[i]
		if s.ServiceAccountToken == nil && s.ConfigMap == nil && s.DownwardAPI == nil {
			return false
		}
		if token := s.ServiceAccountToken; token != nil && (token.Path != "token" || token.Audience != "") {
			return false
		}
		if s.ConfigMap != nil && s.ConfigMap.Name != "kube-root-ca.crt" {
			return false
		}
		if s.DownwardAPI != nil && slices.ContainsFunc(s.DownwardAPI.Items, isNotTokenNamespaceFile) {
			return false
		}
	}
	return true
}

// isNotTokenNamespaceFile reports, for PSP admission, whether a downward API file of a projected volume is another one
// than the file "namespace" of the service account token volume.
func isNotTokenNamespaceFile(f corev1.DownwardAPIVolumeFile) bool {
	return f.Path != "namespace" || f.FieldRef == nil || f.FieldRef.APIVersion != "v1" || f.FieldRef.FieldPath != "metadata.namespace"
}

// validateHostPath adds a PodSecurityPolicy's refusals for a hostPath volume that allowedHostPaths do not allow. No
// list allows every path. Where only read-only entries match, each mount of the volume has to be read-only.
func (e *policyEvaluation) validateHostPath(field string, v *corev1.Volume) {
	if len(e.policy.spec.AllowedHostPaths) == 0 {
		return
	}
	switch allowed, readOnly := e.policy.hostPaths.lookUp(v.HostPath.Path); {
	case !allowed:
		e.addInvalidValue(field+".hostPath.pathPrefix", quotedValue(v.HostPath.Path), "is not allowed to be used")
	case readOnly:
		for _, at := range e.volumeMountsOf(v.Name) {
			if c := &e.containers[at.container]; !c.VolumeMounts[at.mount].ReadOnly {
				e.addInvalidValue(c.fieldPath(fmt.Sprintf("volumeMounts[%d].readOnly", at.mount)), booleanValue(false), "must be read-only")
			}
		}
	}
}

// pspVolumeType returns the volume type that PodSecurityPolicies know a volume by: the first source in upstream's order. It
// is GetVolumeFSType of upstream; "" for a source that is newer.
func pspVolumeType(s *corev1.VolumeSource) string {
	for _, k := range []struct {
		there bool
		name  string
	}{
		{s.HostPath != nil, "hostPath"},
		{s.EmptyDir != nil, "emptyDir"},
		{s.GCEPersistentDisk != nil, "gcePersistentDisk"},
		{s.AWSElasticBlockStore != nil, "awsElasticBlockStore"},
		{s.GitRepo != nil, "gitRepo"},
		{s.Secret != nil, "secret"},
		{s.NFS != nil, "nfs"},
		{s.ISCSI != nil, "iscsi"},
		{s.Glusterfs != nil, "glusterfs"},
		{s.PersistentVolumeClaim != nil, "persistentVolumeClaim"},
		{s.RBD != nil, "rbd"},
		{s.FlexVolume != nil, "flexVolume"},
		{s.Cinder != nil, "cinder"},
		{s.CephFS != nil, "cephFS"},
		{s.Flocker != nil, "flocker"},
		{s.DownwardAPI != nil, "downwardAPI"},
		{s.FC != nil, "fc"},
		{s.AzureFile != nil, "azureFile"},
		{s.ConfigMap != nil, "configMap"},
		{s.VsphereVolume != nil, "vsphereVolume"},
		{s.Quobyte != nil, "quobyte"},
		{s.AzureDisk != nil, "azureDisk"},
		{s.PhotonPersistentDisk != nil, "photonPersistentDisk"},
		{s.StorageOS != nil, "storageos"},
		{s.Projected != nil, "projected"},
		{s.PortworxVolume != nil, "portworxVolume"},
		{s.ScaleIO != nil, "scaleIO"},
		{s.CSI != nil, "csi"},
		{s.Ephemeral != nil, "ephemeral"},
	} {
		if k.there {
			return k.name
		}
	}
	return ""
}
