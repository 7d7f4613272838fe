package harden

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// The reasons that edits are given.
const (
	runsSo       = "its pods run with it today"
	setuid       = "programs that gain privileges as they start (setuid, file capabilities: sudo, ping) no longer can"
	defaultCaps  = "it loses the capabilities that the runtime gives by default, and may use one"
	rootImage    = "an image whose USER is root, or a name instead of a number, does not start with it: set runAsUser to the number that 'id -u' gives in a pod that runs (from v1.31 on also status.containerStatuses[].user.linux.uid)"
	noProfile    = "no profile is in force today, and this one refuses system calls that few programs make"
	byNumber     = "it runs as another user than root, by number"
	noneToLose   = "it runs as another user than root and cannot gain privileges: it has no capabilities to lose"
	anyDrop      = `["ALL"]`
	anyProfile   = `{"type":"RuntimeDefault"}`
	appEscalates = "spec.containers[0].securityContext.allowPrivilegeEscalation"
	appDrop      = "spec.containers[0].securityContext.capabilities.drop"
	appNonRoot   = "spec.containers[0].securityContext.runAsNonRoot"
	podNonRoot   = "spec.securityContext.runAsNonRoot"
	podProfile   = "spec.securityContext.seccompProfile"
)

// says returns a message with a text, to be compared by sameText.
func says(text string) message.Message { return message.Message{Text: text} }

// sameText compares messages by their texts.
func sameText() cmp.Option {
	return cmp.Comparer(func(a, b message.Message) bool { return a.Text == b.Text })
}

// The edits of a container "app" that states nothing.
func escalationEdit(s Safety, why string) Edit {
	return Edit{appEscalates, "app", "false", "allowPrivilegeEscalation", s, says(why)}
}

func dropEdit(s Safety, why string) Edit {
	return Edit{appDrop, "app", anyDrop, "capabilities_restricted", s, says(why)}
}

func nonRootEdit(s Safety, why string) Edit {
	return Edit{podNonRoot, "", "true", "runAsNonRoot", s, says(why)}
}

func profileEdit(s Safety, why string) Edit {
	return Edit{podProfile, "", anyProfile, "seccompProfile_restricted", s, says(why)}
}

