package cmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// The kinds of things that the command explain explains. Without a kind the thing is looked up by its name.
const (
	topicPolicy    = "psp"
	topicNamespace = "ns"
	topicWorkload  = "workload"
	topicAccount   = "sa"
	topicCheck     = "check"
)

// explainTopic is one kind of thing that the command explain can explain, with its argument and its help.
type explainTopic struct {
	kind, argument, short, example string
	aliases                        []string
	parse                          func(*explainOptions, string) error
}

// explainTopics lists what the command explain can explain: policies, namespaces, workloads, service accounts and checks.
func explainTopics() []explainTopic {
	return []explainTopic{
		{topicPolicy, "NAME", "Explain a policy: what it does today, who uses it, and what its closest level changes", "restricted", []string{"psps", "policy", "policies", "podsecuritypolicy", "podsecuritypolicies"}, parseTopicName},
		{topicNamespace, "NAME", "Explain a namespace: what decides its level and what blocks the next", "web", []string{"namespace", "namespaces"}, parseTopicName},
		{topicWorkload, "NAMESPACE/KIND/NAME", "Explain a workload: what each check says of its pods", "web/deployment/api", []string{"workloads"}, parseWorkload},
		{topicAccount, "NAMESPACE/NAME", "Explain a service account: which policies it may use, and through what", "web/builder", []string{"serviceaccount", "serviceaccounts"}, parseServiceAccount},
		{topicCheck, "ID", "Explain a check of the standards: what it refuses, how to meet it, who fails it", "hostPorts", []string{"checks"}, parseCheck},
	}
}

// findTopic returns the kind of thing that a word of the command line names as kubectl would take it; false for none.
func findTopic(word string) (explainTopic, bool) {
	word = strings.TrimSuffix(strings.ToLower(word), ".policy") // of podsecuritypolicies.policy
	for _, t := range explainTopics() {
		if word == t.kind || slices.Contains(t.aliases, word) {
			return t, true
		}
	}
	return explainTopic{}, false
}

// explainForms names the forms in which things are named to the command explain.
const explainForms = "psp NAME, ns NAME, workload NAMESPACE/KIND/NAME, sa NAMESPACE/NAME or check ID"

// parseTopic reads the arguments of "explain" itself: a name, KIND/NAME, KIND NAME, or NAMESPACE/KIND/NAME.
func parseTopic(o *explainOptions, args []string) error {
	switch len(args) {
	case 0:
		return usagef("say what to explain: a name, or %s", explainForms)
	case 1:
		kind, rest, slashed := strings.Cut(args[0], "/")
		if !slashed {
			return parseBareName(o, args[0])
		}
		if t, ok := findTopic(kind); ok {
			o.Kind = t.kind
			return t.parse(o, rest)
		}
		o.Kind = topicWorkload
		return parseWorkload(o, args[0])
	case 2:
		if t, ok := findTopic(args[0]); ok { // in a form that no subcommand has
			o.Kind = t.kind
			return t.parse(o, args[1])
		}
		if near := nearestTopicWord(args[0]); near != "" {
			return usagef("explain does not know %q: did you mean %q?", args[0], near)
		}
		if strings.Contains(args[1], "/") && !namesWorkloadKind(args[0]) {
			return usagef("explain knows no kind %q of what has pods: name %s; KIND may be a custom one", args[0], explainForms)
		}
		if strings.Contains(args[1], "/") {
			return usagef("%q is not the name of a %s: did you mean %q?", args[1], args[0], nameInsideKind(args[0], args[1]))
		}
		o.Kind = topicWorkload
		err := parseWorkload(o, args[0]+"/"+args[1])
		if o.WorkloadKind == "" {
			o.twoWords = args[0] + " " + args[1]
		}
		return err
	}
	return usagef("explain takes one thing at a time, and got %d arguments", len(args))
}

// nameInsideKind returns how NAMESPACE/NAME of a kind is named to the command explain: NAMESPACE/KIND/NAME.
func nameInsideKind(kind, name string) string {
	namespace, rest, _ := strings.Cut(name, "/")
	return namespace + "/" + parseWorkloadKind(kind) + "/" + rest
}

