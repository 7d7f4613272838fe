package cmd

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/checks"
)

// vocabulary are the labels of the output: headings, titles of columns, names of facts, levels and statuses, in small letters,
// each with where it was seen.
type vocabulary map[string]string

// A line of output begins with a label where it begins with words in capitals, perhaps behind a number.
var capitals = regexp.MustCompile(`^(?:\d+\. )?([A-Z]{2,}(?:[, ]+[A-Z]{2,}|[, ]+A)*)(?:[:, ]|$)`)

// titles matches the header of a table.
var titles = regexp.MustCompile(`^[A-Z]{2,}(?: [A-Z]+)*(?: {2,}[A-Z]+(?: [A-Z]+)*)+$`)

// fact matches a fact: its name, and its value in a column of its own.
var fact = regexp.MustCompile(`^([a-z][a-z]*(?:[, ]+(?:[a-zA-Z]+|--[a-z]+))*) {2,}\S`)

// wordColumns have the titles of columns whose cells are words of the output, and not names or sentences of what was read.
var wordColumns = regexp.MustCompile(`^(TODAY|ENFORCE|AFTER .*|PERMITTED|NEEDED|AUDIT|WARN|ALL READ|CLOSEST|LEVEL|STATUS|AS [A-Z]+|RECOMMENDED|MODE|STAGE)$`)

// step matches a step of a roll-out that was tried: what became of it, and its stage.
var step = regexp.MustCompile(`^ *\d+/\d+ ([a-z-]+) +([a-z]+) `)

// reason matches a reason or a question of the gate: its id.
var reason = regexp.MustCompile(`^\d+\. (?:[A-Z ]+ )?([a-z]+(?:-[a-z]+)*): `)

// group matches the heading of a group of commands, or of another part of a help text.
var group = regexp.MustCompile(`(?m)^([A-Z][a-z]+):`)

// remark matches what behind a word of a cell is not the output's own: versions, names and sentences.
var remark = regexp.MustCompile(`:\S*|, .*|"[^"]*"`)

// add enters the labels of a text that a command wrote. Only an explanation has facts; elsewhere a line may begin with a name.
func (v vocabulary) add(where, text string) {
	var columns [][]int // of the table that the lines are in
	var header string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if found := reason.FindStringSubmatch(line); found != nil {
			v[found[1]] = where
		}
		if found := step.FindStringSubmatch(line); found != nil {
			v[found[1]], v[found[2]] = where, where
			continue
		}
		switch {
		case line == "", line[0] == ' ':
			columns = nil
		case titles.MatchString(line) && line == strings.ToUpper(line):
			header, columns = line, titleWords.FindAllStringIndex(line, -1)
			for _, c := range columns {
				v[strings.ToLower(line[c[0]:c[1]])] = where
			}
		case columns != nil:
			v.addCells(where, header, line, columns)
		case v.addLabel(where, line):
		default:
			if found := fact.FindStringSubmatch(line); found != nil && strings.HasPrefix(where, "explain") {
				v[strings.ToLower(found[1])] = where
			}
		}
	}
}

var titleWords = regexp.MustCompile(`[A-Z]+(?: [A-Z]+)*`)

// addCells enters the words in the cells of a line of a table.
func (v vocabulary) addCells(where, header, line string, columns [][]int) {
	for i, c := range columns {
		end := len(line)
		if i+1 < len(columns) {
			end = min(end, columns[i+1][0])
		}
		if c[0] >= end || !wordColumns.MatchString(header[c[0]:c[1]]) {
			continue
		}
		cell := strings.ToLower(remark.ReplaceAllString(strings.TrimSpace(line[c[0]:end]), ""))
		if cell != "" && cell != "-" {
			v[cell] = where
		}
	}
}

