package verify

import (
	"cmp"
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// policyAnnotation is the annotation that names the PodSecurityPolicy which let a pod in.
const policyAnnotation = "kubernetes.io/psp"

// podFromTemplate returns, for a dry run, a pod as a controller would make it of its template, as far as Pod Security
// Admission looks at it.
func podFromTemplate(m *controller, t *corev1.PodTemplateSpec) (*unstructured.Unstructured, error) {
	const longest = 200 // the server cuts what it makes longer, and refuses what is longer before
	pod := corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: m.name[:min(len(m.name), longest)] + "-", Namespace: m.namespace, Labels: t.Labels, Annotations: t.Annotations,
		},
		Spec: t.Spec,
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&pod)
	if err != nil {
		return nil, err
	}
	delete(object, "status")
	return &unstructured.Unstructured{Object: object}, nil
}

// checkRecreation creates a pod of every template as a dry run, which keeps nothing, and returns what the server says to
// each.
func (v *Verification) checkRecreation(ctx context.Context) []CheckResult {
	s := newNamespaceReader(v.Client, v.Namespaces).listControllers(ctx, true)
	var out []CheckResult
	for _, u := range s.unread {
		for _, ns := range v.Namespaces {
			if u.affects(ns) {
				out = append(out, CheckResult{Namespace: ns, Check: CheckRecreate, Status: StatusUnknown, Reason: u.reason()})
			}
		}
	}
	tried := map[string]int{}
	for i := range s.controllers {
		if m := &s.controllers[i]; m.templatePod != nil {
			tried[m.namespace]++
			out = append(out, v.dryRunPod(ctx, m))
		}
	}
	for _, ns := range v.Namespaces {
		if tried[ns] == 0 {
			out = append(out, CheckResult{Namespace: ns, Check: CheckRecreate, Status: StatusOK, Reason: message.New("verify-no-template")})
		}
	}
	return out
}

// dryRunPod creates a pod of one controller's template as a dry run, and returns what the server says.
func (v *Verification) dryRunPod(ctx context.Context, m *controller) CheckResult {
	r := CheckResult{Namespace: m.namespace, Check: CheckRecreate, Workload: strings.ToLower(m.kind) + "/" + m.name}
	pods := v.Client.Resource(podResource()).Namespace(m.namespace)
	var made *unstructured.Unstructured
	err := rollout.RetryTransient(ctx, func() (err error) {
		made, err = pods.Create(ctx, m.templatePod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: rollout.FieldManager})
		return err
	})
	switch {
	case err == nil:
		r.Status, r.Reason = StatusOK, message.New("verify-recreated")
		if m.templatePod.GetAnnotations()[policyAnnotation] == "" {
			r.Reason = r.Reason.With("policy", made.GetAnnotations()[policyAnnotation])
		}
	case isPodSecurityRefusal(err.Error()):
		r.Status, r.Reason = StatusNotOK, message.New("verify-refused", "said", err)
	case isPolicyRefusal(err.Error()):
		r.Status, r.Reason = StatusUnknown, message.New("verify-no-usable-policy", "said", err)
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "cannot create resource"):
		r.Status, r.Reason = StatusUnknown, message.New("verify-create-forbidden", "said", err)
	default:
		r.Status, r.Reason = StatusUnknown, message.New("verify-refused-otherwise", "said", err)
	}
	return r
}

// awaitAdmission waits until the server's Pod Security Admission has noticed the levels that the labels of namespaces
// enforce: it looks at a cache, and would admit anything right after a write. It returns a result for each namespace in which
// the server goes on to admit a privileged pod from whoever runs this: then a pod that it admits proves nothing.
func (v *Verification) awaitAdmission(ctx context.Context, enforced map[string]string) []CheckResult {
	const most = 20
	pause := cmp.Or(v.Poll, 250*time.Millisecond)
	var out []CheckResult
	for _, ns := range v.Namespaces {
		level := enforced[ns]
		if level == "" || level == string(api.LevelPrivileged) {
			continue
		}
		var err error
		pods, backoff := v.Client.Resource(podResource()).Namespace(ns), wait.Backoff{Duration: pause, Steps: most}
		stopped := wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
			_, err = pods.Create(ctx, privilegedProbePod(ns), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: rollout.FieldManager})
			return err != nil && (!isPodSecurityRefusal(err.Error()) || strings.Contains(err.Error(), `"`+level+":")), nil
		})
		if ctx.Err() != nil && stopped != nil {
			return out // the caller ends with the error of ctx
		}
		if err == nil {
			out = append(out, CheckResult{
				Namespace: ns, Check: CheckRecreate, Status: StatusUnknown,
				Reason: message.New("verify-probe-admitted", "level", level),
			})
		}
	}
	return out
}

// privilegedProbePod returns, to verify that levels are in force, a pod that only the level privileged allows.
func privilegedProbePod(namespace string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"generateName": "psp2pss-probe-", "namespace": namespace},
		"spec": map[string]any{
			"hostNetwork": true,
			"containers":  []any{map[string]any{"name": "probe", "image": "probe", "securityContext": map[string]any{"privileged": true}}},
		},
	}}
}
