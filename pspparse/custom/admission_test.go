package custom_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// read gives what one document, or several, come to: the reviewers in one line each, gaps and notes.
func read(t *testing.T, documents string) []string {
	t.Helper()
	b := inventory.NewBuilder()
	for _, doc := range strings.Split(documents, "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			APIVersion string            `json:"apiVersion"`
			Kind       string            `json:"kind"`
			Metadata   metav1.ObjectMeta `json:"metadata"`
		}
		if err := json.Unmarshal(data, &head); err != nil {
			t.Fatal(err)
		}
		if !custom.ReadObject(b, custom.RawObject{
			APIVersion: head.APIVersion, Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name, JSON: data, Position: pspparse.Position{File: "f", Line: 1},
		}) {
			t.Fatalf("%s %s was not read", head.APIVersion, head.Kind)
		}
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceFiles})
	var out []string
	for i := range inv.AdmissionRules {
		out = append(out, summary(&inv.AdmissionRules[i]))
	}
	for _, g := range inv.Gaps {
		out = append(out, fmt.Sprintf("gap %s touches %v: %s", g.What, g.Namespaces, g.Why))
	}
	for _, n := range inv.Notes {
		out = append(out, fmt.Sprintf("note %s: %s", n.What, n.Why))
	}
	return out
}

func summary(r *inventory.AdmissionRule) string {
	text := r.String() + " refuses"
	if r.Mutates {
		text = r.String() + " " + []string{"changes", "harmless", "adds"}[r.Effect]
	}
	for _, s := range r.Scopes {
		text += "; for " + scope(&s)
	}
	for _, s := range r.ExceptScopes {
		text += "; not for " + scope(&s)
	}
	if len(r.SetFields) > 0 {
		text += "; sets " + strings.Join(r.SetFields, ", ")
	}
	if r.AddedParts != nil {
		var names []string
		for _, c := range slices.Concat(r.AddedParts.Spec.InitContainers, r.AddedParts.Spec.Containers) {
			names = append(names, c.Name)
		}
		text += "; adds " + strings.Join(names, ", ") + fmt.Sprintf(" and %d volumes", len(r.AddedParts.Spec.Volumes))
	}
	if r.Category != "" {
		text += "; category " + r.Category
	}
	return text
}

func scope(s *inventory.AdmissionScope) string {
	var parts []string
	for _, p := range []struct {
		what string
		list []string
	}{{"kinds", s.Kinds}, {"namespaces", s.Namespaces}, {"names", s.Names}} {
		if p.list != nil {
			parts = append(parts, p.what+" "+strings.Join(p.list, " "))
		}
	}
	if s.NamespaceLabels != nil {
		parts = append(parts, "namespaces with "+metav1.FormatLabelSelector(s.NamespaceLabels))
	}
	if s.PodLabels != nil {
		parts = append(parts, "pods with "+metav1.FormatLabelSelector(s.PodLabels))
	}
	if parts == nil {
		return "all"
	}
	return strings.Join(parts, ", ")
}

const onPods = `rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		input string
		want  []string
	}{
		"webhooks on pods, and others": {`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: m}
webhooks:
- {name: a.example.com, namespaceSelector: {matchLabels: {x: "1"}}, objectSelector: {matchLabels: {z: "2"}}, ` + onPods + `}
- {name: all.example.com, rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"], scope: "*"}]}
- {name: subresource.example.com, rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods/exec, "pods/*"]}]}
- {name: update.example.com, rules: [{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [pods]}]}
- {name: group.example.com, rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments, "*"]}]}
- {name: cluster.example.com, rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: ["*"], scope: Cluster}]}`, []string{
			`MutatingWebhookConfiguration "m" (webhook "a.example.com") changes; for namespaces with x=1, pods with z=2`,
			`MutatingWebhookConfiguration "m" (webhook "all.example.com") changes; for all`,
		}},
		"a validating webhook of an old version": {`
apiVersion: admissionregistration.k8s.io/v1beta1
kind: ValidatingWebhookConfiguration
metadata: {name: v}
webhooks: [{name: v.example.com, ` + onPods + `}]`, []string{`ValidatingWebhookConfiguration "v" (webhook "v.example.com") refuses; for all`}},
		"webhooks that cannot be read": {`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: m}
webhooks: "none"`, []string{`gap MutatingWebhookConfiguration "m" touches [*]: what it adds to pods is not known: no server has it so: webhooks cannot be a string; mend it, or leave it out`}},
		"admission policies and their bindings": {`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: deny}
