// Package injector owns what is known of programs that add containers to pods at admission (Istio, Linkerd, Vault, ...): how they
// choose pods, and what they add. It takes labels and annotations and returns containers. It reads nothing and decides no level.
package injector

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Injector is a program whose admission webhook adds containers or volumes to pods, such as Istio.
type Injector struct {
	Name string
	// Source is the page or file that says what it adds.
	Source string
	// DefaultPod is what it adds to a pod by default, in the version that needs the loosest level. It is empty for one that
	// adds nothing that a level forbids.
	DefaultPod AddedPod
	// PodWithCNI is what it adds where its CNI plugin sets up the network; nil where it has none.
	PodWithCNI *AddedPod
	// webhooks are suffixes of the names of its webhooks, or of "configuration/webhook".
	webhooks []string
	// cniDaemonSets are the names of the DaemonSets of its CNI plugin.
	cniDaemonSets []string
	// MayAddNoContainer is true for one that may change a pod without adding a container. Then every live pod shows what it
	// does.
	MayAddNoContainer bool
	// injectsUnmarkedPods is true where it changes every pod that the selectors of its webhook match.
	injectsUnmarkedPods bool
	// variantMarks are the labels and annotations by which pods ask for another template or mode. Pods of different variants
	// are not compared.
	variantMarks []string
	// PolicyKinds are the kinds of object that say what a policy engine adds; nil for other injectors.
	PolicyKinds []PolicyKind
	// injectionRules decide whether it changes a pod: the first rule that matches a mark of the pod or its namespace.
	injectionRules []injectionRule
}

// PolicyKind is a kind of policy-engine object (Kyverno, Gatekeeper) that says what an injector adds to pods. Optional
// is true for one that not every version has.
type PolicyKind struct {
	Kind, Resource string
	Optional       bool
}

// InjectsByNamespace reports whether labels or annotations of a namespace make the injector change its pods.
func (i *Injector) InjectsByNamespace() bool {
	return slices.ContainsFunc(i.injectionRules, func(c injectionRule) bool { return c.injects && c.locations&onNamespace != 0 })
}

// RequestedVariant returns the variant of injection that a pod asks for by its labels and annotations; "" for the
// default.
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

// AddedEverything reports whether a pod has all containers that the injector adds, with its CNI plugin or without.
func (i *Injector) AddedEverything(has func(container string) bool) bool {
	all := func(p *AddedPod) bool {
		return !slices.ContainsFunc(p.ContainerNames(), func(name string) bool { return !has(name) })
	}
	return all(&i.DefaultPod) || i.PodWithCNI != nil && all(i.PodWithCNI)
}

// AddedPod is what an injector adds to a pod: init containers, containers and volumes.
type AddedPod struct {
	Init, Containers []corev1.Container
	Volumes          []corev1.Volume
}

// IsEmpty reports whether the injector adds nothing to a pod.
func (p *AddedPod) IsEmpty() bool { return len(p.Init)+len(p.Containers)+len(p.Volumes) == 0 }

// ContainerNames returns the names of the containers that the injector adds, init containers first.
func (p *AddedPod) ContainerNames() []string {
	var out []string
	for _, list := range [][]corev1.Container{p.Init, p.Containers} {
		for i := range list {
			out = append(out, list[i].Name)
		}
	}
	return out
}

// InjectionMarks are the labels and annotations of a pod and of its namespace, by which injectors choose pods.
type InjectionMarks struct {
	Labels, Annotations                   map[string]string
	NamespaceLabels, NamespaceAnnotations map[string]string
}

// markLocation is where injectors look for a choice: labels or annotations, of the pod or of its namespace.
type markLocation int

const (
	onLabel markLocation = 1 << iota
	onAnnotation
	onNamespaceLabel
	onNamespaceAnnotation

	onPod       = onLabel | onAnnotation
	onNamespace = onNamespaceLabel | onNamespaceAnnotation
)

// injectionRule is a label or annotation that makes an injector change a pod, or leave it alone.
type injectionRule struct {
	locations markLocation
	// key is that of the label or annotation. One that ends in * stands for all that begin so.
	key string
	// values are those that match, in any case; nil matches any but "" and "false".
	values  []string
	injects bool
}

// InjectionChoice says whether labels and annotations make an injector change a pod.
type InjectionChoice int

// The choices: Unmarked is no mark that decides.
const (
	Unmarked InjectionChoice = iota
	Injected
	OptedOut
)

// InjectionChoiceFor returns whether the injector changes a pod with these labels and annotations, and which of them decides.
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

// firstMatchingMark returns the first label or annotation that the injector's rule matches, as key=value.
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

// matchesValue reports whether the injector's rule matches the value of a label or annotation.
func (c *injectionRule) matchesValue(value string) bool {
	if c.values == nil {
		return value != "" && !strings.EqualFold(value, "false")
	}
	return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, value) })
}

// InjectsUnmarkedPods reports whether the injector changes every pod that the selectors of its webhook match, without a mark on
// the pod.
func (i *Injector) InjectsUnmarkedPods() bool { return i.injectsUnmarkedPods }

// FindByWebhook returns the indexes of the injectors that a webhook may belong to, by the names of its configuration and
// itself; none if it is not known.
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

// IsCNIDaemonSet reports whether a DaemonSet of this name is the injector's CNI plugin.
func (i *Injector) IsCNIDaemonSet(daemonSet string) bool {
	return slices.Contains(i.cniDaemonSets, daemonSet)
}

// AllContainerNames returns the names of all containers that the injector may add, sorted. They show its work in a pod.
func (i *Injector) AllContainerNames() []string {
	out := i.DefaultPod.ContainerNames()
	if i.PodWithCNI != nil {
		out = append(out, i.PodWithCNI.ContainerNames()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ChoosesByValue reports whether an injector chooses pods by a value of a label or annotation: it belongs to the program, and says
// nothing of whose the pods are.
func ChoosesByValue(all []Injector, key, value string) bool {
	return slices.ContainsFunc(all, func(i Injector) bool {
		return slices.ContainsFunc(i.injectionRules, func(c injectionRule) bool {
			prefix, many := strings.CutSuffix(c.key, "*")
			return (key == c.key || many && strings.HasPrefix(key, prefix)) && c.values != nil && c.matchesValue(value)
		})
	})
}
