package admissionconfig_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	admissionapi "k8s.io/pod-security-admission/admission/api"

	"github.com/psp2pss/psp2pss/pspparse/admissionconfig"
)

const inner = `apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults:
  enforce: baseline
  warn: restricted
  warn-version: v1.25
exemptions:
  usernames: [ann]
  namespaces: [kube-system]
  runtimeClasses: [kata]
`

const rancher = `apiVersion: management.cattle.io/v3
kind: PodSecurityAdmissionConfigurationTemplate
metadata: {name: cis}
description: for hardened clusters
configuration:
  defaults:
    enforce: baseline
    enforce-version: ""
    warn: restricted
    warn-version: v1.25
  exemptions:
    usernames: [ann]
    namespaces: [kube-system]
    runtimeClasses: [kata]
`

// list is what kubectl writes of several objects.
func list(objects ...string) string {
	text := "apiVersion: v1\nkind: List\nitems:"
	if len(objects) == 0 {
		return text + " []\n"
	}
	for _, o := range objects {
		text += "\n- " + strings.ReplaceAll(strings.TrimSpace(o), "\n", "\n  ")
	}
	return text + "\n"
}

func outer(indented string) string {
	return "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: EventRateLimit\n  path: no.yaml\n- name: PodSecurity\n  configuration:\n" + indented
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ") + "\n"
}

func read(files fstest.MapFS, name string) (*admissionapi.PodSecurityConfiguration, error) {
	return admissionconfig.Read(func(name string) (io.ReadCloser, error) { return files.Open(name) }, name)
}

func config(defaults admissionapi.PodSecurityDefaults, e admissionapi.PodSecurityExemptions) *admissionapi.PodSecurityConfiguration {
	return &admissionapi.PodSecurityConfiguration{Defaults: defaults, Exemptions: e}
}

