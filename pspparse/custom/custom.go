// Package custom reads objects of kinds beside the pods, controllers, policies and grants that package inventory
// decodes, as far as they change an answer (Kyverno, CEL policies, Fleet, HNC, Terraform, unknown kinds): what makes
// pods, what changes or refuses pods at admission, and what writes the labels of namespaces. The readers of files and
// of clusters both give such objects to ReadObject.
package custom

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// RawObject is one object of a custom kind, as JSON: a kind that inventory.Builder does not decode.
type RawObject struct {
	// APIVersion and Kind are as written; an item of a typed list has those of the list.
	APIVersion, Kind string
	// Namespace and Name are those of its metadata. Namespace is "" where none is written.
	Namespace, Name string
	// JSON is the whole object.
	JSON []byte
	// Position is where its document starts.
	Position pspparse.Position
}

// group returns the API group of the custom object; "" for the core group.
func (o *RawObject) group() string { return groupOf(o.APIVersion) }

// groupOf returns the API group of a custom object's apiVersion; "" for the core group.
func groupOf(apiVersion string) string {
	if group, _, grouped := strings.Cut(apiVersion, "/"); grouped {
		return group
	}
	return ""
}

// KnownResource is a custom kind that ReadObject knows, as API servers serve it.
type KnownResource struct {
	// Group and Versions are those that servers serve it under, the current version first. The fields that are read are the
	// same in all versions.
	Group    string
	Versions []string
	// Name is the plural in URLs, Kind the kind of one object.
	Name, Kind string
	// Namespaced is false for a cluster-scoped kind.
	Namespaced bool
	// Purpose decides what it means where a user may not list the kind.
	Purpose ResourcePurpose
}

// ResourcePurpose is what objects of a custom kind do to pods or namespaces.
type ResourcePurpose int

const (
	// MakesPods is the purpose of kinds from which pods are made. Where they may not be listed, any namespace may hold more
	// pods than were read: that is a gap.
	MakesPods ResourcePurpose = iota
	// ChangesPods is the purpose of kinds that change pods at admission. Where they may not be listed, that is a note, as
	// for the purposes below.
	ChangesPods
	// RefusesPods is the purpose of kinds that refuse pods at admission.
	RefusesPods
	// WritesLabels is the purpose of kinds that write labels of namespaces.
	WritesLabels
)

// objectReader delivers what an object of a custom kind that it knows says to sink and returns true. For any other kind
// it returns false and delivers nothing.
type objectReader func(sink inventory.CustomSink, o RawObject) bool

// objectReaders returns the readers of all custom kinds. An object is given to each of them.
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

// ReadObject delivers what an object of a custom kind says to sink: pods that are made from it, changes of pods, labels
// of namespaces. It returns false, and delivers nothing, for a kind that no reader knows. An object that cannot be
// decoded becomes a gap or a note.
func ReadObject(sink inventory.CustomSink, o RawObject) bool {
	known := false
	readLabelWriter(sink, o)
	for _, read := range objectReaders() {
		known = read(sink, o) || known
	}
	return known
}

// KnownResources returns all custom kinds that ReadObject knows, for the reading of a cluster and for the role that it
// needs.
func KnownResources() []KnownResource {
	return slices.Concat(
		templateResources(),
		admissionResources(),
		gatekeeperResources(),
		kyvernoResources(),
		rancherPolicyResources(),
		rancherAdmissionResources(),
		labelWriterResources(),
	)
}