// addValues enters the values that fields of what -o json writes may have, from a schema.
func (v vocabulary) addValues(where string, schema any) {
	switch s := schema.(type) {
	case map[string]any:
		values, _ := s["enum"].([]any)
		for _, value := range values {
			if text, ok := value.(string); ok {
				v[strings.ToLower(camel.ReplaceAllString(text, "$1 $2"))] = where
			}
		}
		for _, below := range s {
			v.addValues(where, below)
		}
	case []any:
		for _, below := range s {
			v.addValues(where, below)
		}
	}
}

var camel = regexp.MustCompile(`([a-z])([A-Z])`)

// The words of the output are those of the glossary in the README, of Kubernetes, or of everybody; and no list has a word that
// no output uses.
func TestWords(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	terms := glossary(string(readme))
	if len(terms) == 0 || len(terms) > 10 {
		t.Errorf("the glossary in the README has %d words, want at most 10: %q", len(terms), terms)
	}
	used := map[string]bool{}
	v := outputVocabulary(t)
	for _, label := range slices.Sorted(maps.Keys(v)) {
		words := wordsOf(label)
		for i := 0; i < len(words); {
			if term := longestTerm(terms, words[i:]); term != "" {
				used[term] = true
				i += len(strings.Fields(term))
				continue
			}
			word := words[i]
			used[word] = true
			inSchema := slices.Contains(schemaWords(), word) && slices.Contains(schemaTitles(), v[label])
			if kubernetesWords()[word] == "" && !slices.Contains(plainWords(), word) && !inSchema {
				t.Errorf("%q of %q (%s) is neither in the glossary of the README, nor a word of Kubernetes, nor one that everybody knows: "+
					"use a known word, or enter it in one of them", word, label, v[label])
			}
			i++
		}
	}
	listed := slices.Concat(terms, slices.Collect(maps.Keys(kubernetesWords())), plainWords(), schemaWords())
	slices.Sort(listed)
	for i, word := range listed {
		if !used[word] {
			t.Errorf("%q is in a list of words, and no output uses it", word)
		}
		if i > 0 && word == listed[i-1] {
			t.Errorf("%q is in two lists of words", word)
		}
	}
}

// glossary returns the words that the README explains, each as the words of a label.
func glossary(readme string) (terms []string) {
	_, section, _ := strings.Cut(readme, "\n## Words\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, table, _ := strings.Cut(section, "| --- | --- |\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			break
		}
		for _, term := range strings.Split(cells[1], ",") {
			terms = append(terms, strings.Join(wordsOf(strings.ToLower(term)), " "))
		}
	}
	return terms
}

// longestTerm returns the longest of the terms that the words begin with; "" where they begin with none. What was bypassed is
// explained with the bypass.
func longestTerm(terms, words []string) string {
	for n := len(words); n > 0; n-- {
		begin := strings.Join(words[:n], " ")
		for _, term := range []string{begin, strings.TrimSuffix(begin, "ed")} {
			if slices.Contains(terms, term) {
				return term
			}
		}
	}
	return ""
}

// hasNoPlural matches words that end in "s" in the singular.
var hasNoPlural = regexp.MustCompile("[sui]s$")

// wordsOf returns the words of a label in the singular, where an "s" makes the plural.
func wordsOf(label string) []string {
	words := strings.FieldsFunc(label, func(r rune) bool { return !unicode.IsLetter(r) })
	for i, word := range words {
		switch {
		case len(word) < 4 || hasNoPlural.MatchString(word):
		case strings.HasSuffix(word, "ies"):
			words[i] = strings.TrimSuffix(word, "ies") + "y"
		default:
			words[i] = strings.TrimSuffix(word, "s")
		}
	}
	return words
}

// addLiterals enters the labels among the strings of source files, since no input here leads to all of them.
func (v vocabulary) addLiterals(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal(pattern, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					v.addLabel(file, text)
				}
			case *ast.KeyValueExpr: // the name of a fact
				key, _ := n.Key.(*ast.Ident)
				name, ok := n.Value.(*ast.BasicLit)
				if ok && key != nil && key.Name == "Name" && filepath.Base(file) != "formats.go" {
					v[strings.Trim(name.Value, `"`)] = file
				}
			}
			return true
		})
	}
}

