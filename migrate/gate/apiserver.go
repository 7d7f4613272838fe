package gate

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// policyPluginFlag returns, for the gate, the flag by which an API server names the admission plugin PodSecurityPolicy,
// with what that means; "" if none does. From v1.25 on an API server with such a flag does not start.
func policyPluginFlag(s *inventory.APIServer) string {
	if flag := s.EnablesPlugin(inventory.PluginPodSecurityPolicy); flag != "" {
		return "--" + flag + " (the plugin is on)"
	}
	if s.FlagNames(inventory.FlagDisablePlugins, inventory.PluginPodSecurityPolicy) {
		return "--" + inventory.FlagDisablePlugins + " (the plugin is off)"
	}
	return ""
}

// apiServers are the API servers of a plan whose flags the gate checks.
type apiServers []inventory.APIServer

// serversNamingPolicyPlugin returns, for the gate, the API servers whose flags name the plugin PodSecurityPolicy, with
// the flag.
func (all apiServers) serversNamingPolicyPlugin() []message.Message {
	return all.apiServersWhere(policyPluginFlag)
}

// apiServersWhere returns the API servers whose flags a check of the gate says something about, by their mirror pods,
// with what it says.
func (all apiServers) apiServersWhere(say func(*inventory.APIServer) string) []message.Message {
	var out []message.Message
	for i := range all {
		if text := say(&all[i]); text != "" {
			out = append(out, message.New("object-api-server", "pod", all[i].Pod, "flags", text))
		}
	}
	return out
}

// CheckAssertions returns an error for an --assert of the gate that contradicts what was read.
func CheckAssertions(p *migrate.Plan, asserted []Assertion) error {
	naming := apiServers(p.APIServers).serversNamingPolicyPlugin()
	if len(naming) == 0 || !slices.Contains(asserted, AssertPolicyPluginOff) {
		return nil
	}
	return fmt.Errorf("--assert=%s is not so: the mirror pods of API servers name PodSecurityPolicy (%s); take it out there, or leave the assertion out",
		AssertPolicyPluginOff, phrases.JoinFirst(message.Texts(naming), 5))
}

// isPolicyPluginOff reports, for the gate, whether the user asserts that the admission plugin PodSecurityPolicy is off,
// or every API server whose flags were read is without it.
func (j *upgradeCheck) isPolicyPluginOff() bool {
	return j.asserted(AssertPolicyPluginOff) || j.seenPolicyPluginOff()
}

// seenPolicyPluginOff reports, for the gate, whether flags of API servers were read and none names the admission plugin
// PodSecurityPolicy.
func (j *upgradeCheck) seenPolicyPluginOff() bool {
	return len(j.plan.APIServers) > 0 && len(apiServers(j.plan.APIServers).serversNamingPolicyPlugin()) == 0
}

// isPolicyPluginOn reports, for the gate, whether the flags of an API server turn the admission plugin
// PodSecurityPolicy on.
func (j *upgradeCheck) isPolicyPluginOn() bool {
	return slices.ContainsFunc(j.plan.APIServers, func(s inventory.APIServer) bool { return s.EnablesPlugin(inventory.PluginPodSecurityPolicy) != "" })
}

// checkPolicyPluginFlags adds a reason against the upgrade if the flags of an API server name the admission plugin
// PodSecurityPolicy, and else a note. It returns false if no flags were read.
func (j *upgradeCheck) checkPolicyPluginFlags(how Advice) bool {
	all, naming := len(j.plan.APIServers), apiServers(j.plan.APIServers).serversNamingPolicyPlugin()
	switch {
	case all == 0:
		return false
	case len(naming) > 0:
		j.addReason(Reason{
			Message: message.New("admission-plugin", "naming", len(naming), "all", all), Order: orderPlugin, Objects: naming, Advice: how,
		})
	default:
		j.addNote(apiServers(j.plan.APIServers).apiServerPods(), message.New("admission-plugin-off"))
	}
	return true
}

// apiServerPods returns the mirror pods of the API servers whose flags the gate checks, each once.
func (all apiServers) apiServerPods() []message.Message {
	var out []message.Message
	for i := range all {
		if i == 0 || all[i].Pod != all[i-1].Pod {
			out = append(out, message.New("object-api-server", "pod", all[i].Pod))
		}
	}
	return out
}

// checkPodSecurityPlugin adds a reason against the upgrade for API servers that run without the admission plugin
// PodSecurity: there, labels do nothing.
func (j *upgradeCheck) checkPodSecurityPlugin() {
	minor := migrate.ServerMinorForAdmission(j.plan.Source.ServerVersion, len(j.plan.Policies) > 0)
	off := apiServers(j.plan.APIServers).apiServersWhere(func(s *inventory.APIServer) string { return s.PodSecurityDisabledReason(minor) })
	if len(off) == 0 {
		return
	}
	j.addReason(Reason{
		Message: message.New("pod-security-off", "n", len(off), "all", len(j.plan.APIServers)), Order: orderIgnored, Objects: off,
		Advice: Advice{message.New("run-pod-security")},
	})
}

// noteAdmissionConfigFiles adds a note of the gate on API servers with an admission configuration that was not given,
// or without the one that was.
func (j *upgradeCheck) noteAdmissionConfigFiles() {
	file := func(s *inventory.APIServer) string { return s.Flags[inventory.FlagAdmissionConfigFile] }
	if j.plan.Admission == nil {
		if with := apiServers(j.plan.APIServers).apiServersWhere(file); len(with) > 0 {
			j.addNote(with, message.New("admission-config-not-given"))
		}
		return
	}
	without := apiServers(j.plan.APIServers).apiServersWhere(func(s *inventory.APIServer) string {
		if file(s) != "" {
			return ""
		}
		return "no --" + inventory.FlagAdmissionConfigFile
	})
	if len(without) > 0 {
		j.addNote(without, message.New("admission-config-not-used"))
	}
}

// observedAssertions returns the assertions of the gate that hold by what was read of a cluster. Files need not have
// the mirror pod of every API server and prove nothing.
func (j *upgradeCheck) observedAssertions() []string {
	live := slices.Contains([]inventory.SourceKind{inventory.SourceCluster, inventory.SourceFilesAndCluster}, j.plan.Source.Origin())
	if live && j.seenPolicyPluginOff() && !j.asserted(AssertPolicyPluginOff) {
		return []string{string(AssertPolicyPluginOff)}
	}
	return nil
}

// assertionHolds reports whether an assertion of the gate was made, or holds by what was read.
func (r *Result) assertionHolds(a Assertion) bool {
	return slices.Contains(r.Asserted, string(a)) || slices.Contains(r.Seen, string(a))
}
