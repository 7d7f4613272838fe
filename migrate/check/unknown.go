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
}

// add records an object without a level.
func (u *unknownLevels) add(r *record) {
	if r.object.Namespace == "" {
		u.withoutNamespace = append(u.withoutNamespace, strings.ToLower(r.object.Kind)+"/"+r.object.Name)
		return
	}
	if u.namespaces == nil {
		u.namespaces = map[string]bool{}
	}
	u.namespaces[r.object.Namespace] = true
}

// err returns the error for the objects without a level; nil if there are none.
func (u *unknownLevels) err(o Options) error {
	if len(u.namespaces)+len(u.withoutNamespace) == 0 {
		return nil
	}
	e := &UnknownLevelError{Namespaces: slices.Sorted(maps.Keys(u.namespaces)), WithoutNamespace: u.withoutNamespace, Sources: []string{"the labels of a Namespace among the files"}}
	if o.Plan != nil {
		e.Sources = append(e.Sources, "the plan")
	}
	if o.Cluster != nil {
		e.Sources = append(e.Sources, "its labels on the cluster")
	}
	return e
}

// filePosition returns the position of a file as a whole.
func filePosition(file string) pspparse.Position { return pspparse.Position{File: file} }
