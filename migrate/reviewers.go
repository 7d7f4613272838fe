package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// metasOf are the labels and annotations that pods of a template may have.
func metasOf(w *inventory.Workload) []*inventory.PodMeta {
	if len(w.PodMeta) == 0 {
		return []*inventory.PodMeta{{}}
	}
	return w.PodMeta
}

// certainty says what is taken of the labels of a namespace that was not read: perhaps is that they may be any.
type certainty bool

const (
	surely  certainty = true
	perhaps certainty = false
)

// matches is true where a reviewer may be for the pods of a template. Conditions in CEL, and whatever else is not read, are
// taken to be met.
func (f *foreseer) matches(r *inventory.Reviewer, w *podTemplate, how certainty) bool {
	ns := f.spaces[w.Namespace]
	for _, meta := range w.metas {
		may := slices.ContainsFunc(r.Scopes, func(s inventory.Scope) bool {
			return f.scopeNamespace(&s, ns, how) && f.scopePods(&s, w.Workload, meta, true)
		})
		if may && !slices.ContainsFunc(r.Except, func(s inventory.Scope) bool {
			return f.scopeNamespace(&s, ns, surely) && f.scopePods(&s, w.Workload, meta, false)
		}) {
			return true
		}
	}
	return false
}

// inNamespace is true where a reviewer may be for some pods of a namespace.
func (f *foreseer) inNamespace(r *inventory.Reviewer, ns *inventory.Namespace) bool {
	return slices.ContainsFunc(r.Scopes, func(s inventory.Scope) bool { return f.scopeNamespace(&s, ns, perhaps) }) &&
		!slices.ContainsFunc(r.Except, func(s inventory.Scope) bool {
			whole := s.Kinds == nil && s.Names == nil && s.PodLabels == nil
			return whole && f.scopeNamespace(&s, ns, surely)
		})
}

// nameLabel is the label that the server gives each namespace: its name.
const nameLabel = "kubernetes.io/metadata.name"

// scopeNamespace is true for a namespace that a scope is for. Where the namespace was not read, its name is all that is known.
func (f *foreseer) scopeNamespace(s *inventory.Scope, ns *inventory.Namespace, how certainty) bool {
	if len(s.Namespaces) > 0 && !anyGlob(s.Namespaces, ns.Name) {
		return false
	}
	if s.NamespaceLabels == nil {
		return true
	}
	of := func(key string) (string, bool) {
		if key == nameLabel {
			return ns.Name, true
		}
		value, ok := ns.Labels[key]
		return value, ok
	}
	if ns.Declared {
		return f.selects(s.NamespaceLabels, of)
	}
	requirements, _ := f.selector(s.NamespaceLabels).Requirements()
	for i := range requirements {
		switch {
		case requirements[i].Key() != nameLabel && how == surely:
			return false
		case requirements[i].Key() == nameLabel && !requirements[i].Matches(lookup(of)):
			return false
		}
	}
	return true
}

// scopePods is true for pods of a workload that a scope is for. The name of a pod that is still to come is not known: unsure says
// what is taken of it.
func (f *foreseer) scopePods(s *inventory.Scope, w *inventory.Workload, meta *inventory.PodMeta, unsure bool) bool {
	if s.Kinds != nil && !slices.Contains(s.Kinds, w.Kind) {
		return false
	}
	if len(s.Names) > 0 && !anyGlob(s.Names, w.Name) && !(unsure && s.Kinds == nil && w.Kind != "Pod") {
		return false
	}
	return s.PodLabels == nil || f.selects(s.PodLabels, func(key string) (string, bool) { value, ok := meta.Labels[key]; return value, ok })
}

// lookup is a set of labels.
type lookup func(key string) (string, bool)

// Has, Get and Lookup make a lookup a set of labels for selectors.
func (l lookup) Has(key string) bool              { _, ok := l(key); return ok }
func (l lookup) Get(key string) string            { value, _ := l(key); return value }
func (l lookup) Lookup(key string) (string, bool) { return l(key) }

// selects is true where a selector does, and where it is not one that a server takes: then it is not known what is meant.
func (f *foreseer) selects(s *metav1.LabelSelector, of lookup) bool { return f.selector(s).Matches(of) }

func (f *foreseer) selector(s *metav1.LabelSelector) labels.Selector {
	selector, known := f.selectors[s]
	if !known {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			selector = labels.Everything()
		}
		f.selectors[s] = selector
	}
	return selector
}

// anyGlob is true where one of the patterns matches: * is any text, ? any character.
func anyGlob(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return glob(p, name) })
}