spec: {matchConstraints: {namespaceSelector: {matchLabels: {a: "1"}}, resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: deny}
spec: {policyName: deny, validationActions: [Deny, Audit], matchResources: {namespaceSelector: {matchLabels: {b: "2"}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: warn}
spec: {policyName: deny, validationActions: [Warn]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: only-warns}
spec: {matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: only-warns}
spec: {policyName: only-warns, validationActions: [Warn]}
---
apiVersion: admissionregistration.k8s.io/v1alpha1
kind: MutatingAdmissionPolicy
metadata: {name: side}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: "Object{spec: Object.spec{initContainers: []}}"}}]
---
apiVersion: admissionregistration.k8s.io/v1alpha1
kind: MutatingAdmissionPolicy
metadata: {name: tolerate}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  mutations: [{patchType: JSONPatch, jsonPatch: {expression: "[JSONPatch{op: 'add', path: '/spec/tolerations/-', value: x}]"}}]`, []string{
			`MutatingAdmissionPolicy "side" changes; for all`,
			`MutatingAdmissionPolicy "tolerate" harmless; for all`,
			`ValidatingAdmissionPolicy "deny" refuses; for namespaces with a in (1),b in (2)`,
		}},
		"Kyverno": {`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p, annotations: {policies.kyverno.io/category: Pod Security Standards (Baseline)}}
spec:
  validationFailureAction: Audit
  rules:
  - {name: reports, match: {resources: {kinds: [Pod]}}, validate: {message: no}}
  - {name: refuses, match: {any: [{resources: {kinds: [v1/Pod], namespaces: ["team-*"]}}]}, exclude: {any: [{resources: {namespaces: [team-x]}}, {resources: {namespaces: [team-y]}, subjects: [{kind: User, name: a}]}]}, validate: {failureAction: Enforce}}
  - {name: controllers, match: {any: [{resources: {kinds: [apps/v1/Deployment, Service]}}]}, mutate: {patchStrategicMerge: {spec: {template: {spec: {securityContext: {runAsNonRoot: true}}}}}}}
  - {name: services, match: {any: [{resources: {kinds: [Service]}}]}, mutate: {patchStrategicMerge: {spec: {x: 1}}}}
  - {name: existing, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {targets: [{kind: Pod}], patchStrategicMerge: {spec: {hostPID: true}}}}
  - {name: helps, match: {any: [{resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}}]}, mutate: {patchStrategicMerge: {metadata: {labels: {c: d}}, spec: {+(securityContext): {+(runAsNonRoot): true}, containers: [{(name): "*", securityContext: {capabilities: {drop: [ALL]}}, env: [{name: x}]}]}}}}
  - {name: loosens, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {spec: {containers: [{(name): "*", securityContext: {capabilities: {add: [SYS_TIME]}}}]}}}}
  - {name: variable, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {spec: {securityContext: {runAsUser: "{{ x }}"}}}}}
  - {name: host, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {spec: {hostNetwork: true}}}}
  - {name: marks, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {annotations: {linkerd.io/inject: enabled}}}}}
  - {name: sidecar, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {spec: {containers: [{name: tail, image: tail}], volumes: [{name: v, emptyDir: {}}]}}}}
  - {name: env, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchesJson6902: "- {op: add, path: /spec/containers/0/env/-, value: {}}"}}
  - {name: patched, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchesJson6902: "- op: add\n  path: /spec/initContainers/-\n  value: {}"}}
  - {name: each, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {foreach: [{list: x, patchStrategicMerge: {spec: {hostPID: true}}}]}}`, []string{
			`ClusterPolicy "p" (rule "controllers") harmless; for kinds Deployment; sets spec.template.spec.securityContext.runAsNonRoot=true; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "each") changes; for all; sets spec.hostPID=true; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "env") harmless; for all; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "helps") harmless; for pods with a=b; sets spec.securityContext.runAsNonRoot=true, spec.containers[].securityContext.capabilities.drop=["ALL"]; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "host") changes; for all; sets spec.hostNetwork=true; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "loosens") changes; for all; sets spec.containers[].securityContext.capabilities.add=["SYS_TIME"]; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "marks") changes; for all; sets metadata.annotations.linkerd.io/inject="enabled"; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "patched") changes; for all; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "refuses") refuses; for namespaces team-*; not for namespaces team-x; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "sidecar") adds; for all; sets containers adds "tail"; adds tail and 1 volumes; category Pod Security Standards (Baseline)`,
			`ClusterPolicy "p" (rule "variable") changes; for all; sets spec.securityContext.runAsUser="{{ x }}"; category Pod Security Standards (Baseline)`,
		}},
		"Kyverno's policies of one namespace, and those in CEL": {`