// parseBareName reads the argument of "explain" that is a name alone, and looks like the name of a kind where that is forgotten.
func parseBareName(o *explainOptions, name string) error {
	if isBlank(name) {
		return usagef("%q is not a name: say what to explain, %s", name, explainForms)
	}
	o.Kind, o.Name = "", name
	if slices.Contains(checks.IDs(), name) && name != strings.ToLower(name) && !o.namespaceGiven() {
		o.Kind = topicCheck // no object has capital letters in its name
	}
	return nil
}

// nearestTopicWord returns the word for a kind that was probably meant by one that the command explain does not know; "" for none.
func nearestTopicWord(word string) string {
	if _, known := findTopic(word); known || namesWorkloadKind(word) {
		return ""
	}
	var words []string
	for _, t := range explainTopics() {
		words = append(append(words, t.kind), t.aliases...)
	}
	for _, k := range inventory.WorkloadKinds() {
		words = append(words, strings.ToLower(k.Name), k.Resource)
	}
	return pspparse.SuggestName(strings.ToLower(word), words)
}

// namesWorkloadKind reports whether a word of the command line is a workload kind of Kubernetes' own API.
func namesWorkloadKind(word string) bool {
	kind := parseWorkloadKind(word)
	return slices.ContainsFunc(inventory.WorkloadKinds(), func(k inventory.WorkloadKind) bool { return strings.EqualFold(k.Name, kind) })
}

// parseTopicName reads the argument NAME of an explain subcommand; anything with a slash is wrong usage.
func parseTopicName(o *explainOptions, arg string) error {
	if isBlank(arg) || strings.Contains(arg, "/") {
		return usagef("%q is not a name: give it without a slash", arg)
	}
	o.Name = arg
	return nil
}

// parseCheck reads the argument of "explain check": the ID of a check of the standards.
func parseCheck(o *explainOptions, arg string) error {
	ids := checks.IDs()
	if !slices.Contains(ids, arg) {
		near := pspparse.SuggestName(arg, ids)
		longer := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			return arg == "" || !strings.HasPrefix(strings.ToLower(id), strings.ToLower(arg))
		})
		switch {
		case near != "":
			return usagef("there is no check %q: did you mean %q?", arg, near)
		case len(longer) > 0:
			return usagef("there is no check %q: did you mean %s?", arg, strings.Join(longer, " or "))
		}
		return usagef("there is no check %q: the checks are %s", arg, strings.Join(ids, ", "))
	}
	o.Name = arg
	return nil
}

// parseServiceAccount reads the argument NAMESPACE/NAME that names a service account on the command line, or NAME with -n.
func parseServiceAccount(o *explainOptions, arg string) error {
	parts := strings.Split(arg, "/")
	if len(parts) == 1 && o.InNamespace != "" {
		parts = []string{o.InNamespace, arg}
	}
	if len(parts) != 2 || slices.ContainsFunc(parts, isBlank) {
		return usagef("%q does not name a service account: give it as NAMESPACE/NAME, or as NAME with -n NAMESPACE", arg)
	}
	o.Namespace, o.Name = parts[0], parts[1]
	return o.checkNamespaceFlag()
}

// parseWorkload reads the argument NAMESPACE/KIND/NAME that names a workload on the command line, or KIND/NAME. Of NAMESPACE/NAME the
// kind is looked up later, for the message.
func parseWorkload(o *explainOptions, arg string) error {
	parts := strings.Split(arg, "/")
	if slices.ContainsFunc(parts, isBlank) || len(parts) < 2 || len(parts) > 3 {
		return usagef("%q does not name a workload: give it as NAMESPACE/KIND/NAME, or as KIND/NAME with -n NAMESPACE", arg)
	}
	o.Name = parts[len(parts)-1]
	switch {
	case len(parts) == 3:
		var err error
		if o.Namespace, o.WorkloadKind, o.Name, err = splitWorkload(arg); err != nil {
			return err
		}
		return o.checkNamespaceFlag()
	case o.InNamespace != "" || namesWorkloadKind(parts[0]):
		o.Namespace, o.WorkloadKind = o.InNamespace, parseWorkloadKind(parts[0])
	default:
		o.Namespace, o.WorkloadKind = parts[0], ""
	}
	return nil
}

