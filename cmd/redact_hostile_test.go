package cmd

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// namesLikeWords are objects whose names are words of the sentences that are written about them, or begin with one that stays.
const namesLikeWords = `
{apiVersion: v1, kind: Namespace, metadata: {name: "NS", labels: {"KEY": "VALUE", pod-security.kubernetes.io/enforce: restricted}}}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: "PSP"}
spec: {privileged: true, volumes: ["*"], hostNetwork: true, allowedHostPaths: [{pathPrefix: "/PATH"}], seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: "ROLE", namespace: "NS"}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: ["PSP"], verbs: [use]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: "BINDING", namespace: "NS"}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "ROLE"}, subjects: [{kind: ServiceAccount, name: "ACCOUNT"}, {kind: Group, name: "GROUP", apiGroup: rbac.authorization.k8s.io}, {kind: User, name: "USER", apiGroup: rbac.authorization.k8s.io}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "WEB", namespace: "NS"}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      serviceAccountName: "ACCOUNT"
      containers: [{name: "CONTAINER", image: "IMAGE", securityContext: {privileged: true}}]
      volumes: [{name: "VOLUME", hostPath: {path: "/PATH"}}]
---
`

// hostileWords are lists of names for namesLikeWords: namespace, key, value, policy, path, role, binding, account, group, user, workload,
// container, image, volume.
func hostileWords() []string {
	return []string{
		"policy level restricted privileged a the of pods container namespace workloads privileged hostpath volumes",
		"level policy baseline baseline path psp can must set to what hostport container nothing",
		"a b c d e f g h i j k l m n",
		"restricted enforce warn restricted privileged use roles account group user deployment restricted image types",
		"default-foo label true-ish psp-default var-log default-role binding default-account system- system deploy kube-proxy-2 spec spec",
		"ns-3f9a1c key-1 value-1 policy-1 path-1 role-1 binding-1 account-1 group-1 user-1 workload-1 container-1 image-1 volume-1",
		"kube level-1 x-1 y-1 z-1 system ds po sts admin containers allowprivilegeescalation true false",
	}
}

// hostileWorld returns the file of a cluster with these names.
func hostileWorld(t *testing.T, lists []string) string {
	t.Helper()
	var text strings.Builder
	for _, list := range lists {
		w := strings.Fields(list)
		text.WriteString(strings.NewReplacer("NS", w[0], "KEY", w[1], "VALUE", w[2], "PSP", w[3], "PATH", w[4], "ROLE", w[5], "BINDING", w[6], "ACCOUNT", w[7], "GROUP", w[8], "USER", w[9],
			"WEB", w[10], "CONTAINER", w[11], "IMAGE", w[12], "VOLUME", w[13]).Replace(namesLikeWords))
	}
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// maskedLines returns the lines of a text, sorted, with a star for the code of every pseudonym and for what depends on the width of names.
func maskedLines(text string) []string {
	text = pseudonym.ReplaceAllStringFunc(text, func(p string) string { return p[:strings.IndexAny(p, "-.")+1] + "*" })
	lines := strings.Split(regexp.MustCompile(`[ \n]+`).ReplaceAllString(regexp.MustCompile(`\n\s*\n|\n(?:\S)`).ReplaceAllString(text, "\x00$0"), " "), "\x00")
	slices.Sort(lines)
	return lines
}

// Names that are words of our sentences: the redacted text says the same as that of a cluster with other names, and the names come back.
func TestNamesLikeWords(t *testing.T) {
	t.Parallel()
	var others []string
	for i := range hostileWords() {
		other := ""
		for k := range 14 {
			other += " zz" + string(rune('a'+i)) + "qx" + string(rune('a'+k)) + "y"
		}
		others = append(others, other)
	}
	hostile, plain := hostileWorld(t, hostileWords()), hostileWorld(t, others)
	key, deps := filepath.Join(t.TempDir(), "key"), SystemDeps("psp2pss")
	for _, format := range []string{"table", "wide", "commands", "manifest"} {
		got := outputOf(t, deps, "", "plan", "-f", hostile, "-o", format, "--redact", key)
		want := outputOf(t, deps, "", "plan", "-f", plain, "-o", format, "--redact", key)
		if diff := cmp.Diff(maskedLines(want), maskedLines(got)); diff != "" {
			t.Errorf("-o %s (-with other names +with words as names):\n%s", format, diff)
		}
	}
	saved := outputOf(t, deps, "", "plan", "-f", hostile, "-o", "json")
	redacted := outputOf(t, deps, "", "plan", "-f", hostile, "-o", "json", "--redact", key)
	if diff := cmp.Diff(saved, outputOf(t, deps, redacted, "unredact", "--key", key)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	commands := outputOf(t, deps, "", "plan", "-f", hostile, "-o", "commands", "--redact", key)
	back := strings.Split(strings.ReplaceAll(outputOf(t, deps, commands, "unredact", "--key", key), "(names are pseudonyms)", ""), "\n")
	for _, line := range strings.Split(outputOf(t, deps, "", "plan", "-f", hostile, "-o", "commands"), "\n") {
		if strings.HasPrefix(line, "kubectl") && !slices.Contains(back, line) {
			t.Errorf("the command does not come back: %s", line)
		}
	}
}
