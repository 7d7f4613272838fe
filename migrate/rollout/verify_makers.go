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

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// controller is an object that makes pods, or makes what makes them.
type controller struct {
	namespace, kind, name string
	uid                   types.UID
	// topOwner is what people know it by: the Deployment of a ReplicaSet, the CronJob of a Job, else itself.
	topOwner metav1.OwnerReference
	// makesPods is false for what makes no pods by itself, or not now.
	makesPods bool
	// desiredPods is how many pods it should have now.
	desiredPods int
	// observed is true once its controller has looked at what it asks for.
	observed bool
	// reportsRefusals is true if a condition tells whether it is refused pods now, and failing is what that says. Other kinds tell by
	// events alone, which stay after the pods have come.
	reportsRefusals  bool
	refusalCondition string
	// mayLag is true for what has less pods than it asks for in the course of its work.
	mayLag bool
	// isSurging is true while pods of a new kind are made before those of the old kind go: then the number of pods tells not.
	isSurging bool
	// templatePod is one of its template; nil unless asked for.
	templatePod *unstructured.Unstructured
}

// controllerKind is a kind that makes pods, and how it is read.
type controllerKind struct {
	kind     string
	resource schema.GroupVersionResource
	read     func(*unstructured.Unstructured, bool) (controller, error)
}

// controllerKinds returns the workload kinds that make pods, or have a template for them, with their readers.
func controllerKinds() []controllerKind {
	kinds := []controllerKind{
		{kind: "Deployment", read: controllerReader("Deployment", readDeployment)},
		{kind: "ReplicaSet", read: controllerReader("ReplicaSet", readReplicaSet)},
		{kind: "StatefulSet", read: controllerReader("StatefulSet", readStatefulSet)},
		{kind: "DaemonSet", read: controllerReader("DaemonSet", readDaemonSet)},
		{kind: "ReplicationController", read: controllerReader("ReplicationController", readReplicationController)},
		{kind: "Job", read: controllerReader("Job", readJob)},
		{kind: "CronJob", read: controllerReader("CronJob", readCronJob)},
		{kind: "PodTemplate", read: controllerReader("PodTemplate", readPodTemplate)},
	}
	for i := range kinds {
		k, _ := inventory.WorkloadKindOf(kinds[i].kind)
		kinds[i].resource = k.CurrentResource()
	}
	return kinds
}

// controllerReader makes a maker of an object of type T. One that another makes keeps its template to that.
func controllerReader[T any](kind string, read func(*T, *controller) *corev1.PodTemplateSpec) func(*unstructured.Unstructured, bool) (controller, error) {
	return func(u *unstructured.Unstructured, template bool) (controller, error) {
		m := controller{namespace: u.GetNamespace(), kind: kind, name: u.GetName(), uid: u.GetUID()}
		m.topOwner = metav1.OwnerReference{Kind: kind, Name: m.name, UID: m.uid}
		owner := metav1.GetControllerOfNoCopy(u)
		if owner != nil {
			m.topOwner = *owner
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
		m.templatePod, err = podFromTemplate(&m, from)
		return m, err
	}
}

// replicasOrOne of what the server sets to one where it is not said.
func replicasOrOne(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// readDeployment leaves the counting to the ReplicaSets.
func readDeployment(d *appsv1.Deployment, m *controller) *corev1.PodTemplateSpec {
	m.observed = d.Status.ObservedGeneration >= d.Generation
	m.makesPods = !m.observed
	return &d.Spec.Template
}

func readReplicaSet(r *appsv1.ReplicaSet, m *controller) *corev1.PodTemplateSpec {
	m.makesPods, m.reportsRefusals, m.desiredPods = true, true, replicasOrOne(r.Spec.Replicas)
	m.observed = r.Status.ObservedGeneration >= r.Generation
	for _, c := range r.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == failedCreate {
			m.refusalCondition = c.Message
		}
	}
	return &r.Spec.Template
}

func readReplicationController(r *corev1.ReplicationController, m *controller) *corev1.PodTemplateSpec {
	m.makesPods, m.reportsRefusals, m.desiredPods = true, true, replicasOrOne(r.Spec.Replicas)
	m.observed = r.Status.ObservedGeneration >= r.Generation
	for _, c := range r.Status.Conditions {
		if c.Type == corev1.ReplicationControllerReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == failedCreate {
			m.refusalCondition = c.Message
		}
	}
	return r.Spec.Template
}

func readStatefulSet(s *appsv1.StatefulSet, m *controller) *corev1.PodTemplateSpec {
	m.makesPods, m.desiredPods = true, replicasOrOne(s.Spec.Replicas)
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

func readDaemonSet(d *appsv1.DaemonSet, m *controller) *corev1.PodTemplateSpec {
	m.makesPods, m.desiredPods = true, int(d.Status.DesiredNumberScheduled)
	m.observed = d.Status.ObservedGeneration >= d.Generation
	rolling := d.Spec.UpdateStrategy.RollingUpdate
	m.isSurging = rolling != nil && rolling.MaxSurge != nil && rolling.MaxSurge.String() != "0" && rolling.MaxSurge.String() != "0%" &&
		d.Status.UpdatedNumberScheduled < d.Status.DesiredNumberScheduled
	return &d.Spec.Template
}

// readJob counts the pods that are still to come: none of a job that is complete, that stands still, or that has failed after
// it had some.
func readJob(j *batchv1.Job, m *controller) *corev1.PodTemplateSpec {
	m.mayLag, m.observed = true, true
	for _, c := range j.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			return nil
		case c.Type == batchv1.JobFailed:
			m.makesPods, m.desiredPods = j.Status.Failed+j.Status.Succeeded == 0, replicasOrOne(j.Spec.Parallelism)
			return nil
		}
	}
	m.makesPods, m.desiredPods = true, replicasOrOne(j.Spec.Parallelism)
	if j.Spec.Completions != nil {
		m.desiredPods = min(m.desiredPods, int(*j.Spec.Completions-j.Status.Succeeded))
	} else if j.Status.Succeeded > 0 {
		m.desiredPods = 0
	}
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		m.desiredPods = 0
	}
	return &j.Spec.Template
}

func readCronJob(c *batchv1.CronJob, _ *controller) *corev1.PodTemplateSpec {
	return &c.Spec.JobTemplate.Spec.Template
}

func readPodTemplate(t *corev1.PodTemplate, _ *controller) *corev1.PodTemplateSpec {
	return &t.Template
}
