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

// badAnswerError is the error of an API server's answer that came whole and is not what was asked for. Asking again
// would bring the same.
type badAnswerError struct{ cause error }

// Error returns what is wrong with the API server's answer.
func (e *badAnswerError) Error() string { return e.cause.Error() }

// Unwrap returns the error that was found in the API server's answer.
func (e *badAnswerError) Unwrap() error { return e.cause }

// httpStatus returns the HTTP status of an API server's error, 0 if the server did not answer.
func httpStatus(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

// isForbidden says whether the server refused a request for want of credentials or rights (401 or 403).
func isForbidden(err error) bool {
	c := httpStatus(err)
	return c == http.StatusUnauthorized || c == http.StatusForbidden
}

// isRetryable says whether asking the server again may help: it is busy or failing, or the connection broke.
func isRetryable(err error) bool {
	var answer *badAnswerError
	if errors.As(err, &answer) || isUntrustedAnswer(err) {
		return false
	}
	c := httpStatus(err)
	return c == 0 || c == http.StatusTooManyRequests || c >= http.StatusInternalServerError
}

// isUntrustedAnswer says whether the guarded transport refused an answer of the server.
func isUntrustedAnswer(err error) bool {
	var guard *untrustedAnswerError
	return errors.As(err, &guard)
}

// withoutRequestURL returns a transport error of a request to the cluster without the URL, which holds a continue token
// of several hundred characters, and what client-go says about an answer that the guarded transport refused.
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

// serverErrorText returns an error for a gap, cut short: a server chooses the text, and may choose a lot.
func serverErrorText(err error) string {
	return shortenServerText(withoutRequestURL(err).Error(), 2000)
}

// forbiddenList is a list that the API server refused (401 or 403), of a kind that it serves.
type forbiddenList struct {
	// resource and group name the kind.
	resource, group string
	// custom, if set, is the kind in the table of package custom.
	custom *custom.KnownResource
	// cause is the server's answer.
	cause error
}

// statusText returns the text on how the API server refused the list: it needs credentials, or is forbidden.
func (r *forbiddenList) statusText() string {
	if httpStatus(r.cause) == http.StatusUnauthorized {
		return "needs valid credentials"
	}
	return "is forbidden"
}

// gap returns the gap of the list that the API server refused, with the rule to grant.
func (r *forbiddenList) gap() inventory.Gap {
	return inventory.Gap{
		What:       r.resource,
		Why:        message.New("list-forbidden", "outcome", r.statusText(), "code", httpStatus(r.cause), "error", serverErrorText(r.cause), "resource", r.resource, "group", r.group),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(r.resource),
	}
}

// inventoryPartOf returns which part of the inventory a cluster's list of a resource can change; "" for a resource that
// is not read as its kind.
func inventoryPartOf(resource string) inventory.GapPart {
	for _, k := range builtinKinds() {
		if k.resource == resource {
			return inventory.PartOfKind("", strings.TrimSuffix(k.listKind, "List"))
		}
	}
	return ""
}

// failedListGap returns the gap of a cluster's list that failed. What was read before stays: more knowledge can only
// make a level looser.
func failedListGap(resource string, read int, err error) inventory.Gap {
	return inventory.Gap{
		What:       resource,
		Why:        message.New("list-failed", "n", read, "error", serverErrorText(err), "again", !isUntrustedAnswer(err)),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(resource),
	}
}

// servedButNotFoundGap returns the gap of a kind that discovery lists and for which the server answers 404.
func servedButNotFoundGap(resource string, gv schema.GroupVersion) inventory.Gap {
	return inventory.Gap{
		What:       resource,
		Why:        message.New("list-not-found", "version", gv),
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventoryPartOf(resource),
	}
}

// listRestartNote returns the note of a cluster's list that was read again from the start, with the reason.
func listRestartNote(resource, why string) inventory.Note {
	return inventory.Note{
		What: resource,
		Why:  message.New("list-read-again", "reason", why),
	}
}

// whyNoPodSecurityPolicies says why a server of some version, which may be unknown, serves no PodSecurityPolicies.
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

// reportNotServed returns a function that adds the gap or note of a kind that the server serves in no version.
// PodSecurityPolicies went away in v1.25, and optional API groups can be off; every API server has the core group, so without
// that something else answered.
func (l *clusterLister) reportNotServed(k listedKind) func(inventory.Sink) {
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
