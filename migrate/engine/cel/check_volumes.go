package cel

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// checkVolumeTypes: every volume, mounted or not, has one of the policy's types. A volume has its name and its one source as
// fields, so a source that is newer than PSP is refused by itself. A policy that allows secrets also allows a projected volume
// that has no other sources than those of the token volume that the API server adds (tokenVolume).
func checkVolumeTypes(c mapping.VolumeTypes) []check {
	good := "v.all(k, " + isOneOf("k", append([]string{"name"}, c.Keys...)) + ")"
	if c.TokenVolume {
		good = anyOf(good, tokenVolume())
	}
	return []check{{
		each: "variables.vols", as: "v",
		good: good,
		wrong: "'volume ' + v.name + ': Invalid value: ' + (v.filter(k, k != 'name') + ['none'])[0] + " +
			quote(": volumes of the type are not allowed to be used. Allowed types: "+allowedList(c.Keys)),
	}}
}

// tokenVolume returns a CEL boolean about the volume v: each source that it projects is one of those of the token volume, wholly or
// in part. A source needs at least one of the three. The token is at "token" and for no audience of its own; the ConfigMap is
// kube-root-ca.crt, whatever its items; each item of the downward API is the namespace in a file of that name. No source at all
// passes, and the API server has null there.
func tokenVolume() string {
	return strings.Join([]string{
		"(has(v.projected) && (!has(v.projected.sources) || v.projected.sources == null || v.projected.sources.all(s, ",
		"(has(s.serviceAccountToken) || has(s.configMap) || has(s.downwardAPI))",
		" && (!has(s.serviceAccountToken) || (s.serviceAccountToken.?path.orValue('') == 'token' && s.serviceAccountToken.?audience.orValue('') == ''))",
		" && (!has(s.configMap) || s.configMap.?name.orValue('') == 'kube-root-ca.crt')",
		" && (!has(s.downwardAPI) || s.downwardAPI.?items.orValue([]).all(i, i.?path.orValue('') == 'namespace'",
		" && i.?fieldRef.?fieldPath.orValue('') == 'metadata.namespace' && i.?fieldRef.?apiVersion.orValue('v1') == 'v1')))))",
	}, "")
}

// checkFlexVolumes: every flexVolume has one of the policy's drivers, compared literally.
func checkFlexVolumes(c mapping.FlexVolumeDrivers) []check {
	return []check{{
		each: "variables.vols", as: "v",
		good: anyOf("!has(v.flexVolume)", isOneOf("v.flexVolume.driver", c.Drivers)),
		wrong: "'volume ' + v.name + ': flexVolume.driver: Invalid value: ' + " + shown("v.flexVolume.driver") + " + " +
			quote(": Flexvolume driver is not allowed to be used. Allowed drivers: "+allowedList(c.Drivers)),
	}}
}

// checkCSIVolumes: every inline csi volume has one of the policy's drivers, compared literally.
func checkCSIVolumes(c mapping.CSIDrivers) []check {
	return []check{{
		each: "variables.vols", as: "v",
		good: anyOf("!has(v.csi)", isOneOf("v.csi.driver", c.Drivers)),
		wrong: "'volume ' + v.name + ': csi.driver: Invalid value: ' + " + shown("v.csi.driver") + " + " +
			quote(": Inline CSI driver is not allowed to be used. Allowed drivers: "+allowedList(c.Drivers)),
	}}
}
