package cluster

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// badAnswerError is an answer that came whole and is not what was asked for. Asking again would bring the same.
type badAnswerError struct{ cause error }

func (e *badAnswerError) Error() string { return e.cause.Error() }
func (e *badAnswerError) Unwrap() error { return e.cause }

// httpStatus is the HTTP status that an error carries, 0 if the server did not answer.
func httpStatus(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

func isForbidden(err error) bool {
	c := httpStatus(err)
	return c == http.StatusUnauthorized || c == http.StatusForbidden
}

// isRetryable says whether asking again may help: the server is busy or failing, or the connection was cut.
func isRetryable(err error) bool {
	var answer *badAnswerError
	if errors.As(err, &answer) || isUntrustedAnswer(err) {
		return false
	}
	c := httpStatus(err)
	return c == 0 || c == http.StatusTooManyRequests || c >= http.StatusInternalServerError
}

func isUntrustedAnswer(err error) bool {
	var guard *untrustedAnswerError
	return errors.As(err, &guard)
}

// withoutRequestURL takes the URL off a transport error, which holds a continue token of several hundred characters, and what client-go
// says about an answer that the guard refused.
func withoutRequestURL(err error) error {
	var guard *untrustedAnswerError
	if errors.As(err, &guard) {
		return guard
	}
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// serverErrorText are an error in a gap. A server chooses them, and may choose a lot.
func serverErrorText(err error) string {
	return shortenServerText(withoutRequestURL(err).Error(), 2000)
}

// forbiddenList is a 401 or 403 for something that is served.
type forbiddenList struct {
	resource, group string
	// custom, if set, has the kind from the table of package custom.
	custom *custom.KnownResource
	cause  error
}

// statusText says what became of the request.
func (r *forbiddenList) statusText() string {
	if httpStatus(r.cause) == http.StatusUnauthorized {
		return "needs valid credentials"
	}
	return "is forbidden"
}

func (r *forbiddenList) gap() inventory.Gap {
	return inventory.Gap{
		What:       r.resource,
		Why:        message.New("list-forbidden", "outcome", r.statusText(), "code", httpStatus(r.cause), "error", serverErrorText(r.cause), "resource", r.resource, "group", r.group),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(r.resource),
	}
}

// inventoryPartOf returns what a list of a resource can change; "" for one that is not read as its kind.
func inventoryPartOf(resource string) inventory.GapPart {
	for _, k := range builtinKinds() {
		if k.resource == resource {
			return inventory.PartOfKind("", strings.TrimSuffix(k.listKind, "List"))
		}
	}
	return ""
}

// failedListGap keeps what was read before the failure: more knowledge can only make a level looser, and the gap says that
// there is more.
func failedListGap(resource string, read int, err error) inventory.Gap {
	return inventory.Gap{
		What:       resource,
		Why:        message.New("list-failed", "n", read, "error", serverErrorText(err), "again", !isUntrustedAnswer(err)),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(resource),
	}
}

// servedButNotFoundGap is for what discovery lists and nobody answers for.
func servedButNotFoundGap(resource string, gv schema.GroupVersion) inventory.Gap {
	return inventory.Gap{
		What:       resource,
		Why:        message.New("list-not-found", "version", gv),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(resource),
	}
}

// listRestartNote tells why a list was read again from the start.
func listRestartNote(resource, why string) inventory.Note {
	return inventory.Note{
		What: resource,
		Why:  message.New("list-read-again", "reason", why),
	}
}

// whyNoPodSecurityPolicies says why a server of the given version, which may be unknown, serves no policies.
func whyNoPodSecurityPolicies(server string) string {
	v, err := version.ParseGeneric(server)
	switch {
	case err != nil:
		return "the server does not serve them"
	case v.LessThan(version.MajorMinor(1, 25)):
		return "the server does not serve them, though one of " + server + " can (policy/v1beta1 may be switched off)"
	}
	return "the server does not serve them (v1.25 removed them)"
}

// reportNotServed tells of a kind that no source serves. Policies went away in v1.25; the optional API groups can be switched
// off; what is in the core group is served by every API server, so its absence means that something else answered.
func (l *clusterLister) reportNotServed(k listedKind) func(*inventory.Builder) {
	switch {
	case k.resource == podSecurityPoliciesResource:
		return reportNote(inventory.Note{
			What: k.resource,
			Why:  message.New("policies-not-served", "reason", whyNoPodSecurityPolicies(l.serverGitVersion)),
		})
	case k.sources[0].gv.Group == "":
		return reportGap(inventory.Gap{
			What:       k.resource,
			Why:        message.New("core-kind-not-served"),
			Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(k.resource),
		})
	default:
		return reportNote(inventory.Note{
			What: k.resource,
			Why:  message.New("kind-not-served"),
		})
	}
}
