package cel

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// smallTable returns a decision table of three policies: one that writes, one that never does, granted by both API groups, and one
// that asks the same as that.
func smallTable(mode engine.Mode, grants engine.Grants) *engine.Table {
	web := []mapping.Constraint{
		mapping.PrivilegedContainers{},
		mapping.IDRanges{Field: mapping.RunAsUserField, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}, {Min: 100, Max: 200}}, Default: 5},
	}
	logs := []mapping.Constraint{mapping.PrivilegedContainers{}, mapping.HostNamespace{Name: "hostPID"}}
	return &engine.Table{
		Mode: mode, Grants: grants,
		Policies: []engine.Policy{
			{Name: "logs", Constraints: logs, Groups: []string{"extensions", "policy"}, ByRequester: true},
			{Name: "same.as-logs", Constraints: logs, Groups: []string{"policy"}},
			{Name: "web", Constraints: web, Groups: []string{"policy"}, ByRequester: true},
		},
		Sets: []engine.Set{{
			Name: "shop", Namespaces: []string{"shop", "shop-test"}, Level: "baseline", Version: "v1.37",
			Alternatives: []engine.Alternative{
				{Policy: "web", Constraints: web, Everybody: true},
				{Policy: "logs", Constraints: logs, Accounts: []string{"collector"}, Users: []string{"it's me"}, Groups: []string{"ops"}},
				{Policy: "same.as-logs", Constraints: logs, Users: []string{"alice"}},
			},
		}},
	}
}

// checksTable returns a decision table of checks of the standards, for all namespaces but one.
func checksTable() *engine.Table {
	return &engine.Table{Mode: engine.RestrictedButFor, Sets: []engine.Set{{
		Name: "restricted-3f2a9c01", Except: []string{"kube-system"}, Level: "baseline", Version: "v1.30",
		Checks: []engine.LevelCheck{
			{ID: "allowPrivilegeEscalation"},
			{ID: "runAsNonRoot", ExceptWorkloads: []string{"CronJob/night", "Deployment/web", "Pod/bare", "Rollout/new", "StatefulSet/db"}},
		},
	}}}
}

// Each table becomes the documents of its golden file, and the remarks at its end.
func TestGenerate(t *testing.T) {
	t.Parallel()
	both := Options{Minor: 37, Validating: true, Mutating: true, Action: Deny}
	validating := Options{Minor: 30, Validating: true, Action: Deny}
	warn := validating
	warn.Action = Warn
	beta := both
	beta.Minor, beta.Reinvoke = 34, true
	for _, test := range []struct {
		name  string
		table *engine.Table
		o     Options
	}{
		{"delta", smallTable(engine.Delta, engine.DynamicGrants), validating},
		{"delta-static", smallTable(engine.Delta, engine.StaticGrants), validating},
		{"continuity", smallTable(engine.Continuity, engine.DynamicGrants), both},
		{"continuity-beta", smallTable(engine.Continuity, engine.StaticGrants), beta},
		{"continuity-strict", smallTable(engine.Continuity, engine.DynamicGrants), validating},
		{"continuity-warn", smallTable(engine.Continuity, engine.DynamicGrants), warn},
		{"continuity-blocks", looseTable(engine.Continuity, 16), both},
		{"restricted-but-for", checksTable(), validating},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := Generate(test.table, test.o)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, test.name+".yaml", d)
		})
	}
}

