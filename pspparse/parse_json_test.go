package pspparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	const rules = `"runAsUser":{"rule":"RunAsAny"},"seLinux":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"},"fsGroup":{"rule":"RunAsAny"}`
	const head = `{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p"},` + "\n\"spec\":{"
	for name, tc := range map[string]struct {
		text     string
		at       Position
		problems string // the Errors, or else the Warnings
		read     bool
	}{
		"valid": {head + rules + `}}`, Position{File: "f", Line: 7}, "", true},
		"duplicate keys": {
			head + "\"privileged\":false,\n\"privileged\":true," + rules + `}}`,
			Position{Line: 7},
			"9 error spec.privileged: the key \"privileged\" stands twice (lines 8 and 9): which one counts depends on the reader; remove one\n", false,
		},
		"duplicate keys from a cluster": {
			head + "\"privileged\":false,\n\"privileged\":true," + rules + `}}`,
			Position{},
			"0 error spec.privileged: the key \"privileged\" stands twice: which one counts depends on the reader; remove one\n", false,
		},
		"duplicate keys spelt otherwise": {
			head + `"privileged":false,"\u0070rivileged":true,` + rules + `}}`,
			Position{Line: 7},
			"8 error spec.privileged: the key \"privileged\" stands twice (both in line 8): which one counts depends on the reader; remove one\n", false,
		},
		"wrong case": {
			head + `"Privileged":true,` + rules + `}}`,
			Position{Line: 7},
			"8 warning spec.Privileged: unknown field \"Privileged\", which the API server ignores; did you mean \"privileged\"? Names are case-sensitive.\n", true,
		},
		"wrong type": {
			head + `"privileged":"true",` + rules + `}}`,
			Position{Line: 7},
			"8 error spec.privileged: expected a boolean (true or false), found the string \"true\"\n", false,
		},
		"yes is text in JSON": {head + `"volumes":["yes","5"],` + rules + `}}`, Position{Line: 7}, lines(
			`8 warning spec.volumes[0]: unknown volume type "yes"; the API server would refuse this policy`,
			`8 warning spec.volumes[1]: unknown volume type "5"; the API server would refuse this policy`), true},
		"numbers": {head + `"hostPorts":[{"min":1e3,"max":1.5e3}],` + rules + `}}`, Position{Line: 7}, "", true},
		"number too fine": {head + `"hostPorts":[{"min":1e-3,"max":1e400}],` + rules + `}}`, Position{Line: 7}, lines(
			`8 error spec.hostPorts[0].max: expected an integer, found the string "1e400"`,
			`8 error spec.hostPorts[0].min: expected an integer, found the number "1e-3"`), false},
		"replacement character": {
			strings.Replace(head, `"p"`, `"p\ud800"`, 1) + rules + `}}`,
			Position{Line: 7},
			"7 error metadata.name: \"p\\ufffd\" is not a valid name: a name is at most 253 lower-case letters, digits, '-' and '.', and starts and ends with a letter or digit\n", false,
		},
		"cut off": {head, Position{Line: 7}, "8 error : the JSON ends too early\n", false},
		"null":    {"null", Position{Line: 7}, "7 error : the document is empty\n", false},
		"a list":  {"[]", Position{Line: 7}, "7 error : expected an object, found a list\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := ParseJSON([]byte(tc.text), tc.at)
			if (p != nil) != tc.read {
				t.Fatalf("read: %v\n%s", p != nil, told(problems))
			}
			if p != nil {
				if problems != nil {
					t.Errorf("a policy was read, and yet there are errors:\n%s", told(problems))
				}
				problems = p.Problems
				if diff := cmp.Diff(tc.at, p.Position); diff != "" {
					t.Errorf("position (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tc.problems, told(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
