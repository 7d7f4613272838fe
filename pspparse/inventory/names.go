package inventory

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// generatedSuffix stands for the part of a name that the server will choose.
const generatedSuffix = "<generated>"

// Limits of the API server on names.
const (
	// maxLabelLength is how long a DNS label may be on the API server.
	maxLabelLength = 63
	// maxSubdomainLength is how long a DNS subdomain may be on the API server.
	maxSubdomainLength = 253
)

// checkObjectName returns an error that says why a name cannot be that of an object of a kind; nil if it can.
func checkObjectName(kind, name string) error {
	if name == "" {
		return fmt.Errorf("metadata.name is missing: give the %s a name", kind)
	}
	switch kind {
	case "Namespace":
		return checkNamespace(name)
	case "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		if name == "." || name == ".." || strings.ContainsAny(name, "/%") {
			return fmt.Errorf(`name %s is not valid for a %s: it may not contain "/" or "%%", nor be "." or ".."`, quote(name), kind)
		}
		return nil
	}
	if !IsDNSSubdomain(name) {
		if hasDollarTemplate(name) {
			return unrenderedNameError("name", name)
		}
		return fmt.Errorf("name %s is not valid for a %s: use at most %d lower-case letters, digits, '-' and '.', "+
			"starting and ending with a letter or digit", quote(name), kind, maxSubdomainLength)
	}
	return nil
}

// checkNamespace returns an error that says why a name cannot be that of a namespace; nil if it can.
func checkNamespace(name string) error {
	if !IsDNSLabel(name) {
		if hasDollarTemplate(name) {
			return unrenderedNameError("namespace", name)
		}
		return fmt.Errorf("namespace %s is not a valid name: use at most %d lower-case letters, digits and '-', "+
			"starting and ending with a letter or digit", quote(name), maxLabelLength)
	}
	return nil
}

// DollarTemplateTools names the tools that render templates with ${ } in them.
const DollarTemplateTools = "envsubst, terraform, or the tool that replaces ${ }"

// hasDollarTemplate reports whether an object's name has a ${ } that a tool should have replaced.
func hasDollarTemplate(name string) bool { return strings.Contains(name, "${") }

// unrenderedNameError returns the error of an object's name with a ${ } in it.
func unrenderedNameError(what, name string) error {
	return fmt.Errorf("%s %s is of a template that was not rendered: render it first (%s)", what, quote(name), DollarTemplateTools)
}

// IsDNSLabel reports whether a name is a DNS label of RFC 1123, as the name of a namespace has to be. It is written
// by hand because it runs for every pod.
func IsDNSLabel(s string) bool {
	if s == "" || len(s) > maxLabelLength {
		return false
	}
	return isDNSLabelText(s)
}

// IsDNSSubdomain reports whether a name of an inventory's object is a subdomain of RFC 1123: labels joined by dots,
// whose length the API server does not limit one by one.
func IsDNSSubdomain(s string) bool {
	if len(s) > maxSubdomainLength {
		return false
	}
	for {
		label, rest, more := strings.Cut(s, ".")
		if !isDNSLabelText(label) {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

// isDNSLabelText reports whether a name of an inventory's object has the characters of a label of RFC 1123, of any
// length.
func isDNSLabelText(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return s != ""
}

// nameOrGenerateName returns the name of an object of a kind to show, and whether the server is to choose its end. It fails
// where neither metadata.name nor metadata.generateName is valid.
func nameOrGenerateName(kind string, m *ObjectMeta) (name string, generated bool, err error) {
	if m.Name != "" || m.GenerateName == "" {
		return m.Name, false, checkObjectName(kind, m.Name)
	}
	prefix := m.GenerateName
	if strings.HasSuffix(prefix, "-") {
		prefix += "x" // as the server's random part will
	}
	if !IsDNSSubdomain(prefix) {
		return "", false, fmt.Errorf("generateName %s is not valid: use lower-case letters, digits, '-' and '.'", quote(m.GenerateName))
	}
	return m.GenerateName + generatedSuffix, true, nil
}

// quote quotes the name of an inventory's object for a message.
func quote(s string) string { return english.QuoteInput(s, 80) }

// describeObject returns the name of an object for a gap or a note of the inventory: `Deployment "web/api"`.
func describeObject(kind, namespace, name string) string {
	if name == "" {
		name = "(no name)"
	}
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + quote(name)
}

// positionText returns the position of an object for a gap or a note of the inventory.
func positionText(p pspparse.Position) string {
	switch {
	case p.File == "":
		return "the cluster"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