apiVersion: kyverno.io/v2beta1
kind: Policy
metadata: {name: p, namespace: web}
spec: {validationFailureAction: enforce, rules: [{name: r, match: {any: [{resources: {kinds: [Pod], namespaces: [other]}}]}, validate: {message: no}}]}
---
apiVersion: policies.kyverno.io/v1alpha1
kind: MutatingPolicy
metadata: {name: m}
spec: {matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}, mutations: [{jsonPatch: {expression: "x"}}]}
---
apiVersion: policies.kyverno.io/v1alpha1
kind: ValidatingPolicy
metadata: {name: v}
spec: {validationActions: [Audit], matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}}`, []string{
			`MutatingPolicy "m" harmless; for all`,
			`Policy "web/p" (rule "r") refuses; for namespaces web`,
		}},
		"Gatekeeper": {`
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: nonroot}
spec: {applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}], match: {namespaces: [a, "b*"], excludedNamespaces: [kube-*]}, location: "spec.containers[name:*].securityContext.runAsNonRoot", parameters: {assign: {value: true}}}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: privileged}
spec: {applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}], location: "spec.containers[name:*].securityContext.privileged", parameters: {assign: {value: true}}}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: external}
spec: {applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}], location: "spec.nodeName", parameters: {assign: {externalData: {provider: x}}}}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: ModifySet
metadata: {name: sidecar}
spec: {applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}], location: "spec.containers", parameters: {operation: merge, values: {fromList: [{name: tail, image: tail}]}}}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: labels}
spec: {location: metadata.labels.x, parameters: {assign: {value: y}}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sPSPPrivilegedContainer
metadata: {name: c}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}], namespaceSelector: {matchLabels: {a: b}}}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sPSPHostNamespace
metadata: {name: dry}
spec: {enforcementAction: dryrun, match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata: {name: namespaces}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Namespace]}]}}`, []string{
			`Assign "external" changes; for all`,
			`Assign "nonroot" harmless; for namespaces a b*; not for namespaces kube-*; sets spec.containers[].securityContext.runAsNonRoot=true`,
			`Assign "privileged" changes; for all; sets spec.containers[].securityContext.privileged=true`,
			`K8sPSPPrivilegedContainer "c" refuses; for namespaces with a=b`,
			`ModifySet "sidecar" adds; for all; sets containers adds "tail"; adds tail and 0 volumes`,
		}},
		"OpenKruise, Kubewarden, jsPolicy": {`
apiVersion: apps.kruise.io/v1alpha1
kind: SidecarSet
metadata: {name: logs}
spec: {selector: {matchLabels: {app: web}}, namespace: web, initContainers: [{name: first, image: x}], containers: [{name: tail, image: x}], volumes: [{name: v, hostPath: {path: /}}]}
---
apiVersion: apps.kruise.io/v1alpha1
kind: SidecarSet
metadata: {name: paused}
spec: {selector: {matchLabels: {app: web}}, containers: [{name: tail, image: x}], injectionStrategy: {paused: true}}
---
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata: {name: capabilities}
spec: {module: "registry://ghcr.io/kubewarden/policies/capabilities-psp:v0.1.9", mutating: true, ` + onPods + `}
---
apiVersion: policies.kubewarden.io/v1
kind: AdmissionPolicy
metadata: {name: one, namespace: web}
spec: {module: m, ` + onPods + `}
---
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata: {name: watches}
spec: {module: m, mode: monitor, ` + onPods + `}
---
apiVersion: policy.jspolicy.com/v1beta1
kind: JsPolicy
metadata: {name: deny}
spec: {operations: [CREATE], resources: [pods]}`, []string{
			`AdmissionPolicy "web/one" refuses; for namespaces web; category m`,
			`ClusterAdmissionPolicy "capabilities" changes; for all; category registry://ghcr.io/kubewarden/policies/capabilities-psp:v0.1.9`,
			`JsPolicy "deny" refuses; for all`,
			`SidecarSet "logs" adds; for namespaces web, pods with app=web; sets containers adds "tail", initContainers adds "first"; adds first, tail and 1 volumes`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, read(t, strings.TrimPrefix(tt.input, "\n")), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestResourcesAreRead checks that every kind that is asked of a server is one that Read knows, in each of its versions.
func TestResourcesAreRead(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range custom.KnownResources() {
		if name := r.Name + "." + r.Group; seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[r.Name+"."+r.Group] = true
		for _, v := range r.Versions {
			b := inventory.NewBuilder()
			o := custom.RawObject{APIVersion: r.Group + "/" + v, Kind: r.Kind, Name: "x", JSON: []byte(`{"metadata":{"name":"x"}}`)}
			if !custom.ReadObject(b, o) && r.Purpose != custom.WritesLabels { // these are looked at, and left to others
				t.Errorf("%s %s is asked for and not read", o.APIVersion, o.Kind)
			}
		}
	}
}

// TestReadIsQuietOnOthers checks that kinds of other groups are left to others.
func TestReadIsQuietOnOthers(t *testing.T) {
	t.Parallel()
	for _, o := range []custom.RawObject{
		{APIVersion: "v1", Kind: "Service"},
		{APIVersion: "example.com/v1", Kind: "MutatingWebhookConfiguration"},
		{APIVersion: "kyverno.io/v1", Kind: "PolicyException"},
		{APIVersion: "apps.kruise.io/v1alpha1", Kind: "ResourceDistribution"},
	} {
		o.JSON = []byte(`{}`)
		if custom.ReadObject(inventory.NewBuilder(), o) {
			t.Errorf("%s %s was read", o.APIVersion, o.Kind)
		}
	}
}
