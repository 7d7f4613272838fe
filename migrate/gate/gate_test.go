package gate_test

import (
	"bytes"
	stdcmp "cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/fixtures"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/admissionconfig"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func everything() []gate.Assertion {
	var out []gate.Assertion
	for _, a := range gate.Assertions() {
		out = append(out, a.Name)
	}
	return out
}

func read(t *testing.T, input fs.FS, version string) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	if err := files.ReadFS(input, b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: "test", ServerVersion: version})
	p, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func upgradeCheck(t *testing.T, input fs.FS, version, to string, assert ...gate.Assertion) *gate.Result {
	t.Helper()
	v, err := api.ParseVersion(to)
	if err != nil {
		t.Fatal(err)
	}
	return gate.Evaluate(read(t, input, version), gate.Facts{}, gate.Options{To: v, Assert: assert})
}

// written is the answer in one of the formats of package report.
func written(format string) func(io.Writer, *gate.Result) error {
	return func(w io.Writer, r *gate.Result) error {
		f, _ := report.FindFormat(report.GateFormats(), format)
		return f.Write(w, r, report.Options{})
	}
}

func golden(t *testing.T, name string, write func(io.Writer, *gate.Result) error, r *gate.Result) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got, r); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	demo, err := fixtures.DemoInput()
	if err != nil {
		t.Fatal(err)
	}
	r := upgradeCheck(t, demo, "v1.24.17", "v1.25")
	for file, format := range map[string]string{"demo.txt": "table", "demo.json": "json", "demo.yaml": "yaml", "demo.names": "name"} {
		golden(t, file, written(format), r)
	}
	golden(t, "demo.sh", gate.WriteCommands, r)
	golden(t, "admission-config.yaml", gate.WriteAdmissionConfig, r)
	if _, err := admissionconfig.Read(func(name string) (io.ReadCloser, error) { return os.Open(name) }, "testdata/admission-config.yaml"); err != nil {
		t.Errorf("no API server would read what is printed: %v", err)
	}
	golden(t, "demo-plugin-off.sh", gate.WriteCommands, upgradeCheck(t, demo, "v1.24.17", "v1.25", gate.AssertPolicyPluginOff))

	var again gate.Result
	text, err := os.ReadFile("testdata/demo.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &again); diff != "" {
		t.Errorf("the answer does not come back from JSON (-want +got):\n%s", diff)
	}
}

const hasLabel = `
apiVersion: v1
kind: Namespace
metadata:
  name: web
  labels: {pod-security.kubernetes.io/enforce: LEVEL, pod-security.kubernetes.io/enforce-version: VERSION}
`

func namespace(level, version string) string {
	return strings.NewReplacer("LEVEL", level, "VERSION", version).Replace(hasLabel)
}

func deployment(annotation, spec string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: web}
spec:
  replicas: 1
  template:
    metadata: {annotations: {` + annotation + `}}
    spec: {` + spec + `}
`
}

const (
	plain  = `containers: [{name: c, image: c}]`
	probed = `containers: [{name: c, image: c, livenessProbe: {tcpSocket: {host: 10.0.0.1, port: 80}}}]`
	psp    = `
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: strict}
spec: {volumes: ['*'], runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}
`
)

func role(name, labels, rules string) string {
	return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: '` + name + `', labels: {` + labels + `}}
rules: [` + rules + `]
`
}

const useRule = `{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [strict], verbs: [use]}`

