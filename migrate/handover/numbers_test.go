package handover_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/patch"
)

// Every number of the report is the Plan's: counted here from the Plan in another way.
func TestNumbersAreThePlans(t *testing.T) {
	t.Parallel()
	forEachPlan(t, func(t *testing.T, p *migrate.Plan) {
		t.Parallel()
		answer := answerOf(p)
		r := handover.Build(p, answer, handover.Options{})
		checkVerdict(t, answer, r.Summary.Verdict)
		if diff := cmp.Diff(countLevels(p), r.Summary.Levels); diff != "" {
			t.Errorf("levels (-want +got):\n%s", diff)
		}
		checkBlockers(t, p, r.Summary.Blockers)
		checkLost(t, p, r.Summary.Lost)
		checkNext(t, p, answer, r.Summary.Next)
		checkNamespaceNumbers(t, p, r)
		checkWorkloadNumbers(t, p, tableOf(t, r, "workloads"))
		checkPolicyNumbers(t, p, r)
		checkUses(t, p, tableOf(t, r, "policy-use"))
		checkUpgrade(t, answer, tableOf(t, r, "upgrade"))
		checkVersions(t, p, tableOf(t, r, "version-counts"), tableOf(t, r, "version-changes"))
		checkGaps(t, p, r)
		checkReferences(t, r)
	})
}

// checkVerdict compares the verdict with the answer of the gate.
func checkVerdict(t *testing.T, answer *gate.Result, v handover.Verdict) {
	t.Helper()
	want := "not-ready"
	if answer.Pass {
		want = "ready"
	} else if len(answer.Reasons) == 0 {
		want = "unknown"
	}
	if v.Status != want || !strings.Contains(v.Text, answer.To) {
		t.Errorf("verdict %+v, want %s", v, want)
	}
	for _, n := range []int{len(answer.Reasons), len(answer.Unknown)} {
		if n > 0 && !strings.Contains(v.Text, fmt.Sprintf(" %d ", n)) {
			t.Errorf("verdict %q, want the number %d", v.Text, n)
		}
	}
}

// todayOf is the level that a namespace enforces, from its labels and the configuration.
func todayOf(ns *migrate.Namespace) string {
	label, there := ns.Labels[api.EnforceLevelLabel]
	switch {
	case ns.Exempt:
		return "none"
	case there && slices.Contains([]string{"privileged", "baseline", "restricted"}, label):
		return label
	case there:
		return "restricted" // so the server takes an invalid one
	case ns.EffectiveLabels != nil:
		return ns.EffectiveLabels.Enforce
	case ns.ObjectNotRead:
		return "unknown"
	}
	return "none"
}

// rank orders levels, loose to strict.
func rank(level string) int {
	return slices.Index([]string{"privileged", "baseline", "restricted"}, level)
}

// recommendedOf is the level that a namespace enforces once the recommended labels are set.
func recommendedOf(ns *migrate.Namespace) string {
	enforce, override := ns.RecommendedLabels.Enforce, ns.DecidedBy != nil && ns.DecidedBy.Basis == migrate.BasisOverride
	looser := rank(enforce) >= 0 && rank(enforce) < rank(todayOf(ns))
	unmet := rank(string(ns.NeededLevel)) >= 0 && rank(string(ns.NeededLevel)) < rank(enforce) && !ns.Exempt
	switch {
	case ns.Action == migrate.ActionWithheld, enforce == "" && !ns.Terminating && slices.Contains(ns.UncertainParts, "workloads"):
		return "unknown"
	case enforce == "" || ns.Action == migrate.ActionSkip, !unmet && !override && (looser || ns.Action == migrate.ActionLoosen):
		return todayOf(ns)
	}
	return enforce
}

// patchedOf is the level once what 'patch --keep' writes is applied, too.
func patchedOf(ns *migrate.Namespace, written map[string]bool) string {
	before := recommendedOf(ns)
	if before == "unknown" {
		return before
	}
	if rank(string(ns.AchievableLevel)) <= rank(string(ns.NeededLevel)) || ns.NeededLevel == "" {
		return before
	}
	least := ""
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		level := string(w.Levels.AfterPSP)
		if w.Exempt != nil && w.Exempt.RuntimeClass != "" {
			continue
		}
		if written[ns.Name+"/"+w.Kind+"/"+w.Name] && w.Levels.AsAdmitted != "" {
			level = string(w.Levels.AsAdmitted)
		}
		if least == "" || rank(level) < rank(least) {
			least = level
		}
	}
	if rank(least) > rank(string(ns.NeededLevel)) && rank(least) > rank(before) {
		return least
	}
	return before
}

