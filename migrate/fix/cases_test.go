package fix

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// collected returns the documents of a text, as if it were the file x.yaml.
func collected(t *testing.T, text string) *Collector {
	t.Helper()
	c := NewCollector(inventory.NewBuilder())
	r := files.Reader{Paths: []string{"-"}, Stdin: strings.NewReader(text)}
	if err := r.Read(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for i := range c.documents {
		c.documents[i].at.File = "x.yaml"
	}
	return c
}

// fixed returns the text that fix makes of one, and what it leaves, a line each.
func fixed(t *testing.T, text string, o Options) (after string, left []string) {
	t.Helper()
	if o.ReadFile == nil {
		o.ReadFile = func(string) ([]byte, error) { return []byte(text), nil }
	}
	r, err := Files(t.Context(), collected(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Left {
		left = append(left, strings.TrimSpace(fmt.Sprintf("%d %s %s %s: %s\n%s", l.Position.Line, l.Object, l.Reason, l.What, l.Why, l.Snippet)))
	}
	if len(r.Files) == 0 {
		return text, left
	}
	return string(r.Files[0].After), left
}

// planOf returns a plan with one workload Deployment web in each namespace, of which policies set values, with edits that raise it.
func planOf(mutations []migrate.TemplateMutation, edits []migrate.TemplateEdit, namespaces ...string) *migrate.Plan {
	p := &migrate.Plan{TargetVersion: "v1.25"}
	for _, name := range namespaces {
		p.Namespaces = append(p.Namespaces, migrate.Namespace{Name: name, Workloads: []migrate.Workload{{Kind: "Deployment", Name: "web", Evaluation: &migrate.Evaluation{
			Mutations: mutations, StricterEdits: []migrate.StricterEdits{{Level: api.LevelRestricted, Edits: edits}},
			Template: &migrate.TemplateOutline{Containers: []migrate.TemplateContainer{{Name: "a"}, {Name: "b"}}},
		}}}})
	}
	return p
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers:
      - name: b
      containers:
      - name: a
        image: x
        securityContext:
          runAsUser: 7
          capabilities: {drop: [KILL]}
`

// What policies set is written where the template says nothing else, in the container of the name, wherever it stands now.
func TestKeep(t *testing.T) {
	t.Parallel()
	plan := planOf([]migrate.TemplateMutation{
		{Path: "spec.containers[1].securityContext.runAsUser", Container: "a", Value: "1", Policy: "p"},
		{Path: "spec.containers[0].securityContext.readOnlyRootFilesystem", Container: "b", Value: "true", Policy: "p"},
		{Path: "spec.containers[1].securityContext.capabilities.drop", Container: "a", Value: `["ALL","KILL"]`, Policy: "p"},
		{Path: "spec.containers[2].securityContext.runAsUser", Container: "gone", Value: "1", Policy: "p"},
		{Path: "spec.securityContext.fsGroup", Value: "2000", Policy: "p"},
		{Path: "metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]", Container: "a", Value: `"runtime/default"`, Policy: "p"},
	}, nil, "shop")
	o := Options{Set: patch.SetKeep, Plan: plan}
	got, left := fixed(t, web, o)
	want := strings.Replace(web, "      - name: b\n", "      - name: b\n        securityContext:\n          readOnlyRootFilesystem: true\n", 1)
	want = strings.Replace(want, "drop: [KILL]", "drop: [ALL, KILL]", 1)
	want = strings.Replace(want, "  template:\n    spec:\n", "  template:\n    spec:\n", 1)
	want += "      securityContext:\n        fsGroup: 2000\n    metadata:\n      annotations:\n        container.apparmor.security.beta.kubernetes.io/a: runtime/default\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	wantLeft := []string{
		"1 Deployment web decide spec.containers[2].securityContext.runAsUser: it has no container gone, in which policies set it",
		"1 Deployment web decide spec.containers[0].securityContext.runAsUser: it says otherwise: policies set 1",
	}
	slices.Sort(left)
	slices.Sort(wantLeft)
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	again, _ := fixed(t, got, o)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("the second run changes:\n%s", diff)
	}
	// In several namespaces, and in another.
	o.Plan = planOf(plan.Namespaces[0].Workloads[0].Mutations, nil, "blog", "shop")
	if _, left := fixed(t, web, o); !slices.Equal(left, []string{"1 Deployment web file : it states no namespace, and the plan has it in blog, shop: say which with -n"}) {
		t.Errorf("left in two namespaces: %q", left)
	}
	o.DefaultNamespace = "shop"
	if got, _ := fixed(t, web, o); got != again {
		t.Errorf("with a namespace:\n%s", got)
	}
	o.DefaultNamespace = "other"
	if got, left := fixed(t, web, o); got != web || left != nil {
		t.Errorf("in another namespace: %q\n%s", left, got)
	}
}

// A plan says of edits that they are safe, and may know another value; what it says of another container does not count.
func TestRaiseByPlan(t *testing.T) {
	t.Parallel()
	why := message.New("edit-in-force", "policy", "p")
	edits := []migrate.TemplateEdit{
		{Path: "spec.containers[0].securityContext.allowPrivilegeEscalation", Container: "a", Value: "false", Check: "allowPrivilegeEscalation", Safety: "safe", Why: why},
		{Path: "spec.securityContext.seccompProfile", Value: `{"type":"Localhost","localhostProfile":"x.json"}`, Check: "seccompProfile_restricted", Safety: "safe", Why: why},
		{Path: "spec.containers[0].securityContext.capabilities.drop", Container: "a", Value: `["ALL"]`, Check: "capabilities_restricted", Safety: "safe", Why: why},
	}
	o := Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), Plan: planOf(nil, edits, "shop")}
	got, left := fixed(t, web, o)
	want := web + "      securityContext:\n        seccompProfile:\n          type: Localhost\n          localhostProfile: x.json\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	// Of a container that the plan does not know, nothing is known to be safe.
	more := web + "      - name: new\n"
	if got, _ := fixed(t, more, o); got != more {
		t.Errorf("with a new container:\n%s", got)
	}
	var checks []string
	for _, l := range left {
		checks = append(checks, strings.Fields(l)[4])
	}
	if diff := cmp.Diff([]string{"allowPrivilegeEscalation:", "capabilities_restricted:", "runAsNonRoot:"}, checks); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	for _, l := range left {
		if !strings.Contains(l, " test ") {
			t.Errorf("left: %s", l)
		}
	}
}

// What a manifest states stays, unless the plan says of the pods of today that they run with the other value.
func TestStatedValuesStay(t *testing.T) {
	t.Parallel()
	const path = "spec.containers[0].securityContext.allowPrivilegeEscalation"
	known := func(safety, container string, why message.Message) *migrate.Plan {
		return planOf(nil, []migrate.TemplateEdit{{Path: path, Container: container, Value: "false", Check: "allowPrivilegeEscalation", Safety: safety, Why: why}}, "shop")
	}
	asking := strings.Replace(web, "          runAsUser: 7\n", "          runAsUser: 7\n          allowPrivilegeEscalation: true\n", 1)
	asking = strings.Replace(asking, "      - name: b\n", "      - name: b\n        securityContext: {allowPrivilegeEscalation: false}\n", 1)
	running := message.New("edit-in-force")
	for name, c := range map[string]struct {
		text string
		plan *migrate.Plan
		made bool
	}{
		"no plan":                                 {asking, nil, false},
		"pods run without":                        {asking, known("safe", "a", running), true},
		"another container":                       {asking, known("safe", "b", running), false},
		"to be tried":                             {asking, known("test", "a", message.New("edit-denies-escalation", "asked", true)), false},
		"no pods run, and a policy sets it":       {asking, known("safe", "a", message.New("edit-in-force", "policy", "p")), false},
		"pods run without, the API refuses it":    {strings.Replace(asking, "runAsUser: 7", "privileged: true", 1), known("safe", "a", running), false},
		"pods run without, on Windows not stated": {strings.Replace(asking, "      containers:", "      nodeSelector: {kubernetes.io/os: windows}\n      containers:", 1), known("safe", "a", running), false},
	} {
		got, left := fixed(t, c.text, Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true, Plan: c.plan})
		if strings.Contains(got, "allowPrivilegeEscalation: true") == c.made {
			t.Errorf("%s: the edit is made: %t, want %t: %q\n%s", name, !c.made, c.made, left, got)
		}
		decide := slices.ContainsFunc(left, func(l string) bool {
			return strings.HasPrefix(l, "1 Deployment web decide allowPrivilegeEscalation != false")
		})
		if decide == c.made {
			t.Errorf("%s: left: %q", name, left)
		}
	}
	for _, stated := range []string{
		"securityContext: {runAsUser: 7, runAsNonRoot: false}", "securityContext: {runAsNonRoot: false}", "securityContext: {seccompProfile: {type: Unconfined}}",
	} {
		text := "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  " + stated + "\n  containers:\n  - {name: a, image: x, " + stated + "}\n"
		got, left := fixed(t, text, Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true})
		if strings.Count(got, strings.TrimSuffix(strings.Split(stated, ": {")[1], "}")) != 2 || len(left) != 1 || !strings.Contains(left[0], " decide ") {
			t.Errorf("%s: left %q\n%s", stated, left, got)
		}
	}
}

// Labels of a Namespace are written in one piece, never looser than those of the manifest, and only what is valid.
func TestLabels(t *testing.T) {
	t.Parallel()
	namespace := func(name, enforce string) migrate.Namespace {
		return migrate.Namespace{Name: name, RecommendedLabels: migrate.PodSecurityLabels{
			Enforce: enforce, EnforceVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.25",
		}}
	}
	plan := &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{
		namespace("bad", "none\x1b[31m"), namespace("blog", "baseline"), namespace("gone", "baseline"), namespace("shop", "baseline"), namespace("strict", "baseline"),
		namespace("argo", "restricted"), namespace("kustomized", "privileged"),
	}}
	const text = `apiVersion: v1
kind: Namespace
metadata: {name: shop} # short
---
apiVersion: v1
kind: Namespace
metadata:
  name: strict
  labels: {pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: v1
kind: Namespace
metadata:
  name: blog
  labels:
    "pod-security.kubernetes.io/warn": "baseline"   # for now
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.25
    pod-security.kubernetes.io/warn-version: v1.25
---
apiVersion: v1
kind: Namespace
metadata: {name: bad}
---
{apiVersion: v1, kind: Namespace, metadata: {name: unplanned}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: app, namespace: argocd}
spec:
  destination: {namespace: argo, server: https://kubernetes.default.svc}
  syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {labels: {team: x}}}
`
	c := collected(t, text)
	o := Options{
		Set: SetLabels, Plan: plan, ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
		Kustomizations: []Kustomization{{"k/kustomization.yaml", "kustomized"}, {"k/kustomization.yaml", "unknown"}, {"s/kustomization.yaml", "shop"}},
	}
	r, err := Files(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, "metadata: {name: shop} #", "metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.25, "+
		"pod-security.kubernetes.io/warn: restricted, pod-security.kubernetes.io/warn-version: v1.25}} #", 1)
	want = strings.Replace(want, `warn": "baseline"   #`, `warn": "restricted"   #`, 1)
	if len(r.Files) != 1 {
		t.Fatalf("%d files", len(r.Files))
	}
	if diff := cmp.Diff(want, string(r.Files[0].After)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gone"}, r.NamespacesWithoutManifest); diff != "" {
		t.Errorf("without a manifest (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	WriteLeft(&out, r, &Collector{})
	const wantLeft = `left: -:27: Application argocd/app: spec.syncPolicy.managedNamespaceMetadata.labels: it writes the labels of namespace argo: put these there
    labels:
      pod-security.kubernetes.io/enforce: restricted
      pod-security.kubernetes.io/enforce-version: v1.25
      pod-security.kubernetes.io/warn: restricted
      pod-security.kubernetes.io/warn-version: v1.25
left: k/kustomization.yaml: Kustomization: namespace: it sets namespace kustomized, and no manifest of that was found: add this one to its resources
    apiVersion: v1
    kind: Namespace
    metadata:
      name: kustomized
      labels:
        pod-security.kubernetes.io/enforce: privileged
        pod-security.kubernetes.io/enforce-version: v1.25
        pod-security.kubernetes.io/warn: restricted
        pod-security.kubernetes.io/warn-version: v1.25
left: x.yaml:5: Namespace strict: for you to decide: pod-security.kubernetes.io/enforce: the manifest says restricted, and baseline of the plan is looser
left: x.yaml:21: Namespace bad: the label pod-security.kubernetes.io/enforce would get the value "none\x1b[31m", which is not valid
left: x.yaml:25: Namespace unplanned: the plan does not know it, and recommends no labels: add them by hand, or make the plan anew where it exists
`
	if diff := cmp.Diff(wantLeft, out.String()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A file is left that was changed since it was read, cannot be read any more, is compressed or in another encoding.
func TestFilesThatAreLeft(t *testing.T) {
	t.Parallel()
	raise := Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true}
	for name, c := range map[string]struct {
		text []byte
		err  error
		want string
	}{
		"changed":     {[]byte("# new\n" + web), nil, "the file was changed since it was read: run it again"},
		"emptied":     {nil, nil, "the file was changed since it was read: run it again"},
		"gone":        {nil, &os.PathError{Op: "open", Path: "x.yaml", Err: os.ErrNotExist}, "there is no such file or folder; check the path"},
		"compressed":  {[]byte("\x1f\x8b\xff"), nil, "only plain text in UTF-8 is edited: the file is compressed, or in another encoding"},
		"of any kind": {[]byte(web), errors.New("broken"), "broken"},
	} {
		o := raise
		o.ReadFile = func(string) ([]byte, error) { return c.text, c.err }
		got, left := fixed(t, web, o)
		if got != web || len(left) == 0 || !strings.Contains(left[0], c.want) {
			t.Errorf("%s: %q, want %q", name, left, c.want)
		}
	}
}

// Custom resources with whole templates are fixed as workloads are; those that hold a part of a pod are left alone.
func TestCustomResources(t *testing.T) {
	t.Parallel()
	const rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: r}
spec: {template: {spec: {securityContext: {runAsUser: 7}, containers: [{name: a, image: x}]}}}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: t}
spec: {steps: [{name: a, image: x}]}
`
	got, left := fixed(t, rollout, Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion()})
	if want := strings.Replace(rollout, "runAsUser: 7}", "runAsUser: 7, runAsNonRoot: true}", 1); got != want {
		t.Errorf("%q\n%s", left, cmp.Diff(want, got))
	}
}

// What is wrong in a pod where no check looks keeps it from no fix, and a key in other letters than the API's is none.
func TestReadsAsCheckDoes(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		"containers: [{name: a, image: x, args: [{a: b}], env: x, resources: 5}]",
		"tolerations: {}\n  containers: [{name: a, image: x}]",
		"SecurityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n  containers: [{name: a, image: x}]",
		"containers: [{name: a, image: x, securitycontext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]",
	} {
		text := "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  " + spec + "\n"
		got, left := fixed(t, text, raiseAll())
		if strings.Count(got, "runAsNonRoot: true") != 1+strings.Count(spec, "runAsNonRoot") || strings.Count(got, "allowPrivilegeEscalation: false") != 1+strings.Count(spec, "allowPriv") || left != nil {
			t.Errorf("%s: left %q\n%s", spec, left, got)
		}
	}
}

// A patch of another manifest is left: what is written there would win over what that says.
func TestPatchesAreLeft(t *testing.T) {
	t.Parallel()
	text := strings.Replace(web, "        image: x\n", "", 1)
	for _, include := range []bool{true, false} {
		got, left := fixed(t, text, Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: include})
		if diff := cmp.Diff([]string{"1 Deployment web decide : its containers have no image: if it is a patch of another manifest, edit that"}, left); got != text || diff != "" {
			t.Errorf("with edits to be tried %t: left (-want +got):\n%s", include, diff)
		}
	}
}

// Nothing that a manifest holds acts where it is printed.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b[31m\n--- a/x\n+++ b/x\n"
	f := &File{Name: "x\n.yaml", Before: []byte("a\n"), After: []byte("b\n"), Edits: []Edit{{Object: hostile, Why: hostile, Value: []byte("1"), Position: pspparse.Position{File: hostile}}}}
	var diff, edits, left bytes.Buffer
	WriteDiff(&diff, f)
	WriteEdits(&edits, f)
	WriteLeft(&left, &Result{Left: []Left{{Position: f.Edits[0].Position, Object: hostile, What: hostile, Why: hostile, Snippet: hostile}}},
		&Collector{Gaps: []inventory.Gap{{What: hostile, Position: f.Edits[0].Position}}, Notes: []inventory.Note{{What: hostile, Position: f.Edits[0].Position}}})
	if n := strings.Count(diff.String(), "\n--- "); n != 1 {
		t.Errorf("%d heads of files:\n%s", n, diff.String())
	}
	for _, text := range []string{diff.String(), edits.String(), left.String()} {
		if strings.Contains(text, "\x1b") {
			t.Errorf("a control sequence: %q", text)
		}
	}
}
