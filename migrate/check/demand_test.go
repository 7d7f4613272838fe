package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// demands returns of each workload of a result what was asked of it: "kind/name: mode level:version by source, because ...".
func demands(r *finding.Result) []string {
	var out []string
	for _, w := range r.Workloads {
		name := strings.ToLower(w.Object.Kind) + "/" + w.Object.Name
		if len(w.Demands) == 0 {
			out = append(out, name+": nothing")
		}
		for _, d := range w.Demands {
			out = append(out, fmt.Sprintf("%s: %s %s:%s, %s", name, d.Mode, d.Level, d.Version, d.Why.Text))
		}
	}
	return out
}

// pod returns the manifest of a bare pod that sets nothing.
func pod(name, namespace string) string {
	in := ""
	if namespace != "" {
		in = ", namespace: " + namespace
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\nspec: {containers: [{name: c, image: i}]}\n", name, in)
}

// namespace returns the manifest of a Namespace with Pod Security labels: "enforce: baseline".
func namespace(name string, labels ...string) string {
	text := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name + "\n  labels:\n    a: b\n"
	for _, l := range labels {
		text += "    pod-security.kubernetes.io/" + l + "\n"
	}
	return text
}

// TestDemands asks each source for a level: the first that knows one decides, with its version.
func TestDemands(t *testing.T) {
	t.Parallel()
	plan := &migrate.Plan{Namespaces: []migrate.Namespace{
		{Name: "shop", RecommendedLabels: migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"}},
		{Name: "observed", RecommendedLabels: migrate.PodSecurityLabels{Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25"}},
		{Name: "free", RecommendedLabels: migrate.PodSecurityLabels{Enforce: "privileged", EnforceVersion: "v1.25"}},
		{Name: "exempt", Exempt: true, RecommendedLabels: migrate.PodSecurityLabels{Enforce: "restricted"}},
	}}
	labelled := func(name, level string) inventory.Namespace {
		return inventory.Namespace{Name: name, Labels: map[string]string{api.EnforceLevelLabel: level}}
	}
	live := &Cluster{Name: "prod", ServerVersion: "v1.29.3+k3s1", Namespaces: []inventory.Namespace{labelled("shop", "restricted"), {Name: "bare"}}}
	for title, test := range map[string]struct {
		text string
		o    Options
		want []string
	}{
		"a flag":                   {pod("p", "shop") + "---\n" + namespace("shop", "enforce: baseline"), Options{Level: api.LevelRestricted, Plan: plan}, []string{"pod/p: enforce restricted:latest, --level=restricted asks for it"}},
		"a flag and no namespace":  {pod("p", ""), Options{Level: api.LevelBaseline}, []string{"pod/p: enforce baseline:latest, --level=baseline asks for it"}},
		"privileged":               {pod("p", ""), Options{Level: api.LevelPrivileged}, []string{"pod/p: nothing"}},
		"labels that come later":   {pod("p", "shop") + "---\n" + namespace("shop", "enforce: baseline", "enforce-version: v1.28", "warn: restricted"), Options{Plan: plan}, []string{`pod/p: enforce baseline:v1.28, the label pod-security.kubernetes.io/enforce="baseline" of namespace shop asks for it`}},
		"labels that come first":   {namespace("shop", "enforce: restricted") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce restricted:latest, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop asks for it`}},
		"a label that warns":       {namespace("shop", "audit: restricted", "warn: baseline") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: warn baseline:latest, the label pod-security.kubernetes.io/warn="baseline" of namespace shop asks for it`}},
		"a label that audits":      {namespace("shop", "audit: restricted", "audit-version: v1.24") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: audit restricted:v1.24, the label pod-security.kubernetes.io/audit="restricted" of namespace shop asks for it`}},
		"privileged that warns":    {namespace("shop", "enforce: privileged", "warn: restricted", "warn-version: v1.28", "audit: restricted") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: warn restricted:v1.28, the label pod-security.kubernetes.io/warn="restricted" of namespace shop asks for it`}},
		"privileged that audits":   {namespace("shop", "enforce: privileged", "warn: strict", "audit: baseline") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: audit baseline:latest, the label pod-security.kubernetes.io/audit="baseline" of namespace shop asks for it`}},
		"privileged in all modes":  {namespace("shop", "enforce: privileged", "warn: privileged", "audit: privileged") + "---\n" + pod("p", "shop"), Options{}, []string{"pod/p: nothing"}},
		"one warns, one enforces":  {namespace("shop", "enforce: privileged", "warn: restricted") + "---\n" + namespace("shop", "enforce: baseline") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce baseline:latest, the label pod-security.kubernetes.io/enforce="baseline" of namespace shop asks for it`}},
		"an invalid label":         {namespace("shop", "enforce: strict", "enforce-version: new") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce restricted:latest, the label pod-security.kubernetes.io/enforce="strict" of namespace shop asks for it (servers take an invalid level for restricted) (servers take the invalid version "new" for latest)`}},
		"a version of the future":  {namespace("shop", "enforce: restricted", "enforce-version: v1.99") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce restricted:v1.99, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop asks for it (the standards of v1.99 are not known here: the newest that are, of ` + pss.NewestVersion().String() + `, are taken)`}},
		"a version that was given": {namespace("shop", "enforce: restricted", "enforce-version: new") + "---\n" + pod("p", "shop"), Options{Versions: []api.Version{api.MajorMinorVersion(1, 25)}}, []string{`pod/p: enforce restricted:v1.25, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop asks for it`}},
		"an invalid live version":  {pod("p", "shop"), Options{Cluster: &Cluster{Name: "prod", Namespaces: []inventory.Namespace{{Name: "shop", Labels: map[string]string{api.EnforceLevelLabel: "baseline", api.EnforceVersionLabel: "x"}}}}}, []string{`pod/p: enforce baseline:latest, the label pod-security.kubernetes.io/enforce="baseline" of namespace shop on cluster prod asks for it (servers take the invalid version "x" for latest)`}},
		"a label for privileged":   {namespace("shop", "enforce: privileged") + "---\n" + pod("p", "shop"), Options{}, []string{"pod/p: nothing"}},
		"a namespace by -n":        {namespace("shop", "enforce: baseline") + "---\n" + pod("p", ""), Options{Namespace: "shop"}, []string{`pod/p: enforce baseline:latest, the label pod-security.kubernetes.io/enforce="baseline" of namespace shop asks for it`}},
		"a plan":                   {pod("p", "shop"), Options{Plan: plan, PlanName: "plan.json", Cluster: live}, []string{"pod/p: enforce baseline:v1.25, plan.json recommends pod-security.kubernetes.io/enforce=baseline for namespace shop"}},
		"a plan without labels":    {namespace("shop") + "---\n" + pod("p", "shop"), Options{Plan: plan, PlanName: "plan.json"}, []string{"pod/p: enforce baseline:v1.25, plan.json recommends pod-security.kubernetes.io/enforce=baseline for namespace shop"}},
		"a plan that withholds":    {pod("p", "observed"), Options{Plan: plan, PlanName: "plan.json"}, []string{"pod/p: warn restricted:v1.25, plan.json recommends pod-security.kubernetes.io/warn=restricted for namespace observed"}},
		"a plan with privileged":   {pod("p", "free"), Options{Plan: plan, PlanName: "plan.json"}, []string{"pod/p: nothing"}},
		"a plan that exempts":      {pod("p", "exempt"), Options{Plan: plan, PlanName: "plan.json"}, []string{"pod/p: nothing"}},
		"a cluster":                {pod("p", "shop"), Options{Cluster: live}, []string{`pod/p: enforce restricted:v1.29, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop on cluster prod asks for it`}},
		"versions that were given": {pod("p", "shop"), Options{Cluster: live, Versions: []api.Version{api.MajorMinorVersion(1, 25), api.LatestVersion()}}, []string{`pod/p: enforce restricted:v1.25, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop on cluster prod asks for it`, `pod/p: enforce restricted:latest, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop on cluster prod asks for it`}},
		"labels of an Application": {"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: pay, namespace: argocd}\nspec:\n  destination: {namespace: shop}\n  syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {labels: {pod-security.kubernetes.io/enforce: baseline}}}\n---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce baseline:latest, the label pod-security.kubernetes.io/enforce="baseline" of namespace shop, which Application argocd/pay writes, asks for it`}},
		"the strictest of several": {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop", "enforce: restricted") + "---\n" + pod("p", "shop"), Options{}, []string{`pod/p: enforce restricted:latest, the label pod-security.kubernetes.io/enforce="restricted" of namespace shop asks for it`}},
		"one namespace of its own": {namespace("a", "enforce: baseline") + "---\n" + pod("p", "a") + "---\n" + namespace("b", "enforce: restricted") + "---\n" + pod("q", "b"), Options{}, []string{`pod/p: enforce baseline:latest, the label pod-security.kubernetes.io/enforce="baseline" of namespace a asks for it`, `pod/q: enforce restricted:latest, the label pod-security.kubernetes.io/enforce="restricted" of namespace b asks for it`}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, demands(checkText(t, test.text, test.o))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDifferentNamespaces notes where Namespaces of one name differ, once for each.
func TestDifferentNamespaces(t *testing.T) {
	t.Parallel()
	const counts = " counts, the strictest or else the first, and not "
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"levels":         {namespace("shop", "enforce: restricted") + "---\n" + namespace("shop", "enforce: baseline") + "---\n" + pod("p", "shop") + "---\n" + pod("q", "shop"), []string{"-:1 Namespace shop: different labels are given for it: enforce=restricted:latest (-:1)" + counts + "enforce=baseline:latest (-:9)"}},
		"the later":      {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop", "enforce: restricted") + "---\n" + pod("p", "shop"), []string{"-:9 Namespace shop: different labels are given for it: enforce=restricted:latest (-:9)" + counts + "enforce=baseline:latest (-:1)"}},
		"privileged":     {namespace("shop", "enforce: restricted") + "---\n" + namespace("shop", "enforce: privileged") + "---\n" + pod("p", "shop"), []string{"-:1 Namespace shop: different labels are given for it: enforce=restricted:latest (-:1)" + counts + "no level (-:9)"}},
		"versions":       {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop", "enforce: baseline", "enforce-version: v1.25") + "---\n" + pod("p", "shop"), []string{"-:1 Namespace shop: different labels are given for it: enforce=baseline:latest (-:1)" + counts + "enforce=baseline:v1.25 (-:9)"}},
		"alike":          {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop", "enforce: baseline") + "---\n" + pod("p", "shop"), nil},
		"without labels": {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop") + "---\n" + pod("p", "shop"), nil},
		"without pods":   {namespace("shop", "enforce: baseline") + "---\n" + namespace("shop", "enforce: restricted"), nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range checkText(t, test.text, Options{}).Notes {
				got = append(got, fmt.Sprintf("%s:%d %s: %s", n.Position.File, n.Position.Line, n.What, n.Text))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnknownLevels names what nothing says a level of, and never guesses one.
func TestUnknownLevels(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		text string
		o    Options
		want string
	}{
		"no labels":         {pod("p", "shop"), Options{}, "nothing says the level of 1 namespace (shop): not the labels of a Namespace among the files; give --level, --plan or --context"},
		"a bare Namespace":  {namespace("shop") + "---\n" + pod("p", "shop"), Options{}, "nothing says the level of 1 namespace (shop): not the labels of a Namespace among the files; give --level, --plan or --context"},
		"nothing in a plan": {pod("p", "shop") + "---\n" + pod("p", "blog"), Options{Plan: &migrate.Plan{}, Cluster: &Cluster{}}, "nothing says the level of 2 namespaces (blog, shop): not the labels of a Namespace among the files, nor the plan, nor its labels on the cluster; give --level, --plan or --context"},
		"no namespace":      {pod("p", ""), Options{Plan: &migrate.Plan{}}, "1 object (pod/p) names no namespace, which decides the level: name it with -n, or give --level"},
		"of no namespace": {
			"apiVersion: apps.kruise.io/v1alpha1\nkind: SidecarSet\nmetadata: {name: s}\nspec: {containers: [{name: x, image: i}]}\n",
			Options{},
			"1 object (sidecarset/s) belongs to no namespace, while pods of it run in some: name one of those with -n, or give --level",
		},
		"with an admission configuration, of an unread Namespace": {
			pod("p", "shop"),
			Options{Admission: &AdmissionConfig{Admission: &migrate.Admission{Defaults: migrate.PodSecurityLabels{Enforce: "baseline"}}}},
			"nothing says the level of 1 namespace (shop): not the labels of a Namespace among the files, nor a Namespace without labels, which gets the defaults of the admission configuration; give --level, --plan or --context",
		},
		"only other documents": {"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", Options{}, "none"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := Run(context.Background(), &files.Reader{Paths: []string{"-"}, Stdin: strings.NewReader(test.text)}, test.o)
			var unknown *UnknownLevelError
			switch {
			case test.want == "none":
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &unknown):
				t.Errorf("error %v", err)
			case err.Error() != test.want:
				t.Errorf("(-want +got):\n%s", cmp.Diff(test.want, err.Error()))
			}
		})
	}
}

// TestOverlays judges the same object in two folders each by the labels beside it, and nothing is merged.
func TestOverlays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for folder, level := range map[string]string{"dev": "privileged", "prod": "restricted", "test": "baseline"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"ns.yaml": namespace("shop", "enforce: "+level), "web.yaml": pod("web", "shop")} {
			if err := os.WriteFile(filepath.Join(dir, folder, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := Run(context.Background(), &files.Reader{Paths: []string{dir}, Recursive: true}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	prints := map[string]bool{}
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s %s", strings.TrimPrefix(f.Places[0].File, dir), f.Rule))
		prints[f.Fingerprint] = true
	}
	want := []string{"/prod/web.yaml runAsNonRoot", "/prod/web.yaml seccompProfile_restricted", "/prod/web.yaml allowPrivilegeEscalation", "/prod/web.yaml capabilities_restricted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(prints) != len(got) || len(r.Workloads) != 3 {
		t.Errorf("%d fingerprints of %d findings, %d workloads", len(prints), len(got), len(r.Workloads))
	}
}
