package cluster

import (
	"fmt"

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
)

// noPosition is the position of everything here: a live object is in no file.
var noPosition = pspparse.Position{}

func inventoryMeta(o metav1.Object) inventory.ObjectMeta {
	return inventory.ObjectMeta{
		Name: o.GetName(), GenerateName: o.GetGenerateName(), Namespace: o.GetNamespace(), UID: o.GetUID(),
		Annotations: o.GetAnnotations(), Labels: o.GetLabels(), OwnerReferences: o.GetOwnerReferences(),
	}
}

func addPod(b *inventory.Builder, p *corev1.Pod) {
	b.AddPod(inventoryMeta(p), &p.Spec, p.Status.Phase, noPosition)
	b.AddAPIServer(inventoryMeta(p), p.Spec.Containers, p.Status.Phase, noPosition)
}

// wantedPods is what a controller asks for: how many pods, made from which template.
type wantedPods struct {
	replicas int
	template *corev1.PodTemplateSpec
}

// controllerDecoder turns a function that finds the template in one concrete type into a decoder. The group version of the type
// is forgotten here: an old object is read as its current form.
func controllerDecoder[T any, P protobufObject[T]](name string, find func(P) wantedPods) objectDecoder {
	return decoderFor(func(b *inventory.Builder, x P) {
		a := find(x)
		if a.template == nil {
			b.AddGap(inventory.Gap{
				What:       fmt.Sprintf("%s %q", name, x.GetNamespace()+"/"+x.GetName()),
				Why:        "the server returned it without a pod template; look at it with kubectl get -o yaml",
				Namespaces: []string{x.GetNamespace()}, Affects: inventory.PartWorkloads,
			})
			return
		}
		b.AddTemplate(name, inventoryMeta(x), a.replicas, a.template, noPosition)
	})
}

// replicaCount reads a number of replicas; absent means one, the API's default for all of them.
func replicaCount(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

func podsOfDeployment(d *appsv1.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

func podsOfDeploymentV1beta2(d *appsv1beta2.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

func podsOfDeploymentExtensions(d *extensionsv1beta1.Deployment) wantedPods {
	return wantedPods{replicaCount(d.Spec.Replicas), &d.Spec.Template}
}

func podsOfReplicaSet(r *appsv1.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

func podsOfReplicaSetV1beta2(r *appsv1beta2.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

func podsOfReplicaSetExtensions(r *extensionsv1beta1.ReplicaSet) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), &r.Spec.Template}
}

func podsOfStatefulSet(s *appsv1.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

func podsOfStatefulSetV1beta2(s *appsv1beta2.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

func podsOfStatefulSetV1beta1(s *appsv1beta1.StatefulSet) wantedPods {
	return wantedPods{replicaCount(s.Spec.Replicas), withClaimVolumes(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

// withClaimVolumes is the template with the volumes that the controller adds.
func withClaimVolumes(t *corev1.PodTemplateSpec, templates []corev1.PersistentVolumeClaim) *corev1.PodTemplateSpec {
	var claims []string
	for i := range templates {
		claims = append(claims, templates[i].Name)
	}
	t.Spec.Volumes = inventory.ClaimVolumes(claims, t.Spec.Volumes)
	return t
}

// A DaemonSet asks for no number; the inventory counts its pods.
func podsOfDaemonSet(d *appsv1.DaemonSet) wantedPods { return wantedPods{template: &d.Spec.Template} }

func podsOfDaemonSetV1beta2(d *appsv1beta2.DaemonSet) wantedPods {
	return wantedPods{template: &d.Spec.Template}
}

func podsOfDaemonSetExtensions(d *extensionsv1beta1.DaemonSet) wantedPods {
	return wantedPods{template: &d.Spec.Template}
}

func podsOfReplicationController(r *corev1.ReplicationController) wantedPods {
	return wantedPods{replicaCount(r.Spec.Replicas), r.Spec.Template}
}

// A PodTemplate makes no pods by itself.
func podsOfPodTemplate(p *corev1.PodTemplate) wantedPods { return wantedPods{template: &p.Template} }

func podsOfJob(j *batchv1.Job) wantedPods {
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		return wantedPods{template: &j.Spec.Template}
	}
	return wantedPods{replicaCount(j.Spec.Parallelism), &j.Spec.Template}
}

// A CronJob asks for no number either: its Jobs do.
func podsOfCronJob(c *batchv1.CronJob) wantedPods {
	return wantedPods{template: &c.Spec.JobTemplate.Spec.Template}
}

func podsOfCronJobV1beta1(c *batchv1beta1.CronJob) wantedPods {
	return wantedPods{template: &c.Spec.JobTemplate.Spec.Template}
}
