package verify

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// controller is an object to verify that makes pods, such as a ReplicaSet, or one that makes such an object, with what
// its status says.
type controller struct {
	namespace, kind, name string
	uid                   types.UID
	// topOwner is the object that people know it by: the Deployment of a ReplicaSet, the CronJob of a Job, else itself.
	topOwner metav1.OwnerReference
	// makesPods is false for an object that makes no pods itself, or not now.
	makesPods bool
	// desiredPods is how many pods it should have now.
	desiredPods int
	// observed is true once its controller has seen its newest specification.
	observed bool
	// reportsRefusals is true if a condition says whether pods are refused now, which refusalCondition has. Other kinds have
	// events alone, which stay after the pods have come.
	reportsRefusals  bool
	refusalCondition string
	// mayLag is true for an object that has fewer pods than it asks for in the course of its work.
	mayLag bool
	// isSurging is true while new pods are made before the old ones go: then the number of pods says nothing.
	isSurging bool
	// templatePod is a pod of its template; nil unless asked for.
	templatePod *unstructured.Unstructured
}

// readFunc reads, for the verification, one object that makes pods, with a pod of its template if asked for.
type readFunc func(object *unstructured.Unstructured, withPod bool) (controller, error)

// readersByKind returns the functions by which the verification reads objects of rollout.ControllerKinds, by kind.
func readersByKind() map[string]readFunc {
	return map[string]readFunc{
		"Deployment":            controllerReader("Deployment", readDeployment),
		"ReplicaSet":            controllerReader("ReplicaSet", readReplicaSet),
		"StatefulSet":           controllerReader("StatefulSet", readStatefulSet),
		"DaemonSet":             controllerReader("DaemonSet", readDaemonSet),
		"ReplicationController": controllerReader("ReplicationController", readReplicationController),
		"Job":                   controllerReader("Job", readJob),
		"CronJob":               controllerReader("CronJob", readCronJob),
		"PodTemplate":           controllerReader("PodTemplate", readPodTemplate),
	}
}

// controllerReader returns the function that reads objects of type T as controllers. It takes no pod of the template of an
// object that another one made.
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

// replicasOrOne returns the number of replicas of a controller to verify, 1 if it is not set.
func replicasOrOne(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// readDeployment reads, to verify it, whether a Deployment was observed: its ReplicaSets count the pods.
func readDeployment(d *appsv1.Deployment, m *controller) *corev1.PodTemplateSpec {
	m.observed = d.Status.ObservedGeneration >= d.Generation
	m.makesPods = !m.observed
	return &d.Spec.Template
}

// readReplicaSet reads, to verify it, how many pods a ReplicaSet should have, and its condition about refused ones.
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

// readReplicationController reads, to verify it, how many pods a ReplicationController should have, and its condition
// about refused ones.
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

// readStatefulSet reads, to verify it, how many pods a StatefulSet should have, and its template with a volume for each
// claim.
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

// readDaemonSet reads, to verify it, how many pods a DaemonSet should have, and whether an update makes new pods first.
func readDaemonSet(d *appsv1.DaemonSet, m *controller) *corev1.PodTemplateSpec {
	m.makesPods, m.desiredPods = true, int(d.Status.DesiredNumberScheduled)
	m.observed = d.Status.ObservedGeneration >= d.Generation
	rolling := d.Spec.UpdateStrategy.RollingUpdate
	m.isSurging = rolling != nil && rolling.MaxSurge != nil && rolling.MaxSurge.String() != "0" && rolling.MaxSurge.String() != "0%" &&
		d.Status.UpdatedNumberScheduled < d.Status.DesiredNumberScheduled
	return &d.Spec.Template
}

// readJob reads, to verify it, how many pods a Job is still to have: none if it is complete, suspended, or has failed
// after it had some.
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

// readCronJob reads, to verify it, the template of a CronJob, which makes no pods itself.
func readCronJob(c *batchv1.CronJob, _ *controller) *corev1.PodTemplateSpec {
	return &c.Spec.JobTemplate.Spec.Template
}

// readPodTemplate reads, to verify it, a PodTemplate, which makes no pods.
func readPodTemplate(t *corev1.PodTemplate, _ *controller) *corev1.PodTemplateSpec {
	return &t.Template
}
