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
	// Adds is what it adds to a pod by default: in the version that needs most, where its recent ones differ. Empty for one
	// that adds no container and no volume that a level forbids.
	Adds Pod
	// WithCNI is what it adds where its CNI plugin sets up the network; nil where it has none.
	WithCNI *Pod
	// webhooks are suffixes of the names of its webhooks, or of "configuration/webhook".
	webhooks []string
	// cni are the names of the DaemonSets of its CNI plugin.
	cni []string
	// Silent is true for one that may act on a pod without adding a container: then any live pod shows what it does.
	Silent bool
	// selects is true where a pod that the selectors of its webhook match is changed, marked or not.
	selects bool
	// asks are the labels and annotations by which pods ask for another template or mode: what is added to them says nothing of
	// others.
	asks []string
	// Policies are the objects that say what a policy engine adds; nil for what is none.
	Policies []Policy
	// choices in order: the first that is about a pod decides.
	choices []choice
}

// Policy is a kind of object that tells a policy engine what to add. Later is true for one that not every version has.
type Policy struct {
	Kind, Resource string
	Later          bool
}

// ByNamespace is true where labels or annotations of a namespace make it take the pods there.
func (i *Injector) ByNamespace() bool {
	return slices.ContainsFunc(i.choices, func(c choice) bool { return c.takes && c.where&onNamespace != 0 })
}

// Asks is what a pod with these marks asks for beside the defaults; "" for nothing.
func (i *Injector) Asks(m Marks) string {
	var out []string
	for _, key := range i.asks {
		for _, of := range []map[string]string{m.Labels, m.Annotations, m.NamespaceAnnotations} {
			if value, ok := of[key]; ok {
				out = append(out, fmt.Sprintf("%s=%q", key, value))
			}
		}
	}
	return strings.Join(out, " ")
}

// Whole is true where a pod has all that the injector adds, with its CNI plugin or without.
func (i *Injector) Whole(has func(container string) bool) bool {
	all := func(p *Pod) bool {
		return !slices.ContainsFunc(p.Names(), func(name string) bool { return !has(name) })
	}
	return all(&i.Adds) || i.WithCNI != nil && all(i.WithCNI)
}

// Pod is what is added to a pod.
type Pod struct {
	Init, Containers []corev1.Container
	Volumes          []corev1.Volume
}

// Empty is true where nothing is added.
func (p *Pod) Empty() bool { return len(p.Init)+len(p.Containers)+len(p.Volumes) == 0 }

// Names of the containers, init containers first.
func (p *Pod) Names() []string {
	var out []string
	for _, list := range [][]corev1.Container{p.Init, p.Containers} {
		for i := range list {
			out = append(out, list[i].Name)
		}
	}
	return out
}

// Marks are labels and annotations of a pod and of its namespace.
type Marks struct {
	Labels, Annotations                   map[string]string
	NamespaceLabels, NamespaceAnnotations map[string]string
}

// place is where a mark stands.
type place int

const (
	onLabel place = 1 << iota
	onAnnotation
	onNamespaceLabel
	onNamespaceAnnotation

	onPod       = onLabel | onAnnotation
	onNamespace = onNamespaceLabel | onNamespaceAnnotation
)

// choice is a mark that makes an injector take a pod, or leave it alone.
type choice struct {
	where place
	// key of the mark; one that ends in * stands for all that begin so.
	key string
	// values of which one is meant, in any case; nil is any but "" and "false".
	values []string
	takes  bool
}

// Choice says what the marks come to.
type Choice int

// The choices: Unmarked is no mark that decides.
const (
	Unmarked Choice = iota
	Taken
	Refused
)

// Choose says whether the injector takes a pod with these marks, and which mark decides.
func (i *Injector) Choose(m Marks) (Choice, string) {
	for _, c := range i.choices {
		for _, at := range []struct {
			where place
			what  string
			of    map[string]string
		}{
			{onLabel, "label %s of its pods", m.Labels},
			{onAnnotation, "annotation %s of its pods", m.Annotations},
			{onNamespaceLabel, "label %s of the namespace", m.NamespaceLabels},
			{onNamespaceAnnotation, "annotation %s of the namespace", m.NamespaceAnnotations},
		} {
			if c.where&at.where == 0 {
				continue
			}
			if mark, ok := c.found(at.of); ok && c.takes {
				return Taken, fmt.Sprintf(at.what, mark)
			} else if ok {
				return Refused, fmt.Sprintf(at.what, mark)
			}
		}
	}
	return Unmarked, ""
}

// found is the first mark of the choice, as key=value.
func (c *choice) found(marks map[string]string) (string, bool) {
	prefix, many := strings.CutSuffix(c.key, "*")
	if !many {
		if value, ok := marks[c.key]; ok && c.means(value) {
			return c.key + "=" + value, true
		}
		return "", false
	}
	first := ""
	for key, value := range marks {
		if strings.HasPrefix(key, prefix) && c.means(value) && (first == "" || key < first) {
			first = key
		}
	}
	return first + "=" + marks[first], first != ""
}

func (c *choice) means(value string) bool {
	if c.values == nil {
		return value != "" && !strings.EqualFold(value, "false")
	}
	return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, value) })
}

// Selects is true where a pod that the selectors of its webhook match is changed without a mark of its own.
func (i *Injector) Selects() bool { return i.selects }

// OfWebhook returns the places in the table of the injectors whose webhook this may be; none if it is not known.
func OfWebhook(all []Injector, configuration, webhook string) []int {
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

// HasCNI is true for the name of a DaemonSet of its CNI plugin.
func (i *Injector) HasCNI(daemonSet string) bool { return slices.Contains(i.cni, daemonSet) }

// Containers are the names of all that it may add, by which its work is recognized in a pod.
func (i *Injector) Containers() []string {
	out := i.Adds.Names()
	if i.WithCNI != nil {
		out = append(out, i.WithCNI.Names()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Annotations are the keys of all annotations by which injectors choose, without the * of those that stand for many.
func Annotations(all []Injector) []string {
	var out []string
	for _, i := range all {
		for _, c := range i.choices {
			if c.where&(onAnnotation|onNamespaceAnnotation) != 0 {
				out = append(out, strings.TrimSuffix(c.key, "*"))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
