package migrate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// addAPIServerFindings adds to a Plan the notes and cautions on the flags of the API servers that were read.
func addAPIServerFindings(p *Plan, inv *inventory.Inventory, opts Options) {
	p.Notes = append(p.Notes, admissionConfigNotes(inv, opts)...)
	p.Cautions = append(p.Cautions, cautionsWithoutPodSecurity(inv)...)
}

// admissionConfigNotes returns a Plan's note for each admission configuration file that API servers have and that was
// not given: one for each path.
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

// enablesPodSecurityPolicy reports, for a Plan, whether the flags of an API server enable the PodSecurityPolicy
// admission plugin.
func enablesPodSecurityPolicy(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.APIServers, func(s inventory.APIServer) bool { return s.EnablesPlugin(inventory.PluginPodSecurityPolicy) != "" })
}

// ServerMinorForAdmission returns the minor version of the API server of a Plan as far as its admission plugins go; 0
// where it is not known. A server of unknown version that has policies counts as the last one that served them.
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

// cautionsWithoutPodSecurity returns a caution for each API server that runs without the PodSecurity admission plugin: labels
// have no effect there.
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
