package files

import (
	"bytes"
	"regexp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

var (
	// tableHead matches the first line of a table that kubectl prints for people.
	tableHead = regexp.MustCompile(`\A(NAMESPACE|NAME) {2,}[A-Z]`)
	// describeHead matches how kubectl describe begins.
	describeHead = regexp.MustCompile(`\AName: {2,}\S.*\n(Namespace|Labels|Annotations|Settings|Priority|Role|Type|Kind|CreationTimestamp|Selector): `)
	// nameLines matches what kubectl get -o name prints, by its first line.
	nameLines = regexp.MustCompile(`\A[a-z][a-z.]*/[a-z0-9][a-z0-9.:-]*\n`)
)

// printedText returns what the text of a document is that some program printed for people, and what to do; "" for any other text.
func printedText(text []byte) string {
	text = bytes.TrimLeft(withoutLeadingBlankLines(text), "\r\n")
	if len(text) == 0 {
		return ""
	}
	const saveObjects = ": save the objects themselves with kubectl get -o yaml"
	begin := bytes.ToLower(text[:min(len(text), len("<!doctype html"))])
	switch {
	case bytes.HasPrefix(begin, []byte("<!doctype html")), bytes.HasPrefix(begin, []byte("<html")), bytes.HasPrefix(begin, []byte("<?xml")):
		return "it is a web page, perhaps with the error of a proxy: look at it, and fetch the file again"
	case text[0] != 'N' && (text[0] < 'a' || text[0] > 'z'):
		return ""
	case tableHead.Match(text):
		return "it is a table that kubectl printed" + saveObjects
	case describeHead.Match(text):
		return "it is what kubectl describe printed" + saveObjects
	case nameLines.Match(text):
		return "it is a list of names that kubectl printed" + saveObjects
	}
	return ""
}

// readWrongDocument adds a gap or a note for an object of the file that is no part of a dump but of something else that this tool
// reads elsewhere, or the refusal of a server. It returns false for any other object.
func (s *documentReader) readWrongDocument(o *manifestObject, data []byte, at pspparse.Position) bool {
	group, _, _ := bytes.Cut([]byte(o.header.apiVersion), []byte("/"))
	switch own := string(group) == "psp2pss.dev"; {
	case own && o.header.kind == "Plan" && bytes.Contains(data, []byte(`"containers"`)):
		s.addGap(gapOfDocument(o.label, message.New("document-is-plan"), at))
		return true
	case o.header.kind == "Status" && o.header.apiVersion == "v1" && bytes.Contains(data, []byte(`"Failure"`)):
		s.countNonObject()
		s.addGap(gapOfDocument(o.label, message.New("document-is-error"), at))
		return true
	case own && o.header.kind == "Journal":
		s.notes.add(message.New("document-given-wrongly", "what", "the journal of a roll-out", "flag", "--journal of rollback or verify"), at, "")
	case string(group) == "audit.k8s.io":
		s.notes.add(message.New("document-given-wrongly", "what", "an audit log", "flag", "plan --audit-log or verify --audit-log"), at, "")
	case o.header.kind == "Config" && o.header.apiVersion == "v1" && bytes.Contains(data, []byte(`"contexts"`)):
		s.notes.add(message.New("document-given-wrongly", "what", "a kubeconfig", "flag", "--kubeconfig"), at, "")
	}
	return false
}
