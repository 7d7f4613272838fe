package verify

import (
	"cmp"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
)

// auditEvent is an audit event, and what it says about Pod Security Admission and generated policies.
type auditEvent struct{ *auditlog.Event }

// isAboutPodSecurity reports whether Pod Security Admission evaluated the request of an audit event.
func (e *auditEvent) isAboutPodSecurity() bool {
	for key := range e.Annotations {
		if strings.HasPrefix(key, api.AuditAnnotationPrefix) {
			return true
		}
	}
	return e.refused()
}

// refused reports whether Pod Security Admission refused the request of an audit event.
func (e *auditEvent) refused() bool {
	return e.Code == http.StatusForbidden && isPodSecurityRefusal(e.Message)
}

// findingKey returns the key of a finding about the workload of an audit event, without its class.
func (e *auditEvent) findingKey() auditFindingKey {
	return auditFindingKey{namespace: e.Object.Namespace, workload: truncateAuditMessage(e.workload()), template: e.Object.Resource != "pods"}
}

// finding returns the worst that an audit event says about its workload, and the message; "" if there is nothing.
func (e *auditEvent) finding() (auditFindingKey, string) {
	key := e.findingKey()
	violations, failed := e.Annotations[api.AuditAnnotationPrefix+api.AuditViolationsAnnotationKey], e.Annotations[api.AuditAnnotationPrefix+"error"]
	exempt := e.Annotations[api.AuditAnnotationPrefix+api.ExemptionReasonAnnotationKey]
	switch {
	case e.refused():
		key.class = auditRefused
		return key, e.Message
	case failed != "":
		key.class = auditError
		return key, failed
	case violations != "":
		key.class, key.level = auditViolates, violatedLevel(violations)
		return key, violations
	case exempt != "":
		key.class = auditExempt
		return key, "exempt by " + exempt
	}
	return key, ""
}

// violatedLevel returns the level in an audit event's `would violate PodSecurity "restricted:latest": ...`; "" if there
// is none.
func violatedLevel(text string) string {
	_, rest, _ := strings.Cut(text, `PodSecurity "`)
	level, _, _ := strings.Cut(rest, ":")
	if _, err := api.ParseLevel(level); err != nil {
		return ""
	}
	return level
}

// podRequestMeta is the part of an audit event's request to create a pod that says which controller made it.
type podRequestMeta struct {
	Metadata struct {
		GenerateName    string                  `json:"generateName"`
		Labels          map[string]string       `json:"labels"`
		OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
	} `json:"metadata"`
}

// workload names the workload of an audit event: for a pod its controller, if the log has the request, else what the names
// and the user say.
func (e *auditEvent) workload() string {
	if e.Object.Resource != "pods" {
		return strings.TrimSuffix(e.Object.Resource, "s") + "/" + cmp.Or(e.Object.Name, "(unnamed)")
	}
	var pod podRequestMeta
	if err := json.UnmarshalCaseSensitivePreserveInts(e.RequestObject, &pod); err != nil {
		pod = podRequestMeta{} // not logged, or a patch
	}
	if owner := metav1.GetControllerOfNoCopy(&metav1.ObjectMeta{OwnerReferences: pod.Metadata.OwnerReferences}); owner != nil {
		hash := pod.Metadata.Labels["pod-template-hash"]
		if deployment, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && hash != "" && owner.Kind == "ReplicaSet" {
			return "deployment/" + deployment
		}
		return strings.ToLower(owner.Kind) + "/" + owner.Name
	}
	if pod.Metadata.GenerateName != "" {
		return "pod/" + pod.Metadata.GenerateName + "*"
	}
	return podControllerByUser(e.User.Name, cmp.Or(e.Object.Name, podNameInMessage(e.Message)))
}

// podControllerByUser names the controller of a pod by the user that created it, since most controllers have a service
// account of their own, and by how controllers name pods. It joins all attempts of one controller.
func podControllerByUser(user, name string) string {
	base := name
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		base = name[:at]
	}
	account, byController := strings.CutPrefix(user, "system:serviceaccount:kube-system:")
	kind := map[string]string{
		"replicaset-controller": "replicaset", "replication-controller": "replicationcontroller", "daemon-set-controller": "daemonset",
		"statefulset-controller": "statefulset", "job-controller": "job",
	}[account]
	switch {
	case name == "":
		return "pod/(unnamed, made by " + user + ")"
	case byController && kind != "":
		return kind + "/" + base
	case user == "system:kube-controller-manager" && base != name:
		return "pod/" + base + "-*"
	}
	return "pod/" + name
}

// podNameInMessage returns the name in an audit log's message `pods "web-7d4b9-" is forbidden: ...`; "" if there is
// none.
func podNameInMessage(message string) string {
	rest, ok := strings.CutPrefix(message, `pods "`)
	name, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return name
}
