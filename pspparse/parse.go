package pspparse

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Kind is the only kind this package reads.
const Kind = "PodSecurityPolicy"

// lastApplied holds a copy of the whole object: a second truth that nobody enforces.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// document is the part of an object that has a meaning for a policy. Which fields exist is read from the json tags.
type document struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// metadata lists every field of the API's ObjectMeta, so that a live object is free of unknown fields.
type metadata struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`

	SelfLink                   ignored `json:"selfLink"`
	UID                        ignored `json:"uid"`
	ResourceVersion            ignored `json:"resourceVersion"`
	Generation                 ignored `json:"generation"`
	CreationTimestamp          ignored `json:"creationTimestamp"`
	DeletionTimestamp          ignored `json:"deletionTimestamp"`
	DeletionGracePeriodSeconds ignored `json:"deletionGracePeriodSeconds"`
	OwnerReferences            ignored `json:"ownerReferences"`
	Finalizers                 ignored `json:"finalizers"`
	ManagedFields              ignored `json:"managedFields"`
	ClusterName                ignored `json:"clusterName"`
	Initializers               ignored `json:"initializers"`
}

// Parse reads one document, given as a document or mapping node whose lines are those of the file. Scalars mean what
// they mean to kubectl (YAML 1.1), keys are case-sensitive as on the API server.
//
// Either the Policy or the Problems are nil: the Problems are all Errors, and the Warnings about a policy that could
// be read are in Policy.Problems. Both are sorted by line.
func Parse(doc *yaml.Node, file string) (*Policy, []Problem) {
	root := doc
	if root != nil && root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	if root == nil {
		root = &yaml.Node{}
	}
	if root.Kind == 0 || root.Kind == yaml.DocumentNode || isNull(root) {
		return nil, []Problem{{Severity: Error, Line: root.Line, Message: "the document is empty"}}
	}
	if p := measure(root); p != nil {
		return nil, []Problem{*p}
	}
	line := target(root).Line
	d := &decoder{lines: map[string]int{"": line}, failed: map[string]bool{}}
	var obj document
	d.object(&obj, root)
	d.header(&obj)
	if d.found.errors > 0 {
		return nil, d.found.only(Error)
	}
	delete(d.lines, "")
	p := &Policy{
		Name:        obj.Metadata.Name,
		APIVersion:  obj.APIVersion,
		Labels:      obj.Metadata.Labels,
		Annotations: obj.Metadata.Annotations,
		Spec:        obj.Spec,
		Position:    Position{File: file, Line: line},
		Lines:       d.lines,
	}
	p.applyDefaults()
	validate(p, &d.found)
	advise(p, &d.found)
	p.Problems = d.found.sorted()
	return p, nil
}

// ParseJSON reads one JSON object, whose first byte stands at the given position, with the rules of Parse. With a zero
// position (a live cluster) every line is 0; the keys of Policy.Lines still tell what was stated.
func ParseJSON(data []byte, at Position) (*Policy, []Problem) {
	node, err := JSONNode(data, at.Line)
	if err != nil {
		p := Problem{Severity: Error, Line: at.Line, Message: err.Error()}
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			p.Line, p.Message = syntax.Line, syntax.Reason
		}
		return nil, []Problem{p}
	}
	return Parse(node, at.File)
}

// applyDefaults applies the one default that the API has. Admission relies on it: it reads the pointer unchecked.
func (p *Policy) applyDefaults() {
	if p.Spec.AllowPrivilegeEscalation == nil {
		yes := true
		p.Spec.AllowPrivilegeEscalation = &yes
	}
}

// header judges everything outside spec.
func (d *decoder) header(obj *document) {
	if obj.Kind != "" && obj.Kind != Kind {
		msg := fmt.Sprintf("the kind is %s, not %s", quote(obj.Kind), Kind)
		if strings.EqualFold(obj.Kind, Kind) {
			msg += ": kinds are case-sensitive"
		}
		d.fail("kind", d.line("kind"), msg)
	}
	d.apiVersion(obj)
	d.name(&obj.Metadata)
	if ns := obj.Metadata.Namespace; ns != "" {
		d.warn("metadata.namespace", d.line("metadata.namespace"),
			fmt.Sprintf("policies are cluster-scoped: the namespace %s is ignored", quote(ns)))
	}
	if _, ok := obj.Metadata.Annotations[lastApplied]; ok {
		delete(obj.Metadata.Annotations, lastApplied)
		delete(d.lines, "metadata.annotations["+lastApplied+"]")
		if len(obj.Metadata.Annotations) == 0 {
			obj.Metadata.Annotations = nil
		}
	}
}

func (d *decoder) apiVersion(obj *document) {
	const served = "policies were served as policy/v1beta1 and extensions/v1beta1"
	line := d.line("apiVersion")
	group, _, hasGroup := strings.Cut(obj.APIVersion, "/")
	switch lower := strings.ToLower(group); {
	case d.bad("apiVersion"):
		// Already reported as the wrong type.
	case obj.APIVersion == "policy/v1beta1", obj.APIVersion == "extensions/v1beta1":
	case obj.APIVersion == "" && obj.Kind == "":
		// An item of a typed list carries neither; the list says what it is.
	case obj.APIVersion == "":
		d.warn("apiVersion", line, "the apiVersion is missing: read as policy/v1beta1")
	case strings.Count(obj.APIVersion, "/") > 1:
		d.fail("apiVersion", line, fmt.Sprintf("%s is not an API version; %s", quote(obj.APIVersion), served))
	case !hasGroup, lower == "policy", lower == "extensions":
		d.warn("apiVersion", line, fmt.Sprintf("no server ever served %s as %s: read as policy/v1beta1; %s",
			Kind, quote(obj.APIVersion), served))
	default:
		d.fail("apiVersion", line, fmt.Sprintf("%s is not the API group of a policy; %s", quote(obj.APIVersion), served))
	}
}

func (d *decoder) name(m *metadata) {
	const field = "metadata.name"
	if d.bad(field) || d.bad("metadata") || d.bad("") {
		return
	}
	switch msgs := validation.IsDNS1123Subdomain(m.Name); {
	case m.Name == "" && m.GenerateName != "":
		d.fail(field, d.line("metadata.generateName"),
			"the name is missing: a grant cannot name what only has a generateName; give metadata.name")
	case m.Name == "":
		d.fail(field, d.line("metadata"), "the name is missing; give metadata.name")
	case len(msgs) > 0:
		d.fail(field, d.line(field), fmt.Sprintf("%s is not a valid name: a name is at most 253 lower-case letters, digits, '-' and '.', "+
			"and starts and ends with a letter or digit%s", quote(m.Name), templateHint(m.Name)))
	}
}
