package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	service  = "---\n# Source: web/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: web # é <&>\n"
	policy   = "---\n# Source: web/templates/psp.yaml\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata:\n  name: web\nspec: {privileged: false}\n"
	old      = "---\napiVersion: extensions/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: old}\n"
	role     = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: use, namespace: web}\nrules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}]\n"
	wide     = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\nrules:\n- {apiGroups: [policy], resources: [podsecuritypolicies], verbs: ['*']}\n- {apiGroups: [''], resources: [pods], verbs: [get]}\n"
	binding  = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: use, namespace: web}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: use}\nsubjects: []\n"
	another  = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: wide}\nroleRef: {kind: ClusterRole, name: wide}\n"
	pdb      = "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n# no PodSecurityPolicy\n"
	secret   = "hunter2"
	unread   = "---\nkind: PodSecurityPolicy\n  hunter2: [\n"
	foreign  = "---\napiVersion: policies.example.com/v1\nkind: PodSecurityPolicy\nmetadata: {name: mine}\nrules: what\n"
	policies = "---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicyList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n"
	mixed    = "---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- {apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: b}}\n"
	inJSON   = "---\n{\"apiVersion\": \"policy/v1beta1\", \"kind\": \"Pod\\u0053ecurityPolicy\", \"metadata\": {\"name\": \"json\"}}\n"
)

