package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

const revisionKey = "psp2pss.dev/revision"

// manifest returns an object of a set of policies, as 'generate' writes it, with more of its fields.
func manifest(t *testing.T, kind, mode, spec string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := `{apiVersion: admissionregistration.k8s.io/v1, kind: ` + kind + `, metadata: {name: psp2pss-shop, annotations: {` + revisionKey + `: 0123abcd},
		labels: {app.kubernetes.io/managed-by: psp2pss, psp2pss.dev/set: shop, psp2pss.dev/mode: ` + mode + `}}, spec: ` + spec + `}`
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	inShop     = `{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [gone, shop]}]}}`
	warnsThere = `{policyName: psp2pss-shop, matchResources: ` + inShop + `, validationActions: [Warn, Audit]}`
	deniesIt   = `{policyName: psp2pss-shop, matchResources: ` + inShop + `, validationActions: [Deny, Audit]}`
	auditsIt   = `{policyName: psp2pss-shop, matchResources: ` + inShop + `, validationActions: [Audit]}`
	bindsIt    = `{policyName: psp2pss-shop, matchResources: ` + inShop + `}`
)

// deltaSet is a set that warns, made to refuse if deny says so.
func deltaSet(t *testing.T, deny bool) *PolicySet {
	return setOf(deny, manifest(t, validatingPolicyKind, "delta", `{failurePolicy: Fail}`), manifest(t, validatingBindingKind, "delta", warnsThere))
}

// continuitySet is a set that writes into pods before it refuses some.
func continuitySet(t *testing.T) *PolicySet {
	return setOf(true, manifest(t, mutatingPolicyKind, "continuity", `{failurePolicy: Fail}`), manifest(t, mutatingBindingKind, "continuity", bindsIt),
		manifest(t, validatingPolicyKind, "continuity", `{failurePolicy: Fail}`), manifest(t, validatingBindingKind, "continuity", deniesIt))
}

