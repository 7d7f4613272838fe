package places

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// TestPlaces shows the places of one pod for each check, with their edits.
func TestPlaces(t *testing.T) {
	t.Parallel()
	e := mustEvaluator(t)
	for name, c := range map[string]struct {
		pod, check, version string
		want                []string
	}{
		"a value for all containers": {
			`{spec: {initContainers: [{name: i}], containers: [{name: a}, {name: b, securityContext: {runAsNonRoot: false}}]}}`, "runAsNonRoot", "v1.37",
			[]string{"missing spec.securityContext.runAsNonRoot: set true (test)", "spec.containers[1].securityContext.runAsNonRoot of b: set true (decide)"},
		},
		"a container that asks for privileges": {
			`{spec: {containers: [{name: a, securityContext: {allowPrivilegeEscalation: true}}, {name: b, securityContext: {allowPrivilegeEscalation: null}}]}}`,
			"allowPrivilegeEscalation", "v1.25",
			[]string{
				"spec.containers[0].securityContext.allowPrivilegeEscalation of a: set false (decide)",
				"missing spec.containers[1].securityContext.allowPrivilegeEscalation of b: set false (test)",
			},
		},
		"a pod that may be root, with a number that is not": {
			`{spec: {securityContext: {runAsNonRoot: false, runAsUser: 7}, containers: [{name: a}]}}`, "runAsNonRoot", "v1.25",
			[]string{"spec.securityContext.runAsNonRoot: set true (decide)"},
		},
		"a pod that may be root, whose containers say otherwise": {
			`{spec: {securityContext: {runAsNonRoot: false}, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}}`, "runAsNonRoot", "v1.25",
			[]string{"spec.securityContext.runAsNonRoot: set true (decide)"},
		},
		"a container that is root": {
			`{spec: {securityContext: {runAsNonRoot: false}, containers: [{name: a, securityContext: {runAsUser: 0}}, {name: b, securityContext: {runAsUser: 7}}]}}`, "runAsNonRoot", "v1.25",
			[]string{
				"spec.securityContext.runAsNonRoot: remove (decide)",
				"missing spec.containers[0].securityContext.runAsNonRoot of a: set true (decide)",
				"missing spec.containers[1].securityContext.runAsNonRoot of b: set true (safe)",
			},
		},
		"capabilities": {
			`{spec: {containers: [{name: a, securityContext: {capabilities: {add: [NET_BIND_SERVICE, CHOWN, SYS_TIME], drop: [KILL]}}}]}}`, "capabilities_restricted", "v1.25",
			[]string{
				`spec.containers[0].securityContext.capabilities.drop of a: set ["KILL","ALL"] (test)`,
				"spec.containers[0].securityContext.capabilities.add[1] of a: remove (decide)",
				"spec.containers[0].securityContext.capabilities.add[2] of a: remove (decide)",
			},
		},
		"a privileged container": {
			`{spec: {containers: [{name: a, securityContext: {privileged: true}}, {name: b}]}}`, "allowPrivilegeEscalation", "v1.25",
			[]string{
				"missing spec.containers[0].securityContext.allowPrivilegeEscalation of a: set false (decide)",
				"missing spec.containers[1].securityContext.allowPrivilegeEscalation of b: set false (test)",
			},
		},
		"no profile, and one that is none": {
			`{spec: {containers: [{name: a}, {name: b, securityContext: {seccompProfile: {type: Unconfined}}}]}}`, "seccompProfile_restricted", "v1.25",
			[]string{
				`missing spec.securityContext.seccompProfile: set {"type":"RuntimeDefault"} (test)`,
				`spec.containers[1].securityContext.seccompProfile of b: set {"type":"RuntimeDefault"} (decide)`,
			},
		},
		"a pod that turns it off": {
			`{spec: {securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a}]}}`, "seccompProfile_restricted", "v1.25",
			[]string{`spec.securityContext.seccompProfile: set {"type":"RuntimeDefault"} (decide)`},
		},
		"an annotation that turns it off": {
			`{metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}, spec: {containers: [{name: a}]}}`, "seccompProfile_restricted", "v1.25",
			[]string{`missing spec.securityContext.seccompProfile: set {"type":"RuntimeDefault"} (decide)`},
		},
		"a Windows pod on an old server": {
			`{spec: {os: {name: windows}, containers: [{name: a}]}}`, "allowPrivilegeEscalation", "v1.24",
			[]string{"missing spec.containers[0].securityContext.allowPrivilegeEscalation of a: nothing"},
		},
		"a Windows pod": {`{spec: {os: {name: windows}, containers: [{name: a}]}}`, "allowPrivilegeEscalation", "v1.25", nil},
		"volumes": {
			`{spec: {volumes: [{name: ok, configMap: {}}, {name: x, hostPath: {path: /}}, {name: z, nfs: {path: /}}], containers: [{name: a}]}}`, "restrictedVolumes", "v1.25",
			[]string{"spec.volumes[1].hostPath: remove (decide)", "spec.volumes[2].nfs: remove (decide)"},
		},
		"ports": {
			`{spec: {hostNetwork: true, containers: [{name: a, ports: [{hostPort: 80}, {containerPort: 81}]}]}}`, "hostPorts", "v1.25",
			[]string{
				"spec.hostNetwork: remove (decide)",
				"spec.containers[0].ports[0].hostPort of a: remove (decide)", "spec.containers[0].ports[1].hostPort of a: remove (decide)",
			},
		},
		"sysctls that a newer version allows": {
			`{spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_rmem}, {name: kernel.msgmax}]}, containers: [{name: a}]}}`, "sysctls", "v1.32",
			[]string{"spec.securityContext.sysctls[1]: remove (decide)"},
		},
		"AppArmor by annotation and by field": {
			`{metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}}, spec: {securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: a}]}}`,
			"appArmorProfile", "v1.30",
			[]string{
				"metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]: remove (decide)", "spec.securityContext.appArmorProfile: remove (decide)",
			},
		},
		"debug containers": {
			`{spec: {containers: [{name: a}], ephemeralContainers: [{name: d, securityContext: {privileged: true}}]}}`, "privileged", "latest",
			[]string{"spec.ephemeralContainers[0].securityContext.privileged of d: remove (decide)"},
		},
		"SELinux": {
			`{spec: {containers: [{name: a, securityContext: {seLinuxOptions: {type: container_engine_t, level: s0, user: u}}}]}}`, "seLinuxOptions", "v1.30",
			[]string{
				"spec.containers[0].securityContext.seLinuxOptions.user of a: remove (decide)", "spec.containers[0].securityContext.seLinuxOptions.type of a: remove (decide)",
			},
		},
		"a check that is not known": {`{spec: {containers: [{name: a}]}}`, "other", "latest", nil},
	} {
		v, err := api.ParseVersion(c.version)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range Of(e, podOf(t, []byte(c.pod)), c.check, v) {
			got = append(got, describe(&p))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// describe returns a place as one line of text.
func describe(p *Place) string {
	var b strings.Builder
	if p.Missing {
		b.WriteString("missing ")
	}
	b.WriteString(p.Path.String())
	if p.Container != "" {
		b.WriteString(" of " + p.Container)
	}
	switch {
	case p.Edit == nil:
		b.WriteString(": nothing")
	case p.Edit.Remove:
		b.WriteString(": remove (" + p.Edit.Safety + ")")
	default:
		b.WriteString(": set " + string(p.Edit.Value) + " (" + p.Edit.Safety + ")")
	}
	return b.String()
}

func podOf(t *testing.T, text []byte) *inventory.Shape {
	t.Helper()
	pod := parsePod(t, text)
	return inventory.ReducePod(pod.Annotations, &pod.Spec)
}

func parsePod(t *testing.T, text []byte) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.Unmarshal(text, &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}

// TestPlacesOfLibraryPods takes the pods that the library's own tests refuse through all checks, at the version that they are for and
// the newest.
func TestPlacesOfLibraryPods(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("asking go for the library's folder: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "test", "testdata", "*", "v1.*", "fail", "*.yaml"))
	if err != nil || len(files) < 2000 {
		t.Fatalf("found %d pods (%v)", len(files), err)
	}
	e, s := mustEvaluator(t), newSeen()
	done := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := api.ParseVersion(filepath.Base(filepath.Dir(filepath.Dir(file))))
		if err != nil {
			t.Fatal(err)
		}
		if v.Older(api.MajorMinorVersion(1, 24)) || done[string(text)] {
			continue
		}
		done[string(text)] = true
		pod := parsePod(t, text)
		m := newSubject(t, pod.Annotations, &pod.Spec)
		s.wantPlaces(t, e, m, v)
		s.wantPlaces(t, e, m, api.LatestVersion())
		if t.Failed() {
			t.Fatal(file)
		}
	}
	for _, c := range policy.DefaultChecks() {
		if s.checks[string(c.ID)] == 0 {
			t.Errorf("no pod failed %s", c.ID)
		}
	}
}

// A check that the table does not have still gets a place, so that a new one of the library is not lost.
func TestEveryCheckHasItsFields(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range forbiddenFields() {
		known[f.check] = true
	}
	for _, c := range policy.DefaultChecks() {
		if _, asked := askedFieldOf(string(c.ID)); !asked && !known[string(c.ID)] {
			t.Errorf("the check %s has no fields: add it to forbiddenFields or askedFieldOf", c.ID)
		}
	}
}