// release is the JSON of one, with fields that are not read.
func release(manifest string, hooks string) []byte {
	text, err := json.Marshal(manifest)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"name":"web","info":{"first_deployed":"2022-01-01T00:00:00Z","status":"deployed","notes":"%[3]s"},`+
		`"chart":{"metadata":{"name":"web-chart","version":"1.2.3","x":1e400},"values":{"password":"%[3]s"},"files":[]}, "config" : {"password":"%[3]s"},`+
		`"manifest":%[1]s,"hooks":%[2]s,"version":3,"namespace":"web","apply_method":"ssa","later":{"b":1,"a":[1.50]}}`, text, hooks, secret)
}

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	payload, err := encodePayload(data)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func hookOf(t testing.TB, manifest string, events ...string) string {
	t.Helper()
	h, err := json.Marshal(map[string]any{"name": "h", "kind": "?", "manifest": manifest, "events": events, "weight": 7})
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	psp := func(name string, at int) Document {
		return Document{APIVersion: "policy/v1beta1", Kind: "PodSecurityPolicy", Name: name, At: at}
	}
	rbac := func(kind, ns, name string, at int, only bool) Document {
		return Document{APIVersion: "rbac.authorization.k8s.io/v1", Kind: kind, Namespace: ns, Name: name, At: at, OnlyPolicies: only}
	}
	hooked := psp("web", 2)
	hooked.Hook, hooked.Events = true, []string{"pre-install", "pre-rollback"}
	tests := []struct {
		name, manifest, hooks string
		want                  Release
	}{
		{
			name: "nothing of policies", manifest: service + pdb + foreign, hooks: "null",
			want: Release{Removed: []Document{{APIVersion: "policy/v1beta1", Kind: "PodDisruptionBudget", Name: "web", At: 2, RemovedIn: 25}}},
		},
		{name: "no manifest", hooks: "[]"},
		{
			name: "policies", manifest: service + policy + old + inJSON, hooks: "null",
			want: Release{Policies: []Document{psp("web", 2), {APIVersion: "extensions/v1beta1", Kind: "PodSecurityPolicy", Name: "old", At: 3}, psp("json", 4)}},
		},
		{
			name: "roles and their bindings, before them and after", manifest: binding + role + wide + another, hooks: "null",
			want: Release{Grants: []Document{rbac("Role", "web", "use", 2, true), rbac("ClusterRole", "", "wide", 3, false), rbac("RoleBinding", "web", "use", 1, true)}},
		},
		{
			name: "hooks", manifest: service, hooks: "[" + hookOf(t, service, "test") + "," + hookOf(t, policy, hooked.Events...) + "]",
			want: Release{Policies: []Document{hooked}},
		},
		{
			name: "lists", manifest: policies + mixed, hooks: "null",
			want: Release{Policies: []Document{psp("a", 1), psp("b", 1), psp("b", 2)}},
		},
		{name: "unreadable", manifest: service + unread, hooks: "null", want: Release{Unreadable: []Document{{At: 2}}}},
		{name: "separators with words", manifest: "--- # first\n" + strings.TrimPrefix(policy, "---\n"), hooks: "null", want: Release{Policies: []Document{psp("web", 1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.Namespace, tt.want.Name, tt.want.Revision = "web", "web", 3
			tt.want.Status, tt.want.Chart, tt.want.ChartVersion = "deployed", "web-chart", "1.2.3"
			for how, payload := range map[string][]byte{
				"gzip":  packed(t, release(tt.manifest, tt.hooks)),
				"plain": base64.StdEncoding.AppendEncode(nil, release(tt.manifest, tt.hooks)),
			} {
				got, err := DecodeRelease(payload)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// What cannot be read is told by one of a few fixed sentences, never by what it holds.
func TestBrokenPayloads(t *testing.T) {
	t.Parallel()
	whole := packed(t, release(policy, "null"))
	cut, err := base64.StdEncoding.DecodeString(string(whole))
	if err != nil {
		t.Fatal(err)
	}
	b64 := func(s string) []byte { return base64.StdEncoding.AppendEncode(nil, []byte(s)) }
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range maxInflated/(1<<20) + 1 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		payload []byte
		want    error
	}{
		{"too long", make([]byte, maxPayload+1), errTooLong},
		{"a bomb", b64(bomb.String()), errInflated},
		{"not base64", []byte("hunter2!"), errBase64},
		{"gzip cut", b64(string(cut[:len(cut)/2])), errGzip},
		{"gzip header cut", b64(string(cut[:5])), errGzip},
		{"gzip with a wrong sum", b64(string(cut[:len(cut)-6]) + "hunter"), errGzip},
		{"nothing", nil, errJSON},
		{"no JSON", b64("hunter2"), errJSON},
		{"JSON of another shape", b64(`{"name":"hunter2","version":"hunter2"}`), errJSON},
		{"deep JSON", b64(strings.Repeat(`{"name":`, 20_000)), errJSON},
		{"no name", b64(`{"version":1}`), errUnnamed},
		{"no revision", b64(`{"name":"hunter2"}`), errUnnamed},
	}
	for _, tt := range tests {
		if _, err := DecodeRelease(tt.payload); !errors.Is(err, tt.want) || err.Error() != tt.want.Error() {
			t.Errorf("%s: Decode says %v, want %v", tt.name, err, tt.want)
		}
		if _, err := RemovePolicies(tt.payload); !errors.Is(err, tt.want) || err.Error() != tt.want.Error() {
			t.Errorf("%s: Clean says %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, twice := range []string{`"Manifest":""`, `"HOOKS":[]`} {
		data := bytes.Replace(release(policy, "null"), []byte(`"version":3`), []byte(twice+`,"version":3`), 1)
		if strings.Contains(twice, "Manifest") { // the last one counts, for Helm too
			data = bytes.Replace(data, []byte(`"Manifest":""`), fmt.Appendf(nil, `"Manifest":%q`, policy), 1)
		}
		if _, err := RemovePolicies(packed(t, data)); !errors.Is(err, errRepeated) {
			t.Errorf("%s: Clean says %v, want %v", twice, err, errRepeated)
		}
	}
}

// A cleaned release is the old one without the policies, byte by byte.
func TestClean(t *testing.T) {
	t.Parallel()
	test, once := hookOf(t, service, "test"), hookOf(t, policy, "pre-rollback")
	tests := []struct {
		name, manifest, hooks         string
		wantManifest, wantHooks, fail string
	}{
		{name: "in the middle", manifest: service + policy + role, hooks: "null", wantManifest: service + role, wantHooks: "null"},
		{name: "at the ends", manifest: strings.TrimPrefix(policy, "---\n") + service + old, hooks: "[ ]", wantManifest: service, wantHooks: "[ ]"},
		{name: "all there is", manifest: policy + policies + inJSON, hooks: "null", wantHooks: "null"},
		{name: "other line ends", manifest: "---\r\nkind: Service\r\n" + strings.ReplaceAll(policy, "\n", "\r\n") + "---\r\nkind: X", hooks: "null", wantManifest: "---\r\nkind: Service\r\n---\r\nkind: X", wantHooks: "null"},
		{name: "hooks", manifest: service, hooks: "[" + test + " ,\n" + once + "," + test + "]", wantManifest: service, wantHooks: "[" + test + "," + test + "]"},
		{name: "unreadable documents stay", manifest: policy + unread, hooks: "[" + once + "]", wantManifest: unread, wantHooks: "[]"},
		{name: "a list of this and that", manifest: service + mixed, hooks: "null", fail: "document 2 of the manifest is a List that holds other objects beside policies: edit it by hand"},
		{name: "such a list in a hook", manifest: service, hooks: "[" + hookOf(t, mixed) + "]", fail: "hook 1 is a List that holds other objects beside policies: edit it by hand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := release(tt.manifest, tt.hooks)
			cleaned, err := RemovePolicies(packed(t, before))
			if tt.fail != "" {
				if err == nil || err.Error() != tt.fail {
					t.Fatalf("got %v, want %s", err, tt.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after, err := decodePayload(cleaned.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(release(tt.wantManifest, tt.wantHooks)), string(after)); diff != "" {
				t.Errorf("release (-want +got):\n%s", diff)
			}
			was, err := decodeReleaseJSON(before)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(was.Policies, cleaned.Removed); diff != "" || len(cleaned.Removed) == 0 {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCleanLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	payload := packed(t, release(service+role+pdb, "["+hookOf(t, service)+"]"))
	got, err := RemovePolicies(payload)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(CleanedRelease{Payload: payload}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever documents a manifest is made of, the policies go, the others stay, and cleaning again changes nothing.
func TestCleanProperties(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	documents := []string{service, policy, old, role, wide, binding, another, pdb, foreign, policies, inJSON, "---\n", "---\n# nothing\n\n"}
	goes := map[string]bool{policy: true, old: true, policies: true, inJSON: true}
	for range 500 {
		var all, kept string
		for range random.IntN(8) {
			d := documents[random.IntN(len(documents))]
			all += d
			if !goes[d] {
				kept += d
			}
		}
		cleaned, err := RemovePolicies(packed(t, release(all, "null")))
		if err != nil {
			t.Fatalf("%q: %v", all, err)
		}
		data, err := decodePayload(cleaned.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(release(kept, "null")), string(data)); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", all, diff)
		}
		again, err := RemovePolicies(cleaned.Payload)
		if err != nil || len(again.Removed) != 0 || !bytes.Equal(again.Payload, cleaned.Payload) {
			t.Fatalf("%q: cleaned again: %v, removed %v", all, err, again.Removed)
		}
	}
}

// Whatever a payload is, nothing panics, no word of it is in an error, and what was cleaned holds no policy that is known.
func FuzzClean(f *testing.F) {
	f.Add(release(service+policy+role, "["+hookOf(f, policy, "pre-rollback")+"]"))
	f.Add(release(mixed+policies+unread, "null"))
	f.Add([]byte(`{"name":"a","version":1,"manifest":"kind: &a [*a]\n---\napiVersion: policy/v1\nkind: PodSecurityPolicy"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload := base64.StdEncoding.AppendEncode(nil, data)
		cleaned, err := RemovePolicies(payload)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("an error quotes the release: %v", err)
			}
			return
		}
		after, err := DecodeRelease(cleaned.Payload)
		if err != nil {
			t.Fatalf("what was cleaned cannot be read: %v", err)
		}
		if len(after.Policies) != 0 {
			t.Errorf("cleaned, it holds %v", after.Policies)
		}
	})
}

