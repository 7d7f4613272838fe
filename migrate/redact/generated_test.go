package redact_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// planOfText returns the plan of a file with what a function writes.
func planOfText(t *testing.T, write func(io.Writer) error) *migrate.Plan {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := planOf(t, file)
	if p == nil {
		t.Fatal("the objects were not read")
	}
	return p
}

// decision is what a plan decides for a namespace, without names.
func decisions(p *migrate.Plan) []string {
	var out []string
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		ids := func(in []message.Message) (out []string) {
			for _, m := range in {
				out = append(out, m.ID)
			}
			return out
		}
		levels := []string{}
		for _, w := range ns.Workloads {
			levels = append(levels, fmt.Sprint(w.Levels, w.Pods, w.Replicas, len(w.Violations), w.AdmissionMode))
		}
		slices.Sort(levels)
		out = append(out, fmt.Sprint(ns.System, ns.Complete, ns.Action, ns.PermittedLevel, ns.NeededLevel, ns.AchievableLevel, ns.RecommendedLabels, ns.EffectivePolicyToday().Enforce,
			ids(ns.Reasons), ids(ns.Cautions), len(ns.Blockers), len(ns.Lost), ns.LevelByVersion, levels))
	}
	slices.Sort(out)
	return append(out, fmt.Sprint(len(p.Evaluations), len(p.LostSets), len(p.Gaps), len(p.Policies), len(p.Roles), len(p.Bindings)))
}

// checkRedaction checks that a plan is restored byte for byte, that redaction changes no decision, and that its rows are sorted by pseudonym.
func checkRedaction(t *testing.T, p *migrate.Plan) {
	t.Helper()
	k := key(3)
	redacted, err := redact.Plan(p, k)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decisions(p), decisions(redacted)); diff != "" {
		t.Errorf("another decision (-plain +redacted):\n%s", diff)
	}
	if !slices.IsSortedFunc(redacted.Namespaces, func(x, y migrate.Namespace) int { return strings.Compare(x.Name, y.Name) }) ||
		!slices.IsSortedFunc(redacted.Policies, func(x, y migrate.Policy) int { return strings.Compare(x.Name, y.Name) }) {
		t.Error("rows are not sorted by pseudonym")
	}
	want := encode(t, p)
	restored, err := redact.Restore(reread(t, encode(t, redacted)), k)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(encode(t, restored))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Clusters of the generator of benchmarks.
func TestGeneratedClusters(t *testing.T) {
	t.Parallel()
	for seed := range shareOf(3) {
		checkRedaction(t, planOfText(t, cluster.Spec{Seed: seed, Namespaces: 14, Pods: 160, Bindings: 50, Policies: 6}.WriteYAML))
	}
}

// shareOf returns how many of n trials are made: all, and with -short, which is for the race detector, a fifth, and one at least.
func shareOf(n uint64) uint64 {
	if testing.Short() {
		return max(1, n/5)
	}
	return n
}

// Clusters whose names begin with one another, so that it matters by which rule each list is sorted.
func TestNamesThatBeginAlike(t *testing.T) {
	t.Parallel()
	for seed := range shareOf(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		checkRedaction(t, planOfText(t, func(w io.Writer) error { _, err := w.Write([]byte(alikeObjects(r))); return err }))
	}
}

