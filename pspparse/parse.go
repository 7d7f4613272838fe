package pspparse

import (
	"errors"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// PolicyKind is the kind of a PodSecurityPolicy.
const PolicyKind = "PodSecurityPolicy"

// lastAppliedAnnotation holds a copy of the whole object that kubectl keeps, which nobody enforces.
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

// policyDocument is the part of a YAML or JSON object that has a meaning for a PodSecurityPolicy. The decoder reads the
// fields that exist from its json tags.
type policyDocument struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   policyMetadata `json:"metadata"`
	Spec       Spec           `json:"spec"`
}

// policyMetadata is the metadata of a PodSecurityPolicy: every field of the API's ObjectMeta, so that a live policy has
// no unknown fields.
type policyMetadata struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`

	SelfLink                   ignoredField `json:"selfLink"`
	UID                        ignoredField `json:"uid"`
	ResourceVersion            ignoredField `json:"resourceVersion"`
	Generation                 ignoredField `json:"generation"`
	CreationTimestamp          ignoredField `json:"creationTimestamp"`
	DeletionTimestamp          ignoredField `json:"deletionTimestamp"`
	DeletionGracePeriodSeconds ignoredField `json:"deletionGracePeriodSeconds"`
	OwnerReferences            ignoredField `json:"ownerReferences"`
	Finalizers                 ignoredField `json:"finalizers"`
	ManagedFields              ignoredField `json:"managedFields"`
	ClusterName                ignoredField `json:"clusterName"`
	Initializers               ignoredField `json:"initializers"`
}

// Parse reads one PodSecurityPolicy from a YAML document or mapping node, whose lines are those of the file. Scalars mean
// what they mean to kubectl (YAML 1.1), and keys are case-sensitive as on the API server.
//
// Either the Policy or the Problems are nil. The Problems are all Errors; the Warnings about a policy that could be read
// are in Policy.Problems. Both are sorted by line.
func Parse(doc *yaml.Node, file string) (*Policy, []Problem) {
	root := doc
	if root != nil && root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	if root == nil {
		root = &yaml.Node{}
	}
	if root.Kind == 0 || root.Kind == yaml.DocumentNode || yamlnode.IsNull(root) {
		return nil, []Problem{{Severity: Error, Line: root.Line, Message: message.New("psp-document-empty")}}
	}
	if err := yamlnode.CheckExpansion(root); err != nil {
		return nil, []Problem{{Severity: Error, Line: err.Line, Message: message.New("psp-document-invalid", "error", err.Reason)}}
	}
	line := yamlnode.AliasTarget(root).Line
	d := &policyDecoder{lines: map[string]int{"": line}, failedFields: map[string]bool{}}
	var obj policyDocument
	d.decodeObject(&obj, root)
	d.checkHeader(&obj)
	if d.problems.errors > 0 {
		return nil, d.problems.ofSeverity(Error)
	}
	delete(d.lines, "")
	if rc := obj.Spec.RuntimeClass; rc != nil && rc.AllowedRuntimeClassNames == nil {
		rc.AllowedRuntimeClassNames = []string{} // the API requires the list, and one that is absent forbids as an empty one
	}
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
	validatePolicy(p, &d.problems)
	addPolicyAdvice(p, &d.problems)
	p.Problems = d.problems.sorted()
	return p, nil
}

// ParseJSON reads one PodSecurityPolicy from a JSON object, whose first byte stands at the given position, by the rules of
// Parse. With a zero position (a live cluster) every line is 0; the keys of Policy.Lines still show what was stated.
func ParseJSON(data []byte, at Position) (*Policy, []Problem) {
	node, err := yamlnode.FromJSON(data, at.Line)
	if err != nil {
		line, reason := at.Line, err.Error()
		var syntax *yamlnode.DocumentError
		if errors.As(err, &syntax) {
			line, reason = syntax.Line, syntax.Reason
		}
		return nil, []Problem{{Severity: Error, Line: line, Message: message.New("psp-document-invalid", "error", reason)}}
	}
	return Parse(node, at.File)
}

// applyDefaults sets allowPrivilegeEscalation to its API default, the only one of a PodSecurityPolicy. Admission relies on
// it: it reads the pointer unchecked.
func (p *Policy) applyDefaults() {
	if p.Spec.AllowPrivilegeEscalation == nil {
		yes := true
		p.Spec.AllowPrivilegeEscalation = &yes
	}
}

// checkHeader adds Problems of everything outside the spec of a PodSecurityPolicy: kind, apiVersion and metadata.
func (d *policyDecoder) checkHeader(obj *policyDocument) {
	if obj.Kind != "" && obj.Kind != PolicyKind {
		d.addError("kind", d.lineOf("kind"), message.New("psp-kind-wrong", "kind", obj.Kind,
			"case", strings.EqualFold(obj.Kind, PolicyKind)))
	}
	d.checkAPIVersion(obj)
	d.checkName(&obj.Metadata)
	if ns := obj.Metadata.Namespace; ns != "" {
		d.addWarning("metadata.namespace", d.lineOf("metadata.namespace"),
			message.New("psp-namespace-ignored", "namespace", ns))
	}
	if _, ok := obj.Metadata.Annotations[lastAppliedAnnotation]; ok {
		delete(obj.Metadata.Annotations, lastAppliedAnnotation)
		delete(d.lines, "metadata.annotations["+lastAppliedAnnotation+"]")
		if len(obj.Metadata.Annotations) == 0 {
			obj.Metadata.Annotations = nil
		}
	}
}

// checkAPIVersion adds a Problem for an apiVersion under which no server ever served a PodSecurityPolicy.
func (d *policyDecoder) checkAPIVersion(obj *policyDocument) {
	line := d.lineOf("apiVersion")
	group, _, hasGroup := strings.Cut(obj.APIVersion, "/")
	switch lower := strings.ToLower(group); {
	case d.alreadyFailed("apiVersion"):
		// Already reported as the wrong type.
	case obj.APIVersion == "policy/v1beta1", obj.APIVersion == "extensions/v1beta1":
	case obj.APIVersion == "" && obj.Kind == "":
		// An item of a typed list carries neither; the list says what it is.
	case obj.APIVersion == "":
		d.addWarning("apiVersion", line, message.New("psp-api-version-missing"))
	case strings.Count(obj.APIVersion, "/") > 1:
		d.addError("apiVersion", line, message.New("psp-api-version-invalid", "apiVersion", obj.APIVersion))
	case !hasGroup, lower == "policy", lower == "extensions":
		d.addWarning("apiVersion", line, message.New("psp-api-version-not-served", "apiVersion", obj.APIVersion))
	default:
		d.addError("apiVersion", line, message.New("psp-api-group-wrong", "apiVersion", obj.APIVersion))
	}
}

// nameField is the path of the name of a PodSecurityPolicy.
const nameField = "metadata.name"

// checkName adds an Error for a PodSecurityPolicy without a valid name.
func (d *policyDecoder) checkName(m *policyMetadata) {
	if d.alreadyFailed(nameField) || d.alreadyFailed("metadata") || d.alreadyFailed("") {
		return
	}
	switch msgs := validation.IsDNS1123Subdomain(m.Name); {
	case m.Name == "" && m.GenerateName != "":
		d.addError(nameField, d.lineOf("metadata.generateName"),
			message.New("psp-name-missing", "generated", true))
	case m.Name == "":
		d.addError(nameField, d.lineOf("metadata"), message.New("psp-name-missing"))
	case len(msgs) > 0:
		d.addError(nameField, d.lineOf(nameField), message.New("psp-name-invalid", "name", m.Name, "template", hasTemplateMarks(m.Name)))
	}
}
