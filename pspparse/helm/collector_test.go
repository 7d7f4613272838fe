package helm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "u", ResourceVersion: "7", Labels: map[string]string{"owner": "helm"}}
}

func TestCollector(t *testing.T) {
	t.Parallel()
	var c ReleaseCollector
	c.Add("Secret", named("web", "sh.helm.release.v1.web.v3"), packed(t, release(service+policy, "null")))
	c.Add("ConfigMap", named("api", "sh.helm.release.v1.web.v3"), packed(t, release(service+unread, "null")))
	c.Add("Secret", named("web", "sh.helm.release.v1.web.v2"), []byte("hunter2!"))
	c.Add("Secret", named("web", "sh.helm.release.v1.web.v1"), nil)
	c.Add("ConfigMap", named("web", "somebody-elses"), []byte("hunter2"))
	unlabelled := named("web", "sh.helm.release.v1.web.v4")
	unlabelled.Labels = nil
	c.Add("Secret", unlabelled, packed(t, release(policy, "null")))
	got, gaps := c.Releases()
	web := Release{Namespace: "web", Name: "web", Revision: 3, Status: "deployed", Chart: "web-chart", ChartVersion: "1.2.3"}
	api := web
	web.Storage = StorageRef{Kind: "Secret", Namespace: "web", Name: "sh.helm.release.v1.web.v3", UID: "u", ResourceVersion: "7"}
	web.Policies = []Document{{APIVersion: "policy/v1beta1", Kind: "PodSecurityPolicy", Name: "web", At: 2}}
	api.Namespace, api.Storage = "api", web.Storage
	api.Storage.Kind, api.Storage.Namespace = "ConfigMap", "api"
	api.Unreadable = []Document{{At: 2}}
	if diff := cmp.Diff([]Release{api, web}, got); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	const look = "; look at it with helm history and helm get manifest"
	want := []inventory.Gap{
		{What: `Helm release in ConfigMap "api/sh.helm.release.v1.web.v3"`, Why: message.Message{Text: "document 2 of it cannot be read, and may hold a PodSecurityPolicy" + look}, Namespaces: []string{"api"}},
		{What: `Helm release in Secret "web/sh.helm.release.v1.web.v2"`, Why: message.Message{Text: "its release is not base64, as Helm writes it" + look}, Namespaces: []string{"web"}},
		{What: `Helm release in Secret "web/sh.helm.release.v1.web.v1"`, Why: message.Message{Text: "it holds no release: its data may have been taken out where it was copied" + look}, Namespaces: []string{"web"}},
	}
	if diff := cmp.Diff(want, gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// A dump of Secrets and ConfigMaps, read by the reader of files, yields the same.
func TestFromFiles(t *testing.T) {
	t.Parallel()
	payload := packed(t, release(service+policy, "null"))
	meta := named("web", "sh.helm.release.v1.web.v3")
	kept, err := json.Marshal(corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta, Type: SecretType, Data: map[string][]byte{PayloadKey: payload},
	})
	if err != nil {
		t.Fatal(err)
	}
	inMap, err := json.Marshal(corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta, Data: map[string]string{PayloadKey: string(payload)},
	})
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.Replace(string(kept), `"data":{"release":"`, `"data":{"release":"?hunter2`, 1)
	others := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"password"},"data":{"release":"aHVudGVyMg=="}}`
	dump := `{"apiVersion":"v1","kind":"List","items":[` + strings.Join([]string{string(kept), others, string(inMap), damaged}, ",\n") + `]}`

	var want ReleaseCollector
	want.Add("Secret", meta, payload)
	want.Add("ConfigMap", meta, payload)
	var got ReleaseCollector
	r := &files.Reader{Paths: []string{files.StdinPath}, Stdin: strings.NewReader(dump), OtherObject: got.AddDocument}
	inv, err := r.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted, _ := want.Releases()
	releases, gaps := got.Releases()
	if diff := cmp.Diff(wanted, releases); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	wantGaps := []inventory.Gap{{
		What: `Helm release in Secret "web/sh.helm.release.v1.web.v3"`,
		Why:  message.Message{Text: "its data is not that of such an object; look at it with helm history and helm get manifest"}, Namespaces: []string{"web"},
	}}
	if len(gaps) == 1 {
		wantGaps[0].Position = gaps[0].Position
		if at := gaps[0].Position; at.File != "-" || at.Line != 4 {
			t.Errorf("the gap is at %v", at)
		}
	}
	if diff := cmp.Diff(wantGaps, gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]inventory.KindCount{{Kind: "ConfigMap", Count: 1}, {Kind: "Secret", Count: 3}}, inv.Skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

// Releases of Helm 2 are not decoded. Each is told once, with how many revisions it has.
func TestTiller(t *testing.T) {
	t.Parallel()
	tillers := func(name, revision string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "kube-system", Name: name + ".v" + revision, Labels: map[string]string{"OWNER": "TILLER", "NAME": name, "VERSION": revision}}
	}
	var c ReleaseCollector
	c.Add("ConfigMap", tillers("shop", "1"), []byte("H4sIAAAA"))
	c.Add("ConfigMap", tillers("shop", "2"), nil)
	for _, kind := range []string{"Secret", "ConfigMap"} {
		data, err := json.Marshal(map[string]any{"metadata": tillers("blog", "7"), "data": map[string]string{"release": "eA=="}})
		if err != nil {
			t.Fatal(err)
		}
		c.AddDocument("v1", kind, data, pspparse.Position{File: "dump.json", Line: 3})
	}
	releases, gaps := c.Releases()
	gap := func(what string) inventory.Gap {
		return inventory.Gap{
			What: what, Namespaces: []string{inventory.AllNamespaces},
			Why: message.Message{Text: "releases of Helm 2 are not decoded, and this one may hold a PodSecurityPolicy; move it to Helm 3 (helm 2to3 convert), or delete these objects if nobody uses Helm 2 any more"},
		}
	}
	want := []inventory.Gap{
		gap(`Helm 2 release "blog" in ConfigMaps of "kube-system" (1 revision)`),
		gap(`Helm 2 release "blog" in Secrets of "kube-system" (1 revision)`),
		gap(`Helm 2 release "shop" in ConfigMaps of "kube-system" (2 revisions)`),
	}
	if diff := cmp.Diff(want, gaps, messageText()); diff != "" || len(releases) != 0 {
		t.Errorf("%d releases; gaps (-want +got):\n%s", len(releases), diff)
	}
}
