package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// redactorForTest returns a redactor that knows the names of a small cluster.
func redactorForTest() *redactor {
	r := newRedactor(NewKey(bytes.Repeat([]byte{5}, SecretSize)))
	r.name(prefixNamespace, "shop")
	r.name(prefixNamespace, "policy")
	r.name(prefixContainer, "cart")
	r.workload("web")
	r.file("dump/all pods.yaml")
	r.group("Domain Admins")
	r.collecting = false
	r.setAwkward()
	return r
}

// Sentences of ours, of Kubernetes and of Go: names go, words stay, and all comes back.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, want string
	}{
		{`container "cart" must not set securityContext.privileged=true`, `container "container-*" must not set securityContext.privileged=true`},
		{`containers "cart", "x-1" must set securityContext.capabilities.drop=["ALL"]; volume "cart" uses restricted volume type "hostPath"`, `containers "container-*", "container-*" must set securityContext.capabilities.drop=["ALL"]; volume "volume-*" uses restricted volume type "hostPath"`},
		{`host namespaces (hostNetwork=true, hostPID=true)`, `host namespaces (hostNetwork=true, hostPID=true)`},
		{`annotation "container.apparmor.security.beta.kubernetes.io/cart"="localhost/acme"`, `annotation "container.apparmor.security.beta.kubernetes.io/container-*"="localhost/profile-*"`},
		{`spec.volumes[0].hostPath.pathPrefix: Invalid value: "/srv/acme": is not allowed to be used`, `spec.volumes[0].hostPath.pathPrefix: Invalid value: "/path-*/path-*": is not allowed to be used`},
		{`pods is forbidden: User "jane@acme.example" cannot list resource "pods" in API group "" at the cluster scope`, `pods is forbidden: User "user-*" cannot list resource "pods" in API group "" at the cluster scope`},
		{`Get "https://10.1.2.3:6443/api": dial tcp 10.1.2.3:6443: connect: connection refused`, ``},
		{`lookup api.acme.example on 10.0.0.2:53: no such host`, ``},
		{`x509: certificate is valid for kubernetes, kubernetes.default, 10.96.0.1, not api.acme.example`, ``},
		{`the policy shop in dump/all pods.yaml:12 is of Domain Admins`, `the policy ns-* in file-*.yaml:12 is of group-*`},
		{`Deployment "shop/web"`, `Deployment "ns-*/workload-*"`},
		{`ClusterPolicy "acme" (rule "acme-ro")`, ``},
		{`annotation acme.example/inject=yes-please of the namespace`, ``},
		{`label istio-injection=enabled of the namespace`, `label istio-injection=enabled of the namespace`},
		{`subject User "system:serviceaccount:shop:acme" is the name of an account`, ``},
		{`name "ac\"me\n" is not valid`, ``},
		{`Acme's größte 10.1.2.0/24 fe80::1 [::1]:443`, ``},
	} {
		r := redactorForTest()
		got := r.text(test.text)
		masked := regexp.MustCompile(`([a-z]+[-.])[0-9bcdfghjkmnpqrstvwxyz]{8,}`).ReplaceAllString(got, "$1*")
		if test.want != "" && masked != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.text, masked, test.want)
		}
		for _, secret := range []string{"acme", "cart", "shop", "jane", "10.1.2", "10.0.0.2", "10.96", "größte", "fe80", "all pods", "Domain"} {
			if strings.Contains(strings.ToLower(got), strings.ToLower(secret)) {
				t.Errorf("%s\n got %s, with %q", test.text, got, secret)
			}
		}
		if back := r.key.RestoreText(got); back != test.text {
			t.Errorf("%s\n comes back as %s", test.text, back)
		}
	}
}