// Each case is one cluster, with everything asserted that nobody can read; want are the reasons, with what clears them.
func TestReasons(t *testing.T) {
	t.Parallel()
	const plugin = "psp-plugin-off"
	tests := []struct {
		name        string
		server, to  string
		input       []string
		wantReasons []gate.Reason
		wantTold    []gate.Note
	}{
		{name: "a labelled namespace that holds", server: "v1.25.4", to: "v1.26", input: []string{namespace("baseline", "v1.25"), deployment("", plain)}},
		{
			name: "a label that what runs does not meet", server: "v1.25.4", to: "v1.26",
			input: []string{namespace("restricted", "v1.25"), deployment("", plain)},
			wantReasons: []gate.Reason{{
				Message: says("refused-by-label", "pods that could not be made again under the level of their namespace"), Order: 6,
				Objects:  objects("object-refused-namespace", "web: restricted is enforced, and baseline is needed at v1.25 (deployment/api)"),
				Advice:   advises("this sets the label to what runs; to keep it instead, see 'psp2pss patch --raise'"),
				Commands: []string{"kubectl --context=test label --overwrite namespace web pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25"},
			}},
		},
		{
			name: "a label that follows the server meets a new check", server: "v1.33.1", to: "v1.34",
			input: []string{namespace("baseline", "latest"), deployment("", probed)},
			wantReasons: []gate.Reason{{
				Message: says("refused-after-upgrade", "pods that v1.34 would refuse under a level that lets them in today"), Order: 6,
				Objects:  objects("object-refused-namespace", "web: baseline is enforced, and privileged is needed at v1.34 (by a check of another version than the plan's)"),
				Advice:   advises("the level follows the server's own version: pin it, or loosen it"),
				Commands: []string{"kubectl --context=test label --overwrite namespace web pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.33"},
			}},
		},
		{name: "a pinned label does not", server: "v1.33.1", to: "v1.34", input: []string{namespace("baseline", "v1.33"), deployment("", probed)}},
		{
			name: "a pin ahead of the server comes into force with the upgrade", server: "v1.33.1", to: "v1.34",
			input: []string{namespace("baseline", "v1.36"), deployment("", probed)},
			wantReasons: []gate.Reason{{
				Message: says("refused-after-upgrade", "pods that v1.34 would refuse under a level that lets them in today"), Order: 6,
				Objects:  objects("object-refused-namespace", "web: baseline is enforced, and privileged is needed at v1.34 (by a check of another version than the plan's)"),
				Advice:   advises("the level follows the server's own version: pin it, or loosen it"),
				Commands: []string{"kubectl --context=test label --overwrite namespace web pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.33"},
			}},
		},
		{
			name: "a seccomp annotation is told up to v1.26", server: "v1.25.4", to: "v1.26",
			input:    []string{namespace("baseline", "v1.25"), deployment("seccomp.security.alpha.kubernetes.io/pod: runtime/default", plain)},
			wantTold: []gate.Note{{Message: says("seccomp-annotations-copied", "seccomp annotations without the field: API servers copy them to it up to v1.26, and from v1.27 on ignore them"), Objects: objects("object-workload", "web/Deployment/api")}},
		},
		{
			name: "and a reason from v1.27 on, for a container as well", server: "v1.26.4", to: "v1.27",
			input: []string{namespace("baseline", "v1.25"), deployment("container.seccomp.security.alpha.kubernetes.io/c: runtime/default", plain)},
			wantReasons: []gate.Reason{{
				Message: says("seccomp-annotations", "1 workload relies on a seccomp annotation, which no API server reads from v1.27 on: the profile would silently be gone"), Order: 5, Objects: objects("object-workload", "web/Deployment/api"),
				Commands: []string{"psp2pss patch --context=test --keep -o commands=seccomp.sh -- web/deployment/api", "sh seccomp.sh"}, Stops: []int{1},
				Advice: advises("the field seccompProfile of the template has to say what the annotation says; where no patch can write it, write it into the manifest and make the object again"),
			}},
		},
		{
			name: "but not where the field says it too, nor of a container that is not there", server: "v1.26.4", to: "v1.27",
			input: []string{namespace("baseline", "v1.25"), deployment("seccomp.security.alpha.kubernetes.io/pod: runtime/default, container.seccomp.security.alpha.kubernetes.io/gone: runtime/default", "securityContext: {seccompProfile: {type: RuntimeDefault}}, "+plain)},
		},
		{
			name: "an AppArmor annotation is told from v1.30 on", server: "v1.29.4", to: "v1.30",
			input:    []string{namespace("baseline", "v1.29"), deployment("container.apparmor.security.beta.kubernetes.io/c: runtime/default", plain)},
			wantTold: []gate.Note{{Message: says("apparmor-annotations-copied", "AppArmor annotations without the field: deprecated since v1.30 and still copied to the field appArmorProfile, which is there from that release on"), Objects: objects("object-workload", "web/Deployment/api")}},
		},
		{
			name: "roles that are about other things too are edited", server: "v1.24.17", to: "v1.25",
			input: []string{
				psp,
				role("mixed", "", `{apiGroups: [apps], resources: [deployments], verbs: [get]}, `+useRule+`, {apiGroups: [policy], resources: [poddisruptionbudgets, podsecuritypolicies], verbs: [use, get]}`),
				role("everything", "", `{apiGroups: ['*'], resources: ['*'], verbs: ['*']}`),
				role("of-the-server", "kubernetes.io/bootstrapping: rbac-defaults", useRule),
				role("looks", "", `{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [get, list]}`),
			},
			wantReasons: []gate.Reason{
				{
					Message: says("policy-roles", "1 role still lets somebody use policies"), Order: 12, Requires: plugin, Objects: objects("object-role", "ClusterRole mixed"),
					Advice: advises("a role that is about other things too is edited, not deleted; the patch is refused if the role was changed since"),
					Commands: []string{`kubectl --context=test patch --type=json --patch='[{"op":"test","path":"/rules/2/resources","value":["poddisruptionbudgets","podsecuritypolicies"]},` +
						`{"op":"replace","path":"/rules/2/resources","value":["poddisruptionbudgets"]},` +
						`{"op":"test","path":"/rules/1/resources","value":["podsecuritypolicies"]},{"op":"remove","path":"/rules/1"}]' clusterrole -- mixed`},
				},
				leftPolicy(),
			},
		},
		{
			name: "past the policies roles are told, and files hold nothing that is served", server: "v1.25.4", to: "v1.26",
			input:    []string{psp, role("left", "", useRule)},
			wantTold: []gate.Note{{Message: says("policy-roles-without-effect", "roles that let use policies, which this server does not serve any more: they grant nothing"), Objects: objects("object-role", "ClusterRole left")}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := upgradeCheck(t, fstest.MapFS{"in.yaml": {Data: []byte(strings.Join(tt.input, "---\n"))}}, tt.server, tt.to, everything()...)
			if tt.wantReasons == nil {
				tt.wantReasons = []gate.Reason{}
			}
			if diff := cmp.Diff(tt.wantReasons, r.Reasons, sameMessages()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantTold, r.Notes, sameMessages()); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]gate.Unknown{}, r.Unknown, sameMessages()); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
			if r.Pass != (len(tt.wantReasons) == 0) {
				t.Errorf("pass is %t", r.Pass)
			}
		})
	}
}

