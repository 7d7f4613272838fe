package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// objectKind is what is known about one kind of object that is read.
type objectKind struct {
	// versions are the apiVersions it is or was served under, the current one first. All are read as the current one.
	versions []string
	// decode reads one object from JSON. It is nil for PodSecurityPolicy, which pspparse reads.
	decode func(b *Builder, data []byte, from documentHeader) error
}

// kindByName is the one place that knows the kinds: a new kind of workload is one more case.
func kindByName(name string) (objectKind, bool) {
	switch name {
	case "Pod":
		return objectKind{[]string{"v1"}, (*Builder).decodePod}, true
	case "PodTemplate":
		return objectKind{[]string{"v1"}, templateDecoder(podTemplateOf)}, true
	case "ReplicationController":
		return objectKind{[]string{"v1"}, templateDecoder(replicasOf)}, true
	case "ReplicaSet":
		return objectKind{[]string{"apps/v1", "apps/v1beta2", "extensions/v1beta1"}, templateDecoder(replicasOf)}, true
	case "Deployment":
		return objectKind{[]string{"apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"}, templateDecoder(replicasOf)}, true
	case "StatefulSet":
		return objectKind{[]string{"apps/v1", "apps/v1beta2", "apps/v1beta1"}, templateDecoder(statefulSetOf)}, true
	case "DaemonSet":
		return objectKind{[]string{"apps/v1", "apps/v1beta2", "extensions/v1beta1"}, templateDecoder(podCountOf)}, true
	case "Job":
		return objectKind{[]string{"batch/v1"}, templateDecoder(jobOf)}, true
	case "CronJob":
		return objectKind{[]string{"batch/v1", "batch/v1beta1", "batch/v2alpha1"}, templateDecoder(cronJobOf)}, true
	case "Namespace":
		return objectKind{[]string{"v1"}, (*Builder).decodeNamespace}, true
	case "ServiceAccount":
		return objectKind{[]string{"v1"}, (*Builder).decodeServiceAccount}, true
	case "Role", "ClusterRole":
		return objectKind{rbacVersions(), (*Builder).decodeRole}, true
	case "RoleBinding", "ClusterRoleBinding":
		return objectKind{rbacVersions(), (*Builder).decodeBinding}, true
	case "PodSecurityPolicy":
		return objectKind{[]string{"policy/v1beta1", "extensions/v1beta1"}, nil}, true
	}
	return objectKind{}, false
}

// kindNames are the kinds that kindOf knows, sorted.
func kindNames() []string {
	return []string{
		"ClusterRole", "ClusterRoleBinding", "CronJob", "DaemonSet", "Deployment", "Job", "Namespace", "Pod",
		"PodSecurityPolicy", "PodTemplate", "ReplicaSet", "ReplicationController", "Role", "RoleBinding", "ServiceAccount",
		"StatefulSet",
	}
}

func rbacVersions() []string {
	const group = "rbac.authorization.k8s.io/"
	return []string{group + "v1", group + "v1beta1", group + "v1alpha1"}
}

func (k objectKind) inGroup(group string) bool {
	return slices.ContainsFunc(k.versions, func(version string) bool { return groupOf(version) == group })
}

// groupOf is the API group of an apiVersion; "" is the core group.
func groupOf(apiVersion string) string {
	if group, _, ok := strings.Cut(apiVersion, "/"); ok {
		return group
	}
	return ""
}

// The pod template of each kind lies elsewhere, and so does the number of pods it asks for.

// templateFinder finds the template in an object and what it asks for; the template is nil where there is none.
type templateFinder func(o *workloadJSON) (*podTemplateJSON, int)

