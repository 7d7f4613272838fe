package cmd

import (
	"errors"
	"fmt"
	"io"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/engine/output"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// The minors of the API servers that generated policies can be for, and the first that has MutatingAdmissionPolicies behind a feature
// gate, and without one (kubernetes: pkg/features/kube_features.go).
const (
	oldestServerMinor     = 30
	newestServerMinor     = 37
	firstGatedMutating    = 34
	firstMutating         = 36
	mutatingFeatureGate   = "--feature-gates=MutatingAdmissionPolicy=true"
	mutatingRuntimeConfig = "--runtime-config=admissionregistration.k8s.io/v1beta1=true"
)

// targetServers are the values of the flag --target-server.
func targetServers() []string {
	var out []string
	for minor := oldestServerMinor; minor <= newestServerMinor; minor++ {
		out = append(out, fmt.Sprintf("v1.%d", minor))
	}
	return out
}

// parseTargetServer reads the value of the flag --target-server. It returns a usage error for what is no release, or one for which nothing
// can be generated. The zero version leaves the choice to what is read.
func parseTargetServer(s string) (api.Version, error) {
	if s == "" {
		return api.Version{}, nil
	}
	v, err := parseMinor(s)
	if err != nil || v.Latest() {
		return api.Version{}, usagef("--%s=%q is not a Kubernetes minor: give it as v%d.%d or 1.%d%s", targetServerFlag, s, 1, newestServerMinor, newestServerMinor, suggestion(s, targetServers()))
	}
	if v.Major() != 1 || v.Minor() < oldestServerMinor || v.Minor() > newestServerMinor {
		return api.Version{}, usagef("--%s=%s: the releases that policies can be written for go from v1.%d, the first with ValidatingAdmissionPolicies by default, to v1.%d", targetServerFlag, v.String(), oldestServerMinor, newestServerMinor)
	}
	return v, nil
}

// refusePartialContinuity returns an error for a saved plan of some namespaces where continuity is asked for all: what a plan does not have
// would be left without its policies. With -n the namespaces are named, and what is meant is there or not.
func (o *generateOptions) refusePartialContinuity(plan *migrate.Plan) error {
	if o.Mode != engine.Continuity || len(o.Scope.Namespaces) > 0 {
		return nil
	}
	err := refusePartial(plan, fmt.Sprintf("the plan %q", o.Source.Plan))
	if err != nil {
		err = errorWithAdvice{err, "or name the namespaces that are meant with -n"}
	}
	return err
}

// generate makes the policies for the namespaces that are shown of a Plan, with what is to be said beside them. It returns a usage error
// for an engine that the server does not have.
func (o *generateOptions) generate(plan, shown *migrate.Plan) (*output.Set, error) {
	options, notes, err := o.documentOptions(plan)
	if err != nil {
		return nil, err
	}
	table, err := o.build(shown, options)
	if err != nil {
		return nil, err
	}
	documents, err := cel.Generate(table, options)
	if err != nil {
		return nil, err
	}
	if err := o.addGuards(plan, documents, options); err != nil {
		return nil, err
	}
	return &output.Set{
		Table: table, Documents: documents, Options: options, Source: plan.Source, Tool: toolAndVersion(),
		Notes: append(notes, o.scopeNotes(plan)...),
	}, nil
}

// addGuards adds, where they are asked for, the documents that guard the labels of namespaces. A MutatingAdmissionPolicy is among them
// where the server has it without a feature gate, or where --engine asks for one.
func (o *generateOptions) addGuards(plan *migrate.Plan, documents *cel.Documents, options cel.Options) error {
	if o.Guards == "" {
		return nil
	}
	options.Validating = true
	options.Mutating = options.Mutating || o.Engine == "" && options.Minor >= firstMutating
	guards, err := cel.Guards(cel.GuardOptions{Level: o.Guards, Version: plan.TargetVersion, Subjects: o.MayLoosen, Rancher: o.Rancher}, options)
	if err != nil {
		return fmt.Errorf("--%s: %w", guardsFlag, err)
	}
	documents.Documents = append(documents.Documents, guards.Documents...)
	documents.Remarks = append(documents.Remarks, guards.Remarks...)
	return nil
}

// build makes the decision table.
func (o *generateOptions) build(shown *migrate.Plan, options cel.Options) (*engine.Table, error) {
	build := engine.Options{Mode: o.Mode, Grants: o.Grants, IncludeSystem: o.System || len(o.Scope.Namespaces) > 0, MaxExceptions: o.MaxExceptions}
	if chosenByMutation := o.Mode == engine.Continuity && options.Mutating && options.Action == cel.Deny; !chosenByMutation { // which asks in several steps
		build.MaxAskedFor = func(bothGroups, byRequester bool) int { return cel.MaxAsked(options, bothGroups, byRequester) }
	}
	table, err := engine.Build(shown, build)
	var tooMany *engine.TooManyAskedError
	if errors.As(err, &tooMany) {
		err = errorWithAdvice{err, fmt.Sprintf("leave out --%s to have who may use which policy written down where that is so, or ask for it with --%s=%s", grantsFlag, grantsFlag, engine.StaticGrants)}
	}
	return table, err
}

// documentOptions returns for which server which documents are written, and what is to be said of that. It returns a usage error for
// an engine that the server does not have.
func (o *generateOptions) documentOptions(plan *migrate.Plan) (cel.Options, []string, error) {
	out := cel.Options{Minor: newestServerMinor, Action: o.Action}
	var notes []string
	read, known := plan.ServerVersion()
	switch {
	case o.Server != (api.Version{}):
		out.Minor = o.Server.Minor()
	case known && read.Minor() > newestServerMinor:
		notes = append(notes, fmt.Sprintf("the server that was read is %s: this is written for v1.%d, the newest that is known here", read.String(), newestServerMinor))
	case known && read.Minor() >= oldestServerMinor:
		out.Minor = read.Minor()
	}
	if known && read.Minor() < oldestServerMinor {
		notes = append(notes, fmt.Sprintf("the server that was read is %s, which takes none of these objects: apply them once it is v1.%d; until then the labels alone decide where PodSecurityPolicies do not", read.String(), out.Minor))
	}
	chosen := o.Engine
	switch {
	case chosen == "" && o.Mode == engine.Continuity && out.Minor >= firstGatedMutating:
		chosen = bothEngines
	case chosen == "":
		chosen = validatingEngine
	}
	out.Validating, out.Mutating = chosen != mutatingEngine, chosen != validatingEngine
	// Webhooks that inject containers come and go, and PodSecurityPolicy admission always ran again after them. Where none changes a
	// pod, this has no effect.
	out.Reinvoke = out.Mutating
	switch {
	case out.Mutating && out.Minor < firstGatedMutating:
		return out, nil, usagef("--%s=%s: Kubernetes v1.%d has no MutatingAdmissionPolicies: write for a newer server with --%s, or have pods checked only, with --%s=%s", engineFlag, chosen, out.Minor, targetServerFlag, engineFlag, validatingEngine)
	case out.Mutating && out.Minor < firstMutating:
		notes = append(notes, fmt.Sprintf("v1.%d has MutatingAdmissionPolicies only where API servers run with %s and %s", out.Minor, mutatingFeatureGate, mutatingRuntimeConfig))
	case out.Mutating && o.Action != cel.Deny:
		notes = append(notes, fmt.Sprintf("with --%s=%s there is no MutatingAdmissionPolicy, which cannot be tried without effect: pods are judged as it would leave them", actionFlag, o.Action))
	case o.Mode == engine.Continuity && !out.Mutating:
		notes = append(notes, "nothing writes into pods what PodSecurityPolicies wrote: their templates have to state it, as 'patch --keep' has them do")
	}
	return out, notes, nil
}

// scopeNotes returns what is to be said of namespaces that the policies are not for.
func (o *generateOptions) scopeNotes(plan *migrate.Plan) []string {
	var out []string
	if n := plan.NamespacesLeftOut; n > 0 {
		out = append(out, fmt.Sprintf("the plan was saved without %s: there is nothing for these", english.Count(n, "namespace", "namespaces")))
	}
	if sc := o.Scope; o.Guards != "" && (len(sc.Namespaces) > 0 || len(sc.Exclude) > 0 || sc.Selector != nil && !sc.Selector.Empty()) {
		out = append(out, fmt.Sprintf("--%s is for the labels of all namespaces, also of those that are not selected here", guardsFlag))
	}
	return out
}

// printNotes writes lines that begin with "note: " to standard error, escaped for a terminal.
func printNotes(w io.Writer, notes []string) {
	for _, note := range notes {
		_, _ = fmt.Fprintf(w, "note: %s\n", escape.Terminal(note))
	}
}
