package auditlog

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// protoPayload is what is read of an audit entry of Google Cloud Logging for a request to a Kubernetes API server. Its annotations are
// in the labels of the entry. It names no groups.
type protoPayload struct {
	ServiceName        string `json:"serviceName"`
	MethodName         string `json:"methodName"`
	ResourceName       string `json:"resourceName"`
	AuthenticationInfo struct {
		PrincipalEmail string `json:"principalEmail"`
	} `json:"authenticationInfo"`
	Status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
}

// logEntry decodes an entry of Google Cloud Logging. Entries are written once a request is answered.
func (d *decoder) logEntry() error {
	f := &d.fields
	var p protoPayload
	if err := json.Unmarshal(f[protoPayloadField], &p); err != nil {
		return fmt.Errorf("its protoPayload: %w", err)
	}
	if p.ServiceName != "k8s.io" {
		return errForeign
	}
	e := Event{Stage: StageComplete, Time: f.time()}
	e.Object, e.Verb = objectOfMethod(p.MethodName, p.ResourceName)
	wanted := d.wants == nil || d.wants(&e)
	if !wanted {
		return d.event(&e, false)
	}
	var err error
	if e.AuditID, err = textOf(f[auditIDField]); err != nil {
		return fmt.Errorf("its insertId: %w", err)
	}
	e.User.Name = p.AuthenticationInfo.PrincipalEmail
	e.Code, e.Message = httpStatus(p.Status.Code, e.Verb), p.Status.Message
	if labels := innerObject(f[labelsField]); labels != nil {
		e.Annotations = map[string]string{}
		if err := decodeAnnotations(labels, e.Annotations); err != nil {
			return fmt.Errorf("its labels: %w", err)
		}
	}
	e.Level = LevelMetadata
	if isObject(p.Request) {
		e.Level, e.RequestObject = LevelRequest, p.Request
		if isObject(p.Response) {
			e.Level, e.ResponseObject = LevelRequestResponse, p.Response
		}
	}
	e.ObjectsDropped = e.Annotations[truncatedAnnotation] == "true"
	return d.event(&e, true)
}

// isObject reports whether a value of an entry of Google Cloud Logging is a JSON object.
func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// objectOfMethod returns what a request of an entry of Google Cloud Logging is for, and its verb: of "io.k8s.core.v1.pods.create" and
// "core/v1/namespaces/shop/pods/web".
func objectOfMethod(method, resource string) (ObjectReference, string) {
	var out ObjectReference
	words := strings.Split(strings.TrimPrefix(method, "io.k8s."), ".")
	verb := words[len(words)-1]
	for i, w := range words[:len(words)-1] {
		if isAPIVersion(w) && i > 0 {
			if out.APIGroup = strings.Join(words[:i], "."); out.APIGroup == "core" {
				out.APIGroup = ""
			}
			rest := words[i+1 : len(words)-1]
			if len(rest) > 0 {
				out.Resource = rest[0]
			}
			if len(rest) > 1 {
				out.Subresource = rest[1]
			}
			break
		}
	}
	parts := strings.Split(resource, "/")
	if len(parts) > 2 && parts[2] == "namespaces" && out.Resource != "namespaces" {
		parts = append(parts[:2:2], parts[3:]...)
		out.Namespace, parts = parts[2], append(parts[:2:2], parts[3:]...)
	}
	if len(parts) > 3 && parts[2] == out.Resource {
		out.Name = parts[3]
	}
	return out, verb
}

// httpStatus returns the HTTP status for the status code of gRPC in an entry of Google Cloud Logging, as far as it matters here.
func httpStatus(code int, verb string) int {
	switch {
	case code == 7:
		return http.StatusForbidden
	case code != 0:
		return http.StatusInternalServerError
	case verb == "create":
		return http.StatusCreated
	}
	return http.StatusOK
}

// isAPIVersion reports whether a word of a method name is the version of an API: v1, v1beta1.
func isAPIVersion(word string) bool {
	number, found := strings.CutPrefix(word, "v")
	return found && number != "" && number[0] >= '1' && number[0] <= '9'
}
