// Package injector knows the programs that add containers to pods at admission: how they choose pods, and what they add.
package injector

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Injector is a program whose webhook changes pods.
type Injector struct {
	Name string
	// Source is the page or file that says what it adds.
	Source string
	// DefaultPod is what it adds to a pod by default: in the version that needs most, where its recent ones differ. Empty for one
	// that adds no container and no volume that a level forbids.
	DefaultPod AddedPod
	// PodWithCNI is what it adds where its CNI plugin sets up the network; nil where it has none.
	PodWithCNI *AddedPod
	// webhooks are suffixes of the names of its webhooks, or of "configuration/webhook".
	webhooks []string
	// cniDaemonSets are the names of the DaemonSets of its CNI plugin.
	cniDaemonSets []string
	// MayAddNoContainer is true for one that may act on a pod without adding a container: then any live pod shows what it does.
	MayAddNoContainer bool
	// injectsUnmarkedPods is true where a pod that the selectors of its webhook match is changed, marked or not.
	injectsUnmarkedPods bool
	// variantMarks are the labels and annotations by which pods ask for another template or mode: what is added to them says nothing of
	// others.
	variantMarks []string
	// PolicyKinds are the objects that say what a policy engine adds; nil for what is none.
	PolicyKinds []PolicyKind
	// injectionRules in order: the first that is about a pod decides.
	injectionRules []injectionRule
}

// PolicyKind is a kind of object that tells a policy engine what to add. Later is true for one that not every version has.
type PolicyKind struct {
	Kind, Resource string
	Optional       bool
}

// InjectsByNamespace is true where labels or annotations of a namespace make it take the pods there.
func (i *Injector) InjectsByNamespace() bool {
	return slices.ContainsFunc(i.injectionRules, func(c injectionRule) bool { return c.injects && c.locations&onNamespace != 0 })
}

// RequestedVariant is what a pod with these marks asks for beside the defaults; "" for nothing.
func (i *Injector) RequestedVariant(m InjectionMarks) string {
	var out []string
	for _, key := range i.variantMarks {
		for _, of := range []map[string]string{m.Labels, m.Annotations, m.NamespaceAnnotations} {
			if value, ok := of[key]; ok {
				out = append(out, fmt.Sprintf("%s=%q", key, value))
			}
		}
	}
	return strings.Join(out, " ")
}

// AddedEverything is true where a pod has all that the injector adds, with its CNI plugin or without.
func (i *Injector) AddedEverything(has func(container string) bool) bool {
	all := func(p *AddedPod) bool {
		return !slices.ContainsFunc(p.ContainerNames(), func(name string) bool { return !has(name) })
	}
	return all(&i.DefaultPod) || i.PodWithCNI != nil && all(i.PodWithCNI)
}

// AddedPod is what is added to a pod.
type AddedPod struct {
	Init, Containers []corev1.Container
	Volumes          []corev1.Volume
}

// IsEmpty is true where nothing is added.
func (p *AddedPod) IsEmpty() bool { return len(p.Init)+len(p.Containers)+len(p.Volumes) == 0 }

// ContainerNames of the containers, init containers first.
func (p *AddedPod) ContainerNames() []string {
	var out []string
	for _, list := range [][]corev1.Container{p.Init, p.Containers} {
		for i := range list {
			out = append(out, list[i].Name)
		}
	}
	return out
}

// InjectionMarks are labels and annotations of a pod and of its namespace.
type InjectionMarks struct {
	Labels, Annotations                   map[string]string
	NamespaceLabels, NamespaceAnnotations map[string]string
}

// markLocation is where a mark stands.
type markLocation int

const (
	onLabel markLocation = 1 << iota
	onAnnotation
	onNamespaceLabel
	onNamespaceAnnotation

	onPod       = onLabel | onAnnotation
	onNamespace = onNamespaceLabel | onNamespaceAnnotation
)

