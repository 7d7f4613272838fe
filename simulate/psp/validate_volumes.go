package psp

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// validateVolumes is validatePodVolumes of the provider, with pkg/security/podsecuritypolicy/util. A volume whose type is
// refused is looked at no further.
func (t *evaluation) validateVolumes() {
	for i := range t.pod.Spec.Volumes {
		v := &t.pod.Spec.Volumes[i]
		field := fmt.Sprintf("spec.volumes[%d]", i)
		kind := pspVolumeType(&v.VolumeSource)
		if !t.allowsVolume(kind, v) {
			t.addInvalidValue(field, quotedValue(kind), kind+" volumes are not allowed to be used")
			continue
		}
		switch kind {
		case "hostPath":
			t.validateHostPath(field, v)
		case "flexVolume":
			if allowed := t.policy.flexVolumes; len(allowed) > 0 && !allowed[v.FlexVolume.Driver] {
				t.addInvalidValue(field+".driver", quotedValue(v.FlexVolume.Driver), "Flexvolume driver is not allowed to be used")
			}
		case "csi":
			if allowed := t.policy.csiDrivers; len(allowed) > 0 && !allowed[v.CSI.Driver] {
				t.addInvalidValue(field+".csi.driver", quotedValue(v.CSI.Driver), "Inline CSI driver is not allowed to be used")
			}
		}
	}
}

// allowsVolume: who allows secrets allows the token volume of service accounts.
func (t *evaluation) allowsVolume(kind string, v *corev1.Volume) bool {
	allowed := t.policy.volumes
	return allowed["*"] || allowed[kind] || kind == "projected" && allowed["secret"] && isServiceAccountTokenVolume(v.Projected)
}

// isServiceAccountTokenVolume is IsOnlyServiceAccountTokenSources: nothing but what the token volume has, in part or not at all.
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
		if s.DownwardAPI != nil && slices.ContainsFunc(s.DownwardAPI.Items, isNotNamespaceFile) {
			return false
		}
	}
	return true
}

func isNotNamespaceFile(f corev1.DownwardAPIVolumeFile) bool {
	return f.Path != "namespace" || f.FieldRef == nil || f.FieldRef.APIVersion != "v1" || f.FieldRef.FieldPath != "metadata.namespace"
}

// validateHostPath: no list allows everything; where only read-only entries match, each mount of the volume has to be
// read-only.
func (t *evaluation) validateHostPath(field string, v *corev1.Volume) {
	if len(t.policy.spec.AllowedHostPaths) == 0 {
		return
	}
	switch allowed, readOnly := t.policy.hostPaths.lookUp(v.HostPath.Path); {
	case !allowed:
		t.addInvalidValue(field+".hostPath.pathPrefix", quotedValue(v.HostPath.Path), "is not allowed to be used")
	case readOnly:
		for _, at := range t.volumeMountsOf(v.Name) {
			if c := &t.containers[at.container]; !c.VolumeMounts[at.mount].ReadOnly {
				t.addInvalidValue(c.fieldPath(fmt.Sprintf("volumeMounts[%d].readOnly", at.mount)), booleanValue(false), "must be read-only")
			}
		}
	}
}

// pspVolumeType is GetVolumeFSType: the first source in upstream's order.
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