// addLabel enters the label that a line begins with, and reports whether it begins with one.
func (v vocabulary) addLabel(where, line string) bool {
	found := capitals.FindStringSubmatch(line)
	if found == nil {
		return false
	}
	v[strings.ToLower(found[1])] = where
	return true
}

// outputVocabulary gathers the labels of all that commands write for people, over the demo, every fixture and a cluster.
func outputVocabulary(t *testing.T) vocabulary {
	t.Helper()
	v := vocabulary{}
	for _, s := range schemas() {
		data, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		var parsed any
		if err := json.Unmarshal(data, &parsed); err != nil {
			t.Fatal(err)
		}
		v.addValues(s.title, parsed)
	}
	v.addLiterals(t, "../migrate/report/*.go")
	inputs, err := filepath.Glob("../fixtures/*/input")
	if err != nil || len(inputs) == 0 {
		t.Fatal(inputs, err)
	}
	folder := t.TempDir()
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	run := func(args ...string) {
		streams, out, _ := BufferStreams("")
		Run(t.Context(), streams, deps, args)
		v.add(strings.ReplaceAll(strings.Join(args, " "), folder+"/", ""), out.String())
	}
	all := commands(t)
	for _, input := range inputs {
		file := filepath.Join(folder, filepath.Base(filepath.Dir(input))+".json")
		run("plan", "-R", "-f", input, "-o", "json="+file, "-o", "table", "--allow-partial")
		run("plan", "-R", "-f", input, "-o", "wide")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var plan migrate.Plan
		if err := json.Unmarshal(data, &plan); err != nil {
			t.Fatal(err)
		}
		for path, tried := range trials() {
			for _, args := range tried.lines {
				if all[path].Flags().Lookup("plan") == nil || tried.writes || tried.live || strings.HasPrefix(path, "explain") || slices.Contains(args, "NAMESPACE") {
					continue
				}
				run(slices.Concat(strings.Fields(path), args, []string{"--plan=" + file})...)
			}
		}
		run("rollout", "--dry-run=client", "--stage=observe,enforce,bypass", "--allow-partial", "--plan="+file)
		for _, args := range explained(&plan) {
			run(slices.Concat([]string{"explain"}, args, []string{"-o", "wide", "--plan=" + file})...)
		}
	}
	streams, help, _ := BufferStreams("")
	Run(t.Context(), streams, deps, []string{"--help"})
	for _, found := range group.FindAllStringSubmatch(help.String(), -1) {
		v[strings.ToLower(found[1])] = "--help"
	}
	forEachCommand(t, func(path string, _ *cobra.Command) {
		e := newErrand(t)
		e.prepare(path)
		_, out, _ := e.run(t.Context(), nil, slices.Concat(strings.Fields(path), smallObjects.nameIn(e.dir, screenOf(path)))...)
		v.add(path, out)
		if path == "rollout" { // of a namespace that is labelled by now, and of one that is not
			_, out, _ = e.run(t.Context(), nil, "rollout", "-n", "shop,blog", "--stage=observe", "--dry-run=server")
			v.add(path, out)
		}
	})
	verified, journal := verifyWorld(t)
	deps = verified
	run("verify", "--journal", journal)
	run("rollback", "--journal", journal, "--dry-run=client")
	return v
}

// explained are the arguments that explain everything in a Plan.
func explained(p *migrate.Plan) [][]string {
	var out [][]string
	for i := range p.Policies {
		out = append(out, []string{"psp", p.Policies[i].Name})
	}
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		out = append(out, []string{"ns", ns.Name})
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			out = append(out, []string{"workload", ns.Name + "/" + w.Kind + "/" + w.Name}, []string{"sa", ns.Name + "/" + w.ServiceAccount})
		}
	}
	for _, id := range checks.IDs() {
		out = append(out, []string{"check", id})
	}
	return out
}