// TestDecodeOutOfProportion: a small release must not cost much, and what is not read of it is told.
func TestDecodeOutOfProportion(t *testing.T) {
	t.Parallel()
	laughs := "kind: PodSecurityPolicy\na: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for _, name := range []string{"b", "c", "d", "e", "f"} {
		before := "*" + string(name[0]-1)
		laughs += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat(before+",", 10), ",") + "]\n"
	}
	// A policy in 60 kB, of which the aliases make 2 MB of text; and one of which they make 10 MB.
	long := "kind: PodSecurityPolicy\na: &a " + strings.Repeat("x", 50_000) + "\nb: [" + strings.Repeat("*a,", 39) + "*a]\n"
	longer := strings.Replace(long, "*a]", strings.Repeat("*a,", 160)+"*a]", 1)
	for name, test := range map[string]struct {
		manifest string
		hooks    int
		unread   int
		err      error
	}{
		"aliases":  {manifest: laughs + "---\n" + laughs, unread: 2},
		"values":   {manifest: "kind: PodSecurityPolicy\na: [" + strings.Repeat("1,", maxParsedValues) + "1]\n", unread: 1},
		"text":     {manifest: longer, unread: 1},
		"texts":    {manifest: strings.Repeat(long+"---\n", 10), unread: 3},
		"few":      {manifest: strings.Repeat(long+"---\n", 7)},
		"hooks":    {hooks: maxHooks + 1, err: errHooks},
		"no hooks": {hooks: maxHooks},
	} {
		data, err := json.Marshal(map[string]any{"name": "r", "version": 1, "manifest": test.manifest, "hooks": make([]struct{}, test.hooks)})
		if err != nil {
			t.Fatal(err)
		}
		packed, err := encodePayload(data)
		if err != nil {
			t.Fatal(err)
		}
		r, err := DecodeRelease(packed)
		if !errors.Is(err, test.err) || len(r.Unreadable) != test.unread {
			t.Errorf("%s: %d documents were not read, and the error is %v", name, len(r.Unreadable), err)
		}
	}
}

func TestFolded(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"hooks", "HooKs"}, {"hooks", "hoo\u212as"}, {"hooks", "hook"}, {"s", "\u017f"}} {
		if same := foldCase(pair[0]) == foldCase(pair[1]); same != strings.EqualFold(pair[0], pair[1]) {
			t.Errorf("%q and %q: %v", pair[0], pair[1], same)
		}
	}
}
