// Package harden says what a pod template lacks for a level of the Pod Security Standards: the edits that would bring it
// there, which of them may break the program, and which checks no edit meets.
package harden

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Safety says whether an edit of a pod template may break the program in the pod.
type Safety string

// Safe edits change nothing that can matter, and say why. All others need to be tested by who owns the workload.
const (
	Safe      Safety = "safe"
	NeedsTest Safety = "test"
)

// Edit is one value to write into a pod template so that it meets a check of the Pod Security Standards.
type Edit struct {
	// Path is upstream's within the template: "spec.containers[0].securityContext.capabilities.drop".
	Path string
	// Container is the name of the container at that path; "" at the pod level.
	Container string
	// Value is compact JSON. It replaces what is there: a list is the whole list.
	Value string
	// Check is the ID of the check that asks for it.
	Check  string
	Safety Safety
	Why    message.Message
}

// Obstacle is a check of the Pod Security Standards that a template still fails after all proposed edits.
type Obstacle struct {
	Check string
	// Why is the library's own text, Advice what a person can do about the check.
	Why    string
	Advice message.Message
	// Injected is true if not the template fails the check, but only what pods have beyond it.
	Injected bool
}

// TemplateChanges is what a pod template lacks for a level: edits, and the checks that no edit meets. The edits bring the
// template to the level if and only if there are no obstacles.
type TemplateChanges struct {
	Edits     []Edit
	Obstacles []Obstacle
}

// TemplateWithPods is a pod template that is to meet a level, with what is known of its pods.
type TemplateWithPods struct {
	// Template is what the edits are made in.
	Template *inventory.Shape
	// FuturePods are expected pods that differ from the template: with what webhooks inject, and without what a policy
	// writes.
	FuturePods []*inventory.Shape
	// RunningPods are the pods that run today. An edit that changes nothing in any of them is safe.
	RunningPods []*inventory.Shape
	// Policy is set where no pods run: then RunningPods is the pod that this policy would admit today.
	Policy string
	// OnWindows is true where the pods go to Windows nodes, even if the template does not state its os.
	OnWindows bool
}

// ProposeTemplateEdits returns the edits that a pod template needs to meet a level, and the checks that no edit meets. The
// level is wanted at each of some versions of the standards. It makes the edits in a copy and evaluates that: each check
// that still fails is an obstacle. No edit adds what a template has already or what API validation refuses. None takes away
// what a template asks for (a host path, a capability): that is for people to decide.
func ProposeTemplateEdits(e *pss.Evaluator, s *TemplateWithPods, level api.Level, versions ...api.Version) TemplateChanges {
	failing := map[string]bool{}
	for _, v := range failingChecks(e, s.Template, level, versions) {
		failing[v.Check] = true
	}
	var out TemplateChanges
	template := copyShape(s.Template)
	next := make([]*inventory.Shape, len(s.FuturePods))
	edited := []*containerIndex{indexContainers(&template.Spec)}
	for i := range s.FuturePods {
		next[i] = copyShape(s.FuturePods[i])
		edited = append(edited, indexContainers(&next[i].Spec))
	}
	var all *templateAnalysis
	for _, f := range checkFixes() {
		if !failing[f.check] {
			continue
		}
		if all == nil {
			all = analyseTemplate(s)
		}
		for _, p := range f.propose(all) {
			p.Check = f.check
			out.Edits = append(out.Edits, p.Edit)
			for _, pod := range edited {
				p.apply(pod)
			}
		}
	}
	out.Obstacles = remainingObstacles(e, s, template, next, level, versions)
	return out
}

// EditsForCheck returns those edits of ProposeTemplateEdits that are for one check, which the template has to fail, and a copy of the
// template with these edits. There is none for a check that only forbids values. No check is evaluated.
func EditsForCheck(s *TemplateWithPods, check string) ([]Edit, *inventory.Shape) {
	edited := copyShape(s.Template)
	i := slices.IndexFunc(checkFixes(), func(f checkFix) bool { return f.check == check })
	if i < 0 {
		return nil, edited
	}
	var out []Edit
	index := indexContainers(&edited.Spec)
	for _, p := range checkFixes()[i].propose(analyseTemplate(s)) {
		p.Check = check
		out = append(out, p.Edit)
		p.apply(index)
	}
	return out, edited
}

