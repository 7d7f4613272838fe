package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// patched is what the plan tells of a workload for patches.
type patched struct {
	Mutations []TemplateMutation
	Raise     []StricterEdits
	Template  *TemplateOutline
	ManagedBy *ManagedBy
	Owner     *WorkloadRef
}

func TestPatchesInThePlan(t *testing.T) {
	t.Parallel()
	const (
		escalation = "programs that gain privileges as they start (setuid, file capabilities: sudo, ping) no longer can"
		image      = "an image whose USER is root, or a name instead of a number, does not start with it: set runAsUser to the number that 'id -u' gives in a pod that runs (from v1.31 on also status.containerStatuses[].user.linux.uid)"
	)
	object := func(kind, name string, m inventory.ObjectMeta, template corev1.PodTemplateSpec) object {
		m.Name, m.Namespace = name, "a"
		return func(b *inventory.Builder) { b.AddTemplate(kind, m, 1, &template, pspparse.Position{}) }
	}
	half := hardened(func(s *corev1.PodSpec) {
		s.SecurityContext.RunAsNonRoot = nil
		s.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
		s.Containers[0].Image = "registry.example/app:v1"
		s.InitContainers = []corev1.Container{{Name: "init", Image: "init", SecurityContext: &corev1.SecurityContext{RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}}
	})
	annotated := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"seccomp.security.alpha.kubernetes.io/pod": "runtime/default"}}, Spec: hardened(func(s *corev1.PodSpec) {
		s.SecurityContext.SeccompProfile = nil
		s.HostNetwork = true
	})}
	grown := hardened(func(s *corev1.PodSpec) {
		s.Containers = append(s.Containers, corev1.Container{Name: "sidecar", Image: "mesh", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}})
	})
	p := build(t, cluster("v1.25.1"), Options{},
		object("Deployment", "chart", inventory.ObjectMeta{
			Labels:      map[string]string{"helm.sh/chart": "web-1.2.3", "app.kubernetes.io/managed-by": "Helm"},
			Annotations: map[string]string{"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "a"},
		}, corev1.PodTemplateSpec{Spec: half}),
		object("DaemonSet", "annotated", inventory.ObjectMeta{}, annotated),
		object("Deployment", "done", inventory.ObjectMeta{Labels: map[string]string{"helm.sh/chart": "web-1.2.3"}}, corev1.PodTemplateSpec{Spec: hardened()}),
		object("StatefulSet", "grown", inventory.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Widget", Name: "w", APIVersion: "example.com/v1", Controller: new(true)}}}, corev1.PodTemplateSpec{Spec: hardened()}),
		owned("grown-0", "StatefulSet", "grown", "", grown),
		running("a/bare", "", plain()),
	)
	got := map[string]patched{}
	for _, w := range only(t, p, "a").Workloads {
		got[w.Kind+"/"+w.Name] = patched{w.Mutations, w.StricterEdits, w.Template, w.ManagedBy, w.Owner}
	}
	injected := "it is not in the template: change it where it is put into the pods"
	const agents = "; an agent of the node that needs it belongs in a namespace of its own, at privileged"
	hostNetwork := StricterObstacle{"hostNamespaces", "host namespaces (hostNetwork=true)", message.Message{Text: "find out whether it has to see the node's network, processes or memory" + agents}, false}
	mesh := func(check, text string) StricterObstacle {
		return StricterObstacle{check, text, message.Message{Text: injected}, true}
	}
	want := map[string]patched{
		"Deployment/chart": {
			Raise: []StricterEdits{{Level: api.LevelRestricted, Edits: []TemplateEdit{
				{"spec.containers[0].securityContext.allowPrivilegeEscalation", "app", "false", "allowPrivilegeEscalation", "test", message.Message{Text: escalation}},
				{"spec.securityContext.runAsNonRoot", "", "true", "runAsNonRoot", "test", message.Message{Text: image}},
			}}},
			Template: &TemplateOutline{
				Parents: []string{
					"spec.securityContext", "spec.initContainers[0].securityContext", "spec.initContainers[0].securityContext.capabilities",
					"spec.containers[0].securityContext", "spec.containers[0].securityContext.capabilities",
				},
				Containers: []TemplateContainer{{Name: "init", Image: "init"}, {Name: "app", Image: "registry.example/app"}},
			},
			ManagedBy: &ManagedBy{"Helm", "release a/web", "web-1.2.3"},
		},
		"DaemonSet/annotated": {
			Mutations: []TemplateMutation{{Path: "spec.securityContext.seccompProfile", Value: `{"type":"RuntimeDefault"}`}},
			Raise: []StricterEdits{
				{Level: api.LevelBaseline, Obstacles: []StricterObstacle{hostNetwork}},
				{Level: api.LevelRestricted, Edits: []TemplateEdit{{"spec.securityContext.seccompProfile", "", `{"type":"RuntimeDefault"}`, "seccompProfile_restricted", "safe", message.Message{Text: "its annotation asks for it, and servers up to v1.26 write that into the field"}}}, Obstacles: []StricterObstacle{hostNetwork}},
			},
			Template: &TemplateOutline{
				Parents:    []string{"metadata", "metadata.annotations", "spec.securityContext", "spec.containers[0].securityContext", "spec.containers[0].securityContext.capabilities"},
				Containers: []TemplateContainer{{Name: "app", Image: "app"}},
			},
		},
		"Deployment/done": {ManagedBy: &ManagedBy{Chart: "web-1.2.3"}},
		"StatefulSet/grown": {
			Raise: []StricterEdits{
				{Level: api.LevelBaseline, Obstacles: []StricterObstacle{mesh("privileged", `privileged (container "sidecar" must not set securityContext.privileged=true)`)}},
				{Level: api.LevelRestricted, Obstacles: []StricterObstacle{
					mesh("privileged", `privileged (container "sidecar" must not set securityContext.privileged=true)`),
					mesh("allowPrivilegeEscalation", `allowPrivilegeEscalation != false (container "sidecar" must set securityContext.allowPrivilegeEscalation=false)`),
					mesh("capabilities_restricted", `unrestricted capabilities (container "sidecar" must set securityContext.capabilities.drop=["ALL"])`),
				}},
			},
			Template: &TemplateOutline{
				Parents:    []string{"spec.securityContext", "spec.containers[0].securityContext", "spec.containers[0].securityContext.capabilities"},
				Containers: []TemplateContainer{{Name: "app", Image: "app"}, {Name: "sidecar", Injected: true}},
			},
			Owner: ref("Widget", "w"),
		},
		"Pod/bare": {Raise: []StricterEdits{{Level: api.LevelRestricted, Edits: []TemplateEdit{
			{"spec.containers[0].securityContext.allowPrivilegeEscalation", "app", "false", "allowPrivilegeEscalation", "test", message.Message{Text: escalation}},
			{"spec.containers[0].securityContext.capabilities.drop", "app", `["ALL"]`, "capabilities_restricted", "test", message.Message{Text: "it loses the capabilities that the runtime gives by default, and may use one"}},
			{"spec.securityContext.runAsNonRoot", "", "true", "runAsNonRoot", "test", message.Message{Text: image}},
			{"spec.securityContext.seccompProfile", "", `{"type":"RuntimeDefault"}`, "seccompProfile_restricted", "test", message.Message{Text: "no profile is in force today, and this one refuses system calls that few programs make"}},
		}}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