// splitWorkload reads the argument NAMESPACE/KIND/NAME that names a workload on the command line.
func splitWorkload(arg string) (namespace, kind, name string, err error) {
	parts := strings.Split(arg, "/")
	if len(parts) != 3 || slices.ContainsFunc(parts, isBlank) {
		return "", "", "", workloadError(arg)
	}
	return parts[0], parseWorkloadKind(parts[1]), parts[2], nil
}

// namespaceGiven reports whether the command line of "explain" has the flag -n. The environment names a namespace only for what needs
// one.
func (o *explainOptions) namespaceGiven() bool {
	return o.InNamespace != "" && len(o.environmentNamespaces) == 0
}

// checkNamespaceFlag returns a usage error for a flag -n that names another namespace than the argument.
func (o *explainOptions) checkNamespaceFlag() error {
	if !o.namespaceGiven() || o.InNamespace == o.Namespace {
		return nil
	}
	return usagef("-n %s contradicts namespace %s of what is to be explained: leave one out", o.InNamespace, o.Namespace)
}

// parseWorkloadKind reads a workload kind on the command line as kubectl does, plural, short and full names included: deploy,
// sts, pods, deployments.apps.
func parseWorkloadKind(s string) string {
	s = strings.ToLower(s)
	name, group, _ := strings.Cut(s, ".")
	for _, k := range inventory.WorkloadKinds() {
		kind := strings.ToLower(k.Name)
		if slices.Contains([]string{kind, k.Resource, k.ShortName}, name) && (group == "" || slices.ContainsFunc(k.APIVersions, func(v string) bool { return strings.HasPrefix(v, group+"/") })) {
			return kind
		}
	}
	return strings.TrimSuffix(s, "s") // of a custom resource, too
}

// addNamespaceFlag defines the flag -n of the commands that explain what is in a namespace.
func addNamespaceFlag(flags *pflag.FlagSet, o *explainOptions) {
	flags.StringVarP(&o.InNamespace, "namespace", "n", "", "namespace of the workload or service account that is named")
}

// resolveTopic looks up in a Plan what the command line names without a kind, or a workload without its namespace. It says on w what
// else has the name, and returns a usage error where several things are meant alike.
func (o *explainOptions) resolveTopic(w io.Writer, plan *migrate.Plan) error {
	switch {
	case o.Kind == "" && o.namespaceGiven() && !plan.HasNamespace(o.InNamespace):
		return plan.NamespaceNotFound(o.InNamespace)
	case o.Kind == "":
		return o.resolveName(w, plan)
	case o.Kind == topicWorkload && o.WorkloadKind == "":
		return o.wrongWorkloadForm(plan)
	case o.Kind == topicWorkload && o.Namespace == "":
		found := plan.WorkloadsNamed("", o.WorkloadKind, o.Name)
		if len(found) == 0 {
			return plan.NameNotFound("", o.WorkloadKind, o.Name, nil)
		}
		return o.choose(asTopics(found))
	}
	return nil
}

// wrongWorkloadForm returns the usage error for A/B that names no kind, with the form that was probably meant.
func (o *explainOptions) wrongWorkloadForm(plan *migrate.Plan) error {
	given := o.Namespace + "/" + o.Name
	var meant []string
	for _, w := range plan.WorkloadsNamed(o.Namespace, "", o.Name) {
		meant = append(meant, w.Namespace+"/"+w.Kind+"/"+w.Name)
	}
	if len(meant) == 0 { // of a custom kind
		for _, w := range plan.WorkloadsNamed("", parseWorkloadKind(o.Namespace), o.Name) {
			meant = append(meant, w.Namespace+"/"+w.Kind+"/"+w.Name)
		}
	}
	if len(meant) == 0 && len(plan.ServiceAccountsNamed(o.Namespace, o.Name)) > 0 {
		meant = append(meant, topicAccount+"/"+given)
	}
	given = cmp.Or(o.twoWords, given)
	if len(meant) == 0 {
		return usagef("%q does not name anything: give a workload as NAMESPACE/KIND/NAME, a service account as sa/NAMESPACE/NAME", given)
	}
	const most = 5
	return usagef("%q does not say the kind: did you mean %s?", given, english.First(meant, most))
}