// templateAnalysis is a pod template with its pods, indexed by container name for the proposal of edits.
type templateAnalysis struct {
	*TemplateWithPods
	template      *containerIndex
	next, running []*containerIndex
	// runningPodsComplete is true if pods run today and each has every container of the template. A pod that lacks one,
	// such as an older pod, shows nothing.
	runningPodsComplete bool
	// usersStated is false if a pod runs as a user that the template does not state.
	usersStated bool
}

// analyseTemplate indexes a pod template and its pods by container name and compares their users.
func analyseTemplate(s *TemplateWithPods) *templateAnalysis {
	r := &templateAnalysis{TemplateWithPods: s, template: indexContainers(&s.Template.Spec), runningPodsComplete: len(s.RunningPods) > 0, usersStated: true}
	for _, pod := range s.FuturePods {
		r.next = append(r.next, indexContainers(&pod.Spec))
	}
	for _, pod := range s.RunningPods {
		running := indexContainers(&pod.Spec)
		r.running = append(r.running, running)
		for _, p := range templateContainers(&s.Template.Spec) {
			r.runningPodsComplete = r.runningPodsComplete && running.container(p.Name) != nil
		}
		for _, p := range templateContainers(&pod.Spec) {
			r.usersStated = r.usersStated && r.runsAsWrittenUser(running, p.Name)
		}
	}
	return r
}

// failingChecks returns the checks of a level that a template's pod fails at any of some versions, as an API server
// reports them.
func failingChecks(e *pss.Evaluator, pod *inventory.Shape, level api.Level, versions []api.Version) []pss.Violation {
	var found []pss.Violation
	for _, v := range versions {
		verdict := e.Verdict(pod.Annotations, &pod.Spec, v)
		if api.CompareLevels(verdict.Level, level) >= 0 {
			continue
		}
		reported := e.ViolationsAtLevel(verdict.Violations, api.LevelVersion{Level: level, Version: v})
		if len(reported) == 0 { // restricted waives for Windows pods what baseline does not
			reported = verdict.Violations
		}
		found = append(found, reported...)
	}
	return found
}

// remainingObstacles returns the checks that the edited template, and the pods that differ from it, still fail.
func remainingObstacles(e *pss.Evaluator, s *TemplateWithPods, template *inventory.Shape, next []*inventory.Shape, level api.Level, versions []api.Version) []Obstacle {
	remaining := failingChecks(e, template, level, versions)
	ofTemplate := map[string]bool{}
	for _, v := range remaining {
		ofTemplate[v.Check] = true
	}
	onlyDebug := failsOnlyWithDebugContainers(e, template, level, versions)
	for _, pod := range next {
		remaining = append(remaining, failingChecks(e, pod, level, versions)...)
	}
	slices.SortFunc(remaining, pss.CompareViolations)
	var out []Obstacle
	for _, v := range pss.MergeViolationsPerCheck(slices.Compact(remaining)) {
		injected := !ofTemplate[v.Check]
		var advice message.Message
		switch {
		case onlyDebug(v.Check):
			advice = message.New("obstacle-debug-containers")
		case injected:
			advice = message.New("obstacle-injected")
		default:
			advice = s.Advice(v.Check, level, versions)
		}
		out = append(out, Obstacle{v.Check, pss.ViolationMessage([]pss.Violation{v}), advice, injected})
	}
	return out
}

// failsOnlyWithDebugContainers returns a test for checks that only the debug containers of a template fail. A template
// should have no debug containers.
func failsOnlyWithDebugContainers(e *pss.Evaluator, template *inventory.Shape, level api.Level, versions []api.Version) func(check string) bool {
	if len(template.Spec.EphemeralContainers) == 0 {
		return func(string) bool { return false }
	}
	without := copyShape(template)
	without.Spec.EphemeralContainers = nil
	remaining := failingChecks(e, without, level, versions)
	return func(check string) bool {
		return !slices.ContainsFunc(remaining, func(v pss.Violation) bool { return v.Check == check })
	}
}

// copyShape returns a copy of a pod shape in which template edits can be tried.
func copyShape(s *inventory.Shape) *inventory.Shape {
	return &inventory.Shape{Annotations: s.Annotations, Spec: *copySecurityContexts(&s.Spec)}
}

