package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// acceptAggregatedDiscovery asks for all groups with their resources in one answer, which servers have by default since v1.27
	// (KEP-3352); others answer with the names of the groups and their versions.
	acceptAggregatedDiscovery = runtime.ContentTypeJSON + ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
		runtime.ContentTypeJSON + ";g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," + runtime.ContentTypeJSON
	// maxDiscoveryBytes is how many bytes an answer of discovery may have. A kind takes 300 to 500 of them.
	maxDiscoveryBytes = 8 << 20
	// maxGroupVersions is how many versions of one group are looked at. API servers keep two or three.
	maxGroupVersions = 20
)

// discoveryGroupList is an API server's answer to /apis, in either of its forms. It has no more fields than are used,
// for a server may send very many of them.
type discoveryGroupList struct {
	Kind string `json:"kind"`
	// Items is what an aggregated answer has, Groups any other.
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Versions []struct {
			Version   string `json:"version"`
			Freshness string `json:"freshness"`
			Resources []struct {
				Resource string `json:"resource"`
			} `json:"resources"`
		} `json:"versions"`
	} `json:"items"`
	Groups []struct {
		Name     string `json:"name"`
		Versions []struct {
			Version string `json:"version"`
		} `json:"versions"`
	} `json:"groups"`
}

// discoveryResourceList is an API server's answer to the path of a group version.
type discoveryResourceList struct {
	Kind      string `json:"kind"`
	Resources []struct {
		Name string `json:"name"`
	} `json:"resources"`
}

// servedResources is what a server's discovery says of some API groups.
type servedResources struct {
	// groups are the API groups that were asked for.
	groups []string
	// versions are those in which a resource is served, in the server's order of preference.
	versions map[schema.GroupResource][]string
	// groupErrors says of a group why it is not known, or not to the end, what is served of it.
	groupErrors map[string]error
}

// addVersion adds a version in which the API server serves a resource.
func (s *servedResources) addVersion(group, version, resource string) {
	gr := schema.GroupResource{Group: group, Resource: resource}
	if got := s.versions[gr]; len(got) < maxGroupVersions && !slices.Contains(got, version) {
		s.versions[gr] = append(got, version)
	}
}

// discoverGroups asks the API server what it serves of some API groups: with one request, and on servers without
// aggregated discovery with one more for each version. The error is that of the first request, without which nothing is
// known.
func (l *clusterLister) discoverGroups(ctx context.Context, groups []string) (*servedResources, error) {
	var answer discoveryGroupList
	if err := l.getDiscovery(ctx, "/apis", acceptAggregatedDiscovery, &answer); err != nil {
		return nil, err
	}
	found := &servedResources{groups: groups, versions: map[schema.GroupResource][]string{}, groupErrors: map[string]error{}}
	switch answer.Kind {
	case "APIGroupDiscoveryList":
		found.addAggregated(&answer)
	case "APIGroupList":
		l.discoverVersions(ctx, &answer, found)
	default:
		return nil, unexpectedKindError(answer.Kind)
	}
	return found, nil
}

// addAggregated adds what an aggregated answer of the API server's discovery says. Where a server behind the API server
// does not answer, its resources may be missing.
func (s *servedResources) addAggregated(answer *discoveryGroupList) {
	for _, g := range answer.Items {
		name := g.Metadata.Name
		if !slices.Contains(s.groups, name) {
			continue
		}
		for _, v := range g.Versions {
			if v.Freshness == "Stale" {
				s.groupErrors[name] = fmt.Errorf("the server behind the version %s does not answer", shortenServerText(v.Version, 100))
			}
			for _, r := range v.Resources {
				s.addVersion(name, v.Version, r.Resource)
			}
		}
	}
}