// alikeObjects returns the manifests of a small cluster with names such as a, a-a, ab and a-b.
func alikeObjects(r *rand.Rand) string {
	name := func() string {
		return []string{"a", "a-a", "a-b", "ab", "a1", "b", "b-a", "b--a", "aa", "default", "kube-system", "a0"}[r.IntN(12)]
	}
	var b strings.Builder
	for range 6 {
		fmt.Fprintf(&b, "{apiVersion: v1, kind: Namespace, metadata: {name: %q, uid: u%d, labels: {pod-security.kubernetes.io/%s: %s}}}\n---\n", name(), r.IntN(3), []string{"enforce", "warn", "enforced"}[r.IntN(3)], []string{"baseline", "restricted", "bad"}[r.IntN(3)])
	}
	for i := range 8 {
		fmt.Fprintf(&b, "{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: %q}, spec: {privileged: %t, volumes: ['*'], allowedHostPaths: [{pathPrefix: /%s}], hostNetwork: %t, seLinux: {rule: RunAsAny}, runAsUser: {rule: %s}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}}\n---\n",
			name()+fmt.Sprint(i), r.IntN(4) == 0, name(), r.IntN(2) == 0, []string{"RunAsAny", "MustRunAsNonRoot"}[r.IntN(2)])
	}
	for range 14 {
		ns, role := name(), name()
		fmt.Fprintf(&b, "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %q, namespace: %q}, rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [%s%d, %s], verbs: [use]}, {apiGroups: [''], resources: [pods, namespaces], verbs: [create, patch]}]}\n---\n", role, ns, name(), r.IntN(8), name())
		kind, home := "RoleBinding", fmt.Sprintf(", namespace: %q", ns)
		roleKind := "Role"
		if r.IntN(4) == 0 {
			kind, home, roleKind, role = "ClusterRoleBinding", "", "ClusterRole", []string{"cluster-admin", "gone", name()}[r.IntN(3)]
		}
		fmt.Fprintf(&b, "{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: %q%s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %q}, subjects: [{kind: ServiceAccount, name: %q, namespace: %q}, {kind: ServiceAccount, name: %q, namespace: %q}, {kind: User, name: %q, apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: 'system:serviceaccounts:%s', apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: %q, apiGroup: rbac.authorization.k8s.io}]}\n---\n",
			kind, name(), home, roleKind, role, name(), name(), name(), name(), name(), name(), name())
	}
	for range 24 {
		security := []string{"{}", "{privileged: true}", "{runAsNonRoot: true, allowPrivilegeEscalation: false}", "{capabilities: {add: [NET_RAW]}}"}[r.IntN(4)]
		spec := fmt.Sprintf("{serviceAccountName: %q, hostNetwork: %t, containers: [{name: %q, image: %q, securityContext: %s}, {name: %q, image: x, securityContext: %s}]}", name(), r.IntN(3) == 0, "c-"+name(), name(), security, name(), security)
		if r.IntN(3) == 0 {
			fmt.Fprintf(&b, "{apiVersion: v1, kind: Pod, metadata: {name: %q, namespace: %q, uid: x, annotations: {kubernetes.io/psp: %s%d}}, spec: %s, status: {phase: Running}}\n---\n", name(), name(), name(), r.IntN(8), spec)
			continue
		}
		fmt.Fprintf(&b, "{apiVersion: apps/v1, kind: %s, metadata: {name: %q, namespace: %q}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: %s}}}\n---\n", []string{"Deployment", "DaemonSet", "StatefulSet"}[r.IntN(3)], name(), name(), spec)
	}
	return b.String()
}

// Admission policies that generate wrote have names of namespaces in theirs. A redacted plan has none of these, and gate knows as well
// what they do.
func TestGeneratedPoliciesAreRedacted(t *testing.T) {
	t.Parallel()
	object := func(kind, name, set, rest string) string {
		return fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: %s, metadata: {name: %s, labels: {app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: %s, psp2pss.dev/mode: delta}}, spec: {%s}}\n---\n", kind, name, set, rest)
	}
	const pods = "matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]}"
	text := "{apiVersion: v1, kind: Namespace, metadata: {name: payroll}}\n---\n" +
		object("ValidatingAdmissionPolicy", "psp2pss-payroll", "payroll", pods) +
		object("ValidatingAdmissionPolicyBinding", "psp2pss-payroll", "payroll", "policyName: psp2pss-payroll, validationActions: [Deny, Audit]") +
		object("ValidatingAdmissionPolicy", "psp2pss-guard-labels", "guards", "") +
		object("ValidatingAdmissionPolicy", "psp2pss-legal", "legal", "")
	p := planOfText(t, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	checkRedaction(t, p)
	redacted, err := redact.Plan(p, key(3))
	if err != nil {
		t.Fatal(err)
	}
	if said := string(encode(t, redacted)); strings.Contains(said, "payroll") || strings.Contains(said, "legal") {
		t.Errorf("a name is left:\n%s", said)
	}
	effects := func(p *migrate.Plan) map[string]int {
		out := map[string]int{}
		policies, _ := p.BoundPolicies()
		for _, g := range policies {
			out[fmt.Sprint(g.Effect, g.Set == "guards", g.Mode)]++
		}
		return out
	}
	if diff := cmp.Diff(effects(p), effects(redacted)); diff != "" || len(p.GeneratedPolicies) != 4 {
		t.Errorf("of %d objects (-plain +redacted):\n%s", len(p.GeneratedPolicies), diff)
	}
}
