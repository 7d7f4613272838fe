package cel

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// hostileNames returns names of policies and sets that break what is not careful.
func hostileNames() []string {
	return []string{
		"a.b", "a-b", "a--b", "a_b", "a.b-2", "0", "true", "in", "variables", "chosen", "refusal", "psp", "A", "a", "ä", "it's", `"`, `\`, "`", "${x}", "$(x)",
		"~1", "a/b", "'] || true || ['", "' + authorizer + '", "\n", "\r\n", "\u2028", "a\x00b", "\xff\xfe", "", "-", ".", "..a", "%s%d", "{{.}}", "\U0001F600",
		strings.Repeat("a", 253), strings.Repeat("a", 252) + "b", strings.Repeat("x.", 126) + "x", strings.Repeat("ä", 200),
	}
}

// randomTable returns a decision table of policies with hostile names.
func randomTable(r *rand.Rand, mode engine.Mode) *engine.Table {
	out := &engine.Table{Mode: mode, Grants: oneOf(r, engine.DynamicGrants, engine.StaticGrants)}
	names := hostileNames()
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	most := len(names)
	if mode != engine.Continuity && out.Grants == engine.DynamicGrants {
		most = MaxAsked(Options{}, true, true)
	}
	for _, name := range names[:1+r.IntN(most)] {
		p := engine.Policy{
			Name: name, ByRequester: r.IntN(2) == 0, Groups: oneOf(r, nil, []string{"policy"}, []string{"extensions"}, []string{"extensions", "policy"}),
			Constraints: randomConstraints(r),
		}
		out.Policies = append(out.Policies, p)
	}
	names = hostileNames()
	for i := range 1 + r.IntN(3) {
		s := engine.Set{Name: names[r.IntN(len(names))] + strings.Repeat("z", i), Level: "baseline"}
		for _, p := range out.Policies {
			s.Alternatives = append(s.Alternatives, engine.Alternative{
				Policy: p.Name, Constraints: p.Constraints, Everybody: r.IntN(3) == 0, Accounts: names[:r.IntN(4)], Users: names[:r.IntN(9)], Groups: names[:r.IntN(3)],
			})
		}
		out.Sets = append(out.Sets, s)
	}
	return out
}

// randomConstraints returns some constraints, hostile texts in them.
func randomConstraints(r *rand.Rand) []mapping.Constraint {
	texts := hostileNames()
	all := []mapping.Constraint{
		mapping.PrivilegedContainers{},
		mapping.CSIDrivers{Drivers: texts[:1+r.IntN(len(texts)-1)]},
		mapping.HostPaths{Paths: []pspparse.AllowedHostPath{{PathPrefix: oneOf(r, texts...), ReadOnly: r.IntN(2) == 0}}},
		mapping.IDRanges{Field: mapping.FSGroupField, Ranges: []pspparse.IDRange{{Min: 1, Max: int64(r.IntN(9))}}, Default: 1},
		mapping.ReadOnlyRootFilesystem{},
		mapping.RuntimeClasses{Names: texts[:r.IntN(3)], Default: &texts[0]},
		mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: texts[:r.IntN(3)], Default: "runtime/default"},
	}
	return slices.DeleteFunc(all, func(mapping.Constraint) bool { return r.IntN(2) == 0 })
}

func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// optionsOf returns options that fit a mode.
func optionsOf(r *rand.Rand, mode engine.Mode) Options {
	o := Options{Minor: 34 + r.IntN(4), Validating: true, Action: oneOf(r, Audit, Warn, Deny)}
	if mode == engine.Continuity {
		o.Mutating, o.Action = true, Deny
	}
	return o
}

// Documents of any policies have valid names, each only once, are the same each time, and have variables that are there before
// they are read. No variable asks the authorizer more than twice, no mutation and no validation more than a request can pay for, and
// no message and no audit annotation asks at all.
func TestAnyDocuments(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 22))
		mode := oneOf(r, engine.Delta, engine.Continuity)
		table, o := randomTable(r, mode), optionsOf(r, mode)
		d, err := Generate(table, o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, err := Generate(table, o)
		if diff := cmp.Diff(d, again); diff != "" || err != nil {
			t.Fatalf("seed %d: not the same the second time: %v %s", seed, err, diff)
		}
		seen, stage := map[string]bool{}, 0
		for _, doc := range d.Documents {
			if seen[doc.Kind+doc.Name] || seen[doc.File] || doc.Stage < stage {
				t.Errorf("seed %d: %s %q, %q: twice, or too late", seed, doc.Kind, doc.Name, doc.File)
			}
			seen[doc.Kind+doc.Name], seen[doc.File], stage = true, true, doc.Stage
			checkDocument(t, seed, doc)
		}
	}
}

