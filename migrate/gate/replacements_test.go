package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Generated policies are told with what they do: by their bindings, and not in force without one.
func TestReplacements(t *testing.T) {
	t.Parallel()
	const validating, mutating = "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"
	policy := func(kind, set string) inventory.GeneratedPolicy {
		return inventory.GeneratedPolicy{Kind: kind, Name: "psp2pss-" + set, Set: set, Mode: "delta"}
	}
	binding := func(kind, set string, actions ...string) inventory.GeneratedPolicy {
		p := policy(kind+"Binding", set)
		p.PolicyName, p.Actions = p.Name, actions
		return p
	}
	note := func(id, text string, objects ...string) gate.Note {
		n := gate.Note{Message: says(id, text)}
		for _, o := range objects {
			n.Objects = append(n.Objects, says("object-replacement", o))
		}
		return n
	}
	inForce := func(objects ...string) gate.Note {
		return note("replacements-in-force", "policies that 'generate' wrote are in force: they take the place of what PodSecurityPolicies did and no level does, but for what the README of their folder says", objects...)
	}
	idle := func(objects ...string) gate.Note {
		return note("replacements-idle", "policies that 'generate' wrote refuse nothing yet: what they are to keep is lost until their action is deny", objects...)
	}
	tests := []struct {
		name  string
		given []inventory.GeneratedPolicy
		want  []gate.Note
	}{
		{"none", nil, nil},
		{
			"denies and writes",
			[]inventory.GeneratedPolicy{policy(validating, "a"), binding(validating, "a", "Deny"), policy(mutating, "a"), binding(mutating, "a")},
			[]gate.Note{inForce("ValidatingAdmissionPolicy psp2pss-a (set a, mode delta): deny", "MutatingAdmissionPolicy psp2pss-a (set a, mode delta): write")},
		},
		{
			"of several bindings the strictest counts",
			[]inventory.GeneratedPolicy{policy(validating, "a"), binding(validating, "a", "Audit"), binding(validating, "a", "Deny", "Audit")},
			[]gate.Note{inForce("ValidatingAdmissionPolicy psp2pss-a (set a, mode delta): deny")},
		},
		{
			"only reports",
			[]inventory.GeneratedPolicy{policy(validating, "a"), binding(validating, "a", "Warn", "Audit"), policy(validating, "b"), binding(validating, "b", "Audit")},
			[]gate.Note{idle("ValidatingAdmissionPolicy psp2pss-a (set a, mode delta): warn", "ValidatingAdmissionPolicy psp2pss-b (set b, mode delta): audit")},
		},
		{
			"a half",
			[]inventory.GeneratedPolicy{policy(mutating, "a"), binding(validating, "b", "Deny")},
			[]gate.Note{idle("MutatingAdmissionPolicy psp2pss-a (set a, mode delta): no binding puts it into force", "ValidatingAdmissionPolicyBinding psp2pss-b (set b, mode delta): the policy psp2pss-b is not there")},
		},
		{
			"guards",
			[]inventory.GeneratedPolicy{{Kind: validating, Name: "psp2pss-guard-labels", Set: "guards"}, binding(validating, "guards", "Deny")},
			[]gate.Note{
				idle("ValidatingAdmissionPolicyBinding psp2pss-guards (set guards, mode delta): the policy psp2pss-guards is not there"),
				note("replacements-guards", "policies that 'generate' wrote guard the labels of namespaces", "ValidatingAdmissionPolicy psp2pss-guard-labels (set guards): no binding puts it into force"),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := gate.Evaluate(&migrate.Plan{GeneratedPolicies: tt.given}, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 37)})
			if diff := cmp.Diff(tt.want, r.Notes, sameMessages()); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// Roles that let use policies stay where generated policies ask for them; no command deletes one.
func TestRolesThatReplacementsAsk(t *testing.T) {
	t.Parallel()
	plan := func(asks bool) *migrate.Plan {
		ours := []inventory.GeneratedPolicy{{Kind: "ValidatingAdmissionPolicy", Name: "a", Set: "a", AsksGrants: asks}}
		return &migrate.Plan{GeneratedPolicies: ours, Roles: []migrate.Role{{Name: "use", OtherRules: true, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, Verbs: []string{"use"}}}}}}
	}
	for _, asks := range []bool{false, true} {
		r := gate.Evaluate(plan(asks), gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)})
		var reasons, notes []string
		for _, reason := range r.Reasons {
			reasons = append(reasons, reason.ID)
		}
		for _, n := range r.Notes {
			notes = append(notes, n.ID+": "+message.Texts(n.Objects)[0])
		}
		wantReasons, wantNotes := []string{"policy-roles"}, []string{"replacements-idle: ValidatingAdmissionPolicy a (set a): no binding puts it into force"}
		if asks {
			wantReasons, wantNotes = nil, append([]string{"policy-roles-asked: ClusterRole use"}, wantNotes...)
		}
		if diff := cmp.Diff([][]string{wantReasons, wantNotes}, [][]string{reasons, notes}); diff != "" {
			t.Errorf("asked for: %t (-want +got):\n%s", asks, diff)
		}
	}
}