// workloadJSON holds the places where the kinds keep their template; status and managed fields are never read.
type workloadJSON struct {
	Metadata objectMetaWithLabels `json:"metadata"`
	Template *podTemplateJSON     `json:"template"` // PodTemplate
	Spec     struct {
		Replicas    *int             `json:"replicas"`
		Parallelism *int             `json:"parallelism"`
		Suspend     bool             `json:"suspend"`
		Template    *podTemplateJSON `json:"template"`
		JobTemplate *struct {
			Spec struct {
				Template *podTemplateJSON `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
		VolumeClaimTemplates []struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		} `json:"volumeClaimTemplates"`
	} `json:"spec"`
}

func podTemplateOf(o *workloadJSON) (*podTemplateJSON, int) { return o.Template, 0 }

func replicasOf(o *workloadJSON) (*podTemplateJSON, int) {
	return o.Spec.Template, replicasOrOne(o.Spec.Replicas)
}

func statefulSetOf(o *workloadJSON) (*podTemplateJSON, int) {
	if t := o.Spec.Template; t != nil {
		var claims []string
		for _, c := range o.Spec.VolumeClaimTemplates {
			claims = append(claims, c.Metadata.Name)
		}
		t.Spec.Volumes = ClaimVolumes(claims, t.Spec.Volumes)
	}
	return replicasOf(o)
}

// ClaimVolumes are the volumes of a StatefulSet's pods, of the names of its claim templates and the volumes of its
// template: the controller puts the claims first, in place of volumes of the same name (updateStorage in
// pkg/controller/statefulset/stateful_set_utils.go). It puts several of them in any order.
func ClaimVolumes(claims []string, volumes []corev1.Volume) []corev1.Volume {
	if len(claims) == 0 {
		return volumes
	}
	var all []corev1.Volume
	claimed := map[string]bool{}
	for _, name := range claims {
		if !claimed[name] {
			claimed[name] = true
			all = append(all, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{},
			}})
		}
	}
	for i := range volumes {
		if !claimed[volumes[i].Name] {
			all = append(all, volumes[i])
		}
	}
	return all
}

// podCountOf is for kinds that ask for no number: Build fills in how many pods there are.
func podCountOf(o *workloadJSON) (*podTemplateJSON, int) { return o.Spec.Template, 0 }

func jobOf(o *workloadJSON) (*podTemplateJSON, int) {
	if o.Spec.Suspend {
		return o.Spec.Template, 0
	}
	return o.Spec.Template, replicasOrOne(o.Spec.Parallelism)
}

func cronJobOf(o *workloadJSON) (*podTemplateJSON, int) {
	if o.Spec.JobTemplate == nil {
		return nil, 0
	}
	return o.Spec.JobTemplate.Spec.Template, 0
}

// replicasOrOne is the API default of replicas and parallelism.
func replicasOrOne(n *int) int {
	if n == nil {
		return 1
	}
	return max(*n, 0)
}

func templateDecoder(find templateFinder) func(*Builder, []byte, documentHeader) error {
	return func(b *Builder, data []byte, from documentHeader) error {
		var o workloadJSON
		if err := unmarshalStrict(data, &o); err != nil {
			return err
		}
		t, replicas := find(&o)
		if t != nil {
			if err := t.Spec.checkSize(); err != nil {
				return err
			}
		}
		b.AddTemplate(from.kind, ObjectMeta(o.Metadata), replicas, t.toPodTemplate(), from.position)
		return nil
	}
}

var errNothingToJudge = errors.New("nothing to judge")

func checkContainers(spec *corev1.PodSpec) error {
	if len(spec.Containers) == 0 {
		return fmt.Errorf("%w: it has no containers; give it some, or leave the document out", errNothingToJudge)
	}
	return nil
}

// workloadTemplate is a controller or PodTemplate, its pods reduced.
type workloadTemplate struct {
	id           objectID
	account      string
	replicas     int
	shape        *Shape
	templateMeta *TemplateMeta
	podMetas     []*PodMeta
	owner        Owner
	// ownerGroup is the API group of the owner.
	ownerGroup string
	at         pspparse.Position
	// custom is set for kinds that are not Kubernetes' own; without a shape then, unless there is one whole template.
	custom *customTemplates
	// duplicateKeyReason says why one document makes two of these; "" where it does not.
	duplicateKeyReason string
	// conflict is set where others stand under its name.
	conflict *templateConflict
}

// templateConflict is what else stands under the name of a template, and what that is unless all come to the same.
type templateConflict struct {
	others []workloadTemplate
	gap    Gap
}

// AddTemplate adds a controller or PodTemplate of the given kind (current kind name). Replicas is what it asks for;
// it is ignored for a DaemonSet and a CronJob, where Build counts the pods. The template is not retained.
func (b *Builder) AddTemplate(kind string, m ObjectMeta, replicas int, t *corev1.PodTemplateSpec, at pspparse.Position) {
	namespace := b.namespaceOrDefault(m.Namespace, at)
	name, open, err := nameOrGenerateName(kind, &m)
	switch {
	case err != nil:
	case !isDNSLabel(namespace):
		err = checkNamespace(namespace)
	case t == nil:
		err = fmt.Errorf("%w: it has no pod template; give it one, or leave the document out", errNothingToJudge)
	default:
		err = checkContainers(&t.Spec)
	}
	if err != nil {
		b.refuseObject(kind, namespace, m.Name, at, err)
		return
	}
	b.kindsRead[kind] = true
	on := MisplacedKey{Namespace: namespace, Kind: b.internString(kind), Name: name, Position: at, owned: len(m.OwnerReferences) > 0}
	b.addMisplacedKeys(on, m.Labels, m.Annotations)
	on.Template = true
	b.addMisplacedKeys(on, t.Labels, t.Annotations)
	owner := b.controllerOf(&m)
	b.templates = append(b.templates, workloadTemplate{
		id:           objectID{kind: b.internString(kind), namespace: namespace, name: name, generatedName: open},
		account:      b.internString(serviceAccountName(&t.Spec)),
		replicas:     replicas,
		shape:        b.shapes.shape(t.Annotations, &t.Spec),
		templateMeta: b.templateMeta(&m, t),
		podMetas:     podMetaList(b.podMeta(t.Labels, t.Annotations)),
		owner:        owner, ownerGroup: b.ownerAPIGroup(&m, owner),
		at: at,
	})
}

// templateDuplicateRules: neither the number of replicas nor a missing owner makes two templates differ, because manifests and
// the objects a server made of them disagree on both.
func templateDuplicateRules() duplicateRules[workloadTemplate] {
	return duplicateRules[workloadTemplate]{
		id: func(t *workloadTemplate) objectID { return t.id },
		at: func(t *workloadTemplate) pspparse.Position { return t.at },
		same: func(a, b *workloadTemplate) bool {
			return a.shape == b.shape && a.account == b.account && sameCustomTemplates(a.custom, b.custom) &&
				(a.duplicateKeyReason == "" || b.duplicateKeyReason == "" || slices.Equal(a.podMetas, b.podMetas)) &&
				(a.owner == b.owner || a.owner == Owner{} || b.owner == Owner{})
		},
		merge: func(same []workloadTemplate) {
			into := &same[0]
			for i := range same {
				into.replicas = max(into.replicas, same[i].replicas)
				into.mergePodMeta(&same[i])
				if into.owner == (Owner{}) {
					into.owner, into.ownerGroup = same[i].owner, same[i].ownerGroup
				}
			}
		},
		acceptDiffering:   acceptDifferingTemplates,
		conflictNamespace: func(t *workloadTemplate) string { return t.id.namespace },
	}
}