// discoverVersions asks the API server for the resources of every version that the server has of the groups, a few at a
// time.
func (l *clusterLister) discoverVersions(ctx context.Context, answer *discoveryGroupList, found *servedResources) {
	versions := found.wantedVersions(answer)
	lists, errs := make([]discoveryResourceList, len(versions)), make([]error, len(versions))
	var asking sync.WaitGroup
	slots := make(chan struct{}, concurrentLists)
	for i, gv := range versions {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			errs[i] = l.getDiscovery(ctx, groupVersionPath(gv), runtime.ContentTypeJSON, &lists[i])
			if errs[i] == nil && lists[i].Kind != "APIResourceList" {
				errs[i] = unexpectedKindError(lists[i].Kind)
			}
		})
	}
	asking.Wait()
	for i, gv := range versions {
		switch {
		case errs[i] == nil:
			for _, r := range lists[i].Resources {
				found.addVersion(gv.Group, gv.Version, r.Name)
			}
		case httpStatus(errs[i]) != http.StatusNotFound && found.groupErrors[gv.Group] == nil: // 404: it went away in between
			found.groupErrors[gv.Group] = errs[i]
		}
	}
}

// wantedVersions returns the versions that the API server has of the groups.
func (s *servedResources) wantedVersions(answer *discoveryGroupList) []schema.GroupVersion {
	var versions []schema.GroupVersion
	for _, g := range answer.Groups {
		if !slices.Contains(s.groups, g.Name) {
			continue
		}
		for i, v := range g.Versions {
			if i == maxGroupVersions || len(validation.IsDNS1035Label(v.Version)) > 0 {
				s.groupErrors[g.Name] = untrustedAnswerf("it has versions that no API server has; %s", checkAddressHint)
				break
			}
			versions = append(versions, schema.GroupVersion{Group: g.Name, Version: v.Version})
		}
	}
	return versions
}

// getDiscovery requests and decodes the API server's answer at a path of discovery, and tries again where that may
// help.
func (l *clusterLister) getDiscovery(ctx context.Context, path, accept string, into any) error {
	return l.retryRequest(ctx, func() error {
		ctx, cancel := context.WithTimeoutCause(ctx, l.timeout, &timeoutError{"no whole answer", l.timeout})
		defer cancel()
		data, err := l.readDiscovery(ctx, path, accept)
		var slow *timeoutError
		switch {
		case err != nil && errors.As(context.Cause(ctx), &slow):
			return slow
		case err != nil:
			return err
		}
		return decodeJSON(data, into)
	})
}

// readDiscovery returns one answer of the API server's discovery, within limits of its length and its number of values.
func (l *clusterLister) readDiscovery(ctx context.Context, path, accept string) ([]byte, error) {
	body, err := l.client.Get().AbsPath(path).SetHeader("Accept", accept).MaxRetries(0).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }() // what matters was read
	data, err := io.ReadAll(io.LimitReader(body, maxDiscoveryBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxDiscoveryBytes:
		return nil, untrustedAnswerf("the answer to GET %s is longer than %s; %s", path, formatBytes(maxDiscoveryBytes), checkAddressHint)
	}
	return data, checkDecodedSize(nil, data, jsonEncoding)
}

// unexpectedKindError returns the error of an answer of discovery of another kind than was asked for.
func unexpectedKindError(kind string) error {
	return &badAnswerError{fmt.Errorf("the answer is of the kind %s", shortenServerText(fmt.Sprintf("%q", kind), 100))}
}

// discoveryFailedReason returns why discovery does not say what is served at a path, and what to do about it.
func discoveryFailedReason(path string, err error) string {
	why := "asking the server which of them it serves failed: " + serverErrorText(err)
	switch {
	case isForbidden(err):
		return fmt.Sprintf("%s (%d); grant the verb get on the path %s, as the ClusterRole system:discovery does "+
			"for every user that is signed in: {nonResourceURLs: [%q], verbs: [%q]}", strings.TrimSuffix(why, "."), httpStatus(err), path, path, "get")
	case isUntrustedAnswer(err):
		return why // it says what to do
	}
	return why + "; try again"
}
