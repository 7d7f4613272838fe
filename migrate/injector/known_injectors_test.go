package injector_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// level is the strictest at which the library takes a pod that has nothing but what is added, and whose author has set what
// restricted asks of the whole pod, or nothing.
func level(t *testing.T, added *injector.AddedPod, compliant bool) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	spec := &corev1.PodSpec{InitContainers: added.Init, Containers: added.Containers, Volumes: added.Volumes}
	if compliant {
		spec.SecurityContext = &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
	}
	for _, l := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		results := evaluator.EvaluatePod(api.LevelVersion{Level: l, Version: api.LatestVersion()}, &metav1.ObjectMeta{}, spec)
		if !slices.ContainsFunc(results, func(r policy.CheckResult) bool { return !r.Allowed }) {
			return string(l)
		}
	}
	return string(api.LevelPrivileged)
}

// TestLevels says of each injector what a pod can have at best with what it adds: where the pod's author has done all that
// restricted asks for, and where nothing was done. The library gives the verdict.
func TestLevels(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, in := range injector.KnownInjectors() {
		levels := []string{level(t, &in.DefaultPod, true), level(t, &in.DefaultPod, false)}
		if in.PodWithCNI != nil {
			levels = append(levels, level(t, in.PodWithCNI, true), level(t, in.PodWithCNI, false))
		}
		got[in.Name] = levels
	}
	want := map[string][]string{
		"Istio":                              {"privileged", "privileged", "restricted", "baseline"},
		"Linkerd":                            {"privileged", "privileged", "baseline", "baseline"},
		"Consul":                             {"privileged", "privileged", "baseline", "baseline"},
		"Kuma":                               {"privileged", "privileged", "baseline", "baseline"},
		"Open Service Mesh":                  {"privileged", "privileged"},
		"AWS App Mesh":                       {"privileged", "privileged"},
		"Dapr":                               {"baseline", "baseline"},
		"Vault agent injector":               {"restricted", "baseline"},
		"OpenTelemetry operator (Go)":        {"privileged", "privileged"},
		"OpenTelemetry operator (collector)": {"baseline", "baseline"},
		"OpenTelemetry operator":             {"restricted", "restricted"},
		"Jaeger operator":                    {"baseline", "baseline"},
		"Datadog":                            {"privileged", "privileged"},
		"Dynatrace":                          {"restricted", "baseline"},
		"Azure workload identity (proxy)":    {"privileged", "privileged"},
		"Azure workload identity":            {"restricted", "restricted"},
		"EKS pod identity and IAM roles for service accounts": {"restricted", "restricted"},
		"Gatekeeper":                        {"restricted", "restricted"},
		"Kyverno":                           {"restricted", "restricted"},
		"a known webhook that adds nothing": {"restricted", "restricted"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSources checks that each row says where it is from.
func TestSources(t *testing.T) {
	t.Parallel()
	for _, in := range injector.KnownInjectors() {
		if !strings.HasPrefix(in.Source, "https://") && in.Name != "a known webhook that adds nothing" {
			t.Errorf("%s: the source is %q", in.Name, in.Source)
		}
	}
}

// TestMarksAreKept checks that a reader keeps every annotation by which an injector chooses.
func TestMarksAreKept(t *testing.T) {
	t.Parallel()
	for _, key := range injector.InjectionAnnotationKeys(injector.KnownInjectors()) {
		if !inventory.IsInjectorAnnotation(key) {
			t.Errorf("package inventory drops the annotation %s from templates", key)
		}
	}
}

func find(t *testing.T, name string) injector.Injector {
	t.Helper()
	all := injector.KnownInjectors()
	i := slices.IndexFunc(all, func(in injector.Injector) bool { return in.Name == name })
	if i < 0 {
		t.Fatalf("there is no injector %q", name)
	}
	return all[i]
}

func TestChoose(t *testing.T) {
	t.Parallel()
	type marks = map[string]string
	for name, tt := range map[string]struct {
		injector string
		marks    injector.InjectionMarks
		choice   injector.InjectionChoice
		mark     string
	}{
		"nothing":                      {"Istio", injector.InjectionMarks{}, injector.Unmarked, ""},
		"a namespace that is enabled":  {"Istio", injector.InjectionMarks{NamespaceLabels: marks{"istio-injection": "enabled"}}, injector.Injected, "label istio-injection=enabled of the namespace"},
		"a revision or its tag":        {"Istio", injector.InjectionMarks{NamespaceLabels: marks{"istio.io/rev": "canary"}}, injector.Injected, "label istio.io/rev=canary of the namespace"},
		"a pod's own label":            {"Istio", injector.InjectionMarks{Labels: marks{"sidecar.istio.io/inject": "true"}}, injector.Injected, "label sidecar.istio.io/inject=true of its pods"},
		"the annotation of old":        {"Istio", injector.InjectionMarks{Annotations: marks{"sidecar.istio.io/inject": "true"}}, injector.Injected, "annotation sidecar.istio.io/inject=true of its pods"},
		"a pod that is left out":       {"Istio", injector.InjectionMarks{Labels: marks{"sidecar.istio.io/inject": "false"}, NamespaceLabels: marks{"istio-injection": "enabled"}}, injector.OptedOut, "label sidecar.istio.io/inject=false of its pods"},
		"a namespace that is disabled": {"Istio", injector.InjectionMarks{Labels: marks{"sidecar.istio.io/inject": "true"}, NamespaceLabels: marks{"istio-injection": "disabled"}}, injector.OptedOut, "label istio-injection=disabled of the namespace"},
		"ambient mode":                 {"Istio", injector.InjectionMarks{NamespaceLabels: marks{"istio.io/dataplane-mode": "ambient"}}, injector.Unmarked, ""},
		"a gateway":                    {"Istio", injector.InjectionMarks{Annotations: marks{"inject.istio.io/templates": "gateway"}, Labels: marks{"sidecar.istio.io/inject": "true"}}, injector.OptedOut, "annotation inject.istio.io/templates=gateway of its pods"},
		"Linkerd by namespace":         {"Linkerd", injector.InjectionMarks{NamespaceAnnotations: marks{"linkerd.io/inject": "enabled"}}, injector.Injected, "annotation linkerd.io/inject=enabled of the namespace"},
		"Linkerd, ingress":             {"Linkerd", injector.InjectionMarks{Annotations: marks{"linkerd.io/inject": "ingress"}}, injector.Injected, "annotation linkerd.io/inject=ingress of its pods"},
		"Linkerd, a pod left out":      {"Linkerd", injector.InjectionMarks{Annotations: marks{"linkerd.io/inject": "disabled"}, NamespaceAnnotations: marks{"linkerd.io/inject": "enabled"}}, injector.OptedOut, "annotation linkerd.io/inject=disabled of its pods"},
		"Linkerd takes no labels":      {"Linkerd", injector.InjectionMarks{NamespaceLabels: marks{"linkerd.io/inject": "enabled"}}, injector.Unmarked, ""},
		"Consul":                       {"Consul", injector.InjectionMarks{Annotations: marks{"consul.hashicorp.com/connect-inject": "true"}}, injector.Injected, "annotation consul.hashicorp.com/connect-inject=true of its pods"},
		"Consul, in another case":      {"Consul", injector.InjectionMarks{Annotations: marks{"consul.hashicorp.com/connect-inject": "False"}}, injector.OptedOut, "annotation consul.hashicorp.com/connect-inject=False of its pods"},
		"OpenTelemetry by namespace":   {"OpenTelemetry operator (Go)", injector.InjectionMarks{NamespaceAnnotations: marks{"instrumentation.opentelemetry.io/inject-go": "obs/main"}}, injector.Injected, "annotation instrumentation.opentelemetry.io/inject-go=obs/main of the namespace"},
		"OpenTelemetry, any language":  {"OpenTelemetry operator", injector.InjectionMarks{Annotations: marks{"instrumentation.opentelemetry.io/inject-java": "true"}}, injector.Injected, "annotation instrumentation.opentelemetry.io/inject-java=true of its pods"},
		"an empty value is no mark":    {"Consul", injector.InjectionMarks{Annotations: marks{"consul.hashicorp.com/connect-inject": ""}}, injector.Unmarked, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := find(t, tt.injector)
			choice, mark := in.InjectionChoiceFor(tt.marks)
			if choice != tt.choice || mark != tt.mark {
				t.Errorf("got %v, %q; want %v, %q", choice, mark, tt.choice, tt.mark)
			}
		})
	}
}

func TestOfWebhook(t *testing.T) {
	t.Parallel()
	all := injector.KnownInjectors()
	for _, tt := range []struct {
		configuration, webhook string
		want                   []string
	}{
		{"istio-sidecar-injector", "namespace.sidecar-injector.istio.io", []string{"Istio"}},
		{"istio-revision-tag-stable", "rev.namespace.sidecar-injector.istio.io", []string{"Istio"}},
		{"istio-sidecar-injector", "sidecar-injector.istio.io", []string{"Istio"}},
		{"linkerd-proxy-injector-webhook-config", "linkerd-proxy-injector.linkerd.io", []string{"Linkerd"}},
		{"azure-wi-webhook-mutating-webhook-configuration", "mutation.azure-workload-identity.io", []string{"Azure workload identity (proxy)", "Azure workload identity"}},
		{"pod-identity-webhook", "pod-identity-webhook.amazonaws.com", []string{"EKS pod identity and IAM roles for service accounts"}},
		{"kueue-mutating-webhook-configuration", "mpod.kb.io", []string{"a known webhook that adds nothing"}},
		{"somebody-mutating-webhook-configuration", "mpod.kb.io", nil},
		{"x", "notsidecar-injector.istio.io", nil},
	} {
		var got []string
		for _, at := range injector.FindByWebhook(all, tt.configuration, tt.webhook) {
			got = append(got, all[at].Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s/%s (-want +got):\n%s", tt.configuration, tt.webhook, diff)
		}
	}
}