// schemaTitles are the titles of the schemas of what -o json writes.
func schemaTitles() []string {
	var out []string
	for _, s := range schemas() {
		out = append(out, s.title)
	}
	return out
}

// kubernetesWords are the words of Kubernetes, and of what its administrators use beside kubectl, with where each is used.
func kubernetesWords() map[string]string {
	return map[string]string{
		"account":    `ServiceAccount`,
		"admission":  `admission plugins`,
		"admitted":   `admission controllers`,
		"audit":      `a mode of Pod Security admission`,
		"baseline":   `a level of the Pod Security Standards`,
		"binding":    `RoleBinding`,
		"cis":        `the CIS Kubernetes Benchmark`,
		"cluster":    `kubectl config`,
		"container":  `the containers of a pod`,
		"create":     `a verb of RBAC`,
		"debug":      `kubectl debug`,
		"deny":       `an action of ValidatingAdmissionPolicyBindings`,
		"validating": `ValidatingAdmissionPolicy`,
		"enforce":    `a mode of Pod Security admission`,
		"exempt":     `the exemptions of Pod Security admission`,
		"field":      `kubectl explain`,
		"grant":      `RBAC: a binding grants a role`,
		"helm":       `Helm`,
		"kubescape":  `kubescape, a program that checks clusters`,
		"label":      `the labels of an object`,
		"labelled":   `kubectl label: namespace/shop labeled`,
		"level":      `the levels of the Pod Security Standards`,
		"mode":       `the modes of Pod Security admission`,
		"mutate":     `MutatingAdmissionWebhook`,
		"mutated":    `MutatingAdmissionWebhook`,
		"mutating":   `MutatingAdmissionWebhook`,
		"mutation":   `spec.mutations of a MutatingAdmissionPolicy`,
		"namespace":  `Namespace`,
		"patch":      `kubectl patch`,
		"plugin":     `admission plugins`,
		"pod":        `Pod`,
		"policy":     `PodSecurityPolicy`,
		"privileged": `a level of the Pod Security Standards`,
		"psp":        `the short name of PodSecurityPolicy`,
		"release":    `what helm list lists`,
		"replica":    `spec.replicas`,
		"restricted": `a level of the Pod Security Standards`,
		"role":       `Role`,
		"security":   `Pod Security admission`,
		"service":    `ServiceAccount`,
		"simplify":   `the guide from PodSecurityPolicy to Pod Security: "Simplify & standardize PodSecurityPolicies"`,
		"status":     `the STATUS of kubectl get`,
		"template":   `the template of a Deployment`,
		"undone":     `kubectl rollout undo`,
		"update":     `a verb of RBAC`,
		"warn":       `a mode of Pod Security admission`,
		"warning":    `kubectl writes "Warning:"`,
		"workload":   `workload resources`,
	}
}

// plainWords are those that mean in the output what they mean in a newspaper.
func plainWords() []string {
	return strings.Fields(`
		action add added after agree all allow already also altered and annotation as at backup batch be became before blocker both break but by call can cause caution continuity
		change changed check clean condition could created decide decided delta demo differ different done down earlier effect empty ensured error
		example fail file finding flag for from gain get group guaranteed how impossible in install instead it its keep kind knowing known later limit live log
		look loosen looser lose lost made map may meet must need new next no none not note nothing now observed of off ok only or other
		out override pair part pass place plan platform problem read recommended refuse refused remove removed replacement reverted run safe
		saved say scope set since skip skipped snapshot stage
		still stricter tell test that the to today unchanged understand unknown unread unseen upgrade usable usage use used via wave way were
		what where who why without worth would write written yes you yourself`)
}

// schemaWords are those that stand in -o json alone, where the schema explains them.
func schemaWords() []string {
	return strings.Fields("admit code command constraint contrary drift evidence expressible functional hcl name neither nobody number ready text withheld")
}
