package pspparse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// valid is the smallest policy that the API server accepts; the tests add to its spec, from line 10 on.
const valid = `apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: p
spec:
  seLinux: {rule: RunAsAny}
  runAsUser: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`

func parseText(t *testing.T, text string) (*Policy, []Problem) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("the test's own YAML does not parse: %v\n%s", err, text)
	}
	return Parse(&doc, "p.yaml")
}

// told renders problems one per line as "line severity field: message".
func told(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%d %s %s: %s\n", p.Line, p.Severity, p.Field, p.Message)
	}
	return b.String()
}

func lines(ss ...string) string { return strings.Join(ss, "\n") + "\n" }

func TestParseWholePolicy(t *testing.T) {
	t.Parallel()
	got, problems := parseText(t, `# a comment
apiVersion: extensions/v1beta1
kind: PodSecurityPolicy
metadata:
  name: web.restricted
  labels: {team: web}
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default
    kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"privileged":true}}'
  creationTimestamp: null
  managedFields: [{manager: kubectl}]
spec:
  privileged: off
  volumes:
  - secret
  runAsUser:
    rule: MustRunAs
    ranges: [{min: 1000, max: 1e9}]
  seLinux: {rule: MustRunAs, seLinuxOptions: {level: "s0:c1,c2", user: u, role: r, type: container_t}}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  allowedCapabilities: []
  hostPorts: null
`)
	if problems != nil {
		t.Fatalf("unexpected errors:\n%s", told(problems))
	}
	yes := true
	want := &Policy{
		Name:        "web.restricted",
		APIVersion:  "extensions/v1beta1",
		Labels:      map[string]string{"team": "web"},
		Annotations: map[string]string{SeccompAllowedAnnotation: "runtime/default"},
		Spec: Spec{
			Volumes:   []string{"secret"},
			RunAsUser: IDStrategy{Rule: MustRunAs, Ranges: []IDRange{{Min: 1000, Max: 1_000_000_000}}},
			SELinux: SELinuxStrategy{
				Rule:           MustRunAs,
				SELinuxOptions: &SELinuxOptions{User: "u", Role: "r", Type: "container_t", Level: "s0:c1,c2"},
			},
			SupplementalGroups:       IDStrategy{Rule: RunAsAny},
			FSGroup:                  IDStrategy{Rule: RunAsAny},
			AllowPrivilegeEscalation: &yes,
		},
		Position: Position{File: "p.yaml", Line: 2},
		Lines: map[string]int{
			"apiVersion": 2, "kind": 3, "metadata": 4, "metadata.name": 5, "metadata.labels": 6, "metadata.labels[team]": 6,
			"metadata.annotations": 7, "metadata.annotations[" + SeccompAllowedAnnotation + "]": 8,
			"metadata.managedFields": 11, "spec": 12, "spec.privileged": 13, "spec.volumes": 14, "spec.volumes[0]": 15,
			"spec.runAsUser": 16, "spec.runAsUser.rule": 17, "spec.runAsUser.ranges": 18, "spec.runAsUser.ranges[0]": 18,
			"spec.runAsUser.ranges[0].min": 18, "spec.runAsUser.ranges[0].max": 18, "spec.seLinux": 19, "spec.seLinux.rule": 19,
			"spec.seLinux.seLinuxOptions": 19, "spec.seLinux.seLinuxOptions.level": 19, "spec.seLinux.seLinuxOptions.user": 19,
			"spec.seLinux.seLinuxOptions.role": 19, "spec.seLinux.seLinuxOptions.type": 19, "spec.supplementalGroups": 20,
			"spec.supplementalGroups.rule": 20, "spec.fsGroup": 21, "spec.fsGroup.rule": 21, "spec.allowedCapabilities": 22,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	const twice = "which one counts depends on the reader; remove one"
	for name, tc := range map[string]struct{ text, want string }{
		"empty document":       {"", "0 error : the document is empty\n"},
		"null document":        {"--- ~\n", "1 error : the document is empty\n"},
		"only comments":        {"# nothing\n", "0 error : the document is empty\n"},
		"list":                 {"- a\n", "1 error : expected an object, found a list\n"},
		"text":                 {"hello\n", "1 error : expected an object, found the string \"hello\"\n"},
		"another kind":         {"kind: Pod\nmetadata: {name: a}\n", "1 error kind: the kind is \"Pod\", not PodSecurityPolicy\n"},
		"kind in another case": {"kind: podsecuritypolicy\nmetadata: {name: a}\n", "1 error kind: the kind is \"podsecuritypolicy\", not PodSecurityPolicy: kinds are case-sensitive\n"},
		"two slashes": {
			"apiVersion: policy/v1beta1/x\nkind: PodSecurityPolicy\nmetadata: {name: a}\n",
			"1 error apiVersion: \"policy/v1beta1/x\" is not an API version; policies were served as policy/v1beta1 and extensions/v1beta1\n",
		},
		"foreign group": {
			"apiVersion: example.com/v1\nkind: PodSecurityPolicy\nmetadata: {name: a}\n",
			"1 error apiVersion: \"example.com/v1\" is not the API group of a policy; policies were served as policy/v1beta1 and extensions/v1beta1\n",
		},
		"no name":    {"kind: PodSecurityPolicy\nmetadata:\n  labels: {}\n", "2 error metadata.name: the name is missing; give metadata.name\n"},
		"null parts": {"kind: PodSecurityPolicy\nmetadata:\nspec:\n", "1 error metadata.name: the name is missing; give metadata.name\n"},
		"generated name": {
			"metadata:\n  generateName: a-\n",
			"2 error metadata.name: the name is missing: a grant cannot name what only has a generateName; give metadata.name\n",
		},
		"metadata is text": {"metadata: x\n", "1 error metadata: expected an object, found the string \"x\"\n"},
		"spec is a list":   {"metadata: {name: a}\nspec: []\n", "2 error spec: expected an object, found a list\n"},
		"bool given text":  {valid + "  privileged: \"yes\"\n", "10 error spec.privileged: expected a boolean (true or false), found the string \"yes\"\n"},
		"bool given a number": {
			valid + "  hostPID: 1\n",
			"10 error spec.hostPID: expected a boolean (true or false), found the number \"1\"\n",
		},
		"bool given an object": {valid + "  hostPID: {}\n", "10 error spec.hostPID: expected a boolean (true or false), found an object\n"},
		"bool given a template": {
			valid + "  hostPID: {{ .Values.x }}\n",
			"10 error spec.hostPID: expected a boolean (true or false), found an object; this looks like a template: render it first (helm template)\n",
		},
		"bool given template text": {
			valid + "  hostPID: '{{ .Values.x }}'\n",
			"10 error spec.hostPID: expected a boolean (true or false), found the string \"{{ .Values.x }}\"; this looks like a template: render it first (helm template)\n",
		},
		"list given text":        {valid + "  volumes: secret\n", "10 error spec.volumes: expected a list, found the string \"secret\"\n"},
		"list given an object":   {valid + "  volumes: {secret: true}\n", "10 error spec.volumes: expected a list, found an object\n"},
		"text given a number":    {valid + "  volumes: [5]\n", "10 error spec.volumes[0]: YAML reads 5 as a number: write \"5\"\n"},
		"text given a boolean":   {valid + "  volumes: [no]\n", "10 error spec.volumes[0]: YAML reads no as false: write \"no\"\n"},
		"text given a list":      {valid + "  volumes: [[a]]\n", "10 error spec.volumes[0]: expected a string, found a list\n"},
		"text under a false tag": {valid + "  volumes: [!!int a]\n", "10 error spec.volumes[0]: expected a string, found \"a\", which is no !!int; quote it\n"},
		"text under !!float": {valid + "  volumes: [!!float a, !!float .5, !!null a]\n", lines(
			`10 error spec.volumes[0]: expected a string, found "a", which is no !!float; quote it`,
			`10 error spec.volumes[1]: YAML reads .5 as a number: write ".5"`,
			`10 error spec.volumes[2]: expected a string, found "a", which is no !!null; quote it`)},
		"binary text": {valid + "  volumes: [!!binary YQ==]\n", "10 error spec.volumes[0]: expected a string, found \"YQ==\", which is no !!binary; quote it\n"},
		"integers": {valid + lines("  hostPorts:", "  - {min: 1.5, max: 2147483648}", "  - {min: -2147483649, max: '80'}", "  - {min: .inf, max: true}"), lines(
			`11 error spec.hostPorts[0].max: the number "2147483648" is out of range: it does not fit in 32 bits`,
			`11 error spec.hostPorts[0].min: expected an integer, found the number "1.5"`,
			`12 error spec.hostPorts[1].max: expected an integer, found the string "80"`,
			`12 error spec.hostPorts[1].min: the number "-2147483649" is out of range: it does not fit in 32 bits`,
			`13 error spec.hostPorts[2].max: expected an integer, found the boolean "true"`,
			`13 error spec.hostPorts[2].min: expected an integer, found the number ".inf"`)},
		"large integers": {"metadata: {name: a}\nspec:\n  fsGroup:\n    ranges:\n" +
			"    - {min: 9223372036854775808, max: 9223372036854775808.0}\n    - {min: 99999999999999999999999, max: 1e21}\n", lines(
			`5 error spec.fsGroup.ranges[0].max: the number "9223372036854775808.0" is out of range: it does not fit in 64 bits`,
			`5 error spec.fsGroup.ranges[0].min: the number "9223372036854775808" is out of range: it does not fit in 64 bits`,
			`6 error spec.fsGroup.ranges[1].max: the number "1e21" is out of range: it does not fit in 64 bits`,
			`6 error spec.fsGroup.ranges[1].min: the number "99999999999999999999999" is out of range: it does not fit in 64 bits`)},
		"annotations that are no text": {"metadata:\n  name: a\n  annotations:\n    x: true\n    y/z: 1\n", lines(
			`4 error metadata.annotations[x]: YAML reads true as a boolean: write "true"`,
			`5 error metadata.annotations[y/z]: YAML reads 1 as a number: write "1"`)},
		"duplicate key": {
			valid + "  privileged: false\n  hostPID: true\n  privileged: true\n",
			"12 error spec.privileged: the key \"privileged\" stands twice (lines 10 and 12): " + twice + "\n",
		},
		"duplicate key in one line": {"metadata: {name: a, name: a}\n", "1 error metadata.name: the key \"name\" stands twice (both in line 1): " + twice + "\n"},
		"duplicate key of a map": {
			"metadata:\n  name: a\n  annotations:\n    x: a\n    \"x\": a\n",
			"5 error metadata.annotations[x]: the key \"x\" stands twice (lines 4 and 5): " + twice + "\n",
		},
		"duplicate key after retyping": {
			"metadata:\n  name: a\n  annotations:\n    1: a\n    '1': b\n",
			"5 error metadata.annotations[1]: the key \"1\" stands twice (lines 4 and 5): " + twice + "\n",
		},
		"duplicate unknown key": {"metadata: {name: a}\nx: 1\nx: 2\n", "3 error x: the key \"x\" stands twice (lines 2 and 3): " + twice + "\n"},
		"null key":              {"metadata: {name: a}\nspec: {~: a}\n", "2 error spec: expected a key, found null\n"},
		"mapping as key":        {"metadata: {name: a}\nspec: {{ template }}\n", "2 error spec: expected a key, found an object; this looks like a template: render it first (helm template)\n"},
		"merge of text":         {valid + "  <<: base\n", "10 error spec[\"<<\"]: expected an object to merge, found the string \"base\"\n"},
		"merge twice": {
			"a: &a {}\nmetadata: {name: a}\nspec:\n  <<: *a\n  <<: *a\n",
			"5 error spec[\"<<\"]: the key \"<<\" stands twice (lines 4 and 5): " + twice + "\n",
		},
		"merge below a key it changes": {
			"a: &a {privileged: true, hostPID: false}\nmetadata: {name: a}\nspec:\n  privileged: false\n  hostPID: no\n  <<: *a\n",
			"4 error spec.privileged: the merge key (<<) after \"privileged\" holds another value for it: kubectl takes that one, other readers this one; move the merge key to the top\n",
		},
		"alias within its anchor": {"metadata: &m\n  name: a\n  self: *m\n", "3 error : the alias *\"m\" is part of what it stands for\n"},
		"merge of itself":         {"metadata: {name: a}\nspec: &s\n  <<: *s\n", "3 error : the alias *\"s\" is part of what it stands for\n"},
		"alias bomb":              {bomb(), "1 error : the aliases (*name) expand to more than 100000 values; write them out\n"},
		"merge bomb":              {mergeBomb(), "1 error : the aliases (*name) expand to more than 100000 values; write them out\n"},
		"aliases of a long text":  {longAliases(), "5 error : written out up to here, the aliases (*name) make the document longer than 8388608 bytes; shorten what they stand for\n"},
		"deep":                    {"metadata: {name: a}\nx: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n", "2 error : the document nests deeper than 100 levels\n"},
		"deep through aliases":    {aliasLadder(), "52 error : the document nests deeper than 100 levels\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, tc.text)
			if p != nil {
				t.Error("there is a policy in spite of the errors")
			}
			if diff := cmp.Diff(tc.want, told(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// bomb is ten lines that stand for 9^10 values.
func bomb() string {
	b := strings.Builder{}
	b.WriteString("metadata: {name: a}\nx:\n  a0: &a0 [lol]\n")
	for i := range 10 {
		fmt.Fprintf(&b, "  a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	b.WriteString("spec: {allowedCapabilities: *a10}\n")
	return b.String()
}

// mergeBomb has no large value anywhere: the same small mapping is merged again and again.
func mergeBomb() string {
	b := strings.Builder{}
	b.WriteString("metadata: {name: a}\na0: &a0 {privileged: true}\n")
	for i := range 10 {
		fmt.Fprintf(&b, "a%d: &a%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	b.WriteString("spec: *a10\n")
	return b.String()
}

// longAliases has few values, and one long text that all of them stand for: 200 kB of text that make 200 MB.
func longAliases() string {
	return "metadata: {name: a, annotations: {long: &l " + strings.Repeat("x", 200_000) + "}}\nspec:\n  volumes:\n" +
		"  - secret\n  - [" + strings.Repeat("*l,", 999) + "*l]\n"
}

// aliasLadder nests deeply without one deep line.
func aliasLadder() string {
	b := strings.Builder{}
	b.WriteString("metadata: {name: a}\nx:\n- &a0 [[lol]]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "- &a%d [[*a%d]]\n", i+1, i)
	}
	return b.String()
}

func TestParseWarnings(t *testing.T) {
	t.Parallel()
	const ignores = "which the API server ignores"
	for name, tc := range map[string]struct{ text, want string }{
		"none":                   {valid, ""},
		"item of a typed list":   {strings.TrimPrefix(valid, "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n"), ""},
		"apiVersion missing":     {strings.TrimPrefix(valid, "apiVersion: policy/v1beta1\n"), "1 warning apiVersion: the apiVersion is missing: read as policy/v1beta1\n"},
		"apiVersion never heard": {strings.Replace(valid, "v1beta1", "v1", 1), neverServed("policy/v1")},
		"apiVersion without /":   {strings.Replace(valid, "policy/v1beta1", "policy", 1), neverServed("policy")},
		"apiVersion of the core": {strings.Replace(valid, "policy/v1beta1", "v1", 1), neverServed("v1")},
		"apiVersion wrong case":  {strings.Replace(valid, "policy", "Policy", 1), neverServed("Policy/v1beta1")},
		"namespace": {
			strings.Replace(valid, "  name: p\n", "  name: p\n  namespace: dev\n", 1),
			"5 warning metadata.namespace: policies are cluster-scoped: the namespace \"dev\" is ignored\n",
		},
		"near miss": {valid + "  hostNetwrok: true\n  allowPriviledgeEscalation: true\n", lines(
			`10 warning spec.hostNetwrok: unknown field "hostNetwrok", `+ignores+`; did you mean "hostNetwork"?`,
			`11 warning spec.allowPriviledgeEscalation: unknown field "allowPriviledgeEscalation", `+ignores+`; did you mean "allowPrivilegeEscalation"?`)},
		"wrong case": {valid + "  Privileged: true\n  hostnetwork: yes\n", lines(
			`10 warning spec.Privileged: unknown field "Privileged", `+ignores+`; did you mean "privileged"? Names are case-sensitive.`,
			`11 warning spec.hostnetwork: unknown field "hostnetwork", `+ignores+`; did you mean "hostNetwork"? Names are case-sensitive.`)},
		"unknown everywhere": {"x: 1\n" + strings.Replace(valid, "fsGroup: {", "fsGroup: {range: [], ", 1) + "  ranges: []\nstatus: {}\n", lines(
			`1 warning x: unknown field "x", `+ignores,
			`10 warning spec.fsGroup.range: unknown field "range", `+ignores+`; did you mean "ranges"?`,
			`11 warning spec.ranges: unknown field "ranges", `+ignores,
			`12 warning status: unknown field "status", `+ignores)},
		"unknown field with a hostile name": {
			valid + "  \"a\\n\\e[31mb.c\": 1\n",
			`10 warning spec["a\n\x1b[31mb.c"]: unknown field "a\n\x1b[31mb.c", ` + ignores + "\n",
		},
		"unknown fields with no name and too long a one": {valid + "  \"\": 1\n  ? " + strings.Repeat("x", 400) + "\n  : 1\n", lines(
			`10 warning spec[""]: unknown field "", `+ignores,
			`11 warning spec["`+strings.Repeat("x", 64)+`"... (400 bytes)]: unknown field "`+strings.Repeat("x", 64)+`"... (400 bytes), `+ignores)},
		"null in lists": {valid + lines("  volumes: [null]", "  hostPorts: [~]", "  allowedHostPaths: [{pathPrefix: /a}, ]"), lines(
			`10 warning spec.volumes[0]: null is read as "", as the API server does`,
			`10 warning spec.volumes[0]: unknown volume type ""; the API server would refuse this policy`,
			`11 warning spec.hostPorts[0]: null is read as {}, as the API server does`,
			`11 warning spec.hostPorts[0].max: it is missing and read as 0, as the API server does`,
			`11 warning spec.hostPorts[0].min: it is missing and read as 0, as the API server does`)},
		"null annotation": {
			strings.Replace(valid, "  name: p\n", "  name: p\n  annotations:\n    "+AppArmorAllowedAnnotation+":\n", 1),
			`6 warning metadata.annotations[` + AppArmorAllowedAnnotation + `]: null is read as "", as the API server does` + "\n",
		},
		"custom tag": {valid + "  volumes: [!vault secret]\n", `10 warning spec.volumes[0]: the tag "!vault" is ignored, as kubectl does` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, tc.text)
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			if diff := cmp.Diff(tc.want, told(p.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func neverServed(v string) string {
	return fmt.Sprintf("1 warning apiVersion: no server ever served PodSecurityPolicy as %q: read as policy/v1beta1; "+
		"policies were served as policy/v1beta1 and extensions/v1beta1\n", v)
}

func TestParseNames(t *testing.T) {
	t.Parallel()
	invalid := func(shown, hint string) string {
		return "4 error metadata.name: " + shown + " is not a valid name: a name is at most 253 lower-case letters, digits, '-' and '.', " +
			"and starts and ends with a letter or digit" + hint + "\n"
	}
	for stated, want := range map[string]string{
		"a.b-c":                     "",
		"2021-04-06":                "", // kubectl keeps dates as text
		strings.Repeat("a", 253):    "",
		"a_b":                       invalid(`"a_b"`, ""),
		`"res\u200btricted"`:        invalid(`"res\u200btricted"`, ""),
		"rеstricted":                invalid(`"r\u0435stricted"`, ""),
		`"a\n\e[31m"`:               invalid(`"a\n\x1b[31m"`, ""),
		`"$(id)"`:                   invalid(`"$(id)"`, ""),
		"../x":                      invalid(`"../x"`, ""),
		`"{{ .Release.Name }}-psp"`: invalid(`"{{ .Release.Name }}-psp"`, "; this looks like a template: render it first (helm template)"),
		strings.Repeat("a", 254):    invalid(`"`+strings.Repeat("a", 64)+`"... (254 bytes)`, ""),
		"12345":                     "4 error metadata.name: YAML reads 12345 as a number: write \"12345\"\n",
		"0x1F":                      "4 error metadata.name: YAML reads 0x1F as a number: write \"0x1F\"\n",
		"1e3":                       "4 error metadata.name: YAML reads 1e3 as a number: write \"1e3\"\n",
		strings.Repeat("1", 65):     "4 error metadata.name: YAML reads it as a number: put it into quotes\n",
		"null":                      "4 error metadata.name: YAML reads null as nothing: write \"null\"\n",
		"n":                         "4 error metadata.name: YAML reads n as false: write \"n\"\n",
		"no":                        "4 error metadata.name: YAML reads no as false: write \"no\"\n",
		"[a]":                       "4 error metadata.name: expected a string, found a list\n",
		"{{ x }}":                   "4 error metadata.name: expected a string, found an object; this looks like a template: render it first (helm template)\n",
		"":                          "3 error metadata.name: the name is missing; give metadata.name\n",
		"#@ data":                   "3 error metadata.name: the name is missing; give metadata.name\n",
	} {
		t.Run(stated, func(t *testing.T) {
			t.Parallel()
			_, problems := parseText(t, strings.Replace(valid, "name: p", "name: "+stated, 1))
			if diff := cmp.Diff(want, told(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// The readings below are those of sigs.k8s.io/yaml, which kubectl uses, followed by the API server's decoder.
func TestParseScalarsAsKubectl(t *testing.T) {
	t.Parallel()
	for stated, want := range map[string]bool{
		"true": true, "True": true, "TRUE": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "y": true, "Y": true,
		"false": false, "no": false, "NO": false, "off": false, "n": false, "N": false, "~": false, "null": false, "": false,
		"!!bool yes": true, `!!bool "true"`: true,
	} {
		t.Run("bool "+stated, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, valid+"  privileged: "+stated+"\n")
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			if p.Spec.Privileged != want {
				t.Errorf("privileged: %s is read as %v", stated, p.Spec.Privileged)
			}
		})
	}
	for stated, want := range map[string]int64{
		"5": 5, "+7": 7, "0777": 511, "0o17": 15, "08": 8, "0x1F": 31, "0b11": 3, "-0x10": -16, "1_000": 1000, "1__0": 10, "1.0": 1,
		"1e9": 1_000_000_000, "9007199254740993.0": 9007199254740992, "-0.0": 0, "!!int '5'": 5, "!!float 5": 5,
		"9223372036854775807": 9223372036854775807, "-9223372036854775808": -9223372036854775808, "1e18": 1_000_000_000_000_000_000,
	} {
		t.Run("int "+stated, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, strings.Replace(valid, "runAsUser: {", "runAsUser: {ranges: [{min: "+stated+", max: 0}], ", 1))
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			if got := p.Spec.RunAsUser.Ranges[0].Min; got != want {
				t.Errorf("min: %s is read as %d, not %d", stated, got, want)
			}
		})
	}
	for stated, want := range map[string]string{
		"a": "a", `"5"`: "5", "'no'": "no", "!!str no": "no", "2021-04-06": "2021-04-06", "1:30": "1:30", "=": "=", "1e999": "1e999",
		"0o9": "0o9", "tRue": "tRue", "|-\n    yes": "yes", "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
	} {
		t.Run("text "+stated, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, valid+"  volumes:\n  - "+stated+"\n")
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			if diff := cmp.Diff([]string{want}, p.Spec.Volumes); diff != "" {
				t.Errorf("volumes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseMergeKeys(t *testing.T) {
	t.Parallel()
	const rest = "kind: PodSecurityPolicy\napiVersion: policy/v1beta1\nmetadata: {name: p}\n"
	const rules = "runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}"
	for name, tc := range map[string]struct {
		text         string
		privileged   bool
		volumes      []string
		volumesLine  int
		wantProblems string
	}{
		"an explicit key wins": {
			rest + "x: &x {" + rules + ", privileged: true, volumes: [secret]}\nspec:\n  <<: *x\n  privileged: false\n", false, []string{"secret"}, 4, "",
		},
		"of several the first wins": {
			rest + "x: [&x {" + rules + "},\n  &y {volumes: [csi]},\n  &z {volumes: [nfs], privileged: true}]\nspec: {<<: [*x, *y, *z]}\n", true, []string{"csi"}, 5, "",
		},
		"merges nest": {
			rest + "x: [&x {" + rules + ", volumes: [csi]},\n  &y {<<: *x, privileged: true}]\nspec: {<<: *y}\n", true, []string{"csi"}, 4, "",
		},
		"of several the first wins, below other keys": {
			rest + "x: &x {" + rules + "}\nspec: {volumes: [csi], <<: [{privileged: true}, {privileged: false}, *x]}\n", true, []string{"csi"}, 5, "",
		},
		"below the same value": {
			rest + "x: &x {" + rules + ", volumes: [csi, nfs], privileged: yes}\nspec:\n  privileged: true\n  volumes:\n  - csi\n  - \"nfs\"\n  <<: *x\n", true, []string{"csi", "nfs"}, 7, "",
		},
		"a quoted << is a key": {
			rest + "spec: {" + rules + ", volumes: [csi], '<<': {privileged: true}}\n", false,
			[]string{"csi"},
			4,
			"4 warning spec[\"<<\"]: unknown field \"<<\", which the API server ignores\n",
		},
		"an alias as a value": {
			rest + "x: &v [csi]\nspec: {" + rules + ",\n  volumes: *v}\n", false, []string{"csi"}, 6, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, tc.text)
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			want := Spec{Privileged: tc.privileged, Volumes: tc.volumes}
			if diff := cmp.Diff(want, Spec{Privileged: p.Spec.Privileged, Volumes: p.Spec.Volumes}); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if got := p.Line("spec.volumes"); got != tc.volumesLine {
				t.Errorf("volumes stand in line %d, not %d", got, tc.volumesLine)
			}
			unknownX := `4 warning x: unknown field "x", which the API server ignores` + "\n"
			if diff := cmp.Diff(tc.wantProblems, strings.Replace(told(p.Problems), unknownX, "", 1)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// An anchor may stand in another document of the same tree: the items of a List share theirs.
func TestParseAliasFromOutside(t *testing.T) {
	t.Parallel()
	var list yaml.Node
	text := "items:\n- &base {metadata: {name: a}, spec: &s {privileged: true}}\n- metadata: {name: b}\n  spec: {<<: *s}\n- *base\n"
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range list.Content[0].Content[1].Content {
		p, problems := Parse(item, "list.yaml")
		if p == nil {
			t.Fatalf("unexpected errors:\n%s", told(problems))
		}
		got = append(got, fmt.Sprintf("%s privileged=%v line %d", p.Name, p.Spec.Privileged, p.Position.Line))
	}
	want := []string{"a privileged=true line 2", "b privileged=true line 3", "a privileged=true line 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestParseNoDocument(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]*yaml.Node{
		"nil": nil, "zero": {}, "document without content": {Kind: yaml.DocumentNode},
	} {
		if p, problems := Parse(doc, "f"); p != nil || told(problems) != "0 error : the document is empty\n" {
			t.Errorf("%s: got %v and:\n%s", name, p, told(problems))
		}
	}
}

func TestParseDepth(t *testing.T) {
	t.Parallel()
	// The document and x are two levels; the text in the middle is one.
	for depth, want := range map[int]bool{97: true, 98: true, 99: false} {
		text := valid + "x: " + strings.Repeat("[", depth) + "a" + strings.Repeat("]", depth) + "\n"
		if p, problems := parseText(t, text); (p != nil) != want {
			t.Errorf("%d brackets, read: %v\n%s", depth, p != nil, told(problems))
		}
	}
}

func TestParseManyErrors(t *testing.T) {
	t.Parallel()
	p, problems := parseText(t, valid+"  volumes: ["+strings.Repeat("1, ", maxProblemsPerSeverity)+"1]\n  x: 1\n")
	if p != nil || len(problems) != maxProblemsPerSeverity+1 {
		t.Fatalf("%d problems are told", len(problems))
	}
	want := Problem{Severity: Error, Message: message.New("psp-problems-more", "n", 1, "limit", 20)}
	if diff := cmp.Diff(want, problems[maxProblemsPerSeverity]); diff != "" {
		t.Errorf("last problem (-want +got):\n%s", diff)
	}
}

func TestParseManyProblems(t *testing.T) {
	t.Parallel()
	b := strings.Builder{}
	b.WriteString(valid)
	for i := range 2 * maxProblemsPerSeverity {
		fmt.Fprintf(&b, "  x%d: 1\n", i)
	}
	p, _ := parseText(t, b.String())
	if got := len(p.Problems); got != maxProblemsPerSeverity+1 {
		t.Fatalf("%d problems are told", got)
	}
	want := Problem{Severity: Warning, Message: message.New("psp-problems-more", "n", 20, "limit", 20)}
	if diff := cmp.Diff(want, p.Problems[maxProblemsPerSeverity]); diff != "" {
		t.Errorf("last problem (-want +got):\n%s", diff)
	}
}

func TestPolicyLine(t *testing.T) {
	t.Parallel()
	p := &Policy{Position: Position{Line: 1}, Lines: map[string]int{
		"spec": 5, "spec.hostPorts": 6, "spec.hostPorts[0]": 7, "metadata": 2, "metadata.annotations": 3, "metadata.annotations[a.b/c.d]": 4,
	}}
	for path, want := range map[string]int{
		"spec.hostPorts[0]": 7, "spec.hostPorts[0].min": 7, "spec.hostPorts[1].min": 6, "spec.fsGroup.rule": 5, "spec.fsGroup": 5,
		"metadata.annotations[a.b/c.d]": 4, "metadata.annotations[x.y/z]": 3, "apiVersion": 1, "": 1,
	} {
		if got := p.Line(path); got != want {
			t.Errorf("%q is in line %d, not %d", path, got, want)
		}
	}
}