// keepPatches are the names of the workloads that 'patch --keep' writes into, and of those that it leaves to people.
func keepPatches(p *migrate.Plan) (written map[string]bool, byHand map[string]int) {
	written, byHand = map[string]bool{}, map[string]int{}
	for _, w := range patch.PatchesFor(p, patch.Options{Set: patch.SetKeep}) {
		name := w.Namespace + "/" + w.Kind + "/" + w.Name
		switch {
		case w.ManualReason.ID != "" || w.Incomplete:
			byHand[name]++
		case len(w.Values) > 0:
			written[name] = true
		}
	}
	return written, byHand
}

// countLevels counts the namespaces by level.
func countLevels(p *migrate.Plan) []handover.LevelCount {
	out := []handover.LevelCount{{Level: "restricted"}, {Level: "baseline"}, {Level: "privileged"}, {Level: "none"}, {Level: "unknown"}}
	written, _ := keepPatches(p)
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		for k := range out {
			if out[k].Level == todayOf(ns) {
				out[k].Today++
			}
			if out[k].Level == recommendedOf(ns) {
				out[k].Recommended++
			}
			if out[k].Level == patchedOf(ns, written) {
				out[k].WithPatches++
			}
		}
	}
	return out
}

// checkBlockers counts the blockers of every namespace.
func checkBlockers(t *testing.T, p *migrate.Plan, got []handover.BlockerCount) {
	t.Helper()
	type numbers struct{ namespaces, workloads map[string]bool }
	want := map[[3]string]numbers{}
	for _, ns := range p.Namespaces {
		for _, b := range ns.Blockers {
			key := [3]string{b.Check, string(b.Level), b.Reason}
			if want[key].namespaces == nil {
				want[key] = numbers{map[string]bool{}, map[string]bool{}}
			}
			want[key].namespaces[ns.Name] = true
			for _, w := range b.Workloads {
				want[key].workloads[ns.Name+"/"+w.Kind+"/"+w.Name] = true
			}
		}
	}
	for _, b := range got {
		n := want[[3]string{b.Check, b.Level, b.Text}]
		if b.Namespaces != len(n.namespaces) || b.Workloads != len(n.workloads) {
			t.Errorf("%+v, want %d workloads in %d namespaces", b, len(n.workloads), len(n.namespaces))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d blockers, want %d", len(got), len(want))
	}
}

// lostIn counts the fields of one class that a namespace loses, from the set that it refers to.
func lostIn(p *migrate.Plan, ns *migrate.Namespace, class string) map[string]bool {
	out := map[string]bool{}
	for _, set := range p.LostSets {
		for _, l := range set.Constraints {
			if set.Key == ns.LostKey && string(l.Class) == class {
				out[l.Field] = true
			}
		}
	}
	return out
}

// checkLost counts what is lost by risk.
func checkLost(t *testing.T, p *migrate.Plan, got []handover.LossCount) {
	t.Helper()
	for _, l := range got {
		fields, namespaces := map[string]bool{}, 0
		for i := range p.Namespaces {
			here := lostIn(p, &p.Namespaces[i], l.Class)
			if len(here) > 0 {
				namespaces++
			}
			for f := range here {
				fields[f] = true
			}
		}
		if l.Class == "drift" {
			for _, d := range p.StandardsDrift {
				fields[d.Field] = true
			}
		}
		if l.Constraints != len(fields) || l.Namespaces != namespaces {
			t.Errorf("%+v, want %d fields in %d namespaces", l, len(fields), namespaces)
		}
	}
}

// checkNext compares the effort of the next steps with what the commands that they name would touch.
func checkNext(t *testing.T, p *migrate.Plan, answer *gate.Result, got []handover.NextStep) {
	t.Helper()
	if len(got) > 3 {
		t.Errorf("%d next steps, want at most 3", len(got))
	}
	written, byHand := keepPatches(p)
	for _, step := range got {
		if len(step.Commands) == 0 {
			continue
		}
		if strings.HasPrefix(step.Commands[0], "psp2pss gate") {
			if want := fmt.Sprintf("%d reason", len(answer.Reasons)); !answer.Pass && !strings.HasPrefix(step.Effort, want) || answer.Pass && step.Effort != "nothing is changed" {
				t.Errorf("the effort %q, want %s", step.Effort, want)
			}
			continue
		}
		namespaces, workloads := -1, 0
		switch command := step.Commands[0]; {
		case strings.HasPrefix(command, "psp2pss patch "):
			in := map[string]bool{}
			for name := range written {
				ns, _, _ := strings.Cut(name, "/")
				in[ns] = true
				workloads++
			}
			for name, n := range byHand {
				ns, _, _ := strings.Cut(name, "/")
				in[ns] = true
				workloads += n
			}
			namespaces = len(in)
		case strings.Contains(command, " -n "): // some of them, which it names
		case strings.HasSuffix(command, "--stage=observe"):
			namespaces = labelled(t, p, labels.StageObserve)
		case strings.HasSuffix(command, "--stage=enforce"):
			namespaces = labelled(t, p, labels.StageEnforce)
		}
		if namespaces >= 0 && (step.Namespaces != namespaces || step.Workloads != workloads) {
			t.Errorf("%+v, want %d workloads in %d namespaces", step, workloads, namespaces)
		}
		if n := step.Namespaces; step.Effort != "nothing is changed" && !strings.Contains(step.Effort, fmt.Sprint(n)+" namespace") || !strings.Contains(step.Effort, fmt.Sprint(step.Workloads)+" workload") && step.Workloads > 0 {
			t.Errorf("the effort %q has not the numbers of %+v", step.Effort, step)
		}
	}
}

// labelled counts the namespaces that a stage of the labels writes to with commands.
func labelled(t *testing.T, p *migrate.Plan, stage labels.Stage) int {
	t.Helper()
	var script bytes.Buffer
	if err := labels.WriteCommands(&script, p, labels.Options{Stage: stage}); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(script.String()) {
		if words := strings.Fields(strings.TrimPrefix(line, "[ ")); strings.Contains(line, "kubectl label ") && !strings.HasPrefix(line, "#") {
			at := slices.Index(words, "namespace")
			if strings.Contains(line, "|| ") {
				at = len(words) - 1 - slices.Index(reversed(words), "namespace")
			}
			named[strings.TrimPrefix(words[at+1], "--field-selector=metadata.name=")] = true
		}
	}
	return len(named)
}

// reversed is a list from its end.
func reversed(words []string) []string {
	out := slices.Clone(words)
	slices.Reverse(out)
	return out
}

// checkNamespaceNumbers compares the rows on namespaces with the Plan.
func checkNamespaceNumbers(t *testing.T, p *migrate.Plan, r *handover.Report) {
	t.Helper()
	table := tableOf(t, r, "namespaces")
	if len(table.Rows) != len(p.Namespaces) {
		t.Errorf("%d rows, want %d", len(table.Rows), len(p.Namespaces))
	}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		at := slices.IndexFunc(table.Rows, func(row handover.Row) bool { return row.Cells[0].Text == ns.Name })
		if at < 0 {
			t.Errorf("no row on %s", ns.Name)
			continue
		}
		row := &table.Rows[at]
		var workloads []string
		for _, w := range ns.Workloads {
			workloads = append(workloads, ns.Name+"/"+strings.ToLower(w.Kind)+"/"+w.Name)
		}
		cell := cellOf(t, table, row, "workloads")
		if diff := cmp.Diff(sorted(workloads), namesOf(t, r, "workloads", cell.Rows)); diff != "" || cell.Number != len(ns.Workloads) {
			t.Errorf("%s: %d workloads, want %d; references (-want +got):\n%s", ns.Name, cell.Number, len(ns.Workloads), diff)
		}
		if got, want := cellOf(t, table, row, "lost").Number, len(lostIn(p, ns, "security")); got != want {
			t.Errorf("%s: %d restrictions lost, want %d", ns.Name, got, want)
		}
		for column, want := range map[string]string{"needed": string(ns.NeededLevel), "permitted": string(ns.PermittedLevel)} {
			if got := cellOf(t, table, row, column).Text; got != want {
				t.Errorf("%s: %s is %q, want %q", ns.Name, column, got, want)
			}
		}
		switch got, want := cellOf(t, table, row, "recommended").Text, recommendedOf(ns); {
		case got == want, got == "as today" && want == todayOf(ns), got == "not set" && want == "none":
		default:
			t.Errorf("%s: recommended is %q, want %q", ns.Name, got, want)
		}
	}
}

