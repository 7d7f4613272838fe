package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// apiServers are mirror pods named a, b and so on, with the flags given for each.
func apiServers(flags ...string) string {
	var b strings.Builder
	for i, f := range flags {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver-%c, namespace: kube-system, uid: u, annotations: {kubernetes.io/config.mirror: x}}\n"+
			"spec:\n  hostNetwork: true\n  nodeName: n\n  containers:\n  - {name: kube-apiserver, image: i, command: [kube-apiserver, --v=2%s]}\nstatus: {phase: Running}\n", 'a'+i, f)
	}
	return b.String()
}

// Each case is a cluster of which only what its API servers' flags decide is looked at.
func TestAPIServers(t *testing.T) {
	t.Parallel()
	const (
		how = "take PodSecurityPolicy out of --enable-admission-plugins, and out of --disable-admission-plugins, of every API server: from v1.25 on it does not start with a plugin that it does not know in either"
		off = "by their mirror pods, these API servers do not name the plugin PodSecurityPolicy, which is off by default: if there are others, look at their flags, too"
	)
	named := func(what string, where ...string) gate.Reason {
		return gate.Reason{Message: says("admission-plugin", what), Order: 10, Objects: objects("object-api-server", where...), Advice: advises(how), Commands: []string{}}
	}
	without := func(what string, where ...string) gate.Reason {
		return gate.Reason{
			Message: says("pod-security-off", what), Order: 7, Objects: objects("object-api-server", where...), Commands: []string{},
			Advice: advises("change these flags of every API server, in the manifest of its static pod, before labels are relied on"),
		}
	}
	tests := []struct {
		name     string
		pods     string
		server   string // v1.24.17 if empty
		reasons  []gate.Reason
		told     []gate.Note
		unknown  bool // whether the plugin is on
		seen     []string
		refused  string // --assert=psp-plugin-off
		assigned *migrate.Admission
	}{
		{name: "no mirror pods", unknown: true},
		{
			name: "a hosted control plane of another cluster", unknown: true,
			pods: "---\napiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver-x, namespace: kube-system}\nspec:\n  containers:\n  - {name: kube-apiserver, image: i, command: [kube-apiserver, --enable-admission-plugins=PodSecurityPolicy]}\n",
		},
		{
			name: "on", pods: apiServers(", '--enable-admission-plugins=NodeRestriction,PodSecurityPolicy'"),
			reasons: []gate.Reason{named("1 API server names the plugin PodSecurityPolicy in flags, of 1 whose mirror pods were read", "kube-system/kube-apiserver-a: --enable-admission-plugins (the plugin is on)")},
			refused: "--assert=psp-plugin-off is not so: the mirror pods of API servers name PodSecurityPolicy (kube-system/kube-apiserver-a: --enable-admission-plugins (the plugin is on)); take it out there, or leave the assertion out",
		},
		{
			name: "on in one of three", pods: apiServers("", ", '--admission-control=PodSecurity,PodSecurityPolicy'", ", --disable-admission-plugins=PodSecurityPolicy"),
			reasons: []gate.Reason{named("2 API servers name the plugin PodSecurityPolicy in flags, of 3 whose mirror pods were read",
				"kube-system/kube-apiserver-b: --admission-control (the plugin is on)", "kube-system/kube-apiserver-c: --disable-admission-plugins (the plugin is off)")},
			refused: "--assert=psp-plugin-off is not so: the mirror pods of API servers name PodSecurityPolicy (kube-system/kube-apiserver-b: --admission-control (the plugin is on), " +
				"kube-system/kube-apiserver-c: --disable-admission-plugins (the plugin is off)); take it out there, or leave the assertion out",
		},
		{
			name: "off in all", pods: apiServers("", ", --enable-admission-plugins=NodeRestriction"), seen: []string{"psp-plugin-off"},
			told: []gate.Note{{Message: says("admission-plugin-off", off), Objects: objects("object-api-server", "kube-system/kube-apiserver-a", "kube-system/kube-apiserver-b")}},
		},
		{
			name: "past policies", pods: apiServers(""), server: "v1.26.1", seen: []string{"psp-plugin-off"},
		},
		{
			name: "labels do nothing", server: "v1.23.17", seen: []string{"psp-plugin-off"},
			pods: apiServers(", --disable-admission-plugins=PodSecurity", ", --admission-control=NodeRestriction", ", --feature-gates=PodSecurity=false", ", --feature-gates=AllBeta=false", ", '--feature-gates=AllBeta=false,PodSecurity=true'"),
			reasons: []gate.Reason{without("4 API servers run without the plugin PodSecurity, of 5 whose mirror pods were read: there, labels do nothing",
				"kube-system/kube-apiserver-a: --disable-admission-plugins names it", "kube-system/kube-apiserver-b: --admission-control does not name it",
				"kube-system/kube-apiserver-c: --feature-gates has PodSecurity=false", "kube-system/kube-apiserver-d: --feature-gates has AllBeta=false")},
			told: []gate.Note{{Message: says("admission-plugin-off", off), Objects: objects("object-api-server", "kube-system/kube-apiserver-a", "kube-system/kube-apiserver-b", "kube-system/kube-apiserver-c", "kube-system/kube-apiserver-d", "kube-system/kube-apiserver-e")}},
		},
		{
			name: "an alpha feature", server: "v1.22.9", seen: []string{"psp-plugin-off"},
			pods:    apiServers("", ", --feature-gates=PodSecurity=true", ", --feature-gates=AllAlpha=true"),
			reasons: []gate.Reason{without("1 API server runs without the plugin PodSecurity, of 3 whose mirror pods were read: there, labels do nothing", "kube-system/kube-apiserver-a: v1.22 runs it only with PodSecurity=true in --feature-gates")},
			told:    []gate.Note{{Message: says("admission-plugin-off", off), Objects: objects("object-api-server", "kube-system/kube-apiserver-a", "kube-system/kube-apiserver-b", "kube-system/kube-apiserver-c")}},
		},
		{
			name: "no beta feature any more", server: "v1.27.1", pods: apiServers(", --feature-gates=AllBeta=false"), seen: []string{"psp-plugin-off"},
		},
		{
			name: "a configuration that is not known", server: "v1.27.1", pods: apiServers(", --admission-control-config-file=/etc/a.yaml", ""), seen: []string{"psp-plugin-off"},
			told: []gate.Note{{
				Message: says("admission-config-not-given", "API servers have an admission configuration at these places on their hosts, which may set default levels and exemptions: give that file with --admission-config"),
				Objects: objects("object-api-server", "kube-system/kube-apiserver-a: /etc/a.yaml"),
			}},
		},
		{
			name: "a configuration that not all have", server: "v1.27.1", pods: apiServers(", --admission-control-config-file=/etc/a.yaml", ""), seen: []string{"psp-plugin-off"},
			assigned: &migrate.Admission{},
			told: []gate.Note{{
				Message: says("admission-config-not-used", "API servers that run without the admission configuration that is given here: it does not hold there"),
				Objects: objects("object-api-server", "kube-system/kube-apiserver-b: no --admission-control-config-file"),
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.server == "" {
				tt.server = "v1.24.17"
			}
			p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(tt.pods)}}, tt.server)
			p.Admission = tt.assigned
			p.Namespaces = nil // what runs is not looked at
			r := gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 28)})
			var reasons []gate.Reason
			for _, reason := range r.Reasons {
				if reason.ID == "admission-plugin" || reason.ID == "pod-security-off" {
					reasons = append(reasons, reason)
				}
			}
			if diff := cmp.Diff(tt.reasons, reasons, sameMessages()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.told, r.Notes, sameMessages()); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.seen, r.Seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			unknown := false
			for _, u := range r.Unknown {
				unknown = unknown || u.ID == "admission-plugin"
			}
			if unknown != tt.unknown {
				t.Errorf("whether the plugin is on is not known: %t", unknown)
			}
			refused := ""
			if err := gate.CheckAssertions(p, []gate.Assertion{gate.AssertPolicyPluginOff}); err != nil {
				refused = err.Error()
			}
			if diff := cmp.Diff(tt.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if err := gate.CheckAssertions(p, []gate.Assertion{gate.AssertHelmClean}); err != nil {
				t.Errorf("another assertion: %v", err)
			}
		})
	}
}

