package migrate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	cluster = inventory.SourceCluster
	inFiles = inventory.SourceFiles
)

// built is the plan of documents, as if read from such a source. From a cluster all webhooks were read.
func built(t *testing.T, from inventory.SourceKind, documents ...string) *migrate.Plan {
	t.Helper()
	b := decoded(t, documents...)
	if from == cluster {
		b.AddListedResource("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: from}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// decoded is a Builder that has read documents.
func decoded(t *testing.T, documents ...string) *inventory.Builder {
	t.Helper()
	b := inventory.NewBuilder()
	for _, doc := range documents {
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
		handled, err := b.Decode(head.APIVersion, head.Kind, data, pspparse.Position{})
		if err != nil {
			t.Fatal(err)
		}
		o := custom.RawObject{APIVersion: head.APIVersion, Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name, JSON: data}
		if !handled && !custom.ReadObject(b, o) {
			t.Fatalf("%s %s was not read", head.APIVersion, head.Kind)
		}
	}
	return b
}

// strictSpec meets restricted.
const strictSpec = `{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}`

func namespaceDoc(name, metadata string) string {
	return `{apiVersion: v1, kind: Namespace, metadata: {uid: u, name: ` + name + metadata + `}}`
}

func deploymentDoc(namespace, name, metadata string) string {
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ` + name + `, namespace: ` + namespace + `}, spec: {template: {metadata: {labels: {app: ` + name + `}` + metadata + `}, spec: ` + strictSpec + `}}}`
}

// liveDocs are a ReplicaSet of the Deployment and a pod of it, with more containers than its template.
func liveDocs(namespace, name, init, more string) []string {
	of := func(kind, owner string) string {
		return `ownerReferences: [{apiVersion: apps/v1, kind: ` + kind + `, name: ` + owner + `, controller: true, uid: x}]`
	}
	spec := strings.Replace(strictSpec, "containers: [", "nodeName: n, initContainers: ["+init+"], containers: [", 1)
	spec = strings.Replace(spec, "}}]}", "}}"+more+"]}", 1)
	return []string{
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: ` + name + `-7d, namespace: ` + namespace + `, ` + of("Deployment", name) + `}, spec: {template: {metadata: {labels: {app: ` + name + `}}, spec: ` + strictSpec + `}}}`,
		`{apiVersion: v1, kind: Pod, metadata: {uid: p, name: ` + name + `-7d-x, namespace: ` + namespace + `, ` + of("ReplicaSet", name+"-7d") + `}, spec: ` + spec + `}`,
	}
}

func webhookDoc(configuration, webhook, selectors string) string {
	return `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: ` + configuration + `}, webhooks: [{name: ` + webhook + selectors +
		`, rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}`
}

const (
	istioOn    = `, labels: {istio-injection: enabled}`
	istioProxy = `,{name: istio-proxy, securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 1337, capabilities: {drop: [ALL]}}}`
	istioInit  = `{name: istio-init, securityContext: {runAsUser: 0, runAsNonRoot: false, allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN, NET_RAW], drop: [ALL]}}}`
	validation = `{name: istio-validation, securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}}}`
)

// answer is what a plan says of the namespace web, with the plan's gaps and notes.
type answer struct {
	Enforce, Needed string
	Injections      []string
	Cautions        []string
	Gaps, Notes     []string
}

func answerOf(t *testing.T, p *migrate.Plan) answer {
	t.Helper()
	i := slices.IndexFunc(p.Namespaces, func(ns migrate.Namespace) bool { return ns.Name == "web" })
	if i < 0 {
		t.Fatal("there is no namespace web")
	}
	ns := &p.Namespaces[i]
	a := answer{Enforce: ns.RecommendedLabels.Enforce, Needed: string(ns.NeededLevel), Cautions: message.Texts(ns.Cautions)}
	for _, w := range ns.Workloads {
		for _, one := range w.Injections {
			a.Injections = append(a.Injections, w.Kind+"/"+w.Name+": "+one.Injector+" "+strings.Join(one.Containers, "+")+" "+string(one.Level))
		}
	}
	for _, g := range p.Gaps {
		a.Gaps = append(a.Gaps, g.What+" touches "+strings.Join(g.Affects, " ")+": "+g.Text)
	}
	for _, n := range p.Notes {
		a.Notes = append(a.Notes, n.What+": "+n.Text)
	}
	return a
}

