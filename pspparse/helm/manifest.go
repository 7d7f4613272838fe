package helm

import (
	"errors"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// manifestPart is one document of a Helm manifest together with the separator before it: manifest[begin:end].
type manifestPart struct{ begin, end int }

// splitManifest cuts a Helm manifest at lines that begin with three dashes, as Kubernetes' decoder does. The parts
// together are the manifest, byte by byte.
func splitManifest(manifest string) []manifestPart {
	var parts []manifestPart
	begin := 0
	for at := 0; at < len(manifest); {
		if at > begin && strings.HasPrefix(manifest[at:], "---") {
			parts = append(parts, manifestPart{begin, at})
			begin = at
		}
		line := strings.IndexByte(manifest[at:], '\n')
		if line < 0 {
			break
		}
		at += line + 1
	}
	if begin < len(manifest) {
		parts = append(parts, manifestPart{begin, len(manifest)})
	}
	return parts
}

// documentText returns the document of a Helm manifest without the line of its separator.
func (p manifestPart) documentText(manifest string) string {
	text := manifest[p.begin:p.end]
	if !strings.HasPrefix(text, "---") {
		return text
	}
	_, text, _ = strings.Cut(text, "\n")
	return text
}

// manifestObject is the part of an object in a Helm manifest that is read; of a List also its items.
type manifestObject struct {
	objectHead `yaml:",inline"`
	Rules      []roleRule       `yaml:"rules"`
	RoleRef    roleRef          `yaml:"roleRef"`
	Items      []manifestObject `yaml:"items"`
}

// objectHead is the kind and the name of an object in a Helm manifest.
type objectHead struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
}

// roleRule is a rule of a Role or ClusterRole in a Helm manifest.
type roleRule struct {
	Verbs     []string `yaml:"verbs"`
	APIGroups []string `yaml:"apiGroups"`
	Resources []string `yaml:"resources"`
}

// roleRef is the role of a binding in a Helm manifest.
type roleRef struct {
	Kind string `yaml:"kind"`
	Name string `yaml:"name"`
}

// manifestParser parses the documents of one Helm release, up to a number of values.
type manifestParser struct{ remaining int }

// newManifestParser returns a parser of the documents of one Helm release.
func newManifestParser() *manifestParser { return &manifestParser{remaining: maxParsedValues} }

// estimateValueCount estimates how many values a Helm release's YAML text has; it is never far too low for a text with
// many.
func estimateValueCount(text string) int {
	n := 1
	for i := range len(text) {
		if c := text[i]; c == '\n' || c == ',' || c == '[' || c == '{' {
			n++
		}
	}
	return n
}

// parse parses a document of a Helm manifest; false if it cannot, or the release has too many values. Callers report
// that without the cause, which would quote the document. Of kinds other than roles, bindings and Lists only the head
// is read.
func (p *manifestParser) parse(text string) (o manifestObject, ok bool) {
	if p.remaining -= estimateValueCount(text); p.remaining < 0 {
		return o, false
	}
	var node yaml.Node
	switch err := yaml.NewDecoder(strings.NewReader(text)).Decode(&node); {
	case errors.Is(err, io.EOF):
		return o, true // nothing but comments
	case err != nil || !p.chargeAliases(&node) || node.Decode(&o.objectHead) != nil:
		return o, false
	case !o.isRole() && !o.isBinding() && !o.isList():
		return o, true
	}
	return o, node.Decode(&o) == nil
}

// chargeAliases counts the values and the text that the aliases of a Helm document stand for, and returns false if the
// release has too many.
func (p *manifestParser) chargeAliases(n *yaml.Node) bool {
	if !hasAlias(n) {
		return true
	}
	values, text, ok := yamlnode.ExpandedSize(n)
	p.remaining -= max(values, int(text/textPerValue))
	return ok && p.remaining >= 0
}

// hasAlias reports whether a YAML node of a Helm document has an alias below it.
func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// listItems returns the object of a Helm manifest, or the items of the List that it is. Items of a typed list get its
// kind if they have none.
func (o *manifestObject) listItems() []manifestObject {
	if !o.isList() {
		return []manifestObject{*o}
	}
	var all []manifestObject
	for _, item := range o.Items {
		if kind := strings.TrimSuffix(o.Kind, "List"); item.Kind == "" && kind != "" {
			item.Kind, item.APIVersion = kind, o.APIVersion
		}
		all = append(all, item.listItems()...)
	}
	return all
}

// isList reports whether an object in a Helm release is a List.
func (h *objectHead) isList() bool { return strings.HasSuffix(h.Kind, "List") }

