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
		"no policies":       {head + `, "namespaces": [], "gaps": []}`, "decoding the plan: it has no list of policies" + again},
		"no namespaces":     {head + `, "policies": [], "gaps": []}`, "decoding the plan: it has no list of namespaces" + again},
		"no gaps":           {head + `, "policies": [], "namespaces": []}`, "decoding the plan: it has no list of gaps" + again},
		"null is no list":   {head + `, "policies": [], "namespaces": [], "gaps": null}`, "decoding the plan: it has no list of gaps" + again},
		"a namespace twice": {head + `, "policies": [], "namespaces": [{"name": "a"}, {"name": "a"}], "gaps": []}`, `decoding the plan: it has the namespace "a" twice` + again},
		"a policy twice":    {head + `, "namespaces": [], "gaps": [], "policies": [{"name": "p"}, {"name": "p"}]}`, `decoding the plan: it has the policy "p" twice` + again},
		"a list is missing": {head + start + `, "policies": [], "namespaces": [], "gaps": [], "roles": [], "evaluations": []}`, "decoding the plan: bindings: the list is missing" + correct},
		"a text for a list": {head + `, "policies": "none"}`, "decoding the plan: policies: no string can stand here" + correct},
		"a text for a number": {
			head + policy + `{"checks": [], "position": {"line": "3"}}]}`,
			"decoding the plan: policies[1].position.line: no string can stand here" + correct,
		},
		"a fraction": {
			head + policy + `{"spec": {"hostPorts": [{"min": 1.5}]}}]}`,
			"decoding the plan: policies[1].spec.hostPorts[0].min: no number 1.5 can stand here" + correct,
		},
		"a reference without a kind": {
			head + `, "namespaces": [{"decidedBy": {"workload": "web"}}]}`,
			`decoding the plan: namespaces[0].decidedBy.workload: "web" is not a workload such as "Deployment/web"` + correct,
		},
		"an argument that is an object": {
			head + start + roles + `, "policies": [], "namespaces": [], "gaps": [{"id": "x", "args": {"a": {}}, "affects": []}]}`,
			`decoding the plan: gaps[0].args.a: {} is no text, whole number, true or list of texts` + correct,
		},
		"a time": {
			head + `, "source": {"run": {"readAt": "today"}}}`,
			`decoding the plan: source.run.readAt: parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"` + correct,
		},
		"a key twice":        {head + lists + `, "gaps": []}`, `decoding the plan: duplicate field "gaps"` + again},
		"a key in capitals":  {head + start + `, "policies": [], "Namespaces": [], "gaps": []}`, "decoding the plan: it has no list of namespaces" + again},
		"empty":              {"", "decoding the plan: it is empty" + save},
		"cut short":          {head, "decoding the plan: unexpected end of JSON input" + save},
		"not JSON":           {"apiVersion: psp2pss.dev/v1", "decoding the plan: invalid character 'a' looking for beginning of value" + save},
		"more after it":      {head + "} {}", "decoding the plan: invalid character '{' after top-level value" + save},
		"rubbish after it":   {head + "} x", "decoding the plan: invalid character 'x' after top-level value" + save},
		"a bracket after it": {head + "}}", "decoding the plan: invalid character '}' after top-level value" + save},
		"another kind": {
			`{"apiVersion": "psp2pss.dev/v1", "kind": "Journal"}`,
			`decoding the plan: it is "Journal" of "psp2pss.dev/v1", not Plan of psp2pss.dev/v1` + save,
		},
		"another version": {
			`{"apiVersion": "psp2pss.dev/v2", "kind": "Plan"}`,
			`decoding the plan: it is "Plan" of "psp2pss.dev/v2", not Plan of psp2pss.dev/v1` + save,
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
