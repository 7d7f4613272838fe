package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// keyForTrials is a key file with which every command can be tried; git keeps no permissions, so it is made.
func keyForTrials() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("psp2pss-redaction-%d.key", os.Getpid()))
}

// testsWithKey are the tests of this package with the file keyForTrials.
type testsWithKey struct{ *testing.M }

// Run makes the key file, runs the tests and removes the file.
func (m testsWithKey) Run() int {
	key := redact.NewKey(bytes.Repeat([]byte{7}, redact.SecretSize))
	if err := os.WriteFile(keyForTrials(), append(key.Header(), `{"pseudonym":"ns-44nw064v","original":"shop"}`+"\n"...), 0o600); err != nil {
		panic(err) // there is no test yet that could fail, and none of them can run without the file
	}
	defer func() { _ = os.Remove(keyForTrials()) }()
	return m.M.Run()
}

// secrets makes words that stand nowhere else: what is planted can be told from everything.
type secrets struct {
	*rand.Rand
	planted []string
}

// planted matches what secrets makes.
var planted = regexp.MustCompile(`(?i)zq[a-z]{9}`)

// word returns a new secret word.
func (s *secrets) word() string {
	letters := make([]byte, 9)
	for i := range letters {
		letters[i] = byte('a' + s.IntN(26))
	}
	s.planted = append(s.planted, "zq"+string(letters))
	return s.planted[len(s.planted)-1]
}

// secretNamespaces returns the manifests of namespaces in which every name is a secret.
func (s *secrets) namespaces(n int) string {
	var b strings.Builder
	for range n {
		home, web, account, psp := s.word(), s.word(), s.word(), s.word()
		fill := strings.NewReplacer(
			"NS", home, "WEB", web, "ACCOUNT", account, "PSP", psp, "KEY", s.word(), "VALUE", s.word(), "DOMAIN", s.word(), "IMAGE", s.word(), "HOST", s.word(), "CONTAINER", s.word(),
			"VOLUME", s.word(), "PATH", s.word(), "DRIVER", s.word(), "CSI", s.word(), "CLASS", s.word(), "PROFILE", s.word(), "SETYPE", s.word(), "ROLE", s.word(), "BINDING", s.word(),
			"USER", s.word(), "GROUP", s.word(), "SYSCTL", s.word(), "CAPABILITY", strings.ToUpper(s.word()), "UNKNOWN", s.word(), "OTHER", s.word(), "POD", s.word(), "WEBHOOK", s.word(), "CUSTOM", s.word(),
			"CHART", s.word(), "RELEASE", s.word(), "ANNOTATION", s.word(), "GONE", s.word(),
		)
		b.WriteString(fill.Replace(secretObjects))
	}
	return b.String()
}

