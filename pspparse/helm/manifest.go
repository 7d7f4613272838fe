package helm

import (
	"errors"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
)

// part is one document of a manifest with the separator before it: manifest[begin:end].
type part struct{ begin, end int }

// split cuts a manifest where Kubernetes' decoder does: at lines that begin with three dashes. The parts together are the
// manifest, byte by byte.
func split(manifest string) []part {
	var parts []part
	begin := 0
	for at := 0; at < len(manifest); {
		if at > begin && strings.HasPrefix(manifest[at:], "---") {
			parts = append(parts, part{begin, at})
			begin = at
		}
		line := strings.IndexByte(manifest[at:], '\n')
		if line < 0 {
			break
		}
		at += line + 1
	}
	if begin < len(manifest) {
		parts = append(parts, part{begin, len(manifest)})
	}
	return parts
}

// text is the document without its separator, of which Kubernetes' decoder drops the whole line.
func (p part) text(manifest string) string {
	text := manifest[p.begin:p.end]
	if !strings.HasPrefix(text, "---") {
		return text
	}
	_, text, _ = strings.Cut(text, "\n")
	return text
}

// object is as much as is read of a document, or of an item of a List.
type object struct {
	head    `yaml:",inline"`
	Rules   []rule   `yaml:"rules"`
	RoleRef roleRef  `yaml:"roleRef"`
	Items   []object `yaml:"items"`
}

type head struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
}

type rule struct {
	Verbs     []string `yaml:"verbs"`
	APIGroups []string `yaml:"apiGroups"`
	Resources []string `yaml:"resources"`
}

type roleRef struct {
	Kind string `yaml:"kind"`
	Name string `yaml:"name"`
}

// parser reads the documents of one release, as long as they have no more values than it is left with.
type parser struct{ left int }

func newParser() *parser { return &parser{left: maxValues} }

// values guesses from a text how many values it has, at least where there are many.
func values(text string) int {
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
func (p *parser) parse(text string) (o object, ok bool) {
	if p.left -= values(text); p.left < 0 {
		return o, false
	}
	var node yaml.Node
	switch err := yaml.NewDecoder(strings.NewReader(text)).Decode(&node); {
	case errors.Is(err, io.EOF):
		return o, true // nothing but comments
	case err != nil || !p.affords(&node) || node.Decode(&o.head) != nil:
		return o, false
	case !o.isRole() && !o.isBinding() && !o.isList():
		return o, true
	}
	return o, node.Decode(&o) == nil
}

// affords counts what the aliases of a document make of it.
func (p *parser) affords(n *yaml.Node) bool {
	if !hasAlias(n) {
		return true
	}
	values, ok := pspparse.Expanded(n)
	p.left -= values
	return ok && p.left >= 0
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// flat is the object, or the items of the List that it is; of a typed list, with the kind that they need not repeat.
func (o *object) flat() []object {
	if !o.isList() {
		return []object{*o}
	}
	var all []object
	for _, item := range o.Items {
		if kind := strings.TrimSuffix(o.Kind, "List"); item.Kind == "" && kind != "" {
			item.Kind, item.APIVersion = kind, o.APIVersion
		}
		all = append(all, item.flat()...)
	}
	return all
}

func (h *head) isList() bool { return strings.HasSuffix(h.Kind, "List") }

func (h *head) group() string {
	group, _, found := strings.Cut(h.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

func isPolicyGroup(group string) bool { return group == "policy" || group == "extensions" }

func (h *head) isPolicy() bool { return h.Kind == "PodSecurityPolicy" && isPolicyGroup(h.group()) }

const rbacGroup = "rbac.authorization.k8s.io"

func (h *head) isRole() bool {
	return h.group() == rbacGroup && (h.Kind == "Role" || h.Kind == "ClusterRole")
}

func (h *head) isBinding() bool {
	return h.group() == rbacGroup && (h.Kind == "RoleBinding" || h.Kind == "ClusterRoleBinding")
}

// usesPolicies is true of a rule that names policies and lets use them. A rule on everything is no sign of policies.
func (r *rule) usesPolicies() bool {
	return slices.Contains(r.Resources, "podsecuritypolicies") &&
		slices.ContainsFunc(r.APIGroups, func(g string) bool { return isPolicyGroup(g) || g == "*" }) &&
		slices.ContainsFunc(r.Verbs, func(v string) bool { return v == "use" || v == "*" })
}

// onlyPolicies is true of a rule that is of no use without policies.
func (r *rule) onlyPolicies() bool {
	return r.usesPolicies() && !slices.ContainsFunc(r.Resources, func(s string) bool { return s != "podsecuritypolicies" })
}

// mayConcern is false of a document that speaks of no policies and holds no escape in which it could. Most documents need
// no parsing for that.
func mayConcern(text string) bool {
	return strings.Contains(text, "PodSecurityPolic") || strings.Contains(text, "podsecuritypolic") || strings.Contains(text, `\`)
}

// source is a text that may hold an object: a document of the manifest, or a hook.
type source struct {
	text string
	at   int
	hook *hook
}

func (s *stored) sources() []source {
	var all []source
	for i, p := range split(s.Manifest) {
		all = append(all, source{text: p.text(s.Manifest), at: i + 1})
	}
	for i := range s.Hooks {
		all = append(all, source{text: s.Hooks[i].Manifest, at: i + 1, hook: &s.Hooks[i]})
	}
	return all
}

func (s *source) document(o *object, only bool) Document {
	d := Document{
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name,
		At: s.at, Only: only,
	}
	if s.hook != nil {
		d.Hook, d.Events = true, s.hook.Events
	}
	return d
}

// examine finds what has to do with policies, and what else will not be served.
func (r *Release) examine(s *stored) {
	sources, parser := s.sources(), newParser()
	only := map[roleRef]bool{}
	for i := range sources {
		source := &sources[i]
		if !mayConcern(source.text) {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			r.Unread = append(r.Unread, source.document(&object{}, false))
			continue
		}
		for _, o := range whole.flat() {
			switch {
			case o.isPolicy():
				r.Policies = append(r.Policies, source.document(&o, false))
			case o.isRole() && slices.ContainsFunc(o.Rules, func(r rule) bool { return r.usesPolicies() }):
				alone := !slices.ContainsFunc(o.Rules, func(r rule) bool { return !r.onlyPolicies() })
				only[roleRef{o.Kind, o.Metadata.Name}] = alone
				r.Grants = append(r.Grants, source.document(&o, alone))
			}
		}
	}
	if slices.ContainsFunc(r.Grants, func(d Document) bool { return d.Only }) {
		r.bindings(sources, only, parser)
	}
	r.findRemoved(sources)
}

// bindings finds those of the roles that let do nothing but use policies. A release that has such a role is read whole.
func (r *Release) bindings(sources []source, only map[roleRef]bool, parser *parser) {
	for i := range sources {
		source := &sources[i]
		if !strings.Contains(source.text, "RoleBinding") {
			continue
		}
		whole, ok := parser.parse(source.text)
		if !ok {
			continue // it holds no policy, or is told
		}
		for _, o := range whole.flat() {
			if o.isBinding() && only[o.RoleRef] {
				r.Grants = append(r.Grants, source.document(&o, true))
			}
		}
	}
}
