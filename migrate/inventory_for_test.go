package migrate

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// object puts itself into a Builder, so that a list of them is an input in some order.
type object func(*inventory.Builder)

// build makes the inventory of some objects and the plan of it.
func build(t *testing.T, source inventory.Source, opts Options, objects ...object) *Plan {
	t.Helper()
	b := inventory.NewBuilder()
	for _, add := range objects {
		add(b)
	}
	p, err := Build(b.Build(source), opts)
	if err != nil {
		t.Fatalf("building the plan: %v", err)
	}
	return p
}

// only is the one namespace of that name in the plan.
func only(t *testing.T, p *Plan, name string) Namespace {
	t.Helper()
	for _, ns := range p.Namespaces {
		if ns.Name == name {
			return ns
		}
	}
	t.Fatalf("the plan has no namespace %q", name)
	return Namespace{}
}

func cluster(version string) inventory.Source {
	return inventory.Source{Kind: inventory.SourceCluster, Name: "test", ServerVersion: version}
}

func fromFiles() inventory.Source {
	return inventory.Source{Kind: inventory.SourceFiles, Name: "manifests"}
}

// namespace with labels given as "key=value", those of Pod Security by their last word ("enforce=baseline").
func namespace(name string, labels ...string) object {
	n := inventory.Namespace{Name: name, Labels: map[string]string{}}
	for _, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		switch key {
		case "enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version":
			key = inventory.PodSecurityLabelPrefix + key
		}
		n.Labels[key] = value
	}
	return func(b *inventory.Builder) { b.AddNamespace(n) }
}

// plain is a pod that meets baseline and states nothing; edits change it.
func plain(edits ...func(*corev1.PodSpec)) corev1.PodSpec {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}
	for _, edit := range edits {
		edit(&spec)
	}
	return spec
}

// hardened is a pod that meets restricted at every version.
func hardened(edits ...func(*corev1.PodSpec)) corev1.PodSpec {
	harden := func(s *corev1.PodSpec) {
		s.SecurityContext = &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
		s.Containers[0].SecurityContext = &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
	return plain(append([]func(*corev1.PodSpec){harden}, edits...)...)
}

// hostNetworked is a pod that only privileged admits, for one reason.
func hostNetworked() corev1.PodSpec {
	return plain(func(s *corev1.PodSpec) { s.HostNetwork = true })
}

// windows is a pod that meets restricted from v1.25 on.
func windows() corev1.PodSpec {
	return corev1.PodSpec{
		OS:              &corev1.PodOS{Name: corev1.Windows},
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true)},
		Containers:      []corev1.Container{{Name: "app", Image: "app"}},
	}
}

// template is a controller in "namespace/name".
func template(kind, id string, spec corev1.PodSpec) object {
	home, name, _ := strings.Cut(id, "/")
	return func(b *inventory.Builder) {
		b.AddTemplate(kind, inventory.ObjectMeta{Name: name, Namespace: home}, 1, &corev1.PodTemplateSpec{Spec: spec}, pspparse.Position{})
	}
}

func deployment(id string, spec corev1.PodSpec) object { return template("Deployment", id, spec) }

// as makes a pod run under an account.
func as(account string, spec corev1.PodSpec) corev1.PodSpec {
	spec.ServiceAccountName = account
	return spec
}

// running is a bare pod in "namespace/name", admitted by a policy ("" for none).
func running(id, policy string, spec corev1.PodSpec) object {
	home, name, _ := strings.Cut(id, "/")
	m := inventory.ObjectMeta{Name: name, Namespace: home, Annotations: map[string]string{}}
	if policy != "" {
		m.Annotations["kubernetes.io/psp"] = policy
	}
	return func(b *inventory.Builder) { b.AddPod(m, &spec, corev1.PodRunning, pspparse.Position{}) }
}

// applied is a bare pod of which its author's text is known.
func applied(id, policy, text string, spec corev1.PodSpec) object {
	home, name, _ := strings.Cut(id, "/")
	m := inventory.ObjectMeta{Name: name, Namespace: home, Annotations: map[string]string{
		"kubernetes.io/psp": policy, corev1.LastAppliedConfigAnnotation: text,
	}}
	return func(b *inventory.Builder) { b.AddPod(m, &spec, corev1.PodRunning, pspparse.Position{}) }
}

