package migrate

import (
	"strings"
	"testing"
)

func TestReadPlan(t *testing.T) {
	t.Parallel()
	const head = `{"apiVersion": "psp2pss.dev/v1", "kind": "Plan"`
	const start = `, "targetVersion": "v1.25", "source": {"kind": "files"}, "basis": "workloads"`
	const roles = `, "roles": [], "bindings": [], "evaluations": []`
	const lists = start + roles + `, "policies": [], "namespaces": [], "gaps": []`
	const correct = "; correct it, or save the plan again"
	const policy = `, "policies": [{"name": "p"}, `
	const again = "; save the plan again"
	const save = `; save one with "psp2pss plan -o json=plan.json"`
	tests := map[string]struct{ in, want string }{
		"smallest":          {head + lists + "}\n\n", ""},
		"a key of later":    {head + lists + `, "later": {"a": 1}}`, ""},
		"no policies":       {head + `, "namespaces": [], "gaps": []}`, "it has no list of policies, as where a file ends early" + again},
		"no namespaces":     {head + `, "policies": [], "gaps": []}`, "it has no list of namespaces, as where a file ends early" + again},
		"no gaps":           {head + `, "policies": [], "namespaces": []}`, "it has no list of gaps, as where a file ends early" + again},
		"null is no list":   {head + `, "policies": [], "namespaces": [], "gaps": null}`, "it has no list of gaps, as where a file ends early" + again},
		"a namespace twice": {head + `, "policies": [], "namespaces": [{"name": "a"}, {"name": "a"}], "gaps": []}`, `it has the namespace "a" twice` + again},
		"a policy twice":    {head + `, "namespaces": [], "gaps": [], "policies": [{"name": "p"}, {"name": "p"}]}`, `it has the policy "p" twice` + again},
		"a list is missing": {head + start + `, "policies": [], "namespaces": [], "gaps": [], "roles": [], "evaluations": []}`, "bindings: the list is missing" + correct},
		"a text for a list": {head + `, "policies": "none"}`, "policies: no string can stand here" + correct},
		"a text for a number": {
			head + policy + `{"checks": [], "position": {"line": "3"}}]}`,
			"policies[1].position.line: no string can stand here" + correct,
		},
		"a fraction": {
			head + policy + `{"spec": {"hostPorts": [{"min": 1.5}]}}]}`,
			"policies[1].spec.hostPorts[0].min: no number 1.5 can stand here" + correct,
		},
		"a reference without a kind": {
			head + `, "namespaces": [{"decidedBy": {"workload": "web"}}]}`,
			`namespaces[0].decidedBy.workload: "web" is not a workload such as "Deployment/web"` + correct,
		},
		"an argument that is an object": {
			head + start + roles + `, "policies": [], "namespaces": [], "gaps": [{"id": "x", "args": {"a": {}}, "affects": []}]}`,
			`gaps[0].args.a: {} is no text, whole number, true or list of texts` + correct,
		},
		"a time": {
			head + `, "source": {"run": {"readAt": "today"}}}`,
			`source.run.readAt: parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"` + correct,
		},
		"a key twice":        {head + lists + `, "gaps": []}`, `duplicate field "gaps"` + again},
		"a key in capitals":  {head + start + `, "policies": [], "Namespaces": [], "gaps": []}`, "it has no list of namespaces, as where a file ends early" + again},
		"empty":              {"", "it is empty" + save},
		"cut short":          {head, "the file ends early, on line 1" + save},
		"not JSON":           {"apiVersion: psp2pss.dev/v1", "it is no JSON from line 1 on" + save},
		"more after it":      {head + "} {}", "something follows the plan on line 1" + save},
		"rubbish after it":   {head + "} x", "something follows the plan on line 1" + save},
		"a bracket after it": {head + "}}", "something follows the plan on line 1" + save},
		"another kind": {
			`{"apiVersion": "psp2pss.dev/v1", "kind": "Journal"}`,
			"it is the journal of a roll-out, and not a plan: give it to --journal",
		},
		"objects": {
			`{"apiVersion": "v1", "kind": "List", "items": [], "policies": 1}`,
			`it is a "List" of "v1", and not a plan: give objects to -f` + save,
		},
		"no kind": {`{"a": 1}`, "it is not a plan" + save},
		"another version": {
			`{"apiVersion": "psp2pss.dev/v2", "kind": "Plan"}`,
			`it is a plan of "psp2pss.dev/v2", and this version reads psp2pss.dev/v1: save it again, or read it with the psp2pss that saved it`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := ReadPlan(strings.NewReader(tt.in))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || (p == nil) != (tt.want != "") {
				t.Errorf("plan %v, error %q, want %q", p != nil, got, tt.want)
			}
		})
	}
}
