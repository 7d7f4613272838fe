package rollout

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Stage is one pass of a roll-out over the namespaces: observe, enforce or bypass. The stage policies is a roll-out of its own, over
// the objects of a set of admission policies.
type Stage string

// The stages of a roll-out, in their safe order: the pods of a namespace are let past the policies only once its level is
// enforced.
const (
	// StageObserve writes the audit and warn labels.
	StageObserve Stage = "observe"
	// StageEnforce writes the enforce labels.
	StageEnforce Stage = "enforce"
	// StageBypass lets pods use a policy that lets everything in. The policies stay, for namespaces that are not there yet.
	StageBypass Stage = "bypass"
	// StagePolicies installs a set of admission policies that 'generate' wrote. No Plan leads to it.
	StagePolicies Stage = "policies"
)

// Stages returns all stages of a roll-out, in their safe order.
func Stages() []Stage { return []Stage{StageObserve, StageEnforce, StageBypass, StagePolicies} }

// Step is one change of a roll-out: labels of one namespace, an object to create, or one of a set of policies to install. With its
// values before, a runner can check whether the cluster still is as it was when the step was planned.
type Step struct {
	Stage Stage `json:"stage"`
	// Namespace is empty for the objects that the bypass of every namespace shares.
	Namespace string `json:"namespace,omitempty"`
	// Batch is the number of the batch, from 0. Between two batches the roll-out can be verified.
	Batch int `json:"batch"`
	// Wave is the value of the label by which waves are made.
	Wave string `json:"wave,omitempty"`
	// Level is the one that the namespace has to enforce before its pods are let past the policies; for the stage bypass
	// alone.
	Level api.Level `json:"level,omitempty"`
	// Labels to change, Create or Policy: exactly one is set.
	Labels []LabelChange `json:"labels,omitempty"`
	Create *BypassObject `json:"create,omitempty"`
	Policy *PolicyObject `json:"policy,omitempty"`
}

