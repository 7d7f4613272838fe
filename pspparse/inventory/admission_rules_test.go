package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestReviewersAreLimited checks that more of them than any cluster has are counted, and nothing else: those that change pods are a
// gap, those that refuse them a note.
func TestReviewersAreLimited(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	for i := range maxAdmissionRules + 2 {
		at := pspparse.Position{File: "f", Line: i + 1}
		b.AddAdmissionRule(AdmissionRule{Kind: "MutatingWebhookConfiguration", Name: fmt.Sprintf("m%d", i), Mutates: true, Position: at})
		b.AddAdmissionRule(AdmissionRule{Kind: "ValidatingWebhookConfiguration", Name: fmt.Sprintf("v%d", i), Position: at})
	}
	inv := b.Build(Source{})
	if len(inv.AdmissionRules) != 2*maxAdmissionRules {
		t.Errorf("%d are kept, want %d", len(inv.AdmissionRules), 2*maxAdmissionRules)
	}
	at := pspparse.Position{File: "f", Line: 1}
	want := []Gap{{
		What: "webhooks and policies that change pods", Why: message.Message{Text: "there are more than 300 of them, and 2 were not looked at: what they add is not known"},
		Position: at, Namespaces: []string{AllNamespaces}, Affects: PartWorkloads,
	}}
	if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Note{{What: "webhooks and policies that refuse pods", Why: message.Message{Text: "there are more than 300 of them, and 2 were not looked at"}, Position: at}}, inv.Notes, messageText()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestPodMetaOfTemplates checks what of a template's metadata is kept: labels, the annotations that injectors know, and each of
// those of a template that was read with different ones.
func TestPodMetaOfTemplates(t *testing.T) {
	t.Parallel()
	deployment := func(metadata string) string {
		return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"web"},"spec":{"template":{"metadata":` + metadata + `,"spec":{"containers":[{"name":"c"}]}}}}` + "\n"
	}
	for name, tt := range map[string]struct {
		input string
		want  []*PodMeta
	}{
		"labels and known annotations": {
			deployment(`{"labels":{"a":"b"},"annotations":{"linkerd.io/inject":"enabled","checksum/config":"0123"}}`),
			[]*PodMeta{{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"linkerd.io/inject": "enabled"}}},
		},
		"nothing": {deployment(`{"annotations":{"checksum/config":"0123"}}`), nil},
		"twice, with others": {
			deployment(`{"labels":{"b":"1"}}`) + deployment(`{"labels":{"a":"1"}}`),
			[]*PodMeta{{Labels: map[string]string{"a": "1"}}, {Labels: map[string]string{"b": "1"}}},
		},
		"twice, and once with none": {deployment(`{"labels":{"b":"1"}}`) + deployment(`{}`), []*PodMeta{{}, {Labels: map[string]string{"b": "1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, build(t, documents(t, tt.input)).Workloads[0].PodMetas); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPodMetaOfManifests checks that the manifest of a pod has the metadata of its pod, also where the live pod was read, and that
// a live pod alone has none: it has been through admission.
func TestPodMetaOfManifests(t *testing.T) {
	t.Parallel()
	const labelled = `,"labels":{"sidecar.istio.io/inject":"true"}`
	want := []*PodMeta{{Labels: map[string]string{"sidecar.istio.io/inject": "true"}}}
	for name, tt := range map[string]struct {
		input string
		want  []*PodMeta
	}{
		"a manifest":          {podDocument(labelled, "", ""), want},
		"beside the live pod": {podDocument(labelled, "", "") + podDocument(`,"uid":"u"`, "", ""), want},
		"the live pod alone":  {podDocument(`,"uid":"u"`+labelled, "", ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, build(t, documents(t, tt.input)).Workloads[0].PodMetas); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
