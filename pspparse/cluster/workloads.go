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

// live is the position of everything here: a live object is in no file.
var live = pspparse.Position{}

func meta(o metav1.Object) inventory.Meta {
	return inventory.Meta{
		Name: o.GetName(), GenerateName: o.GetGenerateName(), Namespace: o.GetNamespace(), UID: o.GetUID(),
		Annotations: o.GetAnnotations(), Labels: o.GetLabels(), OwnerReferences: o.GetOwnerReferences(),
	}
}

func addPod(b *inventory.Builder, p *corev1.Pod) {
	b.AddPod(meta(p), &p.Spec, p.Status.Phase, live)
	b.AddAPIServer(meta(p), p.Spec.Containers, p.Status.Phase, live)
}

// asked is what a controller asks for: how many pods, made from which template.
type asked struct {
	replicas int
	template *corev1.PodTemplateSpec
}

// controller turns a function that finds the template in one concrete type into a decoder. The group version of the type
// is forgotten here: an old object is read as its current form.
func controller[T any, P object[T]](name string, find func(P) asked) decoder {
	return of(func(b *inventory.Builder, x P) {
		a := find(x)
		if a.template == nil {
			b.AddGap(inventory.Gap{
				What:       fmt.Sprintf("%s %q", name, x.GetNamespace()+"/"+x.GetName()),
				Why:        "the server returned it without a pod template; look at it with kubectl get -o yaml",
				Namespaces: []string{x.GetNamespace()}, Changes: inventory.Workloads,
			})
			return
		}
		b.AddTemplate(name, meta(x), a.replicas, a.template, live)
	})
}

// count reads a number of replicas; absent means one, the API's default for all of them.
func count(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

func deployment(d *appsv1.Deployment) asked { return asked{count(d.Spec.Replicas), &d.Spec.Template} }

func deploymentV1beta2(d *appsv1beta2.Deployment) asked {
	return asked{count(d.Spec.Replicas), &d.Spec.Template}
}

func deploymentExtensions(d *extensionsv1beta1.Deployment) asked {
	return asked{count(d.Spec.Replicas), &d.Spec.Template}
}

func replicaSet(r *appsv1.ReplicaSet) asked { return asked{count(r.Spec.Replicas), &r.Spec.Template} }

func replicaSetV1beta2(r *appsv1beta2.ReplicaSet) asked {
	return asked{count(r.Spec.Replicas), &r.Spec.Template}
}

func replicaSetExtensions(r *extensionsv1beta1.ReplicaSet) asked {
	return asked{count(r.Spec.Replicas), &r.Spec.Template}
}

func statefulSet(s *appsv1.StatefulSet) asked {
	return asked{count(s.Spec.Replicas), claiming(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

func statefulSetV1beta2(s *appsv1beta2.StatefulSet) asked {
	return asked{count(s.Spec.Replicas), claiming(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

func statefulSetV1beta1(s *appsv1beta1.StatefulSet) asked {
	return asked{count(s.Spec.Replicas), claiming(&s.Spec.Template, s.Spec.VolumeClaimTemplates)}
}

// claiming is the template with the volumes that the controller adds.
func claiming(t *corev1.PodTemplateSpec, templates []corev1.PersistentVolumeClaim) *corev1.PodTemplateSpec {
	var claims []string
	for i := range templates {
		claims = append(claims, templates[i].Name)
	}
	t.Spec.Volumes = inventory.ClaimVolumes(claims, t.Spec.Volumes)
	return t
}

// A DaemonSet asks for no number; the inventory counts its pods.
func daemonSet(d *appsv1.DaemonSet) asked             { return asked{template: &d.Spec.Template} }
func daemonSetV1beta2(d *appsv1beta2.DaemonSet) asked { return asked{template: &d.Spec.Template} }
func daemonSetExtensions(d *extensionsv1beta1.DaemonSet) asked {
	return asked{template: &d.Spec.Template}
}

func replicationController(r *corev1.ReplicationController) asked {
	return asked{count(r.Spec.Replicas), r.Spec.Template}
}

// A PodTemplate makes no pods by itself.
func podTemplate(p *corev1.PodTemplate) asked { return asked{template: &p.Template} }

func job(j *batchv1.Job) asked {
	if j.Spec.Suspend != nil && *j.Spec.Suspend {
		return asked{template: &j.Spec.Template}
	}
	return asked{count(j.Spec.Parallelism), &j.Spec.Template}
}

// A CronJob asks for no number either: its Jobs do.
func cronJob(c *batchv1.CronJob) asked { return asked{template: &c.Spec.JobTemplate.Spec.Template} }

func cronJobV1beta1(c *batchv1beta1.CronJob) asked {
	return asked{template: &c.Spec.JobTemplate.Spec.Template}
}
