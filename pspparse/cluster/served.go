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
	// acceptAggregated asks for all groups with their resources in one answer, which servers have by default since v1.27
	// (KEP-3352); others answer with the names of the groups and their versions.
	acceptAggregated = runtime.ContentTypeJSON + ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
		runtime.ContentTypeJSON + ";g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," + runtime.ContentTypeJSON
	// maxDiscovery is how many bytes an answer of discovery may have. A kind takes 300 to 500 of them.
	maxDiscovery = 8 << 20
	// maxVersions is how many versions of one group are looked at. API servers keep two or three.
	maxVersions = 20
)

// groupList is the answer to /apis, in either of its forms. It has no more fields than are used, for a server may send very
// many of them.
type groupList struct {
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

// resourceList is the answer to the path of a group version.
type resourceList struct {
	Kind      string `json:"kind"`
	Resources []struct {
		Name string `json:"name"`
	} `json:"resources"`
}

// served is what discovery told of some groups.
type served struct {
	groups []string
	// versions are those in which a resource is served, in the server's order of preference.
	versions map[schema.GroupResource][]string
	// unknown has why it is not known, or not to the end, what is served of a group.
	unknown map[string]error
}

func (s *served) add(group, version, resource string) {
	gr := schema.GroupResource{Group: group, Resource: resource}
	if got := s.versions[gr]; len(got) < maxVersions && !slices.Contains(got, version) {
		s.versions[gr] = append(got, version)
	}
}

// served asks the server what it serves of some groups: with one request, and on servers without aggregated discovery with
// one more for each version of these groups. The error is that of the first request, without which nothing is known.
func (l *lister) served(ctx context.Context, groups []string) (*served, error) {
	var answer groupList
	if err := l.discoverInto(ctx, "/apis", acceptAggregated, &answer); err != nil {
		return nil, err
	}
	found := &served{groups: groups, versions: map[schema.GroupResource][]string{}, unknown: map[string]error{}}
	switch answer.Kind {
	case "APIGroupDiscoveryList":
		found.aggregated(&answer)
	case "APIGroupList":
		l.eachVersion(ctx, &answer, found)
	default:
		return nil, errKind(answer.Kind)
	}
	return found, nil
}

// aggregated takes what an aggregated answer tells. Where a server behind the API server does not answer, its resources
// may be missing.
func (s *served) aggregated(answer *groupList) {
	for _, g := range answer.Items {
		name := g.Metadata.Name
		if !slices.Contains(s.groups, name) {
			continue
		}
		for _, v := range g.Versions {
			if v.Freshness == "Stale" {
				s.unknown[name] = fmt.Errorf("the server behind the version %s does not answer", clip(v.Version, 100))
			}
			for _, r := range v.Resources {
				s.add(name, v.Version, r.Resource)
			}
		}
	}
}

// eachVersion asks for the resources of every version that the server has of the groups, a few at a time.
func (l *lister) eachVersion(ctx context.Context, answer *groupList, found *served) {
	versions := found.wanted(answer)
	lists, errs := make([]resourceList, len(versions)), make([]error, len(versions))
	var asking sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for i, gv := range versions {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			errs[i] = l.discoverInto(ctx, groupPath(gv), runtime.ContentTypeJSON, &lists[i])
			if errs[i] == nil && lists[i].Kind != "APIResourceList" {
				errs[i] = errKind(lists[i].Kind)
			}
		})
	}
	asking.Wait()
	for i, gv := range versions {
		switch {
		case errs[i] == nil:
			for _, r := range lists[i].Resources {
				found.add(gv.Group, gv.Version, r.Name)
			}
		case code(errs[i]) != http.StatusNotFound && found.unknown[gv.Group] == nil: // 404: it went away in between
			found.unknown[gv.Group] = errs[i]
		}
	}
}

// wanted are the versions that the server has of the groups.
func (s *served) wanted(answer *groupList) []schema.GroupVersion {
	var versions []schema.GroupVersion
	for _, g := range answer.Groups {
		if !slices.Contains(s.groups, g.Name) {
			continue
		}
		for i, v := range g.Versions {
			if i == maxVersions || len(validation.IsDNS1035Label(v.Version)) > 0 {
				s.unknown[g.Name] = guardf("it has versions that no API server has; %s", checkAddress)
				break
			}
			versions = append(versions, schema.GroupVersion{Group: g.Name, Version: v.Version})
		}
	}
	return versions
}

// discoverInto fills into from the answer at a path of discovery.
func (l *lister) discoverInto(ctx context.Context, path, accept string, into any) error {
	return l.attempts(ctx, func() error {
		ctx, cancel := context.WithTimeoutCause(ctx, l.timeout, &slowError{"no whole answer", l.timeout})
		defer cancel()
		data, err := l.discovery(ctx, path, accept)
		var slow *slowError
		switch {
		case err != nil && errors.As(context.Cause(ctx), &slow):
			return slow
		case err != nil:
			return err
		}
		return decodeJSON(data, into)
	})
}

// discovery reads one answer, which may not be long, nor of very many parts.
func (l *lister) discovery(ctx context.Context, path, accept string) ([]byte, error) {
	body, err := l.client.Get().AbsPath(path).SetHeader("Accept", accept).MaxRetries(0).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }() // what matters was read
	data, err := io.ReadAll(io.LimitReader(body, maxDiscovery+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxDiscovery:
		return nil, guardf("the answer to GET %s is longer than %s; %s", path, inBytes(maxDiscovery), checkAddress)
	}
	return data, checkWeight(nil, data, inJSON)
}

func errKind(kind string) error {
	return &answerError{fmt.Errorf("the answer is of the kind %s", clip(fmt.Sprintf("%q", kind), 100))}
}

// whyUnknown says why discovery did not tell what is served at a path, and what to do about it.
func whyUnknown(path string, err error) string {
	why := "asking the server which of them it serves failed: " + words(err)
	switch {
	case isRefused(err):
		return fmt.Sprintf("%s (%d); grant the verb get on the path %s, as the ClusterRole system:discovery does "+
			"for every user that is signed in: {nonResourceURLs: [%q], verbs: [%q]}", strings.TrimSuffix(why, "."), code(err), path, path, "get")
	case isGuard(err):
		return why // it says what to do
	}
	return why + "; try again"
}
