package auditlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is what is read of one event of an audit log, of any version of audit.k8s.io. What the log does not have is empty.
type Event struct {
	AuditID    string
	Level      string // Metadata, Request or RequestResponse
	Stage      string
	Verb       string
	RequestURI string
	// Time is that of the stage, or else that at which the request came.
	Time time.Time
	// User sent the request, in whose name Impersonator asked if that is not "".
	User         User
	Impersonator string
	Object       ObjectReference
	// Code and Message are those of the answer's status.
	Code    int
	Message string
	// RequestObject and ResponseObject are JSON as it stands in the log; nil where it has none. They are part of what was read:
	// whoever keeps them has to copy them.
	RequestObject, ResponseObject []byte
	Annotations                   map[string]string
	// ObjectsDropped is true where something left out the objects since they were too long.
	ObjectsDropped bool
}

// User is who sent a request, as an audit log names it. Some clouds do not log the groups.
type User struct {
	Name   string
	Groups []string
}

// ObjectReference is what the request of an audit event is for.
type ObjectReference struct {
	APIGroup, Resource, Subresource, Namespace, Name string
}

// StageComplete is the stage of an audit event that has the answer to its request.
const StageComplete = "ResponseComplete"

// The levels of audit events, from the least to the most that they hold.
const (
	LevelMetadata        = "Metadata"
	LevelRequest         = "Request"
	LevelRequestResponse = "RequestResponse"
)

// DryRun reports whether the request of an audit event was a dry run.
func (e *Event) DryRun() bool {
	u, err := url.ParseRequestURI(e.RequestURI)
	return err == nil && u.Query().Has("dryRun")
}

// truncatedAnnotation marks an audit event without its objects, which were too long (k8s.io/apiserver/plugin/pkg/audit/truncate).
const truncatedAnnotation = "audit.k8s.io/truncated"

// tooLongObject is what Azure Monitor has in place of an object that is too long (its table AKSAudit).
const tooLongObject = `"skipped-too-big-size-object"`

// fieldID is the place of a field of an event, or of what is wrapped around one, in rawFields.
type fieldID int

// The fields.
const (
	unknownField fieldID = iota
	kindField
	apiVersionField
	levelField
	auditIDField
	stageField
	requestURIField
	verbField
	userField
	impersonatedUserField
	objectRefField
	responseStatusField
	requestObjectField
	responseObjectField
	requestTimeField
	stageTimeField
	timestampField
	annotationsField
	// Those of wrappers follow.
	itemsField
	messageField
	categoryField
	propertiesField
	logField
	protoPayloadField
	labelsField
	fieldCount
)

// rawFields are the fields of one JSON object of an audit log, as they are written; nil where it has none.
type rawFields [fieldCount][]byte

// fieldOf returns which field a key of an audit log stands for. Beside the keys of audit.k8s.io these are those of wrappers, and the
// columns of the table AKSAudit of Azure Monitor. The insertId of Google Cloud Logging is as good as an auditID.
func fieldOf(key []byte) fieldID {
	switch string(key) {
	case `"kind"`:
		return kindField
	case `"apiVersion"`:
		return apiVersionField
	case `"level"`, `"Level"`:
		return levelField
	case `"auditID"`, `"AuditId"`, `"insertId"`:
		return auditIDField
	case `"stage"`, `"Stage"`:
		return stageField
	case `"requestURI"`, `"RequestUri"`:
		return requestURIField
	case `"verb"`, `"Verb"`:
		return verbField
	case `"user"`, `"User"`:
		return userField
	case `"impersonatedUser"`, `"ImpersonatedUser"`:
		return impersonatedUserField
	case `"objectRef"`, `"ObjectRef"`:
		return objectRefField
	case `"responseStatus"`, `"ResponseStatus"`:
		return responseStatusField
	case `"requestObject"`, `"RequestObject"`:
		return requestObjectField
	case `"responseObject"`, `"ResponseObject"`:
		return responseObjectField
	case `"requestReceivedTimestamp"`, `"RequestReceivedTime"`:
		return requestTimeField
	case `"stageTimestamp"`, `"StageReceivedTime"`:
		return stageTimeField
	case `"timestamp"`:
		return timestampField
	case `"annotations"`, `"Annotations"`:
		return annotationsField
	case `"items"`, `"events"`, `"logEvents"`, `"records"`, `"entries"`:
		return itemsField
	case `"message"`:
		return messageField
	case `"category"`:
		return categoryField
	case `"properties"`:
		return propertiesField
	case `"log"`:
		return logField
	case `"protoPayload"`:
		return protoPayloadField
	case `"labels"`:
		return labelsField
	}
	return unknownField
}

// readFields sets the fields of a JSON object of an audit log. It returns an error if the text is no JSON object.
func (f *rawFields) readFields(data []byte) error {
	*f = rawFields{}
	return eachField(data, func(key, value []byte) error {
		if bytes.IndexByte(key, '\\') >= 0 {
			plain, err := textOf(key)
			if err != nil {
				return err
			}
			key = strconv.AppendQuote(nil, plain)
		}
		if id := fieldOf(key); id != unknownField {
			f[id] = value
		}
		return nil
	})
}

