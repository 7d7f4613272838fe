package migrate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Workload is one workload of a namespace in the Plan, with its evaluation.
type Workload struct {
	Kind string `json:"kind" format:"kind"`
	// Name of the object; "web-<generated>" where the server chooses the rest of it.
	Name string `json:"name" format:"name"`
	// ServiceAccount is that of its template, or of its pods; absent for mirror pods, which have none.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// Replicas it asks for, or live pods where it asks for none.
	Replicas int `json:"replicas"`
	// Pods is the number of live pods seen.
	Pods int `json:"pods,omitempty"`
	// EvaluationKey names the item of Plan.Evaluations that holds for its pods.
	EvaluationKey string `json:"evaluation"`
	// Evaluation is that item. Build and ReadPlan set it; it must not be changed, since workloads share it.
	*Evaluation `json:"-"`
	// AdmissionDrift: live pods that would be treated differently if they were created again today.
	AdmissionDrift []AdmissionDrift `json:"admissionDrift,omitempty"`
	// Logged is what audit logs say of its pods; absent where none was given, or none has a pod that was created.
	Logged *LoggedAdmission `json:"logged,omitempty"`
	// DebuggedPods: pods into which 'kubectl debug' has put containers. These go with their pod and count for no level.
	DebuggedPods []DebuggedPod `json:"debuggedPods,omitempty"`
	// Owner is the controller that made it, where it is known beside it.
	Owner *WorkloadRef `json:"owner,omitempty"`
	// ManagedBy is the tool that writes it and would undo, or lose, what is changed beside it.
	ManagedBy *ManagedBy        `json:"managedBy,omitempty"`
	Position  pspparse.Position `json:"position,omitzero"`
}

// Evaluation is what Pod Security and PSP admission say about the pods of a workload, at the target version. Workloads whose
// pods are alike share one, whatever the name of their service account and whoever writes them.
type Evaluation struct {
	// Key is made from the content: it is the same in every plan that has the same evaluation.
	Key string `json:"key"`
	// UsablePolicies: what its service account, or the controller that creates its pods, may use; or EveryPolicy.
	UsablePolicies []string `json:"usablePolicies"`
	// ObservedPolicies: the kubernetes.io/psp annotations of its live pods, sorted.
	ObservedPolicies []string `json:"observedPolicies,omitempty"`
	// AdmittedBy is the policy that would admit its pods today, Mutations are what that one sets in the pod template:
	// what the template must state itself to stay as it is; a bare pod is taken to come from whoever has created it, and of
	// what its author wrote. Both are absent where no policy would admit them, for which Refused says why, and where what
	// this depends on was not read. Refused has the first 20 policies, since policies times evaluations would make a plan of
	// any size: psp-refusals-more then has the number of the others, and psp-refusal the number of a policy's reasons that
	// were left out.
	AdmittedBy string            `json:"admittedBy,omitempty"`
	Refused    []message.Message `json:"refused,omitempty"`
	// AdmissionMode says why admission takes that one: unchanged (it is the first by name of those that take the pods as they
	// are) or changed (none does, and it is the first by name of those that admit them with what they set).
	AdmissionMode string         `json:"admissionMode,omitempty" values:"unchanged changed"`
	Levels        WorkloadLevels `json:"levels"`
	// LevelEstimated: the level after PSP rests on what a policy is assumed to have set, in a pod without a template (which
	// a bare pod made by kubectl apply has: the record of what it was given) or in containers beyond it.
	LevelEstimated bool `json:"levelEstimated,omitempty"`
	// Injections are what webhooks are taken to add to its pods though no live pod shows it. They count after PSP.
	Injections []Injection        `json:"injections,omitempty"`
	Mutations  []TemplateMutation `json:"mutations,omitempty"`
	// Violations are what Pod Security says of its pods after PSP, at any version at which enforce must hold.
	Violations []Violation `json:"violations"`
	// AtTarget is what holds at the target version alone; absent where an older server makes no difference.
	AtTarget *TargetEvaluation `json:"atTarget,omitempty"`
	// StricterEdits: for each level that is stricter than after PSP, the looser one first, what its template lacks.
	StricterEdits []StricterEdits `json:"stricterEdits,omitempty"`
	// Template is what a patch builds on; absent where no template was read, or nothing is to be written into it.
	Template *TemplateOutline `json:"template,omitempty"`
	// Exempt says why Pod Security does not check its pods, by Plan.Admission; absent where it does.
	Exempt *Exemption `json:"exempt,omitempty"`
	// TemplatePaths are where the object of a custom kind has its pod templates, or what it says of its pods: "spec.template".
	TemplatePaths []string `json:"templatePaths,omitempty"`
	// PartialTemplates: it is of a custom kind whose controller adds to what it says. Its levels are those of its pods that were
	// read and of what the object says itself: they show what it violates, and not that it meets a level.
	PartialTemplates bool `json:"partialTemplates,omitempty"`
	// SeccompByAnnotation and AppArmorByAnnotation: an annotation sets a profile that no field of the same pod sets.
	SeccompByAnnotation  bool `json:"seccompByAnnotation,omitempty"`
	AppArmorByAnnotation bool `json:"appArmorByAnnotation,omitempty"`
}

// TargetEvaluation is, in the Plan, what Pod Security says of the pods of a workload after PSP at the target version alone, where
// an older server, at whose version enforce must hold, too, says something else.
type TargetEvaluation struct {
	// Server is that older version.
	Server         string      `json:"server"`
	AfterPSP       api.Level   `json:"afterPSP"`
	LevelEstimated bool        `json:"levelEstimated,omitempty"`
	Violations     []Violation `json:"violations"`
}

