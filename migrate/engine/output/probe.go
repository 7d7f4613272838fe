package output

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// What pods for trying have that policies hardly allow.
const (
	probeID      = 2147483001
	probePort    = 65533
	probeDriver  = "psp2pss.invalid"
	probePath    = "/psp2pss-probe"
	probeProfile = "psp2pss-probe.json"
	probeType    = "container_t"
	probeRange   = "s0:c1021,c1022"
)

// probe is a pod for a dry run that tells whether a set is in force: one that meets a level of the Pod Security Standards, so that the
// label of a namespace lets it in, and has as much as that level allows that policies forbid.
type probe struct {
	level api.Level
}

// probes are the pods for trying, those that more labels let in first.
func probes() []probe {
	return []probe{{api.LevelRestricted}, {api.LevelBaseline}, {api.LevelPrivileged}}
}

// probeOf returns the pod for trying that a set must refuse; false where none of them is sure to be refused.
func probeOf(t *engine.Table, s *engine.Set) (probe, bool) {
	for _, p := range probes() {
		if s.Level != "" && levels.Looser(p.level, s.Level) {
			continue // the label refuses it
		}
		if p.isRefusedBy(t, s) {
			return p, true
		}
	}
	return probe{}, false
}

// isRefusedBy reports whether every alternative of a set refuses the pod, or one of the checks of the set does.
func (p probe) isRefusedBy(t *engine.Table, s *engine.Set) bool {
	if slices.ContainsFunc(s.Checks, func(c engine.LevelCheck) bool { return p.failsCheck(c.ID) }) {
		return true
	}
	for _, a := range s.Alternatives {
		if !slices.ContainsFunc(a.Constraints, p.violates) {
			return false
		}
	}
	return len(s.Alternatives) > 0
}

// has reports whether the pod has what a level allows and the stricter ones do not.
func (p probe) has(from api.Level) bool { return p.level == from || levels.Looser(p.level, from) }

// failsCheck reports whether the pod fails a check of the Pod Security Standards.
func (p probe) failsCheck(id string) bool {
	switch id {
	case "allowPrivilegeEscalation", "capabilities_restricted", "restrictedVolumes", "runAsNonRoot", "runAsUser", "seccompProfile_restricted":
		return p.has(api.LevelBaseline)
	case "privileged", "hostNamespaces", "hostPorts", "hostPathVolumes", "capabilities_baseline":
		return p.has(api.LevelPrivileged)
	}
	return false
}

// violates reports whether the pod is sure to violate a constraint of a policy.
func (p probe) violates(constraint mapping.Constraint) bool {
	switch c := constraint.(type) {
	case mapping.PrivilegedContainers, mapping.HostNamespace:
		return p.has(api.LevelPrivileged)
	case mapping.HostPorts:
		return p.has(api.LevelPrivileged) && !slices.ContainsFunc(c.Ranges, func(r pspparse.HostPortRange) bool { return r.Min <= probePort && probePort <= r.Max })
	case mapping.VolumeTypes:
		return slices.ContainsFunc(p.volumes(), func(v map[string]any) bool {
			for key := range v {
				if key != "name" && !slices.Contains(c.Keys, key) {
					return true
				}
			}
			return false
		})
	case mapping.HostPaths:
		return p.has(api.LevelPrivileged) && !slices.ContainsFunc(c.Paths, func(a pspparse.AllowedHostPath) bool {
			return strings.HasPrefix(probePath, strings.TrimRight(a.PathPrefix, "/"))
		})
	case mapping.FlexVolumeDrivers:
		return p.has(api.LevelBaseline) && !slices.Contains(c.Drivers, probeDriver)
	case mapping.CSIDrivers:
		return !slices.Contains(c.Drivers, probeDriver)
	case mapping.SELinuxLabel:
		return c.Options != pspparse.SELinuxOptions{Type: probeType, Level: probeRange}
	case mapping.NonRootUser, mapping.PrivilegeEscalation:
		return constraint.Refuses() && p.has(api.LevelBaseline)
	case mapping.IDRanges:
		return !slices.ContainsFunc(c.Ranges, func(r pspparse.IDRange) bool { return r.Min <= probeID && probeID <= r.Max })
	case mapping.ReadOnlyRootFilesystem:
		return true
	case mapping.Capabilities:
		return !c.Any && !slices.Contains(c.Addable, "NET_BIND_SERVICE")
	case mapping.Profiles:
		return c.Refuses() && c.Listed && !slices.Contains(c.Allowed, "localhost/"+probeProfile)
	}
	return false // procMount, sysctls and runtime classes meet other checks of the API server
}