func TestInjections(t *testing.T) {
	t.Parallel()
	const (
		withIstio  = "Istio adds istio-init, istio-proxy to new pods of deployment/api (label istio-injection=enabled of the namespace), though no live pod shows it, and such pods need privileged: "
		noCNI      = "its defaults without its CNI plugin are taken, since nothing shows whether that runs (with it they need restricted): install the CNI plugin, or restart one pod and read again"
		calm       = "restricted"
		ownWebhook = `MutatingWebhookConfiguration "own" (webhook "side.example.com")`
	)
	webIstio, api := namespaceDoc("web", istioOn), deploymentDoc("web", "api", "")
	known := webhookDoc("istio-sidecar-injector", "namespace.sidecar-injector.istio.io", `, namespaceSelector: {matchLabels: {istio-injection: enabled}}`)
	own := webhookDoc("own", "side.example.com", "")
	foreseen := answer{Enforce: "privileged", Needed: "privileged", Injections: []string{"Deployment/api: Istio istio-init+istio-proxy privileged"}, Cautions: []string{withIstio + noCNI}}
	harmless := answer{Enforce: calm, Needed: calm, Cautions: []string{}}
	noted := func(notes ...string) answer {
		return answer{Enforce: calm, Needed: calm, Cautions: []string{}, Notes: notes}
	}
	for name, tt := range map[string]struct {
		from      inventory.SourceKind
		documents []string
		want      answer
	}{
		"a mark in files": {inFiles, []string{webIstio, api}, foreseen},
		"a mark in files, and a webhook of another": {inFiles, []string{webIstio, api, webhookDoc("pod-identity-webhook", "pod-identity-webhook.amazonaws.com", "")}, foreseen},
		"a mark in a cluster with its webhook":      {cluster, []string{webIstio, api, known}, foreseen},
		"a mark in a cluster without any webhook": {cluster, []string{webIstio, api}, noted(
			"Istio: no webhook of it is for the pods of 1 workload that it is meant for (label istio-injection=enabled of the namespace): it is taken to be absent, and nothing is added")},
		"a webhook whose selectors take all, and no mark": {inFiles, []string{namespaceDoc("web", ""), api, webhookDoc("istio", "sidecar-injector.istio.io", `, namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}`)}, answer{
			Enforce: "privileged", Needed: "privileged", Injections: foreseen.Injections,
			Cautions: []string{`Istio adds istio-init, istio-proxy to new pods of deployment/api (the selectors of MutatingWebhookConfiguration "istio" (webhook "sidecar-injector.istio.io")), though no live pod shows it, and such pods need privileged: ` + noCNI},
		}},
		"the CNI plugin was read":             {inFiles, []string{webIstio, api, `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: istio-cni-node, namespace: istio-system}, spec: {template: {spec: ` + strictSpec + `}}}`}, harmless},
		"a live pod of the workload shows it": {cluster, append([]string{webIstio, api, known}, liveDocs("web", "api", validation, istioProxy)...), harmless},
		"a live pod of the workload shows the worst": {cluster, append([]string{webIstio, api, known}, liveDocs("web", "api", istioInit, istioProxy)...), answer{
			Enforce: "privileged", Needed: "privileged", Cautions: []string{},
		}},
		"a live pod of another workload shows it": {cluster, append([]string{webIstio, api, deploymentDoc("web", "front", ""), known}, liveDocs("web", "front", validation, istioProxy)...), harmless},
		"a live pod of another namespace shows it": {cluster, append([]string{webIstio, api, namespaceDoc("shop", istioOn), deploymentDoc("shop", "front", ""), known}, liveDocs("shop", "front", istioInit, istioProxy)...), answer{
			Enforce: "privileged", Needed: "privileged", Injections: foreseen.Injections,
			Cautions: []string{withIstio + `what it has added to pod "shop/front-7d-x" is taken`},
		}},
		"live pods from before the mark":       {cluster, append([]string{webIstio, api, known}, liveDocs("web", "api", "", "")...), foreseen},
		"a template that was injected by hand": {inFiles, []string{webIstio, strings.Replace(strings.Replace(api, "containers: [", "initContainers: ["+validation+"], containers: [", 1), "}}]}", "}}"+istioProxy+"]}", 1)}, harmless},
		"a pod that is left out":               {inFiles, []string{webIstio, deploymentDoc("web", "api", `, annotations: {sidecar.istio.io/inject: "false"}`), known}, harmless},
		"an unknown webhook and no live pod": {cluster, []string{namespaceDoc("web", ""), namespaceDoc("idle", ""), api, own}, answer{
			Needed: calm, Cautions: []string{"not everything could be read (see gaps): the needed level is an upper bound, and no enforce is recommended"},
			Gaps: []string{ownWebhook + ` touches web: it may change pods when they are created, and Deployment "web/api" has no live pod that shows what it changes: start one pod of it and read again, or say --allow-partial if it changes nothing that a level looks at`},
		}},
		"an unknown webhook for other pods": {cluster, []string{namespaceDoc("web", ""), api, webhookDoc("own", "side.example.com", `, objectSelector: {matchLabels: {app: other}}`)}, harmless},
		"an unknown webhook that adds nothing to a live pod": {cluster, append([]string{namespaceDoc("web", ""), api, deploymentDoc("web", "front", ""), own}, liveDocs("web", "front", "", "")...), noted(
			ownWebhook + ": it changes pods when they are created; it adds nothing to the live pods of the 1 workload that it is for: it is taken to add nothing to others")},
		"an unknown webhook that adds to a live pod": {cluster, append([]string{namespaceDoc("web", ""), api, deploymentDoc("shop", "front", ""), own}, liveDocs("shop", "front", "", `,{name: tail, image: t}`)...), answer{
			Needed: calm, Cautions: []string{"not everything could be read (see gaps): the needed level is an upper bound, and no enforce is recommended"},
			Gaps: []string{ownWebhook + ` touches web: it may change pods when they are created, and Deployment "web/api" has no live pod that shows what it changes: start one pod of it and read again, or say --allow-partial if it changes nothing that a level looks at`},
		}},
		"an unknown webhook for live pods alone": {cluster, append([]string{namespaceDoc("web", ""), api, own}, liveDocs("web", "api", "", `,{name: tail, image: t, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}`)...), noted(
			ownWebhook + ": it changes pods when they are created; what it adds is evaluated by the live pods of all workloads that it is for")},
		"a known webhook that adds nothing": {cluster, []string{namespaceDoc("web", ""), api, webhookDoc("vpa-webhook-config", "vpa.k8s.io", "")}, harmless},
		"a policy for Deployments, in a cluster": {cluster, []string{namespaceDoc("web", ""), api, `{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: r, match: {any: [{resources: {kinds: [Deployment]}}]}, mutate: {patchStrategicMerge: {spec: {template: {spec: {hostPID: true}}}}}}]}}`}, noted(
			`ClusterPolicy "p" (rule "r"): it changes pods when they are created; it changes what holds their templates, and those that the server has are changed`)},
		"a SidecarSet that says what it adds": {inFiles, []string{namespaceDoc("web", ""), api, `{apiVersion: apps.kruise.io/v1alpha1, kind: SidecarSet, metadata: {name: s}, spec: {selector: {matchLabels: {app: api}}, containers: [{name: tail, image: t, securityContext: {privileged: true}}]}}`}, answer{
			Enforce: "privileged", Needed: "privileged", Injections: []string{`Deployment/api: SidecarSet "s" tail privileged`},
			Cautions: []string{`SidecarSet "s" adds tail to new pods of deployment/api (it selects them), though no live pod shows it, and such pods need privileged: what it says is taken`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, answerOf(t, built(t, tt.from, tt.documents...)), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
