package cel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/fixtures/attacks"
)

// What is written for API servers with and without a MutatingAdmissionPolicy, to be tried and to refuse.
func TestGuardDocuments(t *testing.T) {
	t.Parallel()
	people := []rbacv1.Subject{
		{Kind: "User", Name: "carol"}, {Kind: "Group", Name: "platform"}, {Kind: "ServiceAccount", Namespace: "ci", Name: "labeller"},
	}
	for name, c := range map[string]struct {
		guards GuardOptions
		server Options
	}{
		"v1.37": {
			GuardOptions{Level: api.LevelRestricted, Version: "v1.37", Subjects: people, AuditAndWarn: true, Rancher: true},
			Options{Minor: 37, Validating: true, Mutating: true, Action: Deny},
		},
		"v1.35-beta": {
			GuardOptions{Level: api.LevelBaseline, Subjects: people[:1], Except: []string{}},
			Options{Minor: 35, Validating: true, Mutating: true, Action: Deny},
		},
		"v1.30-warn": {
			GuardOptions{Level: api.LevelBaseline, Version: "latest"},
			Options{Minor: 30, Validating: true, Mutating: true, Action: Warn},
		},
		"v1.36-audit-as-labelled": {
			GuardOptions{Level: api.LevelBaseline, Version: "v1.36", Except: []string{"kube-system", "monitoring"}},
			Options{Minor: 36, Validating: true, Mutating: true, Action: Audit},
		},
		"labels-only": {GuardOptions{}, Options{Minor: 37, Validating: true, Action: Deny}},
		"new-namespaces-only": {
			GuardOptions{Level: api.LevelBaseline}, Options{Minor: 37, Mutating: true, Action: Deny},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs, err := Guards(c.guards, c.server)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for i, d := range docs.Documents {
				text, err := yaml.Marshal(d.Object)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "# %s, stage %d\n%s---\n", d.File, d.Stage, text)
				if i > 0 && d.Stage < docs.Documents[i-1].Stage {
					t.Errorf("%s is of an earlier stage than what comes before it", d.File)
				}
			}
			for _, r := range docs.Remarks {
				fmt.Fprintf(&got, "# %s\n", r.Message)
			}
			path := filepath.Join("testdata", "guards", name+".yaml")
			if *update {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got.Bytes(), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got), go test -update writes it:\n%s", diff)
			}
		})
	}
}

func TestGuardOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server := Options{Minor: 37, Validating: true, Mutating: true, Action: Deny}
	with := func(change func(*Options)) Options {
		o := server
		change(&o)
		return o
	}
	for want, c := range map[string]struct {
		guards GuardOptions
		server Options
	}{
		"nothing would be guarded":                                                            {GuardOptions{}, with(func(o *Options) { o.Validating = false })},
		"nothing would be guarded: allow ValidatingAdmissionPolicy":                           {GuardOptions{Level: api.LevelBaseline}, with(func(o *Options) { o.Validating, o.Minor = false, 33 })},
		"v1.29 serves no ValidatingAdmissionPolicy v1":                                        {GuardOptions{}, with(func(o *Options) { o.Minor = 29 })},
		`the action "" is none of`:                                                            {GuardOptions{}, with(func(o *Options) { o.Action = "" })},
		"cannot be tried with the action warn":                                                {GuardOptions{Level: api.LevelBaseline}, with(func(o *Options) { o.Validating, o.Action = false, Warn })},
		`the level "privileged" for new namespaces`:                                           {GuardOptions{Level: api.LevelPrivileged}, server},
		`the level "Baseline" for new namespaces`:                                             {GuardOptions{Level: "Baseline"}, server},
		`the version "1.30" for new namespaces`:                                               {GuardOptions{Level: api.LevelBaseline, Version: "1.30"}, server},
		`the version "latest" for new namespaces has no level`:                                {GuardOptions{Version: "latest"}, server},
		`no namespace has the name "a'b"`:                                                     {GuardOptions{Except: []string{"a'b"}}, server},
		"a User that may loosen labels has no name":                                           {GuardOptions{Subjects: []rbacv1.Subject{{Kind: "User"}}}, server},
		`the service account "a" that may loosen labels has no namespace`:                     {GuardOptions{Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "a"}}}, server},
		`the Group "a" that may loosen labels has a namespace`:                                {GuardOptions{Subjects: []rbacv1.Subject{{Kind: "Group", Name: "a", Namespace: "b"}}}, server},
		`"a", which may loosen labels, is of kind "user": User, Group and ServiceAccount can`: {GuardOptions{Subjects: []rbacv1.Subject{{Kind: "user", Name: "a"}}}, server},
	} {
		docs, err := Guards(c.guards, c.server)
		if err == nil || !strings.HasPrefix(err.Error(), want) && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want an error with %q", docs, err, want)
		}
	}
}

