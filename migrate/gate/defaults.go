package gate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// The managed services whose API servers take no configuration file from their users.
const (
	serviceEKS = "EKS"
	serviceGKE = "GKE"
	serviceAKS = "AKS"
)

// managedService returns, for the gate's advice, the managed service (GKE, EKS, ...) that runs the control plane, by
// the server's version and its policies; "" if that is not known. AKS leaves no mark.
func (j *upgradeCheck) managedService() string {
	version := j.plan.Source.ServerVersion
	for _, p := range j.plan.Policies {
		switch {
		case strings.HasPrefix(p.Name, "eks.") && p.ProviderDefault:
			return serviceEKS
		case strings.HasPrefix(p.Name, "gce.") && p.ProviderDefault:
			return serviceGKE
		}
	}
	switch {
	case strings.Contains(version, "-eks-"):
		return serviceEKS
	case strings.Contains(version, "-gke."):
		return serviceGKE
	}
	return ""
}

// newNamespaceWriters describes, for the gate, the objects of this cluster that label new namespaces.
func (j *upgradeCheck) newNamespaceWriters() []string {
	var parts []string
	for i := range j.plan.LabelWriters {
		if w := &j.plan.LabelWriters[i]; w.OtherCluster == "" {
			parts = append(parts, w.Object+" "+migrate.NewNamespaceLabelsText(w))
		}
	}
	return parts
}

// checkNewNamespaces adds an unknown to the gate's Result unless the admission configuration is known to give
// namespaces without labels a level.
func (j *upgradeCheck) checkNewNamespaces() {
	if a := j.plan.Admission; a != nil {
		j.checkExemptControllers(a)
		if a.Defaults.Enforce != string(api.LevelPrivileged) {
			return
		}
	}
	j.addUnknown(Unknown{
		Message: message.New("new-namespaces", "configured", j.plan.Admission != nil, "writers", j.newNamespaceWriters()),
		Order:   orderNewNamespaces, Assert: AssertNewNamespacesLabelled, Advice: Advice{j.defaultLevelAdvice()},
	})
}

// defaultLevelAdvice returns the gate's advice on how new namespaces get a level. An admission configuration that API
// servers have already is named, not replaced.
func (j *upgradeCheck) defaultLevelAdvice() message.Message {
	if service := j.managedService(); service != "" {
		return message.New("default-level-of-service", "service", service)
	}
	files := j.result.ExistingConfig.Files
	switch {
	case j.plan.Admission != nil:
		return message.New("default-level-in-given-config", "tool", j.tool)
	case len(files) > 0:
		return message.New("default-level-in-config-on-host", "tool", j.tool, "files", files)
	}
	return message.New("default-level-in-new-config", "tool", j.tool)
}

// existingAdmissionConfig returns, for the gate, what is known of the admission configuration that API servers have.
func existingAdmissionConfig(p *migrate.Plan) ExistingAdmissionConfig {
	e := ExistingAdmissionConfig{Admission: p.Admission}
	for i := range p.APIServers {
		if file := p.APIServers[i].Flags[inventory.FlagAdmissionConfigFile]; file != "" {
			e.Files = append(e.Files, strconv.QuoteToASCII(file))
		}
	}
	slices.Sort(e.Files)
	e.Files = slices.Compact(e.Files)
	return e
}

// checkExemptControllers adds a reason against the upgrade if the admission configuration exempts users that create the
// pods of all namespaces.
func (j *upgradeCheck) checkExemptControllers(a *migrate.Admission) {
	users := a.ExemptControllers()
	if len(users) == 0 {
		return
	}
	var objects []message.Message
	for _, user := range users {
		objects = append(objects, message.New("object-user", "user", user))
	}
	j.addReason(Reason{
		Message: message.New("controllers-exempt"), Order: orderNewNamespaces, Objects: objects,
		Advice: Advice{message.New("take-controllers-out")},
	})
}

// podSecurityDefaults are the defaults of the PodSecurityConfiguration that the gate proposes, as it is written.
type podSecurityDefaults struct {
	Enforce        string `json:"enforce"`
	EnforceVersion string `json:"enforce-version"`
	Audit          string `json:"audit"`
	AuditVersion   string `json:"audit-version"`
	Warn           string `json:"warn"`
	WarnVersion    string `json:"warn-version"`
}

// podSecurityExemptions are the exemptions of the PodSecurityConfiguration that the gate proposes, as it is written.
type podSecurityExemptions struct {
	Usernames      []string `json:"usernames"`
	RuntimeClasses []string `json:"runtimeClasses"`
	Namespaces     []string `json:"namespaces"`
}

