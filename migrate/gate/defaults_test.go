package gate_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/admissionconfig"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What is printed is no looser than what was given, keeps its exemptions, and says so.
func TestAdmissionConfigKeepsWhatWasGiven(t *testing.T) {
	t.Parallel()
	given := func(enforce, version string) *migrate.Admission {
		return &migrate.Admission{Defaults: migrate.PodSecurityLabels{Enforce: enforce, EnforceVersion: version, Audit: "baseline", AuditVersion: "latest", Warn: "restricted", WarnVersion: "v1.30"}}
	}
	strict := given("restricted", "latest")
	strict.Usernames, strict.RuntimeClasses, strict.Namespaces = []string{"ann\nb: c"}, []string{"kata"}, []string{"ops"}
	const last = "# If the given file configures other plugins, keep those: they are not repeated here.\n"
	const keptWarn = "warn=restricted at v1.30.\n"
	const keeps = "# Kept of the configuration that was given, since it is no looser than what is set here: "
	const unknown = "# API servers have an admission configuration already: \"/etc/psa.yaml\". What it says is not known here, and may be stricter than this.\n" +
		"# Take that file from the host and give it with --admission-config: then what it exempts is kept here, and what is stricter in it.\n"
	base := migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25", Audit: "restricted", AuditVersion: "v1.25", Warn: "restricted", WarnVersion: "v1.30"}
	of := func(enforce, version string) migrate.PodSecurityLabels {
		l := base
		l.Enforce, l.EnforceVersion = enforce, version
		return l
	}
	none := base
	none.WarnVersion = "v1.25"
	tests := []struct {
		name     string
		existing gate.ExistingAdmissionConfig
		want     migrate.PodSecurityLabels
		exempt   []string // users, runtime classes, namespaces
		remarks  string
	}{
		{name: "nothing", want: none, exempt: []string{"", "", "kube-system"}},
		{name: "a file that was not read", existing: gate.ExistingAdmissionConfig{Files: []string{`"/etc/psa.yaml"`}}, want: none, exempt: []string{"", "", "kube-system"}, remarks: unknown},
		{
			name: "a stricter default, with exemptions", existing: gate.ExistingAdmissionConfig{Admission: strict, Files: []string{`"/etc/psa.yaml"`}}, want: of("restricted", "latest"), exempt: []string{"ann\nb: c", "kata", "ops"},
			remarks: keeps + "enforce=restricted at latest, " + keptWarn +
				"# Kept of it, too, are all exemptions: user ann\\nb: c, runtime class kata, namespace ops. Take out those that are not needed.\n" + last,
		},
		{name: "the same, at an older version", existing: gate.ExistingAdmissionConfig{Admission: given("baseline", "v1.24")}, want: base, exempt: []string{"", "", ""}, remarks: keeps + keptWarn + last},
		{name: "the same, at a newer version", existing: gate.ExistingAdmissionConfig{Admission: given("baseline", "v1.29")}, want: of("baseline", "v1.29"), exempt: []string{"", "", ""}, remarks: keeps + "enforce=baseline at v1.29, " + keptWarn + last},
		{
			name: "none that is enforced", existing: gate.ExistingAdmissionConfig{Admission: given("privileged", "latest")}, want: base, exempt: []string{"", "", "kube-system"},
			remarks: keeps + keptWarn + "# Added: the exemption of kube-system, in which the given configuration enforces nothing by default.\n" + last,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := gate.WriteAdmissionConfig(&b, &gate.Result{TargetVersion: "v1.25", ExistingConfig: tt.existing}); err != nil {
				t.Fatal(err)
			}
			at := strings.Index(b.String(), "apiVersion: apiserver")
			if strings.Contains(b.String(), "null") {
				t.Errorf("a list is null:\n%s", b.String())
			}
			if diff := cmp.Diff(tt.remarks, b.String()[:max(at, 0)]); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
			c, err := admissionconfig.Read(func(string) (io.ReadCloser, error) { return io.NopCloser(&b), nil }, "printed")
			if err != nil {
				t.Fatalf("no API server would read what is printed: %v", err)
			}
			got := migrate.PodSecurityLabels{
				Enforce: c.Defaults.Enforce, EnforceVersion: c.Defaults.EnforceVersion, Audit: c.Defaults.Audit, AuditVersion: c.Defaults.AuditVersion,
				Warn: c.Defaults.Warn, WarnVersion: c.Defaults.WarnVersion,
			}
			exempt := []string{strings.Join(c.Exemptions.Usernames, ","), strings.Join(c.Exemptions.RuntimeClasses, ","), strings.Join(c.Exemptions.Namespaces, ",")}
			if diff := cmp.Diff([]any{tt.want, tt.exempt}, []any{got, exempt}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The way to a default names the configuration that API servers have, and none to be put in its place.
func TestNewNamespacesWithAConfiguration(t *testing.T) {
	t.Parallel()
	const end = "'psp2pss gate -o admission-config --admission-config=FILE' prints it with one, and keeps its exemptions"
	server := inventory.APIServer{Pod: "kube-apiserver-a", Flags: map[string]string{inventory.FlagAdmissionConfigFile: "/etc/psa.yaml"}}
	privileged := &migrate.Admission{Defaults: migrate.PodSecurityLabels{Enforce: "privileged"}}
	tests := []struct {
		name      string
		admission *migrate.Admission
		servers   []inventory.APIServer
		want      string
	}{
		{name: "none", want: "label them where they are made, or give every API server the admission configuration that 'psp2pss gate -o admission-config' prints"},
		{
			name: "one on the host", servers: []inventory.APIServer{server, server},
			want: `label them where they are made, or set a default in the admission configuration that API servers have already ("/etc/psa.yaml"): take that file from the host, and ` + end,
		},
		{
			name: "one that is given", servers: []inventory.APIServer{server}, admission: privileged,
			want: "label them where they are made, or set a stricter default in the admission configuration that is given here: " + end,
		},
	}
	for _, tt := range tests {
		p := &migrate.Plan{TargetVersion: "v1.25", Admission: tt.admission, APIServers: tt.servers, Source: inventory.Source{Kind: inventory.SourceCluster, ServerVersion: "v1.24.1"}}
		var got []string
		for _, u := range gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)}).Unknown {
			if u.ID == "new-namespaces" {
				got = append(got, u.Advice.String())
			}
		}
		if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
