package gate

import (
	"fmt"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/wording"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// namedBy is the flag by which an API server names the plugin PodSecurityPolicy, with what that means; "" if none does. From
// v1.25 on an API server does not start with the name in any of them.
func namedBy(s *inventory.APIServer) string {
	if flag := s.Enables(inventory.PluginPolicies); flag != "" {
		return "--" + flag + " (the plugin is on)"
	}
	if s.Has(inventory.FlagDisablePlugins, inventory.PluginPolicies) {
		return "--" + inventory.FlagDisablePlugins + " (the plugin is off)"
	}
	return ""
}

// naming are the API servers that name the plugin PodSecurityPolicy, with the flag.
func (f *Facts) naming() []string {
	return f.servers(namedBy)
}

// servers are the API servers of which say returns something, by their mirror pods, with what it returns.
func (f *Facts) servers(say func(*inventory.APIServer) string) []string {
	var out []string
	for i := range f.APIServers {
		if text := say(&f.APIServers[i]); text != "" {
			out = append(out, "kube-system/"+f.APIServers[i].Pod+": "+text)
		}
	}
	return out
}

// Contradicted returns an error where what was read says otherwise than an assertion.
func Contradicted(f Facts, asserted []Assertion) error {
	naming := f.naming()
	if len(naming) == 0 || !slices.Contains(asserted, PluginOff) {
		return nil
	}
	return fmt.Errorf("--assert=%s is not so: the mirror pods of API servers name PodSecurityPolicy (%s); take it out there, or leave the assertion out",
		PluginOff, wording.First(naming, 5))
}

// pluginOff is true where somebody says so, or every API server whose flags were read is without the plugin.
func (j *judge) pluginOff() bool { return j.asserted(PluginOff) || j.seenOff() }

func (j *judge) seenOff() bool { return len(j.facts.APIServers) > 0 && len(j.facts.naming()) == 0 }

// pluginOn is true where the flags of an API server turn the plugin on.
func (j *judge) pluginOn() bool {
	return slices.ContainsFunc(j.facts.APIServers, func(s inventory.APIServer) bool { return s.Enables(inventory.PluginPolicies) != "" })
}

// pluginSeen judges the plugin by the flags of API servers. It returns false where none were read.
func (j *judge) pluginSeen(how string) bool {
	all, naming := len(j.facts.APIServers), j.facts.naming()
	switch {
	case all == 0:
		return false
	case len(naming) > 0:
		j.fail(Reason{
			ID: "admission-plugin", Order: orderPlugin, Where: naming, How: how,
			What: fmt.Sprintf("%s the plugin PodSecurityPolicy in flags, of %d whose mirror pods were read", wording.Count(len(naming), "API server names", "API servers name"), all),
		})
	default:
		j.tell(j.facts.pods(), "by their mirror pods, these API servers do not name the plugin PodSecurityPolicy, which is off by default: "+
			"if there are others, look at their flags, too")
	}
	return true
}

func (f *Facts) pods() []string {
	var out []string
	for i := range f.APIServers {
		out = append(out, "kube-system/"+f.APIServers[i].Pod)
	}
	return slices.Compact(out)
}

// podSecurity finds API servers that run without the plugin PodSecurity: there, no label does anything.
func (j *judge) podSecurity() {
	minor := migrate.AdmissionMinor(j.plan.Source.ServerVersion, len(j.plan.Policies) > 0)
	off := j.facts.servers(func(s *inventory.APIServer) string { return s.WithoutPodSecurity(minor) })
	if len(off) == 0 {
		return
	}
	j.fail(Reason{
		ID: "pod-security-off", Order: orderIgnored, Where: off,
		What: fmt.Sprintf("%s without the plugin PodSecurity, of %d whose mirror pods were read: there, labels do nothing",
			wording.Count(len(off), "API server runs", "API servers run"), len(j.facts.APIServers)),
		How: "change these flags of every API server, in the manifest of its static pod, before labels are relied on",
	})
}

// admissionFiles tells where API servers have an admission configuration of which nothing is known here, or are without the
// one that is.
func (j *judge) admissionFiles() {
	file := func(s *inventory.APIServer) string { return s.Flags[inventory.FlagAdmissionConfig] }
	if j.plan.Admission == nil {
		if with := j.facts.servers(file); len(with) > 0 {
			j.tell(with, "API servers have an admission configuration at these places on their hosts, which may set default levels and exemptions: give that file with --admission-config")
		}
		return
	}
	without := j.facts.servers(func(s *inventory.APIServer) string {
		if file(s) != "" {
			return ""
		}
		return "no --" + inventory.FlagAdmissionConfig
	})
	if len(without) > 0 {
		j.tell(without, "API servers that run without the admission configuration that is given here: it does not hold there")
	}
}

// seen are the assertions that reading a cluster shows to hold. Files need not have the mirror pod of every API server: what
// depends on it waits for somebody's word.
func (j *judge) seen() []string {
	live := j.plan.Source.Kind == inventory.SourceCluster || j.plan.Source.Kind == inventory.SourceFilesAndCluster
	if live && j.seenOff() && !j.asserted(PluginOff) {
		return []string{string(PluginOff)}
	}
	return nil
}

// holds is true for an assertion that was made, or was seen to hold.
func (r *Result) holds(a Assertion) bool {
	return slices.Contains(r.Asserted, string(a)) || slices.Contains(r.Seen, string(a))
}