// secretObjects are the objects of one namespace.
const secretObjects = `
---
{apiVersion: v1, kind: Namespace, metadata: {name: NS, labels: {DOMAIN.example/KEY: VALUE, kubernetes.io/metadata.name: NS, pod-security.kubernetes.io/enforce: VALUE, pod-security.kubernets.io/audit: VALUE}, annotations: {DOMAIN.example/ANNOTATION: VALUE}}}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: PSP
  annotations: {DOMAIN.example/ANNOTATION: VALUE, seccomp.security.alpha.kubernetes.io/allowedProfileNames: "runtime/default,localhost/PROFILE", apparmor.security.beta.kubernetes.io/defaultProfileName: localhost/PROFILE}
spec:
  UNKNOWN: true
  privileged: false
  hostNetwork: true
  volumes: [hostPath, flexVolume, csi, UNKNOWN]
  allowedCapabilities: [NET_ADMIN, CAPABILITY]
  allowedHostPaths: [{pathPrefix: /srv/PATH, readOnly: true}, {pathPrefix: PATH}]
  allowedFlexVolumes: [{driver: DOMAIN.example/DRIVER}]
  allowedCSIDrivers: [{name: CSI.DOMAIN.example}]
  allowedUnsafeSysctls: [kernel.msgmax, SYSCTL.SYSCTL]
  runtimeClass: {allowedRuntimeClassNames: [CLASS], defaultRuntimeClassName: CLASS}
  seLinux: {rule: MustRunAs, seLinuxOptions: {user: SETYPE, type: SETYPE}}
  runAsUser: {rule: UNKNOWN}
  supplementalGroups: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
  fsGroup: {rule: RunAsAny}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: ROLE, namespace: NS}, rules: [{apiGroups: [policy, DOMAIN.example], resources: [podsecuritypolicies, CUSTOM], resourceNames: [PSP, GONE], verbs: [use, UNKNOWN]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: BINDING, namespace: NS}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ROLE}, subjects: [{kind: User, name: "USER@DOMAIN.example", apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: "GROUP people", apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: "system:serviceaccounts:NS", apiGroup: rbac.authorization.k8s.io}, {kind: ServiceAccount, name: ACCOUNT}, {kind: OTHER, name: OTHER}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: BINDING-gone, namespace: NS}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: GONE}, subjects: [{kind: ServiceAccount, name: ACCOUNT}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: BINDING-admin}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: User, name: USER, apiGroup: rbac.authorization.k8s.io}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: WEB, namespace: NS, labels: {app.kubernetes.io/managed-by: Helm, helm.sh/chart: CHART-1.2.3}, annotations: {meta.helm.sh/release-name: RELEASE, meta.helm.sh/release-namespace: NS}}
spec:
  selector: {matchLabels: {KEY: VALUE}}
  template:
    metadata: {labels: {KEY: VALUE}, annotations: {container.apparmor.security.beta.kubernetes.io/CONTAINER: localhost/PROFILE}}
    spec:
      serviceAccountName: ACCOUNT
      runtimeClassName: CLASS
      securityContext: {sysctls: [{name: SYSCTL.SYSCTL, value: VALUE}], seLinuxOptions: {type: SETYPE}}
      containers:
      - {name: CONTAINER, image: "HOST.example:5000/IMAGE:1", ports: [{containerPort: 80, hostPort: 8080}], securityContext: {privileged: true, capabilities: {add: [CAPABILITY]}}, livenessProbe: {httpGet: {host: HOST.example, port: 80}}}
      volumes: [{name: VOLUME, hostPath: {path: /srv/PATH/OTHER}}, {name: VOLUME-flex, flexVolume: {driver: DOMAIN.example/DRIVER}}]
---
{apiVersion: v1, kind: Pod, metadata: {name: POD, namespace: NS, annotations: {kubernetes.io/psp: PSP}}, spec: {serviceAccountName: ACCOUNT, containers: [{name: CONTAINER, image: IMAGE}]}, status: {phase: Running}}
---
{apiVersion: DOMAIN.example/v1, kind: Zqcustomkind, metadata: {name: CUSTOM, namespace: NS}, spec: {template: {spec: {containers: [{name: CONTAINER, image: IMAGE}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: "OTHER UNKNOWN", namespace: NS}, spec: {containers: [{name: CONTAINER, image: IMAGE}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: OTHER, namespace: NS, OTHER: UNKNOWN}, spec: {template: OTHER}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: WEBHOOK}, webhooks: [{name: WEBHOOK.DOMAIN.example, clientConfig: {url: "https://HOST.example/x"}, rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}], admissionReviewVersions: [v1], sideEffects: None}]}
---
{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: WEBHOOK-rules}, spec: {validationFailureAction: Enforce, rules: [{name: WEBHOOK-ro-rootfs, match: {any: [{resources: {kinds: [Pod], namespaces: [NS]}}]}, validate: {message: "OTHER", pattern: {spec: {hostNetwork: false}}}}]}}
`

