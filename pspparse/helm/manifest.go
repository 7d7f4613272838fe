package helm

import (
	"errors"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
)

// manifestPart is one document of a manifest with the separator before it: manifest[begin:end].
type manifestPart struct{ begin, end int }

// splitManifest cuts a manifest where Kubernetes' decoder does: at lines that begin with three dashes. The parts together are the
// manifest, byte by byte.
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

// documentText is the document without its separator, of which Kubernetes' decoder drops the whole line.
func (p manifestPart) documentText(manifest string) string {
	text := manifest[p.begin:p.end]
	if !strings.HasPrefix(text, "---") {
		return text
	}
	_, text, _ = strings.Cut(text, "\n")
	return text
}

// manifestObject is as much as is read of a document, or of an item of a List.
type manifestObject struct {
	objectHead `yaml:",inline"`
	Rules      []roleRule       `yaml:"rules"`
	RoleRef    roleRef          `yaml:"roleRef"`
	Items      []manifestObject `yaml:"items"`
}

type objectHead struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
}

type roleRule struct {
	Verbs     []string `yaml:"verbs"`
	APIGroups []string `yaml:"apiGroups"`
	Resources []string `yaml:"resources"`
}

type roleRef struct {
	Kind string `yaml:"kind"`
	Name string `yaml:"name"`
}

// manifestParser reads the documents of one release, as long as they have no more values than it is left with.
type manifestParser struct{ remaining int }

func newManifestParser() *manifestParser { return &manifestParser{remaining: maxParsedValues} }

// estimateValueCount guesses from a text how many values it has, at least where there are many.
func estimateValueCount(text string) int {
	n := 1
	for i := range len(text) {
		if c := text[i]; c == '\n' || c == ',' || c == '[' || c == '{' {
			n++
		}
	}
	return n
}

// parse reads a document. Whoever asks tells of a failure without its cause, which would quote the document. What other
// kinds have where a role has its rules may be anything.
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

// chargeAliases counts what the aliases of a document make of it.
func (p *manifestParser) chargeAliases(n *yaml.Node) bool {
	if !hasAlias(n) {
		return true
	}
	values, ok := pspparse.ExpandedValues(n)
	p.remaining -= values
	return ok && p.remaining >= 0
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// listItems is the object, or the items of the List that it is; of a typed list, with the kind that they need not repeat.
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

func (h *objectHead) isList() bool { return strings.HasSuffix(h.Kind, "List") }

func (h *objectHead) group() string {
	group, _, found := strings.Cut(h.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

func isPolicyGroup(group string) bool { return group == "policy" || group == "extensions" }

func (h *objectHead) isPolicy() bool {
	return h.Kind == "PodSecurityPolicy" && isPolicyGroup(h.group())
}

const rbacGroup = "rbac.authorization.k8s.io"

func (h *objectHead) isRole() bool {
	return h.group() == rbacGroup && (h.Kind == "Role" || h.Kind == "ClusterRole")
}

func (h *objectHead) isBinding() bool {
	return h.group() == rbacGroup && (h.Kind == "RoleBinding" || h.Kind == "ClusterRoleBinding")
}

// usesPolicies is true of a rule that names policies and lets use them. A rule on everything is no sign of policies.
func (r *roleRule) usesPolicies() bool {
	return slices.Contains(r.Resources, "podsecuritypolicies") &&
		slices.ContainsFunc(r.APIGroups, func(g string) bool { return isPolicyGroup(g) || g == "*" }) &&
		slices.ContainsFunc(r.Verbs, func(v string) bool { return v == "use" || v == "*" })
}

// onlyPolicies is true of a rule that is of no use without policies.
func (r *roleRule) onlyPolicies() bool {
	return r.usesPolicies() && !slices.ContainsFunc(r.Resources, func(s string) bool { return s != "podsecuritypolicies" })
}

// mayMentionPolicies is false of a document that speaks of no policies and holds no escape in which it could. Most documents need
// no parsing for that.
func mayMentionPolicies(text string) bool {
	return strings.Contains(text, "PodSecurityPolic") || strings.Contains(text, "podsecuritypolic") || strings.Contains(text, `\`)
}

// releaseText is a text that may hold an object: a document of the manifest, or a hook.
type releaseText struct {
	text string
	at   int
	hook *releaseHook
}

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

// findPolicies finds what has to do with policies, and what else will not be served.
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

// findPolicyBindings finds those of the roles that let do nothing but use policies. A release that has such a role is read whole.
func (r *Release) findPolicyBindings(sources []releaseText, only map[roleRef]bool, parser *manifestParser) {
	for i := range sources {
		source := &sources[i]
		if !strings.Contains(source.text, "RoleBinding") {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			continue // it holds no policy, or is told
		}
		for _, o := range whole.listItems() {
			if o.isBinding() && only[o.RoleRef] {
				r.Grants = append(r.Grants, source.document(&o, true))
			}
		}
	}
}
