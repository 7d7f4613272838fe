package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// foreseenOf is what a plan says of PSP admission for the one workload of namespace a.
type foreseenOf struct {
	AdmittedBy string
	Refused    []string
	Drift      []AdmissionDrift
	Mutations  int
	Achievable bool
}

// What is foreseen, and where nothing may be said: past v1.25, where the policies are not asked, where something that it
// depends on was not read.
func TestForesight(t *testing.T) {
	t.Parallel()
	base, tight := policy(t, "base", baselineLike), policy(t, "tight", restrictedLike)
	grants := []object{base, tight, namespace("a"), grant("base", "a", everyAccountOf("a"))}
	live := func(by string) object { return running("a/bare", by, plain()) }
	const written = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bare","namespace":"a"},"spec":{"containers":[{"name":"app","image":"app"}]}}`
	const profiled = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bare","namespace":"a"},"spec":{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"app"}]}}`
	const onTheHost = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bare","namespace":"a"},"spec":{"hostNetwork":true,"containers":[{"name":"app"}]}}`
	refused := []string{"policy base: spec.securityContext.hostNetwork: Invalid value: true: Host network is not allowed to be used"}
	tests := map[string]struct {
		server  string
		opts    Options
		objects []object
		want    foreseenOf
	}{
		"a policy admits it":                 {server: "v1.24.1", objects: []object{deployment("a/web", plain())}, want: foreseenOf{AdmittedBy: "base", Achievable: true}},
		"none does":                          {server: "v1.24.1", objects: []object{deployment("a/web", hostNetworked())}, want: foreseenOf{Refused: refused, Achievable: true}},
		"past v1.25":                         {server: "v1.25.0", objects: []object{deployment("a/web", hostNetworked())}},
		"no live pod was admitted by any":    {server: "v1.24.1", objects: []object{live("")}},
		"something was not read":             {server: "v1.24.1", objects: []object{deployment("a/web", plain()), gap("roles", "a")}},
		"something was not read, all wanted": {server: "v1.24.1", opts: Options{AllowPartial: true}, objects: []object{deployment("a/web", plain()), gap("roles", "a")}, want: foreseenOf{AdmittedBy: "base", Achievable: true}},
		"admitted by a policy that is gone": {
			server: "v1.24.1", objects: []object{live("gone")},
			want: foreseenOf{AdmittedBy: "base", Achievable: true, Drift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "gone", Predicted: "base", Why: message.Message{Text: "policy gone is not there any more"}}}},
		},
		"admitted by a policy that its account may not use": {
			server: "v1.24.1", objects: []object{live("tight")},
			want: foreseenOf{AdmittedBy: "base", Achievable: true, Drift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "tight", Predicted: "base", Why: message.Message{Text: "their account may not use policy tight: whoever created them may"}}}},
		},
		"the same, and what its author wrote is known": {
			server: "v1.24.1", objects: []object{applied("a/bare", "tight", profiled, hardened())},
			want: foreseenOf{AdmittedBy: "tight", Mutations: 4, Achievable: true, Drift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "tight", Why: message.Message{Text: "their account may not use policy tight: whoever created them may"}}}},
		},
		"what its author wrote is known, and its policy is another today": {
			server: "v1.24.1", objects: []object{applied("a/bare", "base", written, plain()), policy(t, "also", baselineLike), grant("also", "a", everyAccountOf("a"))},
			want: foreseenOf{AdmittedBy: "also", Achievable: true, Drift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "base", Predicted: "also", Why: message.Message{Text: "a policy or a grant has changed since, or a webhook changed them after they were admitted"}}}},
		},
		"what its author wrote is known, and none that is known admits it": {
			server: "v1.24.1", objects: []object{applied("a/bare", "gone", onTheHost, hostNetworked())},
			want: foreseenOf{Achievable: true, Drift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "gone", Why: message.Message{Text: "policy gone is not there any more"}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster(tt.server), tt.opts, append(tt.objects, grants...)...), "a")
			w := ns.Workloads[0]
			got := foreseenOf{w.AdmittedBy, message.Texts(w.Refused), w.AdmissionDrift, len(w.Mutations), ns.AchievableLevel != ""}
			if diff := cmp.Diff(tt.want, got, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