// has reports whether the object of an audit log has a field, and it is not null.
func (f *rawFields) has(id fieldID) bool { return f[id] != nil && string(f[id]) != "null" }

// textOf decodes a JSON string of an audit log; null is "".
func textOf(value []byte) (string, error) {
	if len(value) >= 2 && value[0] == '"' {
		if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return string(inner), nil
		}
	} else if len(value) > 0 && value[0] != 'n' {
		return "", fmt.Errorf("%.40q is no text", value)
	}
	var out string
	if len(value) == 0 {
		return "", nil
	}
	err := json.Unmarshal(value, &out)
	return out, err
}

// texts decodes fields of an audit log that are strings, each into its variable.
func (f *rawFields) texts(into map[fieldID]*string) error {
	for id, to := range into {
		var err error
		if *to, err = textOf(f[id]); err != nil {
			return err
		}
	}
	return nil
}

// decodeTextsOf decodes those strings of a JSON object of an audit log that are asked for; nothing and null have none.
func decodeTextsOf(object []byte, into map[string]*string) error {
	if object = innerObject(object); object == nil {
		return nil
	}
	return eachField(object, func(key, value []byte) error {
		if to := into[strings.Trim(string(key), `"`)]; to != nil {
			var err error
			*to, err = textOf(value)
			return err
		}
		return nil
	})
}

// innerObject returns a JSON object of an audit log, which some exports write as a string; nil for none.
func innerObject(value []byte) []byte {
	if len(value) > 1 && value[0] == '"' {
		text, err := textOf(value)
		if err != nil || !strings.HasPrefix(strings.TrimSpace(text), "{") {
			return nil
		}
		return []byte(text)
	}
	if len(value) == 0 || value[0] == 'n' {
		return nil
	}
	return value
}

// head decodes what tells whether an event of an audit log matters.
func (f *rawFields) head() (Event, error) {
	var e Event
	var err error
	if e.Stage, err = textOf(f[stageField]); err != nil {
		return e, err
	}
	if e.Verb, err = textOf(f[verbField]); err != nil {
		return e, err
	}
	e.Time = f.time()
	return e, nil
}

// time returns the time of an event of an audit log; the zero time where it has none.
func (f *rawFields) time() time.Time {
	for _, id := range []fieldID{stageTimeField, requestTimeField, timestampField} {
		if text, err := textOf(f[id]); err == nil && text != "" {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// complete decodes the rest of an event of an audit log.
func (f *rawFields) complete(e *Event) error {
	if err := f.texts(map[fieldID]*string{auditIDField: &e.AuditID, levelField: &e.Level, requestURIField: &e.RequestURI}); err != nil {
		return err
	}
	if err := decodeUser(f[userField], &e.User); err != nil {
		return err
	}
	if f.has(impersonatedUserField) {
		e.Impersonator, e.User = e.User.Name, User{}
		if err := decodeUser(f[impersonatedUserField], &e.User); err != nil {
			return err
		}
	}
	o := &e.Object
	if err := decodeTextsOf(f[objectRefField], map[string]*string{
		"apiGroup": &o.APIGroup, "resource": &o.Resource, "subresource": &o.Subresource, "namespace": &o.Namespace, "name": &o.Name,
	}); err != nil {
		return err
	}
	if status := innerObject(f[responseStatusField]); status != nil {
		if err := decodeStatus(status, e); err != nil {
			return err
		}
	}
	if annotations := innerObject(f[annotationsField]); annotations != nil {
		e.Annotations = map[string]string{}
		if err := decodeAnnotations(annotations, e.Annotations); err != nil {
			return err
		}
	}
	e.RequestObject, e.ResponseObject = f.loggedObject(requestObjectField, e), f.loggedObject(responseObjectField, e)
	e.ObjectsDropped = e.ObjectsDropped || e.Annotations[truncatedAnnotation] == "true"
	return nil
}

// loggedObject returns an object of an event of an audit log; nil where it has none or it was left out.
func (f *rawFields) loggedObject(id fieldID, e *Event) []byte {
	value := f[id]
	switch {
	case !f.has(id):
		return nil
	case string(value) == tooLongObject:
		e.ObjectsDropped = true
		return nil
	case value[0] == '"':
		return innerObject(value)
	}
	return value
}

// decodeUser decodes who sent a request of an audit log.
func decodeUser(value []byte, u *User) error {
	if value = innerObject(value); value == nil {
		return nil
	}
	return eachField(value, func(key, value []byte) error {
		var err error
		switch string(key) {
		case `"username"`:
			u.Name, err = textOf(value)
		case `"groups"`:
			err = json.Unmarshal(value, &u.Groups)
		}
		return err
	})
}

// decodeStatus decodes the status in the answer of an audit event.
func decodeStatus(value []byte, e *Event) error {
	return eachField(value, func(key, value []byte) error {
		var err error
		switch string(key) {
		case `"code"`:
			err = json.Unmarshal(value, &e.Code)
		case `"message"`:
			e.Message, err = textOf(value)
		}
		return err
	})
}

// decodeAnnotations decodes the annotations of an audit event.
func decodeAnnotations(value []byte, into map[string]string) error {
	return eachField(value, func(key, value []byte) error {
		k, err := textOf(key)
		if err != nil {
			return err
		}
		into[k], err = textOf(value)
		return err
	})
}