// compareGolden compares documents with a golden file.
func compareGolden(t *testing.T, name string, d *Documents) {
	t.Helper()
	var got bytes.Buffer
	for _, doc := range d.Documents {
		text, err := yaml.Marshal(doc.Object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# stage %d: %s\n%s---\n", doc.Stage, doc.File, text)
	}
	for _, r := range d.Remarks {
		fmt.Fprintf(&got, "# %s\n", strings.Join(strings.Fields(strings.Join([]string{r.Policy, r.Field, r.Text}, " ")), " "))
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// looseTable returns a decision table of n policies that accept most pods; every third one writes into them. Each takes two questions
// about grants.
func looseTable(mode engine.Mode, n int) *engine.Table {
	out := &engine.Table{Mode: mode, Grants: engine.DynamicGrants, Sets: []engine.Set{{Name: "all"}}}
	for i := range n {
		constraints := []mapping.Constraint{mapping.HostNamespace{Name: "hostIPC"}}
		if i%3 == 0 {
			constraints = append(constraints, mapping.ReadOnlyRootFilesystem{})
		}
		name := fmt.Sprintf("p%03d", i)
		out.Policies = append(out.Policies, engine.Policy{Name: name, Constraints: constraints, Groups: []string{"policy"}, ByRequester: true})
		out.Sets[0].Alternatives = append(out.Sets[0].Alternatives, engine.Alternative{Policy: name, Constraints: constraints})
	}
	return out
}

// What an API server does not serve or cannot pay for is refused, with what to do.
func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	deny := Options{Minor: 37, Validating: true, Action: Deny}
	with := func(change func(*Options)) Options { o := deny; change(&o); return o }
	twins := looseTable(engine.Delta, 1)
	twins.Sets = append(twins.Sets, twins.Sets[0])
	unknown := looseTable(engine.Delta, 1)
	unknown.Policies = nil
	odd := looseTable(engine.Delta, 1)
	odd.Sets[0].Namespaces = []string{"x y"}
	for _, test := range []struct {
		name  string
		table *engine.Table
		o     Options
		is    error
		says  string
	}{
		{"old server", looseTable(engine.Delta, 1), with(func(o *Options) { o.Minor = 29 }), ErrServer, "v1.29"},
		{"mutation on v1.33", looseTable(engine.Continuity, 1), with(func(o *Options) { o.Minor, o.Mutating = 33, true }), ErrServer, "use mode delta"},
		{"13 policies", looseTable(engine.Delta, 13), deny, ErrTooMuch, "has 13 policies, and a request can pay for asking the grants of 12 of them: use static grants"},
		{"13 policies, nothing written", looseTable(engine.Continuity, 13), deny, ErrTooMuch, "13 policies"},
		{"mutation in delta", looseTable(engine.Delta, 1), with(func(o *Options) { o.Validating, o.Mutating = false, true }), nil, "writes nothing into pods"},
		{"mutation to be tried", looseTable(engine.Continuity, 1), with(func(o *Options) { o.Validating, o.Mutating, o.Action = false, true, Warn }), nil, "cannot be tried"},
		{"nothing", looseTable(engine.Delta, 1), Options{Minor: 37, Action: Deny}, nil, "neither"},
		{"no action", looseTable(engine.Delta, 1), with(func(o *Options) { o.Action = "" }), nil, "none of audit, warn and deny"},
		{"two sets of a name", twins, deny, nil, "the same name"},
		{"no such policy", unknown, deny, nil, `no policy "p000"`},
		{"no such namespace", odd, deny, nil, `"x y"`},
		{"no such check", &engine.Table{Mode: engine.RestrictedButFor, Sets: []engine.Set{{Name: "x", Checks: []engine.LevelCheck{{ID: "none"}}}}}, deny, errors.ErrUnsupported, `"none"`},
		{"empty set", &engine.Table{Mode: engine.Delta, Sets: []engine.Set{{Name: "x"}}}, deny, nil, "nothing that a pod has to satisfy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := Generate(test.table, test.o)
			if err == nil || d != nil || !strings.Contains(err.Error(), test.says) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A set that costs as much as a request can pay for is written; with the action audit also one that costs more, and it is said.
func TestGrantBudget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ both, requesters bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		o := Options{Minor: 37, Validating: true, Action: Deny}
		most := MaxAsked(o, test.both, test.requesters)
		of := func(n int) *engine.Table {
			table := looseTable(engine.Delta, n)
			for i := range table.Policies {
				table.Policies[i].ByRequester = test.requesters
				if test.both {
					table.Policies[i].Groups = []string{"extensions", "policy"}
				}
			}
			return table
		}
		if _, err := Generate(of(most), o); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		if _, err := Generate(of(most+1), o); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%+v: %d policies: %v", test, most+1, err)
		}
		static := of(most + 1)
		static.Grants = engine.StaticGrants
		if _, err := Generate(static, o); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		o.Action = Audit
		d, err := Generate(of(most+1), o)
		if err != nil || !hasRemark(d, "engine-cel-audit-budget") {
			t.Errorf("%+v: %v without the remark", test, err)
		}
	}
}

// Policies whose grants are written down are not refused for their number: what they cost is up to the pod. With more that demand
// something than a wide pod can pay for it is said; those that demand the same are one, and those that demand nothing cost nothing.
func TestStaticBudget(t *testing.T) {
	t.Parallel()
	type demands = func(i int) []mapping.Constraint
	of := func(i int) []mapping.Constraint {
		return []mapping.Constraint{mapping.CSIDrivers{Drivers: []string{fmt.Sprint("driver-", i)}}}
	}
	for name, test := range map[string]struct {
		mode     engine.Mode
		policies int
		demands  demands
		told     bool
	}{
		"as many":             {engine.Delta, maxStatic, of, false},
		"one more":            {engine.Delta, maxStatic + 1, of, true},
		"changes of pods":     {engine.Continuity, maxStatic + 1, of, true},
		"the same":            {engine.Delta, maxStatic + 1, func(int) []mapping.Constraint { return of(0) }, false},
		"nothing but by some": {engine.Delta, maxStatic + 1, func(i int) []mapping.Constraint { return of(i)[:i%2] }, false},
	} {
		table := looseTable(test.mode, test.policies)
		table.Grants = engine.StaticGrants
		for i := range table.Policies {
			table.Policies[i].Constraints = test.demands(i)
			table.Sets[0].Alternatives[i].Constraints = test.demands(i)
		}
		d, err := Generate(table, Options{Minor: 37, Validating: true, Mutating: test.mode == engine.Continuity, Action: Deny})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !hasRemark(d, "engine-cel-wide-pods") {
			t.Errorf("%s: it is not told that wider pods are not counted for", name)
		}
		if told := hasRemark(d, "engine-cel-static-budget"); told != test.told {
			t.Errorf("%s: %d policies that are too many are told: %t", name, test.policies, told)
		}
	}
}

func hasRemark(d *Documents, id string) bool {
	for _, r := range d.Remarks {
		if r.ID == id {
			return true
		}
	}
	return false
}

// What of a policy cannot be said is a remark with its name and field, once, and only where it is asked.
func TestPolicyRemarks(t *testing.T) {
	t.Parallel()
	odd := mapping.Profiles{Kind: mapping.AppArmorProfiles, Listed: true, Allowed: []string{"runtime/default"}}
	for _, mode := range []engine.Mode{engine.Delta, engine.Continuity} {
		table := looseTable(mode, 2)
		table.Policies[0].Constraints = append(table.Policies[0].Constraints, odd)
		table.Policies[1].Constraints = append(table.Policies[1].Constraints, odd)
		a := &table.Sets[0].Alternatives[0]
		a.Constraints = table.Policies[0].Constraints
		table.Sets = append(table.Sets, engine.Set{Name: "more", Alternatives: table.Sets[0].Alternatives})
		d, err := Generate(table, Options{Minor: 37, Validating: true, Action: Deny})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range d.Remarks {
			if r.ID == "engine-check-apparmor-fields" {
				got = append(got, r.Policy+" "+r.Field)
			}
		}
		want := []string{"p000 " + odd.Fields()[0]}
		if mode == engine.Continuity {
			want = append(want, "p001 "+odd.Fields()[0])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: remarks (-want +got):\n%s", mode, diff)
		}
	}
}

// tableOfDrivers returns a decision table of a policy for each length of the name of a CSI driver that it allows.
func tableOfDrivers(lengths ...int) *engine.Table {
	table := looseTable(engine.Delta, len(lengths))
	table.Grants = engine.StaticGrants
	for i, n := range lengths {
		c := []mapping.Constraint{mapping.CSIDrivers{Drivers: []string{fmt.Sprint(i) + strings.Repeat("x", n)}}}
		table.Policies[i].Constraints, table.Sets[0].Alternatives[i].Constraints = c, c
	}
	return table
}

// Expressions as long as an API server reads are written; longer ones are refused, with their length.
func TestExpressionSize(t *testing.T) {
	t.Parallel()
	o := Options{Minor: 37, Validating: true, Action: Deny}
	low, high := 1000, 200_000
	for high-low > 1 {
		if _, err := Generate(tableOfDrivers((low+high)/2), o); err == nil {
			low = (low + high) / 2
		} else {
			high = (low + high) / 2
		}
	}
	fits, err := Generate(tableOfDrivers(low), o)
	if err != nil {
		t.Fatal(err)
	}
	if longest := longestExpression(t, fits); longest != maxExpressionSize {
		t.Errorf("the longest expression that is written has %d code points", longest)
	}
	if _, err := Generate(tableOfDrivers(high), o); !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), fmt.Sprint(maxExpressionSize+1)) {
		t.Errorf("error %v", err)
	}
}

