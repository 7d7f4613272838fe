package migrate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	istioByLabel = "istio-sidecar-injector"
	istioHook    = "namespace.sidecar-injector.istio.io"
	istioNamed   = `MutatingWebhookConfiguration "istio-sidecar-injector" (webhook "namespace.sidecar-injector.istio.io")`
	withheld     = "not everything could be read (see gaps): the needed level is an upper bound, and no enforce is recommended"
	labelsUnread = "the Namespace object was not read: its present labels are not known"
	ownHook      = `MutatingWebhookConfiguration "own" (webhook "side.example.com")`
	mayChange    = `it may change pods when they are created, and `
	noPodShows   = ` has no live pod that shows what it changes: start one pod of it and read again, or say --allow-partial if it changes nothing that a level looks at`
)

// annotated puts annotations on the template of a Deployment, and of its ReplicaSet.
func annotated(documents []string, annotations string) []string {
	out := slices.Clone(documents)
	for i := range out {
		if !strings.Contains(out[i], "kind: Pod,") {
			out[i] = strings.Replace(out[i], "template: {metadata: {", "template: {metadata: {annotations: {"+annotations+"}, ", 1)
		}
	}
	return out
}

// Where the Namespace was not read, a webhook that selects by its labels may be for it.
func TestInjectionsOfUnreadNamespaces(t *testing.T) {
	t.Parallel()
	byLabel := webhookDoc(istioByLabel, istioHook, `, namespaceSelector: {matchLabels: {istio-injection: enabled}}`)
	ownByLabel := webhookDoc("own", "side.example.com", `, namespaceSelector: {matchLabels: {side: "yes"}}`)
	api := deploymentDoc("web", "api", "")
	perhaps := "the Namespace object was not read: whether Istio (" + istioNamed + ") injects its pods is not known"
	istioGap := istioNamed + ` touches web: it takes pods by the labels or annotations of their namespace, and Namespace "web" was not read: whether Istio injects the pods of Deployment "web/api" is not known: read the namespaces, too`
	for name, tt := range map[string]struct {
		from      inventory.SourceKind
		documents []string
		want      answer
	}{
		"no webhook":         {inFiles, []string{api}, answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{labelsUnread}}},
		"a webhook of Istio": {inFiles, []string{api, byLabel}, answer{Needed: "restricted", Cautions: []string{labelsUnread, withheld, perhaps}, Gaps: []string{istioGap}}},
		"a webhook of Istio for another namespace": {
			inFiles,
			[]string{api, webhookDoc(istioByLabel, istioHook, `, namespaceSelector: {matchLabels: {istio-injection: enabled, kubernetes.io/metadata.name: shop}}`)},
			answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{labelsUnread}},
		},
		"a webhook of Istio, and a pod that is left out": {
			inFiles,
			[]string{deploymentDoc("web", "api", `, annotations: {sidecar.istio.io/inject: "false"}`), byLabel},
			answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{labelsUnread}},
		},
		"a webhook of Istio, and live pods": {
			cluster, append([]string{api, byLabel}, liveDocs("web", "api", "", "")...),
			answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{labelsUnread, perhaps}},
		},
		"a webhook of Istio, and live pods that show it": {
			cluster, append([]string{api, byLabel}, liveDocs("web", "api", validation, istioProxy)...),
			answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{labelsUnread}},
		},
		"an unknown webhook": {inFiles, []string{api, ownByLabel}, answer{
			Needed: "restricted", Cautions: []string{labelsUnread, withheld}, Gaps: []string{ownHook + " touches web: " + mayChange + `Deployment "web/api"` + noPodShows},
		}},
		"an unknown webhook, and live pods that it may not be for": {cluster, append([]string{api, deploymentDoc("shop", "front", ""), ownByLabel}, liveDocs("shop", "front", "", "")...), answer{
			Needed: "restricted", Cautions: []string{labelsUnread, withheld}, Gaps: []string{ownHook + " touches web: " + mayChange + `Deployment "web/api"` + noPodShows},
		}},
		"a SidecarSet by the labels of namespaces": {
			inFiles,
			[]string{api, `{apiVersion: apps.kruise.io/v1alpha1, kind: SidecarSet, metadata: {name: s}, spec: {selector: {matchLabels: {app: api}}, namespaceSelector: {matchLabels: {q: z}}, containers: [{name: tail, image: t, securityContext: {privileged: true}}]}}`},
			answer{Needed: "restricted", Cautions: []string{labelsUnread, withheld}, Gaps: []string{`SidecarSet "s" touches web: ` + strings.Replace(mayChange, "created,", `created (containers adds "tail"),`, 1) + `Deployment "web/api"` + noPodShows}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, answerOf(t, built(t, tt.from, tt.documents...))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A live pod tells of other workloads only where it shows all, and asks for what they ask.
func TestInjectionsSeenInPart(t *testing.T) {
	t.Parallel()
	webIstio, api, front := namespaceDoc("web", istioOn), deploymentDoc("web", "api", ""), deploymentDoc("web", "front", "")
	const foreseen, harmless = "Deployment/api: Istio istio-init+istio-proxy privileged", ""
	live := func(init, more string) []string {
		return append([]string{front}, liveDocs("web", "front", init, more)...)
	}
	for name, tt := range map[string]struct {
		seen []string
		want string
	}{
		"all of it":                    {live(validation, istioProxy), harmless},
		"the proxy alone":              {live("", istioProxy), foreseen},
		"another mode":                 {annotated(live("", istioProxy), "sidecar.istio.io/interceptionMode: NONE"), foreseen},
		"another mode, with all names": {annotated(live(validation, istioProxy), "sidecar.istio.io/interceptionMode: NONE"), foreseen},
		"another template":             {annotated(live(validation, istioProxy), "inject.istio.io/templates: own"), foreseen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := answerOf(t, built(t, inFiles, append([]string{webIstio, api}, tt.seen...)...))
			if diff := cmp.Diff(tt.want, strings.Join(got.Injections, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := map[string]string{foreseen: "privileged", harmless: "restricted"}[tt.want]; got.Enforce != want {
				t.Errorf("enforce is %q, want %q", got.Enforce, want)
			}
		})
	}
}

// Each template within a custom object is injected.
func TestInjectionsOfCustomObjects(t *testing.T) {
	t.Parallel()
	job := func(labels string) string {
		second := strings.Replace(strictSpec, "name: c,", "name: d,", 1)
		return `{apiVersion: kubeflow.org/v1, kind: PyTorchJob, metadata: {name: j, namespace: web}, spec: {pytorchReplicaSpecs: {Master: {template: {spec: ` + strictSpec + `}}, Worker: {template: {metadata: {labels: {` + labels + `}}, spec: ` + second + `}}}}}`
	}
	caution := "Istio adds istio-init, istio-proxy to new pods of pytorchjob/j (label istio-injection=enabled of the namespace), though no live pod shows it, and such pods need privileged: its defaults without its CNI plugin are taken, since nothing shows whether that runs (with it they need restricted): install the CNI plugin, or restart one pod and read again"
	own := answer{Needed: "restricted", Cautions: []string{withheld}, Gaps: []string{ownHook + ` touches web: ` + mayChange + `PyTorchJob "web/j"` + noPodShows}}
	calm := answer{Enforce: "restricted", Needed: "restricted", Cautions: []string{}}
	for name, tt := range map[string]struct {
		documents []string
		want      answer
	}{
		"by the namespace": {[]string{namespaceDoc("web", istioOn), job("")}, answer{
			Enforce: "privileged", Needed: "privileged", Injections: []string{"PyTorchJob/j: Istio istio-init+istio-proxy privileged"}, Cautions: []string{caution},
		}},
		"by the label of one template": {[]string{namespaceDoc("web", ""), job(`sidecar.istio.io/inject: "true"`)}, answer{
			Enforce: "privileged", Needed: "privileged", Injections: []string{"PyTorchJob/j: Istio istio-init+istio-proxy privileged"},
			Cautions: []string{strings.Replace(caution, "label istio-injection=enabled of the namespace", "label sidecar.istio.io/inject=true of its pods", 1)},
		}},
		"no mark":                             {[]string{namespaceDoc("web", ""), job("")}, calm},
		"an unknown webhook":                  {[]string{namespaceDoc("web", ""), job(""), webhookDoc("own", "side.example.com", "")}, own},
		"an unknown webhook for one template": {[]string{namespaceDoc("web", ""), job("side: a"), webhookDoc("own", "side.example.com", ", objectSelector: {matchLabels: {side: a}}")}, own},
		"an unknown webhook for no template":  {[]string{namespaceDoc("web", ""), job("side: a"), webhookDoc("own", "side.example.com", ", objectSelector: {matchLabels: {side: b}}")}, calm},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, answerOf(t, built(t, inFiles, tt.documents...)), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the webhook of a policy engine does is known only where its policies were read.
func TestWebhooksOfPolicyEngines(t *testing.T) {
	t.Parallel()
	api := deploymentDoc("web", "api", "")
	policy := `{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: r, match: {any: [{resources: {kinds: [Pod], namespaces: [shop]}}]}, mutate: {patchStrategicMerge: {spec: {hostPID: true}}}}]}}`
	assign := `{apiVersion: mutations.gatekeeper.sh/v1, kind: Assign, metadata: {name: a}, spec: {applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}], match: {scope: Namespaced, namespaces: [shop]}, location: spec.hostPID, parameters: {assign: {value: true}}}}`
	kyverno := webhookDoc("kyverno-resource-mutating-webhook-cfg", "mutate.kyverno.svc-fail", "")
	gatekeeper := webhookDoc("gatekeeper-mutating-webhook-configuration", "mutation.gatekeeper.sh", "")
	for name, tt := range map[string]struct {
		documents []string
		listed    [][2]string
		want      string
	}{
		"Kyverno, nothing read":               {[]string{kyverno}, nil, "gap"},
		"Kyverno, a policy read":              {[]string{kyverno, policy}, nil, "restricted"},
		"Kyverno, another engine's read":      {[]string{kyverno, assign}, nil, "gap"},
		"Kyverno, no policy there":            {[]string{kyverno}, [][2]string{{"kyverno.io", "clusterpolicies"}, {"kyverno.io", "policies"}}, "restricted"},
		"Kyverno, one kind listed":            {[]string{kyverno}, [][2]string{{"kyverno.io", "clusterpolicies"}}, "gap"},
		"Kyverno, live pods show nothing":     {append([]string{kyverno, deploymentDoc("web", "front", "")}, liveDocs("web", "front", "", "")...), nil, "restricted"},
		"Gatekeeper, nothing read":            {[]string{gatekeeper}, nil, "gap"},
		"Gatekeeper, a mutator read":          {[]string{gatekeeper, assign}, nil, "restricted"},
		"Gatekeeper, no mutator there":        {[]string{gatekeeper}, [][2]string{{"mutations.gatekeeper.sh", "assign"}, {"mutations.gatekeeper.sh", "modifyset"}}, "restricted"},
		"Gatekeeper, another engine's policy": {[]string{gatekeeper, policy}, nil, "gap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := answerOf(t, builtWith(t, migrate.Options{}, tt.listed, append([]string{namespaceDoc("web", ""), api}, tt.documents...)...))
			if tt.want == "gap" && (got.Enforce != "" || len(got.Gaps) != 1 || !strings.Contains(got.Gaps[0], ` touches web: `+mayChange+`Deployment "web/api"`+noPodShows)) || tt.want != "gap" && (got.Enforce != tt.want || len(got.Gaps) > 0) {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
}

// A namespace in which nothing runs gets a level that what an injector adds there will not meet.
func TestInjectionsOfEmptyNamespaces(t *testing.T) {
	t.Parallel()
	const caution = "Istio adds istio-init, istio-proxy to new pods here (label istio-injection=enabled of the namespace), and such pods need privileged: what is deployed will be refused at restricted; its defaults without its CNI plugin are taken, since nothing shows whether that runs (with it they need restricted): install the CNI plugin"
	for name, tt := range map[string]struct {
		documents []string
		want      []string
	}{
		"a mark":                    {[]string{namespaceDoc("web", istioOn)}, []string{caution}},
		"no mark":                   {[]string{namespaceDoc("web", "")}, []string{}},
		"a mark, and it is so mild": {append([]string{namespaceDoc("web", istioOn), namespaceDoc("shop", istioOn), deploymentDoc("shop", "front", "")}, liveDocs("shop", "front", validation, istioProxy)...), []string{}},
	} {
		got := answerOf(t, builtWith(t, migrate.Options{EmptyNamespaces: migrate.EmptyRestricted}, nil, tt.documents...))
		if diff := cmp.Diff(answer{Enforce: "restricted", Cautions: tt.want}, got, messageText()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// builtWith is the plan of documents as of files, of which some resources were listed whole.
func builtWith(t *testing.T, opts migrate.Options, listed [][2]string, documents ...string) *migrate.Plan {
	t.Helper()
	b := decoded(t, documents...)
	for _, r := range listed {
		b.AddListedResource(r[0], r[1])
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: inFiles}), opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