// group returns the API group of an object in a Helm release; "" for the core group.
func (h *objectHead) group() string {
	group, _, found := strings.Cut(h.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// isPolicyGroup reports whether an API group in a Helm release has, or had, PodSecurityPolicies.
func isPolicyGroup(group string) bool { return group == "policy" || group == "extensions" }

// isPolicy reports whether an object in a Helm release is a PodSecurityPolicy.
func (h *objectHead) isPolicy() bool {
	return h.Kind == "PodSecurityPolicy" && isPolicyGroup(h.group())
}

// rbacGroup is the API group of roles and bindings.
const rbacGroup = "rbac.authorization.k8s.io"

// isRole reports whether an object in a Helm release is a Role or ClusterRole.
func (h *objectHead) isRole() bool {
	return h.group() == rbacGroup && (h.Kind == "Role" || h.Kind == "ClusterRole")
}

// isBinding reports whether an object in a Helm release is a RoleBinding or ClusterRoleBinding.
func (h *objectHead) isBinding() bool {
	return h.group() == rbacGroup && (h.Kind == "RoleBinding" || h.Kind == "ClusterRoleBinding")
}

// usesPolicies reports whether a rule in a Helm release names policies and allows their use. A rule about everything
// does not name them.
func (r *roleRule) usesPolicies() bool {
	return slices.Contains(r.Resources, "podsecuritypolicies") &&
		slices.ContainsFunc(r.APIGroups, func(g string) bool { return isPolicyGroup(g) || g == "*" }) &&
		slices.ContainsFunc(r.Verbs, func(v string) bool { return v == "use" || v == "*" })
}

// onlyPolicies reports whether a rule in a Helm release is about nothing but the use of policies.
func (r *roleRule) onlyPolicies() bool {
	return r.usesPolicies() && !slices.ContainsFunc(r.Resources, func(s string) bool { return s != "podsecuritypolicies" })
}

// mayMentionPolicies returns false for a Helm document that does not need to be parsed: it mentions no policies, and
// has no escape in which it could.
func mayMentionPolicies(text string) bool {
	return strings.Contains(text, "PodSecurityPolic") || strings.Contains(text, "podsecuritypolic") || strings.Contains(text, `\`)
}

// releaseText is one text of a Helm release that may hold an object: a document of the manifest, or a hook.
type releaseText struct {
	text string
	at   int
	hook *releaseHook
}

// texts returns the documents of a Helm release's manifest and its hooks.
func (s *releaseJSON) texts() []releaseText {
	var all []releaseText
	for i, p := range splitManifest(s.Manifest) {
		all = append(all, releaseText{text: p.documentText(s.Manifest), at: i + 1})
	}
	for i := range s.Hooks {
		all = append(all, releaseText{text: s.Hooks[i].Manifest, at: i + 1, hook: &s.Hooks[i]})
	}
	return all
}

// document describes an object of the text for a Helm Release.
func (s *releaseText) document(o *manifestObject, only bool) Document {
	d := Document{
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name,
		At: s.at, OnlyPolicies: only,
	}
	if s.hook != nil {
		d.Hook, d.Events = true, s.hook.Events
	}
	return d
}

// findPolicies sets the PodSecurityPolicies of a Helm release, the roles about them, and the objects in removed API
// versions.
func (r *Release) findPolicies(s *releaseJSON) {
	sources, parser := s.texts(), newManifestParser()
	only := map[roleRef]bool{}
	for i := range sources {
		source := &sources[i]
		if !mayMentionPolicies(source.text) {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			r.Unreadable = append(r.Unreadable, source.document(&manifestObject{}, false))
			continue
		}
		for _, o := range whole.listItems() {
			switch {
			case o.isPolicy():
				r.Policies = append(r.Policies, source.document(&o, false))
			case o.isRole() && slices.ContainsFunc(o.Rules, func(r roleRule) bool { return r.usesPolicies() }):
				alone := !slices.ContainsFunc(o.Rules, func(r roleRule) bool { return !r.onlyPolicies() })
				only[roleRef{o.Kind, o.Metadata.Name}] = alone
				r.Grants = append(r.Grants, source.document(&o, alone))
			}
		}
	}
	if slices.ContainsFunc(r.Grants, func(d Document) bool { return d.OnlyPolicies }) {
		r.findPolicyBindings(sources, only, parser)
	}
	r.findRemovedObjects(sources)
}

// findPolicyBindings adds to a Helm release the bindings of roles that allow nothing but the use of policies. It parses
// all documents that may hold one.
func (r *Release) findPolicyBindings(sources []releaseText, only map[roleRef]bool, parser *manifestParser) {
	for i := range sources {
		source := &sources[i]
		if !strings.Contains(source.text, "RoleBinding") {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			continue // it holds no policy, or is among Unreadable
		}
		for _, o := range whole.listItems() {
			if o.isBinding() && only[o.RoleRef] {
				r.Grants = append(r.Grants, source.document(&o, true))
			}
		}
	}
}