// longestExpression returns the code points of the longest expression of documents, and fails the test where there is none.
func longestExpression(t *testing.T, d *Documents) int {
	t.Helper()
	longest := 0
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, v := range value {
				walk(v)
			}
		case []any:
			for _, v := range value {
				walk(v)
			}
		case string:
			longest = max(longest, len([]rune(value)))
		}
	}
	for _, doc := range d.Documents {
		walk(doc.Object)
	}
	if longest == 0 {
		t.Fatal("there is no expression")
	}
	return longest
}

// However many policies write however much, one mutation has no more than an API server reads: not too long, nor with too many choices
// within each other. Each policy is chosen once among those that change nothing, and once among those that do.
func TestMutationSize(t *testing.T) {
	t.Parallel()
	for _, grants := range []engine.Grants{engine.DynamicGrants, engine.StaticGrants} {
		for _, n := range []int{1, 12, 40, 66, 67, 100, 101, 250} {
			table := looseTable(engine.Continuity, n)
			table.Grants = grants
			if much := min(1000, 50_000/n); n <= 101 { // each writes much; with more the object is too large
				for i := range table.Policies {
					table.Policies[i].Constraints = append(table.Policies[i].Constraints, mapping.Capabilities{RequiredDrops: []string{"DROP_" + strings.Repeat("X", much)}})
				}
			}
			d, err := Generate(table, Options{Minor: 37, Mutating: true, Action: Deny})
			if err != nil {
				t.Fatalf("%s, %d policies: %v", grants, n, err)
			}
			if longest := longestExpression(t, d); longest > maxExpressionSize {
				t.Errorf("%s, %d policies: an expression has %d code points", grants, n, longest)
			}
			spec := d.Documents[0].Object.(map[string]any)["spec"].(map[string]any)
			for _, v := range spec["variables"].([]any) {
				v := v.(map[string]any)
				if choices := strings.Count(v["expression"].(string), " ? "); choices > maxChoices+1 {
					t.Errorf("%s, %d policies: the variable %s has %d choices", grants, n, v["name"], choices)
				}
			}
		}
	}
}