// secretWorld returns the command line's source of a cluster in which every name is a secret, and these.
func secretWorld(t *testing.T, namespaces int) (Deps, *secrets) {
	t.Helper()
	s := &secrets{Rand: rand.New(rand.NewPCG(21, 3))}
	dir := filepath.Join(t.TempDir(), s.word())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		s.word() + ".yaml":       s.namespaces(namespaces),
		s.word() + " broken.yml": "apiVersion: v1\nkind: Pod\nmetadata: {name: " + s.word() + "\n  " + s.word() + ": [\n",
		s.word() + "-tab.yaml":   "kind: Pod\nmetadata:\n\t" + s.word() + ": " + s.word() + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deps := SystemDeps("psp2pss")
	deps.Now = func() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }
	source := inventory.Source{
		Kind: inventory.SourceCluster, Name: s.word() + "@" + s.word(), ServerVersion: "v1.24.17-" + s.word(), Kubeconfig: "/home/" + s.word() + "/config", Cluster: s.word(), User: s.word(),
		Server: "https://" + s.word() + ".example:6443", As: s.word(), AsGroups: []string{s.word(), "system:masters"},
	}
	deps.LoadInventory = func(ctx context.Context, _ SourceOptions) (*inventory.Inventory, error) {
		inv, err := loadInventory(ctx, SourceOptions{Files: []string{dir}})
		if err == nil {
			source.UID = "0a1b2c3d-zqabcdefghi"
			inv.Source = source
		}
		return inv, err
	}
	return deps, s
}

// outputOf runs the tool and returns what it writes to standard output.
func outputOf(t *testing.T, deps Deps, stdin string, args ...string) string {
	t.Helper()
	streams, out, errOut := BufferStreams(stdin)
	if code := Run(t.Context(), streams, deps, args); code != exitDone && code != exitPartial {
		t.Fatalf("%q: exit code %d\n%s", args, code, errOut)
	}
	return out.String()
}

// writtenFormats runs the command plan and returns what it writes, by the output format: all that can go to files.
func writtenFormats(t *testing.T, deps Deps, args ...string) map[string]string {
	t.Helper()
	dir, out := t.TempDir(), map[string]string{}
	args = append([]string{"plan"}, args...)
	formats := report.FormatNames(planFormats())
	for _, format := range formats {
		args = append(args, "-o", format+"="+filepath.Join(dir, format))
	}
	outputOf(t, deps, "", args...)
	for _, format := range formats {
		data, err := os.ReadFile(filepath.Join(dir, format))
		if err != nil {
			t.Fatal(err)
		}
		out[format] = string(data)
	}
	return out
}

// distinctIn returns what an expression finds in a text, each once.
func distinctIn(text string, e *regexp.Regexp) []string {
	return slices.Compact(slices.Sorted(slices.Values(e.FindAllString(text, -1))))
}

// pseudonym matches what a redaction writes.
var pseudonym = regexp.MustCompile(`[A-Za-z]+[-.][0-9bcdfghjkmnpqrstvwxyz]{8,}`)

// secretNamespaces is how many namespaces hold 2,000 secret names, or a share of them with -short, which is for the race detector.
func secretNamespaces() int {
	if testing.Short() {
		return 6
	}
	return 64
}

// 2,000 secret names, in every place in which a cluster has names: no format of a redacted plan has one of them, the same key gives the
// same bytes, and every name comes back.
func TestNoSecretIsWritten(t *testing.T) {
	t.Parallel()
	deps, secrets := secretWorld(t, secretNamespaces())
	if n := len(secrets.planted); n < 2000 && !testing.Short() {
		t.Fatalf("%d secrets", n)
	}
	key := filepath.Join(t.TempDir(), "key")
	plain, redacted := writtenFormats(t, deps), writtenFormats(t, deps, "--redact", key)
	for format, again := range writtenFormats(t, deps, "--redact", key) {
		if again != redacted[format] {
			t.Errorf("-o %s: the second time other bytes (-first +second):\n%s", format, cmp.Diff(redacted[format], again))
		}
	}
	for _, expression := range []string{"custom-columns=A:.name,B:.labels,C:.reasons[*].text", "jsonpath={.namespaces[*].workloads}"} {
		plain[expression] = outputOf(t, deps, "", "plan", "-o", expression)
		redacted[expression] = outputOf(t, deps, "", "plan", "-o", expression, "--redact", key)
	}
	for format, text := range redacted {
		if found := distinctIn(text, planted); len(found) > 0 {
			at := strings.Index(text, found[0])
			t.Errorf("-o %s has %d of the secrets, such as %s:\n...%s...", format, len(found), found[0], text[max(0, at-300):min(len(text), at+100)])
		}
		back := outputOf(t, deps, text, "unredact", "--key", key)
		if format == "json" || format == "yaml" {
			if diff := cmp.Diff(plain[format], back); diff != "" {
				t.Errorf("-o %s: (-want +got):\n%s", format, diff)
			}
			continue
		}
		for _, p := range distinctIn(back, pseudonym) {
			if strings.Contains(text, p) {
				t.Errorf("-o %s: %s does not come back", format, p)
			}
		}
		missing := slices.DeleteFunc(distinctIn(plain[format], planted), func(secret string) bool { return strings.Contains(back, secret) })
		if cuts := format == "table" || format == "wide" || strings.HasPrefix(format, "jsonpath") || strings.HasPrefix(format, "custom"); len(missing) > 0 && !cuts { // these name the first of many
			t.Errorf("-o %s: %d names are missing, such as %s", format, len(missing), missing[0])
		}
	}
}

