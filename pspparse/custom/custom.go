// Package custom reads objects of kinds beside the pods, controllers, policies and grants that package inventory decodes,
// as far as they change an answer: what makes pods, what changes or refuses pods at admission, and what writes the labels
// of namespaces. The readers of files and of clusters both hand such objects to Read.
package custom

import (
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// RawObject is one object of a kind that inventory.Builder.Decode does not read.
type RawObject struct {
	// APIVersion and Kind are as written; an item of a typed list has those of the list.
	APIVersion, Kind string
	// Namespace and Name are from its metadata. Namespace is empty where none is written.
	Namespace, Name string
	// JSON is the whole object.
	JSON     []byte
	Position pspparse.Position
}

// KnownResource is a kind that Read knows, as an API server serves it.
type KnownResource struct {
	// Group and Versions are where servers serve it, the current version first. All versions have the fields that are read.
	Group    string
	Versions []string
	// Name is the plural in the URL, Kind the kind of one object.
	Name, Kind string
	// Namespaced is false for a kind of the cluster.
	Namespaced bool
	// Purpose decides what it means where a user may not list the kind.
	Purpose ResourcePurpose
}

// ResourcePurpose is what objects of a kind do, as far as it matters here.
type ResourcePurpose int

const (
	// MakesPods is for kinds from which pods are made. Where they may not be listed, any namespace may hold more pods than
	// were read: that is a gap.
	MakesPods ResourcePurpose = iota
	// ChangesPods is for kinds that change pods at admission. Where they may not be listed, that is a note, as for those below.
	ChangesPods
	// RefusesPods is for kinds that refuse pods at admission.
	RefusesPods
	// WritesLabels is for kinds that write labels of namespaces.
	WritesLabels
)

// objectReader reads the kinds that it knows: it adds what they say to b and returns true. It returns false, and adds nothing,
// for any other kind.
type objectReader func(sink inventory.CustomSink, o RawObject) bool

func objectReaders() []objectReader {
	return []objectReader{
		readTemplates,
		readGeneratingPolicy,
		readAdmission,
		readGatekeeper,
		readPolicyEngines,
		readRancherPolicies,
		readRancherAdmission,
		readPodSecurityConfiguration,
	}
}

// ReadObject adds what o says to b. It returns false, and adds nothing, if the kind is not one that it knows. Some kinds say several
// things, and each reader takes its own.
func ReadObject(sink inventory.CustomSink, o RawObject) bool {
	known := false
	readLabelWriter(sink, o)
	for _, read := range objectReaders() {
		known = read(sink, o) || known
	}
	return known
}

// KnownResources lists all kinds that Read knows, each once, for the reading of a cluster and for the role that it needs. A kind
// with several purposes has the first of them.
func KnownResources() []KnownResource {
	all := slices.Concat(
		templateResources(),
		admissionResources(),
		gatekeeperResources(),
		kyvernoResources(),
		rancherPolicyResources(),
		rancherAdmissionResources(),
		labelWriterResources(),
	)
	seen := map[[2]string]bool{}
	return slices.DeleteFunc(all, func(r KnownResource) bool {
		key := [2]string{r.Group, r.Name}
		twice := seen[key]
		seen[key] = true
		return twice
	})
}
