package output

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// readme writes the README of a folder.
type readme struct {
	*Set
	items []item
	b     bytes.Buffer
}

// The most rows of a table, names in a row, and dry runs that a README has.
const (
	mostRows  = 200
	mostNames = 20
	mostTries = 20
)

// exampleNamespace returns a namespace of a set; NAMESPACE stands for one where none is known.
func exampleNamespace(s *engine.Set) string {
	const always = "default"
	switch {
	case len(s.Namespaces) > 0:
		return s.Namespaces[0]
	case !slices.Contains(s.Except, always):
		return always
	}
	return "NAMESPACE"
}

// markdown returns the text of the README.
func (r *readme) markdown() []byte {
	r.b.WriteString("<!-- " + generatedMark + " -->\n# Replacement policies for Kubernetes " + r.release() + "\n")
	r.paragraph("Written by %s: %s.", r.Tool, r.title())
	r.points(append(r.choices(), r.Notes...)...)
	if r.isEmpty() {
		r.paragraph("%s", nothingSentence(r.Table.Mode))
	} else {
		r.files()
		r.sets()
		r.install()
		r.evidence()
		r.inForce()
		r.remove()
	}
	r.remarks("Nothing to add", "Namespaces for which there is nothing to enforce, and why.", r.nothing())
	r.remarks("What it does not do", "What PodSecurityPolicies did, and this does not.", r.notKept())
	if !r.isEmpty() {
		r.rights()
	}
	return r.b.Bytes()
}

// heading writes a heading.
func (r *readme) heading(text string) { r.b.WriteString("\n## " + text + "\n") }

// paragraph writes a paragraph of a text in which names may be.
func (r *readme) paragraph(format string, args ...any) {
	r.text(escape.Markdown(fmt.Sprintf(format, args...)))
}

// text writes a paragraph that is Markdown already.
func (r *readme) text(markdown string) { r.b.WriteString("\n" + markdown + "\n") }

// points writes a list of texts in which names may be.
func (r *readme) points(texts ...string) {
	r.b.WriteString("\n")
	for _, text := range texts {
		r.b.WriteString("- " + escape.Markdown(text) + "\n")
	}
}

// commands writes commands of a shell.
func (r *readme) commands(lines ...string) {
	r.b.WriteString("\n" + escape.MarkdownBlock(lines))
}

