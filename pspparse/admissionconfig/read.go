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

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// MaxFileBytes is how large an admission configuration file may be; a real one has a few hundred bytes.
const MaxFileBytes = 1 << 20

// FileOpener opens the file of a name, for Read: an admission configuration may name another file.
type FileOpener func(name string) (io.ReadCloser, error)

// Read returns the configuration of Pod Security admission from a file of an API server: an AdmissionConfiguration, a
// PodSecurityConfiguration or a template of Rancher for it. Where the file only names another one for the plugin
// PodSecurity, that is read. A file without anything for the plugin gives the defaults of the library: privileged, and
// nothing exempt.
//
// It fails where a file cannot be opened, is not one YAML or JSON document of a kind that is known, or has a value that the
// API server refuses; the error names the file and line.
func Read(open FileOpener, name string) (*admissionapi.PodSecurityConfiguration, error) {
	root, err := readDocument(open, name)
	if err != nil {
		return nil, err
	}
	root, err = singleItem(root, name)
	if err != nil {
		return nil, err
	}
	switch scalarValue(root, "kind") {
	case "AdmissionConfiguration":
	case rancherKind:
		return readRancherTemplate(root, name)
	default:
		return decodeConfiguration(root, name)
	}
	if group, _, _ := strings.Cut(scalarValue(root, "apiVersion"), "/"); group != "apiserver.config.k8s.io" && group != "apiserver.k8s.io" {
		return nil, errorAt(name, root, fmt.Errorf("apiVersion %q has no kind AdmissionConfiguration: apiserver.config.k8s.io/v1 has", scalarValue(root, "apiVersion")))
	}
	return readPluginConfiguration(open, root, name)
}

// readPluginConfiguration returns what an AdmissionConfiguration has for the plugin PodSecurity, or names in another file.
func readPluginConfiguration(open FileOpener, root *yaml.Node, name string) (*admissionapi.PodSecurityConfiguration, error) {
	plugins := mappingValue(root, "plugins")
	if plugins == nil {
		return defaultConfiguration()
	}
	if plugins.Kind != yaml.SequenceNode {
		return nil, errorAt(name, plugins, errors.New("plugins is no list"))
	}
	for _, plugin := range plugins.Content {
		if scalarValue(plugin, "name") != "PodSecurity" {
			continue
		}
		configuration, path := mappingValue(plugin, "configuration"), scalarValue(plugin, "path")
		switch {
		case configuration != nil && configuration.Tag != "!!null":
			return decodeConfiguration(configuration, name)
		case path == "":
			return defaultConfiguration()
		case !filepath.IsAbs(path):
			path = filepath.Join(filepath.Dir(name), path)
		}
		inner, err := readDocument(open, path)
		if err != nil {
			return nil, fmt.Errorf("reading what %s names for PodSecurity: %w; take that file from the API server's host too, or give it alone", name, err)
		}
		return decodeConfiguration(inner, path)
	}
	return defaultConfiguration()
}

// defaultConfiguration returns the configuration of Pod Security admission that the library has built in.
func defaultConfiguration() (*admissionapi.PodSecurityConfiguration, error) {
	return load.LoadFromData(nil)
}

// readDocument returns the one YAML or JSON document of an admission configuration file.
func readDocument(open FileOpener, name string) (*yaml.Node, error) {
	f, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the admission configuration %q: %w", name, fileerror.Explain(name, err))
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the admission configuration %q: %w", name, fileerror.Explain(name, err))
	}
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("reading the admission configuration %q: it has more than %d bytes", name, MaxFileBytes)
	}
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the admission configuration %q: it is empty", name)
	} else if err != nil {
		return nil, fmt.Errorf("reading the admission configuration %q: it is neither YAML nor JSON%s; give the file of --admission-control-config-file", name, lineOfError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the admission configuration %q: it holds more than one document", name)
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errorAt(name, &doc, errors.New("it is no object"))
	}
	if anchor := findAnchor(&doc); anchor != nil {
		return nil, errorAt(name, anchor, errors.New("anchors and aliases are not read here: write the values out"))
	}
	return doc.Content[0], nil
}

// errorLine matches the line in an error of the YAML parser.
var errorLine = regexp.MustCompile(`line [0-9]+`)

// lineOfError returns where an admission configuration is no YAML, as far as the parser says it: " (line 3)".
func lineOfError(err error) string {
	if line := errorLine.FindString(err.Error()); line != "" {
		return " (" + line + ")"
	}
	return ""
}

// findAnchor returns the first anchor or alias of an admission configuration in YAML, nil if there is none: what is cut
// out of a document would lose what it refers to.
func findAnchor(n *yaml.Node) *yaml.Node {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return n
	}
	for _, c := range n.Content {
		if found := findAnchor(c); found != nil {
			return found
		}
	}
	return nil
}

// configurationVersions returns the apiVersions of a PodSecurityConfiguration, the newest first. v1.22 reads the last,
// v1.23 and v1.24 that before it, later ones all.
func configurationVersions() []string {
	const group = "pod-security.admission.config.k8s.io/"
	return []string{group + "v1", group + "v1beta1", group + "v1alpha1"}
}

// decodeConfiguration decodes, from an admission configuration, and validates a PodSecurityConfiguration as the API
// server does.
func decodeConfiguration(n *yaml.Node, name string) (*admissionapi.PodSecurityConfiguration, error) {
	if n.Kind != yaml.MappingNode {
		return nil, errorAt(name, n, errors.New("the configuration of PodSecurity is no object"))
	}
	if kind, version := scalarValue(n, "kind"), scalarValue(n, "apiVersion"); kind != "PodSecurityConfiguration" || !slices.Contains(configurationVersions(), version) {
		return nil, errorAt(name, n, fmt.Errorf("it is of kind %q, apiVersion %q: want AdmissionConfiguration, PodSecurityConfiguration of %s, or Rancher's %s", kind, version, strings.Join(configurationVersions(), ", "), rancherKind))
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return nil, errorAt(name, n, err)
	}
	config, err := load.LoadFromData(text)
	if err != nil {
		return nil, errorAt(name, n, err)
	}
	var all []error
	for _, e := range validation.ValidatePodSecurityConfiguration(config) {
		all = append(all, errorAt(name, nodeAtPath(n, e.Field), e))
	}
	return config, errors.Join(all...)
}

// errorAt adds the file and the line of an admission configuration's node to an error.
func errorAt(name string, n *yaml.Node, err error) error {
	return fmt.Errorf("reading the admission configuration: %s:%d: %w", name, n.Line, err)
}

// pathStepPattern matches the steps of a field path.
var pathStepPattern = regexp.MustCompile(`[^.\[\]]+`)

// nodeAtPath returns the node of an admission configuration at a field path such as exemptions.namespaces[0], or the
// last one on the way that exists.
func nodeAtPath(n *yaml.Node, path string) *yaml.Node {
	for _, key := range pathStepPattern.FindAllString(path, -1) {
		next := mappingValue(n, key)
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

// mappingValue returns the value of a key in an admission configuration's YAML mapping; nil for none.
func mappingValue(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalarValue returns the text of a key's scalar in an admission configuration's YAML mapping; "" for none.
func scalarValue(n *yaml.Node, key string) string {
	if v := mappingValue(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
