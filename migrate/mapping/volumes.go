package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
volumesControl is about volume types.

PSP field: spec.volumes; none means no volume at all, * means every type. Names are exact; one that PSP does not know
("cephfs" for cephFS) matches no volume.
Checks: hostPathVolumes (baseline, from v1.0); restrictedVolumes (restricted, from v1.0, overrides it).

	baseline    every type but hostPath
	restricted  configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret
	            (and image, for which PSP has no name)

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func volumesControl() pspControl {
	return pspControl{
		fields: []string{"volumes"},
		checks: []registeredCheck{
			{id: "hostPathVolumes", level: api.LevelBaseline, revisions: minorVersions(0)},
			{id: "restrictedVolumes", level: api.LevelRestricted, revisions: minorVersions(0), overrides: "hostPathVolumes"},
		},
		assess: assessVolumes, constraints: volumeConstraints,
	}
}

// restrictedVolumeTypes returns PSP's names of the volume types that restricted accepts.
func restrictedVolumeTypes() []string {
	return []string{
		"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
	}
}

// baselineVolumeTypes returns PSP's names of the volume types that baseline accepts: all but hostPath.
func baselineVolumeTypes() []string {
	return append(restrictedVolumeTypes(),
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephFS", "cinder", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte",
		"rbd", "scaleIO", "storageos", "vsphereVolume")
}

// pspVolumeTypes returns all of PSP's names of volume types.
func pspVolumeTypes() []string {
	return append(baselineVolumeTypes(), "hostPath")
}

// allowsVolume reports whether a PodSecurityPolicy admits volumes of a type.
func allowsVolume(p *pspparse.Policy, name string) bool {
	return slices.Contains(p.Spec.Volumes, "*") || slices.Contains(p.Spec.Volumes, name)
}

// refusedVolumeTypes returns the volume types of a list that a PodSecurityPolicy refuses, sorted.
func refusedVolumeTypes(p *pspparse.Policy, types []string) []string {
	if slices.Contains(p.Spec.Volumes, "*") {
		return nil
	}
	return sortedDifference(types, p.Spec.Volumes)
}

// assessVolumes compares spec.volumes of a PodSecurityPolicy with the standards.
func assessVolumes(p *pspparse.Policy, v api.Version) (f controlResult) {
	f.checks = []checkStatus{hostPathCheckStatus(p), restrictedVolumesStatus(p)}
	value := listValue(p.Spec.Volumes)
	accepted := map[api.Level][]string{
		api.LevelPrivileged: pspVolumeTypes(),
		api.LevelBaseline:   baselineVolumeTypes(),
		api.LevelRestricted: restrictedVolumeTypes(),
	}
	for _, level := range levels.LooseToStrict() {
		refused := refusedVolumeTypes(p, accepted[level])
		switch {
		case len(refused) == 0:
		case len(p.Spec.Volumes) == 0:
			f.recordRefusal("volumes", value.orEmpty(), message.New("lost-volume-prohibition"), level)
		default:
			f.recordNewlyAdmitted("volumes", value, refused, message.New("lost-volume-types", "types", refused), level)
		}
	}
	if versionAtLeast(v, 33) {
		// Beta, and accepted at restricted by the API server itself, from v1.33.
		f.recordDrift("volumes", value, message.New("drift-image-volumes"),
			levels.WithChecks()...)
	}
	f.explainStatedField(p, "volumes", value, explainVolumes(p))
	return f
}

// hostPathCheckStatus returns the status of the check hostPathVolumes for a PodSecurityPolicy.
func hostPathCheckStatus(p *pspparse.Policy) checkStatus {
	if !allowsVolume(p, "hostPath") {
		return checkStatus{
			id: "hostPathVolumes", status: StatusGuaranteed, fields: []string{"volumes"}, note: message.New("host-path-refused"),
		}
	}
	paths, readOnly := hostPathAccess(p.Spec.AllowedHostPaths)
	fields := []string{"volumes"}
	if len(p.Spec.AllowedHostPaths) > 0 {
		fields = append(fields, "allowedHostPaths")
	}
	return checkStatus{
		id: "hostPathVolumes", status: StatusNotEnsured, fields: fields,
		note:        message.New("host-path-allowed", "paths", paths, "readOnly", readOnly),
		nearestMiss: message.New("miss-host-path", "paths", paths, "readOnly", readOnly),
	}
}

// restrictedVolumesStatus returns the status of the check restrictedVolumes for a PodSecurityPolicy.
func restrictedVolumesStatus(p *pspparse.Policy) checkStatus {
	status := checkStatus{
		id: "restrictedVolumes", status: StatusGuaranteed, fields: []string{"volumes"},
		note: message.New("volume-types-accepted"),
	}
	var extra []string
	for _, name := range sortedDifference(pspVolumeTypes(), restrictedVolumeTypes()) {
		if allowsVolume(p, name) {
			extra = append(extra, name)
		}
	}
	switch {
	case slices.Contains(p.Spec.Volumes, "*"):
		status.status, status.note, status.nearestMiss = StatusNotEnsured, message.New("volume-types-any"), message.New("miss-any-volume-type")
	case len(extra) > 0:
		status.status, status.values = StatusNotEnsured, extra
		status.note, status.nearestMiss = message.New("volume-types-beyond-restricted", "types", extra), message.New("miss-volume-types", "types", extra)
	}
	return status
}

// explainVolumes returns the explanation of what spec.volumes of a PodSecurityPolicy does to pods.
func explainVolumes(p *pspparse.Policy) message.Message {
	switch {
	case len(p.Spec.Volumes) == 0:
		return message.New("field-volumes-none")
	case allowsVolume(p, "hostPath"):
		return message.New("field-volumes-host-path")
	case len(refusedVolumeTypes(p, restrictedVolumeTypes())) < len(restrictedVolumeTypes()) &&
		restrictedVolumesStatus(p).status == StatusGuaranteed:
		return message.New("field-volumes-restricted")
	default:
		return message.New("field-volumes")
	}
}

// volumeConstraints returns what a policy's volumes demand of pods.
func volumeConstraints(p *pspparse.Policy) []Constraint {
	if slices.Contains(p.Spec.Volumes, "*") {
		return nil
	}
	c := VolumeTypes{TokenVolume: slices.Contains(p.Spec.Volumes, "secret")}
	for _, name := range p.Spec.Volumes {
		switch {
		case name == "cephFS":
			c.Keys = append(c.Keys, "cephfs")
		case slices.Contains(pspVolumeTypes(), name):
			c.Keys = append(c.Keys, name)
		}
	}
	slices.Sort(c.Keys)
	c.Keys = slices.Compact(c.Keys)
	return []Constraint{c}
}
