package cel

import (
	"errors"
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/engine"
)

// levelValidations returns a validation for each check of the Pod Security Standards that a set enforces beside its label, and adds
// the variables that they need.
func levelValidations(v *variables, s *engine.Set, o Options) ([]admissionregistrationv1.Validation, error) {
	if len(s.Checks) == 0 {
		return nil, nil
	}
	minor := o.Minor
	if s.Version != "" {
		version, err := api.ParseVersion(s.Version)
		if err != nil {
			return nil, fmt.Errorf("set %q: %w", s.Name, err)
		}
		if !version.Latest() {
			minor = version.Minor()
		}
	}
	out := make([]admissionregistrationv1.Validation, 0, len(s.Checks))
	for _, c := range s.Checks {
		expression, ok := levelCheck(c.ID, minor)
		if !ok {
			return nil, fmt.Errorf("set %q: the check %q of the Pod Security Standards v1.%d: %w", s.Name, c.ID, minor, errors.ErrUnsupported)
		}
		parts := []string{expression}
		if excepted := ofWorkloads(c.ExceptWorkloads); excepted != "" {
			parts = append(parts, v.add("excepted", identifiers{}.of(c.ID), excepted))
		}
		forbidden := metav1.StatusReasonForbidden
		out = append(out, admissionregistrationv1.Validation{
			Expression: one(parts), Reason: &forbidden,
			Message: fmt.Sprintf("the pod does not meet the check %s of the Pod Security Standards v1.%d, which this namespace enforces beside its label", c.ID, minor),
		})
	}
	return out, nil
}

// The owner of a pod, as it was before an update: who may update a pod may change its owner. That a controller made a pod can be
// told by the sender of the request only when the pod is new.
const (
	podOwner = `(request.operation == 'CREATE' ? object : oldObject).metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && `
	ownerEnd = `)`
	// byController is true for a new pod that a controller of Kubernetes or of OpenShift makes.
	byController = `request.operation != 'CREATE' || request.userInfo.username == 'system:kube-controller-manager' || ` +
		`request.userInfo.username.startsWith('system:serviceaccount:kube-system:') || request.userInfo.username.startsWith('system:serviceaccount:openshift-infra:')`
)

// ofWorkloads returns the expression that is true for the pods of workloads ("Deployment/web"), "" for none. A controller that is
// none of Kubernetes' own may be any account: its pods are told by their owner alone.
func ofWorkloads(workloads []string) string {
	var parts []string
	for _, w := range workloads {
		kind, name, _ := strings.Cut(w, "/")
		builtin := true
		owner := "o.kind == " + quote(kind) + " && o.name == " + quote(name)
		switch kind {
		case "Pod":
			parts = append(parts, "object.metadata.?name.orValue('') == "+quote(name)+" && !has(object.metadata.ownerReferences)")
			continue
		case "Deployment":
			owner = "o.kind == 'ReplicaSet' && o.name == " + quote(name+"-") + " + object.metadata.?labels[?'pod-template-hash'].orValue('')"
		case "CronJob":
			owner = "o.kind == 'Job' && o.name.startsWith(" + quote(name+"-") + ") && o.name.substring(" + fmt.Sprint(len([]rune(name))+1) + ").matches('^[0-9]+$')"
		case "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController":
		default:
			builtin = false
		}
		part := podOwner + owner + ownerEnd
		if builtin {
			part = "(" + byController + ") &&\n" + part
		}
		parts = append(parts, part)
	}
	return one(parts)
}