// file returns the name of the file of the pod.
func (p probe) file() string { return "probe/" + string(p.level) + ".yaml" }

// podManifest is a pod as it is written into a file.
type podManifest struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       map[string]any `json:"spec"`
}

// newPod returns a pod for trying. Nothing is ever run of it.
func newPod(spec map[string]any) podManifest {
	spec["automountServiceAccountToken"] = false // the volume with the token is not what is tried
	return podManifest{"v1", "Pod", map[string]any{"name": "psp2pss-probe"}, spec}
}

// container returns a container of a pod for trying.
func container(name string, securityContext map[string]any) map[string]any {
	c := map[string]any{"name": name, "image": "registry.k8s.io/pause:3.10"}
	if len(securityContext) > 0 {
		c["securityContext"] = securityContext
	}
	return c
}

// plainPod returns the pod for trying that states nothing about security.
func plainPod() podManifest {
	return newPod(map[string]any{"containers": []any{container("probe", nil)}})
}

// pod returns the pod itself.
func (p probe) pod() podManifest {
	type m = map[string]any
	profile := m{"type": "Localhost", "localhostProfile": probeProfile}
	context := m{
		"runAsUser": probeID, "runAsGroup": probeID, "fsGroup": probeID, "supplementalGroups": []any{probeID},
		"seLinuxOptions": m{"type": probeType, "level": probeRange}, "appArmorProfile": profile,
	}
	hardened := container("probe", m{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": false, "runAsNonRoot": true, "seccompProfile": profile,
		"capabilities": m{"add": []any{"NET_BIND_SERVICE"}, "drop": []any{"ALL"}},
	})
	spec := m{"securityContext": context, "containers": []any{hardened}, "volumes": p.volumes()}
	if p.has(api.LevelBaseline) {
		root := m{"runAsUser": 0}
		if p.has(api.LevelPrivileged) {
			spec["hostNetwork"], spec["hostPID"], spec["hostIPC"] = true, true, true
			hardened["ports"] = []any{m{"containerPort": probePort, "hostPort": probePort}}
			root["privileged"], root["capabilities"] = true, m{"add": []any{"SYS_ADMIN"}}
		}
		spec["containers"] = []any{hardened, container("root", root)}
	}
	return newPod(spec)
}

// volumes returns the volumes of the pod, each with its name and its source.
func (p probe) volumes() []map[string]any {
	type m = map[string]any
	out := []map[string]any{
		{"configMap": m{"name": "psp2pss-probe"}},
		{"secret": m{"secretName": "psp2pss-probe"}},
		{"downwardAPI": m{}},
		{"projected": m{"sources": []any{m{"configMap": m{"name": "psp2pss-probe"}}}}},
		{"emptyDir": m{}},
		{"persistentVolumeClaim": m{"claimName": "psp2pss-probe"}},
		{"csi": m{"driver": probeDriver}},
	}
	if p.has(api.LevelBaseline) {
		out = append(out, m{"nfs": m{"server": probeDriver, "path": "/"}}, m{"flexVolume": m{"driver": probeDriver}})
	}
	if p.has(api.LevelPrivileged) {
		out = append(out, m{"hostPath": m{"path": probePath}})
	}
	for i, v := range out {
		v["name"] = "v" + string(rune('a'+i))
	}
	return out
}

// acceptsPlain reports whether a policy accepts the pod that states nothing, once it has written into it what it writes.
func acceptsPlain(p *engine.Policy) bool {
	for _, constraint := range p.Constraints {
		if c, is := constraint.(mapping.Profiles); is && c.Refuses() && c.Default == "" && !slices.Contains(c.Allowed, "") {
			return false
		}
	}
	return true
}
