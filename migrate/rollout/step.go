package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
)

// Stage is one pass over the namespaces.
type Stage string

// The stages, in the order in which they are safe: a namespace is let past the policies only once its level is enforced.
const (
	Observe Stage = "observe" // warn and audit
	Enforce Stage = "enforce"
	Bypass  Stage = "bypass" // let pods past the policies, which stay for who has not come so far
)

// Stages are all of them, in order.
func Stages() []Stage { return []Stage{Observe, Enforce, Bypass} }

// Step is one change: labels of a namespace, or an object to create. It says all that is needed to take it, and to tell
// whether the cluster is still as it was when the step was planned.
type Step struct {
	Stage Stage `json:"stage"`
	// Namespace is empty for the objects that the bypass of every namespace shares.
	Namespace string `json:"namespace,omitempty"`
	// Batch counts from 0: between two batches is time to look.
	Batch int `json:"batch"`
	// Wave is the value of the label that waves are made by.
	Wave string `json:"wave,omitempty"`
	// Level that the namespace has to enforce before its pods are let past the policies; only where that is the step.
	Level api.Level `json:"level,omitempty"`
	// Labels to change, or Create: exactly one is set.
	Labels []Change `json:"labels,omitempty"`
	Create *Object  `json:"create,omitempty"`
}