// WriteAdmissionConfig writes, for a gate's Result, the file for --admission-control-config-file that gives namespaces
// without labels a level: baseline enforced, restricted for audit and warn. It keeps what is stricter in a
// configuration that was given, and all its exemptions. It returns errors of writing. Every release to upgrade to reads
// v1; v1.23 and v1.24 read v1beta1.
func WriteAdmissionConfig(w io.Writer, r *Result) error {
	type configuration struct {
		APIVersion string                `json:"apiVersion"`
		Kind       string                `json:"kind"`
		Defaults   podSecurityDefaults   `json:"defaults"`
		Exemptions podSecurityExemptions `json:"exemptions"`
	}
	type plugin struct {
		Name          string        `json:"name"`
		Configuration configuration `json:"configuration"`
	}
	type admission struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Plugins    []plugin `json:"plugins"`
	}
	set, exempt, remarks := r.admissionConfig()
	var b bytes.Buffer
	for _, remark := range remarks {
		writeComment(&b, "%s", remark)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the admission configuration: %w", err)
	}
	return manifest.WriteYAML(w, admission{
		APIVersion: "apiserver.config.k8s.io/v1", Kind: "AdmissionConfiguration",
		Plugins: []plugin{{Name: "PodSecurity", Configuration: configuration{
			APIVersion: "pod-security.admission.config.k8s.io/v1", Kind: "PodSecurityConfiguration", Defaults: set, Exemptions: exempt,
		}}},
	})
}

// admissionConfig returns the defaults and exemptions of the PodSecurityConfiguration that the gate writes, and
// comments about them.
func (r *Result) admissionConfig() (podSecurityDefaults, podSecurityExemptions, []string) {
	version, strict := r.TargetVersion, string(api.LevelRestricted)
	set := podSecurityDefaults{string(api.LevelBaseline), version, strict, version, strict, version}
	exempt := podSecurityExemptions{Usernames: []string{}, RuntimeClasses: []string{}, Namespaces: []string{metav1.NamespaceSystem}}
	given := r.ExistingConfig.Admission
	if given == nil {
		if len(r.ExistingConfig.Files) == 0 {
			return set, exempt, nil
		}
		return set, exempt, []string{
			"API servers have an admission configuration already: " + phrases.JoinFirst(r.ExistingConfig.Files, 3) + ". What it says is not known here, and may be stricter than this.",
			"Take that file from the host and give it with --admission-config: then what it exempts is kept here, and what is stricter in it.",
		}
	}
	some := func(names []string) []string { return append([]string{}, names...) } // an empty list is no null
	exempt = podSecurityExemptions{some(given.Usernames), some(given.RuntimeClasses), some(given.Namespaces)}
	kept := []string{}
	keep := func(mode string, level, at *string, givenLevel, givenVersion string) {
		if isStricterLevel(givenLevel, givenVersion, *level, *at) {
			*level, *at = givenLevel, givenVersion
			kept = append(kept, mode+"="+givenLevel+" at "+givenVersion)
		}
	}
	keep("enforce", &set.Enforce, &set.EnforceVersion, given.Defaults.Enforce, given.Defaults.EnforceVersion)
	keep("audit", &set.Audit, &set.AuditVersion, given.Defaults.Audit, given.Defaults.AuditVersion)
	keep("warn", &set.Warn, &set.WarnVersion, given.Defaults.Warn, given.Defaults.WarnVersion)
	remarks := []string{"Kept of the configuration that was given, since it is no looser than what is set here: " + cmp.Or(strings.Join(kept, ", "), "no default") + "."}
	if names := exempt.describe(); len(names) > 0 {
		remarks = append(remarks, "Kept of it, too, are all exemptions: "+phrases.JoinFirst(names, 10)+". Take out those that are not needed.")
	}
	if given.Defaults.Enforce == string(api.LevelPrivileged) && !slices.Contains(exempt.Namespaces, metav1.NamespaceSystem) {
		exempt.Namespaces = append(exempt.Namespaces, metav1.NamespaceSystem)
		remarks = append(remarks, "Added: the exemption of "+metav1.NamespaceSystem+", in which the given configuration enforces nothing by default.")
	}
	return set, exempt, append(remarks, "If the given file configures other plugins, keep those: they are not repeated here.")
}

// describe returns all exemptions of the PodSecurityConfiguration that the gate proposes, each with its kind.
func (e *podSecurityExemptions) describe() []string {
	var out []string
	for _, of := range []struct {
		what  string
		names []string
	}{{"user", e.Usernames}, {"runtime class", e.RuntimeClasses}, {"namespace", e.Namespaces}} {
		for _, name := range of.names {
			out = append(out, of.what+" "+name)
		}
	}
	return out
}

// isStricterLevel reports, for the gate, whether a default level at a version is no looser than another: at the same
// level, the newer version is stricter. It returns false for what is no level or version.
func isStricterLevel(level, version, than, at string) bool {
	a, errA := api.ParseLevel(level)
	b, errB := api.ParseLevel(than)
	v, errV := api.ParseVersion(version)
	w, errW := api.ParseVersion(at)
	if errors.Join(errA, errB, errV, errW) != nil {
		return false
	}
	if order := api.CompareLevels(a, b); order != 0 {
		return order > 0
	}
	return !v.Older(w)
}
