package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	psa "k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	policychecks "k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// randomLabels has any of the six labels with any kind of value, the empty one too, and others.
func randomLabels(r *random) []string {
	var out []string
	for _, key := range inventory.PodSecurityLabelKeys() {
		values := []string{"privileged", "baseline", "restricted", "", "Restricted", "none"}
		if strings.HasSuffix(key, "-version") {
			values = []string{"latest", "v1.25", "v1.34", "v1.24", "", "1.25"}
		}
		if r.IntN(2) == 0 {
			out = append(out, key+"="+pick(r, values...))
		}
	}
	if r.IntN(3) == 0 {
		out = append(out, "team=web")
	}
	return out
}

func randomDefaults(r *random) admissionapi.PodSecurityDefaults {
	level := func() string { return string(pick(r, levels.LooseToStrict()...)) }
	version := func() string { return pick(r, "latest", "v1.25", "v1.34") }
	return admissionapi.PodSecurityDefaults{
		Enforce: level(), EnforceVersion: version(), Audit: level(), AuditVersion: version(), Warn: level(), WarnVersion: version(),
	}
}

// What we take a server to go by today is what its own code makes of the same labels and defaults, also after the plan was
// saved; and enforce counts as loosened where the recommended level is below that.
func TestTodayAsUpstream(t *testing.T) {
	t.Parallel()
	r := newRandom(t, 175)
	seen := map[Action]int{}
	for range tries(3000) {
		labels := randomLabels(r)
		opts, defaults := Options{}, builtInPodSecurityDefaults()
		if r.IntN(2) == 0 {
			configured := randomDefaults(r)
			opts.Admission = &Admission{Defaults: PodSecurityLabels(configured)}
			var err error
			if defaults, err = admissionapi.ToPolicy(configured); err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 {
				opts.Admission.Namespaces = []string{"a"}
			}
		}
		spec := pick(r, hardened(), plain(), hostNetworked())
		made := build(t, fromFiles(), opts, namespace("a", labels...), deployment("a/web", spec))
		text, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadPlan(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v: reading the plan: %v", labels, err)
		}
		ns := only(t, read, "a")
		want, _ := api.PolicyToEvaluate(ns.Labels, defaults)
		if ns.Exempt {
			want = builtInPodSecurityDefaults()
		}
		if got := ns.EffectivePolicyToday(); got != want {
			t.Fatalf("labels %q, defaults %v, exempt %t:\ntoday %v\nwant  %v", labels, defaults, ns.Exempt, got, want)
		}
		below := api.CompareLevels(api.Level(ns.RecommendedLabels.Enforce), want.Enforce.Level) < 0
		if older := slices.ContainsFunc(message.Texts(ns.Cautions), func(s string) bool { return strings.Contains(s, "is stricter than at v1.25") }); (ns.Action == ActionLoosen) != (below || older) {
			t.Fatalf("labels %q, defaults %v, exempt %t: %s to enforce=%s, today %v", labels, defaults, ns.Exempt, ns.Action, ns.RecommendedLabels.Enforce, want.Enforce)
		}
		seen[ns.Action]++
	}
	for _, a := range []Action{ActionAdd, ActionChange, ActionLoosen} {
		if seen[a] < 50 && !testing.Short() {
			t.Errorf("only %d plans %s: the labels are not random enough", seen[a], a)
		}
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	ns := Namespace{CurrentLabels: PodSecurityLabels{Audit: "baseline"}, Labels: map[string]string{api.EnforceLevelLabel: "", api.AuditLevelLabel: "baseline"}}
	type answer struct {
		Value string
		There bool
	}
	got := map[string]answer{}
	for _, key := range inventory.PodSecurityLabelKeys()[:3] {
		value, there := ns.LabelValue(key)
		got[key] = answer{value, there}
	}
	want := map[string]answer{api.EnforceLevelLabel: {"", true}, api.EnforceVersionLabel: {"", false}, api.AuditLevelLabel: {"baseline", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// defaultsOf gives every mode one level and version.
func defaultsOf(level, version string) PodSecurityLabels {
	return PodSecurityLabels{Enforce: level, EnforceVersion: version, Audit: level, AuditVersion: version, Warn: level, WarnVersion: version}
}

// A label is compared with what the server does without it, and an empty value with what the server takes it for.
func TestLooserThanToday(t *testing.T) {
	t.Parallel()
	const (
		mend    = " is stricter than baseline: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first"
		purpose = " is stricter than baseline, and nothing that runs here asks for less: loosen it only on purpose"
		invalid = `the label pod-security.kubernetes.io/enforce="" is invalid: the server takes it for restricted`
		exempt  = "the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say; the recommended ones are for the day on which it is not exempt any more"
	)
	restrictedByDefault := &Admission{Defaults: defaultsOf("restricted", "v1.25")}
	exempted := &Admission{Defaults: defaultsOf("privileged", "latest"), Namespaces: []string{"a"}}
	tests := []struct {
		name     string
		labels   []string
		opts     Options
		spec     corev1.PodSpec
		enforce  string
		action   Action
		cautions []string
	}{
		{"from the default", nil, Options{Admission: restrictedByDefault}, plain(), "baseline", ActionLoosen, []string{"today's enforce=restricted (the default of the admission configuration)" + mend}},
		{"from the default, as asked", nil, Options{Admission: restrictedByDefault, Enforce: baseline}, hardened(), "baseline", ActionLoosen, []string{"today's enforce=restricted (the default of the admission configuration)" + purpose}},
		{"from a looser default", nil, Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest")}}, plain(), "baseline", ActionAdd, []string{}},
		{"the same as the default", nil, Options{Admission: restrictedByDefault}, hardened(), "restricted", ActionAdd, []string{}},
		{"a label below the default", []string{"enforce=baseline", "enforce-version=v1.25"}, Options{Admission: restrictedByDefault}, plain(), "baseline", ActionAdd, []string{}},
		{"from an empty label", []string{"enforce="}, Options{}, plain(), "baseline", ActionLoosen, []string{invalid, `today's enforce=restricted (the label says "")` + mend}},
		{"from an empty label, whatever the default", []string{"enforce="}, Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest")}}, plain(), "baseline", ActionLoosen, []string{invalid, `today's enforce=restricted (the label says "")` + mend}},
		{"an empty label that says what is needed", []string{"enforce=", "enforce-version=v1.25"}, Options{}, hardened(), "restricted", ActionChange, []string{invalid}},
		{"an empty audit label", []string{"audit="}, Options{}, plain(), "baseline", ActionChange, []string{`the label pod-security.kubernetes.io/audit="" is invalid: the server takes it for privileged`}},
		{"an empty version", []string{"warn-version="}, Options{}, plain(), "baseline", ActionChange, []string{`the label pod-security.kubernetes.io/warn-version="" is invalid: the server takes it for latest`}},
		{"an exempt namespace", []string{"enforce=restricted"}, Options{Admission: exempted}, hostNetworked(), "privileged", ActionChange, []string{exempt}},
		{"an exempt namespace at a newer version", []string{"enforce=baseline", "enforce-version=v1.34"}, Options{Admission: exempted}, probedByHost(), "baseline", ActionChange, []string{exempt}},
		{"an exempt namespace by default", nil, Options{Admission: &Admission{Defaults: defaultsOf("restricted", "v1.25"), Namespaces: []string{"a"}}}, hostNetworked(), "privileged", ActionAdd, []string{exempt}},
		{"an exempt namespace, as asked", nil, Options{Admission: exempted, Enforce: baseline}, hostNetworked(), "baseline", ActionAdd, []string{exempt}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster("v1.25.3"), tt.opts, namespace("a", tt.labels...), deployment("a/web", tt.spec)), "a")
			if ns.RecommendedLabels.Enforce != tt.enforce || ns.Action != tt.action {
				t.Errorf("%s to enforce=%s; want %s to %s", ns.Action, ns.RecommendedLabels.Enforce, tt.action, tt.enforce)
			}
			// From v1.34 on the probe is in the way.
			got := slices.DeleteFunc(append([]string{}, message.Texts(ns.Cautions)...), func(s string) bool { return strings.HasPrefix(s, "from v1.34 of the standards on") })
			if diff := cmp.Diff(tt.cautions, got); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
		})
	}
}

// Of an exempt namespace nothing is said of what its labels would refuse, nor of what the server's version makes of them.
func TestNothingIsRefusedWhereExempt(t *testing.T) {
	t.Parallel()
	admission := &Admission{Defaults: defaultsOf("privileged", "latest"), Namespaces: []string{"a"}}
	said := func(opts Options) []string {
		p := build(t, cluster("v1.37.0"), opts, namespace("a", "enforce=baseline"), deployment("a/web", plain()))
		return message.Texts(only(t, p, "a").Cautions)
	}
	target := api.MajorMinorVersion(1, 25)
	exempt := said(Options{Admission: admission, Target: target})
	want := []string{"the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say; the recommended ones are for the day on which it is not exempt any more"}
	if diff := cmp.Diff(want, exempt); diff != "" {
		t.Errorf("cautions (-want +got):\n%s", diff)
	}
	if checked := said(Options{Target: target}); len(checked) != 1 {
		t.Errorf("the same without the exemption has the cautions %q; want one on the version", checked)
	}
}

// probedByHost meets baseline until v1.34.
func probedByHost() corev1.PodSpec {
	return plain(func(s *corev1.PodSpec) {
		s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
	})
}

// The version of a default is kept as that of a label is.
func TestNewerPinOfTheDefault(t *testing.T) {
	t.Parallel()
	opts := Options{Admission: &Admission{Defaults: defaultsOf("baseline", "v1.34")}, Audit: baseline, Warn: baseline}
	ns := only(t, build(t, cluster("v1.25.3"), opts, namespace("a"), deployment("a/web", plain())), "a")
	want := defaultsOf("baseline", "v1.34")
	if diff := cmp.Diff(want, ns.RecommendedLabels); diff != "" || ns.Action != ActionAdd {
		t.Errorf("%s; recommended (-want +got):\n%s", ns.Action, diff)
	}
	const kept = "the newer version of today's enforce default is kept: v1.25 does not have hostProbesAndHostLifecycle"
	if !slices.Contains(message.Texts(ns.Reasons), kept) {
		t.Errorf("reasons %q; want %q among them", ns.Reasons, kept)
	}
	ns = only(t, build(t, cluster("v1.25.3"), opts, namespace("a"), deployment("a/web", probedByHost())), "a")
	const tighter = "today's enforce=baseline (the default of the admission configuration) at v1.34 is stricter than at v1.25, which does not have hostProbesAndHostLifecycle: what runs here would not be admitted again"
	if ns.Action != ActionLoosen || ns.RecommendedLabels.EnforceVersion != "v1.25" || !slices.Contains(message.Texts(ns.Cautions), tighter) {
		t.Errorf("%s to %s; cautions %q, want %q among them", ns.Action, ns.RecommendedLabels.EnforceVersion, ns.Cautions, tighter)
	}
}

// sandboxed gives a pod a runtime class.
func sandboxed(spec corev1.PodSpec) corev1.PodSpec {
	spec.RuntimeClassName = new("gvisor")
	return spec
}

// Pods of an exempt runtime class, with a controller or without, decide no level; they are told, with what they need.
func TestExemptRuntimeClass(t *testing.T) {
	t.Parallel()
	const decided = "the admission configuration exempts the runtime class of deployment/box, pod/box: those pods are not checked and decide no level here; once they are not exempt any more, they need privileged"
	opts := Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest"), RuntimeClasses: []string{"gvisor"}}}
	p := build(t, cluster("v1.25.3"), opts,
		namespace("a"), deployment("a/box", sandboxed(hostNetworked())), running("a/box", "", sandboxed(hostNetworked())), deployment("a/web", plain()),
		namespace("b"), running("b/box", "", sandboxed(hostNetworked())),
		namespace("c"), deployment("c/box", sandboxed(hostNetworked())), running("c/other", "", hostNetworked()),
	)
	type answer struct {
		Needed  api.Level
		Enforce string
		Blocked []string
		Exempt  []*Exemption
		Said    []string
	}
	got := map[string]answer{}
	for _, ns := range p.Namespaces {
		a := answer{Needed: ns.NeededLevel, Enforce: ns.RecommendedLabels.Enforce, Said: message.Texts(slices.Concat(ns.Reasons, ns.Cautions))}
		for _, w := range ns.BlockedWorkloads() {
			a.Blocked = append(a.Blocked, w.Kind+"/"+w.Name)
		}
		for _, w := range ns.Workloads {
			a.Exempt = append(a.Exempt, w.Exempt)
		}
		got[ns.Name] = a
	}
	class := &Exemption{RuntimeClass: "gvisor"}
	want := map[string]answer{
		"a": {
			Needed: baseline, Enforce: "baseline", Blocked: []string{"Deployment/web"}, Exempt: []*Exemption{class, nil, class},
			Said: []string{"what runs here needs baseline: deployment/web does not meet restricted", decided},
		},
		"b": {
			Enforce: "restricted", Exempt: []*Exemption{class},
			Said: []string{
				"nothing that Pod Security checks runs here: restricted keeps it so that what comes is safe",
				"the admission configuration exempts the runtime class of pod/box: those pods are not checked and decide no level here; once they are not exempt any more, they need privileged",
			},
		},
		"c": {
			Needed: privileged, Enforce: "privileged", Blocked: []string{"Pod/other"}, Exempt: []*Exemption{class, nil},
			Said: []string{
				"what runs here needs privileged: pod/other does not meet baseline",
				"the admission configuration exempts the runtime class of deployment/box: those pods are not checked and decide no level here; once they are not exempt any more, they need privileged",
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A runtime class that the next pod may not have exempts nothing: one that only some pods have, and one that a policy may
// have filled in.
func TestRuntimeClassThatMayGo(t *testing.T) {
	t.Parallel()
	filling := "\n  runtimeClass: {allowedRuntimeClassNames: ['*'], defaultRuntimeClassName: gvisor}" + anythingGoes
	opts := Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest"), RuntimeClasses: []string{"gvisor"}}}
	p := build(t, cluster("v1.24.3"), opts, namespace("a"), policy(t, "fills", filling), policy(t, "keeps", anythingGoes),
		running("a/filled", "fills", sandboxed(hostNetworked())),
		running("a/kept", "keeps", sandboxed(hostNetworked())),
		running("a/unknown", "gone", sandboxed(hostNetworked())),
	)
	got := map[string]bool{}
	for _, w := range only(t, p, "a").Workloads {
		got[w.Name] = w.Exempt != nil
	}
	if diff := cmp.Diff(map[string]bool{"filled": false, "kept": true, "unknown": false}, got); diff != "" {
		t.Errorf("exempt (-want +got):\n%s", diff)
	}
}

// A controller that is exempt is a hole: it is named once, its workloads are marked and count, and none is said to be refused.
func TestExemptController(t *testing.T) {
	t.Parallel()
	const maker = "system:serviceaccount:kube-system:replicaset-controller"
	opts := Options{Admission: &Admission{Defaults: defaultsOf("baseline", "v1.25"), Usernames: []string{maker, "ann", "system:kube-controller-manager"}}}
	p := build(t, cluster("v1.25.3"), opts, namespace("a"), deployment("a/web", hostNetworked()), template("StatefulSet", "a/db", plain()))
	wantPlan := []string{
		"the admission configuration exempts system:kube-controller-manager, which creates the pods of every Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job, CronJob where controllers have no credentials of their own: none of them is checked then, whoever made the workload, and whatever the labels say; take it out of the exemptions",
		"the admission configuration exempts " + maker + ", which creates the pods of every Deployment, ReplicaSet: none of them is checked, whoever made the workload, and whatever the labels say; take it out of the exemptions",
		"the admission configuration exempts users (ann): that covers the pods that they create themselves, not those that controllers make for them; who created a bare pod is not known, so each counts here",
	}
	if diff := cmp.Diff(wantPlan, message.Texts(p.Cautions)); diff != "" {
		t.Errorf("cautions of the plan (-want +got):\n%s", diff)
	}
	ns := only(t, p, "a")
	want := []string{
		"today's enforce=baseline (the default of the admission configuration) is stricter than privileged, and what runs here and does not meet it is exempt: loosen it only on purpose",
		"the admission configuration exempts the controller that creates the pods of deployment/web: no label refuses them today; they count here all the same, since that exemption lets everybody in who may create such a workload",
	}
	if diff := cmp.Diff(want, message.Texts(ns.Cautions)); diff != "" {
		t.Errorf("cautions (-want +got):\n%s", diff)
	}
	var exempt []*Exemption
	for _, w := range ns.Workloads {
		exempt = append(exempt, w.Exempt)
	}
	if diff := cmp.Diff([]*Exemption{{Username: maker}, nil}, exempt); diff != "" || ns.NeededLevel != privileged {
		t.Errorf("needed %s; exempt (-want +got):\n%s", ns.NeededLevel, diff)
	}
}

// An account of the namespace that is exempt and makes pods itself is told to be unchecked, not to be refused.
func TestExemptAccount(t *testing.T) {
	t.Parallel()
	opts := Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest"), Usernames: []string{"system:serviceaccount:a:runner"}}}
	p := build(t, cluster("v1.25.3"), opts, namespace("a"), deployment("a/web", plain()), policy(t, "open", anythingGoes),
		podCreator("a", account("a/runner")), grant("open", "a", account("a/runner")))
	want := []string{"service account a/runner can create pods on its own here and is exempt by the admission configuration: no label refuses what it creates"}
	if diff := cmp.Diff(want, message.Texts(only(t, p, "a").Cautions)); diff != "" {
		t.Errorf("cautions (-want +got):\n%s", diff)
	}
}

// server is Kubernetes' own admission plugin, with one namespace that enforces restricted.
func server(t *testing.T, config *admissionapi.PodSecurityConfiguration, labels map[string]string) *psa.Admission {
	t.Helper()
	evaluator, err := policychecks.NewEvaluator(policychecks.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &psa.Admission{Configuration: config, Evaluator: evaluator, Metrics: silent{}, NamespaceGetter: oneNamespace(labels), PodLister: noPods{}}
	if err := a.CompleteConfiguration(); err != nil {
		t.Fatal(err)
	}
	if err := a.ValidateConfiguration(); err != nil {
		t.Fatal(err)
	}
	return a
}

type silent struct{}

func (silent) RecordEvaluation(metrics.Decision, api.LevelVersion, metrics.Mode, api.Attributes) {}
func (silent) RecordExemption(api.Attributes)                                                    {}
func (silent) RecordError(bool, api.Attributes)                                                  {}

type oneNamespace map[string]string

func (l oneNamespace) GetNamespace(_ context.Context, name string) (*corev1.Namespace, error) {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: l}}, nil
}

type noPods struct{}

func (noPods) ListPods(context.Context, string) ([]*corev1.Pod, error) { return nil, nil }

// Whatever is exempt here is let in by Kubernetes' own code, and nothing else is.
func TestExemptionsAsUpstream(t *testing.T) {
	t.Parallel()
	r := newRandom(t, 176)
	users := []string{access.ControllerManagerPrincipal().User, "ann"}
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"}
	for _, kind := range kinds[:4] {
		maker, _ := access.ControllerPrincipal(kind)
		users = append(users, maker.User)
	}
	exempted := map[bool]int{}
	for range 500 {
		some := func(values ...string) []string {
			return slices.DeleteFunc(slices.Clone(values), func(string) bool { return r.IntN(3) > 0 })
		}
		config := &admissionapi.PodSecurityConfiguration{
			Defaults:   admissionapi.PodSecurityDefaults(defaultsOf("restricted", "latest")),
			Exemptions: admissionapi.PodSecurityExemptions{Usernames: some(users...), Namespaces: some("a", "b"), RuntimeClasses: some("gvisor", "kata")},
		}
		spec := hostNetworked()
		if class := pick(r, "", "gvisor", "kata", "runc"); class != "" {
			spec.RuntimeClassName = &class
		}
		kind := pick(r, kinds...)
		requester := "bob"
		one := running("a/web", "", spec)
		if maker, made := access.ControllerPrincipal(kind); made {
			requester, one = maker.User, template(kind, "a/web", spec)
		}
		e := config.Exemptions
		opts := Options{Admission: &Admission{Defaults: PodSecurityLabels(config.Defaults), Namespaces: e.Namespaces, RuntimeClasses: e.RuntimeClasses, Usernames: e.Usernames}}
		ns := only(t, build(t, cluster("v1.25.3"), opts, namespace("a"), one), "a")
		got := ns.Exempt || ns.Workloads[0].Exempt != nil
		answer := server(t, config, nil).Validate(t.Context(), &api.AttributesRecord{
			Name: "web-1", Namespace: "a", Operation: admissionv1.Create, Username: requester,
			Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, Kind: schema.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "a"}, Spec: spec},
		})
		if got != answer.Allowed {
			t.Fatalf("%s of runtime class %v under %+v: exempt %t, and the server's answer is %+v", kind, spec.RuntimeClassName, e, got, answer)
		}
		exempted[got]++
	}
	if exempted[true] < 100 || exempted[false] < 100 {
		t.Errorf("exempt or not: %v; both have to be frequent", exempted)
	}
}
