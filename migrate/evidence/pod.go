package evidence

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse/auditlog"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// Pod is what an audit log says of one request to create a pod.
type Pod struct {
	AuditID string
	Time    time.Time
	Level   string
	// Namespace and Name of the pod, and the UID of the one that was stored; "" where the log's level does not show it.
	Namespace, Name, UID string
	// OwnerKind and OwnerName are the controller that the pod names; "" for a bare pod, and where OwnerUnknown is true.
	OwnerKind, OwnerName string
	OwnerUnknown         bool
	// TemplateHash is by what the name of a ReplicaSet differs from that of its Deployment.
	TemplateHash string
	// Requester asked, and is in the groups that the log names.
	Requester string
	Groups    []string
	// Account is the service account of the pod; "" where the log's level does not show it.
	Account string
	// Policy is the PodSecurityPolicy that admitted the pod and filled it in, ValidatedBy the one that took it as it was then.
	Policy, ValidatedBy string
	// Refused is true for a pod that was not created, for the reason Refusal, by what RefusedBy says.
	Refused   bool
	RefusedBy Refuser
	Refusal   string
	// Change says whether the policy changed the pod, and Mutations what it set.
	Change    Change
	Mutations []psp.MutatedField
	// Written is a bare pod as it was sent; nil for others, and where the log's level does not show it.
	Written *corev1.PodTemplateSpec
}

// Change is what an audit log shows of what a policy changed in a pod.
type Change string

// The changes.
const (
	ChangeUnknown   Change = "unknown" // the log has not both the request and the stored pod, or webhooks changed what it does not show
	ChangeUnchanged Change = "unchanged"
	ChangeChanged   Change = "changed"
)

// Refuser is what refused a pod, by an audit log.
type Refuser string

// What refuses pods.
const (
	RefusedByPSP   Refuser = "PodSecurityPolicy"
	RefusedByPSA   Refuser = "PodSecurity"
	RefusedByOther Refuser = "other"
)

// maxRefusal is the length at which a refusal in an audit log is cut off.
const maxRefusal = 500

// prefixes returns the prefixes of the audit annotations of PodSecurityPolicy admission: that of its source
// (plugin/pkg/admission/security/podsecuritypolicy/admission.go), and the one in the release notes of v1.11.
func prefixes() []string {
	return []string{"podsecuritypolicy.policy.k8s.io/", "podsecuritypolicy.admission.k8s.io/"}
}

// Wants reports whether an event of an audit log may create a pod, by its stage and verb.
func Wants(e *auditlog.Event) bool { return e.Stage == auditlog.StageComplete && e.Verb == "create" }

// ReadPod returns what an event of an audit log says of the creation of a pod. It is false for all other events, and for dry runs.
func ReadPod(e *auditlog.Event) (*Pod, bool) {
	o := &e.Object
	created := e.Code == http.StatusCreated || e.Code == http.StatusOK
	if !Wants(e) || o.Resource != "pods" || o.Subresource != "" || o.APIGroup != "" || o.Namespace == "" || e.DryRun() || !created && e.Code != http.StatusForbidden {
		return nil, false
	}
	p := &Pod{
		AuditID: e.AuditID, Time: e.Time, Level: e.Level, Namespace: o.Namespace, Name: o.Name, Requester: e.User.Name, Groups: e.User.Groups,
		Refused: !created, Change: ChangeUnknown,
	}
	sent, stored := decodePod(e.RequestObject), decodePod(e.ResponseObject)
	p.identify(sent, stored)
	if p.Refused {
		p.refused(e.Message)
		return p, true
	}
	for _, prefix := range prefixes() {
		p.Policy = cmp.Or(p.Policy, e.Annotations[prefix+"admit-policy"])
		p.ValidatedBy = cmp.Or(p.ValidatedBy, e.Annotations[prefix+"validate-policy"])
	}
	if stored != nil {
		p.Policy = cmp.Or(p.Policy, stored.Annotations[podspec.AdmittedByAnnotation])
	}
	if sent != nil {
		p.compare(e, sent, stored)
	}
	return p, true
}

// decodePod decodes a pod in an audit event; nil where there is none.
func decodePod(object []byte) *corev1.Pod {
	var pod corev1.Pod
	if object == nil || json.UnmarshalCaseSensitivePreserveInts(object, &pod) != nil || pod.Kind != "" && pod.Kind != "Pod" || len(pod.Spec.Containers) == 0 {
		return nil
	}
	return &pod
}

// identify sets which pod it is, by what was sent and what is stored; both may be nil.
func (p *Pod) identify(sent, stored *corev1.Pod) {
	of := cmp.Or(stored, sent)
	if of == nil {
		p.OwnerUnknown = true
		return
	}
	p.Name = cmp.Or(of.Name, p.Name)
	p.Account = cmp.Or(of.Spec.ServiceAccountName, of.Spec.DeprecatedServiceAccount, "default")
	p.TemplateHash = of.Labels["pod-template-hash"]
	if stored != nil {
		p.UID = string(stored.UID)
	}
	if owner := metav1.GetControllerOfNoCopy(of); owner != nil {
		p.OwnerKind, p.OwnerName = owner.Kind, owner.Name
	}
}

// refused sets what refused the pod, by the message of the answer.
func (p *Pod) refused(text string) {
	switch {
	case strings.Contains(text, "PodSecurityPolicy: unable to "):
		p.RefusedBy = RefusedByPSP
	case strings.Contains(text, "violates PodSecurity "):
		p.RefusedBy = RefusedByPSA
	default:
		p.RefusedBy = RefusedByOther
	}
	if len(text) > maxRefusal {
		text = strings.ToValidUTF8(text[:maxRefusal], "") + "..."
	}
	p.Refusal = text
}

// compare sets what a policy changed in the pod between what was sent and what is stored. Of that, what webhooks changed is taken off.
func (p *Pod) compare(e *auditlog.Event, sent, stored *corev1.Pod) {
	if p.OwnerKind == "" && !isMirror(sent) {
		p.Written = &corev1.PodTemplateSpec{Spec: sent.Spec}
		p.Written.Labels, p.Written.Annotations = sent.Labels, sent.Annotations
	}
	if stored == nil {
		return
	}
	patched, known := withWebhooks(sent, e.Annotations)
	if !known {
		return
	}
	fields, known := psp.MutatedFields(patched, stored)
	switch {
	case !known:
	case len(fields) == 0:
		p.Change = ChangeUnchanged
	default:
		p.Change, p.Mutations = ChangeChanged, fields
	}
}

// isMirror reports whether a pod in an audit log is the mirror of a static pod.
func isMirror(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror
}
