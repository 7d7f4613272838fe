package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// StorageRef names the Secret or ConfigMap that stores one revision of a Helm release, as it was when it was read.
type StorageRef struct {
	// Kind is Secret or ConfigMap.
	Kind, Namespace, Name, UID, ResourceVersion string
}

// Release is one stored revision of a Helm release, and what of it is about PodSecurityPolicies or removed API versions.
type Release struct {
	Storage StorageRef
	// Namespace is that of the object: Helm looks for a release there, whatever the release itself says.
	Namespace, Name string
	Revision        int
	// Status is Helm's word: deployed, superseded, failed, pending-upgrade and so on.
	Status              string
	Chart, ChartVersion string
	// Policies are the PodSecurityPolicies in the manifest and in hooks. With one in the manifest Helm cannot read the
	// revision back on a server that serves none.
	Policies []Document
	// Grants are the roles whose rules allow the use of policies, and the bindings of those that allow nothing else. They do
	// no harm without policies.
	Grants []Document
	// Removed are objects of other kinds whose API version some release of Kubernetes does not serve any more. Helm cannot
	// read the revision back on such a server either.
	Removed []Document
	// Unreadable are documents that could not be read and may hold a policy.
	Unreadable []Document
}

// Document is an object in a Helm release, without its content.
type Document struct {
	APIVersion, Kind, Namespace, Name string
	// At is the place of its document in the manifest, from 1; with Hook, the place of the hook among the hooks.
	At   int
	Hook bool
	// Events are when Helm runs the hook.
	Events []string
	// OnlyPolicies is true of a role that allows nothing but the use of policies, and of a binding of one.
	OnlyPolicies bool
	// RemovedIn is the minor of the first release v1.RemovedIn that does not serve the version. It is set in Release.Removed.
	RemovedIn int
}

// releaseJSON is the part of a stored Helm release that is read, with the names that Helm gives.
type releaseJSON struct {
	Name      string       `json:"name"`
	Namespace string       `json:"namespace"`
	Version   int          `json:"version"`
	Manifest  string       `json:"manifest"`
	Hooks     releaseHooks `json:"hooks"`
	Info      struct {
		Status string `json:"status"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"metadata"`
	} `json:"chart"`
}

// releaseHooks are the hooks of a stored Helm release, up to a number.
type releaseHooks []releaseHook

// UnmarshalJSON decodes the hooks of a Helm release. It returns errHooks for too many, and the decoder's error for what
// is no hook.
func (h *releaseHooks) UnmarshalJSON(data []byte) error {
	all, err := splitHooks(data)
	if err != nil {
		return err
	}
	for _, raw := range all {
		var one releaseHook
		if err := json.Unmarshal(raw, &one); err != nil {
			return errJSON
		}
		*h = append(*h, one)
	}
	return nil
}

// splitHooks returns the hooks of a Helm release one by one, as JSON.
func splitHooks(data []byte) ([]json.RawMessage, error) {
	if bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if first, err := dec.Token(); err != nil || first != json.Delim('[') {
		return nil, errJSON
	}
	var all []json.RawMessage
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, errJSON
		}
		if all = append(all, raw); len(all) > maxHooks {
			return nil, errHooks
		}
	}
	return all, nil
}

// releaseHook is a hook of a stored Helm release: a document, and when Helm runs it.
type releaseHook struct {
	Manifest string   `json:"manifest"`
	Events   []string `json:"events"`
}

// The errors about the content of a Helm release. None of them quotes it.
var (
	// errJSON is returned for a release that is not JSON as Helm writes it.
	errJSON = errors.New("its release is not the JSON that Helm writes")
	// errUnnamed is returned for a release without a name or a revision.
	errUnnamed = errors.New("its release has no name or no revision")
	// errRepeated is returned for a release whose JSON object has a field twice.
	errRepeated = errors.New("its release has its manifest or its hooks twice")
	// errMixed is returned for a List of policies and other objects, which is not cleaned.
	errMixed = errors.New("is a List that holds other objects beside policies: edit it by hand")
)

// DecodeRelease decodes the payload of one stored Helm revision: the value of the key release of a ConfigMap, or of a
// Secret without the Secret's own base64. It returns an error for a payload that is not one of Helm, or costs too much;
// no error quotes what it holds.
func DecodeRelease(payload []byte) (Release, error) {
	data, err := decodePayload(payload)
	if err != nil {
		return Release{}, err
	}
	return decodeReleaseJSON(data)
}

// decodeReleaseJSON decodes the JSON of one stored Helm revision.
func decodeReleaseJSON(data []byte) (Release, error) {
	var s releaseJSON
	switch err := json.Unmarshal(data, &s); {
	case errors.Is(err, errHooks):
		return Release{}, errHooks
	case err != nil: // the cause would quote the release
		return Release{}, errJSON
	}
	if s.Name == "" || s.Version <= 0 {
		return Release{}, errUnnamed
	}
	r := Release{
		Namespace: s.Namespace, Name: s.Name, Revision: s.Version, Status: s.Info.Status,
		Chart: s.Chart.Metadata.Name, ChartVersion: s.Chart.Metadata.Version,
	}
	r.findPolicies(&s)
	return r, nil
}

// inManifest reports whether one of the documents is in the manifest of a Helm release: then a server that does not
// serve it keeps Helm from reading the revision back.
func inManifest(documents []Document) bool {
	return slices.ContainsFunc(documents, func(d Document) bool { return !d.Hook })
}

// inHooks reports whether a Helm hook that runs on one of the events would create one of the documents.
func inHooks(documents []Document, events ...string) bool {
	return slices.ContainsFunc(documents, func(d Document) bool {
		return slices.ContainsFunc(d.Events, func(e string) bool { return slices.Contains(events, e) })
	})
}