func leftPolicy() gate.Reason {
	return gate.Reason{
		Message: says("policies", "1 policy is still there, and will not be served any more"), Order: 13, Requires: gate.AssertPolicyPluginOff, Objects: objects("object-policy", "strict"),
		Advice:   advises("save them first, and delete nothing while the plugin is on: a server that finds no policy to use refuses every pod"),
		Commands: []string{"kubectl --context=test delete podsecuritypolicy -- strict"},
	}
}

// What was not read is never taken for fine, and only what can be vouched for is.
func TestUnknown(t *testing.T) {
	t.Parallel()
	ids := func(r *gate.Result) []string {
		var out []string
		for _, u := range r.Unknown {
			out = append(out, u.ID+"/"+string(u.Assert))
		}
		return out
	}
	to := func(s string) api.Version { v, _ := api.ParseVersion(s); return v }
	p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(psp + "---\n" + deployment("", plain))}}, "v1.24.17")
	p.Gaps = append(p.Gaps, migrate.Gap{What: "pods", Message: message.Message{Text: "forbidden"}, Affects: []string{"*"}, Changes: "workloads"})
	want := []string{
		"gaps/", "labels/", "backup/policies-saved", "admission-plugin/psp-plugin-off",
		"helm-releases-unread/helm-releases-clean", "new-namespaces/new-namespaces-labelled",
	}
	if diff := cmp.Diff(want, ids(gate.Evaluate(p, gate.Facts{}, gate.Options{To: to("v1.27")}))); diff != "" {
		t.Errorf("from a plan alone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gaps/", "labels/"}, ids(gate.Evaluate(p, gate.Facts{}, gate.Options{To: to("v1.27"), Assert: everything()}))); diff != "" {
		t.Errorf("with everything asserted (-want +got):\n%s", diff)
	}
	empty := &migrate.Plan{}
	if diff := cmp.Diff([]string{"nothing-read/"}, ids(gate.Evaluate(empty, gate.Facts{}, gate.Options{To: to("v1.25"), Assert: everything()}))); diff != "" {
		t.Errorf("of nothing (-want +got):\n%s", diff)
	}
}

// Whatever a plan holds, a script runs kubectl and the tool with these arguments and nothing else, and nothing in it acts on a
// terminal.
func TestHostile(t *testing.T) {
	t.Parallel()
	const evil = "x';touch pwned;\x1b[31m\n$(id)"
	p := &migrate.Plan{
		Source:     inventory.Source{Kind: inventory.SourceCluster, Name: evil, ServerVersion: "v1.24.1"},
		Policies:   []migrate.Policy{{Name: "x';touch pwned;$(id)"}, {Name: "-rf"}},
		Namespaces: []migrate.Namespace{{Name: evil, RecommendedLabels: migrate.PodSecurityLabels{Enforce: "baseline", Audit: "restricted"}, Labels: map[string]string{"pod-security.kubernetes.io/" + evil: evil}}},
	}
	for name, write := range map[string]func(io.Writer, *gate.Result) error{"text": written("table"), "commands": gate.WriteCommands} {
		for _, context := range []string{evil, "test"} {
			p.Source.Name = context
			var b bytes.Buffer
			err := write(&b, gate.Evaluate(p, gate.Facts{}, gate.Options{Assert: everything()}))
			if (err != nil) != (name == "commands" && context == evil) {
				t.Errorf("%s from %q: %v", name, context, err)
			}
			for line := range strings.Lines(b.String()) {
				if strings.Contains(line, "\x1b") {
					t.Errorf("%s: %q", name, line)
				}
			}
			if name != "commands" || err != nil {
				continue
			}
			begin := script.Preamble(p.Source, "kubectl --context=test")
			_, rest, found := strings.Cut(b.String(), begin)
			if !found {
				t.Fatalf("the script does not begin as scripts do:\n%s", b.String())
			}
			var got []string
			for line := range strings.Lines(rest) {
				if line != "\n" && !strings.HasPrefix(line, "#") {
					got = append(got, line)
				}
			}
			want := []string{"if [ \"$1\" = policies ]; then\n", `kubectl --context=test delete podsecuritypolicy -- 'x'\'';touch pwned;$(id)' -rf` + "\n", "fi\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what the script runs (-want +got):\n%s", diff)
			}
		}
	}
}