// Change is what becomes of one label. Before and After are null where there is none.
type Change struct {
	Key    string  `json:"key"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// Left is a namespace that gets no step at a stage though it would need one, and why.
type Left struct {
	Namespace string `json:"namespace"`
	Stage     Stage  `json:"stage"`
	Why       string `json:"why"`
}

// Options of Steps. The zero value observes every namespace in one batch.
type Options struct {
	// Stages to go through, in any order.
	Stages []Stage
	// WaveLabel, if set, is the namespaces' label by whose values waves are made: sorted, numbers in them as numbers, those
	// without it last. Every wave goes through all stages before the next begins.
	WaveLabel string
	// Batch is how many namespaces make a batch, 0 for all of a stage.
	Batch int
	// MaxNamespaces bounds how many namespaces are changed, 0 for all.
	MaxNamespaces int
	// Force takes over labels, and namespaces, that another tool writes.
	Force bool
}

// Steps turns a Plan, of the namespaces that are meant, into what is to be done, and says what is left undone. Policies
// must be all that the cluster has, whatever the scope: the bypass has to sort before each.
func Steps(plan *migrate.Plan, o Options) ([]Step, []Left) {
	p := &planner{options: o, plan: plan, bypass: bypassName(plan.Policies)}
	namespaces := p.chosen()
	waves := map[string][]*migrate.Namespace{}
	for _, ns := range namespaces {
		waves[ns.Labels[o.WaveLabel]] = append(waves[ns.Labels[o.WaveLabel]], ns)
	}
	for _, wave := range sortedWaves(waves) {
		for _, stage := range o.stages() {
			p.stage(stage, wave, waves[wave])
		}
	}
	return p.steps, p.left
}

// stages are those to go through, in the order that is safe.
func (o Options) stages() []Stage {
	if len(o.Stages) == 0 {
		return []Stage{Observe}
	}
	return slices.DeleteFunc(Stages(), func(s Stage) bool { return !slices.Contains(o.Stages, s) })
}

func sortedWaves(waves map[string][]*migrate.Namespace) []string {
	names := make([]string, 0, len(waves))
	for name := range waves {
		names = append(names, name)
	}
	slices.SortFunc(names, compareWaves)
	return names
}

type planner struct {
	options Options
	plan    *migrate.Plan
	bypass  string
	steps   []Step
	left    []Left
	// batches is how many are made so far.
	batches int
	shared  bool
}

// chosen are all namespaces but those beyond the number asked for, counted in the order of the waves.
func (p *planner) chosen() []*migrate.Namespace {
	var all []*migrate.Namespace
	for i := range p.plan.Namespaces {
		all = append(all, &p.plan.Namespaces[i])
	}
	if p.options.MaxNamespaces == 0 {
		return all
	}
	slices.SortStableFunc(all, func(a, b *migrate.Namespace) int {
		return compareWaves(a.Labels[p.options.WaveLabel], b.Labels[p.options.WaveLabel])
	})
	left := p.options.MaxNamespaces
	return slices.DeleteFunc(all, func(ns *migrate.Namespace) bool {
		if !p.touches(ns) {
			return false // why not is told stage by stage
		}
		left--
		if left < 0 {
			p.leave(ns, p.options.stages()[0], "beyond the number of namespaces asked for")
		}
		return left < 0
	})
}

func (p *planner) touches(ns *migrate.Namespace) bool {
	return slices.ContainsFunc(p.options.stages(), func(s Stage) bool {
		if s == Bypass {
			return p.why(ns, s) == ""
		}
		return p.why(ns, s) == "" && len(changes(ns, s)) > 0
	})
}

func (p *planner) leave(ns *migrate.Namespace, s Stage, why string) {
	p.left = append(p.left, Left{Namespace: ns.Name, Stage: s, Why: why})
}

func (p *planner) stage(stage Stage, wave string, namespaces []*migrate.Namespace) {
	inBatch := 0
	for _, ns := range namespaces {
		if why := p.why(ns, stage); why != "" {
			p.leave(ns, stage, why)
			continue
		}
		steps := p.of(ns, stage, wave)
		if len(steps) == 0 {
			continue
		}
		if inBatch > 0 && inBatch == p.options.Batch {
			p.batches++
			inBatch = 0
		}
		inBatch++
		for i := range steps {
			steps[i].Batch = p.batches
		}
		p.steps = append(p.steps, steps...)
	}
	if inBatch > 0 {
		p.batches++
	}
}

func (p *planner) of(ns *migrate.Namespace, stage Stage, wave string) []Step {
	if stage != Bypass {
		if made := p.changes(ns, stage); len(made) > 0 {
			return []Step{{Stage: stage, Namespace: ns.Name, Wave: wave, Labels: made}}
		}
		return nil
	}
	var steps []Step
	if !p.shared {
		p.shared = true
		for _, o := range sharedObjects(p.bypass) {
			steps = append(steps, Step{Stage: Bypass, Wave: wave, Create: &o})
		}
	}
	binding := bindingObject(p.bypass, ns.Name)
	return append(steps, Step{Stage: Bypass, Namespace: ns.Name, Wave: wave, Level: api.Level(ns.Recommended.Enforce), Create: &binding})
}

// changes of a stage, on the namespace as the stages before it leave it: they may have repaired labels of this one.
func (p *planner) changes(ns *migrate.Namespace, stage Stage) []Change {
	for _, earlier := range p.options.stages() {
		if earlier == stage {
			break
		}
		written := map[string]string{}
		for _, c := range changes(ns, earlier) {
			written[c.Key] = *c.After
		}
		ns = ns.Relabelled(written)
	}
	return changes(ns, stage)
}

// changes of a stage, as values.
func changes(ns *migrate.Namespace, stage Stage) []Change {
	var out []Change
	for _, l := range labels.Changed(ns, labels.Stage(stage)) {
		change := Change{Key: l.Key, After: &l.Value}
		if before, ok := ns.Labels[l.Key]; ok {
			change.Before = &before
		}
		out = append(out, change)
	}
	return out
}

// why says for what reason a namespace gets nothing at a stage; "" if it may get it.
func (p *planner) why(ns *migrate.Namespace, stage Stage) string {
	switch {
	case labels.Refused(ns) != "":
		return labels.Refused(ns)
	case ns.Terminating:
		return "it is being deleted"
	case ns.Action == migrate.ActionSkip:
		return "nothing is recommended for it"
	case ns.Unread:
		return "its labels were not read"
	case ns.Owner != "" && !p.options.Force && (stage == Bypass || len(changes(ns, stage)) > 0):
		if ns.Owner == migrate.OpenShiftSyncer {
			return ns.Owner + " writes these labels: give the namespace the label " + migrate.OpenShiftOptOut + "=false first, or take over with --force"
		}
		return ns.Owner + " writes this namespace and would undo a change: put the labels where it reads them (labels -o manifest), or take over with --force"
	case stage == Observe:
		return ""
	case ns.Recommended.Enforce == "":
		return "no enforce is recommended: something that touches it could not be read"
	case labels.HeldBack(ns):
		return "the enforce that is needed is looser than today's: ask for it with --enforce when the plan is made, or mend the workloads"
	case stage == Bypass && p.bypass == "":
		return "no policy can be named so that it sorts before " + p.plan.Policies[0].Name
	case stage == Bypass && !p.enforces(ns):
		return "its enforce label is not on yet: take the stage enforce first"
	}
	return ""
}

// enforces is true if the recommended enforce is on, or put on in the same run.
func (p *planner) enforces(ns *migrate.Namespace) bool {
	return slices.Contains(p.options.stages(), Enforce) || len(changes(ns, Enforce)) == 0
}

// checkSteps refuses steps that no Plan leads to: a journal is a file, and anybody may have written it.
func checkSteps(steps []Step) error {
	for i := range steps {
		if err := checkStep(&steps[i]); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func checkStep(s *Step) error {
	switch {
	case !slices.Contains(Stages(), s.Stage):
		return fmt.Errorf("there is no stage %q", s.Stage)
	case (s.Create == nil) == (len(s.Labels) == 0):
		return errors.New("it is neither about labels nor about one object")
	case s.Namespace != "" && len(validation.IsDNS1123Label(s.Namespace)) > 0:
		return fmt.Errorf("%q is no name of a namespace", s.Namespace)
	case s.Create != nil:
		return checkObject(s)
	case s.Namespace == "":
		return errors.New("it names no namespace")
	}
	for _, c := range s.Labels {
		if err := checkChange(s.Stage, c); err != nil {
			return err
		}
	}
	return nil
}

func checkChange(stage Stage, c Change) error {
	enforce := c.Key == api.EnforceLevelLabel || c.Key == api.EnforceVersionLabel
	switch {
	case !slices.Contains(migrate.LabelKeys(), c.Key):
		return fmt.Errorf("%q is not a label of Pod Security", c.Key)
	case stage == Bypass, enforce != (stage == Enforce) && !repairs(c):
		return fmt.Errorf("the stage %s does not write the label %s", stage, c.Key)
	case c.After == nil:
		return fmt.Errorf("it takes the label %s off", c.Key)
	case c.Before != nil && len(validation.IsValidLabelValue(*c.Before)) > 0:
		return fmt.Errorf("%q is no value of a label", *c.Before)
	}
	var err error
	if strings.HasSuffix(c.Key, "-version") {
		_, err = api.ParseVersion(*c.After)
	} else {
		_, err = api.ParseLevel(*c.After)
	}
	if err != nil {
		return fmt.Errorf("%q is no value of the label %s", *c.After, c.Key)
	}
	return nil
}

// repairs is true for a change of an invalid label that another stage may make along with its own: it changes nothing that
// is enforced.
func repairs(c Change) bool {
	if c.Before == nil || c.After == nil || labels.Valid(c.Key, *c.Before) {
		return false
	}
	return !strings.HasPrefix(c.Key, api.EnforceLevelLabel) || same(c.After, c.Back())
}

func checkObject(s *Step) error {
	if s.Stage != Bypass {
		return fmt.Errorf("the stage %s creates nothing", s.Stage)
	}
	if _, err := api.ParseLevel(string(s.Level)); err != nil && s.Namespace != "" {
		return errors.New("it does not say which level has to be enforced before")
	}
	wanted := append(sharedObjects(s.Create.Policy), bindingObject(s.Create.Policy, s.Namespace))
	for _, o := range wanted {
		if o == *s.Create && o.Namespace == s.Namespace && isBypassName(o.Policy) {
			return nil
		}
	}
	return fmt.Errorf("%s is no part of a bypass", s.Create)
}