func setOf(deny bool, objects ...*unstructured.Unstructured) *PolicySet {
	return &PolicySet{
		Objects: objects, Deny: deny, Pod: json.RawMessage(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"probe"}}`),
		AnswerBegins: "in force: revision ", RevisionAnnotation: revisionKey, Annotation: "psp2pss.dev/in-force",
	}
}

func policySteps(t *testing.T, s *PolicySet) []Step {
	t.Helper()
	steps, err := PlanPolicySteps(s)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

const (
	vapPath  = "validatingadmissionpolicies/psp2pss-shop"
	vapbPath = "validatingadmissionpolicybindings/psp2pss-shop"
	mapPath  = "mutatingadmissionpolicies/psp2pss-shop"
)

// newPolicyServer is a cluster whose API server answers the dry run of the probe by the policies that it has, as the real ones do.
func newPolicyServer(t *testing.T) *memory {
	m := newMemory(t)
	m.namespace("shop", "kubectl", nil)
	bound := func(action string) bool {
		binding := m.objects[vapbPath]
		return m.objects[vapPath] != nil && binding != nil && slices.Contains(validationActions(binding), action)
	}
	says := func() string {
		return "ValidatingAdmissionPolicy 'psp2pss-shop' with binding 'psp2pss-shop' denied request: in force: revision " + m.objects[vapPath].GetAnnotations()[revisionKey]
	}
	pods := schema.GroupResource{Resource: "pods"}
	m.hook = func(request string) error {
		switch {
		case strings.HasPrefix(request, "create pods/gone/"):
			return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "gone")
		case strings.HasPrefix(request, "create pods/") && bound("Deny"):
			return apierrors.NewForbidden(pods, "probe", errors.New(says()))
		}
		return nil
	}
	m.warned = func(request string) []string {
		if strings.HasPrefix(request, "create pods/shop/") && bound("Warn") {
			return []string{says()}
		}
		return nil
	}
	m.created = func(u *unstructured.Unstructured) {
		if u.GetKind() == "Pod" && m.objects[mapPath] != nil && m.objects["mutatingadmissionpolicybindings/psp2pss-shop"] != nil {
			u.SetAnnotations(map[string]string{"psp2pss.dev/in-force": m.objects[mapPath].GetAnnotations()[revisionKey]})
		}
	}
	return m
}

const (
	installVAP  = "policies: install validatingadmissionpolicy/psp2pss-shop"
	installVAPB = "policies: install validatingadmissionpolicybinding/psp2pss-shop"
	installMAP  = "policies: install mutatingadmissionpolicy/psp2pss-shop"
	installMAPB = "policies: install mutatingadmissionpolicybinding/psp2pss-shop"
	denyVAPB    = "policies: have validatingadmissionpolicybinding/psp2pss-shop refuse"
)

// A set is installed to warn, made to refuse by a second batch, and taken back whole. The same again has nothing to do.
func TestPoliciesThereAndBack(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	start := m.state()
	r := begin(t, m, policySteps(t, deltaSet(t, true))...)
	var batches []int
	for _, s := range r.Journal.Steps {
		batches = append(batches, s.Batch)
	}
	if !slices.Equal(batches, []int{0, 0, 1}) {
		t.Errorf("the batches are %v", batches)
	}
	r.run("", "done "+installVAP, "done "+installVAPB, "done "+denyVAPB)
	m.hasLock(false)
	if got := validationActions(m.objects[vapbPath]); !slices.Equal(got, []string{"Deny", "Audit"}) {
		t.Errorf("the binding does %v", got)
	}
	again := begin(t, m, policySteps(t, deltaSet(t, true))...)
	again.run("", "already done "+installVAP, "already done "+installVAPB, "already done "+denyVAPB)
	again.rollback(RollbackScope{}, "")
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone "+denyVAPB, "undone "+installVAPB, "undone "+installVAP)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// What writes into pods is in force before what refuses them, and goes last.
func TestPoliciesThatWrite(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	start := m.state()
	r := begin(t, m, policySteps(t, continuitySet(t))...)
	r.run("", "done "+installMAP, "done "+installMAPB, "done "+installVAP, "done "+installVAPB, "done "+denyVAPB)
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone "+denyVAPB, "undone "+installVAPB, "undone "+installVAP, "undone "+installMAPB, "undone "+installMAP)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
	// If the server never gets it in force, nothing is installed that would refuse.
	m.created = nil
	r = begin(t, m, policySteps(t, continuitySet(t))...)
	r.run("policies: install mutatingadmissionpolicybinding/psp2pss-shop: mutatingadmissionpolicybinding/psp2pss-shop is on the cluster, and not in force after 2m0s: "+
		"the dry run of a pod was answered: the pod is let in as it is", "done "+installMAP)
	if m.objects[vapPath] != nil || r.pauses != 240 {
		t.Errorf("after %d pauses there is %v", r.pauses, m.objects[vapPath])
	}
	m.hasLock(true)
}

// A server refuses for a while by a binding that refuses no more: what writes into pods stays until it has heard of that.
func TestPoliciesAreLoosenedFirst(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	start := m.state()
	r := begin(t, m, policySteps(t, continuitySet(t))...)
	r.run("", "done "+installMAP, "done "+installMAPB, "done "+installVAP, "done "+installVAPB, "done "+denyVAPB)
	answer, late := m.hook, 1_000
	says := "ValidatingAdmissionPolicy 'psp2pss-shop' with binding 'psp2pss-shop' denied request: in force: revision 0123abcd"
	m.hook = func(request string) error {
		if !strings.HasPrefix(request, "create pods/shop/") || late == 0 || isDenying(m.objects[vapbPath]) {
			return answer(request)
		}
		if late--; m.objects[mapPath] == nil {
			t.Error("what writes into pods is gone, and what asks for it refuses")
		}
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "probe", errors.New(says))
	}
	r = r.again()
	r.rollback(RollbackScope{}, "taking back policies: have validatingadmissionpolicybinding/psp2pss-shop refuse: validatingadmissionpolicybinding/psp2pss-shop is as before on the cluster, and refuses still after 2m0s: "+
		`the dry run of a pod was answered: pods "probe" is forbidden: `+says)
	late = 3
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone "+denyVAPB, "undone "+installVAPB, "undone "+installVAP, "undone "+installMAPB, "undone "+installMAP)
	if late != 0 || r.pauses != 3 {
		t.Errorf("it was asked %d times too little, with %d pauses", late, r.pauses)
	}
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// A dry run asks the server about each object, and changes nothing.
func TestPoliciesDryRun(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	start := m.state()
	r := with(t, m, nil)
	r.Steps = policySteps(t, deltaSet(t, true))
	r.run("", "done "+installVAP, "done "+installVAPB, "done "+denyVAPB)
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after a dry run (-want +got):\n%s", diff)
	}
}

// An object that an earlier set left is changed, and put back as it was; what others have written on it meanwhile stays.
func TestPolicyPutBack(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	earlier := manifest(t, validatingPolicyKind, "delta", `{failurePolicy: Ignore, matchConstraints: {}}`)
	earlier.SetAnnotations(map[string]string{"example.com/owner": "a", revisionKey: "old"})
	m.store(vapPath, earlier, true)
	r := begin(t, m, policySteps(t, deltaSet(t, false))...)
	r.run("", "done "+installVAP, "done "+installVAPB)
	now := m.objects[vapPath].DeepCopy()
	if got := now.GetAnnotations(); got["example.com/owner"] != "a" || got[revisionKey] != "0123abcd" {
		t.Errorf("the annotations are %v", got)
	}
	now.SetAnnotations(map[string]string{"example.com/owner": "a", revisionKey: "0123abcd", "example.com/later": "b"})
	m.store(vapPath, now, false)
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone "+installVAPB, "undone "+installVAP)
	is := m.objects[vapPath]
	if diff := cmp.Diff(earlier.Object["spec"], is.Object["spec"]); diff != "" {
		t.Errorf("what is put back (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"example.com/owner": "a", revisionKey: "old", "example.com/later": "b"}, is.GetAnnotations()); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// What stands in the way is told, and nothing of the set is installed after it.
func TestPoliciesRefused(t *testing.T) {
	t.Parallel()
	const stopped = "refused " + installVAPB + ": an earlier object of the set was refused"
	for _, tt := range []struct {
		name string
		prep func(m *memory)
		want []string
	}{
		{
			"somebody else's", func(m *memory) {
				u := manifest(t, validatingPolicyKind, "delta", `{}`)
				u.SetLabels(map[string]string{ManagedByLabel: "helm"})
				m.store(vapPath, u, true)
			},
			[]string{"refused " + installVAP + ": validatingadmissionpolicy/psp2pss-shop exists, and 'generate' did not write it: look at it, and rename or delete it", stopped},
		},
		{
			"not served", func(m *memory) {
				m.hook = on("create "+vapPath, -1, apierrors.NewNotFound(schema.GroupResource{Resource: "validatingadmissionpolicies"}, ""))
			},
			[]string{"refused " + installVAP + ": this server serves no such object in version admissionregistration.k8s.io/v1: write the set for its release, with 'generate --target-server'", stopped},
		},
		{
			"refuses already", func(m *memory) {
				m.store(vapPath, manifest(t, validatingPolicyKind, "delta", `{failurePolicy: Ignore}`), true)
				m.store(vapbPath, manifest(t, validatingBindingKind, "delta", deniesIt), true)
			},
			[]string{"refused " + installVAP + ": validatingadmissionpolicy/psp2pss-shop is part of what refuses already, and this set only warns: add --deny, or take away what is there first", stopped},
		},
		{
			"changed by admission", func(m *memory) {
				m.created = func(u *unstructured.Unstructured) {
					_ = unstructured.SetNestedField(u.Object, "Ignore", "spec", "failurePolicy")
				}
			},
			[]string{"altered " + installVAP + ": the server took it, and spec of it is not what was asked for: probably a mutating webhook or policy changed it", stopped},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newPolicyServer(t)
			tt.prep(m)
			begin(t, m, policySteps(t, deltaSet(t, false))...).run("", tt.want...)
		})
	}
}

// A set that refuses goes on to refuse while a newer one takes its place.
func TestPoliciesGoOnRefusing(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	m.store(vapPath, manifest(t, validatingPolicyKind, "delta", `{failurePolicy: Ignore}`), true)
	m.store(vapbPath, manifest(t, validatingBindingKind, "delta", deniesIt), true)
	m.heard = func(string) error {
		if !isDenying(m.objects[vapbPath]) {
			t.Error("for a while it does not refuse")
		}
		return nil
	}
	begin(t, m, policySteps(t, deltaSet(t, true))...).run("", "done "+installVAP, "already done "+installVAPB, "already done "+denyVAPB)
}

// After a lost answer, or in another process, an object that this roll-out created is its own; one that somebody changed since is left.
func TestPoliciesResumed(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	m.heard = on("create "+vapbPath, 2, apierrors.NewServiceUnavailable("gone")) // the dry run, and the write
	r := begin(t, m, policySteps(t, deltaSet(t, false))...)
	r.run("", "done "+installVAP, "done "+installVAPB)
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone "+installVAPB, "undone "+installVAP)

	lost := errors.New("connection lost for good")
	m.heard = func(request string) error {
		if request == "create "+vapPath && m.objects[vapPath] != nil {
			return lost
		}
		return nil
	}
	r = begin(t, m, policySteps(t, deltaSet(t, false))...)
	// The dry run of the object keeps nothing, so that its answer is heard.
	r.run("policies: install validatingadmissionpolicy/psp2pss-shop: connection lost for good")
	m.heard = nil
	other := m.objects[vapPath].DeepCopy()
	if err := unstructured.SetNestedField(other.Object, "Ignore", "spec", "failurePolicy"); err != nil {
		t.Fatal(err)
	}
	m.store(vapPath, other, false)
	r = r.again()
	r.run("", "altered "+installVAP+": validatingadmissionpolicy/psp2pss-shop was written, and has been changed since", "refused "+installVAPB+": an earlier object of the set was refused")
	r = r.again()
	r.rollback(RollbackScope{}, "", "not-reverted "+installVAP+": somebody has changed validatingadmissionpolicy/psp2pss-shop since")
}

// What writes into pods stays while what refuses cannot be taken back.
func TestPoliciesNotTakenBack(t *testing.T) {
	t.Parallel()
	m := newPolicyServer(t)
	r := begin(t, m, policySteps(t, continuitySet(t))...)
	r.run("", "done "+installMAP, "done "+installMAPB, "done "+installVAP, "done "+installVAPB, "done "+denyVAPB)
	other := m.objects[vapbPath].DeepCopy()
	unstructured.RemoveNestedField(other.Object, "spec", "matchResources")
	m.store(vapbPath, other, false)
	r = r.again()
	const needed = ": validatingadmissionpolicybinding/psp2pss-shop of the same set was installed after it and stays: take that back first"
	r.rollback(RollbackScope{}, "", "not-reverted "+denyVAPB+": somebody has changed validatingadmissionpolicybinding/psp2pss-shop since",
		"not-reverted "+installVAPB+needed, "not-reverted "+installVAP+needed, "not-reverted "+installMAPB+needed, "not-reverted "+installMAP+needed)
	if m.objects[mapPath] == nil {
		t.Error("what writes into pods is gone")
	}
}

// What is not known of a policy that is installed is told beside the step.
func TestPoliciesNotHeard(t *testing.T) {
	t.Parallel()
	audit := setOf(false, manifest(t, validatingPolicyKind, "delta", `{}`), manifest(t, validatingBindingKind, "delta", auditsIt))
	begin(t, newPolicyServer(t), policySteps(t, audit)...).run("", "done "+installVAP, "done "+installVAPB+
		": nothing tells whether it is in force, since with the action audit no request is answered otherwise: 'generate --action=warn' writes one that tells")

	guard := manifest(t, validatingPolicyKind, "delta", `{}`)
	guard.SetAnnotations(nil)
	guards := setOf(false, guard, manifest(t, validatingBindingKind, "delta", warnsThere))
	begin(t, newPolicyServer(t), policySteps(t, guards)...).run("", "done "+installVAP, "done "+installVAPB+
		": whether it is in force is not known: no dry run of a pod tells")

	m := newPolicyServer(t)
	const other = "ValidatingAdmissionPolicy 'psp2pss-other' with binding 'psp2pss-other' denied request: in force: revision 77777777"
	answer := m.hook
	m.warned, m.hook = nil, func(request string) error {
		if strings.HasPrefix(request, "create pods/shop/") {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "probe", errors.New(other))
		}
		return answer(request)
	}
	begin(t, m, policySteps(t, deltaSet(t, false))...).run("", "done "+installVAP, "done "+installVAPB+
		`: whether it is in force is not known, since something else refuses the pod that would tell: pods "probe" is forbidden: `+other)
}

// A set that 'generate' did not write, or wrote for another action, is not installed.
func TestPlanPolicySteps(t *testing.T) {
	t.Parallel()
	change := func(kind string, do func(u *unstructured.Unstructured)) *unstructured.Unstructured {
		u := manifest(t, kind, "delta", `{}`)
		do(u)
		return u
	}
	role := func(rules string) *unstructured.Unstructured {
		return change(clusterRoleKind, func(u *unstructured.Unstructured) {
			u.SetAPIVersion("rbac.authorization.k8s.io/v1")
			delete(u.Object, "spec")
			var list []any
			if err := yaml.Unmarshal([]byte(rules), &list); err != nil {
				t.Fatal(err)
			}
			u.Object["rules"] = list
		})
	}
	for _, tt := range []struct {
		name string
		set  *PolicySet
		want string
	}{
		{"nothing", setOf(false), "it has no object to install"},
		{"another kind", setOf(false, change("Pod", func(*unstructured.Unstructured) {})), "pod/psp2pss-shop is of a kind that no set of policies has"},
		{"another version", setOf(false, change(validatingPolicyKind, func(u *unstructured.Unstructured) { u.SetAPIVersion("v1") })), `validatingadmissionpolicy/psp2pss-shop is of the version "v1", which no set of policies has`},
		{"another name", setOf(false, change(validatingPolicyKind, func(u *unstructured.Unstructured) { u.SetName("other") })), "validatingadmissionpolicy/other has a name that 'generate' gives to nothing"},
		{"no labels", setOf(false, change(validatingPolicyKind, func(u *unstructured.Unstructured) { u.SetLabels(nil) })), "validatingadmissionpolicy/psp2pss-shop has not the labels that 'generate' gives to all that it writes"},
		{"a strong role", setOf(false, role(`[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]`)), "clusterrole/psp2pss-shop allows something else than to loosen labels"},
		{"the role", setOf(false, role(`[{apiGroups: [psp2pss.dev], resources: [podsecuritylabels], verbs: [loosen]}]`)), ""},
		{"a policy that is not there", setOf(false, manifest(t, validatingBindingKind, "delta", warnsThere)), `validatingadmissionpolicybinding/psp2pss-shop binds the policy "psp2pss-shop", which is not in the set`},
		{"refuses unasked", setOf(false, manifest(t, validatingPolicyKind, "delta", `{}`), manifest(t, validatingBindingKind, "delta", deniesIt)), "psp2pss-shop refuses what it does not accept: it was written for another action"},
		{"writes unasked", setOf(false, manifest(t, mutatingPolicyKind, "continuity", `{}`), manifest(t, mutatingBindingKind, "continuity", bindsIt)), "psp2pss-shop writes into what is created, which cannot be tried without effect: it was written for another action"},
		{"refuses otherwise", setOf(true, manifest(t, validatingPolicyKind, "continuity", `{}`), manifest(t, validatingBindingKind, "continuity", warnsThere)), "psp2pss-shop is of a set that has other objects to refuse than to warn: it was written for another action"},
		{"delta", deltaSet(t, true), ""},
		{"continuity", continuitySet(t), ""},
	} {
		steps, err := PlanPolicySteps(tt.set)
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err := validateSteps(steps); err != nil {
			t.Errorf("%s: no journal can have it: %v", tt.name, err)
		}
	}
}

// A journal is a file: what nobody may install is not installed from it.
func TestPolicyStepsOfJournals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(s *Step)
		want   string
	}{
		{"another stage", func(s *Step) { s.Stage = StageEnforce }, "step 0: the stage enforce installs no policy"},
		{"a namespace", func(s *Step) { s.Namespace = "shop" }, "step 0: the stage policies installs no policy"},
		{"labels beside", func(s *Step) { s.Labels = []LabelChange{{}} }, "step 0: it is neither about labels nor about one object"},
		{"another action", func(s *Step) { s.Policy.Action = "delete" }, `step 0: there is no action "delete"`},
		{"what refuses nothing", func(s *Step) { s.Policy.Action = DenyPolicy }, "step 0: validatingadmissionpolicybinding/psp2pss-shop refuses nothing"},
		{"no manifest", func(s *Step) { s.Policy.Manifest = json.RawMessage(`{}`) }, "step 0: validatingadmissionpolicybinding/psp2pss-shop has no manifest that can be read: Object 'Kind' is missing in '{}'"},
		{"another manifest", func(s *Step) { s.Policy.Name = "psp2pss-blog" }, "step 0: validatingadmissionpolicybinding/psp2pss-blog has the manifest of something else"},
		{"refuses at once", func(s *Step) {
			s.Policy.Manifest = json.RawMessage(strings.Replace(string(s.Policy.Manifest), `"Warn"`, `"Deny"`, 1))
		}, "step 0: the action install of validatingadmissionpolicybinding/psp2pss-shop does not go with its manifest"},
		{"a probe that asks nothing", func(s *Step) { s.Policy.Probe.Says = "" }, "step 0: it does not say how to ask whether it is in force"},
	} {
		s := policySteps(t, deltaSet(t, false))[1]
		tt.change(&s)
		if err := validateSteps([]Step{s}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// All rights are named by object where RBAC can, also those to go back.
func TestPolicyRights(t *testing.T) {
	t.Parallel()
	want := append(texts(lockPermissions()),
		"create validatingadmissionpolicies.admissionregistration.k8s.io", "get validatingadmissionpolicies.admissionregistration.k8s.io psp2pss-shop",
		"update validatingadmissionpolicies.admissionregistration.k8s.io psp2pss-shop", "delete validatingadmissionpolicies.admissionregistration.k8s.io psp2pss-shop",
		"get validatingadmissionpolicybindings.admissionregistration.k8s.io psp2pss-shop", "create validatingadmissionpolicybindings.admissionregistration.k8s.io",
		"update validatingadmissionpolicybindings.admissionregistration.k8s.io psp2pss-shop", "delete validatingadmissionpolicybindings.admissionregistration.k8s.io psp2pss-shop",
		"create pods (in gone, shop)",
	)
	steps := policySteps(t, deltaSet(t, false))
	if diff := cmp.Diff(want, texts(requiredPermissions(steps, PermissionOptions{}))); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
	everywhere, in := PolicyRBACRules(steps)
	var where []string
	for _, r := range in {
		where = append(where, r.Namespace)
	}
	if len(everywhere) == 0 || !slices.Equal(where, []string{"kube-system", "gone", "shop"}) {
		t.Errorf("rules everywhere %v, and in %v", everywhere, where)
	}
}

// Namespaces are asked where the binding has its policy in force.
func TestNamespacesToProbe(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string][]string{
		`{}`: {"default"},
		`{matchResources: {namespaceSelector: {matchExpressions: [{operator: In, values: [a, b, c, d]}]}}}`:        {"a", "b", "c"},
		`{matchResources: {namespaceSelector: {matchExpressions: [{operator: NotIn, values: [kube-system]}]}}}`:    {"default"},
		`{matchResources: {namespaceSelector: {matchExpressions: [{operator: NotIn, values: [default, other]}]}}}`: nil,
	} {
		if got := namespacesToProbe(manifest(t, validatingBindingKind, "delta", spec)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", spec, got, want)
		}
	}
}

// What the server fills in is no change; what it drops or adds to a list is.
func TestHasAllOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		is, want string
		has      bool
	}{
		{`{a: 1, b: [{c: 2, d: 3}]}`, `{b: [{c: 2}]}`, true}, {`{b: [1, 2]}`, `{b: [1]}`, false}, {`{}`, `{a: []}`, true}, {`{}`, `{a: {b: 1}}`, false}, {`{a: 2}`, `{a: 1}`, false},
	} {
		var is, want any
		if err := errors.Join(yaml.Unmarshal([]byte(tt.is), &is), yaml.Unmarshal([]byte(tt.want), &want)); err != nil {
			t.Fatal(err)
		}
		if got := hasAllOf(is, want); got != tt.has {
			t.Errorf("%s has all of %s: %t", tt.is, tt.want, got)
		}
	}
}