// What the admission configuration gives a namespace without labels counts as its level, and what it exempts as no reason.
func TestAdmissionConfiguration(t *testing.T) {
	t.Parallel()
	const maker = "system:serviceaccount:kube-system:replicaset-controller"
	unlabelled := "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n---\n" + deployment("", "runtimeClassName: kata, "+plain)
	latest := func(enforce string) migrate.PodSecurityLabels {
		return migrate.PodSecurityLabels{Enforce: enforce, EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "privileged", WarnVersion: "latest"}
	}
	tests := []struct {
		name          string
		admission     migrate.Admission
		wantEffective string
		wantExempt    bool
		wantCautions  []string // of the plan and of the namespace
		want          []string // reasons and unknowns
	}{
		{name: "no default", admission: migrate.Admission{Defaults: latest("privileged")}, wantEffective: "privileged", want: []string{"no-audit-and-warn", "no-enforce", "new-namespaces"}},
		{name: "a default that holds", admission: migrate.Admission{Defaults: latest("baseline")}, wantEffective: "baseline"},
		{name: "one that does not", admission: migrate.Admission{Defaults: latest("restricted")}, wantEffective: "restricted", want: []string{"refused-by-label"}, wantCautions: []string{
			"today's enforce=restricted (the default of the admission configuration) is stricter than baseline: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first",
		}},
		{
			name: "an exempt namespace", admission: migrate.Admission{Defaults: latest("restricted"), Namespaces: []string{"web"}}, wantEffective: "restricted", wantExempt: true,
			wantCautions: []string{"the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say; the recommended ones are for the day on which it is not exempt any more"},
		},
		{
			name: "a default that only what is exempt does not meet", admission: migrate.Admission{Defaults: latest("restricted"), RuntimeClasses: []string{"kata"}}, wantEffective: "restricted",
			wantCautions: []string{
				"the admission configuration exempts the runtime class of deployment/api: those pods are not checked and decide no level here; once they are not exempt any more, they need baseline",
			},
		},
		{
			name: "a default that only an exempt controller does not meet", admission: migrate.Admission{Defaults: latest("restricted"), Usernames: []string{maker}}, wantEffective: "restricted", want: []string{"controllers-exempt"},
			wantCautions: []string{
				"the admission configuration exempts " + maker + ", which creates the pods of every Deployment, ReplicaSet: none of them is checked, whoever made the workload, and whatever the labels say; take it out of the exemptions",
				"today's enforce=restricted (the default of the admission configuration) is stricter than baseline, and what runs here and does not meet it is exempt: loosen it only on purpose",
				"the admission configuration exempts the controller that creates the pods of deployment/api: no label refuses them today; they count here all the same, since that exemption lets everybody in who may create such a workload",
			},
		},
		{
			name: "exempt users and runtime classes", admission: migrate.Admission{Defaults: latest("baseline"), Usernames: []string{"ann"}, RuntimeClasses: []string{"kata"}}, wantEffective: "baseline",
			wantCautions: []string{
				"the admission configuration exempts users (ann): that covers the pods that they create themselves, not those that controllers make for them; who created a bare pod is not known, so each counts here",
				"the admission configuration exempts the runtime class of deployment/api: those pods are not checked and decide no level here; once they are not exempt any more, they need baseline",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := inventory.NewBuilder()
			if err := files.ReadFS(fstest.MapFS{"in.yaml": {Data: []byte(unlabelled)}}, b); err != nil {
				t.Fatal(err)
			}
			inv := b.Build(inventory.Source{Kind: inventory.SourceCluster, ServerVersion: "v1.25.3"})
			p, err := migrate.Build(inv, migrate.Options{Admission: &tt.admission})
			if err != nil {
				t.Fatal(err)
			}
			want := latest(tt.wantEffective)
			if diff := cmp.Diff(&want, p.Namespaces[0].EffectiveLabels); diff != "" || p.Namespaces[0].Exempt != tt.wantExempt {
				t.Errorf("exempt: %t; effective (-want +got):\n%s", p.Namespaces[0].Exempt, diff)
			}
			if diff := cmp.Diff(tt.wantCautions, message.Texts(append(p.Cautions, p.Namespaces[0].Cautions...)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
			r := gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 26), Assert: []gate.Assertion{gate.AssertHelmClean}})
			var got []string
			for _, reason := range r.Reasons {
				got = append(got, reason.ID)
			}
			for _, u := range r.Unknown {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(tt.want, got, sameMessages()); diff != "" {
				t.Errorf("reasons and unknowns (-want +got):\n%s", diff)
			}
		})
	}
}