// checkWorkloadNumbers compares the rows on workloads with the Plan.
func checkWorkloadNumbers(t *testing.T, p *migrate.Plan, table *handover.Table) {
	t.Helper()
	var want, got []string
	written, byHand := keepPatches(p)
	for _, ns := range p.Namespaces {
		blocks := map[string]bool{}
		for _, b := range ns.Blockers {
			for _, w := range b.Workloads {
				blocks[w.Kind+"/"+w.Name] = true
			}
		}
		for i := range ns.Workloads {
			w := &ns.Workloads[i]
			key := ns.Name + "/" + w.Kind + "/" + w.Name
			want = append(want, fmt.Sprint(ns.Name+"/"+strings.ToLower(w.Kind)+"/"+w.Name, w.Levels.AsWritten, w.Levels.AsAdmitted, w.Levels.AfterPSP, w.Replicas, w.Pods,
				blocks[w.Kind+"/"+w.Name], written[key] && byHand[key] == 0, byHand[key] > 0))
		}
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		cell := func(column string) handover.Cell { return cellOf(t, table, row, column) }
		after, _, _ := strings.Cut(cell("after-psp").Text, " ")
		change := cell("change").Text
		got = append(got, fmt.Sprint(cell("namespace").Text+"/"+cell("workload").Text, api.Level(cell("as-written").Text), api.Level(cell("as-admitted").Text), api.Level(after),
			cell("replicas").Number, cell("pods").Number, cell("blocks").Text != "", change == "patch", change == "change by hand"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
}

// checkPolicyNumbers compares the rows on policies with the Plan.
func checkPolicyNumbers(t *testing.T, p *migrate.Plan, r *handover.Report) {
	t.Helper()
	table := tableOf(t, r, "policies")
	if len(table.Rows) != len(p.Policies) {
		t.Fatalf("%d rows, want %d", len(table.Rows), len(p.Policies))
	}
	for i := range p.Policies {
		po, row := &p.Policies[i], &table.Rows[i]
		lost, workloads, namespaces := map[string]bool{}, 0, 0
		var users, homes []string
		for _, l := range po.Lost {
			if l.Class == "security" {
				lost[l.Field] = true
			}
		}
		for _, ns := range p.Namespaces {
			here := 0
			for _, w := range ns.Workloads {
				if w.AdmittedBy == po.Name {
					here++
					users = append(users, ns.Name+"/"+strings.ToLower(w.Kind)+"/"+w.Name)
				}
			}
			if here > 0 {
				homes = append(homes, ns.Name)
			}
			workloads += here
			namespaces += min(here, 1)
		}
		if diff := cmp.Diff(sorted(users), namesOf(t, r, "workloads", cellOf(t, table, row, "workloads").Rows)); diff != "" {
			t.Errorf("%s refers to other workloads (-want +got):\n%s", po.Name, diff)
		}
		if diff := cmp.Diff(sorted(homes), namesOf(t, r, "namespaces", cellOf(t, table, row, "namespaces").Rows)); diff != "" {
			t.Errorf("%s refers to other namespaces (-want +got):\n%s", po.Name, diff)
		}
		want := []int{len(po.Conditions), len(po.MutatingFields), len(lost), workloads, namespaces}
		var got []int
		for _, column := range []string{"conditions", "sets", "lost", "workloads", "namespaces"} {
			got = append(got, cellOf(t, table, row, column).Number)
		}
		if row.Cells[0].Text != po.Name || cellOf(t, table, row, "closest").Text != string(po.ClosestLevel) || !slices.Equal(want, got) {
			t.Errorf("%s: %v, want %v", po.Name, got, want)
		}
	}
}

// sorted is a list in order, empty where it is nil.
func sorted(names []string) []string {
	out := append([]string{}, names...)
	slices.Sort(out)
	return out
}

// namesOf are the names of what rows of a table are about, sorted: a namespace, or namespace/kind/name.
func namesOf(t *testing.T, r *handover.Report, table string, ids []string) []string {
	t.Helper()
	var out []string
	for _, id := range ids {
		at := slices.IndexFunc(tableOf(t, r, table).Rows, func(row handover.Row) bool { return row.ID == id })
		if at < 0 {
			t.Errorf("there is no row %q", id)
			continue
		}
		row := &tableOf(t, r, table).Rows[at]
		name := row.Cells[0].Text
		if table == "workloads" {
			name += "/" + row.Cells[1].Text
		}
		out = append(out, name)
	}
	return sorted(out)
}

// checkUses compares the ways to use policies with the grants of the Plan.
func checkUses(t *testing.T, p *migrate.Plan, table *handover.Table) {
	t.Helper()
	want, got := map[string]bool{}, map[string]bool{}
	for i := range p.Policies {
		for _, g := range p.GrantsOf(&p.Policies[i]) {
			want[strings.Join([]string{p.Policies[i].Name, g.Binding, g.Role, g.Subject.String(), g.Namespace}, "|")] = true
		}
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		cell := func(column string) string { return cellOf(t, table, row, column).Text }
		policies := []string{cell("policy")}
		if policies[0] == "every policy" {
			policies = nil
			for k := range p.Policies {
				policies = append(policies, p.Policies[k].Name)
			}
		}
		account, namespace := cell("account"), cell("namespace")
		if _, inner, ok := strings.Cut(account, " ("); ok {
			account = strings.TrimSuffix(inner, ")")
		}
		if namespace == "everywhere" {
			namespace = ""
		}
		for _, policy := range policies {
			got[strings.Join([]string{policy, cell("binding"), cell("role"), account, namespace}, "|")] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ways to use policies (-want +got):\n%s", diff)
	}
}

// checkUpgrade compares the steps of the upgrade with the answer of the gate.
func checkUpgrade(t *testing.T, answer *gate.Result, table *handover.Table) {
	t.Helper()
	objects, order := map[string]int{}, map[string]int{}
	for _, reason := range answer.Reasons {
		objects["reason "+reason.ID], order["reason "+reason.ID] = len(reason.Objects), reason.Order
	}
	for _, u := range answer.Unknown {
		order["question "+u.ID] = u.Order
	}
	before := 0
	for i := range table.Rows {
		row := &table.Rows[i]
		id := cellOf(t, table, row, "kind").Text + " " + cellOf(t, table, row, "id").Text
		if n := cellOf(t, table, row, "objects").Number; n != objects[id] || cellOf(t, table, row, "step").Number != i+1 || order[id] < before {
			t.Errorf("step %d, %s: %d objects, want %d; order %d after %d", i+1, id, n, objects[id], order[id], before)
		}
		before = order[id]
	}
	if len(table.Rows) != len(answer.Reasons)+len(answer.Unknown) {
		t.Errorf("%d steps, want %d reasons and %d questions", len(table.Rows), len(answer.Reasons), len(answer.Unknown))
	}
}

// checkVersions compares the levels across versions with the spans of the Plan.
func checkVersions(t *testing.T, p *migrate.Plan, counts, changes *handover.Table) {
	t.Helper()
	spans, changing := 0, 0
	for _, ns := range p.Namespaces {
		if n := len(ns.LevelByVersion); n > 1 {
			spans, changing = spans+n, changing+1
		}
	}
	if len(changes.Rows) != spans {
		t.Errorf("%d spans of %d namespaces, want %d", len(changes.Rows), changing, spans)
	}
	changed := 0
	for i := range counts.Rows {
		row := &counts.Rows[i]
		version := cellOf(t, counts, row, "version").Text
		for _, level := range []string{"restricted", "baseline", "privileged", "none"} {
			want := 0
			for k := range p.Namespaces {
				if levelAt(t, &p.Namespaces[k], version) == level {
					want++
				}
			}
			if got := cellOf(t, counts, row, level).Number; got != want {
				t.Errorf("%s: %d at %s, want %d", version, got, level, want)
			}
		}
		changed += cellOf(t, counts, row, "changed").Number
	}
	if changed != spans-changing {
		t.Errorf("%d changes from version to version, want %d", changed, spans-changing)
	}
}

// levelAt is the level that a namespace needs at a version.
func levelAt(t *testing.T, ns *migrate.Namespace, version string) string {
	t.Helper()
	at, err := api.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range ns.LevelByVersion {
		from, err := api.ParseVersion(span.From)
		if err != nil {
			t.Fatal(err)
		}
		to, err := api.ParseVersion(span.To)
		if err != nil {
			t.Fatal(err)
		}
		if !at.Older(from) && !to.Older(at) && span.Needed != "" {
			return string(span.Needed)
		}
	}
	return "none"
}

// checkGaps compares what could not be seen, and the coverage, with the Plan.
func checkGaps(t *testing.T, p *migrate.Plan, r *handover.Report) {
	t.Helper()
	gaps := tableOf(t, r, "gaps")
	if len(gaps.Rows) != len(p.Gaps) || len(p.Gaps) > 0 && len(r.Summary.Unseen) == 0 {
		t.Errorf("%d gaps and %q, want %d", len(gaps.Rows), r.Summary.Unseen, len(p.Gaps))
	}
	for i := range gaps.Rows {
		want := len(p.Gaps[i].Affects)
		if slices.Contains(p.Gaps[i].Affects, "*") {
			want = len(p.Namespaces)
		}
		if got := cellOf(t, gaps, &gaps.Rows[i], "namespaces").Number; got != want {
			t.Errorf("gap %d touches %d namespaces, want %d", i, got, want)
		}
	}
	workloads, pods := 0, 0
	for _, ns := range p.Namespaces {
		workloads += len(ns.Workloads)
		for _, w := range ns.Workloads {
			pods += w.Pods
		}
	}
	if r.Summary.Namespaces != len(p.Namespaces) || r.Summary.Workloads != workloads {
		t.Errorf("%d namespaces, %d workloads, want %d, %d", r.Summary.Namespaces, r.Summary.Workloads, len(p.Namespaces), workloads)
	}
	coverage := tableOf(t, r, "coverage")
	for what, want := range map[string]int{
		"namespaces": len(p.Namespaces), "workloads": workloads, "live pods": pods, "PodSecurityPolicies": len(p.Policies), "gaps": len(p.Gaps), "bindings to them": len(p.Bindings),
	} {
		at := slices.IndexFunc(coverage.Rows, func(row handover.Row) bool { return row.Cells[0].Text == what })
		if at < 0 || coverage.Rows[at].Cells[1].Number != want {
			t.Errorf("the coverage has not %d %s: row %d", want, what, at)
		}
	}
}

// checkReferences checks that every reference from a cell leads to a row, and that of a name to the row about it.
func checkReferences(t *testing.T, r *handover.Report) {
	t.Helper()
	rows, tables := map[string]*handover.Row{}, map[string]bool{}
	for i := range r.Sections {
		for _, table := range r.Sections[i].Tables {
			tables[table.ID] = true
			for k := range table.Rows {
				if rows[table.Rows[k].ID] != nil {
					t.Errorf("two rows have the ID %s", table.Rows[k].ID)
				}
				rows[table.Rows[k].ID] = &table.Rows[k]
			}
		}
	}
	for i := range r.Sections {
		for _, table := range r.Sections[i].Tables {
			for k := range table.Rows {
				checkRow(t, table, &table.Rows[k], rows)
			}
			for _, column := range table.Columns {
				if column.Table != "" && !tables[column.Table] {
					t.Errorf("the column %s of %s refers to a table %q that is not there", column.ID, table.ID, column.Table)
				}
			}
		}
	}
}

// checkRow checks the shape of a row, and its references.
func checkRow(t *testing.T, table *handover.Table, row *handover.Row, rows map[string]*handover.Row) {
	t.Helper()
	if len(row.Cells) != len(table.Columns) {
		t.Fatalf("%s has %d cells, want %d", row.ID, len(row.Cells), len(table.Columns))
	}
	for k, c := range row.Cells {
		column := table.Columns[k]
		if len(c.Rows) > 0 && column.Table == "" || column.Kind != "number" && c.Number != 0 || column.Kind == "number" && c.Text != "" {
			t.Errorf("%s, %s: %+v does not suit the column", row.ID, column.ID, c)
		}
		for _, id := range c.Rows {
			to := rows[id]
			switch {
			case id == "":
			case to == nil || !strings.HasPrefix(id, column.Table+"-"):
				t.Errorf("%s, %s refers to %q, which is not there", row.ID, column.ID, id)
			case column.Kind != "number" && to.Cells[0].Text != c.Text:
				t.Errorf("%s, %s: %q refers to the row about %q", row.ID, column.ID, c.Text, to.Cells[0].Text)
			}
		}
	}
	for _, d := range row.Detail {
		known := slices.ContainsFunc(table.Details, func(c handover.DetailColumn) bool { return c.ID == d.ID && c.Title == d.Title && c.Kind == d.Kind })
		if !known || len(d.Lines) == 0 {
			t.Errorf("%s: the detail %+v is not one of its table", row.ID, d)
		}
	}
}