// LabelChange is the change of one namespace label, by a roll-out step or by admission. Before and After are null for
// an absent label.
type LabelChange struct {
	Key    string  `json:"key"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// Skipped is a namespace that gets no step at a roll-out stage, and why.
type Skipped struct {
	Namespace string          `json:"namespace"`
	Stage     Stage           `json:"stage"`
	Reason    message.Message `json:"why"`
}

// StepOptions are those of PlanSteps, which makes the steps of a roll-out. The zero value observes every namespace in
// one batch.
type StepOptions struct {
	// Stages to go through, in any order.
	Stages []Stage
	// WaveLabel, if set, is the label of namespaces by whose values waves are made, in the order of compareWaves. Every wave
	// goes through all stages before the next begins.
	WaveLabel string
	// Batch is how many namespaces make a batch, 0 for all of a stage.
	Batch int
	// MaxNamespaces bounds how many namespaces are changed, 0 for all.
	MaxNamespaces int
	// Force takes over labels, and namespaces, that another tool writes.
	Force bool
}

// PlanSteps returns the steps that put the recommendations of a Plan on a cluster, and the namespaces that get none. The Plan
// has the namespaces that are meant, and all policies of the cluster: the policy of the bypass has to sort before each.
func PlanSteps(plan *migrate.Plan, o StepOptions) ([]Step, []Skipped) {
	p := &stepPlanner{options: o, plan: plan, bypassPolicy: bypassPolicyName(plan.Policies)}
	namespaces := p.selectNamespaces()
	waves := map[string][]*migrate.Namespace{}
	for _, ns := range namespaces {
		waves[ns.Labels[o.WaveLabel]] = append(waves[ns.Labels[o.WaveLabel]], ns)
	}
	for _, wave := range sortedWaves(waves) {
		for _, stage := range o.orderedStages() {
			p.planStage(stage, wave, waves[wave])
		}
	}
	return p.steps, p.skipped
}

// StepNamespaces returns the namespaces of roll-out steps, sorted, each once.
func StepNamespaces(steps []Step) []string {
	var names []string
	for i := range steps {
		if steps[i].Namespace != "" {
			names = append(names, steps[i].Namespace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// SkippedReasons returns, of a roll-out, the first few of the reasons for which namespaces were skipped, each with its
// namespace.
func SkippedReasons(skipped []Skipped) string {
	const most = 3
	var reasons []string
	for _, s := range skipped {
		if reason := s.Namespace + ": " + s.Reason.Text; !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	text := strings.Join(reasons[:min(len(reasons), most)], "; ")
	if n := len(reasons) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// AllSkipped reports whether a roll-out has nothing to do since every namespace was skipped at some stage. A namespace
// that was not, and needs no step, is as it should be already.
func AllSkipped(plan *migrate.Plan, steps []Step, skipped []Skipped) bool {
	return len(steps) == 0 && len(skipped) > 0 && !slices.ContainsFunc(plan.Namespaces, func(ns migrate.Namespace) bool {
		return !slices.ContainsFunc(skipped, func(s Skipped) bool { return s.Namespace == ns.Name })
	})
}

// orderedStages returns the roll-out stages to plan, in their safe order.
func (o StepOptions) orderedStages() []Stage {
	if len(o.Stages) == 0 {
		return []Stage{StageObserve}
	}
	return slices.DeleteFunc(Stages(), func(s Stage) bool { return !slices.Contains(o.Stages, s) })
}

// sortedWaves returns the values of the wave label of namespaces in the order in which a roll-out takes them.
func sortedWaves(waves map[string][]*migrate.Namespace) []string {
	names := make([]string, 0, len(waves))
	for name := range waves {
		names = append(names, name)
	}
	slices.SortFunc(names, compareWaves)
	return names
}

// stepPlanner makes the steps of PlanSteps.
type stepPlanner struct {
	options      StepOptions
	plan         *migrate.Plan
	bypassPolicy string
	steps        []Step
	skipped      []Skipped
	// batchCount is the number of batches so far.
	batchCount           int
	sharedObjectsPlanned bool
}

// selectNamespaces returns the namespaces of a roll-out up to the number that was asked for, counted in the order of
// the waves. A namespace that needs no step does not count.
func (p *stepPlanner) selectNamespaces() []*migrate.Namespace {
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
		if !p.needsSteps(ns) {
			return false // planStage notes the reason for each stage
		}
		left--
		if left < 0 {
			p.skip(ns, p.options.orderedStages()[0], message.New("rollout-skips-beyond-number"))
		}
		return left < 0
	})
}

// needsSteps reports whether a namespace gets a step at any of the roll-out stages.
func (p *stepPlanner) needsSteps(ns *migrate.Namespace) bool {
	return slices.ContainsFunc(p.options.orderedStages(), func(s Stage) bool {
		if s == StageBypass {
			return p.skipReason(ns, s).IsZero()
		}
		return p.skipReason(ns, s).IsZero() && len(labelChanges(ns, s)) > 0
	})
}

// skip records that a namespace gets no step at a roll-out stage.
func (p *stepPlanner) skip(ns *migrate.Namespace, s Stage, why message.Message) {
	p.skipped = append(p.skipped, Skipped{Namespace: ns.Name, Stage: s, Reason: why})
}

// planStage adds the steps of one roll-out stage for the namespaces of a wave, in batches.
func (p *stepPlanner) planStage(stage Stage, wave string, namespaces []*migrate.Namespace) {
	inBatch := 0
	for _, ns := range namespaces {
		if why := p.skipReason(ns, stage); !why.IsZero() {
			p.skip(ns, stage, why)
			continue
		}
		steps := p.namespaceSteps(ns, stage, wave)
		if len(steps) == 0 {
			continue
		}
		if inBatch > 0 && inBatch == p.options.Batch {
			p.batchCount++
			inBatch = 0
		}
		inBatch++
		for i := range steps {
			steps[i].Batch = p.batchCount
		}
		p.steps = append(p.steps, steps...)
	}
	if inBatch > 0 {
		p.batchCount++
	}
}

// namespaceSteps returns the steps of one namespace at a roll-out stage; with the first one of the bypass come the
// objects that all namespaces share.
func (p *stepPlanner) namespaceSteps(ns *migrate.Namespace, stage Stage, wave string) []Step {
	if stage != StageBypass {
		if made := p.labelChangesAfterStages(ns, stage); len(made) > 0 {
			return []Step{{Stage: stage, Namespace: ns.Name, Wave: wave, Labels: made}}
		}
		return nil
	}
	var steps []Step
	if !p.sharedObjectsPlanned {
		p.sharedObjectsPlanned = true
		for _, o := range sharedBypassObjects(p.bypassPolicy) {
			steps = append(steps, Step{Stage: StageBypass, Wave: wave, Create: &o})
		}
	}
	binding := bypassBinding(p.bypassPolicy, ns.Name)
	return append(steps, Step{Stage: StageBypass, Namespace: ns.Name, Wave: wave, Level: api.Level(ns.RecommendedLabels.Enforce), Create: &binding})
}

// labelChangesAfterStages returns the label changes of a roll-out stage, on the namespace as the earlier stages of the
// roll-out leave it: they may have repaired invalid labels of this one.
func (p *stepPlanner) labelChangesAfterStages(ns *migrate.Namespace, stage Stage) []LabelChange {
	for _, earlier := range p.options.orderedStages() {
		if earlier == stage {
			break
		}
		written := map[string]string{}
		for _, c := range labelChanges(ns, earlier) {
			written[c.Key] = *c.After
		}
		ns = ns.WithLabels(written)
	}
	return labelChanges(ns, stage)
}

// labelChanges returns the label changes that a roll-out stage makes on a namespace as it is.
func labelChanges(ns *migrate.Namespace, stage Stage) []LabelChange {
	var out []LabelChange
	for _, l := range labels.ChangedLabels(ns, labels.Stage(stage)) {
		change := LabelChange{Key: l.Key, After: &l.Value}
		if before, ok := ns.Labels[l.Key]; ok {
			change.Before = &before
		}
		out = append(out, change)
	}
	return out
}

// skipReason returns why a namespace gets no step at a roll-out stage; a zero message if it may get one.
func (p *stepPlanner) skipReason(ns *migrate.Namespace, stage Stage) message.Message {
	switch {
	case !labels.WhyRefused(ns).IsZero():
		return labels.WhyRefused(ns)
	case ns.Terminating:
		return message.New("rollout-skips-terminating")
	case ns.Action == migrate.ActionSkip:
		return message.New("rollout-skips-no-recommendation")
	case ns.ObjectNotRead:
		return message.New("rollout-skips-unread")
	case ns.LabelOwner != "" && !p.options.Force && (stage == StageBypass || len(labelChanges(ns, stage)) > 0):
		if ns.LabelOwner == migrate.OpenShiftLabelSyncer {
			return message.New("rollout-skips-synced", "owner", ns.LabelOwner, "label", migrate.OpenShiftSyncOptOutLabel)
		}
		return message.New("rollout-skips-owned", "owner", ns.LabelOwner)
	case stage == StageObserve:
		return message.Message{}
	case ns.RecommendedLabels.Enforce == "":
		return message.New("rollout-skips-no-enforce")
	case labels.WithholdsLoosening(ns):
		return message.New("rollout-skips-looser")
	case stage == StageBypass && p.bypassPolicy == "":
		return message.New("rollout-skips-no-bypass-name", "policy", p.plan.Policies[0].Name)
	case stage == StageBypass && !p.willEnforce(ns):
		return message.New("rollout-skips-not-enforced")
	}
	return message.Message{}
}

// willEnforce reports whether a namespace has the recommended enforce label, or gets it in the same roll-out.
func (p *stepPlanner) willEnforce(ns *migrate.Namespace) bool {
	return slices.Contains(p.options.orderedStages(), StageEnforce) || len(labelChanges(ns, StageEnforce)) == 0
}
