package labels

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// WriteTerraform writes a kubernetes_labels resource of the provider hashicorp/kubernetes for each namespace of
// WriteManifests. Names and values have no character that would have to be escaped in HCL, since no others are let through.
// It returns the errors of w.
func WriteTerraform(w io.Writer, p *migrate.Plan, opts Options) error {
	var b bytes.Buffer
	writeSummary(&b, p, opts, ", for the provider hashicorp/kubernetes")
	script.Comment(&b, "It refuses a label to which another field manager gave another value, unless the resource says force = true.")
	err := writeEachNamespace(&b, p, opts.Stage, "\n", func(ns *migrate.Namespace, set map[string]string) error {
		// A dash may stand in the name of a resource, a digit not at its start.
		fmt.Fprintf(&b, "resource \"kubernetes_labels\" \"ns_%s\" {\n", ns.Name)
		b.WriteString("  api_version = \"v1\"\n  kind        = \"Namespace\"\n")
		fmt.Fprintf(&b, "  metadata {\n    name = \"%s\"\n  }\n  labels = {\n", ns.Name)
		b.WriteString(formatHCLMap(set))
		b.WriteString("  }\n}\n")
		return nil
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// formatHCLMap returns labels as "terraform fmt" writes them, with the equals signs aligned.
func formatHCLMap(set map[string]string) string {
	widest := 0
	for key := range set {
		widest = max(widest, len(key))
	}
	var b strings.Builder
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, ok := set[key]; ok {
			fmt.Fprintf(&b, "    \"%s\"%s = \"%s\"\n", key, strings.Repeat(" ", widest-len(key)), value)
		}
	}
	return b.String()
}