// Objects as large as an API server stores are written, and those that are large are told; larger ones are refused.
func TestObjectSize(t *testing.T) {
	t.Parallel()
	of := func(size int) *engine.Table {
		const parts = 50
		lengths := make([]int, parts)
		for i := range lengths {
			lengths[i] = (size + i) / parts
		}
		return tableOfDrivers(lengths...)
	}
	o := Options{Minor: 37, Validating: true, Action: Deny}
	small, err := Generate(of(1000), o)
	if err != nil || hasRemark(small, "engine-cel-large-object") {
		t.Fatalf("error %v, remarks %v", err, small.Remarks)
	}
	// What is not the long text is as long for all.
	low, high := 100_000, 3_000_000
	for high-low > 1 {
		if _, err := Generate(of((low+high)/2), o); err == nil {
			low = (low + high) / 2
		} else {
			high = (low + high) / 2
		}
	}
	fits, err := Generate(of(low), o)
	if err != nil || !hasRemark(fits, "engine-cel-large-object") {
		t.Fatalf("error %v, remarks %v", err, fits.Remarks)
	}
	text, err := yaml.Marshal(fits.Documents[0].Object)
	if err != nil || len(text) < maxObjectSize-2000 || len(text) > maxObjectSize+200_000 {
		t.Errorf("the largest object has %d bytes of YAML: %v", len(text), err)
	}
	if _, err := Generate(of(high), o); !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), fmt.Sprint(maxObjectSize)) {
		t.Errorf("error %v", err)
	}
}

