package redact

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// inventoryClasses returns the class of each field of an Inventory that holds a text, as fieldClasses does for a Plan; the types that a Plan
// has, too, are there. Of the types of Kubernetes it has those fields that an Inventory keeps: a text in any other is replaced whole.
func inventoryClasses() map[reflect.Type]map[string]class {
	return map[reflect.Type]map[string]class{
		reflect.TypeFor[inventory.Inventory](): {"KindsRead": kind, "ListedResources": word},
		reflect.TypeFor[inventory.Namespace](): {"Name": namespace, "Labels": byKey, "Annotations": byKey, "LabelManagers": fieldManager, "UID": uid},
		reflect.TypeFor[inventory.ServiceAccount](): {
			"Namespace": namespace, "Name": account,
		},
		reflect.TypeFor[inventory.Role](): {"Namespace": namespace, "Name": role, "Labels": byKey},
		reflect.TypeFor[inventory.Binding](): {
			"Namespace": namespace, "Name": binding, "RoleKind": kind, "RoleName": role,
		},
		reflect.TypeFor[inventory.Shape](): {"Annotations": byKey},
		reflect.TypeFor[inventory.PodGroup](): {
			"ServiceAccount": account, "AdmittedBy": policy, "ExamplePod": workload,
		},
		reflect.TypeFor[inventory.DebuggedPod](): {"Pod": workload},
		reflect.TypeFor[inventory.Workload](): {
			"Namespace": namespace, "Kind": kind, "Name": workload, "ServiceAccount": account,
		},
		reflect.TypeFor[inventory.Owner](): {"Kind": kind, "Name": workload},
		reflect.TypeFor[inventory.EmbeddedTemplate](): {
			"Path": fieldPath, "Annotations": byKey,
		},
		reflect.TypeFor[inventory.PodMeta]():      {"Labels": byKey, "Annotations": byKey},
		reflect.TypeFor[inventory.TemplateMeta](): {"Chart": release, "Images": image},
		reflect.TypeFor[inventory.Manager]():      {"Tool": text, "Source": release},
		reflect.TypeFor[inventory.Gap](): {
			"What": text, "Namespaces": namespace, "Affects": word,
		},
		reflect.TypeFor[inventory.Note](): {"What": text},
		reflect.TypeFor[inventory.AdmissionRule](): {
			"Kind": kind, "Namespace": namespace, "Name": byKey, "Rule": ruleName, "SetFields": text, "Category": text,
		},
		reflect.TypeFor[inventory.AdmissionScope](): {"Kinds": kind, "Namespaces": namespacePattern, "Names": workloadPattern},
		reflect.TypeFor[inventory.MisplacedKey](): {
			"Namespace": namespace, "Key": labelKey, "Value": label, "MeantLabel": word, "Kind": kind, "Name": workload,
		},
		reflect.TypeFor[inventory.AdmissionConfigTemplate](): {
			"Name": text, "ConfigKind": kind, "Enforce": label,
		},
		reflect.TypeFor[inventory.AdmissionConfigTemplateUse](): {"Cluster": cluster, "Template": text},

		reflect.TypeFor[pspparse.Policy](): {"Name": policy, "APIVersion": text, "Labels": byKey, "Annotations": byKey},

		reflect.TypeFor[rbacv1.Subject]():                  {"Kind": subjectKind, "APIGroup": apiGroup, "Name": byKey, "Namespace": namespace},
		reflect.TypeFor[metav1.LabelSelector]():            {"MatchLabels": byKey},
		reflect.TypeFor[metav1.LabelSelectorRequirement](): {"Key": labelKey, "Operator": word, "Values": byKey},

		reflect.TypeFor[corev1.PodSpec]():                       {"RuntimeClassName": runtimeClass},
		reflect.TypeFor[corev1.PodOS]():                         {"Name": text},
		reflect.TypeFor[corev1.SELinuxOptions]():                {"User": selinux, "Role": selinux, "Type": selinux, "Level": selinux},
		reflect.TypeFor[corev1.SeccompProfile]():                {"Type": profile, "LocalhostProfile": localProfile},
		reflect.TypeFor[corev1.AppArmorProfile]():               {"Type": profile},
		reflect.TypeFor[corev1.Sysctl]():                        {"Name": byKey},
		reflect.TypeFor[corev1.SecurityContext]():               {"ProcMount": text},
		reflect.TypeFor[corev1.Capabilities]():                  {"Add": byKey, "Drop": byKey},
		reflect.TypeFor[corev1.Container]():                     {"Name": container},
		reflect.TypeFor[corev1.EphemeralContainerCommon]():      {"Name": container},
		reflect.TypeFor[corev1.VolumeMount]():                   {"Name": volume, "MountPath": tokenBundle},
		reflect.TypeFor[corev1.Volume]():                        {"Name": volume},
		reflect.TypeFor[corev1.HostPathVolumeSource]():          {"Path": hostPath},
		reflect.TypeFor[corev1.FlexVolumeSource]():              {"Driver": driver},
		reflect.TypeFor[corev1.CSIVolumeSource]():               {"Driver": driver},
		reflect.TypeFor[corev1.ServiceAccountTokenProjection](): {"Audience": tokenBundle, "Path": tokenBundle},
		reflect.TypeFor[corev1.LocalObjectReference]():          {"Name": tokenBundle},
		reflect.TypeFor[corev1.DownwardAPIVolumeFile]():         {"Path": tokenBundle},
		reflect.TypeFor[corev1.ObjectFieldSelector]():           {"APIVersion": tokenBundle, "FieldPath": tokenBundle},
		reflect.TypeFor[corev1.HTTPGetAction]():                 {"Host": probeHost},
		reflect.TypeFor[corev1.TCPSocketAction]():               {"Host": probeHost},
	}
}

// inventoryKeyClasses returns the classes of the keys of maps in an Inventory.
func inventoryKeyClasses() map[reflect.Type]map[string]class {
	return map[reflect.Type]map[string]class{
		reflect.TypeFor[inventory.Inventory]():        {"ListedResources": listedResource},
		reflect.TypeFor[inventory.Namespace]():        {"Labels": labelKey, "Annotations": labelKey, "LabelManagers": labelKey},
		reflect.TypeFor[inventory.Role]():             {"Labels": labelKey},
		reflect.TypeFor[inventory.Shape]():            {"Annotations": labelKey},
		reflect.TypeFor[inventory.EmbeddedTemplate](): {"Annotations": labelKey},
		reflect.TypeFor[inventory.PodMeta]():          {"Labels": labelKey, "Annotations": labelKey},
		reflect.TypeFor[pspparse.Policy]():            {"Labels": labelKey, "Annotations": labelKey, "Lines": fieldPath},
		reflect.TypeFor[metav1.LabelSelector]():       {"MatchLabels": labelKey},
	}
}