func mustEvaluator(t testing.TB) *pss.Evaluator {
	t.Helper()
	e, err := pss.NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustLibrary(t testing.TB) policy.Evaluator {
	t.Helper()
	library, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func withSecurity(name string, sc corev1.SecurityContext) corev1.Container {
	return corev1.Container{Name: name, SecurityContext: &sc}
}

func drops(names ...corev1.Capability) *corev1.Capabilities { return &corev1.Capabilities{Drop: names} }

func TestProposeTemplateEdits(t *testing.T) {
	t.Parallel()
	v125, v124 := api.MajorMinorVersion(1, 25), api.MajorMinorVersion(1, 24)
	plainApp := func() *inventory.Shape { return podtest.ShapeOf(podtest.Plain("app")) }
	hardenedApp := func(edits ...func(*inventory.Shape)) *inventory.Shape {
		return podtest.Edited(podtest.ShapeOf(podtest.Hardened("app")), edits...)
	}
	uid := func(id int64) func(*inventory.Shape) {
		return func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsUser = &id }
	}
	onWindows := func(s *inventory.Shape) { s.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }
	annotated := func(key, value string) func(*inventory.Shape) {
		return func(s *inventory.Shape) { s.Annotations = map[string]string{key: value} }
	}
	meshed := func(s *inventory.Shape) {
		s.Spec.InitContainers = append(s.Spec.InitContainers, withSecurity("mesh-init", corev1.SecurityContext{
			RunAsUser: new(int64(0)), AllowPrivilegeEscalation: new(false), Capabilities: drops("ALL"),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}))
	}
	plainEdits := []Edit{
		escalationEdit(NeedsTest, setuid), dropEdit(NeedsTest, defaultCaps), nonRootEdit(NeedsTest, rootImage), profileEdit(NeedsTest, noProfile),
	}
	tests := map[string]struct {
		subject  TemplateWithPods
		level    api.Level // restricted if empty
		versions []api.Version
		want     TemplateChanges
	}{
		"nothing is missing": {subject: TemplateWithPods{Template: hardenedApp()}},
		"everything is missing, and nothing is known of pods": {
			subject: TemplateWithPods{Template: plainApp()},
			want:    TemplateChanges{Edits: plainEdits},
		},
		"pods run with all of it": {
			subject: TemplateWithPods{Template: plainApp(), RunningPods: []*inventory.Shape{hardenedApp()}},
			want: TemplateChanges{Edits: []Edit{
				escalationEdit(Safe, runsSo), dropEdit(Safe, runsSo), nonRootEdit(Safe, runsSo), profileEdit(Safe, runsSo),
			}},
		},
		"a policy would write it": {
			subject: TemplateWithPods{Template: plainApp(), RunningPods: []*inventory.Shape{podtest.Mutate(podtest.Hardening("p"), plainApp())}, Policy: "p"},
			want: TemplateChanges{Edits: []Edit{
				escalationEdit(Safe, `the policy "p" sets it today`), dropEdit(Safe, `the policy "p" sets it today`),
				nonRootEdit(Safe, `the policy "p" sets it today`), profileEdit(Safe, `the policy "p" sets it today`),
			}},
		},
		"one of the pods runs without": {
			subject: TemplateWithPods{Template: plainApp(), RunningPods: []*inventory.Shape{podtest.Mutate(podtest.Hardening("p"), plainApp()), plainApp()}},
			want:    TemplateChanges{Edits: plainEdits},
		},
		"a pod that lacks the container shows nothing": {
			subject: TemplateWithPods{Template: plainApp(), RunningPods: []*inventory.Shape{podtest.ShapeOf(podtest.Hardened("old"))}},
			want:    TemplateChanges{Edits: plainEdits},
		},
		"the user is a policy's: without it the image decides": {
			subject: TemplateWithPods{Template: plainApp(), RunningPods: []*inventory.Shape{podtest.Mutate(podtest.PolicyOf("p", func(p *pspparse.Policy) {
				p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}}}
				p.Spec.AllowPrivilegeEscalation = new(false)
			}), podtest.Edited(plainApp(), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsNonRoot = new(true) }))}},
			want: TemplateChanges{Edits: []Edit{
				escalationEdit(Safe, runsSo), dropEdit(NeedsTest, defaultCaps),
				nonRootEdit(NeedsTest, "its pods run as a user that the template does not state; "+rootImage), profileEdit(NeedsTest, noProfile),
			}},
		},
		"a user by number": {
			subject: TemplateWithPods{Template: podtest.Edited(plainApp(), uid(1000))},
			want: TemplateChanges{Edits: []Edit{
				escalationEdit(NeedsTest, setuid), dropEdit(NeedsTest, defaultCaps), nonRootEdit(Safe, byNumber), profileEdit(NeedsTest, noProfile),
			}},
		},
		"no capabilities to lose": {
			subject: TemplateWithPods{Template: podtest.Edited(podtest.ShapeOf(withSecurity("app", corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}, Drop: []corev1.Capability{"NET_RAW"}},
			})), uid(1000))},
			want: TemplateChanges{Edits: []Edit{
				{appDrop, "app", `["NET_RAW","ALL"]`, "capabilities_restricted", Safe, says(noneToLose)},
				nonRootEdit(Safe, byNumber), profileEdit(NeedsTest, noProfile),
			}},
		},
		"what is dropped and added stays": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"CHOWN", "NET_BIND_SERVICE"}, Drop: []corev1.Capability{"KILL", "CHOWN"}}
				s.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
			})},
			want: TemplateChanges{
				Edits: []Edit{
					escalationEdit(NeedsTest, setuid),
					{appDrop, "app", `["KILL","CHOWN","ALL"]`, "capabilities_restricted", NeedsTest, says(defaultCaps + "; what it adds stays added: CHOWN, NET_BIND_SERVICE")},
				},
				Obstacles: []Obstacle{{"capabilities_restricted", `unrestricted capabilities (container "app" must not include "CHOWN" in securityContext.capabilities.add)`, says("only NET_BIND_SERVICE may be added: a program that runs as the user who owns its files does without most others"), false}},
			},
		},
		"the template says otherwise": {
			subject: TemplateWithPods{Template: podtest.Edited(podtest.ShapeOf(withSecurity("app", corev1.SecurityContext{
				AllowPrivilegeEscalation: new(true), RunAsNonRoot: new(false), Capabilities: drops("ALL"), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			})))},
			want: TemplateChanges{Edits: []Edit{
				escalationEdit(NeedsTest, "the template asks for true; "+setuid),
				{appNonRoot, "app", "true", "runAsNonRoot", NeedsTest, says("the template says false; " + rootImage)},
			}},
		},
		"the pod says false and every container true": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsNonRoot = new(false) })},
			want:    TemplateChanges{Edits: []Edit{nonRootEdit(Safe, "every container states its own")}},
		},
		"a container as root gets no runAsNonRoot, the other does": {
			subject: TemplateWithPods{Template: podtest.Edited(podtest.ShapeOf(podtest.Hardened("app"), podtest.Hardened("root")), func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil
				s.Spec.Containers[1].SecurityContext.RunAsNonRoot, s.Spec.Containers[1].SecurityContext.RunAsUser = nil, new(int64(0))
			})},
			want: TemplateChanges{
				Edits: []Edit{{appNonRoot, "app", "true", "runAsNonRoot", NeedsTest, says(rootImage)}},
				Obstacles: []Obstacle{
					{"runAsNonRoot", `runAsNonRoot != true (pod or container "root" must set securityContext.runAsNonRoot=true)`, says("it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as"), false},
					{"runAsUser", `runAsUser=0 (container "root" must not set runAsUser=0)`, says("it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as"), false},
				},
			},
		},
		"a pod of an earlier template ran as root, which says nothing of this one": {
			subject: TemplateWithPods{
				Template:   hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil }),
				FuturePods: []*inventory.Shape{hardenedApp(uid(0), func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil })},
			},
			want: TemplateChanges{
				Edits:     []Edit{nonRootEdit(NeedsTest, rootImage)},
				Obstacles: []Obstacle{{"runAsUser", `runAsUser=0 (pod must not set runAsUser=0)`, message.New("obstacle-injected"), true}},
			},
		},
		"an injected container as root would inherit it": {
			subject: TemplateWithPods{
				Template:   hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil }),
				FuturePods: []*inventory.Shape{podtest.Edited(hardenedApp(), meshed)},
			},
			want: TemplateChanges{
				Edits: []Edit{{appNonRoot, "app", "true", "runAsNonRoot", NeedsTest, says(rootImage)}},
				Obstacles: []Obstacle{
					{"runAsNonRoot", `runAsNonRoot != true (pod or container "mesh-init" must set securityContext.runAsNonRoot=true)`, message.New("obstacle-injected"), true},
					{"runAsUser", `runAsUser=0 (container "mesh-init" must not set runAsUser=0)`, message.New("obstacle-injected"), true},
				},
			},
		},
		"privileged stays, and is not contradicted": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.Privileged, s.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true), nil
			})},
			want: TemplateChanges{Obstacles: []Obstacle{
				{"privileged", `privileged (container "app" must not set securityContext.privileged=true)`, says("grant the one device or capability that it needs instead; an agent of the node that needs it belongs in a namespace of its own, at privileged"), false},
				{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, says("allowPrivilegeEscalation: false is refused beside privileged: true and the capability CAP_SYS_ADMIN: do without those first"), false},
			}},
		},
		"the capability that may not go with it, in the spelling that the server knows": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
				s.Spec.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"CAP_SYS_ADMIN"}
			})},
			want: TemplateChanges{Obstacles: []Obstacle{
				{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, says("allowPrivilegeEscalation: false is refused beside privileged: true and the capability CAP_SYS_ADMIN: do without those first"), false},
				{"capabilities_restricted", `unrestricted capabilities (container "app" must not include "CAP_SYS_ADMIN" in securityContext.capabilities.add)`, says("only NET_BIND_SERVICE may be added: a program that runs as the user who owns its files does without most others"), false},
			}},
		},
		"root by number and not root by word: it does not start, and shows nothing": {
			subject: TemplateWithPods{Template: hardenedApp(uid(0), func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.Capabilities = nil })},
			want: TemplateChanges{
				Edits:     []Edit{dropEdit(NeedsTest, defaultCaps)},
				Obstacles: []Obstacle{{"runAsUser", `runAsUser=0 (pod must not set runAsUser=0)`, says("it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as"), false}},
			},
		},
		"host namespaces at baseline": {
			level:   api.LevelBaseline,
			subject: TemplateWithPods{Template: podtest.Edited(plainApp(), func(s *inventory.Shape) { s.Spec.HostPID = true })},
			want:    TemplateChanges{Obstacles: []Obstacle{{"hostNamespaces", "host namespaces (hostPID=true)", says("find out whether it has to see the node's network, processes or memory; an agent of the node that needs it belongs in a namespace of its own, at privileged"), false}}},
		},
		"debug containers of a manifest": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"CHOWN"}, Drop: []corev1.Capability{"ALL"}}
				s.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(withSecurity("debugger", corev1.SecurityContext{
					RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				}))}}
			})},
			want: TemplateChanges{Obstacles: []Obstacle{
				{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "debugger" must set securityContext.allowPrivilegeEscalation=false)`, says("no API server takes a manifest with ephemeralContainers: take them out"), false},
				{"capabilities_restricted", `unrestricted capabilities (container "debugger" must set securityContext.capabilities.drop=["ALL"]; container "app" must not include "CHOWN" in securityContext.capabilities.add)`, says("only NET_BIND_SERVICE may be added: a program that runs as the user who owns its files does without most others"), false},
			}},
		},
		"windows": {
			subject: TemplateWithPods{Template: podtest.Edited(plainApp(), onWindows)},
			want:    TemplateChanges{Edits: []Edit{nonRootEdit(NeedsTest, message.New("edit-requires-windows-user").Text)}},
		},
		"windows on an older server": {
			subject:  TemplateWithPods{Template: podtest.Edited(plainApp(), onWindows, func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsNonRoot = new(true) })},
			versions: []api.Version{v125, v124},
			want: TemplateChanges{Obstacles: []Obstacle{
				{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, says("Windows pods meet restricted from v1.25 on only: leave it until no older server is left"), false},
				{"capabilities_restricted", `unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])`, says("Windows pods meet restricted from v1.25 on only: leave it until no older server is left"), false},
				{"seccompProfile_restricted", `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`, says("Windows pods meet restricted from v1.25 on only: leave it until no older server is left"), false},
			}},
		},
		"windows by the nodes": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil }), OnWindows: true},
			want:    TemplateChanges{Obstacles: []Obstacle{{"allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`, says("its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on"), false}}},
		},
		"a number is no user on Windows": {
			subject: TemplateWithPods{Template: hardenedApp(uid(1000), func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil }), OnWindows: true},
			want:    TemplateChanges{Edits: []Edit{nonRootEdit(NeedsTest, message.New("edit-requires-windows-user").Text)}},
		},
		"an annotation becomes the field": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }, annotated(podspec.SeccompPodAnnotation, "localhost/a.json"))},
			want:    TemplateChanges{Edits: []Edit{{podProfile, "", `{"type":"Localhost","localhostProfile":"a.json"}`, "seccompProfile_restricted", Safe, seccompAnnotationReason()}}},
		},
		"a container's annotation becomes its field": {
			subject: TemplateWithPods{Template: podtest.Edited(podtest.ShapeOf(podtest.Hardened("app"), podtest.Hardened("other")), func(s *inventory.Shape) {
				s.Spec.Containers[0].SecurityContext.SeccompProfile, s.Spec.Containers[1].SecurityContext.SeccompProfile = nil, nil
			}, annotated(podspec.SeccompContainerAnnotationPrefix+"app", "localhost/a.json"))},
			want: TemplateChanges{Edits: []Edit{
				profileEdit(NeedsTest, noProfile),
				{"spec.containers[0].securityContext.seccompProfile", "app", `{"type":"Localhost","localhostProfile":"a.json"}`, "seccompProfile_restricted", Safe, seccompAnnotationReason()},
			}},
		},
		"a container's annotation is what the pod gets": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }, annotated(podspec.SeccompContainerAnnotationPrefix+"app", "docker/default"))},
			want:    TemplateChanges{Edits: []Edit{profileEdit(Safe, seccompAnnotationReason().Text)}},
		},
		"the annotation stands, whatever pods run with": {
			subject: TemplateWithPods{
				Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }, annotated(podspec.SeccompPodAnnotation, "runtime/default")),
				RunningPods: []*inventory.Shape{hardenedApp(func(s *inventory.Shape) {
					s.Spec.Containers[0].SecurityContext.SeccompProfile = nil
					s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")}
				})},
			},
			want: TemplateChanges{Edits: []Edit{profileEdit(Safe, seccompAnnotationReason().Text)}},
		},
		"pods run unconfined": {
			subject: TemplateWithPods{
				Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }),
				RunningPods: []*inventory.Shape{hardenedApp(func(s *inventory.Shape) {
					s.Spec.Containers[0].SecurityContext.SeccompProfile = nil
					s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
				})},
			},
			want: TemplateChanges{Edits: []Edit{profileEdit(NeedsTest, noProfile)}},
		},
		"pods run with two profiles": {
			subject: TemplateWithPods{
				Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }),
				RunningPods: []*inventory.Shape{hardenedApp(func(s *inventory.Shape) {
					s.Spec.Containers[0].SecurityContext.SeccompProfile = nil
					s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
				}), hardenedApp(func(s *inventory.Shape) {
					s.Spec.Containers[0].SecurityContext.SeccompProfile = nil
					s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")}
				})},
			},
			want: TemplateChanges{Edits: []Edit{profileEdit(NeedsTest, noProfile)}},
		},
		"unconfined by annotation": {
			subject: TemplateWithPods{Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }, annotated(podspec.SeccompPodAnnotation, "unconfined"))},
			want:    TemplateChanges{Obstacles: []Obstacle{{"seccompProfile_restricted", `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`, says("somebody chose to run it without a seccomp profile, by field or by annotation: try RuntimeDefault, or load a profile for this program on the nodes"), false}}},
		},
		"the profile that pods run with": {
			subject: TemplateWithPods{
				Template: hardenedApp(func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }),
				RunningPods: []*inventory.Shape{hardenedApp(func(s *inventory.Shape) {
					s.Spec.Containers[0].SecurityContext.SeccompProfile = nil
					s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")}
				})},
			},
			want: TemplateChanges{Edits: []Edit{{podProfile, "", `{"type":"Localhost","localhostProfile":"x.json"}`, "seccompProfile_restricted", Safe, says(runsSo)}}},
		},
	}
	e := mustEvaluator(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			level, versions := tt.level, tt.versions
			if level == "" {
				level = api.LevelRestricted
			}
			if versions == nil {
				versions = []api.Version{v125}
			}
			if diff := cmp.Diff(tt.want, ProposeTemplateEdits(e, &tt.subject, level, versions...), sameText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestProcMountAdvice checks that the advice is a user namespace only where it would help and the pod has none.
func TestProcMountAdvice(t *testing.T) {
	t.Parallel()
	v := func(minors ...int) (out []api.Version) {
		for _, minor := range minors {
			out = append(out, api.MajorMinorVersion(1, minor))
		}
		return out
	}
	const (
		leaveOut = "leave procMount out"
		late     = "leave procMount out: only from v1.35 on does baseline let pods have it in a user namespace (hostUsers: false)"
		wait     = "leave procMount out, or wait for v1.35: from then on baseline lets pods have it in a user namespace, as this one has (hostUsers: false)"
		run      = "leave procMount out, or run in a user namespace (hostUsers: false)"
	)
	yes, no := new(true), new(false)
	e := mustEvaluator(t)
	for _, tt := range []struct {
		hostUsers *bool
		level     api.Level
		versions  []api.Version
		want      string // "" if it is no obstacle
	}{
		{nil, api.LevelBaseline, v(25), late},
		{yes, api.LevelBaseline, v(34), late},
		{no, api.LevelBaseline, v(34), wait},
		{no, api.LevelBaseline, v(35, 24), wait},
		{nil, api.LevelBaseline, v(35), run},
		{yes, api.LevelBaseline, v(37), run},
		{nil, api.LevelBaseline, v(35, 30), late},
		{nil, api.LevelBaseline, []api.Version{api.LatestVersion()}, run},
		{no, api.LevelBaseline, v(35), ""},
		{no, api.LevelRestricted, v(25), leaveOut},
		{nil, api.LevelRestricted, v(25), leaveOut},
		{no, api.LevelRestricted, v(35), leaveOut},
		{nil, api.LevelRestricted, v(37, 24), leaveOut},
	} {
		template := podtest.Edited(podtest.ShapeOf(podtest.Hardened("app")), func(s *inventory.Shape) {
			s.Spec.HostUsers = tt.hostUsers
			s.Spec.Containers[0].SecurityContext.ProcMount = new(corev1.UnmaskedProcMount)
		})
		got := ""
		for _, o := range ProposeTemplateEdits(e, &TemplateWithPods{Template: template}, tt.level, tt.versions...).Obstacles {
			if got != "" && got != o.Advice.Text {
				t.Errorf("%+v: two pieces of advice, %q and %q", tt, got, o.Advice)
			}
			got = o.Advice.Text
		}
		if got != tt.want {
			t.Errorf("hostUsers %v, %s at %v: %q, want %q", tt.hostUsers, tt.level, tt.versions, got, tt.want)
		}
	}
}

// A check that is new to the library needs an answer here: an edit that meets it, or advice.
func TestEveryCheckHasAdvice(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range policy.DefaultChecks() {
		known[string(c.ID)] = true
	}
	advised := map[string]bool{}
	for _, a := range allCheckAdvice() {
		if !known[a.check] || advised[a.check] {
			t.Errorf("advice for %q, which is no check, or advised upon twice", a.check)
		}
		advised[a.check] = true
	}
	for id := range known {
		if !advised[id] {
			t.Errorf("no advice for the check %q", id)
		}
	}
	for _, f := range checkFixes() {
		if !known[f.check] {
			t.Errorf("edits for %q, which is no check", f.check)
		}
	}
}