// A MutatingAdmissionPolicy as large as an API server compiles in time is written; with one more policy it is refused, with the number.
func TestMutatingSize(t *testing.T) {
	t.Parallel()
	of := func(n int) *engine.Table {
		table := looseTable(engine.Continuity, n)
		for i := range table.Policies {
			table.Policies[i].Constraints = append(table.Policies[i].Constraints, mapping.Capabilities{RequiredDrops: []string{"DROP_" + strings.Repeat("X", 1000)}})
		}
		return table
	}
	for _, o := range []Options{{Minor: 37, Mutating: true, Action: Deny}, {Minor: 37, Mutating: true, Validating: true, Action: Deny, Reinvoke: true}} {
		low, high := 1, 1000
		for high-low > 1 {
			if _, err := Generate(of((low+high)/2), o); err == nil {
				low = (low + high) / 2
			} else {
				high = (low + high) / 2
			}
		}
		fits, err := Generate(of(low), o)
		if err != nil || !hasRemark(fits, "engine-cel-large-object") {
			t.Fatalf("%+v: %v", o, err)
		}
		if text, err := yaml.Marshal(fits.Documents[0].Object); err != nil || len(text) < maxMutatingSize*9/10 {
			t.Errorf("%+v: the largest has %d bytes of YAML: %v", o, len(text), err)
		}
		_, err = Generate(of(high), o)
		if want := fmt.Sprintf("with %d policies has ", high); !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprint("no more than ", maxMutatingSize)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// No expression is longer than an API server reads: of policies with long lists each constraint is a variable, and of many policies
// that write, each mutation has some. One list that is too long by itself is refused, with how long it is.
func TestLongExpressions(t *testing.T) {
	t.Parallel()
	long := func(entries int) []mapping.Constraint {
		var ranges []pspparse.IDRange
		var paths []pspparse.AllowedHostPath
		for i := range entries {
			ranges = append(ranges, pspparse.IDRange{Min: int64(i * 1000), Max: int64(i*1000 + 500)})
			paths = append(paths, pspparse.AllowedHostPath{PathPrefix: fmt.Sprintf("/%s/%d", strings.Repeat("x", 40), i), ReadOnly: i%2 == 0})
		}
		out := []mapping.Constraint{mapping.HostPaths{Paths: paths}}
		for _, field := range []string{mapping.RunAsUserField, mapping.RunAsGroupField, mapping.SupplementalGroupsField, mapping.FSGroupField} {
			out = append(out, mapping.IDRanges{Field: field, Ranges: ranges})
		}
		return out
	}
	of := func(mode engine.Mode, n, entries int) *engine.Table {
		table := looseTable(mode, n)
		table.Grants = engine.StaticGrants
		for i := range table.Policies {
			table.Policies[i].Constraints, table.Sets[0].Alternatives[i].Constraints = long(entries), long(entries)
		}
		return table
	}
	for _, mode := range []engine.Mode{engine.Delta, engine.Continuity} {
		o := Options{Minor: 37, Validating: true, Mutating: mode == engine.Continuity, Action: Deny}
		for _, size := range []struct{ policies, entries int }{{1, 500}, {2, 300}, {60, 3}} {
			d, err := Generate(of(mode, size.policies, size.entries), o)
			if err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(d.Documents[0].Object)
			if err != nil || len(text) < 10_000 {
				t.Fatalf("%d bytes, %v", len(text), err)
			}
		}
		if _, err := Generate(of(mode, 1, 2000), o); !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), "reads no more than 100000") {
			t.Errorf("%s: error %v", mode, err)
		}
	}
	d, err := Generate(of(engine.Continuity, 60, 3), Options{Minor: 37, Validating: true, Mutating: true, Action: Deny})
	if err != nil {
		t.Fatal(err)
	}
	mutations := d.Documents[0].Object.(map[string]any)["spec"].(map[string]any)["mutations"].([]any)
	if len(mutations) < 1+2*2 {
		t.Errorf("60 policies in %d mutations", len(mutations))
	}
}