func TestRead(t *testing.T) {
	t.Parallel()
	full := config(
		admissionapi.PodSecurityDefaults{Enforce: "baseline", EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "restricted", WarnVersion: "v1.25"},
		admissionapi.PodSecurityExemptions{Usernames: []string{"ann"}, Namespaces: []string{"kube-system"}, RuntimeClasses: []string{"kata"}},
	)
	builtIn := config(admissionapi.PodSecurityDefaults{Enforce: "privileged", EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "privileged", WarnVersion: "latest"}, admissionapi.PodSecurityExemptions{})
	tests := []struct {
		name, text string
		want       *admissionapi.PodSecurityConfiguration
		err        string
	}{
		{name: "alone", text: inner, want: full},
		{name: "of v1.22", text: strings.Replace(inner, "io/v1", "io/v1alpha1", 1), want: full},
		{name: "of v1.24", text: strings.Replace(inner, "io/v1", "io/v1beta1", 1), want: full},
		{name: "within", text: outer(indent(inner)), want: full},
		{name: "in another file", text: "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{name: PodSecurity, path: inner.yaml}]\n", want: full},
		{name: "as JSON", text: `{"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration"}`, want: builtIn},
		{name: "of Rancher", text: rancher, want: full},
		{name: "of Rancher, in a list", text: list(rancher), want: full},
		{name: "of Rancher, as JSON", text: `{"apiVersion":"management.cattle.io/v3","kind":"PodSecurityAdmissionConfigurationTemplate","metadata":{"name":"a"},"configuration":{"defaults":{"enforce":""}}}`, want: builtIn},
		{name: "of Rancher, several", text: list(rancher, strings.Replace(rancher, "cis", "open", 1)), err: `reading the admission configuration: in.yaml:1: it is a list of 2 objects ("cis", "open"): give a file with the one that this cluster uses`},
		{name: "of Rancher, none", text: list(), err: `reading the admission configuration: in.yaml:1: it is a list of 0 objects (): give a file with the one that this cluster uses`},
		{name: "of Rancher, an unknown field", text: strings.Replace(rancher, "enforce:", "enforced:", 1), err: `reading the admission configuration: in.yaml:6: strict decoding error: unknown field "defaults.enforced"`},
		{name: "of Rancher, a wrong level", text: strings.Replace(rancher, "baseline", "Baseline", 1), err: `reading the admission configuration: in.yaml:7: defaults.enforce: Invalid value: "Baseline": must be one of privileged, baseline, restricted`},
		{name: "of Rancher, another group", text: strings.Replace(rancher, "management", "provisioning", 1), err: `reading the admission configuration: in.yaml:1: apiVersion "provisioning.cattle.io/v3" has no kind PodSecurityAdmissionConfigurationTemplate: management.cattle.io/v3 has`},
		{name: "of Rancher, without configuration", text: "apiVersion: management.cattle.io/v3\nkind: PodSecurityAdmissionConfigurationTemplate\n", err: "reading the admission configuration: in.yaml:1: the template has no configuration"},
		{name: "nothing for PodSecurity", text: "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n", want: builtIn},
		{name: "an unknown field", text: outer(indent(strings.Replace(inner, "enforce:", "enforced:", 1))), err: `reading the admission configuration: in.yaml:8: strict decoding error: unknown field "defaults.enforced"`},
		{name: "a wrong level", text: outer(indent(strings.Replace(inner, "baseline", "Baseline", 1))), err: `reading the admission configuration: in.yaml:11: defaults.enforce: Invalid value: "Baseline": must be one of privileged, baseline, restricted`},
		{name: "a name twice", text: strings.Replace(inner, "[ann]", "\n  - ann\n  - ann", 1), err: `reading the admission configuration: in.yaml:10: exemptions.usernames[1]: Duplicate value: "ann"`},
		{name: "another kind", text: "apiVersion: v1\nkind: Pod\n", err: `reading the admission configuration: in.yaml:1: it is of kind "Pod", apiVersion "v1": want AdmissionConfiguration, PodSecurityConfiguration of pod-security.admission.config.k8s.io/v1, pod-security.admission.config.k8s.io/v1beta1, pod-security.admission.config.k8s.io/v1alpha1, or Rancher's PodSecurityAdmissionConfigurationTemplate`},
		{name: "another group", text: "apiVersion: v1\nkind: AdmissionConfiguration\n", err: `reading the admission configuration: in.yaml:1: apiVersion "v1" has no kind AdmissionConfiguration: apiserver.config.k8s.io/v1 has`},
		{name: "a file that is not there", text: "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{name: PodSecurity, path: gone.yaml}]\n", err: "reading what in.yaml names for PodSecurity: reading the admission configuration \"gone.yaml\": there is no such file or folder; check the path; take that file from the API server's host too, or give it alone"},
		{name: "empty", text: "", err: `reading the admission configuration "in.yaml": it is empty`},
		{name: "two documents", text: inner + "---\n" + inner, err: `reading the admission configuration "in.yaml": it holds more than one document`},
		{name: "aliases", text: "a: &a [x]\nb: *a\n", err: "reading the admission configuration: in.yaml:1: anchors and aliases are not read here: write the values out"},
		{name: "too long", text: strings.Repeat("# more\n", admissionconfig.MaxFileBytes/7+1), err: `reading the admission configuration "in.yaml": it has more than 1048576 bytes`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := read(fstest.MapFS{"in.yaml": {Data: []byte(tt.text)}, "inner.yaml": {Data: []byte(inner)}}, "in.yaml")
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != tt.err {
				t.Fatalf("error %q\nwant  %q", message, tt.err)
			}
			if err != nil {
				return
			}
			got.TypeMeta = tt.want.TypeMeta
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := read(nil, "gone.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Nothing that a file holds may crash, and what was taken is valid.
func FuzzRead(f *testing.F) {
	f.Add(inner)
	f.Add(outer(indent(inner)))
	f.Add(rancher)
	f.Add(list(rancher))
	f.Add("plugins: [{name: PodSecurity, configuration: {kind: X}}]\nkind: AdmissionConfiguration\napiVersion: apiserver.config.k8s.io/v1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(fstest.MapFS{"in.yaml": {Data: []byte(text)}}, "in.yaml")
		if err == nil && (c == nil || c.Defaults.Enforce == "") {
			t.Errorf("no error, and %+v", c)
		}
	})
}
