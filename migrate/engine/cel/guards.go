package cel

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// GuardOptions say what namespaces are guarded against.
type GuardOptions struct {
	// Level is the enforce label that new namespaces get, or have to have at least: baseline or restricted. "" asks nothing of new
	// namespaces; labels that are there are guarded all the same.
	Level api.Level
	// Version is the version label that goes with it: latest, v1.N, or "" for none.
	Version string
	// Subjects may loosen and remove the labels. Everybody who may do everything may do that, too.
	Subjects []rbacv1.Subject
	// AuditAndWarn guards the audit and warn labels, too. Without it they are free: they refuse nothing, and whoever is to fix what
	// they report may want to try a stricter one and take it back.
	AuditAndWarn bool
	// Rancher lets those loosen labels who may update them by Rancher's own webhook: by the verb updatepsa on its projects.
	Rancher bool
	// Except are the namespaces whose labels are not guarded; nil is kube-system, kube-public and kube-node-lease.
	Except []string
}

// The grant that loosening takes. The resource need not exist: RBAC compares names.
const (
	looseningGroup    = "psp2pss.dev"
	looseningResource = "podsecuritylabels"
	looseningVerb     = "loosen"
)

// The names of the guards' objects.
const (
	looseningRoleName      = "psp2pss-loosen-labels"
	labelGuardName         = "psp2pss-guard-labels"
	newNamespacesGuardName = "psp2pss-guard-new-namespaces"
)

// The releases from which on guards can be written.
const (
	validatingGuardsSince = 30 // ValidatingAdmissionPolicy v1
	mutatingGuardsSince   = 34 // MutatingAdmissionPolicy v1beta1, by flags of the API server
	mutatingGuardsAlways  = 36 // MutatingAdmissionPolicy v1
)

// Guards returns the documents that keep the labels of namespaces for the Pod Security Standards as strict as they are: a
// MutatingAdmissionPolicy that labels new namespaces, a ValidatingAdmissionPolicy that refuses looser labels on new and on
// existing ones to all but the subjects, and their grant. Where the API server has no MutatingAdmissionPolicy, new namespaces
// without the label are refused. An error names the option that makes no sense.
func Guards(g GuardOptions, o Options) (*Documents, error) {
	if g.Except == nil {
		g.Except = []string{"kube-node-lease", "kube-public", "kube-system"}
	}
	if err := checkGuardOptions(&g, o); err != nil {
		return nil, err
	}
	out := &Documents{Remarks: guardRemarks(&g, o)}
	add := func(stage int, object any, meta metav1.TypeMeta, name string) error {
		tree, err := guardTree(object)
		if err != nil {
			return err
		}
		file := fmt.Sprintf("%02d-%s-%s.yaml", len(out.Documents)+1, strings.ToLower(meta.Kind), strings.TrimPrefix(name, "psp2pss-"))
		out.Documents = append(out.Documents, Document{Kind: meta.Kind, Name: name, File: file, Object: tree, Stage: stage})
		return nil
	}
	var errs []error
	if o.Validating {
		role := looseningRole()
		errs = append(errs, add(0, role, role.TypeMeta, role.Name))
		if len(g.Subjects) > 0 {
			binding := looseningBinding(g.Subjects)
			errs = append(errs, add(0, binding, binding.TypeMeta, binding.Name))
		}
	}
	if labelsNewNamespaces(&g, o) && o.Action == Deny {
		policy, binding := newNamespacesGuard(&g, o)
		errs = append(errs, add(0, policy, policy.TypeMeta, policy.Name), add(0, binding, binding.TypeMeta, binding.Name))
	}
	if o.Validating {
		policy, binding := labelGuard(&g, o)
		errs = append(errs, add(1, policy, policy.TypeMeta, policy.Name), add(1, binding, binding.TypeMeta, binding.Name))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// labelsNewNamespaces reports whether a MutatingAdmissionPolicy labels new namespaces, at the latest once the action is deny.
func labelsNewNamespaces(g *GuardOptions, o Options) bool {
	return g.Level != "" && o.Mutating && o.Minor >= mutatingGuardsSince
}

// checkGuardOptions returns an error for guards that the API server cannot have, that guard nothing, or that no object can say.
func checkGuardOptions(g *GuardOptions, o Options) error {
	switch {
	case !o.Validating && !labelsNewNamespaces(g, o):
		return errors.New("nothing would be guarded: allow ValidatingAdmissionPolicy, or MutatingAdmissionPolicy with a level for new namespaces")
	case o.Validating && o.Minor < validatingGuardsSince:
		return fmt.Errorf("v1.%d serves no ValidatingAdmissionPolicy v1, v1.%d does: %w", o.Minor, validatingGuardsSince, errors.ErrUnsupported)
	case !o.Validating && o.Action != Deny:
		return fmt.Errorf("a MutatingAdmissionPolicy cannot be tried with the action %s: it labels namespaces or it does not", o.Action)
	case !slices.Contains([]Action{Audit, Warn, Deny}, o.Action):
		return fmt.Errorf("the action %q is none of audit, warn and deny", o.Action)
	case !slices.Contains([]api.Level{"", api.LevelBaseline, api.LevelRestricted}, g.Level):
		return fmt.Errorf("the level %q for new namespaces is neither baseline nor restricted", g.Level)
	case g.Version != "" && g.Level == "":
		return fmt.Errorf("the version %q for new namespaces has no level", g.Version)
	}
	if _, err := api.ParseVersion(g.Version); g.Version != "" && err != nil {
		return fmt.Errorf("the version %q for new namespaces: %w", g.Version, err)
	}
	for _, name := range g.Except {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return fmt.Errorf("no namespace has the name %q: %s", name, problems[0])
		}
	}
	for _, s := range g.Subjects {
		if err := checkSubject(s); err != nil {
			return err
		}
	}
	return nil
}

// guardRemarks returns what the guards of namespaces do not do, and what has to be done beside them.
func guardRemarks(g *GuardOptions, o Options) []engine.Remark {
	var out []engine.Remark
	say := func(m message.Message) { out = append(out, engine.Remark{Message: m}) }
	say(message.New("guards-need-rbac", "group", looseningGroup))
	if len(g.Subjects) == 0 && o.Validating {
		say(message.New("guards-nobody", "role", looseningRoleName))
	}
	if !g.AuditAndWarn && o.Validating {
		say(message.New("guards-audit-and-warn-free"))
	}
	if len(g.Except) > 0 {
		say(message.New("guards-except", "namespaces", g.Except))
	}
	if g.Level == "" {
		say(message.New("guards-new-namespaces-free"))
		return out
	}
	say(message.New("guards-made-again", "level", string(g.Level)))
	switch {
	case !labelsNewNamespaces(g, o):
		say(message.New("guards-refuse-unlabelled", "level", string(g.Level)))
	case o.Action != Deny:
		say(message.New("guards-not-labelled-yet", "action", string(o.Action)))
	case o.Minor < mutatingGuardsAlways:
		say(message.New("guards-mutating-flags", "minor", o.Minor))
	}
	if !o.Validating {
		say(message.New("guards-refuse-nothing"))
	}
	return out
}

// guardMeta returns the metadata of an object of the guards.
func guardMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: map[string]string{ManagedByLabel: ManagedBy, SetLabel: GuardSet}}
}

// guardTree returns an object of the guards as a tree of maps: the types of the Kubernetes API would also write a status and a time
// of creation.
func guardTree(object any) (map[string]any, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("writing the guards: %w", err)
	}
	tree := map[string]any{}
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("writing the guards: %w", err)
	}
	delete(tree, "status")
	if meta, ok := tree["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
	}
	return tree, nil
}