// checkDocument checks the names and the expressions of a document.
func checkDocument(t *testing.T, seed uint64, doc Document) {
	t.Helper()
	u := unstructured.Unstructured{Object: doc.Object.(map[string]any)}
	if problems := validation.IsDNS1123Subdomain(doc.Name); len(problems) > 0 || u.GetName() != doc.Name || u.GetKind() != doc.Kind || len(doc.File) > 200 {
		t.Errorf("seed %d: %s %q: %v", seed, doc.Kind, doc.Name, problems)
	}
	if u.GetLabels()[ManagedByLabel] != ManagedBy {
		t.Errorf("seed %d: labels %v", seed, u.GetLabels())
	}
	for key, value := range u.GetLabels() {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			t.Errorf("seed %d: label %s=%q: %v", seed, key, value, problems)
		}
	}
	list := func(key string) []any {
		out, _, err := unstructured.NestedSlice(u.Object, "spec", key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	asks := map[string]int{} // questions to the authorizer that reading a variable can take, by its name
	for _, v := range list("variables") {
		name, expression := v.(map[string]any)["name"].(string), v.(map[string]any)["expression"].(string)
		if _, twice := asks[name]; twice || strings.Contains(name, "__") || !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
			t.Errorf("seed %d: the variable %q is there twice, or is no identifier that API servers find", seed, name)
		}
		own, all := questions(t, seed, expression, asks)
		if own > maxExpressionChecks {
			t.Errorf("seed %d: the variable %q asks %d times", seed, name, own)
		}
		asks[name] = all
	}
	for _, v := range append(list("validations"), list("mutations")...) {
		expression, _, _ := unstructured.NestedString(v.(map[string]any), "jsonPatch", "expression")
		if e, ok := v.(map[string]any)["expression"].(string); ok {
			expression = e
		}
		if _, all := questions(t, seed, expression, asks); all*grantCheckCost > requestBudget && !strings.Contains(expression, "request.operation == 'UPDATE'") {
			t.Errorf("seed %d: %d questions in %s", seed, all, expression)
		}
		message, _ := v.(map[string]any)["messageExpression"].(string)
		if _, all := questions(t, seed, message, asks); all > 0 {
			t.Errorf("seed %d: a message asks the authorizer: %s", seed, message)
		}
	}
	for _, a := range list("auditAnnotations") {
		if _, all := questions(t, seed, a.(map[string]any)["valueExpression"].(string), asks); all > 0 {
			t.Errorf("seed %d: an audit annotation asks the authorizer: %v", seed, a)
		}
	}
}

// questions returns how often an expression asks the authorizer by itself, and with each variable that it reads once.
func questions(t *testing.T, seed uint64, expression string, asks map[string]int) (own, all int) {
	t.Helper()
	code := regexp.MustCompile(`'(\\.|[^'\\])*'`).ReplaceAllString(expression, "''")
	if strings.ContainsAny(code, "\"`") || strings.Count(code, "(") != strings.Count(code, ")") {
		t.Errorf("seed %d: text outside of literals: %s", seed, code)
	}
	own = strings.Count(code, ".check(")
	all = own
	var read []string
	for _, m := range regexp.MustCompile(`\bvariables\.(\w+)`).FindAllStringSubmatch(code, -1) {
		read = append(read, m[1])
	}
	slices.Sort(read)
	for _, name := range slices.Compact(read) {
		n, ok := asks[name]
		if !ok {
			t.Errorf("seed %d: the variable %q is read before it is there", seed, name)
		}
		all += n
	}
	return own, all
}

// Names of objects are valid whatever the set is called, and differ where the sets do.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range hostileNames() {
		for _, most := range []int{20, maxLabelValue, maxObjectName} {
			got := plainName(name, most)
			if len(got) > most || len(validation.IsDNS1123Subdomain(got)) > 0 {
				t.Errorf("%q: %q", name, got)
			}
			key := fmt.Sprint(most, got)
			if other, ok := seen[key]; ok {
				t.Errorf("%q and %q: %q", name, other, got)
			}
			seen[key] = name
		}
	}
	if got := objectName("shop"); got != "psp2pss-shop" {
		t.Error(got)
	}
}

// TestPolicyOrder: in continuity mode policies are asked in the order of their names' bytes, first those that leave a pod as it is.
func TestPolicyOrder(t *testing.T) {
	t.Parallel()
	table := looseTable(engine.Continuity, 4)
	for i, name := range []string{"b", "a.b", "a-b", "a0"} { // b and a0 write
		table.Policies[i].Name, table.Sets[0].Alternatives[i].Policy = name, name
	}
	d, err := Generate(table, Options{Minor: 37, Validating: true, Mutating: true, Action: Deny})
	if err != nil {
		t.Fatal(err)
	}
	variables, _, err := unstructured.NestedSlice(d.Documents[0].Object.(map[string]any), "spec", "variables")
	if err != nil {
		t.Fatal(err)
	}
	last := variables[len(variables)-1].(map[string]any)["expression"].(string)
	var order []string
	for _, m := range regexp.MustCompile(`\? '(.*)' :`).FindAllStringSubmatch(last, -1) {
		order = append(order, m[1])
	}
	if diff := cmp.Diff([]string{"a-b", "a.b", "a0", "b", "a0", "b"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s\n%s", diff, last)
	}
}
