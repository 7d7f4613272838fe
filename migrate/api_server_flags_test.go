package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// An admission configuration that API servers have is told until it is given, once for each place.
func TestAPIServerNotes(t *testing.T) {
	t.Parallel()
	server := func(pod, file string, line int) inventory.APIServer {
		return inventory.APIServer{Pod: pod, Flags: map[string]string{inventory.FlagAdmissionConfigFile: file}, Position: pspparse.Position{File: "pods.yaml", Line: line}}
	}
	inv := &inventory.Inventory{APIServers: []inventory.APIServer{
		server("kube-apiserver-a", "/etc/a.yaml", 1), server("kube-apiserver-b", "/etc/a.yaml", 9), server("kube-apiserver-c", "/etc/\x1bb", 17), {Pod: "kube-apiserver-d"},
	}}
	plan, err := Build(inv, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Note{
		{
			What: "API server kube-system/kube-apiserver-a, kube-system/kube-apiserver-b", Position: pspparse.Position{File: "pods.yaml", Line: 1},
			Message: message.Message{Text: `it has an admission configuration at "/etc/a.yaml" on its host, which may set default levels and exemptions: give that file with --admission-config`},
		},
		{
			What: "API server kube-system/kube-apiserver-c", Position: pspparse.Position{File: "pods.yaml", Line: 17},
			Message: message.Message{Text: `it has an admission configuration at "/etc/\x1bb" on its host, which may set default levels and exemptions: give that file with --admission-config`},
		},
	}
	if diff := cmp.Diff(want, plan.Notes, messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plan, err = Build(inv, Options{Admission: &Admission{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Notes) != 0 {
		t.Errorf("given, and told all the same: %v", plan.Notes)
	}
}

// Pods that no policy has admitted are a sign that policies are not asked, unless an API server's flags say that they are.
func TestFlagsSayThatPoliciesAreAsked(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		b := inventory.NewBuilder()
		b.AddPolicy(&pspparse.Policy{Name: "strict"})
		pod := func(m inventory.ObjectMeta, container corev1.Container) {
			m.UID = types.UID(m.Name)
			b.AddPod(m, &corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{container}}, corev1.PodRunning, pspparse.Position{})
			b.AddAPIServer(m, []corev1.Container{container}, corev1.PodRunning, pspparse.Position{})
		}
		pod(inventory.ObjectMeta{Name: "web", Namespace: "shop"}, corev1.Container{Name: "web", Image: "i"})
		args := []string{"--v=2"}
		if on {
			args = append(args, "--enable-admission-plugins=PodSecurityPolicy")
		}
		pod(inventory.ObjectMeta{Name: "kube-apiserver-a", Namespace: "kube-system", Annotations: map[string]string{"kubernetes.io/config.mirror": "x"}}, corev1.Container{Name: "kube-apiserver", Image: "i", Args: args})
		plan, err := Build(b.Build(inventory.Source{}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(plan.Cautions) == 0; got != on {
			t.Errorf("plugin on %t: cautions %q", on, plan.Cautions)
		}
	}
}

// Where an API server runs without the plugin PodSecurity, the plan says that labels do nothing.
func TestAPIServersWithoutPodSecurity(t *testing.T) {
	t.Parallel()
	server := func(flag, value string) inventory.APIServer {
		return inventory.APIServer{Pod: "kube-apiserver-a", Flags: map[string]string{flag: value}}
	}
	beta := server(inventory.FlagFeatureGates, "AllBeta=false")
	const beginning = "the API server kube-system/kube-apiserver-a runs without the plugin PodSecurity ("
	for _, tt := range []struct {
		name, version string
		policies      []*pspparse.Policy
		server        inventory.APIServer
		want          []string
	}{
		{name: "by default", version: "v1.24.1", server: inventory.APIServer{Pod: "kube-apiserver-a"}},
		{name: "disabled", server: server(inventory.FlagDisablePlugins, "A,PodSecurity"), want: []string{beginning + "--disable-admission-plugins names it): labels do nothing there"}},
		{name: "no beta features", version: "v1.24.1", server: beta, want: []string{beginning + "--feature-gates has AllBeta=false): labels do nothing there"}},
		{name: "no beta features, beside policies", policies: []*pspparse.Policy{{Name: "p"}}, server: beta, want: []string{beginning + "--feature-gates has AllBeta=false): labels do nothing there"}},
		{name: "no beta features, of whatever release", server: beta},
		{name: "no beta features, later", version: "v1.25.1", server: beta},
	} {
		plan, err := Build(&inventory.Inventory{Source: inventory.Source{ServerVersion: tt.version}, Policies: tt.policies, APIServers: []inventory.APIServer{tt.server}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, message.Texts(plan.Cautions)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
