package admissionconfig

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
	admissionapi "k8s.io/pod-security-admission/admission/api"
)

// rancherKind is the kind of which Rancher makes the admission configuration of clusters that it sets up.
const rancherKind = "PodSecurityAdmissionConfigurationTemplate"

// readRancherTemplate reads the configuration of Pod Security admission of a Rancher template: its field configuration is a
// PodSecurityConfiguration without apiVersion and kind.
func readRancherTemplate(root *yaml.Node, name string) (*admissionapi.PodSecurityConfiguration, error) {
	if group, _, _ := strings.Cut(scalarValue(root, "apiVersion"), "/"); group != "management.cattle.io" {
		return nil, errorAt(name, root, fmt.Errorf("apiVersion %q has no kind %s: management.cattle.io/v3 has", scalarValue(root, "apiVersion"), rancherKind))
	}
	configuration := mappingValue(root, "configuration")
	if configuration == nil || configuration.Kind != yaml.MappingNode {
		return nil, errorAt(name, root, errors.New("the template has no configuration"))
	}
	text := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Line: configuration.Line}
	}
	whole := *configuration
	whole.Style = 0 // what begins with a brace is taken for JSON
	whole.Content = append([]*yaml.Node{text("apiVersion"), text(configurationVersions()[0]), text("kind"), text("PodSecurityConfiguration")}, configuration.Content...)
	return decodeConfiguration(&whole, name)
}

// singleItem returns the one Rancher admission configuration template of a list as kubectl writes it, or the object
// itself where it is no list. It fails for a list of several objects.
func singleItem(root *yaml.Node, name string) (*yaml.Node, error) {
	items := mappingValue(root, "items")
	if !strings.HasSuffix(scalarValue(root, "kind"), "List") || items == nil || items.Kind != yaml.SequenceNode {
		return root, nil
	}
	if len(items.Content) == 1 {
		return items.Content[0], nil
	}
	var names []string
	for _, item := range items.Content {
		if metadata := mappingValue(item, "metadata"); metadata != nil {
			names = append(names, fmt.Sprintf("%q", scalarValue(metadata, "name")))
		}
	}
	return nil, errorAt(name, root, fmt.Errorf("it is a list of %d objects (%s): give a file with the one that this cluster uses", len(items.Content), strings.Join(names, ", ")))
}
