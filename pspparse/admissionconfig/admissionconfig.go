package admissionconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/admission/api/load"
	"k8s.io/pod-security-admission/admission/api/validation"
)

// MaxBytes is the most that a file may have; a real one has a few hundred.
const MaxBytes = 1 << 20

// Opener opens the file of a name.
type Opener func(name string) (io.ReadCloser, error)

// Read reads the file, an AdmissionConfiguration, a PodSecurityConfiguration or a template of Rancher for it, and, where that only names another one for the plugin, that one. A file without anything for
// PodSecurity gives the defaults that the library has built in: privileged, and nothing exempt.
func Read(open Opener, name string) (*admissionapi.PodSecurityConfiguration, error) {
	root, err := document(open, name)
	if err != nil {
		return nil, err
	}
	root, err = onlyItem(root, name)
	if err != nil {
		return nil, err
	}
	switch scalar(root, "kind") {
	case "AdmissionConfiguration":
	case rancherKind:
		return ofRancher(root, name)
	default:
		return decode(root, name)
	}
	if group, _, _ := strings.Cut(scalar(root, "apiVersion"), "/"); group != "apiserver.config.k8s.io" && group != "apiserver.k8s.io" {
		return nil, at(name, root, fmt.Errorf("apiVersion %q has no kind AdmissionConfiguration: apiserver.config.k8s.io/v1 has", scalar(root, "apiVersion")))
	}
	return ofPlugin(open, root, name)
}

// ofPlugin reads what an AdmissionConfiguration says for the plugin PodSecurity.
func ofPlugin(open Opener, root *yaml.Node, name string) (*admissionapi.PodSecurityConfiguration, error) {
	plugins := value(root, "plugins")
	if plugins == nil {
		return builtIn()
	}
	if plugins.Kind != yaml.SequenceNode {
		return nil, at(name, plugins, errors.New("plugins is no list"))
	}
	for _, plugin := range plugins.Content {
		if scalar(plugin, "name") != "PodSecurity" {
			continue
		}
		configuration, path := value(plugin, "configuration"), scalar(plugin, "path")
		switch {
		case configuration != nil && configuration.Tag != "!!null":
			return decode(configuration, name)
		case path == "":
			return builtIn()
		case !filepath.IsAbs(path):
			path = filepath.Join(filepath.Dir(name), path)
		}
		inner, err := document(open, path)
		if err != nil {
			return nil, fmt.Errorf("reading what %s names for PodSecurity: %w; take that file from the API server's host too, or give it alone", name, err)
		}
		return decode(inner, path)
	}
	return builtIn()
}

func builtIn() (*admissionapi.PodSecurityConfiguration, error) { return load.LoadFromData(nil) }

// document reads the one YAML or JSON document of a file.
func document(open Opener, name string) (*yaml.Node, error) {
	f, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the admission configuration: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the admission configuration %q: %w", name, err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("reading the admission configuration %q: it has more than %d bytes", name, MaxBytes)
	}
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the admission configuration %q: it is empty", name)
	} else if err != nil {
		return nil, fmt.Errorf("reading the admission configuration %q: %w", name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the admission configuration %q: it holds more than one document", name)
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, at(name, &doc, errors.New("it is no object"))
	}
	if anchor := anchored(&doc); anchor != nil {
		return nil, at(name, anchor, errors.New("anchors and aliases are not read here: write the values out"))
	}
	return doc.Content[0], nil
}

// anchored finds an anchor or alias: what is cut out of a document would lose what it refers to.
func anchored(n *yaml.Node) *yaml.Node {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return n
	}
	for _, c := range n.Content {
		if found := anchored(c); found != nil {
			return found
		}
	}
	return nil
}

// versions of the configuration, the newest first. v1.22 reads the last, v1.23 and v1.24 that before it, later ones all.
func versions() []string {
	const group = "pod-security.admission.config.k8s.io/"
	return []string{group + "v1", group + "v1beta1", group + "v1alpha1"}
}

// decode takes a PodSecurityConfiguration as the API server does.
func decode(n *yaml.Node, name string) (*admissionapi.PodSecurityConfiguration, error) {
	if n.Kind != yaml.MappingNode {
		return nil, at(name, n, errors.New("the configuration of PodSecurity is no object"))
	}
	if kind, version := scalar(n, "kind"), scalar(n, "apiVersion"); kind != "PodSecurityConfiguration" || !slices.Contains(versions(), version) {
		return nil, at(name, n, fmt.Errorf("it is of kind %q, apiVersion %q: want AdmissionConfiguration, PodSecurityConfiguration of %s, or Rancher's %s", kind, version, strings.Join(versions(), ", "), rancherKind))
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return nil, at(name, n, err)
	}
	config, err := load.LoadFromData(text)
	if err != nil {
		return nil, at(name, n, err)
	}
	var all []error
	for _, e := range validation.ValidatePodSecurityConfiguration(config) {
		all = append(all, at(name, find(n, e.Field), e))
	}
	return config, errors.Join(all...)
}

func at(name string, n *yaml.Node, err error) error {
	return fmt.Errorf("reading the admission configuration: %s:%d: %w", name, n.Line, err)
}

var step = regexp.MustCompile(`[^.\[\]]+`)

// find is the node of a field path such as exemptions.namespaces[0], or the last on the way that there is.
func find(n *yaml.Node, path string) *yaml.Node {
	for _, key := range step.FindAllString(path, -1) {
		next := value(n, key)
		if i, err := strconv.Atoi(key); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			next = n.Content[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func value(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
