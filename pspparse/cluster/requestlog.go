package cluster

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// loggedTransport tells about every request to an API server and its answer. It stands between a client and its
// connection, below whatever adds credentials, and shows no header and no body.
type loggedTransport struct {
	// base sends the requests.
	base http.RoundTripper
	// log is called with a line about each, concurrently.
	log func(line string)
}

// RoundTrip sends a request to the API server, returns its answer or error as they are, and logs both.
func (t *loggedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	begin := time.Now()
	resp, err := t.base.RoundTrip(req)
	took := time.Since(begin).Round(time.Millisecond)
	if err != nil {
		t.log(fmt.Sprintf("%s %s no answer in %s: %s", req.Method, loggedURL(req.URL), took, shortenServerText(err.Error(), 200)))
		return resp, err
	}
	t.log(fmt.Sprintf("%s %s %s in %s", req.Method, loggedURL(req.URL), shortenServerText(resp.Status, 200), took))
	return resp, nil
}

// loggedURL returns the URL of a request to an API server without what may be secret in it, and without the token of a
// list that goes on, which is long and means nothing to a reader.
func loggedURL(of *url.URL) string {
	u := *of
	u.User = nil
	if q := u.Query(); q.Has("continue") {
		q.Set("continue", "...")
		u.RawQuery = q.Encode()
	}
	return u.String()
}
