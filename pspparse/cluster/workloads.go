package cluster

import (
	"fmt"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// noPosition is the position of every object of a live cluster: it is in no file.
var noPosition = pspparse.Position{}

// inventoryMeta returns what the inventory reads of the metadata of a cluster's object.
func inventoryMeta(o metav1.Object) inventory.ObjectMeta {
	return inventory.ObjectMeta{
		Name: o.GetName(), GenerateName: o.GetGenerateName(), Namespace: o.GetNamespace(), UID: o.GetUID(),
		Annotations: o.GetAnnotations(), Labels: o.GetLabels(), OwnerReferences: o.GetOwnerReferences(),
	}
}

// addPod adds a Pod of a cluster to the inventory, and the flags of an API server if it is one.
func addPod(b inventory.Sink, p *corev1.Pod) {
	b.AddPod(inventoryMeta(p), &p.Spec, p.Status.Phase, noPosition)
	b.AddAPIServer(inventoryMeta(p), p.Spec.Containers, p.Status.Phase, noPosition)
}

// wantedPods is how many pods a controller of the cluster asks for, and the template that they are made from.
type wantedPods struct {
	// replicas is how many pods it asks for.
	replicas int
	// template is what they are made from.
	template *corev1.PodTemplateSpec
}

// controllerDecoder returns a decoder of a cluster's controllers of one API type; a function finds their pod template.
// The group version of the type is forgotten here: an old object is read as its current form.
func controllerDecoder[T any, P protobufObject[T]](name string, find func(P) wantedPods) objectDecoder {
	filter := lazyFieldFilter(reflect.TypeFor[T](), inventory.WorkloadFields())
	return filteredDecoder(filter, func(b inventory.Sink, x P) {
		a := find(x)
		if a.template == nil {
			b.AddGap(inventory.Gap{
				What:       fmt.Sprintf("%s %q", name, x.GetNamespace()+"/"+x.GetName()),
				Why:        message.New("controller-without-template"),
				Namespaces: []string{x.GetNamespace()}, Affects: inventory.PartWorkloads,
			})
			return
		}
		b.AddTemplate(name, inventoryMeta(x), a.replicas, a.template, noPosition)
	})
}

// replicaCount returns the number of replicas of a cluster's controller; absent means one, the API's default for all of
// them.
func replicaCount(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// podsOfDeployment returns, of what a server lists, the pods that a Deployment asks for.
func podsOfDeployment(d *appsv1.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

// podsOfDeploymentV1beta2 returns, of what a server lists, the pods that a Deployment of apps/v1beta2 asks for.
func podsOfDeploymentV1beta2(d *appsv1beta2.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

// podsOfDeploymentExtensions returns, of what a server lists, the pods that a Deployment of extensions/v1beta1 asks
// for.
func podsOfDeploymentExtensions(d *extensionsv1beta1.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

// podsOfReplicaSet returns, of what a server lists, the pods that a ReplicaSet asks for.
func podsOfReplicaSet(r *appsv1.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

// podsOfReplicaSetV1beta2 returns, of what a server lists, the pods that a ReplicaSet of apps/v1beta2 asks for.
func podsOfReplicaSetV1beta2(r *appsv1beta2.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

// podsOfReplicaSetExtensions returns, of what a server lists, the pods that a ReplicaSet of extensions/v1beta1 asks
// for.
func podsOfReplicaSetExtensions(r *extensionsv1beta1.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

// podsOfStatefulSet returns, of what a server lists, the pods that a StatefulSet asks for.
func podsOfStatefulSet(s *appsv1.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

// podsOfStatefulSetV1beta2 returns, of what a server lists, the pods that a StatefulSet of apps/v1beta2 asks for.
func podsOfStatefulSetV1beta2(s *appsv1beta2.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

// podsOfStatefulSetV1beta1 returns, of what a server lists, the pods that a StatefulSet of apps/v1beta1 asks for.
func podsOfStatefulSetV1beta1(s *appsv1beta1.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

// withClaimVolumes returns the template of a cluster's StatefulSet with the volumes that its controller adds for the
// claims.
func withClaimVolumes(t *corev1.PodTemplateSpec, templates []corev1.PersistentVolumeClaim) *corev1.PodTemplateSpec {
	var claims []string
	for i := range templates {
		claims = append(claims, templates[i].Name)
	}
	t.Spec.Volumes = inventory.ClaimVolumes(claims, t.Spec.Volumes)
	return t
}

// podsOfDaemonSet returns, of what a server lists, the pods that a DaemonSet asks for. It asks for no number; the
// inventory counts its pods.
func podsOfDaemonSet(d *appsv1.DaemonSet) wantedPods { return wantedPods{template: &d.Spec.Template} }

// podsOfDaemonSetV1beta2 returns, of what a server lists, the pods that a DaemonSet of apps/v1beta2 asks for.
func podsOfDaemonSetV1beta2(d *appsv1beta2.DaemonSet) wantedPods {
	return wantedPods{template: &d.Spec.Template}
}

// podsOfDaemonSetExtensions returns, of what a server lists, the pods that a DaemonSet of extensions/v1beta1 asks for.
func podsOfDaemonSetExtensions(d *extensionsv1beta1.DaemonSet) wantedPods {
	return wantedPods{template: &d.Spec.Template}
}

// podsOfReplicationController returns, of what a server lists, the pods that a ReplicationController asks for.
func podsOfReplicationController(r *corev1.ReplicationController) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), r.Spec.Template}
}

// podsOfPodTemplate returns, of what a server lists, the template of a PodTemplate, which makes no pods by itself.
func podsOfPodTemplate(p *corev1.PodTemplate) wantedPods { return wantedPods{template: &p.Template} }

// podsOfJob returns, of what a server lists, the pods that a Job asks for: none while it is suspended.
func podsOfJob(j *batchv1.Job) wantedPods {
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		return wantedPods{template: &j.Spec.Template}
	}
	return wantedPods{replicaCount(j.Spec.Parallelism), &j.Spec.Template}
}

// podsOfCronJob returns, of what a server lists, the template of a CronJob. It asks for no number of pods: its Jobs do.
func podsOfCronJob(c *batchv1.CronJob) wantedPods {
	return wantedPods{template: &c.Spec.JobTemplate.Spec.Template}
}

// podsOfCronJobV1beta1 returns, of what a server lists, the template of a CronJob of batch/v1beta1.
func podsOfCronJobV1beta1(c *batchv1beta1.CronJob) wantedPods {
	return wantedPods{template: &c.Spec.JobTemplate.Spec.Template}
}