// What is deleted waits for somebody's word, unless a cluster shows that the plugin is off in every API server.
func TestSeenOffReleasesCommands(t *testing.T) {
	t.Parallel()
	const psp = "---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: strict}\nspec: {seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}}\n"
	for _, tt := range []struct {
		kind inventory.SourceKind
		pods string
		want bool
	}{
		{inventory.SourceCluster, apiServers(""), true},
		{inventory.SourceFiles, apiServers(""), false},
		{inventory.SourceCluster, "", false},
		{inventory.SourceCluster, apiServers(", --enable-admission-plugins=PodSecurityPolicy"), false},
	} {
		p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(psp + tt.pods)}}, "v1.24.17")
		p.Source.Kind = tt.kind
		r := gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)})
		var text strings.Builder
		if err := written("table")(&text, r); err != nil {
			t.Fatal(err)
		}
		if got := !strings.Contains(text.String(), "not before psp-plugin-off is known to hold"); got != tt.want {
			t.Errorf("%s with %q: released: %t\n%s", tt.kind, tt.pods, got, text.String())
		}
	}
}

// Pods that no policy has admitted are a sign that the plugin is off, but the flags of an API server are more than a sign.
func TestFlagsSayThatPoliciesFillIn(t *testing.T) {
	t.Parallel()
	const input = `apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: users}
spec: {volumes: ['*'], seLinux: {rule: RunAsAny}, runAsUser: {rule: MustRunAs, ranges: [{min: 7, max: 7}]}, fsGroup: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: users, uid: u}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: users, uid: u}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: users}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: system:authenticated}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: u}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
`
	for _, on := range []bool{false, true} {
		flags := ""
		if on {
			flags = ", --enable-admission-plugins=PodSecurityPolicy"
		}
		r := upgradeCheck(t, fstest.MapFS{"in.yaml": {Data: []byte(input + apiServers(flags))}}, "v1.24.17", "v1.25")
		got := slices.ContainsFunc(r.Reasons, func(r gate.Reason) bool { return r.ID == "mutated-by-policies" })
		if got != on {
			t.Errorf("the plugin is on: %t; what policies fill in is a reason: %t", on, got)
		}
	}
}
