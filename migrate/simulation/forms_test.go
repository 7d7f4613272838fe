package simulation_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/simulation"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A policy that only service accounts of namespace a may use, and what it admits and refuses.
const cluster = `
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: hardening}
spec:
  runAsUser: {rule: MustRunAsNonRoot}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  allowPrivilegeEscalation: false
  requiredDropCapabilities: [ALL]
  volumes: [projected, secret]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: psp, namespace: a}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [hardening], verbs: [use]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: psp, namespace: a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: psp}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:serviceaccounts:a"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: admitted, namespace: a}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: refused, namespace: a}
spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}, spec: {hostPID: true, containers: [{name: c, image: i}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: rolled-x
  namespace: a
  ownerReferences: [{apiVersion: example.com/v1, kind: Rollout, name: rolled, uid: "2", controller: true}]
spec: {containers: [{name: c, image: i}]}
`

func TestAsAdmitted(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	if err := files.ReadFS(fstest.MapFS{"cluster.yaml": {Data: []byte(cluster)}}, b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceFiles})
	plan, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const (
		refusal    = `refused by PodSecurityPolicy admission: policy hardening: spec.securityContext.hostPID: Invalid value: true: Host PID is not allowed to be used`
		noSeccomp  = `seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
		noTemplate = "there is no template, or there are no policies"
	)
	missing := []migrate.Violation{{
		Check: "seccompProfile_restricted", Level: api.LevelRestricted, Reason: "seccompProfile",
		Detail: `pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
	}}
	workload := func(kind, name string) simulation.Workload {
		return simulation.Workload{Namespace: "a", Kind: kind, Name: name}
	}
	with := func(w simulation.Workload, edit func(*simulation.Workload)) simulation.Workload {
		edit(&w)
		return w
	}
	admitted := with(workload("Deployment", "admitted"), func(w *simulation.Workload) { w.AdmittedBy = "hardening" })
	allowed := with(admitted, func(w *simulation.Workload) { w.Allowed = true })
	refused := with(workload("Deployment", "refused"), func(w *simulation.Workload) { w.Message = refusal })
	from := func(r *simulation.Result, err error) []simulation.Workload {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r.Results
	}
	for name, c := range map[string]struct {
		got, want []simulation.Workload
	}{
		"baseline from the source": {
			from(simulation.FromInventory(inv, plan, simulation.Request{Form: simulation.AsAdmitted, Level: api.LevelBaseline})),
			[]simulation.Workload{allowed, refused, with(workload("Rollout", "rolled"), func(w *simulation.Workload) { w.Unknown = noTemplate })},
		},
		"baseline from the plan": {
			from(simulation.FromPlan(plan, simulation.Request{Form: simulation.AsAdmitted, Level: api.LevelBaseline})),
			[]simulation.Workload{allowed, refused, with(workload("Rollout", "rolled"), func(w *simulation.Workload) {
				w.AdmittedBy, w.Allowed = "hardening", true // by its live pod, which the plan counts
			})},
		},
		"restricted from the source": {
			from(simulation.FromInventory(inv, plan, simulation.Request{Form: simulation.AsAdmitted, Level: api.LevelRestricted}))[:1],
			[]simulation.Workload{with(admitted, func(w *simulation.Workload) { w.Message, w.Violations = noSeccomp, missing })},
		},
		"restricted from the plan": {
			from(simulation.FromPlan(plan, simulation.Request{Form: simulation.AsAdmitted, Level: api.LevelRestricted}))[:1],
			[]simulation.Workload{with(admitted, func(w *simulation.Workload) {
				w.Message = "as admitted it meets baseline (what it violates, the plan does not hold: read the source again instead of --plan)"
			})},
		},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