// injectionRule is a mark that makes an injector take a pod, or leave it alone.
type injectionRule struct {
	locations markLocation
	// key of the mark; one that ends in * stands for all that begin so.
	key string
	// values of which one is meant, in any case; nil is any but "" and "false".
	values  []string
	injects bool
}

// InjectionChoice says what the marks come to.
type InjectionChoice int

// The choices: Unmarked is no mark that decides.
const (
	Unmarked InjectionChoice = iota
	Injected
	OptedOut
)

// InjectionChoiceFor says whether the injector takes a pod with these marks, and which mark decides.
func (i *Injector) InjectionChoiceFor(m InjectionMarks) (InjectionChoice, string) {
	for _, c := range i.injectionRules {
		for _, at := range []struct {
			where markLocation
			what  string
			of    map[string]string
		}{
			{onLabel, "label %s of its pods", m.Labels},
			{onAnnotation, "annotation %s of its pods", m.Annotations},
			{onNamespaceLabel, "label %s of the namespace", m.NamespaceLabels},
			{onNamespaceAnnotation, "annotation %s of the namespace", m.NamespaceAnnotations},
		} {
			if c.locations&at.where == 0 {
				continue
			}
			if mark, ok := c.firstMatchingMark(at.of); ok && c.injects {
				return Injected, fmt.Sprintf(at.what, mark)
			} else if ok {
				return OptedOut, fmt.Sprintf(at.what, mark)
			}
		}
	}
	return Unmarked, ""
}

// firstMatchingMark is the first mark of the choice, as key=value.
func (c *injectionRule) firstMatchingMark(marks map[string]string) (string, bool) {
	prefix, many := strings.CutSuffix(c.key, "*")
	if !many {
		if value, ok := marks[c.key]; ok && c.matchesValue(value) {
			return c.key + "=" + value, true
		}
		return "", false
	}
	first := ""
	for key, value := range marks {
		if strings.HasPrefix(key, prefix) && c.matchesValue(value) && (first == "" || key < first) {
			first = key
		}
	}
	return first + "=" + marks[first], first != ""
}

func (c *injectionRule) matchesValue(value string) bool {
	if c.values == nil {
		return value != "" && !strings.EqualFold(value, "false")
	}
	return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, value) })
}

// InjectsUnmarkedPods is true where a pod that the selectors of its webhook match is changed without a mark of its own.
func (i *Injector) InjectsUnmarkedPods() bool { return i.injectsUnmarkedPods }

// FindByWebhook returns the places in the table of the injectors whose webhook this may be; none if it is not known.
func FindByWebhook(all []Injector, configuration, webhook string) []int {
	var out []int
	for at := range all {
		if slices.ContainsFunc(all[at].webhooks, func(known string) bool {
			if strings.Contains(known, "/") {
				return strings.HasPrefix(configuration+"/"+webhook, known)
			}
			return webhook == known || strings.HasSuffix(webhook, "."+known)
		}) {
			out = append(out, at)
		}
	}
	return out
}

// IsCNIDaemonSet is true for the name of a DaemonSet of its CNI plugin.
func (i *Injector) IsCNIDaemonSet(daemonSet string) bool {
	return slices.Contains(i.cniDaemonSets, daemonSet)
}

// AllContainerNames are the names of all that it may add, by which its work is recognized in a pod.
func (i *Injector) AllContainerNames() []string {
	out := i.DefaultPod.ContainerNames()
	if i.PodWithCNI != nil {
		out = append(out, i.PodWithCNI.ContainerNames()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// InjectionAnnotationKeys are the keys of all annotations by which injectors choose, without the * of those that stand for many.
func InjectionAnnotationKeys(all []Injector) []string {
	var out []string
	for _, i := range all {
		for _, c := range i.injectionRules {
			if c.locations&(onAnnotation|onNamespaceAnnotation) != 0 {
				out = append(out, strings.TrimSuffix(c.key, "*"))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
