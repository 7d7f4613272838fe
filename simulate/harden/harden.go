// Package harden says what a pod template lacks for a level of the Pod Security Standards: the edits that would bring it
// there, which of them may break the program, and what no edit can settle.
package harden

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Safety says what an edit may break.
type Safety string

// Safe edits change nothing that can matter, and say why. All others need to be tested by who owns the workload.
const (
	Safe      Safety = "safe"
	NeedsTest Safety = "test"
)

// Edit is one value to write into a pod template.
type Edit struct {
	// Path within the template, as upstream names fields: "spec.containers[0].securityContext.capabilities.drop".
	Path string
	// Container at that path, by name; "" at the pod level.
	Container string
	// Value is compact JSON. It takes the place of what is there: a list is the whole list.
	Value string
	// Check of the standards that asks for it.
	Check  string
	Safety Safety
	Why    string
}

// Obstacle is a check that still fails with every edit made.
type Obstacle struct {
	Check string
	// Why is the library's own text, Advice what a person can do about it.
	Why, Advice string
	// Injected is true if it is not the template that fails, but only what pods have beyond it.
	Injected bool
}

// TemplateChanges is what a template lacks for a level: the level is reached by the edits if and only if there are no obstacles.
type TemplateChanges struct {
	Edits     []Edit
	Obstacles []Obstacle
}

// TemplateWithPods is a workload that is to be raised to a level.
type TemplateWithPods struct {
	// Template is what the edits are to.
	Template *inventory.Shape
	// FuturePods are the pods to come that are more than the template: with what webhooks inject, and without what a policy
	// fills in.
	FuturePods []*inventory.Shape
	// RunningPods are pods as they run today. An edit that changes nothing in any of them is safe.
	RunningPods []*inventory.Shape
	// Policy is set where there are no such pods, and Running is what that policy would make of the template.
	Policy string
	// OnWindows is true where the pods go to Windows nodes, though the template may not state its os.
	OnWindows bool
}

