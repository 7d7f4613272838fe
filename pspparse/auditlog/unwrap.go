package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errLegacy is the error of an audit log in the text format, which has neither annotations nor objects.
var errLegacy = errors.New("it is a log of --audit-log-format=legacy, which has neither annotations nor objects: start the API server with --audit-log-format=json")

// errCutOff is the error of a line of an audit log that something has shortened.
var errCutOff = errors.New("it is cut off: it ends in [Truncated...]")

// errForeign is the error of an entry beside audit events: a log of something else in the same stream.
var errForeign = errors.New("it is no audit event of a Kubernetes API server")

// maxWrappers is how many wrappers there may be around an event of an audit log.
const maxWrappers = 4

// decoder decodes the lines of an audit log, one after the other.
type decoder struct {
	fields rawFields
	// wants says of an event with its stage, verb and time whether the rest of it is decoded; nil wants all.
	wants func(*Event) bool
	// event gets each event. Event.Stage, Verb and Time alone are set where it is not wanted.
	event func(e *Event, wanted bool) error
	// foreign counts the elements of lists that are no audit events.
	foreign int
}

// line decodes one line of an audit log, or one element of a list: an event, or what is wrapped around one or several. It returns
// an error for what is none.
func (d *decoder) line(line []byte) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil
	}
	if line[0] != '{' && line[0] != '[' {
		var err error
		if line, err = withoutTime(line); err != nil {
			return err
		}
	}
	return d.value(line, 0)
}

// withoutTime returns a line of an audit log without the time before the JSON.
func withoutTime(line []byte) ([]byte, error) {
	if isLegacy(line) {
		return nil, errLegacy
	}
	start := bytes.IndexByte(line, '{')
	if start < 0 || start > 64 {
		return nil, errors.New("it is not JSON")
	}
	before := strings.TrimSpace(string(line[:start]))
	if _, err := time.Parse(time.RFC3339Nano, before); err != nil {
		return nil, fmt.Errorf("it is not JSON: %q stands before it, which is no time", before)
	}
	return line[start:], nil
}

// isLegacy reports whether a line of an audit log is in the text format of old API servers.
func isLegacy(line []byte) bool {
	return bytes.Contains(line[:min(len(line), 128)], []byte(` AUDIT: id="`))
}

// value decodes one value of an audit log below a number of wrappers.
func (d *decoder) value(value []byte, wrappers int) error {
	if wrappers > maxWrappers {
		return fmt.Errorf("it is wrapped more than %d times", maxWrappers)
	}
	if len(value) > 0 && value[0] == '[' {
		return d.elements(value, wrappers)
	}
	f := &d.fields
	if err := f.readFields(value); err != nil {
		if bytes.HasSuffix(bytes.TrimSpace(value), []byte("[Truncated...]")) {
			return errCutOff
		}
		return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
	}
	kind, err := textOf(f[kindField])
	if err != nil {
		return fmt.Errorf("its kind: %w", err)
	}
	version, err := textOf(f[apiVersionField])
	if err != nil {
		return fmt.Errorf("its apiVersion: %w", err)
	}
	ours := strings.HasPrefix(version, "audit.k8s.io/")
	switch {
	case kind == "Event" && ours, kind == "" && f.has(auditIDField) && f.has(stageField):
		return d.decodeEvent()
	case f.has(itemsField) && (kind == "" || kind == "EventList" && ours):
		return d.elements(f[itemsField], wrappers)
	case kind == "EventList" && ours:
		return nil
	case kind != "":
		return fmt.Errorf("it is %q of %q, not an event of audit.k8s.io", kind, version)
	case f.has(protoPayloadField):
		return d.logEntry()
	}
	return d.wrapped(wrappers)
}

// elements decodes a list of an audit log, and returns the errors of its elements.
func (d *decoder) elements(list []byte, wrappers int) error {
	var wrong []error
	err := eachElement(list, func(value []byte) error {
		switch err := d.value(value, wrappers+1); {
		case errors.Is(err, errForeign):
			d.foreign++
		case err != nil && len(wrong) < MaxBroken:
			wrong = append(wrong, err)
		}
		return nil
	})
	return errors.Join(append(wrong, err)...)
}

// wrapped decodes the event that an object of an audit log has as a string: the messages of CloudWatch, and the records of Azure.
func (d *decoder) wrapped(wrappers int) error {
	f := &d.fields
	category, err := textOf(f[categoryField])
	switch {
	case err != nil:
		return fmt.Errorf("its category: %w", err)
	case category != "" && category != "kube-audit" && category != "kube-audit-admin":
		return errForeign
	case f.has(propertiesField):
		properties := innerObject(f[propertiesField])
		if properties == nil || f.readFields(properties) != nil {
			return errForeign
		}
	}
	for _, id := range []fieldID{messageField, logField} {
		if !f.has(id) {
			continue
		}
		if f[id][0] == '{' {
			return d.value(f[id], wrappers+1)
		}
		text, err := textOf(f[id])
		if err != nil {
			return err
		}
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "{") {
			return errForeign
		}
		return d.value([]byte(text), wrappers+1)
	}
	return errors.New(`it is "" of "", not an event of audit.k8s.io`)
}

// decodeEvent decodes the event of an audit log whose fields were read.
func (d *decoder) decodeEvent() error {
	e, err := d.fields.head()
	if err != nil {
		return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
	}
	wanted := d.wants == nil || d.wants(&e)
	if wanted {
		if err := d.fields.complete(&e); err != nil {
			return fmt.Errorf("it is not an event of audit.k8s.io: %w", err)
		}
	}
	return d.event(&e, wanted)
}