// Who may loosen labels is somebody's text, and does not get out of the expression.
func TestGuardSubjectsAreNoExpressions(t *testing.T) {
	t.Parallel()
	hostile := []string{"x' + authorizer.group('a').resource('b').check('c').allowed() + '", `\`, `a\' || true`, "line\nbreak", "${a}", "~/0"}
	var subjects []rbacv1.Subject
	for _, name := range hostile {
		subjects = append(subjects, rbacv1.Subject{Kind: "User", Name: name})
	}
	policy, _ := labelGuard(&GuardOptions{Subjects: subjects[:5]}, Options{Minor: 37, Validating: true, Action: Deny})
	expression := policy.Spec.Validations[0].MessageExpression
	if !strings.HasSuffix(expression, quote(whoMayLoosen(subjects[:5], false))) || strings.Contains(expression+policy.Spec.Validations[0].Message, "\n") {
		t.Errorf("the message is %s", expression)
	}
	if text := whoMayLoosen(subjects, false); !strings.HasSuffix(text, ", 1 more") {
		t.Errorf("of six, it names %q", text)
	}
}

// Each revision of each check is judged. Where the library gets a new one, somebody has to say whether it demands more.
func TestEachRevisionOfTheStandardsIsJudged(t *testing.T) {
	t.Parallel()
	var accept []string
	for _, check := range policy.DefaultChecks() {
		for i, v := range check.Versions {
			if !demandsMore(check.ID, i) {
				accept = append(accept, fmt.Sprintf("%s %s", check.ID, v.MinimumVersion.String()))
			}
		}
	}
	slices.Sort(accept)
	want := []string{
		"allowPrivilegeEscalation v1.25", "capabilities_restricted v1.25", "procMount v1.35", "procMount_restricted v1.35", "runAsNonRoot v1.35",
		"runAsUser v1.35", "seLinuxOptions v1.31", "seccompProfile_restricted v1.25", "sysctls v1.27", "sysctls v1.29", "sysctls v1.32", "sysctls v1.37",
	}
	if diff := cmp.Diff(want, accept); diff != "" {
		t.Errorf("revisions that only accept more (-want +got):\n%s", diff)
	}
	for level, want := range map[api.Level][]int{api.LevelBaseline: {19, 34}, api.LevelRestricted: {8, 19, 22, 23, 34}} {
		got, newest := demandingMinors(level)
		if diff := cmp.Diff(want, got); diff != "" || newest != 37 {
			t.Errorf("%s demands more at, of versions up to %d (-want +got):\n%s", level, newest, diff)
		}
	}
}

// A pod that one version of the standards accepts and the next refuses shows that the next one demands more. For each version that
// does so there is one, and for no other.
func TestDemandingVersionsRefuseMore(t *testing.T) {
	t.Parallel()
	_, newest := demandingMinors(api.LevelRestricted)
	emulated := api.MajorMinorVersion(1, newest)
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), &emulated)
	if err != nil {
		t.Fatal(err)
	}
	pods := strictPods(t)
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		minors, _ := demandingMinors(level)
		refusedFirst := map[int]bool{}
		for _, pod := range pods {
			before := true
			for minor := 0; minor <= newest; minor++ {
				lv := api.LevelVersion{Level: level, Version: api.MajorMinorVersion(1, minor)}
				accepted := policy.AggregateCheckResults(evaluator.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec)).Allowed
				if minor > 0 && before && !accepted {
					refusedFirst[minor] = true
					if !slices.Contains(minors, minor) {
						t.Errorf("%s v1.%d refuses pod %s, which v1.%d accepts", level, minor, pod.Name, minor-1)
					}
				}
				before = accepted
			}
		}
		for _, minor := range minors {
			if !refusedFirst[minor] {
				t.Errorf("%s v1.%d refuses no pod that v1.%d accepts", level, minor, minor-1)
			}
		}
	}
}

// strictPods are the attack pods, and the same with all that the newest restricted level asks for beside, as far as it goes.
func strictPods(t *testing.T) []*corev1.Pod {
	t.Helper()
	all, err := attacks.Pods()
	if err != nil {
		t.Fatal(err)
	}
	var out []*corev1.Pod
	for _, a := range all {
		out = append(out, a.Pod)
	}
	strict := func(name string, change func(*corev1.PodSpec, *corev1.SecurityContext)) {
		context := &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(bool), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
		spec := corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "c", Image: "i", SecurityContext: context}},
		}
		change(&spec, context)
		out = append(out, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
	}
	strict("strict", func(*corev1.PodSpec, *corev1.SecurityContext) {})
	strict("may-escalate", func(_ *corev1.PodSpec, c *corev1.SecurityContext) { c.AllowPrivilegeEscalation = nil })
	strict("seccomp-unset", func(s *corev1.PodSpec, _ *corev1.SecurityContext) { s.SecurityContext.SeccompProfile = nil })
	strict("seccomp-unconfined", func(s *corev1.PodSpec, _ *corev1.SecurityContext) {
		s.SecurityContext.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined
	})
	strict("drops-nothing", func(_ *corev1.PodSpec, c *corev1.SecurityContext) { c.Capabilities = nil })
	strict("root", func(s *corev1.PodSpec, _ *corev1.SecurityContext) { s.SecurityContext.RunAsUser = new(int64) })
	strict("probes-a-host", func(s *corev1.PodSpec, _ *corev1.SecurityContext) {
		s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
	})
	for _, windows := range []bool{false, true} {
		strict(fmt.Sprint("user-namespace-windows-", windows), func(s *corev1.PodSpec, c *corev1.SecurityContext) {
			s.HostUsers, s.SecurityContext.RunAsNonRoot = new(false), nil
			c.ProcMount = new(corev1.UnmaskedProcMount)
			if windows {
				s.OS = &corev1.PodOS{Name: corev1.Windows}
			}
		})
	}
	return out
}
