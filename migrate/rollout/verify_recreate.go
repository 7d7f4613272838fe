package rollout

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
)

// policyAnnotation names the policy that let a pod in.
const policyAnnotation = "kubernetes.io/psp"

// podOf is a pod as the controller would make it of a template, as far as Pod Security looks at it.
func podOf(m *maker, t *corev1.PodTemplateSpec) (*unstructured.Unstructured, error) {
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

// recreate has the server judge a pod of every template. Nothing is kept: the create is a dry run, and the only write here.
func (v *Verification) recreate(ctx context.Context) []Result {
	s := newViewer(v.Client, v.Namespaces).makers(ctx, true)
	var out []Result
	for _, u := range s.unread {
		for _, ns := range v.Namespaces {
			if u.in(ns) {
				out = append(out, Result{Namespace: ns, What: CheckRecreate, Status: CouldNotTell, Why: u.String()})
			}
		}
	}
	tried := map[string]int{}
	for i := range s.makers {
		if m := &s.makers[i]; m.pod != nil {
			tried[m.namespace]++
			out = append(out, v.recreateOne(ctx, m))
		}
	}
	for _, ns := range v.Namespaces {
		if tried[ns] == 0 {
			out = append(out, Result{Namespace: ns, What: CheckRecreate, Status: OK, Why: "there is no template that a pod could be made of"})
		}
	}
	return out
}

func (v *Verification) recreateOne(ctx context.Context, m *maker) Result {
	r := Result{Namespace: m.namespace, What: CheckRecreate, Workload: strings.ToLower(m.kind) + "/" + m.name}
	pods := v.Client.Resource(podResource()).Namespace(m.namespace)
	var made *unstructured.Unstructured
	err := patiently(ctx, func() (err error) {
		made, err = pods.Create(ctx, m.pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: Manager})
		return err
	})
	switch {
	case err == nil:
		r.Status, r.Why = OK, "the server would take its pod"
		if policy := made.GetAnnotations()[policyAnnotation]; policy != "" && m.pod.GetAnnotations()[policyAnnotation] == "" {
			r.Why += fmt.Sprintf(", with what the policy %q fills in, which whoever runs this may use", policy)
		}
	case byPodSecurity(err.Error()):
		r.Status, r.Why = NotOK, err.Error()
	case byPolicies(err.Error()):
		r.Status, r.Why = CouldNotTell, "whoever runs this may not use a policy that admits it, which says nothing of its own account: "+err.Error()
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "cannot create resource"):
		r.Status, r.Why = CouldNotTell, fmt.Sprintf("%s; grant: create pods", err)
	default:
		r.Status, r.Why = CouldNotTell, "refused for another reason, which hides what Pod Security would say: "+err.Error()
	}
	return r
}

// noticed waits until the server's admission has noticed the levels that labels enforce: it looks at a cache, and right
// after a write its yes would say nothing. Where it lets whoever runs this do what the level forbids all along, that is
// told: its yes is worth nothing there.
func (v *Verification) noticed(ctx context.Context, enforced map[string]string) []Result {
	const most = 20
	pause := cmp.Or(v.Poll, 250*time.Millisecond)
	var out []Result
	for _, ns := range v.Namespaces {
		level := enforced[ns]
		if level == "" || level == string(api.LevelPrivileged) {
			continue
		}
		var err error
		for attempt := 0; attempt < most; attempt++ {
			_, err = v.Client.Resource(podResource()).Namespace(ns).Create(ctx, forbiddenPod(ns), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: Manager})
			if err != nil && (!byPodSecurity(err.Error()) || strings.Contains(err.Error(), `"`+level+":")) || !sleep(ctx, pause) {
				break
			}
		}
		if err == nil {
			out = append(out, Result{
				Namespace: ns, What: CheckRecreate, Status: CouldNotTell,
				Why: "the server takes from whoever runs this what " + level + " forbids: an exemption, or it has not noticed the label; so that it would take other pods says nothing",
			})
		}
	}
	return out
}

// forbiddenPod is one that only privileged allows.
func forbiddenPod(namespace string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"generateName": "psp2pss-probe-", "namespace": namespace},
		"spec": map[string]any{
			"hostNetwork": true,
			"containers":  []any{map[string]any{"name": "probe", "image": "probe", "securityContext": map[string]any{"privileged": true}}},
		},
	}}
}
