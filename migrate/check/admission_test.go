package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What an admission configuration says of a Namespace without labels is asked of its pods, behind every other source; what it exempts
// is asked for nothing.
func TestAdmissionConfig(t *testing.T) {
	t.Parallel()
	config := &AdmissionConfig{Name: "psa.yaml", Admission: &migrate.Admission{
		Defaults:   migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.30", Audit: "privileged", AuditVersion: "latest", Warn: "restricted", WarnVersion: "latest"},
		Namespaces: []string{"kube-system"}, RuntimeClasses: []string{"kata"}, Usernames: []string{"ann", "system:serviceaccount:kube-system:daemon-set-controller"},
	}}
	plan := &migrate.Plan{Namespaces: []migrate.Namespace{{Name: "shop", RecommendedLabels: migrate.PodSecurityLabels{Enforce: "restricted", EnforceVersion: "v1.25"}}}}
	cluster := &Cluster{Name: "prod", Namespaces: []inventory.Namespace{{Name: "shop"}}}
	const byDefault = "pod/p: enforce baseline:v1.30, psa.yaml has baseline as the default of enforce, which namespace shop has no label for"
	daemonSet := "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d, namespace: shop}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n"
	kata := "apiVersion: v1\nkind: Pod\nmetadata: {name: k}\nspec: {runtimeClassName: kata, containers: [{name: c, image: i}]}\n"
	for title, test := range map[string]struct {
		text   string
		o      Options
		want   []string
		source string
	}{
		"a Namespace without labels":      {namespace("shop") + "---\n" + pod("p", "shop"), Options{}, []string{byDefault}, "admission"},
		"a Namespace that warns":          {namespace("shop", "warn: baseline") + "---\n" + pod("p", "shop"), Options{}, []string{byDefault}, "admission"},
		"a Namespace with another level":  {namespace("shop", "enforce: restricted") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce restricted:v1.30, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop asks for it`}, "labels"},
		"a Namespace on the cluster":      {pod("p", "shop"), Options{Cluster: cluster}, []string{byDefault}, "admission"},
		"behind the plan":                 {namespace("shop") + "---\n" + pod("p", "shop"), Options{Plan: plan, PlanName: "plan.json"}, []string{`pod/p: enforce restricted:v1.25, plan.json recommends pod-security.kubernetes.io/enforce=restricted for namespace shop`}, "plan"},
		"behind the flag":                 {pod("p", "kube-system"), Options{Level: api.LevelRestricted}, []string{"pod/p: enforce restricted:latest, --level=restricted asks for it", "note psa.yaml: it is not used: --level=restricted is asked of everything, whatever it has as defaults and whatever it exempts"}, "flag"},
		"an exempt namespace":             {namespace("kube-system", "enforce: restricted") + "---\n" + pod("p", "kube-system") + "---\n" + pod("q", "kube-system"), Options{}, []string{"pod/p: nothing", "pod/q: nothing", "note Namespace kube-system: psa.yaml exempts it from Pod Security: nothing is asked of its pods"}, ""},
		"an exempt runtime class":         {kata, Options{}, []string{"pod/k: nothing", "note Pod k: psa.yaml exempts pods of the runtime class \"kata\" from Pod Security: nothing is asked of them"}, ""},
		"an exempt controller":            {daemonSet, Options{}, []string{"daemonset/d: nothing", "note every DaemonSet: psa.yaml exempts \"system:serviceaccount:kube-system:daemon-set-controller\", which makes its pods, from Pod Security: nothing is asked of them"}, ""},
		"of another runtime class, ruled": {namespace("shop") + "---\n" + pod("p", "shop"), Options{Versions: []api.Version{api.MajorMinorVersion(1, 27)}}, []string{"pod/p: enforce baseline:v1.27, psa.yaml has baseline as the default of enforce, which namespace shop has no label for"}, "admission"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			o := test.o
			o.Admission = config
			r := checkText(t, test.text, o)
			got := demands(r)
			for _, n := range r.Notes {
				got = append(got, "note "+n.What+": "+n.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if d := r.Workloads[0].Demands; test.source != "" && d[0].Source != test.source {
				t.Errorf("the source is %s", d[0].Source)
			}
		})
	}
	open := &AdmissionConfig{Name: "psa.yaml", Admission: &migrate.Admission{Defaults: migrate.PodSecurityLabels{Enforce: "privileged", Audit: "privileged", Warn: "privileged"}}}
	if r := checkText(t, namespace("shop")+"---\n"+pod("p", "shop"), Options{Admission: open}); len(r.Workloads) != 1 || len(r.Workloads[0].Demands) > 0 || len(r.Findings) > 0 {
		t.Errorf("defaults that ask for nothing: %+v, %+v", r.Workloads, r.Findings)
	}
}
