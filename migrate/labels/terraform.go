package labels

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
)

// Terraform writes a kubernetes_labels resource of the provider hashicorp/kubernetes for each namespace of Manifests.
// Names and values have no character that would have to be escaped in HCL, since no others are let through.
func Terraform(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	comment(&b, "%s, for the provider hashicorp/kubernetes.", title(p, opts))
	comment(&b, "It refuses a label to which another field manager gave another value, unless the resource says force = true.")
	for _, m := range manifests(&b, p, opts.Stage) {
		// A dash may stand in the name of a resource, a digit not at its start.
		fmt.Fprintf(&b, "\nresource \"kubernetes_labels\" \"ns_%s\" {\n", m.Metadata.Name)
		b.WriteString("  api_version = \"v1\"\n  kind        = \"Namespace\"\n")
		fmt.Fprintf(&b, "  metadata {\n    name = \"%s\"\n  }\n  labels = {\n", m.Metadata.Name)
		b.WriteString(hclMap(m.Metadata.Labels))
		b.WriteString("  }\n}\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// hclMap writes the labels as "terraform fmt" does: the signs below one another.
func hclMap(set map[string]string) string {
	widest := 0
	for key := range set {
		widest = max(widest, len(key))
	}
	var b strings.Builder
	for _, key := range migrate.LabelKeys() {
		if value, ok := set[key]; ok {
			fmt.Fprintf(&b, "    \"%s\"%s = \"%s\"\n", key, strings.Repeat(" ", widest-len(key)), value)
		}
	}
	return b.String()
}