// copySecurityContexts returns a copy of a pod spec in which template edits can be tried on the security contexts.
// Their fields may be replaced, but not written into.
func copySecurityContexts(spec *corev1.PodSpec) *corev1.PodSpec {
	out := *spec
	if out.SecurityContext != nil {
		out.SecurityContext = new(*out.SecurityContext)
	}
	for _, list := range []*[]corev1.Container{&out.InitContainers, &out.Containers} {
		*list = slices.Clone(*list)
		for i := range *list {
			if sc := (*list)[i].SecurityContext; sc != nil {
				(*list)[i].SecurityContext = new(*sc)
			}
		}
	}
	return &out
}

// proposedEdit is an edit of a pod template with the function that makes it in a security context. One of inPod and
// inContainer is set.
type proposedEdit struct {
	Edit
	inPod       func(*corev1.PodSecurityContext)
	inContainer func(*corev1.SecurityContext)
}

// apply makes the proposed template edit in a copied pod. The container is found by its name.
func (p *proposedEdit) apply(pod *containerIndex) {
	if p.inPod != nil {
		if pod.spec.SecurityContext == nil {
			pod.spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		p.inPod(pod.spec.SecurityContext)
		return
	}
	if c := pod.container(p.Container); c != nil {
		if c.SecurityContext == nil {
			c.SecurityContext = &corev1.SecurityContext{}
		}
		p.inContainer(c.SecurityContext)
	}
}

// proposePodValue returns the template edit that sets a field of the pod's security context.
func proposePodValue(field string, value any, write func(*corev1.PodSecurityContext)) proposedEdit {
	return proposedEdit{Edit: Edit{Path: "spec.securityContext." + field, Value: compactJSON(value)}, inPod: write}
}

// proposeValue returns the template edit that sets a field of one container's security context.
func (p templateContainer) proposeValue(field string, value any, write func(*corev1.SecurityContext)) proposedEdit {
	path := fmt.Sprintf("spec.%s[%d].securityContext.%s", p.list, p.index, field)
	return proposedEdit{Edit: Edit{Path: path, Container: p.Name, Value: compactJSON(value)}, inContainer: write}
}

// compactJSON returns the value of a template edit as compact JSON. It panics if the value cannot be marshalled, which
// no API value is.
func compactJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// templateContainer is a container of a pod template, with the list it stands in and its index there.
type templateContainer struct {
	list  string
	index int
	*corev1.Container
}

// securityContext returns the security context of the template's container, an empty one if it has none.
func (p templateContainer) securityContext() *corev1.SecurityContext {
	return podspec.OrEmpty(p.SecurityContext)
}

// templateContainers returns the containers of a pod template, init containers first. Debug containers are left out.
func templateContainers(spec *corev1.PodSpec) []templateContainer {
	out := make([]templateContainer, 0, len(spec.InitContainers)+len(spec.Containers))
	for i := range spec.InitContainers {
		out = append(out, templateContainer{"initContainers", i, &spec.InitContainers[i]})
	}
	for i := range spec.Containers {
		out = append(out, templateContainer{"containers", i, &spec.Containers[i]})
	}
	return out
}

// containerIndex finds the init containers and containers of a template's pod by name. It has the first where names are
// not unique.
type containerIndex struct {
	spec *corev1.PodSpec
	// byName is nil for a pod of few containers, where a search through the lists is quicker.
	byName map[string]*corev1.Container
}

// indexContainers returns a container index of a template's pod spec.
func indexContainers(spec *corev1.PodSpec) *containerIndex {
	p := &containerIndex{spec: spec}
	if len(spec.InitContainers)+len(spec.Containers) > podspec.FewContainers {
		p.byName = podspec.ContainersByName(spec.InitContainers, spec.Containers)
	}
	return p
}

// container returns the container of a template's pod with a name; nil if there is none.
func (p *containerIndex) container(name string) *corev1.Container {
	if p.byName != nil {
		return p.byName[name]
	}
	if c := podspec.ContainerNamed(p.spec.InitContainers, nil, name); c != nil {
		return c
	}
	return podspec.ContainerNamed(p.spec.Containers, nil, name)
}
