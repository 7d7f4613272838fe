package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// maker is an object that makes pods, or makes what makes them.
type maker struct {
	namespace, kind, name string
	uid                   types.UID
	// root is what people know it by: the Deployment of a ReplicaSet, the CronJob of a Job, else itself.
	root metav1.OwnerReference
	// counts is false for what makes no pods by itself, or not now.
	counts bool
	// wanted is how many pods it should have now.
	wanted int
	// observed is true once its controller has looked at what it asks for.
	observed bool
	// tells is true if a condition tells whether it is refused pods now, and failing is what that says. Other kinds tell by
	// events alone, which stay after the pods have come.
	tells   bool
	failing string
	// lags is true for what has less pods than it asks for in the course of its work.
	lags bool
	// surges is true while pods of a new kind are made before those of the old kind go: then the number of pods tells not.
	surges bool
	// pod is one of its template; nil unless asked for.
	pod *unstructured.Unstructured
}

// makerKind is a kind that makes pods, and how it is read.
type makerKind struct {
	kind     string
	resource schema.GroupVersionResource
	read     func(*unstructured.Unstructured, bool) (maker, error)
}

func makerKinds() []makerKind {
	apps, batch, core := schema.GroupVersion{Group: "apps", Version: "v1"}, schema.GroupVersion{Group: "batch", Version: "v1"}, schema.GroupVersion{Version: "v1"}
	return []makerKind{
		{"Deployment", apps.WithResource("deployments"), reader("Deployment", readDeployment)},
		{"ReplicaSet", apps.WithResource("replicasets"), reader("ReplicaSet", readReplicaSet)},
		{"StatefulSet", apps.WithResource("statefulsets"), reader("StatefulSet", readStatefulSet)},
		{"DaemonSet", apps.WithResource("daemonsets"), reader("DaemonSet", readDaemonSet)},
		{"ReplicationController", core.WithResource("replicationcontrollers"), reader("ReplicationController", readReplicationController)},
		{"Job", batch.WithResource("jobs"), reader("Job", readJob)},
		{"CronJob", batch.WithResource("cronjobs"), reader("CronJob", readCronJob)},
		{"PodTemplate", core.WithResource("podtemplates"), reader("PodTemplate", readPodTemplate)},
	}
}

// reader makes a maker of an object of type T. One that another makes keeps its template to that.
func reader[T any](kind string, read func(*T, *maker) *corev1.PodTemplateSpec) func(*unstructured.Unstructured, bool) (maker, error) {
	return func(u *unstructured.Unstructured, template bool) (maker, error) {
		m := maker{namespace: u.GetNamespace(), kind: kind, name: u.GetName(), uid: u.GetUID()}
		m.root = metav1.OwnerReference{Kind: kind, Name: m.name, UID: m.uid}
		owner := metav1.GetControllerOfNoCopy(u)
		if owner != nil {
			m.root = *owner
		}
		var object T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &object); err != nil {
			return m, err
		}
		from := read(&object, &m)
		if !template || owner != nil || from == nil {
			return m, nil
		}
		var err error
		m.pod, err = podOf(&m, from)
		return m, err
	}
}

// number of what the server sets to one where it is not said.
func number(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// readDeployment leaves the counting to the ReplicaSets.
func readDeployment(d *appsv1.Deployment, m *maker) *corev1.PodTemplateSpec {
	m.observed = d.Status.ObservedGeneration >= d.Generation
	m.counts = !m.observed
	return &d.Spec.Template
}

func readReplicaSet(r *appsv1.ReplicaSet, m *maker) *corev1.PodTemplateSpec {
	m.counts, m.tells, m.wanted = true, true, number(r.Spec.Replicas)
	m.observed = r.Status.ObservedGeneration >= r.Generation
	for _, c := range r.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == failedCreate {
			m.failing = c.Message
		}
	}
	return &r.Spec.Template
}

func readReplicationController(r *corev1.ReplicationController, m *maker) *corev1.PodTemplateSpec {
	m.counts, m.tells, m.wanted = true, true, number(r.Spec.Replicas)
	m.observed = r.Status.ObservedGeneration >= r.Generation
	for _, c := range r.Status.Conditions {
		if c.Type == corev1.ReplicationControllerReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == failedCreate {
			m.failing = c.Message
		}
	}
	return r.Spec.Template
}

func readStatefulSet(s *appsv1.StatefulSet, m *maker) *corev1.PodTemplateSpec {
	m.counts, m.wanted = true, number(s.Spec.Replicas)
	m.observed = s.Status.ObservedGeneration >= s.Generation
	// The controller puts a volume into the pod for every claim.
	template := s.Spec.Template.DeepCopy()
	for _, claim := range s.Spec.VolumeClaimTemplates {
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: fmt.Sprintf("%s-%s-0", claim.Name, s.Name)},
		}})
	}
	return template
}

func readDaemonSet(d *appsv1.DaemonSet, m *maker) *corev1.PodTemplateSpec {
	m.counts, m.wanted = true, int(d.Status.DesiredNumberScheduled)
	m.observed = d.Status.ObservedGeneration >= d.Generation
	rolling := d.Spec.UpdateStrategy.RollingUpdate
	m.surges = rolling != nil && rolling.MaxSurge != nil && rolling.MaxSurge.String() != "0" && rolling.MaxSurge.String() != "0%" &&
		d.Status.UpdatedNumberScheduled < d.Status.DesiredNumberScheduled
	return &d.Spec.Template
}

// readJob counts the pods that are still to come: none of a job that is complete, that stands still, or that has failed after
// it had some.
func readJob(j *batchv1.Job, m *maker) *corev1.PodTemplateSpec {
	m.lags, m.observed = true, true
	for _, c := range j.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			return nil
		case c.Type == batchv1.JobFailed:
			m.counts, m.wanted = j.Status.Failed+j.Status.Succeeded == 0, number(j.Spec.Parallelism)
			return nil
		}
	}
	m.counts, m.wanted = true, number(j.Spec.Parallelism)
	if j.Spec.Completions != nil {
		m.wanted = min(m.wanted, int(*j.Spec.Completions-j.Status.Succeeded))
	} else if j.Status.Succeeded > 0 {
		m.wanted = 0
	}
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		m.wanted = 0
	}
	return &j.Spec.Template
}

func readCronJob(c *batchv1.CronJob, _ *maker) *corev1.PodTemplateSpec {
	return &c.Spec.JobTemplate.Spec.Template
}

func readPodTemplate(t *corev1.PodTemplate, _ *maker) *corev1.PodTemplateSpec { return &t.Template }
