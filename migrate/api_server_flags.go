package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/message"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// addAPIServerFindings adds to a plan what API servers that were read say of admission.
func addAPIServerFindings(p *Plan, inv *inventory.Inventory, opts Options) {
	p.Notes = append(p.Notes, admissionConfigNotes(inv, opts)...)
	p.Cautions = append(p.Cautions, cautionsWithoutPodSecurity(inv)...)
}

// admissionConfigNotes says where API servers have an admission configuration that was not given: one note for each path.
func admissionConfigNotes(inv *inventory.Inventory, opts Options) []Note {
	if opts.Admission != nil {
		return nil
	}
	var out []Note
	pods := map[string][]string{}
	for i := range inv.APIServers {
		s := &inv.APIServers[i]
		file := s.Flags[inventory.FlagAdmissionConfigFile]
		if file == "" {
			continue
		}
		if pods[file] == nil {
			out = append(out, Note{What: file, Position: s.Position})
		}
		pods[file] = append(pods[file], "kube-system/"+s.Pod)
	}
	for i := range out {
		file := out[i].What
		names := slices.Compact(pods[file])
		out[i].What = "API server " + strings.Join(names, ", ")
		out[i].Message = message.New("admission-config-on-host", "file", file)
	}
	return out
}

// enablesPodSecurityPolicy is true where the flags of an API server turn on the plugin PodSecurityPolicy.
func enablesPodSecurityPolicy(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.APIServers, func(s inventory.APIServer) bool { return s.EnablesPlugin(inventory.PluginPodSecurityPolicy) != "" })
}

// ServerMinorForAdmission is the minor of a server as far as its admission goes; 0 where it is not known. A server of which the version
// is not known and that has policies is taken for the last one that served them.
func ServerMinorForAdmission(version string, policies bool) int {
	server, known := parseServerMinor(version)
	switch {
	case known:
		return server.Minor()
	case policies:
		oldest := FirstVersionWithoutPSP()
		return oldest.Minor() - 1
	}
	return 0
}

// cautionsWithoutPodSecurity are cautions: where an API server runs without the plugin, labels do nothing.
func cautionsWithoutPodSecurity(inv *inventory.Inventory) []message.Message {
	minor := ServerMinorForAdmission(inv.Source.ServerVersion, len(inv.Policies) > 0)
	var out []message.Message
	for i := range inv.APIServers {
		s := &inv.APIServers[i]
		if why := s.PodSecurityDisabledReason(minor); why != "" {
			out = append(out, message.New("api-server-without-pod-security", "pod", s.Pod, "why", why))
		}
	}
	return out
}