// Two keys have no pseudonym in common.
func TestKeysShareNoPseudonym(t *testing.T) {
	t.Parallel()
	deps, _ := secretWorld(t, secretNamespaces()+6)
	dir := t.TempDir()
	seen := map[string]bool{}
	for i := range 2 {
		key := filepath.Join(dir, fmt.Sprint(i))
		outputOf(t, deps, "", "plan", "--redact", key)
		data, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		pseudonyms := regexp.MustCompile(`"pseudonym":"([^"]+)"`).FindAllStringSubmatch(string(data), -1)
		if len(pseudonyms) < 1500 && !testing.Short() {
			t.Fatalf("the key has %d pseudonyms", len(pseudonyms))
		}
		for _, p := range pseudonyms {
			if seen[p[1]] {
				t.Errorf("%s is in two keys, or twice in one", p[1])
			}
			seen[p[1]] = true
		}
	}
}

// The key file: only its owner can read it, a torn line is passed over, and nothing that it cannot be is taken for one.
func TestKeyFile(t *testing.T) {
	t.Parallel()
	deps, dir := SystemDeps("psp2pss"), t.TempDir()
	key := filepath.Join(dir, "key")
	first := outputOf(t, deps, "", "plan", "--demo", "--redact", key, "-o", "name")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
		t.Fatalf("%v, %v", info, err)
	}
	data, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(bytes.Clone(data), `{"pseudonym":"ns-`...)
	if err := os.WriteFile(key, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if again := outputOf(t, deps, "", "plan", "--demo", "--redact", key, "-o", "name"); again != first {
		t.Errorf("(-first +again):\n%s", cmp.Diff(first, again))
	}
	other := filepath.Join(dir, "pods.yaml")
	if err := os.WriteFile(other, []byte("{apiVersion: v1, kind: Namespace, metadata: {name: added}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	outputOf(t, deps, "", "plan", "-f", other, "--allow-partial", "--redact", key)
	grown, err := os.ReadFile(key)
	if err != nil || !bytes.HasPrefix(grown, data) || !bytes.Contains(grown, []byte(`"original":"added"`)) {
		t.Errorf("the torn line should go and the new name come: %v\n%s", err, grown[len(data):])
	}
	for _, test := range []struct{ name, text, want string }{
		{"plan", `{"kind":"Plan"}` + "\n", "it is not a key file of psp2pss"},
		{"empty", "", "it is not a key file of psp2pss"},
		{"newer", `{"apiVersion":"psp2pss.dev/v2","kind":"RedactionKey","secret":""}` + "\n", `it is a key file of "psp2pss.dev/v2", and this version reads psp2pss.dev/v1`},
		{"damaged", string(data) + "x\n", fmt.Sprintf("line %d is damaged", bytes.Count(data, []byte("\n"))+1)},
	} {
		file := filepath.Join(dir, test.name)
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		streams, out, errOut := BufferStreams("")
		code := Run(t.Context(), streams, deps, []string{"plan", "--demo", "--redact", file})
		if want := fmt.Sprintf("psp2pss: reading the key file %q: %s\n", file, test.want); code != exitFailed || errOut.String() != want || out.Len() > 0 {
			t.Errorf("%s: exit code %d\n got %s want %s", test.name, code, errOut, want)
		}
	}
}