const (
	anythingGoes = `
  privileged: true
  allowedCapabilities: ['*']
  volumes: ['*']
  hostNetwork: true
  hostPID: true
  hostIPC: true
  hostPorts: [{min: 0, max: 65535}]
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
	baselineLike = `
  volumes: [configMap, emptyDir, projected, secret]
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
	restrictedLike = `
  allowPrivilegeEscalation: false
  requiredDropCapabilities: [ALL]
  readOnlyRootFilesystem: true
  volumes: [configMap, emptyDir, projected, secret]
  runAsUser: {rule: MustRunAsNonRoot}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
	admitsNothing = `
  runAsUser: {rule: Nonsense}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
`
)

// policy of a name; one that is restrictedLike also fills a seccomp profile in.
func policy(t *testing.T, name, spec string) object {
	t.Helper()
	text := "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata:\n  name: " + name + "\n"
	if spec == restrictedLike {
		text += "  annotations: {seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default, seccomp.security.alpha.kubernetes.io/defaultProfileName: runtime/default}\n"
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text+"spec:"+spec), &doc); err != nil {
		t.Fatalf("policy %q: %v", name, err)
	}
	p, problems := pspparse.Parse(&doc, name+".yaml")
	if p == nil {
		t.Fatalf("policy %q: %v", name, problems)
	}
	return func(b *inventory.Builder) { b.AddPolicy(p) }
}

// grant lets a subject use a policy ("" is every policy) in a namespace ("" is everywhere).
func grant(policyName, home string, who rbacv1.Subject) object {
	rule := rbacv1.PolicyRule{APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, Verbs: []string{"use"}}
	if policyName != "" {
		rule.ResourceNames = []string{policyName}
	}
	return bound(rule, "use-"+policyName+"-"+home, home, who)
}

// podCreator lets a subject create pods in a namespace ("" is everywhere).
func podCreator(home string, who rbacv1.Subject) object {
	return bound(rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create"}}, "make-pods-"+home, home, who)
}

// bound is a ClusterRole of one rule and the binding that grants it.
func bound(rule rbacv1.PolicyRule, what, home string, who rbacv1.Subject) object {
	name := strings.NewReplacer(":", "-", "/", "-").Replace(what + "-" + who.Namespace + who.Name)
	return func(b *inventory.Builder) {
		b.AddRole(inventory.Role{Name: name, Rules: []rbacv1.PolicyRule{rule}})
		b.AddBinding(inventory.Binding{Namespace: home, Name: name, RoleKind: "ClusterRole", RoleName: name, Subjects: []rbacv1.Subject{who}})
	}
}

func group(name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: name}
}

// account is the service account "namespace/name".
func account(id string) rbacv1.Subject {
	home, name, _ := strings.Cut(id, "/")
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: home, Name: name}
}

// everyAccountOf a namespace.
func everyAccountOf(home string) rbacv1.Subject { return group("system:serviceaccounts:" + home) }

func everybody() rbacv1.Subject { return group("system:authenticated") }

// gap touches the namespaces, all for "*".
func gap(what string, namespaces ...string) object {
	return func(b *inventory.Builder) {
		b.AddGap(inventory.Gap{What: what, Why: message.Message{ID: "unread", Text: "it could not be read"}, Namespaces: namespaces})
	}
}

// missing is a gap that can change one part of the namespaces, all for "*".
func missing(changes inventory.GapPart, namespaces ...string) object {
	return func(b *inventory.Builder) {
		b.AddGap(inventory.Gap{What: "some " + string(changes), Why: message.Message{ID: "unread", Text: "they could not be read"}, Namespaces: namespaces, Affects: changes})
	}
}

// pinned are the labels with one version for all.
func pinned(enforce, auditAndWarn api.Level, version string) PodSecurityLabels {
	l := PodSecurityLabels{
		Audit: string(auditAndWarn), AuditVersion: version,
		Warn: string(auditAndWarn), WarnVersion: version,
	}
	if enforce != "" {
		l.Enforce, l.EnforceVersion = string(enforce), version
	}
	return l
}

// What is said of a workload that policies fill in, and of one that none admits.
const (
	writeDown    = "it would be restricted if templates stated what policies set today: patch writes that into them"
	refusedToday = "no usable policy would admit the pods of deployment/web today: it cannot be created while policies are enforced"
)