// Policies count as asked unless live pods show that none is; the one that lets everything through unchanged is no obstacle.
func TestBypass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		policy   migrate.Policy
		pods     int
		observed []string
		want     bool
	}{
		{name: "nothing runs yet", policy: migrate.Policy{Name: "p", ClosestLevel: api.LevelBaseline}, want: true},
		{name: "pods that it admitted", policy: migrate.Policy{Name: "p", ClosestLevel: api.LevelBaseline}, pods: 2, observed: []string{"p"}, want: true},
		{name: "pods that none admitted", policy: migrate.Policy{Name: "p", ClosestLevel: api.LevelBaseline}, pods: 2},
		{name: "one that lets everything through", policy: migrate.Policy{Name: "p", ClosestLevel: api.LevelPrivileged}, pods: 2, observed: []string{"p"}},
		{name: "but changes it", policy: migrate.Policy{Name: "p", ClosestLevel: api.LevelPrivileged, MutatingFields: []string{"runAsUser"}}, pods: 2, observed: []string{"p"}, want: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &migrate.Plan{
				Source: inventory.Source{ServerVersion: "v1.24.1"}, Policies: []migrate.Policy{tt.policy},
				Namespaces: []migrate.Namespace{{Name: "web", ObservedPolicies: tt.observed, Workloads: []migrate.Workload{{Kind: "Deployment", Name: "api", Pods: tt.pods, Evaluation: &migrate.Evaluation{AdmittedBy: "p"}}}}},
			}
			r := gate.Evaluate(p, gate.Facts{}, gate.Options{})
			got := slices.ContainsFunc(r.Reasons, func(r gate.Reason) bool { return r.ID == "not-bypassed" })
			if got != tt.want {
				t.Errorf("not-bypassed is %t", got)
			}
		})
	}
}