// What a restored file says to a shell, a browser or a terminal is what the redacted one said.
func TestRestoredFilesAreEscaped(t *testing.T) {
	t.Parallel()
	k := NewKey(bytes.Repeat([]byte{5}, SecretSize))
	evil, shop := k.pseudonym(prefixText, "<b>'; rm -rf \"$HOME\"\n\x1b[31m"), k.pseudonym(prefixNamespace, "shop")
	user, formula, quoted := k.pseudonym(prefixUser, `CN=Jane "J" Doe,O=ops|a`), k.pseudonym(prefixUser, "=1"), k.pseudonym(prefixUser, "a`b")
	for _, test := range []struct {
		name, text, want string
		left             int
	}{
		{"text", evil + " in " + shop, `<b>'; rm -rf "$HOME"\n\x1b[31m in shop`, 0},
		{"script", "#!/bin/sh\nkubectl label ns " + shop + " # " + evil + "\n", "#!/bin/sh\nkubectl label ns shop # " + evil + "\n", 1},
		{"JSON", `{"a":"` + evil + `"}`, `{"a":"\u003cb\u003e'; rm -rf \"$HOME\"\n\u001b[31m"}`, 0},
		{"page", "<!DOCTYPE html><p>" + evil + `</p><script type="application/json">"` + evil + `"</script>`, "<!DOCTYPE html><p>&lt;b&gt;&#39;; rm -rf &#34;$HOME&#34;\\n\\x1b[31m</p>" + `<script type="application/json">"\u003cb\u003e'; rm -rf \"$HOME\"\n\u001b[31m"</script>`, 0},
		{"table of values", "about,at\n" + user + "," + formula + "\n\"x; " + formula + "\"," + shop + ".csv\n", "about,at\n\"CN=Jane \"\"J\"\" Doe,O=ops|a\",'=1\nx; '=1,shop.csv\n", 0},
		{"no table of values", "about,at\n" + shop + "\n", "about,at\nshop\n", 0},
		{
			"Markdown", "# Title\n\n## Part\n\n| `user " + user + "` | " + user + " |\n\n- " + user + ", " + shop + " " + quoted + "\n<summary><code>" + user + "</code></summary>\n```\n" + user + "\n```\n",
			"# Title\n\n## Part\n\n| `user CN=Jane \"J\" Doe,O=ops\\|a` | `CN=Jane \"J\" Doe,O=ops\\|a` |\n\n- `CN=Jane \"J\" Doe,O=ops|a`, shop " + quoted + "\n<summary><code>CN=Jane &#34;J&#34; Doe,O=ops|a</code></summary>\n```\nCN=Jane \"J\" Doe,O=ops|a\n```\n", 1,
		},
		{"packed page", "<!DOCTYPE html><script type=\"application/gzip\">" + packed(`["`+user+`"]`) + "</script>", "<!DOCTYPE html><script type=\"application/gzip\">" + packed(`["CN=Jane \"J\" Doe,O=ops|a"]`) + "</script>", 0},
		{"foreign", "ns-bbbbbbbb and " + shop + "x", "ns-bbbbbbbb and shopx", 0},
	} {
		got, left := k.RestoreFormatted(test.text)
		if got != test.want || left != test.left {
			t.Errorf("%s:\n got %s, %d left\nwant %s, %d", test.name, got, left, test.want, test.left)
		}
	}
}

// packed returns a text as a page of a report has it where it is large.
func packed(text string) string {
	var out bytes.Buffer
	encoded := base64.NewEncoder(base64.StdEncoding, &out)
	zipped := gzip.NewWriter(encoded)
	_, _ = zipped.Write([]byte(text))
	_, _ = zipped.Close(), encoded.Close()
	return out.String()
}

// A name that stays is an error that names the field, and not the name.
func TestLeakIsAnError(t *testing.T) {
	t.Parallel()
	r := redactorForTest()
	f := &leakFinder{sought: map[string]string{"acme": "ns-1"}, arguments: r.arguments}
	for _, content := range []string{"acme", "x/acme", `"acme"`, "key=acme", "(acme)."} {
		if f.look(text, "migrate.Gap", content); f.found == nil || f.found.Field != "migrate.Gap" || strings.Contains(f.found.Error(), "acme") {
			t.Errorf("%s: %v", content, f.found)
		}
		f.found = nil
	}
	for _, content := range []string{"acme-2", "system:acme", "kubernetes.io/acme", "my.acme"} {
		if f.look(text, "migrate.Gap", content); f.found != nil {
			t.Errorf("%s: %v", content, f.found)
		}
	}
	if f.look(word, "migrate.Gap", "acme"); f.found != nil {
		t.Errorf("a fixed word: %v", f.found)
	}
}