// AloneAtTarget returns what Pod Security says of the pods of a Plan's workload after PSP at the target version alone.
func (e *Evaluation) AloneAtTarget() TargetEvaluation {
	if e.AtTarget != nil {
		return *e.AtTarget
	}
	return TargetEvaluation{AfterPSP: e.Levels.AfterPSP, LevelEstimated: e.LevelEstimated, Violations: e.Violations}
}

// OnlyOnServer returns the version of the older server if a check of the Plan's workload fails there and not at the target version;
// else "".
func (e *Evaluation) OnlyOnServer(check string) string {
	if e.AtTarget == nil || slices.ContainsFunc(e.AtTarget.Violations, func(v Violation) bool { return v.Check == check }) {
		return ""
	}
	return e.AtTarget.Server
}

// Exemption is what in the API server's admission configuration exempts the pods of a workload from Pod Security. At
// least one is set.
type Exemption struct {
	// RuntimeClass of all its pods. They decide no level.
	RuntimeClass string `json:"runtimeClass,omitempty"`
	// Username of the controller that creates its pods, and with them those of everybody who may create such a workload. They
	// decide like any other: the exemption is a hole that has to be closed.
	Username string `json:"username,omitempty"`
}

// DebuggedPod is, in the Plan, a live pod with debug (ephemeral) containers and the level that it meets with them.
type DebuggedPod struct {
	Pod        string   `json:"pod"`
	Containers []string `json:"containers"`
	// Level is the strictest that the pod meets with them. RefusedAt is the recommended level of the namespace, or today's, where
	// it refuses them, and with them the pod new debug containers and new images as long as these are there.
	Level     api.Level `json:"level"`
	RefusedAt api.Level `json:"refusedAt,omitempty"`
}

// WorkloadLevels are the strictest levels that a workload of the Plan meets as written, as admitted by PSP, and after
// PSP.
type WorkloadLevels struct {
	AsWritten  api.Level `json:"asWritten,omitempty"`
	AsAdmitted api.Level `json:"asAdmitted,omitempty"`
	AfterPSP   api.Level `json:"afterPSP,omitempty"`
}

// TemplateMutation is one value that PSP admission sets in a workload's pods today and that its template has to state
// after PSP: what an edit has to write for nothing to change.
type TemplateMutation struct {
	// Path is the field within the pod template: "spec.securityContext.fsGroup", "metadata.annotations[KEY]",
	// "spec.containers[0].securityContext.capabilities.drop".
	Path string `json:"path"`
	// Container at that path, by name; absent at the pod level.
	Container string `json:"container,omitempty"`
	// Value is compact JSON: true, "RuntimeDefault", ["ALL"], 2000. A list is the whole list.
	Value string `json:"value"`
	// Policy that sets it; absent for what the API server derives from an annotation.
	Policy string `json:"policy,omitempty"`
}

// StricterEdits is, in the Plan, what a workload's template lacks for a stricter level: the edits reach it if and only
// if there are no obstacles.
type StricterEdits struct {
	Level     api.Level          `json:"level"`
	Edits     []TemplateEdit     `json:"edits"`
	Obstacles []StricterObstacle `json:"obstacles"`
}

// TemplateEdit is, in the Plan, one value to write into a workload's template for a stricter level; Path, Container and
// Value are as in TemplateMutation.
type TemplateEdit struct {
	Path      string `json:"path"`
	Container string `json:"container,omitempty"`
	Value     string `json:"value"`
	// Check of the standards that asks for it.
	Check string `json:"check"`
	// Safety is safe if the edit changes nothing that can matter, else test: its owner has to try it. Why says the reason.
	Safety string          `json:"safety" values:"safe test"`
	Why    message.Message `json:"why"`
}

// StricterObstacle is, in the Plan, a check of a stricter level that a workload fails and that no edit of its template
// meets.
type StricterObstacle struct {
	Check string `json:"check"`
	// Why is PSA's own text, Advice what a person can do.
	Why    string          `json:"why"`
	Advice message.Message `json:"advice"`
	// Injected: not the template fails, but only what its pods have beyond it.
	Injected bool `json:"injected,omitempty"`
}

// TemplateOutline is what a patch needs to know of a workload's pod template beside the values that it writes.
type TemplateOutline struct {
	// Parents are those of the objects on the way to a field that the template has, as it was read: "spec.securityContext",
	// "spec.containers[0].securityContext.capabilities". A JSON patch has to make the others.
	Parents []string `json:"parents"`
	// Containers: init containers first, then those that live pods have beyond the template.
	Containers []TemplateContainer `json:"containers"`
}

// TemplateContainer is the name and image of a container in a TemplateOutline.
type TemplateContainer struct {
	Name string `json:"name"`
	// Image without tag and digest; absent where it is not known.
	Image string `json:"image,omitempty"`
	// Injected: the template does not have it, but live pods do, or are taken to get it (see Workload.Injections).
	Injected bool `json:"injected,omitempty"`
}

// ManagedBy is the tool, such as Helm or Argo CD, that writes a workload's object, and its source.
type ManagedBy struct {
	// Tool is the tool's name, absent if only a chart is known.
	Tool string `json:"tool,omitempty"`
	// Source in the tool's own words: "release web/grafana", "Kustomization flux-system/apps".
	Source string `json:"source,omitempty"`
	// Chart is a Helm chart's name and version: "grafana-6.58.7".
	Chart string `json:"chart,omitempty"`
}

// Violation is, in the Plan, one check that a workload fails after PSP, in the library's own words, of all its forms in
// one.
type Violation struct {
	Check  string    `json:"check"`
	Level  api.Level `json:"level"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
}