// resolveName finds what has the name that stands alone on the command line: a namespace or a policy, else a check, a workload, a
// service account. It says on w what else has the name.
func (o *explainOptions) resolveName(w io.Writer, plan *migrate.Plan) error {
	tiers := make([][]topicName, 4)
	if !o.namespaceGiven() {
		o.InNamespace = ""
		if plan.HasNamespace(o.Name) {
			tiers[0] = append(tiers[0], topicName{topicNamespace, migrate.NamespacedName{Name: o.Name}})
		}
		if plan.HasPolicy(o.Name) {
			tiers[0] = append(tiers[0], topicName{topicPolicy, migrate.NamespacedName{Name: o.Name}})
		}
		if slices.Contains(checks.IDs(), o.Name) {
			tiers[1] = append(tiers[1], topicName{topicCheck, migrate.NamespacedName{Name: o.Name}})
		}
	}
	tiers[2] = asTopics(plan.WorkloadsNamed(o.InNamespace, "", o.Name))
	tiers[3] = asTopics(plan.ServiceAccountsNamed(o.InNamespace, o.Name))
	for i, found := range tiers {
		if len(found) == 0 {
			continue
		}
		if err := o.choose(found); err != nil {
			return err
		}
		if others := topicTexts(slices.Concat(tiers[i+1:]...)); len(others) > 0 {
			const most = 5
			_, _ = fmt.Fprintf(w, "This is %s; of the same name: %s.\n", found[0], english.First(others, most))
		}
		return nil
	}
	return plan.NameNotFound(o.InNamespace, "", o.Name, checks.IDs())
}

// topicName is one thing that has the name on the command line of "explain".
type topicName struct {
	topic string
	migrate.NamespacedName
}

// String returns the thing as the command explain takes it: ns/shop, shop/deployment/web, sa/shop/default.
func (t topicName) String() string {
	switch t.topic {
	case topicWorkload:
		return t.Namespace + "/" + t.Kind + "/" + t.Name
	case topicAccount:
		return topicAccount + "/" + t.Namespace + "/" + t.Name
	}
	return t.topic + "/" + t.Name
}

// asTopics returns workloads or service accounts as things that the command explain explains.
func asTopics(names []migrate.NamespacedName) []topicName {
	var out []topicName
	for _, n := range names {
		topic := topicWorkload
		if n.Kind == topicAccount {
			topic = topicAccount
		}
		out = append(out, topicName{topic, n})
	}
	return out
}

// topicTexts returns things as the command explain takes them.
func topicTexts(topics []topicName) []string {
	var out []string
	for _, t := range topics {
		out = append(out, t.String())
	}
	return out
}

// choose makes the one thing that was found what is explained; several are a usage error that names them.
func (o *explainOptions) choose(found []topicName) error {
	if len(found) > 1 {
		const most = 6
		return usagef("%q may be one of several: say which, %s", o.Name, english.First(topicTexts(found), most))
	}
	o.Kind, o.Namespace, o.WorkloadKind = found[0].topic, found[0].Namespace, found[0].Kind
	return nil
}

// namedTopic returns a function that sets from the arguments of an explain subcommand what it is to explain.
func namedTopic(o *explainOptions, t explainTopic) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o.Kind = t.kind
		switch {
		case len(args) == 2 && t.kind == topicWorkload && !strings.Contains(args[1], "/"):
			return t.parse(o, args[0]+"/"+args[1])
		case len(args) == 1:
			return t.parse(o, args[0])
		case len(args) == 0 && t.kind == topicCheck:
			return usagef("explain check takes one argument, the ID of a check: %s", strings.Join(checks.IDs(), ", "))
		}
		return usagef("explain %s takes one argument, %s", cmd.Name(), t.argument)
	}
}
