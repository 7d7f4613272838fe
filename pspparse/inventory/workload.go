package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// workloadJSON is the part of a workload object that is read from JSON, in all places where kinds keep it; status and
// managed fields never are.
type workloadJSON struct {
	Metadata objectMetaWithLabels `json:"metadata"`
	Template *podTemplateJSON     `json:"template"`
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

// templateAt returns the workload object's pod template at a path; nil where the object has none there.
func (w *workloadJSON) templateAt(path []string) *podTemplateJSON {
	switch strings.Join(path, ".") {
	case "template":
		return w.Template
	case "spec.template":
		return w.Spec.Template
	case "spec.jobTemplate.spec.template":
		if w.Spec.JobTemplate != nil {
			return w.Spec.JobTemplate.Spec.Template
		}
	}
	return nil
}

// replicas returns how many pods the workload object asks for by a field of spec; 0 for a kind that asks for no number.
// Where the object does not say, the API default is one.
func (w *workloadJSON) replicas(field string) int {
	var asked *int
	switch field {
	case "":
		return 0
	case parallelismField:
		if w.Spec.Suspend {
			return 0
		}
		asked = w.Spec.Parallelism
	case replicasField:
		asked = w.Spec.Replicas
	}
	if asked == nil {
		return 1
	}
	return max(*asked, 0)
}

// decodeTemplate decodes a workload object with a pod template from JSON into the inventory.
func (b *Builder) decodeTemplate(data []byte, from documentHeader) error {
	var w workloadJSON
	if err := unmarshalStrict(data, &w); err != nil {
		return err
	}
	k := workloadKind(from.kind)
	t := w.templateAt(k.TemplatePath)
	if t != nil {
		if err := t.Spec.checkSize(); err != nil {
			return err
		}
	}
	pod := t.toPodTemplate()
	if pod != nil && k.ClaimVolumes {
		claims := make([]string, 0, len(w.Spec.VolumeClaimTemplates))
		for _, c := range w.Spec.VolumeClaimTemplates {
			claims = append(claims, c.Metadata.Name)
		}
		pod.Spec.Volumes = ClaimVolumes(claims, pod.Spec.Volumes)
	}
	b.AddTemplate(from.kind, ObjectMeta(w.Metadata), w.replicas(k.ReplicasField), pod, from.position)
	return nil
}

// ClaimVolumes returns the volumes of a StatefulSet's pods, given the names of its claim templates and the volumes of its
// pod template: the controller puts the claims first, in place of volumes of the same name (updateStorage in
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

// errNothingToEvaluate is the error of an object without any container.
var errNothingToEvaluate = errors.New("nothing to evaluate")

// checkContainers returns an error for a pod or template of the inventory without containers.
func checkContainers(spec *corev1.PodSpec) error {
	if len(spec.Containers) == 0 {
		return fmt.Errorf("%w: it has no containers; give it some, or leave the document out", errNothingToEvaluate)
	}
	return nil
}

// workloadTemplate is, in the inventory, a workload object with a pod template, its pods reduced to a shape.
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
	// custom is set for kinds that are not Kubernetes' own. There is no shape then, unless there is one whole template.
	custom *customTemplates
	// duplicateKeyReason says why one document makes two of these: it gives a key twice; "" where it does not.
	duplicateKeyReason string
	// conflict is set where other templates stand under its name.
	conflict *templateConflict
}

// templateConflict is the other pod templates under the name of one workload, and the gap that they are unless all come
// to the same level.
type templateConflict struct {
	others []workloadTemplate
	gap    Gap
}

// AddTemplate adds to the inventory an object of a workload kind with a pod template, which asks for a number of pods.
// The number is ignored for kinds whose pods are counted. The template is not kept.
func (b *Builder) AddTemplate(kind string, m ObjectMeta, replicas int, t *corev1.PodTemplateSpec, at pspparse.Position) {
	namespace := b.namespaceOrDefault(m.Namespace, at)
	name, generated, err := nameOrGenerateName(kind, &m)
	switch {
	case err != nil:
	case !IsDNSLabel(namespace):
		err = checkNamespace(namespace)
	case t == nil:
		err = fmt.Errorf("%w: it has no pod template; give it one, or leave the document out", errNothingToEvaluate)
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
		id:           objectID{kind: b.internString(kind), namespace: namespace, name: name, generatedName: generated},
		account:      b.internString(serviceAccountName(&t.Spec)),
		replicas:     replicas,
		shape:        b.shapes.shape(t.Annotations, &t.Spec),
		templateMeta: b.templateMeta(&m, t),
		podMetas:     podMetaList(b.podMeta(t.Labels, t.Annotations)),
		owner:        owner, ownerGroup: b.ownerAPIGroup(&m, owner),
		at: at,
	})
}

// templateDuplicateRules returns the rules that compare duplicate workload objects by their pod template, service
// account and owner. Neither the number of replicas nor a missing owner makes two of them differ, because manifests and
// the objects that a server made of them disagree on both.
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
