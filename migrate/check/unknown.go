package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// unknownLevels gathers the objects of which nothing says what level they have to meet.
type unknownLevels struct {
	namespaces       map[string]bool
	withoutNamespace []string
	clusterScoped    []string
}

// add records an object without a level.
func (u *unknownLevels) add(r *record) {
	name := strings.ToLower(r.object.Kind) + "/" + r.object.Name
	switch {
	case r.object.Namespace == "" && r.clusterScoped:
		u.clusterScoped = append(u.clusterScoped, name)
		return
	case r.object.Namespace == "":
		u.withoutNamespace = append(u.withoutNamespace, name)
		return
	}
	if u.namespaces == nil {
		u.namespaces = map[string]bool{}
	}
	u.namespaces[r.object.Namespace] = true
}

// err returns the error for the objects without a level; nil if there are none.
func (u *unknownLevels) err(o Options) error {
	if len(u.namespaces)+len(u.withoutNamespace)+len(u.clusterScoped) == 0 {
		return nil
	}
	e := &UnknownLevelError{Namespaces: slices.Sorted(maps.Keys(u.namespaces)), WithoutNamespace: u.withoutNamespace, ClusterScoped: u.clusterScoped, Sources: []string{"the labels of a Namespace among the files"}}
	if o.Plan != nil {
		e.Sources = append(e.Sources, "the plan")
	}
	if o.Cluster != nil {
		e.Sources = append(e.Sources, "its labels on the cluster")
	}
	if o.Admission != nil {
		e.Sources = append(e.Sources, "a Namespace without labels, which gets the defaults of the admission configuration")
	}
	return e
}

// filePosition returns the position of a file as a whole.
func filePosition(file string) pspparse.Position { return pspparse.Position{File: file} }
