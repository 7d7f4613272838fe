package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Volume types.

PSP field: spec.volumes; none means no volume at all, * means every type. Names are exact; one that PSP does not know
("cephfs" for cephFS) matches no volume.
Checks: hostPathVolumes (baseline, from v1.0); restrictedVolumes (restricted, from v1.0, overrides it).

	baseline    every type but hostPath
	restricted  configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret
	            (and image, for which PSP has no name)

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func volumes() control {
	return control{
		fields: []string{"volumes"},
		checks: []check{
			{id: "hostPathVolumes", level: api.LevelBaseline, since: minors(0)},
			{id: "restrictedVolumes", level: api.LevelRestricted, since: minors(0), overrides: "hostPathVolumes"},
		},
		judge: judgeVolumes,
	}
}

// restrictedVolumeTypes are PSP's names for what restricted accepts.
func restrictedVolumeTypes() []string {
	return []string{
		"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
	}
}

// baselineVolumeTypes are all of PSP's names but hostPath.
func baselineVolumeTypes() []string {
	return append(restrictedVolumeTypes(),
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephFS", "cinder", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte",
		"rbd", "scaleIO", "storageos", "vsphereVolume")
}

// volumeTypes are all of PSP's names.
func volumeTypes() []string {
	return append(baselineVolumeTypes(), "hostPath")
}

// allowsVolume says whether the policy admits volumes of a type.
func allowsVolume(p *pspparse.Policy, name string) bool {
	return slices.Contains(p.Spec.Volumes, "*") || slices.Contains(p.Spec.Volumes, name)
}

// refusedVolumes are the types of the list that the policy refuses, sorted.
func refusedVolumes(p *pspparse.Policy, types []string) []string {
	if slices.Contains(p.Spec.Volumes, "*") {
		return nil
	}
	return unmet(types, p.Spec.Volumes)
}

func judgeVolumes(p *pspparse.Policy, v api.Version) (f finding) {
	f.verdicts = []verdict{hostPathVerdict(p), restrictedVolumesVerdict(p)}
	value := names(p.Spec.Volumes)
	accepted := map[api.Level][]string{
		api.LevelPrivileged: volumeTypes(),
		api.LevelBaseline:   baselineVolumeTypes(),
		api.LevelRestricted: restrictedVolumeTypes(),
	}
	for _, level := range strictness() {
		refused := refusedVolumes(p, accepted[level])
		switch {
		case len(refused) == 0:
		case len(p.Spec.Volumes) == 0:
			f.refuse("volumes", "none", "volumes become possible, of every type that the level accepts; "+
				"an admission policy can keep the list", level)
		default:
			f.refuse("volumes", value, "volumes of type "+names(refused)+" become possible; "+
				"an admission policy can keep the list", level)
		}
	}
	if atLeast(v, 33) {
		// Beta, and accepted at restricted by the API server itself, from v1.33.
		f.drift("volumes", value, "image volumes, which policies have no name for, are accepted",
			api.LevelBaseline, api.LevelRestricted)
	}
	f.explain(p, "volumes", value, volumesMeaning(p))
	return f
}

func hostPathVerdict(p *pspparse.Policy) verdict {
	if !allowsVolume(p, "hostPath") {
		return verdict{
			id: "hostPathVolumes", status: Guaranteed, fields: []string{"volumes"}, note: "hostPath volumes are refused",
		}
	}
	miss := hostPathMiss(p.Spec.AllowedHostPaths)
	fields := []string{"volumes"}
	if len(p.Spec.AllowedHostPaths) > 0 {
		fields = append(fields, "allowedHostPaths")
	}
	return verdict{
		id: "hostPathVolumes", status: NotEnsured, fields: fields, miss: miss,
		note: miss + " is allowed; baseline accepts no hostPath, read-only or not",
	}
}

func restrictedVolumesVerdict(p *pspparse.Policy) verdict {
	v := verdict{
		id: "restrictedVolumes", status: Guaranteed, fields: []string{"volumes"},
		note: "only types that restricted accepts are allowed",
	}
	var extra []string
	for _, name := range unmet(volumeTypes(), restrictedVolumeTypes()) {
		if allowsVolume(p, name) {
			extra = append(extra, name)
		}
	}
	switch {
	case slices.Contains(p.Spec.Volumes, "*"):
		v.status, v.note, v.miss = NotEnsured, "every volume type is allowed (*)", "volume types (*)"
	case len(extra) > 0:
		v.status = NotEnsured
		v.note, v.miss = "types beyond restricted are allowed: "+names(extra), "volume types ("+names(extra)+")"
	}
	return v
}

func volumesMeaning(p *pspparse.Policy) string {
	switch {
	case len(p.Spec.Volumes) == 0:
		return "no volume of any kind is admitted, the service account token's included; no level is as strict"
	case allowsVolume(p, "hostPath"):
		return "these volume types are admitted, hostPath among them; only the privileged level allows that"
	case len(refusedVolumes(p, restrictedVolumeTypes())) < len(restrictedVolumeTypes()) &&
		restrictedVolumesVerdict(p).status == Guaranteed:
		return "these volume types are admitted, none beyond what restricted accepts"
	default:
		return "these volume types are admitted; baseline accepts all but hostPath, restricted eight of them"
	}
}