// A namespace that another tool writes is left to that, and a label that somebody has set is only replaced where it is said.
func TestStages(t *testing.T) {
	t.Parallel()
	six := migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25", Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"}
	w := []migrate.Workload{{Kind: "Deployment", Name: "api", Evaluation: &migrate.Evaluation{AdmittedBy: "p"}}}
	p := &migrate.Plan{
		Source: inventory.Source{ServerVersion: "v1.24.1"}, Policies: []migrate.Policy{{Name: "p", ClosestLevel: api.LevelBaseline}},
		Namespaces: []migrate.Namespace{
			{Name: "bare", RecommendedLabels: six, Action: migrate.ActionAdd},
			{Name: "git", RecommendedLabels: six, Action: migrate.ActionAdd, LabelOwner: "Flux", Workloads: w},
			{Name: "looser", RecommendedLabels: six, Action: migrate.ActionChange, CurrentLabels: migrate.PodSecurityLabels{Enforce: "privileged"}, Workloads: w},
			{Name: "warned", RecommendedLabels: six, Action: migrate.ActionAdd, CurrentLabels: migrate.PodSecurityLabels{Warn: "baseline"}},
		},
	}
	r := gate.Evaluate(p, gate.Facts{}, gate.Options{Tool: "kubectl psp2pss"})
	got := map[string][]string{}
	for _, reason := range r.Reasons {
		got[reason.ID] = append([]string{reason.Advice.String()}, reason.Commands...)
	}
	delete(got, "policies")
	labelled := func(stage string) []string {
		return []string{
			"--force replaces labels that somebody has set to another value: warned; where another tool writes the labels, put them into its source ('kubectl psp2pss labels -o manifest'): git (Flux)",
			"kubectl psp2pss rollout --stage=" + stage + " --yes --namespace=bare",
			"kubectl psp2pss rollout --stage=" + stage + " --yes --namespace=warned --force",
		}
	}
	want := map[string][]string{
		"no-audit-and-warn": labelled("observe"), "no-enforce": labelled("enforce"),
		"not-bypassed": {
			"another tool writes git: it may undo what --force does there, unless its source says the same",
			"kubectl psp2pss rollout --stage=enforce --yes --namespace=looser --force",
			"kubectl psp2pss rollout --stage=enforce --yes --namespace=git --force",
			"kubectl psp2pss rollout --stage=bypass --yes --namespace='git,looser' --force",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The gate says of no namespace that labels are missing where it has not read them; it names those that the plan counts all the same, so
// that the two numbers can be told apart.
func TestUnreadLabelsAreNotCounted(t *testing.T) {
	t.Parallel()
	six := migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25", Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"}
	withheld := migrate.PodSecurityLabels{Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"}
	p := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{
		{Name: "bare", RecommendedLabels: six, Action: migrate.ActionAdd},
		{Name: "kube-system", RecommendedLabels: withheld, Action: migrate.ActionWithheld, ObjectNotRead: true},
		{Name: "unread", RecommendedLabels: six, Action: migrate.ActionAdd, ObjectNotRead: true},
		{Name: "nothing", Action: migrate.ActionSkip, ObjectNotRead: true},
	}}
	r := gate.Evaluate(p, gate.Facts{}, gate.Options{Tool: "psp2pss"})
	got := map[string]string{}
	for _, reason := range r.Reasons {
		got[reason.ID] = fmt.Sprint(len(reason.Objects), ": ", reason.Advice)
	}
	const why = ", whose labels were not read: the plan counts them, and 'labels' writes these where they are missing"
	want := map[string]string{"no-audit-and-warn": "1: not counted: kube-system, unread" + why, "no-enforce": "1: not counted: unread" + why}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A script takes one stage a run, and no other does anything; a stage ends where there is something to look at. What its
// commands are called with is noted by programs that do nothing else.
func TestOneStageAtATime(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	const uid = "8c1d0ad7-5a4f-4b0e-9d3c-000000000001"
	r := &gate.Result{
		To: "v1.25", Source: inventory.Source{Kind: inventory.SourceCluster, Name: "prod", UID: uid},
		Reasons: []gate.Reason{
			{Message: says("no-audit-and-warn", "it's so"), Order: 1, Commands: []string{"psp2pss rollout --stage=observe", "psp2pss rollout --stage=observe --force"}},
			{Message: says("filled-in", "two"), Order: 2, Commands: []string{"psp2pss patch", "psp2pss keep"}, Stops: []int{1}},
			{Message: says("by-hand", "three"), Order: 3, Commands: []string{}},
			{Message: says("policies", "four"), Order: 4, Requires: gate.AssertPolicyPluginOff, Commands: []string{"kubectl delete podsecuritypolicy -- p"}},
		},
	}
	var text bytes.Buffer
	if err := gate.WriteCommands(&text, r); err != nil {
		t.Fatal(err)
	}
	list := `Nothing was run. Name one of these stages, and take them in this order:
  no-audit-and-warn: it's so
  filled-in: two
  filled-in-2: what comes next, when you have looked at what the one before has done
`
	asked := "kubectl --context=prod get namespace kube-system --output=jsonpath={.metadata.uid}\n"
	for _, tt := range []struct {
		args       []string
		uid        string
		code       int
		ran, words string
	}{
		{code: 2, words: list},
		{args: []string{""}, code: 2, words: list},
		{args: []string{"nosuch"}, code: 2, words: list},
		{args: []string{"*"}, code: 2, words: list},
		{args: []string{"policies"}, code: 2, words: list},
		{args: []string{"no-audit-and-warn"}, ran: asked + "psp2pss rollout --stage=observe\npsp2pss rollout --stage=observe --force\n"},
		{args: []string{"filled-in"}, ran: asked + "psp2pss patch\n"},
		{args: []string{"filled-in-2"}, ran: asked + "psp2pss keep\n"},
		{
			args: []string{"filled-in"}, uid: "another", code: 1, ran: asked,
			words: "Nothing was run: kubectl talks to another cluster than the one that was planned for. Its namespace kube-system has another UID than " + uid + ".\n",
		},
	} {
		bin := t.TempDir()
		stub := "#!" + sh + "\necho \"${0##*/} $*\" >> '" + bin + "/calls'\ncase $* in *kube-system*) printf %s \"$ANSWER\";; esac\n"
		syscall.ForkLock.RLock() // see package labels
		err := errors.Join(os.WriteFile(filepath.Join(bin, "kubectl"), []byte(stub), 0o700), os.WriteFile(filepath.Join(bin, "psp2pss"), []byte(stub), 0o700))
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), sh, append([]string{"-c", text.String(), "clear.sh"}, tt.args...)...)
		cmd.Env = []string{"PATH=" + bin, "ANSWER=" + stdcmp.Or(tt.uid, uid)}
		var words bytes.Buffer
		cmd.Stderr = &words
		_ = cmd.Run()
		ran, err := os.ReadFile(filepath.Join(bin, "calls"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		want, got := []any{tt.code, tt.ran, tt.words}, []any{cmd.ProcessState.ExitCode(), string(ran), words.String()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q on %q (-want +got):\n%s", tt.args, tt.uid, diff)
		}
	}
}

// A role that was not read is no binding that grants nothing: whether it is there, and what it grants, could not be told.
func TestUnreadRoles(t *testing.T) {
	t.Parallel()
	const binding = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: users}
subjects: [{kind: ServiceAccount, name: default, namespace: web}]
`
	unread := func(uses, how string, assert gate.Assertion) []gate.Unknown {
		return []gate.Unknown{{Message: says("policy-roles", "whether more roles let somebody use policies: "+uses), Order: 12, Advice: advises(how), Assert: assert}}
	}
	const gapHow = "see the gaps of the plan for the reasons and what to grant"
	tests := []struct {
		name, input string
		gap         string
		changes     inventory.GapPart
		kind        inventory.SourceKind
		version     string
		want        []gate.Unknown
	}{
		{name: "a role that is broken", input: binding + "---\n" + strings.Replace(role("users", "", ""), "[]", "7", 1), want: unread(`not all roles and bindings were read: ClusterRole "users"`, gapHow, "")},
		{name: "roles that may not be listed", gap: "clusterroles", changes: inventory.PartGrants, kind: inventory.SourceCluster, want: unread("not all roles and bindings were read: clusterroles", gapHow, "")},
		{name: "bindings that may not be listed", gap: "rolebindings", kind: inventory.SourceCluster, want: unread("not all roles and bindings were read: rolebindings", gapHow, "")},
		{name: "pods that may not be listed", gap: "pods", changes: inventory.PartWorkloads, kind: inventory.SourceCluster},
		{name: "a broken pod", gap: `Pod "web/api"`, changes: inventory.PartWorkloads},
		{name: "policies that may not be listed", gap: "podsecuritypolicies", changes: inventory.PartPolicies, kind: inventory.SourceCluster},
		{name: "namespaces that may not be listed", gap: "namespaces", kind: inventory.SourceCluster},
		{name: "a Tekton Task that does not say all of its pods", input: "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t, namespace: web}\nspec: {steps: [{image: i}]}"},
		{name: "a ClusterTask, which belongs to no namespace", input: "apiVersion: tekton.dev/v1beta1\nkind: ClusterTask\nmetadata: {name: t}\nspec: {steps: [{image: i}]}"},
		{name: "an unknown kind with part of a pod", input: "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t, namespace: web}\nspec: {hostNetwork: true}"},
		{name: "an unknown kind with a Deployment", input: thing("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}")},
		{name: "an unknown kind with a role", input: thing("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}}"), want: unread(`not all roles and bindings were read: Thing "web/t"`, gapHow, "")},
		{name: "a ConfigMap with a pod template", input: configMap("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: c}]}}}}")},
		{name: "a ConfigMap with a policy", input: configMap("{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: p}}"), want: unread(`not all roles and bindings were read: ConfigMap "web/t"`, gapHow, "")},
		{name: "a document of no kind", gap: "document 2", want: unread("not all roles and bindings were read: document 2", gapHow, "")},
		{name: "a role that is not among the files", input: binding, want: unread("bindings refer to roles that were not read: ClusterRole users", "read these roles too", gate.AssertNoPolicyRoles)},
		{name: "a role that a cluster does not have", input: binding, kind: inventory.SourceCluster},
		{name: "where policies are not served any more", gap: "clusterroles", version: "v1.26.1", kind: inventory.SourceCluster},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := inventory.NewBuilder()
			if err := files.ReadFS(fstest.MapFS{"in.yaml": {Data: []byte(psp + "---\n" + tt.input)}}, b); err != nil {
				t.Fatal(err)
			}
			if tt.gap != "" {
				b.AddGap(inventory.Gap{What: tt.gap, Why: message.Message{Text: "forbidden"}, Namespaces: []string{inventory.AllNamespaces}, Affects: tt.changes})
			}
			inv := b.Build(inventory.Source{Kind: stdcmp.Or(tt.kind, inventory.SourceFiles), ServerVersion: stdcmp.Or(tt.version, "v1.24.1")})
			p, err := migrate.Build(inv, migrate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []gate.Unknown
			for _, u := range gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)}).Unknown {
				if u.ID == "policy-roles" {
					got = append(got, u)
				}
			}
			if diff := cmp.Diff(tt.want, got, sameMessages()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// thing is an object of an unknown kind that holds another.
func thing(object string) string {
	return "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t, namespace: web}\nspec: {objects: [" + object + "]}"
}

func configMap(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t, namespace: web}\ndata: {key: '" + text + "'}"
}

// What objects give to namespaces that come is said with the question of what those get.
func TestNewNamespacesOfWriters(t *testing.T) {
	t.Parallel()
	const tenant = "apiVersion: capsule.clastix.io/v1beta2\nkind: Tenant\nmetadata: {name: oil}\nspec: {namespaceOptions: {additionalMetadata: {labels: {pod-security.kubernetes.io/enforce: baseline}}}}\n---\n"
	p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(tenant + deployment("", plain))}}, "v1.24.17")
	for _, u := range gate.Evaluate(p, gate.Facts{}, gate.Options{}).Unknown {
		if u.ID == "new-namespaces" {
			const want = "which level a namespace gets that is made from now on, and what the API server exempts: its admission configuration is not served by the API, and without one everything is let in" +
				"; of what was read, Tenant oil writes enforce=baseline on all namespaces of the tenant"
			if diff := cmp.Diff(want, u.Text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Error("there is no such question")
}

// Of what does not meet a level, only what is checked is told as refused.
func TestExemptWorkloadsAreNoOffenders(t *testing.T) {
	t.Parallel()
	in := "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n---\n" + deployment("", "runtimeClassName: kata, "+plain) +
		"\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: bad, namespace: web}\nspec: {" + plain + "}\n"
	b := inventory.NewBuilder()
	if err := files.ReadFS(fstest.MapFS{"in.yaml": {Data: []byte(in)}}, b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceCluster, ServerVersion: "v1.25.3"})
	p, err := migrate.Build(inv, migrate.Options{Admission: &migrate.Admission{
		Defaults:       migrate.PodSecurityLabels{Enforce: "restricted", EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "privileged", WarnVersion: "latest"},
		RuntimeClasses: []string{"kata"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 26), Assert: []gate.Assertion{gate.AssertHelmClean}})
	want := []string{"web: restricted is enforced, and baseline is needed at v1.26 (pod/bad)"}
	if len(r.Reasons) != 1 || r.Reasons[0].ID != "refused-by-label" || !cmp.Equal(want, message.Texts(r.Reasons[0].Objects)) {
		t.Errorf("reasons %+v; want refused-by-label for %q", r.Reasons, want)
	}
}

// An invalid enforce is repaired as the server takes it, beside the other invalid labels, and at its source where it has one.
func TestLabelsWithoutEffect(t *testing.T) {
	t.Parallel()
	namespace := func(name, annotations string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", " + annotations + `labels: {pod-security.kubernetes.io/enforce: Baseline, pod-security.kubernetes.io/enforce-version: "1.24", pod-security.kubernetes.io/warn: x}}` + "\n---\n"
	}
	in := namespace("web", "") + namespace("synced", "annotations: {openshift.io/sa.scc.uid-range: 1/1}, ") + deployment("", specs()[2])
	p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(in)}}, "v1.24.17")
	for _, r := range gate.Evaluate(p, gate.Facts{}, gate.Options{}).Reasons {
		if r.ID != "labels-without-effect" {
			continue
		}
		const at = "pod-security.kubernetes.io/"
		want := []string{"kubectl --context=test label --overwrite namespace web " + at + "enforce=restricted " + at + "enforce-version=v1.25 " + at + "warn=restricted"}
		if diff := cmp.Diff(want, r.Commands); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		const how = "the OpenShift label syncer sets the labels of synced: to set them yourself, give the namespace the label security.openshift.io/scc.podSecurityLabelSync=false first, then write them ('psp2pss labels')"
		if diff := cmp.Diff(how, r.Advice.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return
	}
	t.Error("they are not told")
}

// A level that pods do not meet is changed together with the labels that are invalid: the server takes no half of them.
func TestBrokenLevelAmongInvalidLabels(t *testing.T) {
	t.Parallel()
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: '1.24', pod-security.kubernetes.io/warn: x}}\n---\n"
	p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(namespace + deployment("", "hostNetwork: true, "+plain))}}, "v1.24.17")
	for _, r := range gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 27)}).Reasons {
		if r.ID == "refused-by-label" {
			const at = "pod-security.kubernetes.io/"
			want := []string{"kubectl --context=test label --overwrite namespace web " + at + "enforce=privileged " + at + "enforce-version=v1.27 " + at + "warn=restricted"}
			if diff := cmp.Diff(want, r.Commands); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Error("it is not told")
}