// ProposeTemplateEdits proposes the edits that a template needs to meet a level at each of the versions, makes them in a copy, and judges
// that again: whatever still fails is an obstacle. No edit adds what a template has already, or what API validation
// refuses, and none takes away anything that a template asks for (a host path, a capability): that is for people to decide.
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
	var all *raising
	for _, f := range checkFixes() {
		if !failing[f.check] {
			continue
		}
		if all == nil {
			all = newRaising(s)
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

// raising is a subject whose containers can be looked up, so that each proposal costs what it is about and not the pod.
type raising struct {
	*TemplateWithPods
	template      *containerIndex
	next, running []*containerIndex
	// runningPodsComplete is true if pods run today and each of them has every container of the template. A pod that lacks one, as one
	// that is older, shows nothing.
	runningPodsComplete bool
	// usersStated is false if a pod runs as a user that the template does not state.
	usersStated bool
}

func newRaising(s *TemplateWithPods) *raising {
	r := &raising{TemplateWithPods: s, template: indexContainers(&s.Template.Spec), runningPodsComplete: len(s.RunningPods) > 0, usersStated: true}
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

// failingChecks is what a pod fails of a level, as a server tells it, at any of the versions.
func failingChecks(e *pss.Evaluator, pod *inventory.Shape, level api.Level, versions []api.Version) []pss.Violation {
	var found []pss.Violation
	for _, v := range versions {
		verdict := e.Verdict(pod.Annotations, &pod.Spec, v)
		if api.CompareLevels(verdict.Level, level) >= 0 {
			continue
		}
		told := e.ViolationsAtLevel(verdict.Violations, api.LevelVersion{Level: level, Version: v})
		if len(told) == 0 { // restricted waives for Windows pods what baseline does not
			told = verdict.Violations
		}
		found = append(found, told...)
	}
	return found
}

// remainingObstacles are what the edited template still fails, and the pods that are more than it.
func remainingObstacles(e *pss.Evaluator, s *TemplateWithPods, template *inventory.Shape, next []*inventory.Shape, level api.Level, versions []api.Version) []Obstacle {
	left := failingChecks(e, template, level, versions)
	ofTemplate := map[string]bool{}
	for _, v := range left {
		ofTemplate[v.Check] = true
	}
	ofDebug := failsOnlyWithDebugContainers(e, template, level, versions)
	for _, pod := range next {
		left = append(left, failingChecks(e, pod, level, versions)...)
	}
	slices.SortFunc(left, pss.CompareViolations)
	var out []Obstacle
	for _, v := range pss.MergeViolationsPerCheck(slices.Compact(left)) {
		injected := !ofTemplate[v.Check]
		advice := injectedAdvice
		switch {
		case ofDebug(v.Check):
			advice = debugAdvice
		case !injected:
			advice = s.obstacleAdvice(v.Check, level, versions)
		}
		out = append(out, Obstacle{v.Check, pss.ViolationMessage([]pss.Violation{v}), advice, injected})
	}
	return out
}

// failsOnlyWithDebugContainers returns what tells the checks that a template fails only with the debug containers that it has: it should have
// none.
func failsOnlyWithDebugContainers(e *pss.Evaluator, template *inventory.Shape, level api.Level, versions []api.Version) func(check string) bool {
	if len(template.Spec.EphemeralContainers) == 0 {
		return func(string) bool { return false }
	}
	without := copyShape(template)
	without.Spec.EphemeralContainers = nil
	left := failingChecks(e, without, level, versions)
	return func(check string) bool {
		return !slices.ContainsFunc(left, func(v pss.Violation) bool { return v.Check == check })
	}
}

func copyShape(s *inventory.Shape) *inventory.Shape {
	return &inventory.Shape{Annotations: s.Annotations, Spec: *copySecurityContexts(&s.Spec)}
}

// copySecurityContexts copies of a pod what edits are made in: security contexts, whose fields are replaced and never written into.
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

// proposedEdit is an edit and how to make it: in a pod's security context, or in that of the container of its name.
type proposedEdit struct {
	Edit
	inPod       func(*corev1.PodSecurityContext)
	inContainer func(*corev1.SecurityContext)
}

// apply makes the edit in an editable pod. There the container is known by its name.
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

// proposePodValue proposes a value of the pod's security context.
func proposePodValue(field string, value any, write func(*corev1.PodSecurityContext)) proposedEdit {
	return proposedEdit{Edit: Edit{Path: "spec.securityContext." + field, Value: compactJSON(value)}, inPod: write}
}

// proposeValue proposes a value of one container's security context.
func (p templateContainer) proposeValue(field string, value any, write func(*corev1.SecurityContext)) proposedEdit {
	path := fmt.Sprintf("spec.%s[%d].securityContext.%s", p.list, p.index, field)
	return proposedEdit{Edit: Edit{Path: path, Container: p.Name, Value: compactJSON(value)}, inContainer: write}
}

// compactJSON is the JSON of a value that always has one.
func compactJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// templateContainer is a container and where it stands.
type templateContainer struct {
	list  string
	index int
	*corev1.Container
}

// securityContext is the container's security context, an empty one if there is none.
func (p templateContainer) securityContext() *corev1.SecurityContext {
	return podspec.OrEmpty(p.SecurityContext)
}

// templateContainers lists the containers that a template can have: init containers first.
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

// containerIndex are the init containers and containers of a pod by name: the first, where names are not unique.
type containerIndex struct {
	spec *corev1.PodSpec
	// byName is nil for a pod of few containers, through which it is quicker to go.
	byName map[string]*corev1.Container
}

func indexContainers(spec *corev1.PodSpec) *containerIndex {
	p := &containerIndex{spec: spec}
	if len(spec.InitContainers)+len(spec.Containers) > podspec.FewContainers {
		p.byName = podspec.ContainersByName(spec.InitContainers, spec.Containers)
	}
	return p
}

// container is the container of a name, nil if there is none.
func (p *containerIndex) container(name string) *corev1.Container {
	if p.byName != nil {
		return p.byName[name]
	}
	if c := podspec.ContainerNamed(p.spec.InitContainers, nil, name); c != nil {
		return c
	}
	return podspec.ContainerNamed(p.spec.Containers, nil, name)
}