func glob(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// changer is something beside the table that changes pods, with what live pods tell of it.
type changer struct {
	*inventory.Reviewer
	// shown counts the workloads that it is for and that have live pods, changed those whose pods are more than their
	// template by something that no injector of the table adds.
	shown, changed int
	// stored counts those whose template it has changed already.
	stored int
	// open counts those that it is for and that have no live pods, first is the first of them; they are in these namespaces.
	open       int
	first      *inventory.Workload
	namespaces []string
}

// consider notes what a changer does to the pods of a workload, or has the judge count what it says it adds.
func (f *foreseer) consider(c *changer, all []podTemplate) {
	var templates []*podTemplate
	sure := true
	for i := range all {
		if f.matches(c.Reviewer, &all[i], perhaps) {
			templates = append(templates, &all[i])
			sure = sure && (f.spaces[all[i].Namespace].Declared || f.matches(c.Reviewer, &all[i], surely))
		}
	}
	if len(templates) == 0 {
		return
	}
	w := templates[0].Workload
	switch {
	case c.Effect == inventory.EffectAdds && sure:
		for _, t := range templates {
			f.adds(c, t)
		}
		c.shown++
	case c.Effect != inventory.EffectAdds && f.inTemplate(c):
		c.stored++
	case !isLive(w):
		c.leaveOpen(w)
	case sure && c.Effect != inventory.EffectAdds && hasWhole(w):
		c.shown++
		for i := range w.Pods {
			if g := &w.Pods[i]; g.Count > 0 && f.changed(w, g) {
				c.changed++
			}
		}
	}
}

// adds has the judge count what a changer says it adds to the pods of a template.
func (f *foreseer) adds(c *changer, t *podTemplate) {
	names := namesOf(&c.Adds.Spec)
	if !f.shown(t, names) {
		f.expect(t, c.String(), &c.Adds.Spec, Injection{By: c.String(), Mark: "it selects them", Containers: names, Why: "what it says is taken"})
	}
}

// hasWhole is false for a workload none of whose templates says all of its pods: those do not show what was added to them.
func hasWhole(w *inventory.Workload) bool {
	return w.Template != nil || slices.ContainsFunc(w.Embedded, func(e inventory.Embedded) bool { return !e.Partial })
}

// leaveOpen notes a workload of which no live pod shows what a changer does.
func (c *changer) leaveOpen(w *inventory.Workload) {
	if c.open++; c.first == nil {
		c.first = w
	}
	if n := len(c.namespaces); n == 0 || c.namespaces[n-1] != w.Namespace { // workloads are sorted
		c.namespaces = append(c.namespaces, w.Namespace)
	}
}

// inTemplate is true for what changes only objects that hold templates: those that a server has are changed already.
func (f *foreseer) inTemplate(c *changer) bool {
	return f.inv.Source.Kind == inventory.SourceCluster && !slices.ContainsFunc(c.Scopes, func(s inventory.Scope) bool { return s.Kinds == nil })
}

// changed is true for live pods that have more than each of their templates, or fail more than it does, beyond what injectors of
// the table add and what a policy may have filled in.
func (f *foreseer) changed(w *inventory.Workload, g *inventory.PodGroup) bool {
	return !slices.ContainsFunc(templatesOf(w), func(t podTemplate) bool { return !f.changedFrom(t.shape, g) })
}

func (f *foreseer) changedFrom(template *inventory.Shape, g *inventory.PodGroup) bool {
	if g.Shape == template {
		return false
	}
	_, without := f.judge.InjectedParts(template, g)
	for _, name := range namesOf(without) {
		if len(f.byName[name]) == 0 {
			return true
		}
	}
	known := f.judge.Evaluate(template, f.target).Violations
	return slices.ContainsFunc(f.judge.UnmutatedVerdict(template, g, f.target).Violations, func(v pss.Violation) bool {
		return !slices.ContainsFunc(known, func(k pss.Violation) bool { return k.Check == v.Check }) && len(namesOf(without)) == 0
	})
}

// judgeOthers goes through the changers one by one.
func (f *foreseer) judgeOthers() {
	for _, c := range f.others {
		for i := range f.templates {
			f.consider(c, f.templates[i])
		}
		f.judgeOther(c)
		c.namespaces = nil
	}
	f.gapRest()
}

// judgeOther says what is not known of a changer: a gap for the workloads that it is for and that no live pod tells of. Where
// live pods show that it adds nothing, and where what it sets can be read and is harmless, it is a note.
func (f *foreseer) judgeOther(c *changer) {
	switch {
	case c.Effect == inventory.EffectAdds && c.open == 0:
	case c.Effect == inventory.EffectAdds:
		f.gap(c)
	case c.stored > 0:
		f.note(c, "it changes what holds their templates, and those that the server has are changed")
	case c.shown+c.open == 0:
	case c.Effect == inventory.EffectHarmless:
		f.note(c, "no pod needs a looser level for what it sets"+setsOf(c.Sets))
	case c.shown > 0 && c.changed == 0:
		f.note(c, fmt.Sprintf("it adds nothing to the live pods of the %s that it is for: it is taken to add nothing to others", plural(c.shown, "workload", "workloads")))
	case c.open == 0:
		f.note(c, "what it adds is judged by the live pods of all workloads that it is for")
	default:
		f.gap(c)
	}
}

func setsOf(sets []string) string {
	if len(sets) == 0 {
		return ""
	}
	return ": " + firstOf(sets, 3)
}

func (f *foreseer) note(c *changer, why string) {
	f.out.notes = append(f.out.notes, inventory.Note{What: c.String(), Why: "it changes pods when they are created; " + why, Position: c.Position})
}

// maxNamed namespaces are told in the gaps of changers, one and all. Each may be for many.
const maxNamed = 100_000

func (f *foreseer) gap(c *changer) {
	if f.named += len(c.namespaces); f.named > maxNamed {
		f.rest++
		f.restFirst = cmp.Or(f.restFirst, c.String())
		f.restNamespaces = append(f.restNamespaces, c.namespaces...)
		slices.Sort(f.restNamespaces)
		f.restNamespaces = slices.Compact(f.restNamespaces)
		return
	}
	start := "one pod of it"
	which := fmt.Sprintf("%s %q has", c.first.Kind, c.first.Namespace+"/"+c.first.Name)
	if n := c.open - 1; n > 0 {
		start = "one pod of each"
		which = fmt.Sprintf("%s %q and %s have", c.first.Kind, c.first.Namespace+"/"+c.first.Name, plural(n, "other workload", "other workloads"))
	}
	what := ""
	if len(c.Sets) > 0 {
		what = " (" + firstOf(c.Sets, 3) + ")"
	}
	f.out.gaps = append(f.out.gaps, inventory.Gap{
		What: c.String(), Position: c.Position, Namespaces: c.namespaces,
		Why: fmt.Sprintf(changesPods+"%s, and %s no live pod that shows what it changes: start %s and read again, or say --allow-partial if it changes nothing that a level looks at",
			what, which, start),
	})
}

// gapRest is one gap for all changers beyond those that are told one by one.
func (f *foreseer) gapRest() {
	if f.rest > 0 {
		f.out.gaps = append(f.out.gaps, inventory.Gap{
			What: fmt.Sprintf("%d more webhooks and policies, %s the first", f.rest, f.restFirst), Namespaces: f.restNamespaces,
			Why: "they may change pods when they are created, and no live pod shows how",
		})
	}
}

// noteAbsent tells of marks whose injector is not there.
func (f *foreseer) noteAbsent() {
	for i, a := range f.absent {
		if a.workloads > 0 {
			f.out.notes = append(f.out.notes, inventory.Note{
				What: f.out.table[i].Name,
				Why:  fmt.Sprintf("no webhook of it is for the pods of %s that it is meant for (%s): it is taken to be absent, and nothing is added", plural(a.workloads, "workload", "workloads"), a.mark),
			})
		}
	}
}

// refusers are what else refuses pods of a namespace: the first of them, and how many more there are.
type refusers struct {
	list []*inventory.Reviewer
	more int
}

// fewRefusers of a namespace are kept.
const fewRefusers = 50

// findRefusers finds what else refuses pods, by namespace.
func (f *foreseer) findRefusers() {
	for i := range f.inv.Reviewers {
		r := &f.inv.Reviewers[i]
		if r.Mutates {
			continue
		}
		for j := range f.inv.Namespaces {
			ns := &f.inv.Namespaces[j]
			if !f.inNamespace(r, ns) {
				continue
			}
			of := f.out.refusers[ns.Name]
			if len(of.list) < fewRefusers {
				of.list = append(of.list, r)
			} else {
				of.more++
			}
			f.out.refusers[ns.Name] = of
		}
	}
}

// maxRefusers of a namespace are named.
const maxRefusers = 10

// alsoRefusing names what else may refuse pods of a namespace: objects, each once.
func (b *builder) alsoRefusing(ns string) []string {
	var names []string
	of := b.injections.refusers[ns]
	for _, r := range of.list {
		whole := inventory.Reviewer{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		if name := whole.String(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	if more := len(names) - maxRefusers + of.more; len(names) > maxRefusers {
		names = append(names[:maxRefusers:maxRefusers], fmt.Sprintf("%d more", more))
	}
	return names
}

// covering adds to what is lost in a namespace the names of what else may forbid the same there.
func (b *builder) covering(ns string, lost []Lost) []Lost {
	refusers := b.injections.refusers[ns].list
	if len(refusers) == 0 {
		return lost
	}
	out := slices.Clone(lost)
	for i := range out {
		for _, r := range refusers {
			if !mayCover(r, out[i].Field) {
				continue
			}
			if name := r.String(); len(out[i].MayCover) < 3 {
				out[i].MayCover = append(out[i].MayCover, name)
			}
		}
	}
	return out
}

// mayCover is true where a refuser may stand for a field of a policy: by its kind in Gatekeeper's library, or by its name, where
// the libraries of Kyverno and Kubewarden have what it is about.
func mayCover(r *inventory.Reviewer, field string) bool {
	switch {
	case strings.HasPrefix(r.Kind, "K8sPSP"):
		return slices.Contains(gatekeeperLibrary()[r.Kind], field)
	case r.Kind == "ValidatingWebhookConfiguration":
		return false // it may be the engine itself
	}
	name := bare(r.Name + "/" + r.Rule + "/" + r.Category)
	if strings.Contains(name, bare(field)) {
		return true
	}
	return slices.ContainsFunc(policyLibrary(), func(known named) bool {
		return strings.Contains(name, bare(known.part)) && slices.Contains(known.fields, field)
	})
}

// bare is a name in small letters, without what stands between its words.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func gatekeeperLibrary() map[string][]string {
	return map[string][]string{
		"K8sPSPAllowPrivilegeEscalationContainer": {"allowPrivilegeEscalation"},
		"K8sPSPAllowedUsers":                      {"runAsUser", "runAsGroup", "supplementalGroups", "fsGroup"},
		"K8sPSPAppArmor":                          {"apparmor.security.beta.kubernetes.io/allowedProfileNames"},
		"K8sPSPCapabilities":                      {"allowedCapabilities", "requiredDropCapabilities"},
		"K8sPSPFSGroup":                           {"fsGroup"},
		"K8sPSPFlexVolumes":                       {"allowedFlexVolumes"},
		"K8sPSPForbiddenSysctls":                  {"forbiddenSysctls", "allowedUnsafeSysctls"},
		"K8sPSPHostFilesystem":                    {"allowedHostPaths"},
		"K8sPSPHostNamespace":                     {"hostPID", "hostIPC"},
		"K8sPSPHostNetworkingPorts":               {"hostNetwork", "hostPorts"},
		"K8sPSPPrivilegedContainer":               {"privileged"},
		"K8sPSPProcMount":                         {"allowedProcMountTypes"},
		"K8sPSPReadOnlyRootFilesystem":            {"readOnlyRootFilesystem"},
		"K8sPSPSELinuxV2":                         {"seLinux"},
		"K8sPSPSeccomp":                           {"seccomp.security.alpha.kubernetes.io/allowedProfileNames"},
		"K8sPSPSeccompV2":                         {"seccomp.security.alpha.kubernetes.io/allowedProfileNames"},
		"K8sPSPVolumeTypes":                       {"volumes"},
	}
}

// named is a part of a policy's name, and the fields that it tells of.
type named struct {
	part   string
	fields []string
}

// policyLibrary has what names of policies in the libraries of Kyverno and Kubewarden say in other words than a policy's fields.
func policyLibrary() []named {
	return []named{
		{"ro-rootfs", []string{"readOnlyRootFilesystem"}},
		{"host-path", []string{"allowedHostPaths", "volumes"}},
		{"user-group-psp", []string{"runAsUser", "runAsGroup", "supplementalGroups"}},
		{"run-as-non-root", []string{"runAsUser"}},
		{"privilege-escalation", []string{"allowPrivilegeEscalation"}},
		{"capabilities", []string{"allowedCapabilities", "requiredDropCapabilities"}},
		{"host-namespaces", []string{"hostNetwork", "hostPID", "hostIPC"}},
		{"proc-mount", []string{"allowedProcMountTypes"}},
		{"sysctls", []string{"forbiddenSysctls", "allowedUnsafeSysctls"}},
		{"flexvolume", []string{"allowedFlexVolumes"}},
	}
}