// table writes a table. Cells are Markdown.
func (r *readme) table(titles []string, rows [][]string) {
	r.b.WriteString("\n| " + strings.Join(titles, " | ") + " |\n|" + strings.Repeat(" --- |", len(titles)) + "\n")
	for i, row := range rows {
		if i == mostRows {
			r.b.WriteString("\n" + english.Count(len(rows)-i, "more row is", "more rows are") + " not shown.\n")
			return
		}
		r.b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
}

// cell returns a text for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(escape.Markdown(text), "|", `\|`) }

// code returns a text in a code span for a cell of a table.
func code(text string) string { return strings.ReplaceAll(escape.MarkdownCode(text), "|", `\|`) }

// files writes what each file does.
func (r *readme) files() {
	r.heading("What is here")
	var rows [][]string
	stages := stageNumbers(r.Documents.Documents)
	for _, it := range r.items {
		rows = append(rows, []string{code(it.file), fmt.Sprint(stages[it.Stage]), code(it.Kind), cell(r.purpose(it))})
	}
	r.table([]string{"file", "stage", "kind", "does"}, rows)
	r.text("`kustomization.yaml` names all of them for kustomize, which knows no stages. `" + probeFile + "` is for dry runs only.")
}

// purpose returns what a document does.
func (r *readme) purpose(it item) string {
	if it.set == cel.GuardSet {
		return guardPurpose(it)
	}
	where := ""
	if s := r.setOf(it); s != nil {
		where = " in " + namespacesOf(s, 3)
	}
	switch it.Kind {
	case validatingPolicy:
		return "says which pods are accepted" + where
	case validatingBinding:
		return "puts that in force" + where + ", " + actionVerb(r.Options.Action)
	case mutatingPolicy:
		return "says what is written into new pods" + where
	case mutatingBinding:
		return "puts that in force" + where
	}
	return it.Name
}

// guardPurpose returns what a document does that guards the labels of namespaces.
func guardPurpose(it item) string {
	switch it.Kind {
	case validatingPolicy:
		return "says who may loosen or remove the Pod Security labels of namespaces"
	case mutatingPolicy:
		return "gives new namespaces an enforce label"
	case validatingBinding, mutatingBinding:
		return "puts that in force"
	}
	return "lets those who have it loosen labels: bind it to them"
}

// actionVerb returns what a binding does with a pod that is not accepted.
func actionVerb(a cel.Action) string {
	switch a {
	case cel.Deny:
		return "and refuses others"
	case cel.Audit:
		return "and has others in the audit log"
	default:
		return "and warns of others"
	}
}

// namespacesOf returns the phrase on the namespaces of a set, with at most so many names.
func namespacesOf(s *engine.Set, most int) string {
	switch {
	case len(s.Namespaces) == 1:
		return "namespace " + s.Namespaces[0]
	case len(s.Namespaces) > 0:
		return english.Count(len(s.Namespaces), "namespace", "namespaces") + " (" + english.First(s.Namespaces, most) + ")"
	case len(s.Except) > 0:
		return "all namespaces but " + english.First(s.Except, most)
	}
	return "all namespaces"
}

// sets writes what is enforced where.
func (r *readme) sets() {
	r.heading("What is enforced where")
	var rows [][]string
	for i := range r.Table.Sets {
		s := &r.Table.Sets[i]
		label := "whatever it is"
		if s.Level != "" {
			label = phrases.LevelVersion(string(s.Level), s.Version)
		}
		var accept []string
		for _, a := range s.Alternatives {
			accept = append(accept, a.Policy)
		}
		what := "one of " + english.First(accept, mostNames)
		if len(accept) == 0 {
			what = "anything that the label lets in"
		}
		for _, c := range s.Checks {
			what += ", and the check " + c.ID
			if len(c.ExceptWorkloads) > 0 {
				what += " (not of " + english.First(c.ExceptWorkloads, mostNames) + ")"
			}
		}
		rows = append(rows, []string{code(s.Name), cell(namespacesOf(s, mostNames)), cell(label), cell(what)})
	}
	r.table([]string{"set", "where", "enforce label", "a pod has to meet"}, rows)
	r.text("Of several policies a pod has to meet one that its service account, or whoever sends the request, may use.")
}

// denyArgument returns the argument with which a roll-out of the folder refuses pods, for the action with which the documents do.
func denyArgument(action cel.Action) string {
	if action == cel.Deny {
		return " --deny"
	}
	return ""
}

// install writes how to apply the documents.
func (r *readme) install() {
	r.heading("Install")
	r.paragraph("%s", script.SameClusterNote(r.Source))
	r.commands(script.ClusterUIDCommand(r.kubectl()))
	if v := r.Table.Mode; v == engine.Delta || v == engine.RestrictedButFor {
		r.text("The enforce labels that the table above names come first: `psp2pss labels` or `psp2pss rollout` set them.")
	}
	r.text("`psp2pss rollout --stage=policies --policies=." + denyArgument(r.Options.Action) + "`, in this folder, takes the steps that follow: it tries each object by a dry run, applies it, waits until it is in force, and keeps a journal, by which `psp2pss rollback` goes back. By hand:")
	numbers := r.stages()
	for i, n := range numbers {
		r.commands(fmt.Sprintf("cat %d-*.yaml | %s apply --server-side -f -", n, r.kubectl()))
		switch {
		case i == len(numbers)-1:
		case r.stageHas(n, mutatingPolicy) && r.writesIntoPods():
			r.text("Wait until it is in force, as [below](#know-that-it-is-in-force): until then nothing writes into pods, and what comes next would refuse them.")
		default:
			r.text("Wait until that is in force, as [below](#know-that-it-is-in-force).")
		}
	}
	r.text("`--server-side` matters: without it kubectl keeps a copy of each object in an annotation, which large ones have no room for.")
	if command := leftCommand(r.kubectl(), r.items); command != "" && r.Options.Action != cel.Deny && r.servesMutating() {
		r.text("Nothing here writes, since what writes cannot be tried without effect. Where this is applied over a set of the same name that refuses, or that wrote into pods, that one's MutatingAdmissionPolicies stay in force: this takes them away, and changes nothing where there are none.")
		r.commands(command)
	}
	if command := othersCommand(r.kubectl(), r.items, r.servedResources()); command != "" {
		r.text("Objects of an earlier set stay in force beside these, unless one of the same name took their place: a pod then has to meet both. This lists what is on the cluster and not in this folder; what is there of an earlier set is removed as its own README says.")
		r.commands(command)
	}
}

// servedResources returns the resources of admission policies that servers of the release have.
func (r *readme) servedResources() []string {
	if r.servesMutating() {
		return append(validatingResources(), mutatingResources()...)
	}
	return validatingResources()
}

// servesMutating reports whether servers of the release have MutatingAdmissionPolicies: by default, or by the flags that the set needs.
func (r *readme) servesMutating() bool {
	const always = 36
	return r.Options.Minor >= always || r.Options.Mutating
}

// stages returns the numbers of the stages, in order.
func (r *readme) stages() []int {
	var out []int
	for _, n := range stageNumbers(r.Documents.Documents) {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// stageHas reports whether a stage has a document of a kind.
func (r *readme) stageHas(stage int, kind string) bool {
	numbers := stageNumbers(r.Documents.Documents)
	return slices.ContainsFunc(r.items, func(it item) bool { return numbers[it.Stage] == stage && it.Kind == kind })
}

// auditPolicy is the configuration by which an API server logs what policies say of pods.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch]
  resources:
  - group: ""
    resources: [pods, pods/ephemeralcontainers]`

// evidence writes how to see what the set would refuse.
func (r *readme) evidence() {
	if !r.has(validatingPolicy) {
		return
	}
	r.heading("See what it refuses")
	if r.Options.Action == cel.Deny {
		r.text("This set refuses pods from the moment it is in force. With `--action=warn` the same is written as one that only says what it would refuse: " +
			"apply that first, look, and apply this set over it.")
	} else {
		r.text("Nothing is refused yet. Whatever would be is told in these places; when none of them has more, generate the set again with `--action=deny` and apply it over this one.")
	}
	if r.Options.Action == cel.Warn {
		r.text("- **Warnings** go to whoever sends the request: `Warning: Validation failed for ValidatingAdmissionPolicy ...`. Pods of a Deployment are made by a controller, so nobody sees theirs.")
	}
	r.text("- **Audit annotations** have " + r.audited() + ", if the API server logs requests about pods. This audit policy (`--audit-policy-file`) is enough; without one the evidence is lost:")
	r.commands(strings.Split(auditPolicy, "\n")...)
	r.text("  This shows them, with the namespace, the one who sent the request, and the reason:")
	r.commands(`jq -r '.annotations["validation.policy.admission.k8s.io/validation_failure"] as $f | select($f) | [.objectRef.namespace, .user.username, $f] | @tsv' audit.log`)
	r.text("- **Metrics** count them, by policy and binding:")
	r.commands(r.kubectl() + " get --raw=/metrics | grep '^apiserver_validating_admission_policy_check_total.*psp2pss'")
}

// audited returns the phrase on what of a request is in the audit annotations of an API server of the release.
func (r *readme) audited() string {
	const all = 37
	switch {
	case r.Options.Minor >= all:
		return "them all"
	case r.Options.Action == cel.Deny && len(r.Table.Policies) > 0:
		return "only the first failed validation of a request before v1.37, which may be that of another policy; the annotation `POLICY/" + cel.ReasonsKey + "` has the reasons of each policy here for which no PodSecurityPolicy accepts a pod"
	}
	return "only the first failed validation of a request before v1.37, which may be that of another policy"
}

// inForce writes how to tell that the set is in force.
func (r *readme) inForce() {
	r.heading("Know that it is in force")
	r.text("An API server compiles policies after it has taken them: small ones at once, large ones within seconds, and each API server for itself. The dry run of a pod tells; nothing is run.")
	if r.writesIntoPods() {
		r.text("Every policy that writes into pods writes its revision into this pod alone, whatever is in it, and only in a dry run. It prints nothing before that policy is in force, nor where a policy that checks pods refuses the pod already:")
		r.table([]string{"dry run", "policy that writes", "prints"}, r.probes(mutatingPolicy, printsRevision(), func(revision string) string { return revision }))
	}
	if !r.has(validatingPolicy) {
		return
	}
	r.text(answer(r.Options.Action))
	r.table([]string{"dry run", "policy that answers", "says"}, r.probes(validatingPolicy, "", cel.InForceMessage))
}

// printsRevision returns the option of kubectl that prints what a policy that writes has written into the pod of a dry run.
func printsRevision() string {
	return ` -o jsonpath='{.metadata.annotations.` + strings.ReplaceAll(cel.InForceAnnotation, ".", `\.`) + `}{"\n"}'`
}

// probes returns a row for each policy of a kind that answers a dry run: the command, with an option of kubectl behind it, the policy,
// and what it answers.
func (r *readme) probes(kind, option string, answer func(revision string) string) [][]string {
	var rows [][]string
	for _, it := range r.items {
		if it.Kind != kind || it.revision == "" {
			continue
		}
		namespace := "NAMESPACE"
		if s := r.setOf(it); s != nil {
			namespace = exampleNamespace(s)
		}
		command := fmt.Sprintf("%s create --dry-run=server --namespace=%s -f %s", r.kubectl(), escape.Shell(namespace), probeFile)
		rows = append(rows, []string{code(command + option), code(it.Name), code(answer(it.revision))})
	}
	return rows
}

// writesIntoPods reports whether one of the documents writes into pods.
func (r *readme) writesIntoPods() bool {
	return slices.ContainsFunc(r.items, func(it item) bool { return it.Kind == mutatingPolicy && it.set != cel.GuardSet })
}

// setOf returns the set of a document; nil where it is of none.
func (r *readme) setOf(it item) *engine.Set {
	for i := range r.Table.Sets {
		if s := &r.Table.Sets[i]; s.Name == it.set {
			return s
		}
	}
	return nil
}

// answer returns the sentence on what a dry run must answer where a set is in force.
func answer(a cel.Action) string {
	const always = "Every policy that checks pods answers to this pod alone, whatever is in it, and only in a dry run. "
	switch a {
	case cel.Deny:
		return always + "It must be refused, with this text:"
	case cel.Audit:
		return always + "With action audit the pod is let in, and only the audit log has this text:"
	default:
		return always + "It must be let in with a warning that has this text:"
	}
}

// remove writes how to take the set away.
func (r *readme) remove() {
	r.heading("Remove")
	r.text("One command takes away what this folder holds and nothing else, what puts policies in force first. It takes effect within seconds.")
	r.commands(removal(r.kubectl(), r.items))
}

// remarks writes a list of what is not there; nothing where there is none.
func (r *readme) remarks(title, about string, remarks []*remark) {
	if len(remarks) == 0 {
		return
	}
	r.heading(title)
	r.text(about)
	var points []string
	for _, m := range remarks[:min(len(remarks), mostRows)] {
		points = append(points, m.line(mostNames))
	}
	r.points(points...)
	if n := len(remarks) - mostRows; n > 0 {
		r.text(english.Count(n, "more point is", "more points are") + " not shown.")
	}
}

// rights writes whose rights have to be limited.
func (r *readme) rights() {
	r.heading("Whose rights to limit")
	r.text("Admission policies are not asked about admission policies, so no policy can protect this set: RBAC has to. Whoever may do the following can end it.")
	r.text("- create, update, patch or delete " + english.And(quotedResources(r.items)) + " of `admissionregistration.k8s.io`, by name, by `*` or by a role that aggregates them;")
	if r.Table.Mode != engine.Continuity {
		r.b.WriteString("- change labels of namespaces (`namespaces`, `namespaces/status`, `namespaces/finalize`): the set counts on their enforce label;\n")
	}
	if r.Table.Mode != engine.RestrictedButFor && r.Table.Grants == engine.DynamicGrants {
		r.b.WriteString("- grant the verb `use` on `podsecuritypolicies`: with `bind` or `escalate` on roles, or by having it. It decides who gets which policy, as before;\n")
	}
	r.b.WriteString("- act as others (`impersonate`), or be in the group `system:masters`, which no role limits.\n")
	r.text("This shows the roles that can change the set:")
	r.commands(r.kubectl() + ` get clusterroles -o json | jq -r '.items[] | select(any(.rules[]?; (.apiGroups // [] | any(. == "*" or . == "admissionregistration.k8s.io")) and (.verbs | any(. == "*" or . == "create" or . == "update" or . == "patch" or . == "delete" or . == "deletecollection")))) | .metadata.name'`)
}

// quotedResources returns the resources of documents, each once, as code spans.
func quotedResources(items []item) []string {
	var out []string
	for _, it := range items {
		if it.group == "admissionregistration.k8s.io" {
			out = append(out, "`"+strings.ToLower(plural(it.Kind))+"`")
		}
	}
	return firsts(out)
}
