package files

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// unrenderedField matches a field of a pod or a policy whose value has a template mark in it. Commands, arguments and annotations may
// well have such marks.
var unrenderedField = regexp.MustCompile(`\b(image|serviceAccountName|serviceAccount|runtimeClassName|runAsUser|runAsGroup|fsGroup|privileged|hostNetwork|hostPID|hostIPC|runAsNonRoot|allowPrivilegeEscalation|readOnlyRootFilesystem|hostPort|path)["']?\s*:\s*["']?[^"'\s,}]*(\{\{|\$\{)`)

const (
	// helmPipe and kustomizePipe are the pipes that render a folder, and envsubstPipe a file.
	helmPipe      = "helm template NAME FOLDER | psp2pss plan -f -"
	kustomizePipe = "kubectl kustomize FOLDER | psp2pss plan -f -"
	envsubstPipe  = "envsubst < FILE | psp2pss plan -f -"
)

// noteUnrendered adds a note for an object of the file that is judged as it stands and has a template mark in the value of a field
// that a template sets.
func (s *documentReader) noteUnrendered(o *manifestObject) {
	if !bytes.Contains(o.text, []byte("{{")) && !bytes.Contains(o.text, []byte("${")) {
		return
	}
	if inventory.PartOfKind(o.header.apiVersion, o.header.kind) == "" {
		return
	}
	if name := nameOfObject(o); strings.Contains(name.Name+name.Namespace, "${") {
		return // a gap says so
	}
	m := unrenderedField.FindSubmatchIndex(o.text)
	if m == nil {
		return
	}
	mark, pipe := "{{ }}", helmPipe
	if string(o.text[m[4]:m[5]]) == "${" {
		mark, pipe = "${ }", envsubstPipe
	}
	s.notes.add(message.New("looks-unrendered", "mark", mark, "pipe", pipe), s.position(o.textLine+bytes.Count(o.text[:m[0]], newlineBytes)), s.name)
}
